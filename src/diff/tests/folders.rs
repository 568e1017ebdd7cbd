//! Folders, trees and files, made here and compared.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use globset::{Glob, GlobSetBuilder};

use crate::container::{About, Subject};
use crate::diff::{Comparison, Counts, Difference, Error, Fact, Options, Report, report_schema};
use crate::fs::Dir;
use crate::store::{Store, TreeBuilder};

/// All facts with the paths of their places, in the order of the report.
pub(super) fn facts(difference: Option<&Difference>) -> Vec<String> {
    fn walk(place: &Difference, path: &str, out: &mut Vec<String>) {
        let path = if path.is_empty() { place.name.clone() } else { format!("{path}/{}", place.name) };
        for fact in &place.facts {
            let said = match fact {
                Fact::Only { side, elsewhere } => format!("only {side:?} {}", elsewhere.as_deref().unwrap_or("")),
                Fact::Kind { values } => format!("kind {} {}", values[0], values[1]),
                Fact::Field { name, values, metadata } => {
                    let [a, b] = values.each_ref().map(|value| value.as_deref().unwrap_or("none"));
                    format!("{name} {a} {b}{}", if *metadata { " (metadata)" } else { "" })
                }
                Fact::Order { moved, .. } => format!("order {moved}"),
                Fact::Lines { what, hunks, .. } => format!("{what} in {} hunks", hunks.len()),
                Fact::Bytes { differing, .. } => format!("bytes {} {}", differing[0], differing[1]),
                Fact::Unreadable { side, kind, .. } => format!("unreadable {side:?} {kind}"),
                Fact::Unsearched { .. } => "unsearched".to_owned(),
            };
            out.push(format!("{path}: {}", said.trim_end()));
        }
        place.inside.iter().for_each(|inside| walk(inside, &path, out));
    }
    let mut out = Vec::new();
    if let Some(difference) = difference {
        walk(difference, "", &mut out);
    }
    out
}

fn compare(pair: [Subject; 2], options: &Options) -> Option<Difference> {
    let scratch = tempfile::tempdir().expect("a folder");
    let dir = Dir::open(scratch.path()).expect("it can be opened");
    Comparison::new(options, &dir, None).subjects(pair).expect("they can be compared")
}

pub(super) fn folders(left: &Path, right: &Path, options: &Options) -> Vec<String> {
    let open = |path| Subject::open(path).expect("it is there");
    facts(compare([open(left), open(right)], options).as_ref())
}

