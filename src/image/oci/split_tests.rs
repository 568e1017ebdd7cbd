//! Trees in layers: each path in one of them, and laid over each other the tree.

use std::collections::BTreeSet;

use super::{difference, split};
use crate::image::oci::Whiteouts;
use crate::image::tests::archive::{meta, sample};
use crate::image::{Builder, Error, Kind, Problem, Tree};

fn globs(list: &[&str]) -> Vec<String> {
    list.iter().map(|glob| (*glob).to_owned()).collect()
}

fn names(tree: &Tree) -> Vec<String> {
    tree.names().map(|(path, ..)| String::from_utf8_lossy(&path).into_owned()).collect()
}

fn tree(paths: &[&str], links: &[(&str, &str)]) -> Tree {
    let mut builder = Builder::default();
    builder.folder(b"", meta(0o755)).expect("it is new");
    let mut folders = BTreeSet::new();
    let all: Vec<&str> = paths.iter().copied().chain(links.iter().map(|(path, _)| *path)).collect();
    for path in &all {
        for (at, _) in path.match_indices('/') {
            folders.insert(&path[..at]);
        }
    }
    for folder in folders {
        builder.folder(folder.as_bytes(), meta(0o750)).expect("it is new");
    }
    for path in paths.iter().filter(|path| !path.ends_with('/')) {
        builder.add_other(path.as_bytes(), meta(0o644), Kind::Fifo).expect("it is new");
    }
    for (path, to) in links {
        builder.link(path.as_bytes(), to.as_bytes()).expect("it is new");
    }
    builder.finish().expect("a whole tree")
}

fn layers(tree: &Tree, list: &[&str]) -> Vec<Vec<String>> {
    split(tree, &globs(list)).expect("it can be split").iter().map(names).collect()
}

#[test]
fn the_first_glob_has_a_path_and_the_last_layer_what_is_left() {
    let tree = tree(&["bin/sh", "etc/motd", "lib/libc.so", "usr/lib/a/x", "usr/lib/b", "usr/share/doc/", "z"], &[]);
    assert_eq!(
        layers(&tree, &["usr/lib/a", "lib/**", "usr/**"]),
        [
            &["usr", "usr/lib", "usr/lib/a", "usr/lib/a/x"][..],
            &["lib", "lib/libc.so"],
            // Folders above what is in it are stated again, others are not.
            &["usr", "usr/lib", "usr/lib/b", "usr/share", "usr/share/doc"],
            &["bin", "bin/sh", "etc", "etc/motd", "z"],
        ]
    );
    // `*` is within one name; a folder that is matched comes with all that is in it.
    assert_eq!(layers(&tree, &["*/*"]).len(), 2);
    assert_eq!(layers(&tree, &["*/*"])[1], ["z"]);
    assert_eq!(layers(&tree, &["**"]), [names(&tree)], "nothing is left, so there is no last layer");
    assert_eq!(layers(&tree, &[]), [names(&tree)]);
    // A folder that a lower layer has is in no other without need.
    assert_eq!(layers(&tree, &["lib/*", "z"])[2].first().map(String::as_str), Some("bin"));
}

#[test]
fn a_file_of_several_names_is_in_one_layer() {
    let tree = tree(&["a/one", "b/two"], &[("b/also", "a/one"), ("c/also", "a/one"), ("c/two", "b/two")]);
    assert_eq!(
        layers(&tree, &["c/also", "b"]),
        [&["a", "a/one", "b", "b/also", "c", "c/also"][..], &["b", "b/two", "c", "c/two"]]
    );
    for layer in split(&tree, &globs(&["c/also", "b"])).expect("it can be split") {
        let links: Vec<u32> =
            layer.inodes.iter().filter(|inode| inode.kind == Kind::Fifo).map(|inode| inode.links).collect();
        assert!(links == [3] || links == [2], "{links:?}");
    }
}

#[test]
fn a_glob_without_anything_is_an_error() {
    let tree = tree(&["bin/sh", "lib/libc.so"], &[]);
    for (list, glob, reason) in [
        (&["bin/**", "opt/**"][..], "opt/**", "it matches nothing"),
        (&["**", "lib"], "lib", "all that it matches is in lower layers"),
        (&["/lib"], "/lib", "it matches nothing"),
        (&["lib", "a["], "a[", "it is no glob: unclosed character class; missing ']'"),
    ] {
        match split(&tree, &globs(list)) {
            Err(Error::Layer { glob: found, reason: why }) => {
                assert_eq!((found.as_str(), why.as_str()), (glob, reason))
            }
            other => panic!("{other:?}"),
        }
    }
    let hiding = self::tree(&["bin/sh", "lib/.wh.sh"], &[]);
    let error = split(&hiding, &globs(&["bin"])).expect_err("it would hide what is below");
    assert!(matches!(error, Error::Entry { problem: Problem::Unsupported { .. }, .. }), "{error}");
}

#[test]
fn layers_have_all_of_a_tree_as_it_is() {
    let (tree, _) = sample(100);
    let parts = split(&tree, &globs(&["bin/**", "dev", "usr/share/**"])).expect("it can be split");
    assert_eq!(parts.len(), 4);
    let mut builder = Builder::default();
    let mut seen = BTreeSet::new();
    for inode in parts.iter().flat_map(|part| &part.inodes) {
        let is_folder = matches!(inode.kind, Kind::Folder(_));
        if seen.insert(inode.path.clone()) {
            builder.add_other(&inode.path, inode.meta.clone(), inode.kind.clone()).expect("it is new");
        } else {
            assert!(is_folder, "{:?} is in two layers", inode.path);
        }
    }
    for part in &parts {
        for (path, number, _) in part.names().filter(|(.., first)| !first) {
            builder.link(&path, &part.inodes[number].path).expect("it is new");
        }
    }
    let whole = builder.finish().expect("a whole tree");
    assert_eq!(whole, tree);
    assert_eq!(difference(&tree, &whole, Whiteouts::Explicit).expect("a difference").inodes.len(), 1);
}
