//! tar: headers, names, links, types, ends.

use super::make::*;
use super::*;

#[test]
fn plain_entries() {
    check(vec![
        case("file", tar(&[file("a", "hello")]), Is("a=hello")),
        case("empty archive", tar(&[]), Is("")),
        case("empty file", tar(&[file("a", "")]), Is("a=")),
        case("executable", tar(&[file("a", "x").mode("0000755\0")]), Is("a*=x")),
        case("odd mode is normalised", tar(&[file("a", "x").mode("0000600\0")]), Is("a=x")),
        ruled(
            "odd mode is kept on request",
            Rules { modes: Modes::Keep, ..Rules::default() },
            tar(&[file("a", "x").mode("0004711\0"), dir("d").mode("0001777\0")]),
            Is("a711=x d/777"),
        ),
        case("directory", tar(&[dir("d/"), file("d/a", "x")]), Is("d/ d/a=x")),
        case("parents are made", tar(&[file("d/e/a", "x")]), Is("d/ d/e/ d/e/a=x")),
        case("symlink", tar(&[symlink("l", "a/b")]), Is("l->a/b")),
        case("absolute symlink is text", tar(&[symlink("l", "/etc/passwd")]), Is("l->/etc/passwd")),
        case("upward symlink is text", tar(&[symlink("l", "../../x")]), Is("l->../../x")),
        case("hard link", tar(&[file("a", "x"), hardlink("b", "a")]), Is("a=x b=>a")),
        case("hard link to `./a`", tar(&[file("a", "x"), hardlink("b", "./a")]), Is("a=x b=>a")),
        case("hard link to itself", tar(&[file("a", "x"), hardlink("a", "a")]), Is("a=x")),
        case("V7 file", tar(&[entry(0, "a", "x").with(257, &[0; 8])]), Is("a=x")),
        case("V7 directory", tar(&[entry(0, "d/", "").with(257, &[0; 8])]), Is("d/")),
        case("contiguous file", tar(&[entry(b'7', "a", "x")]), Is("a=x")),
        case("ustar prefix", tar(&[file("a", "x").with(345, b"p/q")]), Is("p/ p/q/ p/q/a=x")),
        case(
            "star prefix",
            tar(&[file("a", "x").with(345, b"p").with(476, b"00000000001").with(508, b"tar\0")]),
            Is("p/ p/a=x"),
        ),
        case("GNU has no prefix", tar(&[file("a", "x").gnu().with(345, b"77777777777")]), Is("a=x")),
        case(
            "name of 100 bytes",
            tar(&[file(&"n".repeat(100), "")]),
            Is(Box::leak(format!("{}=", "n".repeat(100)).into())),
        ),
        case("size in base 256", tar(&[file("a", "x").size(b"\x80\0\0\0\0\0\0\0\0\0\0\x01")]), Is("a=x")),
        case("checksum of signed bytes", signed_checksum(), Is("é=")),
        case("zeros after the end", [tar(&[file("a", "x")]), vec![0; 8192]].concat(), Is("a=x")),
        case("volume label", tar(&[entry(b'V', "label", ""), file("a", "x")]), Is("a=x")),
    ]);
}