/// A folder with files, links and folders, as two builds would leave it.
fn tree(root: &Path) {
    fs::create_dir_all(root.join("usr/bin")).expect("a folder");
    fs::create_dir_all(root.join("etc")).expect("a folder");
    fs::write(root.join("etc/motd"), "one\ntwo\nthree\n").expect("a file");
    fs::write(root.join("etc/data.json"), r#"{"a": 1, "b": [1, 2]}"#).expect("a file");
    fs::write(root.join("usr/bin/tool"), b"\x01\x02\x03\x04").expect("a file");
    std::os::unix::fs::symlink("tool", root.join("usr/bin/alias")).expect("a link");
}

#[test]
fn equal_folders_are_equal() {
    let [a, b] = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    tree(a.path());
    tree(b.path());
    assert!(folders(a.path(), b.path(), &Options::default()).is_empty());
    assert!(folders(a.path(), a.path(), &Options::default()).is_empty());
}

#[test]
fn every_difference_of_folders_is_told() {
    let [a, b] = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    tree(a.path());
    tree(b.path());
    let at = |path: &str| b.path().join(path);
    fs::write(at("etc/motd"), "one\n2\nthree\n").expect("a file");
    fs::write(at("etc/data.json"), r#"{"a": 2, "b": [1, 2, 3]}"#).expect("a file");
    fs::set_permissions(at("etc/motd"), fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::remove_file(at("usr/bin/alias")).expect("it was there");
    std::os::unix::fs::symlink("other", at("usr/bin/alias")).expect("a link");
    fs::create_dir_all(at("var/lib")).expect("a folder");
    fs::write(at("var/lib/new"), "new").expect("a file");
    fs::rename(at("usr/bin/tool"), at("usr/bin/tool2")).expect("it was there");
    fs::write(a.path().join("x"), "a file here").expect("a file");
    fs::create_dir(at("x")).expect("and a folder there");
    let options = Options::default();
    assert_eq!(
        folders(a.path(), b.path(), &options),
        [
            "etc/data.json: /a 1 2",
            "etc/data.json: /b/2 none 3",
            "etc/data.json: lines in 1 hunks",
            "etc/motd: mode 0644 0600 (metadata)",
            "etc/motd: lines in 1 hunks",
            "usr/bin/alias: target tool other",
            "usr/bin/tool: only Left usr/bin/tool2",
            "usr/bin/tool2: only Right usr/bin/tool",
            "var: only Right",
            "var/lib: only Right",
            "var/lib/new: only Right",
            "x: mode 0644 0755 (metadata)",
            "x: kind file directory",
        ]
    );
    let only = |only| Options { only: Some(only), ..Options::default() };
    let metadata = folders(a.path(), b.path(), &only(About::Metadata));
    assert_eq!(metadata, ["etc/motd: mode 0644 0600 (metadata)", "x: mode 0644 0755 (metadata)"]);
    assert_eq!(folders(a.path(), b.path(), &only(About::Content)).len(), 11);
    let mut exclude = GlobSetBuilder::new();
    exclude.add(Glob::new("{etc,x,var}").expect("a glob"));
    let exclude = exclude.build().expect("globs");
    let left = folders(a.path(), b.path(), &Options { exclude, ..Options::default() });
    assert!(left.len() == 3 && left.iter().all(|fact| fact.starts_with("usr/")), "{left:?}");
}

#[test]
fn times_count_when_asked_for() {
    let [a, b] = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    for (folder, seconds) in [(&a, 1_000_000_000), (&b, 1_000_000_001)] {
        let file = fs::File::create(folder.path().join("file")).expect("a file");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        file.set_modified(time).expect("a time");
    }
    let options = Options::default();
    assert!(folders(a.path(), b.path(), &options).is_empty());
    let found = folders(a.path(), b.path(), &Options { times: true, ..options });
    assert_eq!(found, ["file: mtime 2001-09-09 01:46:40 2001-09-09 01:46:41 (metadata)"]);
}

#[test]
fn trees_of_the_store_are_compared_with_each_other_and_with_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store")).expect("a store");
    let plain = folder.path().join("plain");
    tree(&plain);
    let put = |motd: &str| {
        let mut tree = TreeBuilder::new(&store);
        for (path, bytes) in [
            ("etc/motd", motd.as_bytes()),
            ("etc/data.json", br#"{"a": 1, "b": [1, 2]}"#),
            ("usr/bin/tool", b"\x01\x02\x03\x04"),
        ] {
            tree.file(path, 0o644, &mut &*bytes).expect("a file");
        }
        tree.symlink("usr/bin/alias", "tool").expect("a link");
        tree.finish().expect("a tree")
    };
    let [one, two] = [put("one\ntwo\nthree\n"), put("one\ntwo\nfour\n")];
    let subject = |digest| Subject::Tree { store: store.clone(), digest };
    let options = Options::default();
    assert_eq!(compare([subject(one), subject(one)], &options), None);
    let found = compare([subject(one), subject(two)], &options);
    assert_eq!(facts(found.as_ref()), ["etc/motd: lines in 1 hunks"]);
    let open = || Subject::open(&plain).expect("it is there");
    assert_eq!(compare([subject(one), open()], &options), None);
    let found = compare([open(), subject(two)], &options);
    assert_eq!(facts(found.as_ref()), ["etc/motd: lines in 1 hunks"]);
}

fn gzip(bytes: &[u8], level: u32, time: u32) -> Vec<u8> {
    let mut out = flate2::GzBuilder::new().mtime(time).write(Vec::new(), flate2::Compression::new(level));
    out.write_all(bytes).expect("memory takes it");
    out.finish().expect("memory takes it")
}

#[test]
fn what_is_nested_too_deep_is_said_to_be() {
    let [a, b] = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    for (folder, text) in [(&a, "one\n"), (&b, "two\n")] {
        fs::write(folder.path().join("f"), gzip(&gzip(text.as_bytes(), 6, 1), 6, 1)).expect("a file");
    }
    let found = folders(a.path(), b.path(), &Options::default());
    assert_eq!(found, ["f//: lines in 1 hunks"]);
    let found = folders(a.path(), b.path(), &Options { max_depth: 1, ..Options::default() });
    assert!(found.len() == 2 && found[0] == "f/: unsearched" && found[1].starts_with("f/: bytes"), "{found:?}");
}

#[test]
fn a_stop_ends_it() {
    let folder = tempfile::tempdir().expect("a folder");
    tree(folder.path());
    let dir = Dir::open(folder.path()).expect("it can be opened");
    let cancel = crate::sys::CancelToken::new().expect("a token");
    cancel.cancel();
    let (options, open) = (Options::default(), || Subject::open(folder.path()).expect("it is there"));
    let outcome = Comparison::new(&options, &dir, Some(&cancel)).subjects([open(), open()]);
    assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
}

#[test]
fn reports_have_the_shape_of_their_schema() {
    let [a, b] = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    tree(a.path());
    tree(b.path());
    fs::write(b.path().join("etc/motd"), "other\n").expect("a file");
    fs::write(b.path().join("usr/bin/tool"), b"\x01\x02\x03\x05").expect("a file");
    let open = |path| Subject::open(path).expect("it is there");
    let found = compare([open(a.path()), open(b.path())], &Options::default());
    let report = Report::new(["a".to_owned(), "b".to_owned()], found);
    assert_eq!((report.identical, report.counts), (false, Counts { content: 2, metadata: 0 }));
    let schema = report_schema().to_value();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let value = serde_json::to_value(&report).expect("a report is JSON");
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// Set `REPRO_BLESS=1` to write the file instead of comparing it.
#[test]
fn the_checked_in_schema_is_in_step() {
    let path = format!("{}/snapshots/diff-report.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::to_string_pretty(&report_schema().to_value()).expect("a schema is JSON");
    if std::env::var_os("REPRO_BLESS").is_some() {
        fs::write(&path, format!("{schema}\n")).expect("the schema can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, format!("{schema}\n"), "{path} is out of step: run this test with REPRO_BLESS=1");
}
