//! tar: long names, pax headers, sparse files.

use super::make::*;
use super::*;

#[test]
fn long_names() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    let list: &'static str = Box::leak(format!("{}/ {long}=x", "d".repeat(120)).into());
    let link: &'static str = Box::leak(format!("l->{}", "t".repeat(300)).into());
    let x = || file("short", "x");
    check(vec![
        case("GNU name", tar(&[entry(b'L', "././@LongLink", format!("{long}\0")).gnu(), x().gnu()]), Is(list)),
        case("GNU name without NUL", tar(&[entry(b'L', "L", &long).gnu(), x().gnu()]), Is(list)),
        case("GNU link", tar(&[entry(b'K', "K", "t".repeat(300)).gnu(), symlink("l", "t")]), Is(link)),
        case("pax name", tar(&[pax(&[("path", &long)]), x()]), Is(list)),
        case("pax link", tar(&[pax(&[("linkpath", &"t".repeat(300))]), symlink("l", "t")]), Is(link)),
        case(
            "pax hard link",
            tar(&[file("a", "x"), pax(&[("linkpath", "a")]), hardlink("b", "nothing")]),
            Is("a=x b=>a"),
        ),
        case("both, equal", tar(&[entry(b'L', "L", "n\0").gnu(), pax(&[("path", "n")]), x()]), Is("n=x")),
        case(
            "both, different",
            tar(&[entry(b'L', "L", "n\0").gnu(), pax(&[("path", "m")]), x()]),
            Refuse("another one by pax"),
        ),
        case(
            "two GNU names",
            tar(&[entry(b'L', "L", "n").gnu(), entry(b'L', "L", "m").gnu(), x()]),
            Refuse("a second long name"),
        ),
        case(
            "GNU name with NUL inside",
            tar(&[entry(b'L', "L", "n\0evil").gnu(), x()]),
            Refuse("a long name contains a NUL"),
        ),
        case("GNU name and then the end", tar(&[entry(b'L', "L", "n").gnu()]), Refuse("only its extended header")),
        case("GNU name with `..`", tar(&[entry(b'L', "L", "../n\0").gnu(), x()]), Refuse("contains `..`")),
        case(
            "huge GNU name",
            tar(&[entry(b'L', "L", "n").gnu().size(b"77777777777\0")]),
            Refuse("an extended header of 8589934591 bytes"),
        ),
    ]);
}

