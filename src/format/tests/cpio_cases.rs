//! cpio.

use super::make::*;
use super::*;

const FILE: u32 = 0o100_644;

fn linked(name: &str, data: &str) -> Cpio {
    Cpio { links: 2, ..newc(name, FILE, data) }
}

fn crc(data: &str, sum: u32) -> Cpio {
    Cpio { magic: "070702", sum, ..newc("a", FILE, data) }
}

fn odc(entries: &[(&str, u32, &str)]) -> Vec<u8> {
    let mut text = String::new();
    for (name, mode, data) in entries.iter().chain([&("TRAILER!!!", 0, "")]) {
        let (length, size) = (name.len() + 1, data.len());
        text.push_str(&format!(
            "070707{:06o}{:06o}{mode:06o}{:06o}{:06o}{:06o}{:06o}{:011o}{length:06o}{size:011o}",
            1, 1, 0, 0, 1, 0, 0
        ));
        text.push_str(&format!("{name}\0{data}"));
    }
    text.into_bytes()
}

#[test]
fn newc_entries() {
    let whole = cpio(&[newc("a", FILE, "hello")]);
    let mut letters = whole.clone();
    letters[54] = b'z';
    let mut signed = whole.clone();
    signed[54] = b'+';
    let mut unended = whole.clone();
    unended[111] = b'x';
    let mut end = whole.clone();
    end.extend([0; 512]);
    check(vec![
        case("file", whole.clone(), Is("a=hello")),
        case("nothing", cpio(&[]), Is("")),
        case("executable", cpio(&[newc("a", 0o100_755, "x")]), Is("a*=x")),
        case(
            "directory and symlink",
            cpio(&[newc(".", 0o040_755, ""), newc("d", 0o040_755, ""), newc("d/l", 0o120_777, "/x")]),
            Is("d/ d/l->/x"),
        ),
        case("padding after the end", end, Is("a=hello")),
        case("hard links, content last", cpio(&[linked("a", ""), linked("b", "xy")]), Is("b=xy a=>b")),
        case("hard links, empty", cpio(&[linked("a", ""), linked("b", "")]), Is("a= b=>a")),
        case(
            "hard link beneath a symlink",
            cpio(&[newc("l", 0o120_777, "/"), linked("l/a", ""), linked("b", "xy")]),
            Refuse("`l`, which it lies beneath"),
        ),
        case("checksums", cpio(&[crc("ab", 195)]), Is("a=ab")),
        case("wrong checksum", cpio(&[crc("ab", 196)]), Refuse("entry `a`: damaged cpio: the checksum")),
        case("formats mixed", cpio(&[newc("b", FILE, ""), crc("ab", 195)]), Refuse("different formats")),
        case("device", cpio(&[newc("null", 0o020_666, "")]), Refuse("it is a character device")),
        case("socket", cpio(&[newc("s", 0o140_666, "")]), Refuse("it is a socket")),
        case("unknown type", cpio(&[newc("s", 0o644, "")]), Refuse("no known type")),
        case("parent", cpio(&[newc("../a", FILE, "x")]), Refuse("contains `..`")),
        case("absolute", cpio(&[newc("/a", FILE, "x")]), Refuse("is absolute")),
        case(
            "beneath a symlink",
            cpio(&[newc("l", 0o120_777, "/tmp"), newc("l/a", FILE, "x")]),
            Refuse("is a symbolic link"),
        ),
        case("NUL in a name", cpio(&[newc("a\0b", FILE, "x")]), Refuse("only NUL byte")),
        case("name not ended", unended, Refuse("only NUL byte")),
        case("empty name", cpio(&[newc("", FILE, "x")]), Refuse("a name of 1 bytes")),
        case("letters in a number", letters, Refuse("is no number")),
        case("sign in a number", signed, Refuse("is no number")),
        case("directory with a size", cpio(&[newc("d", 0o040_755, "x")]), Refuse("a directory states a size")),
        case(
            "long symlink",
            cpio(&[newc("l", 0o120_777, &"x".repeat(5000))]),
            Refuse("a symbolic link states a size of 5000"),
        ),
        case("cut in content", whole[..114].to_vec(), Refuse("cut short in the content")),
        case("cut before the trailer", whole[..120].to_vec(), Refuse("`TRAILER!!!` is missing")),
        case("cut in a header", whole[..50].to_vec(), Refuse("cut short in a header")),
        case("another archive behind it", [whole.clone(), whole].concat(), Refuse("data follows the end of the cpio")),
    ]);
}

#[test]
fn old_formats() {
    check(vec![
        case("odc", odc(&[("d", 0o040_755, ""), ("d/a", FILE, "hey")]), Is("d/ d/a=hey")),
        case("odc device", odc(&[("d", 0o060_600, "")]), Refuse("it is a block device")),
        case("binary", [vec![0xc7, 0x71], vec![0; 600]].concat(), Refuse("binary cpio is not supported")),
    ]);
}
