//! Sysroots of small packages that the tests make.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

use super::*;
use crate::digest::Digest;
use crate::format::TarWriter;
use crate::lockfile::PackagePin;
use crate::stage::{PackageWin, SysrootDef, SysrootFile, SysrootLink};
use crate::store::{Entry, Store, TreeBuilder};

/// An entry of a package: `name/`, `name=content`, `name*=content` (0755), `name->target`, `name=>hard link`.
fn tar(entries: &[&str]) -> Vec<u8> {
    let mut out = TarWriter::new(Vec::new(), 1);
    for entry in entries {
        let done = if let Some(path) = entry.strip_suffix('/') {
            out.directory(path, 0o755)
        } else if let Some((path, target)) = entry.split_once("=>") {
            out.hardlink(path, target)
        } else if let Some((path, target)) = entry.split_once("->") {
            out.symlink(path, target)
        } else {
            let (path, text) = entry.split_once('=').expect("an entry of a test");
            let (path, mode) = path.strip_suffix('*').map_or((path, 0o640), |path| (path, 0o4755));
            out.file(path, mode, text.len() as u64, &mut text.as_bytes())
        };
        done.expect("a Vec takes all");
    }
    out.finish().expect("a Vec takes all")
}

fn deb(entries: &[&str]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    let members =
        [("debian-binary", b"2.0\n".to_vec()), ("control.tar", tar(&["./control=x"])), ("data.tar", tar(entries))];
    for (name, data) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, "100644", data.len()).expect("a Vec");
        bytes.extend(data);
    }
    bytes
}

struct World {
    store: Store,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().expect("a temporary directory");
    World { store: Store::open(&dir.path().join("store")).expect("a new store"), _dir: dir }
}

impl World {
    fn package(&self, name: &str, entries: &[&str]) -> PackagePin {
        let digest = self.store.put_bytes(&deb(entries)).expect("room for a package");
        let path = format!("pool/main/{name}_1_all.deb");
        PackagePin { name: name.to_owned(), version: "1".to_owned(), path, digest }
    }

    fn list(&self, tree: Digest) -> Vec<String> {
        let mut builder = TreeBuilder::new(&self.store);
        builder.tree("", tree).expect("an empty builder takes a tree");
        let mut lines = Vec::new();
        let each = |path: &str, entry: &Entry| {
            lines.push(match entry {
                Entry::Directory => format!("{path}/"),
                Entry::Symlink { target } => format!("{path}->{target}"),
                Entry::File { digest, mode } => {
                    let text = self.store.get_bytes(*digest).expect("it was stored");
                    let mode = if *mode == 0o644 { String::new() } else { format!("({mode:o})") };
                    format!("{path}{mode}={}", String::from_utf8(text).expect("text"))
                }
            });
        };
        let mut each = each;
        builder.each(&mut each).expect("the tree is whole");
        lines
    }

    fn assemble(&self, def: &SysrootDef, pins: &[PackagePin]) -> Result<Digest, Error> {
        assemble(&self.store, def, pins, &|_| {})
    }
}

fn def() -> SysrootDef {
    SysrootDef {
        name: "seed".to_owned(),
        summary: String::new(),
        archive: "debian".to_owned(),
        packages: Vec::new(),
        exclude: Vec::new(),
        remove: Vec::new(),
        links: Vec::new(),
        files: Vec::new(),
        dirs: Vec::new(),
        wins: Vec::new(),
    }
}

fn link(path: &str, to: &str) -> SysrootLink {
    SysrootLink { path: path.to_owned(), to: to.to_owned() }
}

/// What every sysroot has.
const BASE: [&str; 9] = [
    "bin->usr/bin",
    "lib->usr/lib",
    "lib64->usr/lib64",
    "sbin->usr/sbin",
    "usr/",
    "usr/bin/",
    "usr/lib/",
    "usr/lib64/",
    "usr/sbin/",
];

/// The listing without what every sysroot has.
fn rest(lines: Vec<String>) -> Vec<String> {
    for base in BASE {
        assert!(lines.iter().any(|line| line == base), "{base} is missing from {lines:?}");
    }
    lines.into_iter().filter(|line| !BASE.contains(&line.as_str())).collect()
}

