//! A report with a fact of each kind, as text.

use super::{diff_html, diff_text};
use crate::diff::{Difference, Fact, Hunk, Line, Moved, Range, Report, Side};
use crate::report::Palette;

fn place(name: &str, kind: &str, facts: Vec<Fact>, inside: Vec<Difference>) -> Difference {
    Difference { name: name.to_owned(), kind: kind.to_owned(), sizes: [Some(2048), Some(2048)], facts, inside }
}

pub(super) fn report() -> Report {
    let field = |name: &str, a: Option<&str>, b: &str, metadata| Fact::Field {
        name: name.to_owned(),
        values: [a.map(str::to_owned), Some(b.to_owned())],
        metadata,
    };
    let line = |side, text: &str| Line { side, text: text.to_owned() };
    let lines = vec![line(None, "same"), line(Some(Side::Left), "\u{1b}[31mred"), line(Some(Side::Right), "green")];
    let hunks = vec![Hunk { starts: [3, 3], within: "main".to_owned(), lines }];
    let bytes = Fact::Bytes {
        differing: [1, 1],
        ranges: vec![Range {
            offsets: [300, 300],
            lengths: [1, 1],
            bytes: ["414243".to_owned(), "414244".to_owned()],
            before: 2,
        }],
        metadata: false,
        left_out: 2,
    };
    let moved = vec![Moved { name: "b".to_owned(), positions: [0, 4] }];
    let tar = place(
        "root.tar",
        "tar archive",
        vec![Fact::Order { moved: 2, examples: moved }],
        vec![
            place(
                "etc/motd",
                "text",
                vec![
                    field("mtime", Some("2001-09-09 01:46:40"), "2001-09-09 01:46:41", true),
                    Fact::Lines { what: "lines".to_owned(), hunks, left_out: 7 },
                ],
                vec![],
            ),
            place("bin/tool", "bytes", vec![bytes], vec![]),
            place("gone", "file", vec![Fact::Only { side: Side::Left, elsewhere: Some("here".to_owned()) }], vec![]),
        ],
    );
    let broken = Fact::Unreadable {
        side: Side::Right,
        kind: "zip archive".to_owned(),
        reason: "it has no central directory".to_owned(),
    };
    let mut top = place(
        "",
        "directory",
        vec![],
        vec![
            place("boot", "directory", vec![], vec![place("root.tar.gz", "gzip", vec![], vec![tar])]),
            place("x.zip", "zip archive", vec![broken, Fact::Unsearched { reason: "of its depth".to_owned() }], vec![]),
            place(
                "y",
                "file",
                vec![Fact::Kind { values: ["file".to_owned(), "directory".to_owned()] }, field("uid", None, "0", true)],
                vec![],
            ),
        ],
    );
    top.sizes = [None, None];
    Report::new(["a".to_owned(), "b".to_owned()], Some(top))
}

#[test]
fn a_report_is_laid_out() {
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("diff-text", diff_text(&report(), Palette::PLAIN, false));
    });
    let unicode = diff_text(&report(), Palette { colour: false, unicode: true }, true);
    assert!(unicode.contains("├ ") && unicode.contains(" → ") && !unicode.contains('\u{1b}'), "{unicode}");
}

#[test]
fn what_is_identical_is_one_line() {
    let text = diff_text(&Report::new(["a".to_owned(), "b".to_owned()], None), Palette::PLAIN, false);
    assert_eq!(text, "identical: a and b are identical\n");
}

#[test]
fn a_page_runs_nothing_and_takes_names_as_text() {
    let mut report = report();
    report.subjects[0] = "<script>alert(1)</script>".to_owned();
    let page = diff_html(&report, &[]);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    assert!(page.contains("default-src 'none'") && !page.contains("script-src"), "{page}");
    for what in
        ["root.tar", "2 entries stand elsewhere", "it is no valid zip archive", "class=\"ins\">green", "not all was"]
    {
        assert!(page.contains(what), "{what}: {page}");
    }
    assert_eq!(page.matches("<details").count(), page.matches("</details>").count());
    assert_eq!(page.matches("<table").count(), page.matches("</table>").count());
}
