//! Archives that GNU cpio takes apart.

use std::fs;

use super::super::tests::archive::{Memory, expected, may_extract, meta, same, sample, seen, timeless, tool};
use super::super::{Builder, Error, Kind, Meta, Problem};
use super::write;
use crate::digest::Digest;

#[test]
fn the_tool_extracts_what_went_in() {
    if !may_extract("the extraction of cpio archives") {
        return;
    }
    let (tree, memory) = sample(255);
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let mut archive = Vec::new();
    write(&tree, &memory, &mut archive).expect("it can be written");
    assert_eq!(archive.len() % 512, 0);
    let file = place.path().join("a.cpio");
    fs::write(&file, archive).expect("it can be written");
    for (name, args) in [
        ("cpio", ["-i", "-d", "-m", "--quiet", "-D", "cpio"].as_slice()),
        ("bsdtar", &["-x", "-p", "--numeric-owner", "-C", "bsdtar", "-f", "-"]),
    ] {
        let out = place.path().join(name);
        fs::create_dir(&out).expect("a new folder");
        if tool(place.path(), name, args, Some(&file)).is_some() {
            same(&timeless(seen(&out)), &timeless(expected(&tree)));
        }
    }
}

#[test]
fn golden() {
    let (tree, memory) = sample(255);
    let mut archives = [Vec::new(), Vec::new()];
    for archive in &mut archives {
        write(&tree, &memory, archive).expect("it can be written");
    }
    assert_eq!(archives[0], archives[1]);
    assert_eq!(
        Digest::of(&archives[0]).to_string(),
        "0d11f84266f7d32c555dda2589c3e1ba316eff10f6f35df4dd25ea31e581148a/67072"
    );
}

#[test]
fn the_bytes_of_a_file_come_with_its_last_name() {
    let mut memory = Memory::default();
    let mut builder = Builder::default();
    builder.folder(b"", meta(0o755)).expect("it is new");
    builder.add_other(b"a", meta(0o644), memory.file(b"0123456789")).expect("it is new");
    builder.link(b"b", b"a").expect("it is new");
    let mut archive = Vec::new();
    write(&builder.finish().expect("a whole tree"), &memory, &mut archive).expect("it can be written");
    let field = |at: usize, number: usize| &archive[at + 6 + 8 * number..][..8];
    // The root takes 112 bytes, and so do the header and the name of the first.
    for (at, name, size) in [(112, b'a', b"00000000"), (224, b'b', b"0000000a")] {
        assert_eq!(
            (field(at, 0), field(at, 4), field(at, 6)),
            (b"00000002".as_slice(), b"00000002".as_slice(), &size[..])
        );
        assert_eq!(archive[at + 110], name);
    }
    assert_eq!(&archive[336..346], b"0123456789");
    assert_eq!(&archive[348 + 110..348 + 120], b"TRAILER!!!");
}

#[test]
fn what_cpio_has_no_room_for_is_an_error() {
    let problem = |path: &[u8], meta: Meta, kind: Kind| {
        let mut builder = Builder::default();
        builder.folder(b"", self::meta(0o755)).expect("it is new");
        builder.add_other(path, meta, kind).expect("it is new");
        match write(&builder.finish().expect("a whole tree"), &Memory::default(), &mut std::io::sink()) {
            Err(Error::Entry { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    };
    let large = Kind::File(Digest { size: 1 << 32, ..Digest::of(b"") });
    let most = u32::MAX.into();
    let too_large = Problem::TooLarge { what: "a size of", value: 1 << 32, most };
    assert_eq!(problem(b"x", meta(0o644), large), too_large);
    assert!(matches!(problem(b"TRAILER!!!", meta(0o644), Kind::Fifo), Problem::Unsupported { .. }));
    let mut named = meta(0o644);
    named.attributes.insert(b"user.a".to_vec(), Vec::new());
    assert_eq!(problem(b"x", named, Kind::Fifo), Problem::Unsupported { what: "extended attributes" });
}