fn signed_checksum() -> Vec<u8> {
    let mut bytes = tar(&[file("é", "")]);
    bytes[148..156].fill(b' ');
    let sum: i32 = bytes[..512].iter().map(|byte| i32::from(*byte as i8)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    bytes
}

#[test]
fn names() {
    let long = "n".repeat(256);
    check(vec![
        case(
            "dots are dropped",
            tar(&[dir("./"), dir("./d/"), file("./d/./a", "x"), file(".//b", "y")]),
            Is("d/ d/a=x b=y"),
        ),
        case("a name with blanks and newline", tar(&[file("a b\nc", "x")]), Is("a b\nc=x")),
        case("`...` is a name", tar(&[file("...", "x"), file("..a", "y")]), Is("...=x ..a=y")),
        case("parent", tar(&[file("../a", "x")]), Refuse("entry `../a`: the name contains `..`")),
        case("parent within", tar(&[file("a/../../b", "x")]), Refuse("contains `..`")),
        case("parent that would stay inside", tar(&[file("a/../b", "x")]), Refuse("contains `..`")),
        case("parent at the end", tar(&[dir("a/..")]), Refuse("contains `..`")),
        case("absolute", tar(&[file("/etc/a", "x")]), Refuse("is absolute")),
        case("absolute directory", tar(&[dir("/")]), Refuse("is absolute")),
        ruled(
            "absolute, by rule",
            Rules { absolute: Absolute::Strip, ..Rules::default() },
            tar(&[file("//etc/a", "x")]),
            Is("etc/ etc/a=x"),
        ),
        ruled(
            "absolute with parent, by rule",
            Rules { absolute: Absolute::Strip, ..Rules::default() },
            tar(&[file("/../a", "x")]),
            Refuse("contains `..`"),
        ),
        case("empty name", tar(&[file("", "x")]), Refuse("the name is empty")),
        case("file named `.`", tar(&[file(".", "x")]), Refuse("the name is empty")),
        case("symlink named `./`", tar(&[symlink("./", "x")]), Refuse("not a directory")),
        case("symlink at the root", tar(&[symlink(".", "x")]), Refuse("the name is empty")),
        case("not UTF-8", tar(&[entry(b'0', b"a\xff", "x")]), Refuse("entry `a\\xff`: the name is not UTF-8")),
        ruled(
            "Latin-1, by rule",
            Rules { names: Names::Latin1, ..Rules::default() },
            tar(&[entry(b'0', b"\xe4", "x")]),
            Is("ä=x"),
        ),
        case("component too long", tar(&[entry(b'L', "L", &long).gnu(), file("a", "x")]), Refuse("longer than 255")),
        case(
            "name too long",
            tar(&[entry(b'L', "L", "a/".repeat(2100)).gnu(), file("a", "")]),
            Refuse("longer than a path"),
        ),
        case("file with a slash at its end", tar(&[entry(b'7', "a/", "x")]), Refuse("a directory states a size of 1")),
        case(
            "hard link with a slash at its end",
            tar(&[file("a", ""), hardlink("b/", "a")]),
            Refuse("not a directory"),
        ),
    ]);
}

#[test]
fn links() {
    check(vec![
        case(
            "file beneath a symlink",
            tar(&[symlink("l", "/tmp"), file("l/a", "x")]),
            Refuse("entry `l/a`: `l`, which it lies beneath, is a symbolic link"),
        ),
        case("directory beneath a symlink", tar(&[symlink("l", "."), dir("l/d")]), Refuse("is a symbolic link")),
        case("deep beneath a symlink", tar(&[symlink("d/l", ".."), file("d/l/e/f", "x")]), Refuse("`d/l`, which")),
        case(
            "hard link beneath a symlink",
            tar(&[file("a", "x"), symlink("l", "/"), hardlink("l/b", "a")]),
            Refuse("is a symbolic link"),
        ),
        case(
            "hard link through a symlink",
            tar(&[symlink("l", "/etc"), hardlink("b", "l/passwd")]),
            Refuse("no earlier entry"),
        ),
        case(
            "symlink over a directory",
            tar(&[dir("d"), symlink("d", "/tmp"), file("d/a", "x")]),
            Refuse("it is a symbolic link, and was a directory"),
        ),
        case(
            "symlink over an implied directory",
            tar(&[file("d/a", "x"), symlink("d", "/tmp")]),
            Refuse("was a directory"),
        ),
        case(
            "directory over a symlink",
            tar(&[symlink("d", "/tmp"), dir("d")]),
            Refuse("it is a directory, and was a symbolic link"),
        ),
        case(
            "file over a symlink",
            tar(&[symlink("l", "/etc/passwd"), file("l", "x")]),
            Refuse("it is a file, and was a symbolic link"),
        ),
        case(
            "file beneath a file",
            tar(&[file("a", "x"), file("a/b", "y")]),
            Refuse("`a`, which it lies beneath, is a file"),
        ),
        case("file over a directory", tar(&[dir("a"), file("a", "y")]), Refuse("was a directory")),
        case("last file wins", tar(&[file("a", "1"), file("./a", "2")]), Is("a=1 a=2")),
        case("last symlink wins", tar(&[symlink("l", "1"), symlink("l", "2")]), Is("l->1 l->2")),
        case("directory twice", tar(&[dir("d"), dir("d/")]), Is("d/ d/")),
        case("hard link to nothing", tar(&[hardlink("b", "a")]), Refuse("hard link target `a` is no earlier entry")),
        case("hard link to a later file", tar(&[hardlink("b", "a"), file("a", "x")]), Refuse("no earlier entry")),
        case("hard link to a directory", tar(&[dir("d"), hardlink("b", "d")]), Refuse("is a directory")),
        case("hard link to a symlink", tar(&[symlink("l", "x"), hardlink("b", "l")]), Refuse("is a symbolic link")),
        case("hard link out", tar(&[hardlink("b", "../../etc/passwd")]), Refuse("the link target contains `..`")),
        case("absolute hard link", tar(&[hardlink("b", "/etc/passwd")]), Refuse("the link target is absolute")),
        case("hard link to the root", tar(&[hardlink("b", ".")]), Refuse("is the archive's root")),
        case(
            "hard link with content",
            tar(&[file("a", ""), hardlink("b", "a").size(b"00000000005\0")]),
            Refuse("a hard link states a size of 5"),
        ),
        case(
            "symlink with content",
            tar(&[symlink("b", "a").size(b"00000000005\0")]),
            Refuse("a symbolic link states a size"),
        ),
        case("symlink without target", tar(&[symlink("l", "")]), Refuse("the symlink target is empty")),
        case(
            "symlink target not UTF-8",
            tar(&[entry(b'2', "l", "").with(157, b"\xff")]),
            Refuse("the symlink target is not UTF-8"),
        ),
    ]);
}

#[test]
fn types() {
    let skip = || Rules { skip_devices: true, ..Rules::default() };
    check(vec![
        case("character device", tar(&[entry(b'3', "null", "")]), Refuse("entry `null`: it is a character device")),
        case("block device", tar(&[entry(b'4', "sda", "")]), Refuse("it is a block device")),
        case("fifo", tar(&[entry(b'6', "p", "")]), Refuse("it is a fifo")),
        ruled("devices, by rule", skip(), tar(&[entry(b'3', "null", ""), file("a", "x")]), Is("a=x")),
        ruled("device with `..`, by rule", skip(), tar(&[entry(b'3', "../null", "")]), Refuse("contains `..`")),
        case("multi-volume", tar(&[entry(b'M', "a", "x")]), Refuse("several volumes")),
        case("dump directory", tar(&[entry(b'D', "a", "")]), Refuse("incremental dump")),
        case("unknown type", tar(&[entry(b'Z', "a", "")]), Refuse("entry type `Z` is not supported")),
        case(
            "directory with a size",
            tar(&[dir("d").size(b"00000001000\0")]),
            Refuse("a directory states a size of 512"),
        ),
    ]);
}

#[test]
fn numbers() {
    let file = || file("a", "x");
    check(vec![
        case(
            "size with a letter",
            tar(&[file().size(b"0000000000x\0")]),
            Refuse("size `0000000000x\\x00` is no number"),
        ),
        case("size with an 8", tar(&[file().size(b"00000000008\0")]), Refuse("is no number")),
        case("no size", tar(&[file().size(&[0; 12])]), Refuse("states no size")),
        case("negative size", tar(&[file().size(&[0xff; 12])]), Refuse("is no number")),
        case("size above 2^64", tar(&[file().size(b"\x80\0\0\x01\0\0\0\0\0\0\0\x01")]), Refuse("is no number")),
        case("size of 2^63", tar(&[file().size(b"\x80\0\0\0\x80\0\0\0\0\0\0\0")]), Refuse("bytes unpacked")),
        case("size with digits behind its end", tar(&[file().size(b"1\x000000000000")]), Refuse("is no number")),
        case("size with blanks", tar(&[file().size(b"          1 ")]), Is("a=x")),
        case("mode with letters", tar(&[file().mode("rwxr-xr\0")]), Refuse("mode `rwxr-xr\\x00` is no number")),
        case("uid with letters", tar(&[file().with(108, b"root\0\0\0\0")]), Refuse("uid")),
        case("time before 1970", tar(&[file().with(136, &[0xff; 12])]), Is("a=x")),
        case("time with letters", tar(&[file().with(136, b"yesterday\0\0\0")]), Refuse("mtime")),
    ]);
}

#[test]
fn ends() {
    let whole = tar(&[file("a", "hello"), file("b", "x")]);
    let mut flipped = whole.clone();
    flipped[1024] ^= 1;
    let mut first = whole.clone();
    first[0] ^= 1;
    let mut magic = file("a", "x");
    magic = magic.with(257, b"usnar\x0000");
    check(vec![
        case("no end", open(&[file("a", "x")]), Refuse("the two blocks of zeros are missing")),
        case(
            "one block of zeros",
            [open(&[file("a", "x")]), vec![0; 512]].concat(),
            Refuse("the second block of zeros is missing"),
        ),
        case(
            "a lone block of zeros",
            [open(&[file("a", "x")]), vec![0; 512], tar(&[file("b", "y")])].concat(),
            Refuse("a lone block of zeros"),
        ),
        case(
            "another archive behind it",
            [tar(&[file("a", "x")]), tar(&[file("b", "y")])].concat(),
            Refuse("data follows the end of the tar"),
        ),
        case("cut in a header", whole[..1200].to_vec(), Refuse("cut short in a header")),
        case("cut in content", whole[..514].to_vec(), Refuse("entry `a`: the archive is cut short in the content")),
        case("cut in padding", whole[..600].to_vec(), Refuse("cut short in the padding")),
        case("second checksum", flipped, Refuse("the checksum of the header after entry 1")),
        case("first checksum", first, Refuse("the first header's checksum")),
        case("size beyond the end", tar(&[file("a", "x").size(b"00000100000\0")]), Refuse("cut short in the content")),
        case("unknown magic", tar(&[magic]), Refuse("unknown magic")),
        case("half a block", vec![0; 100], Refuse("no known archive format")),
        case("nothing", Vec::new(), Refuse("no known archive format")),
        case("text", vec![b'x'; 2000], Refuse("no known archive format")),
    ]);
}

#[test]
fn stripping() {
    check(vec![
        ruled("one", strip(1), tar(&[dir("p-1.0/"), file("p-1.0/a", "x"), file("p-1.0/d/b", "y")]), Is("a=x d/ d/b=y")),
        ruled("with dots", strip(1), tar(&[dir("./"), dir("./p"), file("./p/a", "x")]), Is("a=x")),
        ruled("two", strip(2), tar(&[dir("p"), dir("p/q"), file("p/q/a", "x")]), Is("a=x")),
        ruled(
            "two folders",
            strip(1),
            tar(&[file("p/a", "x"), file("q/b", "y")]),
            Refuse("entry `q/b`: cannot strip 1 leading components: it does not lie below `p`"),
        ),
        ruled("a file above", strip(1), tar(&[file("p/a", "x"), file("README", "y")]), Refuse("cannot strip 1")),
        ruled("a file instead", strip(1), tar(&[file("p", "x")]), Refuse("nothing would be left")),
        ruled(
            "a symlink instead",
            strip(1),
            tar(&[symlink("p", "/"), file("p/a", "x")]),
            Refuse("nothing would be left"),
        ),
        ruled("hard links too", strip(1), tar(&[file("p/a", "x"), hardlink("p/b", "p/a")]), Is("a=x b=>a")),
        ruled(
            "hard link out of the folder",
            strip(1),
            tar(&[file("p/a", "x"), hardlink("p/b", "a")]),
            Refuse("cannot strip"),
        ),
        ruled("symlinks are text", strip(1), tar(&[symlink("p/l", "../p/a")]), Is("l->../p/a")),
    ]);
}
