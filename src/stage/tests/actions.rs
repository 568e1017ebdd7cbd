//! Keys, and why they change.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::reapi::{Action, Command, Directory};
use crate::digest::{Canonical, Digest};
use crate::stage::{
    ActionInputs, Change, ComposeError, FolderEntry, Layer, Record, SourceInput, WinInput, compose, stage_directory,
    why,
};

fn layer(label: &str, text: &str) -> Layer {
    Layer { label: label.to_owned(), tree: Digest::of(text.as_bytes()) }
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn folder(script: &str) -> BTreeMap<String, FolderEntry> {
    let file = |text: &str, mode| FolderEntry::File { mode, content: Digest::of(text.as_bytes()) };
    BTreeMap::from([
        ("build.sh".to_owned(), file(script, 0o755)),
        ("patches/a/1.patch".to_owned(), file("1", 0o644)),
        ("patches/link".to_owned(), FolderEntry::Symlink { target: "a/1.patch".to_owned() }),
    ])
}

fn sample() -> ActionInputs {
    ActionInputs {
        tools: vec![layer("sysroot:seed", "seed"), layer("stage:binutils", "binutils")],
        target: vec![layer("stage:musl/dev", "musl")],
        wins: vec![WinInput { path: "usr/*".to_owned(), layer: "stage:binutils".to_owned() }],
        sources: vec![
            SourceInput { name: "gmp".to_owned(), tree: Digest::of(b"gmp"), writable: true },
            SourceInput { name: "gcc".to_owned(), tree: Digest::of(b"gcc"), writable: false },
        ],
        inputs: vec![layer("rootfs", "rootfs")],
        stage_dir: stage_directory(&folder("make")).expect("the folder is good").0,
        argv: vec!["/bin/sh".to_owned(), "/stage/build.sh".to_owned()],
        env: texts(&[("CFLAGS", "-O2"), ("TZ", "UTC")]),
        platform: texts(&[("arch", "x86_64"), ("isolation", "isolated-1")]),
    }
}

#[test]
fn golden_key() {
    let composed = compose(&sample()).expect("the sample composes");
    let names: Vec<String> = composed
        .directories
        .iter()
        .map(|bytes| {
            let directory = Directory::decode_canonical(bytes).expect("directories are canonical");
            directory.directories.iter().map(|node| node.name.clone()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let action = Action::decode_canonical(&composed.action_bytes).expect("the action is canonical");
    assert_eq!(action, composed.action);
    assert_eq!(Digest::of(&composed.action_bytes), composed.key);
    let command = Command::decode_canonical(&composed.command_bytes).expect("the command is canonical");
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_action", format!("{}\n{names:#?}\n{command:#?}\n{:#?}", composed.key, action.platform));
    });
}

#[test]
fn the_key_changes_with_all_that_can_be_seen_and_nothing_else() {
    type Edit = fn(&mut ActionInputs);
    let edits: Vec<(&str, Edit)> = vec![
        ("tool", |i| i.tools[0].tree = Digest::of(b"x")),
        ("order of tools", |i| i.tools.swap(0, 1)),
        ("one tool less", |i| drop(i.tools.remove(0))),
        ("tool becomes target", |i| i.target.insert(0, i.tools[0].clone())),
        ("target", |i| i.target[0].tree = Digest::of(b"x")),
        ("no rules", |i| i.wins.clear()),
        ("rule's path", |i| i.wins[0].path.push('x')),
        ("rule's layer", |i| i.wins[0].layer = "sysroot:seed".to_owned()),
        ("source", |i| i.sources[0].tree = Digest::of(b"x")),
        ("source's name", |i| i.sources[0].name.push('x')),
        ("writable", |i| i.sources[0].writable = false),
        ("other writable", |i| i.sources[1].writable = true),
        ("input", |i| i.inputs[0].tree = Digest::of(b"x")),
        ("input's name", |i| i.inputs[0].label.push('x')),
        ("folder", |i| i.stage_dir = Digest::of(b"x")),
        ("argument", |i| i.argv.push(String::new())),
        ("variable", |i| drop(i.env.insert("CFLAGS".to_owned(), "-O3".to_owned()))),
        ("isolation", |i| drop(i.platform.insert("isolation".to_owned(), "x".to_owned()))),
    ];
    let key = |inputs: &ActionInputs| compose(inputs).expect("the inputs compose").key;
    let mut keys = BTreeSet::from([key(&sample())]);
    for (what, edit) in edits {
        let mut inputs = sample();
        edit(&mut inputs);
        assert!(keys.insert(key(&inputs)), "{what}");
    }
    let mut same = sample();
    same.sources.reverse();
    same.tools[0].label = "sysroot:another".to_owned();
    assert_eq!(key(&same), key(&sample()));
}

#[test]
fn inputs_that_make_no_action() {
    let mut twice = sample();
    twice.sources[1].name = "gmp".to_owned();
    assert!(matches!(compose(&twice), Err(ComposeError::Name { directory: "src", .. })));
    let mut slash = sample();
    slash.inputs[0].label = "a/b".to_owned();
    assert!(matches!(compose(&slash), Err(ComposeError::Name { directory: "in", .. })));
    let mut rule = sample();
    rule.wins[0].layer = "stage:other".to_owned();
    let error = compose(&rule).expect_err("the rule names no layer");
    assert_eq!(
        error.to_string(),
        "compose an action: the rule for `usr/*` names `stage:other`, which is not among the layers"
    );
}

#[test]
fn the_folder_is_a_tree() {
    let (digest, directories) = stage_directory(&folder("make")).expect("the folder is good");
    let decoded: Vec<Directory> =
        directories.iter().map(|bytes| Directory::decode_canonical(bytes).expect("canonical")).collect();
    let root = decoded.iter().find(|directory| directory.digest() == digest).expect("the root is among them");
    assert_eq!(directories.len(), 3);
    assert_eq!((root.files[0].name.as_str(), root.files[0].mode()), ("build.sh", 0o755));
    assert_eq!(root.directories[0].name, "patches");
    assert_eq!(stage_directory(&BTreeMap::new()).expect("an empty folder is good").0, Directory::default().digest());
    for (path, clash) in [("a", "a/b"), ("a/../b", "c"), ("", "c"), ("/a", "c")] {
        let link = || FolderEntry::Symlink { target: "x".to_owned() };
        let wrong = BTreeMap::from([(path.to_owned(), link()), (clash.to_owned(), link())]);
        assert!(matches!(stage_directory(&wrong), Err(ComposeError::Path { .. })), "{path} {clash}");
    }
}

fn record(inputs: ActionInputs, files: BTreeMap<String, FolderEntry>) -> Record {
    let key = compose(&inputs).expect("the inputs compose").key;
    Record::new("gcc", key, inputs, files)
}

#[test]
fn changes_in_words() {
    let before = record(sample(), folder("make"));
    let mut inputs = sample();
    let mut files = folder("make all");
    files.insert("patches/a/1.patch".to_owned(), FolderEntry::File { mode: 0o755, content: Digest::of(b"1") });
    files.insert("new".to_owned(), FolderEntry::Symlink { target: "x".to_owned() });
    files.remove("patches/link");
    inputs.stage_dir = stage_directory(&files).expect("the folder is good").0;
    inputs.tools.reverse();
    inputs.tools[0].tree = Digest::of(b"new binutils");
    inputs.target.push(layer("stage:linux-headers", "headers"));
    inputs.inputs.clear();
    inputs.sources.remove(0);
    inputs.sources[0].writable = true;
    inputs.wins.clear();
    inputs.argv[0] = "/bin/bash".to_owned();
    inputs.env = texts(&[("CFLAGS", "-O3"), ("LANG", "C")]);
    inputs.platform.insert("isolation".to_owned(), "steady-1".to_owned());
    let now = record(inputs, files);
    let lines: Vec<String> = why(&before, &now).iter().map(ToString::to_string).collect();
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("stage_why", lines.join("\n"));
    });
    assert_eq!(why(&before, &before), []);
    let mut odd = before.clone();
    odd.key = Digest::of(b"another encoding");
    assert_eq!(why(&before, &odd), [Change::Encoding]);
}

#[test]
fn every_change_of_the_key_has_a_reason() {
    let before = record(sample(), folder("make"));
    let edits: Vec<fn(&mut ActionInputs)> = vec![
        |i| i.tools.swap(0, 1),
        |i| i.sources[0].writable = false,
        |i| i.wins.clear(),
        |i| i.inputs[0].tree = Digest::of(b"x"),
        |i| i.target.clear(),
    ];
    for edit in edits {
        let mut inputs = sample();
        edit(&mut inputs);
        let changes = why(&before, &record(inputs, folder("make")));
        assert!(changes.len() == 1 && changes[0] != Change::Encoding, "{changes:?}");
    }
}

#[test]
fn a_record_survives_its_json() {
    let before = record(sample(), folder("make"));
    let text = before.to_json();
    assert_eq!(Record::from_json(&text).expect("our own JSON"), before);
    assert!(Record::from_json("{}").is_err() && Record::from_json("").is_err());
    let other = text.replacen("\"schema\": 1", "\"schema\": 9", 1);
    assert_eq!(
        Record::from_json(&other).expect_err("another version").to_string(),
        "read the record of an earlier build: schema 9 is not known"
    );
}