#[test]
fn pax_records() {
    let x = || file("a", "x");
    let raw = |text: &str| tar(&[entry(b'x', "pax", text), x()]);
    check(vec![
        case("size", tar(&[pax(&[("size", "1")]), x().size(b"00000000000\0")]), Is("a=x")),
        case("size in letters", tar(&[pax(&[("size", "one")]), x()]), Refuse("size `one` is no number")),
        case("size with a sign", tar(&[pax(&[("size", "+1")]), x()]), Refuse("size `+1` is no number")),
        case("negative size", tar(&[pax(&[("size", "-1")]), x()]), Refuse("is no number")),
        case("size with a fraction", tar(&[pax(&[("size", "1.0")]), x()]), Refuse("is no number")),
        case("size above 2^64", tar(&[pax(&[("size", "99999999999999999999")]), x()]), Refuse("is no number")),
        case("size in hex", tar(&[pax(&[("size", "0x1")]), x()]), Refuse("is no number")),
        case("uid in letters", tar(&[pax(&[("uid", "root")]), x()]), Refuse("uid `root` is no number")),
        case("time", tar(&[pax(&[("mtime", "-1.5"), ("atime", "12"), ("ctime", "1.000000001")]), x()]), Is("a=x")),
        case("time in letters", tar(&[pax(&[("mtime", "now")]), x()]), Refuse("mtime `now` is no time")),
        case("time with two points", tar(&[pax(&[("atime", "1.2.3")]), x()]), Refuse("is no time")),
        case("an empty value takes back", tar(&[pax(&[("path", "b"), ("path", "")]), x()]), Is("a=x")),
        case("the last value counts", tar(&[pax(&[("path", "b"), ("path", "c")]), x()]), Is("c=x")),
        case("value with `=` and newline", tar(&[pax(&[("path", "b=\nc")]), x()]), Is("b=\nc=x")),
        case("name with NUL", tar(&[pax(&[("path", "b\0c")]), x()]), Refuse("contains a NUL")),
        case("link with NUL", tar(&[pax(&[("linkpath", "b\0c")]), symlink("l", "x")]), Refuse("contains a NUL")),
        case("absolute name", tar(&[pax(&[("path", "/b")]), x()]), Refuse("is absolute")),
        case(
            "attributes",
            tar(&[pax(&[("SCHILY.xattr.user.a", "1"), ("uname", "me"), ("VENDOR.x", "y")]), x()]),
            Is("a=x"),
        ),
        case("length in letters", raw("xx path=b\n"), Refuse("record length `xx` is no number")),
        case("length too short", raw("5 path=b\n"), Refuse("does not end where its length says")),
        case("length too long", raw("99 path=b\n"), Refuse("longer than the header")),
        case("length of zero", raw("0 path=b\n"), Refuse("a record does not end")),
        case("length of itself", raw("2 path=b\n"), Refuse("a record does not end")),
        case("no length", raw("path=b\n"), Refuse("a record without a length")),
        case("no `=`", raw("7 path\n"), Refuse("a record without `=`")),
        case("no newline", raw("10 path=bcd"), Refuse("does not end where its length says")),
        case("huge length", raw("99999999999999999999 path=b\n"), Refuse("a record without a length")),
        case("two headers", tar(&[pax(&[("path", "b")]), pax(&[("path", "c")]), x()]), Refuse("a second pax header")),
        case("header and then the end", tar(&[pax(&[("path", "b")])]), Refuse("only its extended header")),
        case("charset", tar(&[pax(&[("hdrcharset", "BINARY")]), x()]), Is("a=x")),
        case("another charset", tar(&[pax(&[("hdrcharset", "EBCDIC")]), x()]), Refuse("pax hdrcharset `EBCDIC`")),
        case("global comment", tar(&[entry(b'g', "g", record("comment", "0123")), x()]), Is("a=x")),
        case(
            "global path",
            tar(&[entry(b'g', "g", record("path", "b")), x()]),
            Refuse("a global header states a name"),
        ),
        case("global size", tar(&[entry(b'g', "g", record("size", "0")), x()]), Refuse("a global header states")),
        case(
            "global header in between",
            tar(&[pax(&[]), entry(b'g', "g", ""), x()]),
            Refuse("a global header stands before"),
        ),
        case(
            "star's own size",
            tar(&[pax(&[("SCHILY.realsize", "9")]), x()]),
            Refuse("SCHILY.realsize is not supported"),
        ),
        case("volume", tar(&[pax(&[("GNU.volume.filename", "a")]), x()]), Refuse("several volumes")),
    ]);
}

/// A sparse header in the old format: pieces, and the size with holes.
fn old(pieces: &[(&str, &str)], real: &str, data: &str) -> Tar {
    let mut tar = entry(b'S', "s", data).gnu();
    for (index, (offset, length)) in pieces.iter().enumerate() {
        tar = tar.with(386 + index * 24, format!("{offset:0>11}\0").as_bytes());
        tar = tar.with(398 + index * 24, format!("{length:0>11}\0").as_bytes());
    }
    tar.with(483, format!("{real:0>11}\0").as_bytes())
}