#[test]
fn packages_are_merged_below_usr() {
    let world = world();
    let pins = [
        world.package(
            "libc",
            &["./", "./lib/", "./lib/libc.so=so", "./lib64/", "./lib64/ld.so->/lib/ld-1.so", "./bin/"],
        ),
        world.package(
            "sh",
            &["./bin/", "./bin/sh*=#!", "./usr/", "./usr/bin/", "./usr/bin/env*=env", "./bin/rsh=>./bin/sh"],
        ),
        world.package("base", &["./bin->usr/bin", "./etc/", "./etc/conf=c", "./lib32/", "./dangling->/nowhere"]),
    ];
    let tree = world.assemble(&def(), &pins).expect("they fit together");
    let want = [
        "dangling->/nowhere",
        "etc/",
        "etc/conf=c",
        "lib32->usr/lib32",
        "usr/bin/env(755)=env",
        "usr/bin/rsh(755)=#!",
        "usr/bin/sh(755)=#!",
        "usr/lib/libc.so=so",
        "usr/lib32/",
        "usr/lib64/ld.so->/lib/ld-1.so",
    ];
    assert_eq!(rest(world.list(tree)), want);
    let [a, b, c] = pins;
    let again = world.assemble(&def(), &[c, a, b]).expect("they fit together");
    assert_eq!(again, tree, "the order of pins does not matter");
}

#[test]
fn rules_are_applied_in_order() {
    let world = world();
    let pin = world.package(
        "a",
        &[
            "usr/share/doc/a/x=1",
            "usr/share/doc/y=2",
            "usr/bin/gawk*=g",
            "etc/motd=hi",
            "usr/inc/a.h=h",
            "usr/inc/a.c=c",
            "usr/inc/sub/b.h=h",
        ],
    );
    let def = SysrootDef {
        remove: vec!["usr/share/doc/**".into(), "etc/motd".into(), "usr/inc/*.h".into()],
        dirs: vec!["tmp".into(), "var/tmp".into()],
        files: vec![SysrootFile { path: "etc/motd".into(), text: "new".into(), mode: 0o755 }],
        links: vec![link("usr/bin/awk", "gawk")],
        ..def()
    };
    let tree = world.assemble(&def, std::slice::from_ref(&pin)).expect("all rules hold");
    let want = [
        "etc/",
        "etc/motd(755)=new",
        "tmp/",
        "usr/bin/awk->gawk",
        "usr/bin/gawk(755)=g",
        "usr/inc/",
        "usr/inc/a.c=c",
        "usr/inc/sub/",
        "usr/inc/sub/b.h=h",
        "usr/share/",
        "var/",
        "var/tmp/",
    ];
    assert_eq!(rest(world.list(tree)), want);
}

#[test]
fn rules_that_do_nothing_or_too_much_are_errors() {
    let world = world();
    let pin = || vec![world.package("a", &["usr/bin/gawk*=g", "etc/motd=hi"])];
    let fails = |def: SysrootDef| world.assemble(&def, &pin()).expect_err("a rule is wrong").to_string();
    let text = fails(SysrootDef { remove: vec!["a/**".into(), "etc/motd".into(), "b".into()], ..def() });
    assert_eq!(text, "assemble sysroot `seed`: the rule `remove = [\"a/**\", \"b\"]` changes nothing");
    // `*` does not span components.
    assert!(fails(SysrootDef { remove: vec!["usr/*awk".into()], ..def() }).ends_with("changes nothing"));
    assert!(fails(SysrootDef { remove: vec!["usr/[".into()], ..def() }).contains("`usr/[` is no glob"));
    let text = fails(SysrootDef { links: vec![link("usr/bin/gawk", "awk")], ..def() });
    assert!(text.contains("the rule `links = { path = \"usr/bin/gawk\", to = \"awk\" }` makes what"), "{text}");
    let file = SysrootFile { path: "etc/motd".into(), text: String::new(), mode: 0o644 };
    assert!(fails(SysrootDef { files: vec![file], ..def() }).contains("makes what a package"));
    // A link over a directory that the sysroot always has.
    assert!(fails(SysrootDef { links: vec![link("bin", "x")], ..def() }).contains("makes what"));
    let win = PackageWin { path: "etc/*".into(), package: "a".into() };
    assert!(fails(SysrootDef { wins: vec![win], ..def() }).contains("changes nothing"));
}

#[test]
fn packages_that_disagree_are_named() {
    let world = world();
    let pins = [
        world.package("one", &["etc/a=1", "etc/b=1", "etc/same=s"]),
        world.package("two", &["etc/a=2", "etc/b=2", "etc/same=s"]),
    ];
    let error = world.assemble(&def(), &pins).expect_err("they disagree");
    assert_eq!(
        error.to_string(),
        "assemble sysroot `seed`: packages disagree on `etc/a` (one, two), `etc/b` (one, two)"
    );
    let win = |path: &str, package: &str| PackageWin { path: path.into(), package: package.into() };
    let def = SysrootDef { wins: vec![win("etc/a", "two"), win("etc/*", "one")], ..def() };
    let tree = world.assemble(&def, &pins).expect("each is decided");
    assert_eq!(rest(world.list(tree)), ["etc/", "etc/a=2", "etc/b=1", "etc/same=s"]);
    let twice = [pins[0].clone(), pins[0].clone()];
    assert!(matches!(world.assemble(&def, &twice), Err(Error::PinnedTwice { .. })));
}

