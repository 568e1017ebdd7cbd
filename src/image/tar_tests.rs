//! Archives that GNU tar and libarchive take apart.

use std::fs;

use super::super::tests::archive::{Memory, builder, expected, may_extract, meta, same, sample, seen, tool};
use super::super::{Builder, Error, Kind, Meta, Problem, Tree};
use super::{Header, write};
use crate::digest::Digest;

fn bytes(tree: &Tree, memory: &Memory) -> Vec<u8> {
    let mut out = Vec::new();
    write(tree, memory, &mut out).expect("it can be written");
    out
}

#[test]
fn two_tools_extract_what_went_in() {
    if !may_extract("the extraction of tar archives") {
        return;
    }
    let (tree, memory) = sample(255);
    let archive = bytes(&tree, &memory);
    assert_eq!(archive.len() % 512, 0);
    for (name, args) in [
        // It says so of every time to come, and of `hdrcharset`, which it takes no notice of.
        ("tar", ["-x", "-p", "--warning=no-all", "--numeric-owner", "-C", "out", "-f", "a.tar"].as_slice()),
        ("bsdtar", &["-x", "-p", "--numeric-owner", "-C", "out", "-f", "a.tar"]),
    ] {
        let place = tempfile::tempdir().expect("a temporary folder can be made");
        fs::write(place.path().join("a.tar"), &archive).expect("it can be written");
        fs::create_dir(place.path().join("out")).expect("a new folder");
        if let Some(said) = tool(place.path(), name, args, None) {
            assert_eq!(said, "", "{name} has nothing to say");
            // Neither restores the root's time: what is made in it comes after the root's own entry.
            let all_but_root =
                |list: Vec<String>| Vec::from_iter(list.into_iter().filter(|line| !line.starts_with(' ')));
            let lists = [seen(&place.path().join("out")), expected(&tree)].map(all_but_root);
            same(&lists[0], &lists[1]);
        }
    }
}

#[test]
fn attributes_arrive() {
    let (mut builder, mut memory) = builder(100);
    let mut capable = meta(0o755);
    capable.attributes.insert(b"user.one".to_vec(), b"1".to_vec());
    capable.attributes.insert(b"user.two".to_vec(), b"\0\n=\xff".to_vec());
    builder.add_other(b"bin/capable", capable, memory.file(b"ping")).expect("it is new");
    let tree = builder.finish().expect("a whole tree");
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    fs::write(place.path().join("a.tar"), bytes(&tree, &memory)).expect("it can be written");
    if let Some(said) = tool(place.path(), "tar", &["-tvv", "--xattrs", "-f", "a.tar", "bin/capable"], None) {
        assert!(said.contains("x: 1 user.one") && said.contains("x: 4 user.two"), "{said}");
    }
}

#[test]
fn golden() {
    let (tree, memory) = sample(255);
    let archive = bytes(&tree, &memory);
    assert_eq!(archive, bytes(&tree, &memory));
    assert_eq!(
        Digest::of(&archive).to_string(),
        "03d5a84fff72cedef35d5157baaa4205c3d8e6d4e84fb10f1508b0e4003bcd66/247296"
    );
}

#[test]
fn what_tar_has_no_room_for_is_an_error() {
    let tree = |kind: Kind, meta: Meta| {
        let mut builder = Builder::default();
        builder.folder(b"", self::meta(0o755)).expect("it is new");
        builder.add_other(b"x", meta, kind).expect("it is new");
        builder.finish().expect("a whole tree")
    };
    let problem = |tree: &Tree| match write(tree, &Memory::default(), &mut std::io::sink()) {
        Err(Error::Entry { path, problem }) if path == "x" => problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(problem(&tree(Kind::Socket, meta(0o644))), Problem::Unsupported { what: "sockets" });
    let far = problem(&tree(Kind::Character(1 << 21, 0), meta(0o644)));
    assert!(matches!(far, Problem::TooLarge { value: 0x20_0000, .. }), "{far:?}");
    let mut named = meta(0o644);
    named.attributes.insert(b"user.a=b".to_vec(), Vec::new());
    assert!(matches!(problem(&tree(Kind::Fifo, named)), Problem::Unsupported { .. }));
}

#[test]
fn contents_are_held_to_their_size() {
    let mut builder = Builder::default();
    builder.folder(b"", meta(0o755)).expect("it is new");
    let digest = Digest { size: 5, ..Digest::of(b"abc") };
    builder.add_other(b"x", meta(0o644), Kind::File(digest)).expect("it is new");
    let tree = builder.finish().expect("a whole tree");
    let mut memory = Memory::default();
    assert!(matches!(write(&tree, &memory, &mut Vec::new()), Err(Error::Read { path, .. }) if path == "x"));
    for bytes in [b"abcd".as_slice(), b"abcdef"] {
        memory.0.insert(digest, bytes.to_vec());
        let wrong = write(&tree, &memory, &mut Vec::new());
        assert!(matches!(wrong, Err(Error::Entry { problem: Problem::Size { stated: 5 }, .. })), "{wrong:?}");
    }
    memory.0.insert(digest, b"abcde".to_vec());
    let mut small = [0; 1024];
    assert!(matches!(write(&tree, &memory, &mut small.as_mut_slice()), Err(Error::Write { .. })));
    write(&tree, &memory, &mut Vec::new()).expect("now it fits");
}

#[test]
fn sizes_over_eleven_digits_are_binary_in_a_lone_header() {
    let header = Header { kind: b'0', size: 1 << 33, ..Header::default() };
    assert_eq!(header.bytes(b"x", b"")[124..136], [0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
}
