//! Trees: building, merging, laying out.

use proptest::prelude::*;

use super::{import, show, store, write};
use crate::digest::Digest;
use crate::digest::reapi::Directory;
use crate::store::{Entry, Error, MergeError, Store, TreeBuilder, merge};

fn build(store: &Store, entries: &[(&str, &str)]) -> Digest {
    let mut builder = TreeBuilder::new(store);
    for (path, content) in entries {
        match content.strip_prefix("-> ") {
            Some(target) => builder.symlink(path, target),
            None if path.ends_with('/') => builder.mkdir(path),
            None => builder.file(path, 0o644, &mut content.as_bytes()),
        }
        .expect("built");
    }
    builder.finish().expect("finished")
}

#[test]
fn a_built_tree_is_laid_out() {
    let (_temporary, store) = store();
    let mut builder = TreeBuilder::new(&store);
    builder.file("usr/bin/tool", 0o755, &mut &b"#!"[..]).expect("built");
    builder.file("usr/share/text", 0o644, &mut &b"#!"[..]).expect("built");
    builder.file("etc/secret", 0o600, &mut &b"s"[..]).expect("built");
    builder.symlink("bin", "usr/bin").expect("built");
    builder.hardlink("usr/bin/same", "usr/bin/tool").expect("built");
    builder.mkdir("empty").expect("built");
    builder.file("gone", 0o644, &mut &b"g"[..]).expect("built");
    assert!(builder.remove("gone").expect("removed"));
    assert_eq!(builder.get("bin").expect("asks"), Some(Entry::Symlink { target: "usr/bin".into() }));
    let digest = builder.finish().expect("finished");
    let checkout = store.checkout(digest).expect("laid out");
    let expected = [
        "0777 bin -> usr/bin",
        "0755 empty/",
        "0755 etc/",
        "0600 etc/secret \"s\"",
        "0755 usr/",
        "0755 usr/bin/",
        "0755 usr/bin/same \"#!\"",
        "0755 usr/bin/tool \"#!\"",
        "0755 usr/share/",
        "0644 usr/share/text \"#!\"",
    ];
    assert_eq!(show(&checkout.path), expected);
    // Again in this process, and in another.
    assert_eq!(store.checkout(digest).expect("there").path, checkout.path);
    let other = Store::open(store.root()).expect("opens");
    assert_eq!(show(&other.checkout(digest).expect("there").path), expected);
    // Imported again, it is the same tree but for the mode that an import does not keep.
    let usr = import(&store, &checkout.path.join("usr")).expect("imported");
    assert_eq!(store.subtree(digest, "usr").expect("asks"), Some(usr));
    assert_eq!(store.subtree(digest, "usr/none").expect("asks"), None);
    assert_eq!(store.subtree(digest, "").expect("asks"), Some(digest));
}

#[test]
fn builders_graft_and_change_trees() {
    let (_temporary, store) = store();
    let part = build(&store, &[("a/x", "1"), ("a/y", "2"), ("b", "3")]);
    let mut builder = TreeBuilder::new(&store);
    builder.tree("opt/part", part).expect("grafted");
    assert_eq!(builder.get("opt/part/a/none").expect("asks"), None);
    builder.file("opt/part/a/x", 0o644, &mut &b"new"[..]).expect("replaced");
    assert!(builder.remove("opt/part/b").expect("removed"));
    assert!(builder.tree("opt/part/a", part).is_err(), "not over what is there");
    assert!(builder.file("opt/part", 0o644, &mut &b""[..]).is_err(), "not over a directory");
    assert!(builder.mkdir("opt/part/a/x/below").is_err(), "not below a file");
    let digest = builder.finish().expect("finished");
    assert_eq!(digest, build(&store, &[("opt/part/a/x", "new"), ("opt/part/a/y", "2")]));
    let mut whole = TreeBuilder::new(&store);
    whole.tree("", part).expect("grafted");
    assert_eq!(whole.finish().expect("finished"), part);
    let mut builder = TreeBuilder::new(&store);
    for wrong in ["..", "a/../b", "", "nul\0"] {
        assert!(matches!(builder.symlink(wrong, "x"), Err(Error::Tree { .. })), "{wrong:?}");
    }
    assert!(builder.hardlink("h", "not there").is_err());
}

#[test]
fn links_on_the_way_are_followed_within_the_tree() {
    let (_temporary, store) = store();
    let mut builder = TreeBuilder::new(&store).follow_links(true);
    builder.symlink("bin", "usr/bin").expect("built");
    builder.symlink("lib", "/usr/lib").expect("built");
    builder.symlink("up", "../../../usr").expect("built");
    builder.symlink("loop", "loop").expect("built");
    builder.mkdir("bin").expect("the link stays");
    builder.file("bin/sh", 0o755, &mut &b"sh"[..]).expect("built");
    builder.file("lib/x/y", 0o644, &mut &b"y"[..]).expect("built");
    builder.file("up/z", 0o644, &mut &b"z"[..]).expect("built");
    builder.symlink("bin/again", "sh").expect("built");
    assert!(builder.file("loop/x", 0o644, &mut &b""[..]).is_err());
    assert!(builder.remove("loop").expect("removed"));
    let mut paths = Vec::new();
    builder.each(&mut |path, _| paths.push(path.to_owned())).expect("visited");
    assert_eq!(
        paths,
        [
            "bin",
            "lib",
            "up",
            "usr",
            "usr/bin",
            "usr/bin/again",
            "usr/bin/sh",
            "usr/lib",
            "usr/lib/x",
            "usr/lib/x/y",
            "usr/z"
        ]
    );
}

