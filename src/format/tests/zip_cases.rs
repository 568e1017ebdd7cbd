//! zip.

use super::make::*;
use super::*;

fn x() -> Zip {
    stored("a", "x")
}

#[test]
fn entries() {
    let mut commented = zip(&[x()]);
    let length = commented.len();
    commented[length - 2] = 5;
    commented.extend(b"hello");
    check(vec![
        case("stored", zip(&[x()]), Is("a=x")),
        case("deflated", zip(&[deflated("a", "hello hello hello")]), Is("a=hello hello hello")),
        case("empty", zip(&[]), Is("")),
        case("empty file deflated", zip(&[deflated("a", "")]), Is("a=")),
        case("descriptor", zip(&[Zip { descriptor: 1, ..deflated("a", "hey") }, x2()]), Is("a=hey b=y")),
        case("descriptor without magic", zip(&[Zip { descriptor: 2, ..deflated("a", "hey") }, x2()]), Is("a=hey b=y")),
        case(
            "extra bytes that look like zip64",
            zip(&[Zip { descriptor: 1, extra: b"UT\x04\0\x01\0\x01\0".to_vec(), ..deflated("a", "hey") }]),
            Is("a=hey"),
        ),
        case("directory", zip(&[Zip { mode: 0o040_755, ..stored("d/", "") }, stored("d/a", "x")]), Is("d/ d/a=x")),
        case("directory by its slash", zip(&[Zip { made_by: 20, mode: 0, ..stored("d/", "") }]), Is("d/")),
        case("executable", zip(&[Zip { mode: 0o100_755, ..x() }]), Is("a*=x")),
        case("symlink", zip(&[Zip { mode: 0o120_777, ..stored("l", "/etc") }]), Is("l->/etc")),
        case("symlink deflated", zip(&[Zip { mode: 0o120_777, ..deflated("l", "/etc") }]), Is("l->/etc")),
        case(
            "symlink by another system is a file",
            zip(&[Zip { made_by: 20, mode: 0o120_777, ..stored("l", "/etc") }]),
            Is("l=/etc"),
        ),
        case("comment", commented, Is("a=x")),
        case("unix path that agrees", zip(&[Zip { extra: b"\x75\x70\x06\0\x01\0\0\0\0a".to_vec(), ..x() }]), Is("a=x")),
        case("zip64", zip64(0), Is("a=x")),
    ]);
}

fn x2() -> Zip {
    stored("b", "y")
}

