//! Every template gives a project without mistakes.

use std::path::{Path, PathBuf};

use super::{Error, Kind, NewStage, draft, project, shelf, stage};
use crate::stage::{Graph, ParamValues};

fn begun() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    project().and_then(|draft| draft.write(folder.path())).expect("nothing is in the way");
    folder
}

fn graph(root: &Path, settings: &[&str]) -> Graph {
    let params = ParamValues::parse(settings).expect("they are parameters");
    Graph::load(root, &params).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn new(name: &str, kind: Kind) -> NewStage<'_> {
    NewStage { name, kind, summary: None, source: None, version: None, license: None, urls: &[], of: None }
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.stages().iter().map(|stage| stage.name.as_str()).collect()
}

#[test]
fn a_new_project_has_no_mistakes_and_nothing_is_written_over() {
    let folder = begun();
    assert_eq!(names(&graph(folder.path(), &[])), ["hello", "image"]);
    std::fs::remove_file(folder.path().join("README.md")).expect("it is there");
    let error = project().and_then(|draft| draft.write(folder.path())).expect_err("the rest is there");
    assert!(matches!(&error, Error::There { path } if path == ".gitignore"), "{error}");
    assert!(!folder.path().join("README.md").exists());
}

#[test]
fn each_template_gives_a_stage_with_all_that_it_needs() {
    let url = ["mirror://test/a-1.0.tar.gz".to_owned()];
    for kind in Kind::ALL {
        let folder = begun();
        let mut new = new("new", kind);
        if kind == Kind::Image {
            new.of = Some("hello");
        } else {
            (new.source, new.version, new.license, new.urls) = (Some("a.b+c"), Some("1.0"), Some("MIT"), &url);
            new.summary = Some("with \"quotes\" and \\");
        }
        let before = graph(folder.path(), &[]);
        let draft = stage(&new, &before).unwrap_or_else(|error| panic!("{kind}: {error}"));
        draft.write(folder.path()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        for settings in [&[][..], &["libc=glibc", "mode=debug"], &["arch=aarch64"]] {
            let after = graph(folder.path(), settings);
            let made = after.stage("new").unwrap_or_else(|| panic!("{kind}: there is none"));
            assert_eq!(made.sources.contains_key("a.b+c"), kind != Kind::Image);
            assert_eq!(names(&after).contains(&"gcc"), kind != Kind::Image, "{kind}");
        }
        let text = std::fs::read_to_string(folder.path().join("stages/new/stage.toml")).expect("it is there");
        let script = std::fs::read_to_string(folder.path().join("stages/new/build.sh")).unwrap_or_default();
        let all = format!("{text}{script}");
        let between: Vec<&str> = all.split('@').collect();
        let is_word =
            |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(!between[1..].iter().rev().skip(1).any(is_word), "{kind}: a word is missing:\n{all}");
        let audit = std::fs::read_to_string(folder.path().join("audit.toml")).expect("it is there");
        audit.parse::<toml::Table>().unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(audit.contains("stage = \"gcc\""), kind != Kind::Image);
        // Once more: what it needs is there now.
        let again = NewStage { name: "again", urls: &[], version: None, license: None, ..new.clone() };
        let draft = stage(&again, &graph(folder.path(), &[])).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(draft.files().all(|path| path.starts_with("stages/again/")), "{kind}: {draft:?}");
        assert_eq!(draft.added().count(), 0);
    }
}

#[test]
fn what_is_missing_or_in_the_way_is_told() {
    let folder = begun();
    let graph = graph(folder.path(), &[]);
    let url = ["mirror://test/a-1.0.tar.gz".to_owned()];
    let bad = ["nowhere".to_owned()];
    let told = |new: NewStage<'_>| stage(&new, &graph).expect_err("it cannot be").to_string();
    assert_eq!(told(new("hello", Kind::Make)), "write `stages/hello`: it is there already");
    assert!(told(new("../x", Kind::Make)).contains("`../x` is no name"));
    assert_eq!(told(new("x", Kind::Make)), "make stage `x`: there is no source `x`");
    assert_eq!(told(new("x", Kind::Image)), "make stage `x`: images are of another stage");
    assert!(told(NewStage { of: Some("helo"), ..new("x", Kind::Image) }).contains("no such stage"));
    let wrong = NewStage { urls: &bad, version: Some("1"), license: Some("MIT"), ..new("x", Kind::Make) };
    assert!(told(wrong).contains("nowhere"));
    // One that is shipped need not be stated; stated again it is another.
    let zlib = stage(&new("zlib", Kind::Autotools), &graph).expect("its source is known");
    zlib.write(folder.path()).expect("nothing is in the way");
    let graph = Graph::load(folder.path(), &ParamValues::default()).expect("there is no mistake");
    assert!(graph.sources().contains_key("zlib"));
    let twice =
        NewStage { source: Some("zlib"), urls: &url, version: Some("1"), license: Some("MIT"), ..new("z", Kind::Make) };
    let error = stage(&twice, &graph).expect_err("there is one");
    assert_eq!(error.to_string(), "add the source `zlib`: there is one already");
}

#[test]
fn the_shelf_has_whole_folders() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = shelf::SHIPPED
        .iter()
        .filter(|(path, _)| path.starts_with("stages/"))
        .filter_map(|(path, _)| Path::new(path).parent().map(Path::to_owned))
        .collect();
    folders.dedup();
    for folder in folders {
        let there = std::fs::read_dir(root.join(&folder)).expect("it is there").count();
        let prefix = format!("{}/", folder.display());
        assert_eq!(shelf::below(&prefix).len(), there, "{}: the list in shelf.rs is out of date", folder.display());
    }
    // What is shipped refers to nothing that is not.
    for (path, text) in shelf::SHIPPED.iter().filter(|(path, _)| path.ends_with(".toml")) {
        for reference in draft::references(text) {
            let (kind, name) = reference.split_once(':').expect("it has a kind");
            let there = match kind {
                "stage" => !shelf::below(&format!("stages/{name}/")).is_empty(),
                "sysroot" => !shelf::below(&format!("sysroots/{name}.toml")).is_empty(),
                "source" => shelf::source(name).is_some(),
                _ => true,
            };
            assert!(there, "{path} refers to {reference}: add it to shelf.rs");
        }
    }
}