fn named(trees: &[(&str, Digest)]) -> Vec<(String, Digest)> {
    trees.iter().map(|(name, digest)| ((*name).to_owned(), *digest)).collect()
}

#[test]
fn merging_takes_all_and_finds_all_conflicts() {
    let (_temporary, store) = store();
    let a = build(&store, &[("same", "s"), ("dir/a", "a"), ("x", "1"), ("y", "1"), ("mixed/f", "f"), ("l", "-> x")]);
    let b = build(&store, &[("same", "s"), ("dir/b", "b"), ("x", "2"), ("y", "2"), ("mixed", "file"), ("l", "-> x")]);
    let inputs = named(&[("one", a), ("two", b)]);
    let Err(error @ MergeError::Conflicts { .. }) = merge(&store, &inputs, &|_| None) else { panic!("conflicts") };
    let paths: Vec<_> = error.conflicts().iter().map(|conflict| conflict.path.as_str()).collect();
    assert_eq!(paths, ["mixed", "x", "y"]);
    assert!(error.to_string().contains("`x` in `one` and `two`"));
    let wins = |path: &str| Some(if path == "x" { "two" } else { "one" }.to_owned());
    let merged = merge(&store, &inputs, &wins).expect("merged");
    let expected = build(
        &store,
        &[("same", "s"), ("dir/a", "a"), ("dir/b", "b"), ("x", "2"), ("y", "1"), ("mixed/f", "f"), ("l", "-> x")],
    );
    assert_eq!(merged, expected);
    // A winner that does not have the path does not help.
    let with_third = named(&[("one", a), ("two", b), ("three", build(&store, &[("z", "z")]))]);
    assert!(merge(&store, &with_third, &|_| Some("three".to_owned())).is_err());
    // The same content with another mode is another content.
    let mut builder = TreeBuilder::new(&store);
    builder.file("same", 0o755, &mut &b"s"[..]).expect("built");
    let c = builder.finish().expect("finished");
    assert_eq!(merge(&store, &named(&[("one", a), ("c", c)]), &|_| None).expect_err("conflict").conflicts().len(), 1);
    let empty = store.put_directory(&Directory::default()).expect("stored");
    assert_eq!(merge(&store, &[], &|_| None).expect("merged"), empty);
}

#[test]
fn equal_trees_are_merged_unread() {
    let (_temporary, store) = store();
    let absent = Digest::of(b"a tree that the store does not have");
    assert_eq!(merge(&store, &named(&[("a", absent), ("b", absent)]), &|_| None).expect("merged"), absent);
}

#[test]
fn a_checkout_that_was_changed_is_made_anew() {
    use std::os::unix::fs::PermissionsExt;
    let (_temporary, store) = store();
    let digest = build(&store, &[("a/b", "content"), ("a/c", "other"), ("l", "-> a"), ("e/", "")]);
    let path = store.checkout(digest).expect("laid out").path.clone();
    let expected = show(&path);
    let changes: [&dyn Fn(); 9] = [
        &|| write(&path, "a/new", b"", 0o644),
        &|| std::fs::remove_file(path.join("a/c")).expect("removed"),
        &|| std::fs::remove_dir(path.join("e")).expect("removed"),
        &|| std::fs::set_permissions(path.join("e"), PermissionsExt::from_mode(0o700)).expect("set"),
        &|| {
            std::fs::remove_file(path.join("l")).expect("removed");
            std::os::unix::fs::symlink("elsewhere", path.join("l")).expect("made");
        },
        &|| {
            std::fs::remove_file(path.join("a/b")).expect("removed");
            write(&path, "a/b", b"CONTENT", 0o644);
        },
        &|| std::fs::remove_dir_all(&path).expect("removed"),
        &|| std::fs::write(path.with_extension("record"), "garbage").expect("written"),
        &|| {
            std::fs::remove_dir_all(&path).expect("removed");
            std::fs::write(&path, "a file").expect("written");
        },
    ];
    for (index, change) in changes.iter().enumerate() {
        change();
        let store = Store::open(store.root()).expect("opens");
        assert_eq!(show(&store.checkout(digest).expect("laid out").path), expected, "change {index}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any tree: built, laid out, imported, it is the same; and the same in whatever order it is built.
    #[test]
    fn trees_survive_the_way_through_the_file_system(
        files in prop::collection::btree_map("[a-c]{1,2}(/[d-f]{1,2}){0,3}", ("[xy]{0,3}", any::<bool>()), 0..20),
    ) {
        // One store for all cases: a new one costs some fsyncs.
        static STORE: std::sync::OnceLock<(tempfile::TempDir, Store)> = std::sync::OnceLock::new();
        let (_, store) = STORE.get_or_init(store);
        let mut forward = TreeBuilder::new(store);
        let mut backward = TreeBuilder::new(store);
        // Paths that are a part of others are directories.
        let kept: Vec<_> = files
            .iter()
            .filter(|(path, _)| !files.keys().any(|other| other.starts_with(&format!("{path}/"))))
            .collect();
        for (path, (content, executable)) in &kept {
            forward.file(path, if *executable { 0o755 } else { 0o644 }, &mut content.as_bytes()).expect("built");
        }
        for (path, (content, executable)) in kept.iter().rev() {
            backward.file(path, if *executable { 0o755 } else { 0o644 }, &mut content.as_bytes()).expect("built");
        }
        let digest = forward.finish().expect("finished");
        prop_assert_eq!(backward.finish().expect("finished"), digest);
        let checkout = store.checkout(digest).expect("laid out");
        prop_assert_eq!(import(store, &checkout.path).expect("imported"), digest);
    }
}
