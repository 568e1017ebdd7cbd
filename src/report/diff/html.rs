//! The tree of differences as a page: folded, with lines and bytes side by side. It needs no script.

use super::shared::shared;
use super::words;
use crate::diff::{Difference, Fact, Hunk, Range, Report, Side};
use crate::report::cause::causes_html;
use crate::report::page::{escape, foot, head};
use crate::verify::cause::Explained;

const STYLE: &str = include_str!("page.css");
/// Places that a page shows; a page of a million would not open.
const MOST: usize = 20_000;
/// Places that are open at first.
const OPEN: u64 = 40;

/// The page on a comparison.
pub fn diff_html(report: &Report, differing: &[Explained]) -> String {
    let title = format!("{} and {}", escape(&report.subjects[0]), escape(&report.subjects[1]));
    let mut page = beginning(&title, report.identical);
    page.push_str(&format!("<p>{}.</p>\n", escape(&words::verdict(report))));
    for note in &report.notes {
        page.push_str(&format!("<p class=\"faint\">Note: {}.</p>\n", escape(note)));
    }
    if let Some(difference) = &report.difference {
        page.push_str(
            "<p class=\"legend\"><span class=\"del\">left</span> <span class=\"ins\">right</span> \
             <span class=\"faint\">how it is described or packed</span></p>\n",
        );
        difference_html(difference, &mut page);
    }
    causes_html(differing, &mut page);
    page.push_str(&foot(None));
    page
}

/// A page up to its verdict. The title is HTML.
pub(in crate::report) fn beginning(title: &str, identical: bool) -> String {
    let (class, word) = if identical { ("good", "identical") } else { ("error", "different") };
    let mut page = head(title, STYLE, None);
    page.push_str(&format!("<h1>{title} <span class=\"verdict {class}\">{word}</span></h1>\n"));
    page
}

/// The tree alone.
pub(in crate::report) fn difference_html(difference: &Difference, page: &mut String) {
    let mut view = View { left: MOST, open: difference.places() <= OPEN };
    page.push_str("<ul class=\"tree\">\n");
    view.place(&shared(difference), page);
    page.push_str("</ul>\n");
    if view.left == 0 {
        page.push_str(&format!("<p class=\"error\">Only {MOST} places are shown. <code>--json</code> has all.</p>\n"));
    }
}

struct View {
    left: usize,
    open: bool,
}

impl View {
    fn place(&mut self, place: &Difference, page: &mut String) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let name = if place.name.is_empty() { String::new() } else { format!("<b>{}</b> ", escape(&place.name)) };
        let count = place.places();
        let count = if place.facts.is_empty() && count > 1 { format!(" · {count} places") } else { String::new() };
        let open = if self.open || place.facts.is_empty() { " open" } else { "" };
        page.push_str(&format!(
            "<li><details{open}><summary>{name}<span class=\"faint\">{}{count}</span></summary>\n",
            escape(&words::nature(place))
        ));
        for fact in &place.facts {
            let class = if fact.is_metadata() { " class=\"faint\"" } else { "" };
            match fact {
                Fact::Field { name, values, .. } => {
                    let [left, right] = values.each_ref().map(|value| value.as_deref().map_or("(none)".into(), escape));
                    page.push_str(&format!(
                        "<p{class}>{}: <code class=\"del\">{left}</code> <code class=\"ins\">{right}</code></p>\n",
                        escape(name)
                    ));
                }
                fact => page.push_str(&format!("<p{class}>{}</p>\n", escape(&words::line(fact)))),
            }
            match fact {
                Fact::Lines { hunks, .. } => hunks.iter().for_each(|hunk| lines(hunk, page)),
                Fact::Bytes { ranges, .. } => bytes(ranges, page),
                _ => {}
            }
        }
        if !place.inside.is_empty() {
            page.push_str("<ul>\n");
            place.inside.iter().for_each(|inside| self.place(inside, page));
            page.push_str("</ul>\n");
        }
        page.push_str("</details>\n");
    }
}

/// A hunk, the old lines beside the new ones.
fn lines(hunk: &Hunk, page: &mut String) {
    let within = if hunk.within.is_empty() { String::new() } else { format!(" {}", escape(&hunk.within)) };
    page.push_str(&format!(
        "<table class=\"sides\"><caption>{} and {}{within}</caption>\n",
        hunk.starts[0], hunk.starts[1]
    ));
    let mut rest = hunk.lines.as_slice();
    while let [first, after @ ..] = rest {
        if first.side.is_none() {
            let text = escape(&first.text);
            page.push_str(&format!("<tr><td>{text}<td>{text}\n"));
            rest = after;
            continue;
        }
        let of = |side, lines: &[crate::diff::Line]| lines.iter().take_while(|line| line.side == Some(side)).count();
        let old = of(Side::Left, rest);
        let new = of(Side::Right, &rest[old..]);
        for row in 0..old.max(new) {
            let cell = |at: Option<&crate::diff::Line>, class: &str| {
                at.map_or("<td>".to_owned(), |line| format!("<td class=\"{class}\">{}", escape(&line.text)))
            };
            let left = cell(rest[..old].get(row), "del");
            let right = cell(rest[old..old + new].get(row), "ins");
            page.push_str(&format!("<tr>{left}{right}\n"));
        }
        rest = &rest[old + new..];
    }
    page.push_str("</table>\n");
}

fn bytes(ranges: &[Range], page: &mut String) {
    page.push_str("<table class=\"sides\">\n");
    for range in ranges {
        page.push_str(&format!(
            "<tr><td class=\"del\">{}<td class=\"ins\">{}\n",
            escape(&words::dump(range, Side::Left)),
            escape(&words::dump(range, Side::Right))
        ));
    }
    page.push_str("</table>\n");
}
