//! The page's files and how they were made.

use super::html::audit_html;
use super::provenance::Provenance;
use crate::audit::{Counts, Listed, Report, SCHEMA};
use crate::digest::Digest;
use crate::provenance::{Class, Copied, File, Input, Left, Lost, Made, Maker, Role, Search, What};
use crate::report::page::allowed;

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn input(class: Class, input: &str, place: &str) -> Input {
    let (what, role) = match class {
        Class::Data => (What::Header, Role::Target),
        Class::Tool => (What::Compiler, Role::Tools),
        Class::Control => (What::Script, Role::Stage),
    };
    let path = format!("/target/{place}");
    let (input, place, digest) = (input.to_owned(), place.to_owned(), digest(place));
    Input { class, what, role, input, place, path, digest, readers: 2, reader: 1, search: None }
}

fn maker(number: u32, via: Option<u32>, command: &str) -> Maker {
    Maker {
        number,
        parent: None,
        class: Class::Data,
        via,
        program: "/bin/cc".to_owned(),
        arguments: command.split(' ').map(str::to_owned).collect(),
        cut: false,
        directory: "/build".to_owned(),
        wrote: Vec::new(),
    }
}

fn nothing(stage: &str) -> Made {
    Made {
        stage: stage.to_owned(),
        action: digest("action"),
        trace: digest("trace"),
        depth: 1,
        copies: Vec::new(),
        files: Vec::new(),
        processes: Vec::new(),
        inputs: Vec::new(),
        archives: Vec::new(),
        generated: Vec::new(),
        unknown: Vec::new(),
    }
}

fn made(stage: &str, path: &str, inputs: Vec<Input>) -> Made {
    let files = vec![File { path: path.to_owned(), digest: digest(path) }];
    let processes = vec![maker(1, None, "ld -o x"), maker(2, Some(1), "cc a.c"), maker(3, Some(1), "cc b.c")];
    Made { files, processes, inputs, ..nothing(stage) }
}

fn copy(stage: &str, path: &str, of: Input) -> Made {
    let copies = vec![Copied { path: path.to_owned(), of, by: vec![maker(1, None, "cp -r /in /out")] }];
    Made { copies, ..nothing(stage) }
}

fn report(objects: &[(&str, &str)]) -> Report {
    let file = |(object, content): &(&str, &str)| Listed {
        object: (*object).to_owned(),
        kind: "file",
        digest: Some(digest(content)),
    };
    Report {
        schema: SCHEMA,
        subject: "one".to_owned(),
        counts: Counts::default(),
        findings: Vec::new(),
        exceptions: Vec::new(),
        outside: Vec::new(),
        origin: None,
        files: objects.iter().map(file).collect(),
    }
}

/// The tables, as the page's script reads them.
fn tables(page: &str) -> serde_json::Value {
    let from = "<script type=\"application/json\" id=\"provenance\">";
    let (_, rest) = page.split_once(from).expect("the page has tables");
    let (json, _) = rest.split_once("</script>").expect("they end");
    serde_json::from_str(json).expect("they are JSON")
}

#[test]
fn what_stages_wrote_is_text_wherever_it_stands() {
    let hostile = "</script><script>x()</script><!--\u{2028}\u{202e}\u{1b}[2J'\"&";
    let mut header = input(Class::Data, hostile, hostile);
    let lost = Lost { path: hostile.into(), role: Role::Target, input: hostile.into(), digest: digest("") };
    header.search = Some(Search { absent: vec![hostile.into()], lost: vec![lost] });
    let mut one = made("one", hostile, vec![header]);
    one.processes[0].arguments.push(hostile.to_owned());
    one.processes[0].directory = hostile.to_owned();
    (one.generated, one.unknown) = (vec![hostile.into()], vec![hostile.into()]);
    let mut known = Provenance::new("one", "");
    assert!(known.add(&one));
    let left = Left { untraced: [hostile.to_owned()].into(), ..Left::default() };
    known.finish(left);
    let page = audit_html(&report(&[(hostile, hostile)]), Ok(&known));
    // The two that the page has itself: the tables and the program.
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (2, 2), "{page}");
    // The end of a line that matters in a script only.
    assert!(!page.split_once("id=\"provenance\"").expect("the page has tables").1.contains('\u{2028}'));
    for raw in ["<!--", "\u{202e}", "\u{1b}", "x()</", "'\"&"] {
        assert!(!page.contains(raw), "{raw:?}: {page}");
    }
    let strings = tables(&page)["strings"].to_string();
    assert!(strings.contains("</script><script>x()</script><!--"), "it is told all the same: {strings}");
    let page = audit_html(&report(&[]), Err("<b>no</b>"));
    assert!(page.contains("&lt;b&gt;no") && !page.contains("id=\"provenance\""), "{page}");
}