/// A zip whose end is in 64 bits; `shift` makes its offset wrong.
fn zip64(shift: u64) -> Vec<u8> {
    let mut bytes = zip(&[x()]);
    let end = bytes.split_off(bytes.len() - 22);
    let size = u32::from_le_bytes(end[12..16].try_into().expect("4 bytes"));
    let start = u32::from_le_bytes(end[16..20].try_into().expect("4 bytes"));
    let offset = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([1, 1, u64::from(size), u64::from(start)].map(u64::to_le_bytes).concat());
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend((offset + shift).to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    bytes
}

#[test]
fn contradictions() {
    let bytes = zip(&[x(), x2()]);
    let mut prefixed = b"#!/bin/sh\n".to_vec();
    prefixed.extend(&bytes);
    // Behind a local header, so that it is still recognised.
    let mut shifted = b"PK\x03\x04".to_vec();
    shifted.extend(&bytes);
    let mut count = bytes.clone();
    let at = count.len() - 12;
    count[at] = 1;
    count[at - 2] = 1;
    let mut flipped = zip(&[stored("a", "hello")]);
    flipped[31] ^= 1;
    let deep = deflated("a", "hello hello");
    let longer = Zip { stored: [deep.stored.clone(), b"junk".to_vec()].concat(), ..deep.clone() };
    check(vec![
        case(
            "names differ",
            zip(&[Zip { local_name: Some(b"b".to_vec()), ..x() }]),
            Refuse("entry `a`: damaged zip: its local header"),
        ),
        case("checksum", flipped, Refuse("the checksum of its content")),
        case("checksum deflated", zip(&[Zip { crc: 1, ..deep.clone() }]), Refuse("the checksum of its content")),
        case("size too small", zip(&[Zip { size: 5, ..deep.clone() }]), Refuse("longer than stated")),
        case("size too large", zip(&[Zip { size: 50, ..deep.clone() }]), Refuse("cut short in the content")),
        case("stored with two sizes", zip(&[Zip { size: 9, ..x() }]), Refuse("has two sizes")),
        case("junk behind deflate", zip(&[longer]), Refuse("longer than stated")),
        case("not deflate", zip(&[Zip { method: 8, ..stored("a", "\u{7f}\u{7f}\u{7f}") }]), Refuse("damaged deflate")),
        case(
            "a gap",
            zip(&[x(), Zip { gap: b"hidden".to_vec(), ..x2() }]),
            Refuse("it starts at byte 38, and the one before it ends at 32"),
        ),
        case("a gap at the start", zip(&[Zip { gap: zip(&[stored("evil", "x")]), ..x() }]), Refuse("ends at 0")),
        case("one name twice", zip(&[x(), x()]), Refuse("name `a` occurs twice")),
        case("a name as directory and file", zip(&[x(), stored("a/", "")]), Refuse("occurs twice")),
        case("fewer counted", count, Refuse("more than the entries that it counts")),
        case("something in front", prefixed, Refuse("no known archive format")),
        case("shifted", shifted, Refuse("does not end where its end record starts")),
        case("behind it", [bytes.clone(), b"x".to_vec()].concat(), Refuse("its central directory is missing")),
        case("cut", bytes[..bytes.len() - 1].to_vec(), Refuse("its central directory is missing")),
        case("only a local header", bytes[..32].to_vec(), Refuse("its central directory is missing")),
        case("wrong zip64 end", zip64(1), Refuse("zip64 end")),
        case(
            "two names",
            zip(&[Zip { extra: b"\x75\x70\x06\0\x01\0\0\0\0b".to_vec(), ..x() }]),
            Refuse("two different names"),
        ),
        case(
            "malformed extra",
            zip(&[Zip { extra: b"\x01\0\xff".to_vec(), ..x() }]),
            Refuse("an extra field is malformed"),
        ),
    ]);
}

#[test]
fn refused_features() {
    check(vec![
        case("encrypted", zip(&[Zip { flags: 1, ..x() }]), Refuse("encrypted")),
        case("bzip2", zip(&[Zip { method: 12, ..x() }]), Refuse("compression method 12")),
        case("parent", zip(&[stored("../a", "x")]), Refuse("contains `..`")),
        case("absolute", zip(&[stored("/a", "x")]), Refuse("is absolute")),
        case("backslashes", zip(&[Zip { made_by: 20, ..stored("d\\a", "x") }]), Refuse("between its components")),
        case("not UTF-8", zip(&[Zip { name: vec![0x84], ..x() }]), Refuse("is not UTF-8")),
        case(
            "beneath a symlink",
            zip(&[Zip { mode: 0o120_777, ..stored("l", "/") }, stored("l/a", "x")]),
            Refuse("is a symbolic link"),
        ),
        case("fifo", zip(&[Zip { mode: 0o010_644, ..stored("p", "") }]), Refuse("it is a device, fifo or socket")),
        case(
            "long symlink",
            zip(&[Zip { mode: 0o120_777, ..stored("l", &"x".repeat(5000)) }]),
            Refuse("states a size of 5000"),
        ),
        case(
            "directory with content",
            zip(&[Zip { mode: 0o040_755, ..stored("d/", "x") }]),
            Refuse("a directory states a size"),
        ),
        case("NUL", zip(&[stored("a\0b", "x")]), Refuse("contains a NUL")),
    ]);
}
