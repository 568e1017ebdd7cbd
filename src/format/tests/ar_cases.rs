//! ar and deb.

use super::make::*;
use super::*;

#[test]
fn ar_members() {
    let mut odd = ar(&[member("a", b"x")]);
    odd.pop();
    let mut magic = ar(&[member("a", b"x")]);
    magic[66] = b'?';
    let mut size = ar(&[member("a", b"x")]);
    size[56] = b'-';
    check(vec![
        case("members", ar(&[member("a/", b"hey"), member("b", b"")]), Is("a=hey b=")),
        case("nothing", ar(&[]), Is("")),
        case(
            "long names and symbols",
            ar(&[
                member("/", b"\0\0\0\0"),
                member("//", b"a-long-name.o/\nb.o/\n"),
                member("/0", b"x"),
                member("/15", b"y"),
            ]),
            Is("a-long-name.o=x b.o=y"),
        ),
        case("long name not there", ar(&[member("/7", b"x")]), Refuse("a long name is not in the table")),
        case("BSD names", ar(&[member("#1/4", b"abcdx")]), Refuse("BSD's long names")),
        case("slash in a name", ar(&[member("//", b"../x/\n"), member("/0", b"x")]), Refuse("contains `/`")),
        case("no padding", odd, Refuse("cut short in the padding")),
        case("header magic", magic, Refuse("does not end in its magic bytes")),
        case("size", size, Refuse("size `-")),
        case("cut", ar(&[member("a", b"hello")])[..70].to_vec(), Refuse("cut short in the content")),
        case("cut header", ar(&[member("a", b"hello")])[..40].to_vec(), Refuse("cut short in a member's header")),
    ]);
}

#[test]
fn debian_packages() {
    let data = tar(&[dir("./"), dir("./usr"), file("./usr/a", "x")]);
    let version = || member("debian-binary", b"2.0\n");
    let control = || member("control.tar", &tar(&[file("./control", "")]));
    let mut short = data.clone();
    short.truncate(data.len() - 1024);
    check(vec![
        case("plain", deb("data.tar", &data), Is("usr/ usr/a=x")),
        case("gzip", deb("data.tar.gz", &gzip(&data)), Is("usr/ usr/a=x")),
        case("bzip2", deb("data.tar.bz2", &bzip2(&data)), Is("usr/ usr/a=x")),
        case("xz", deb("data.tar.xz", &xz(&data)), Is("usr/ usr/a=x")),
        case("zstd", deb("data.tar.zst", &zstd(&data)), Is("usr/ usr/a=x")),
        case("the suffix counts", deb("data.tar.xz", &gzip(&data)), Refuse("damaged xz")),
        case(
            "signed",
            ar(&[version(), control(), member("data.tar", &data), member("_gpgorigin", b"sig")]),
            Is("usr/ usr/a=x"),
        ),
        case("lzma", deb("data.tar.lzma", &data), Refuse("member `data.tar.lzma` is not supported")),
        case(
            "another version",
            ar(&[member("debian-binary", b"3.0\n"), control(), member("data.tar", &data)]),
            Refuse("deb format `3.0\\n`"),
        ),
        case("no data", ar(&[version(), control()]), Refuse("it has no member `data.tar`")),
        case(
            "wrong order",
            ar(&[version(), member("data.tar", &data), control()]),
            Refuse("stands where `control.tar` should"),
        ),
        case(
            "two data members",
            ar(&[version(), control(), member("data.tar", &data), member("data.tar", &data)]),
            Refuse("follows its data"),
        ),
        case(
            "foreign member",
            ar(&[version(), member("evil", b""), control(), member("data.tar", &data)]),
            Refuse("member `evil` stands where"),
        ),
        case("cut data", deb("data.tar", &short), Refuse("the two blocks of zeros are missing")),
        case(
            "garbage behind the data",
            deb("data.tar.gz", &[gzip(&data), b"garbage, and more of it".to_vec()].concat()),
            Refuse("damaged gzip"),
        ),
        case("escape", deb("data.tar", &tar(&[file("../../etc/cron.d/x", "")])), Refuse("contains `..`")),
    ]);
}

#[test]
fn control_of_a_package() {
    let bytes = deb("data.tar", &tar(&[file("a", "x")]));
    let mut sink = List::default();
    unpack_deb_control("x.deb", bytes.as_slice(), &Rules::default(), &mut sink).expect("it is a package");
    assert_eq!(sink.lines, [r"control=Package: x\n"]);
}