fn version1(map: &str, real: &str, data: &str) -> Vec<u8> {
    let mut content = map.as_bytes().to_vec();
    content.resize(content.len().next_multiple_of(512), 0);
    content.extend(data.as_bytes());
    let keys =
        [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"), ("GNU.sparse.realsize", real)];
    tar(&[pax(&keys), entry(b'0', "GNUSparseFile.1/s", content), file("z", "")])
}

#[test]
fn sparse_files() {
    let x = || file("GNUSparseFile.1/s", "xy");
    let mut extended =
        old(&[("0", "1"), ("2", "1"), ("4", "1"), ("6", "1")], "11", "").with(482, &[1]).with(124, b"00000000005\0");
    extended.pad = false;
    let mut more = [0; 512];
    more[..24].copy_from_slice(b"00000000010\x0000000000001\0");
    let mut data = b"abcde".to_vec();
    data.resize(512, 0);
    let extended = [extended.bytes(), more.to_vec(), data, vec![0; 1024]].concat();
    check(vec![
        case("old", tar(&[old(&[("2", "1"), ("4", "1")], "6", "xy"), file("z", "")]), Is(r"s=\x00\x00x\x00y\x00 z=")),
        case("old, only a hole", tar(&[old(&[("3", "0")], "3", "")]), Is(r"s=\x00\x00\x00")),
        case("old, extended", extended, Is(r"s=a\x00b\x00c\x00d\x00e")),
        case("old, overlapping", tar(&[old(&[("0", "2"), ("1", "1")], "6", "xyz")]), Refuse("overlap")),
        case("old, backwards", tar(&[old(&[("4", "1"), ("0", "1")], "6", "xy")]), Refuse("out of order")),
        case("old, beyond its end", tar(&[old(&[("6", "2")], "6", "xy")]), Refuse("behind the end of the file")),
        case(
            "old, other sum",
            tar(&[old(&[("0", "1")], "6", "xy")]),
            Refuse("its map names 1 bytes, and 2 are stored"),
        ),
        case("old, in a ustar header", tar(&[entry(b'S', "s", "xy")]), Refuse("not GNU's")),
        case(
            "old, huge",
            tar(&[old(&[("0", "0")], "77777777777", "").with(483, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff")]),
            Refuse("bytes unpacked"),
        ),
        case("1.0", version1("2\n0\n1\n3\n1\n", "5", "xy"), Is(r"s=x\x00\x00y\x00 z=")),
        case("1.0, no pieces", version1("0\n", "2", ""), Is(r"s=\x00\x00 z=")),
        case("1.0, a hole first", version1("1\n1\n2\n", "3", "xy"), Is(r"s=\x00xy z=")),
        case("1.0, map without numbers", version1("one\n", "5", "xy"), Refuse("sparse map `one` is no number")),
        case("1.0, map cut", version1("300\n1\n", "5", "xy"), Refuse("a number without end")),
        case("1.0, map too large", version1("99999999999\n", "5", "xy"), Refuse("too many pieces")),
        case("1.0, number without end", version1(&"1".repeat(600), "5", "xy"), Refuse("a number without end")),
        case("1.0, other sum", version1("1\n0\n1\n", "5", "xy"), Refuse("its map names 1 bytes")),
        case(
            "0.1",
            tar(&[
                pax(&[
                    ("GNU.sparse.name", "s"),
                    ("GNU.sparse.size", "4"),
                    ("GNU.sparse.numblocks", "2"),
                    ("GNU.sparse.map", "0,1,3,1"),
                ]),
                x(),
            ]),
            Is(r"s=x\x00\x00y"),
        ),
        case(
            "0.1, other count",
            tar(&[pax(&[("GNU.sparse.size", "4"), ("GNU.sparse.numblocks", "3"), ("GNU.sparse.map", "0,1,3,1")]), x()]),
            Refuse("another length than stated"),
        ),
        case(
            "0.1, odd map",
            tar(&[pax(&[("GNU.sparse.size", "4"), ("GNU.sparse.map", "0,1,3")]), x()]),
            Refuse("another length"),
        ),
        case(
            "0.0",
            tar(&[
                pax(&[
                    ("GNU.sparse.size", "4"),
                    ("GNU.sparse.numblocks", "2"),
                    ("GNU.sparse.offset", "1"),
                    ("GNU.sparse.numbytes", "1"),
                    ("GNU.sparse.offset", "2"),
                    ("GNU.sparse.numbytes", "1"),
                ]),
                file("s", "xy"),
            ]),
            Is(r"s=\x00xy\x00"),
        ),
        case(
            "0.0, not alternating",
            tar(&[pax(&[("GNU.sparse.size", "4"), ("GNU.sparse.numbytes", "1")]), x()]),
            Refuse("do not alternate"),
        ),
        case("no size", tar(&[pax(&[("GNU.sparse.map", "0,2")]), x()]), Refuse("it states no size")),
        case(
            "version 2",
            tar(&[pax(&[("GNU.sparse.major", "2"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "2")]), x()]),
            Refuse("sparse format 2.0"),
        ),
        case(
            "on a directory",
            tar(&[pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "2")]), dir("d")]),
            Refuse("no file is marked as sparse"),
        ),
    ]);
}