#[test]
fn what_several_files_were_made_of_is_told_once() {
    let inputs =
        |count: usize| (0..count).map(|n| input(Class::Data, "stage:lib", &format!("include/{n:04}.h"))).collect();
    let mut known = Provenance::new("one", "");
    assert!(known.add(&made("one", "a", inputs(500))));
    let first = known.size().1;
    for name in ["b", "c", "d"] {
        assert!(known.add(&made("one", name, inputs(500))));
    }
    assert!(known.size().1 - first < first / 20, "{first} and {}", known.size().1);
    known.finish(Left::default());
    let objects = [("a", "a"), ("b", "b")];
    let page = audit_html(&report(&objects), Ok(&known));
    let tables = tables(&page);
    assert_eq!(tables["nodes"].as_array().map(Vec::len), Some(4));
    assert_eq!(tables["lists"].as_array().map(Vec::len), Some(1));
    assert_eq!(tables["files"].as_array().map(Vec::len), Some(500));
    // Programs are told together, those whose output they read below them.
    let by = &tables["nodes"][0]["by"];
    assert_eq!((&by[0]["count"], &by[0]["of"][0]["count"]), (&1.into(), &2.into()), "{by}");
    assert_eq!(page, audit_html(&report(&objects), Ok(&known)));
}

#[test]
fn a_page_has_a_bound_and_says_so() {
    let inputs = (0..1000).map(|n| input(Class::Data, "stage:lib", &format!("include/{n:04}.h"))).collect();
    let mut known = Provenance::bounded("one", 20_000);
    assert!(known.add(&made("one", "a", inputs)));
    assert!(!known.add(&made("lib", "include/0000.h", Vec::new())));
    known.finish(Left { cut: ["lib".to_owned()].into(), ..Left::default() });
    assert!(known.size().1 < 30_000, "{}", known.size().1);
    let page = audit_html(&report(&[("a", "a"), ("b", "b")]), Ok(&known));
    let list = &tables(&page)["lists"][0];
    let told = list["files"].as_array().map_or(0, Vec::len) as u64;
    assert!(told > 10 && told + list["more"].as_u64().unwrap_or(0) == 1000, "{list}");
    assert!(page.contains("Cut, since this page has a bound") && page.contains("<code>lib</code>"), "{page}");
    // A file that is not told of is no button.
    assert!(page.contains("data-node=\"0\"") && page.contains("<td class=\"path\">b<"), "{page}");
}

#[test]
fn a_file_is_found_at_its_path_or_by_its_content_and_its_maker_through_copies() {
    let mut known = Provenance::new("image", "");
    let tree = |place: &str| Input { role: Role::Inputs, ..input(Class::Data, "stage:rootfs/root", place) };
    assert!(known.add(&made("image", "system.tar", vec![tree("bin/tool"), tree("bin/other")])));
    let same = |place: &str| Input { digest: digest("tool"), ..input(Class::Data, "stage:tool", place) };
    assert!(known.add(&copy("rootfs", "root/bin/other", same("out/tool"))));
    assert!(known.add(&copy("rootfs", "root/bin/tool", same("out/tool"))));
    let script = Input { digest: digest("rc"), ..input(Class::Data, "stage", "files/rc") };
    assert!(known.add(&copy("rootfs", "root/etc/rc", script)));
    assert!(known.add(&made("tool", "out/tool", Vec::new())));
    let of = |object: &str, content: &str| {
        let node = known.node_of(object, Some(digest(content)))?;
        Some((node, known.maker(node)))
    };
    assert_eq!(of("system.tar", "anything"), Some((0, "image".to_owned())));
    assert_eq!(of("system.tar!bin/tool", "tool"), Some((2, "tool".to_owned())));
    assert_eq!(of("system.tar!etc/rc", "rc"), Some((3, "rootfs (a copy from stage)".to_owned())));
    assert_eq!(of("system.tar!bin/tool", "another"), None);
    assert_eq!(of("system.tar!bin/tool", ""), None, "empty files are all alike");
    assert_eq!(of("none", "tool"), None);
    // A part of an output has paths of its own; it may be one file.
    let mut part = Provenance::new("one", "usr/lib");
    assert!(part.add(&made("one", "usr/lib/x", Vec::new())));
    assert_eq!(part.node_of("x", None), Some(0));
    let mut alone = Provenance::new("one", "usr/x");
    assert!(alone.add(&made("one", "usr/x", Vec::new())));
    assert_eq!(alone.node_of("x", None), Some(0));
}

#[test]
fn only_the_page_s_own_script_may_run() {
    // RFC 4648 of the SHA-256 of nothing.
    assert_eq!(allowed(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let page = audit_html(&report(&[]), Err("none"));
    for (begin, end) in [("<script>", "</script>"), ("<style>", "</style>")] {
        let (text, _) = page.split_once(begin).expect("it is there").1.split_once(end).expect("it ends");
        assert!(page.contains(&format!("'{}'", allowed(text))), "{begin}");
    }
    assert!(!page.contains("unsafe-inline") && !page.contains(" style=\"") && !page.contains(" onclick"));
}