#[test]
fn packages_that_cannot_be_merged_are_refused() {
    let world = world();
    let fails = |entries: &[&str]| {
        let error = package_tree(&world.store, &world.package("p", entries)).expect_err("it cannot be merged");
        assert!(error.hint().is_some() || !matches!(error, Error::Doubled { .. }));
        error.to_string()
    };
    let text = fails(&["bin/a=1", "usr/bin/a->/bin/a"]);
    assert_eq!(
        text,
        "unpack package `p`: it carries both `bin/a` and `usr/bin/a`, which are one path in a merged `usr`"
    );
    assert!(fails(&["lib64->/opt/lib"]).contains("`lib64` is no directory"));
    assert!(fails(&["sbin=file"]).contains("`sbin` is no directory"));
    let digest = world.store.put_bytes(b"no package").expect("room");
    let pin = PackagePin { digest, ..world.package("q", &[]) };
    assert_eq!(package_tree(&world.store, &pin).expect_err("it is none").to_string(), "unpack package `q` 1");
    let missing = PackagePin { digest: Digest::of(b"never stored"), ..pin };
    assert!(matches!(package_tree(&world.store, &missing), Err(Error::Store { .. })));
}

#[test]
fn what_was_made_is_remembered() {
    let world = world();
    let pins = [world.package("a", &["a=1"]), world.package("b", &["b=2"])];
    let seen: Mutex<BTreeMap<String, bool>> = Mutex::default();
    let progress = |progress: Progress<'_>| {
        if let Progress::Package { name, cached, total, .. } = progress {
            assert_eq!(total, 2);
            seen.lock().expect("no test panics here").insert(name.to_owned(), cached);
        }
    };
    let tree = assemble(&world.store, &def(), &pins, &progress).expect("they fit");
    let taken = || std::mem::take(&mut *seen.lock().expect("no test panics here"));
    assert_eq!(taken(), BTreeMap::from([("a".to_owned(), false), ("b".to_owned(), false)]));
    assert_eq!(assemble(&world.store, &def(), &pins, &progress).expect("they fit"), tree);
    assert!(taken().is_empty(), "the whole sysroot was remembered");
    // Another definition: another sysroot of the same trees.
    let other = SysrootDef { dirs: vec!["tmp".into()], ..def() };
    assert_ne!(assemble(&world.store, &other, &pins, &progress).expect("they fit"), tree);
    assert_eq!(taken(), BTreeMap::from([("a".to_owned(), true), ("b".to_owned(), true)]));
}

#[test]
fn sources() {
    let world = world();
    let inner = tar(&["gcc-12/", "gcc-12/configure*=#!", "gcc-12/l->/abs"]);
    let mut outer = TarWriter::new(Vec::new(), 1);
    for path in ["src/gcc.tar", "src/notgcc.tar", "src/old/gcc.tar"] {
        outer.file(path, 0o644, inner.len() as u64, &mut inner.as_slice()).expect("a Vec takes all");
    }
    let outer = outer.finish().expect("a Vec takes all");
    let plain = world.store.put_bytes(&inner).expect("room");
    let nested = world.store.put_bytes(&outer).expect("room");
    let store = &world.store;
    let tree = source_tree(store, plain, "gcc.tar", None, 1).expect("a good archive");
    assert_eq!(world.list(tree), ["configure(755)=#!", "l->/abs"]);
    assert_eq!(source_tree(store, nested, "orig.tar", Some("src/gcc.tar"), 1).expect("it is there"), tree);
    assert_eq!(source_tree(store, nested, "orig.tar", Some("old/gcc.tar"), 1).expect("it is there"), tree);
    assert_ne!(source_tree(store, plain, "gcc.tar", None, 0).expect("a good archive"), tree);
    let error = source_tree(store, nested, "orig.tar", Some("gcc.tar"), 1).expect_err("there are two");
    assert_eq!(error.to_string(), "unpack source `orig.tar`: it holds 2 archives named `gcc.tar`");
    assert_eq!(error.hint().as_deref(), Some("write more of its path: src/gcc.tar, src/old/gcc.tar"));
    assert!(matches!(source_tree(store, nested, "orig.tar", Some("none"), 1), Err(Error::Inner { .. })));
    let error = source_tree(store, nested, "orig.tar", None, 3).expect_err("nothing is left");
    assert!(matches!(error, Error::Unpack { .. }));
}
