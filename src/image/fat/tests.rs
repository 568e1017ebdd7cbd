//! What others make of the file systems: fsck.vfat and mtools.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};

use super::super::error::{Error, Problem};
use super::super::tests::volume::{Bench, Bytes, holds, meta, noise, sum};
use super::super::tree::{Builder, Contents, Kind, Tree};
use super::{Options, Width, name::names, record::moment, write};

/// A tree with whatever FAT can hold.
fn tree() -> (Tree, Bytes) {
    let mut bytes = Bytes::default();
    let mut tree = Builder::default();
    for (number, path) in
        ["", "EFI", "EFI/BOOT", "many", "sizes", "empty", "names", "names/inner folder"].iter().enumerate()
    {
        tree.folder(path.as_bytes(), meta(0o755, 0, 0, 1_700_000_000 + number as u32)).expect("a new path");
    }
    let mut file = |path: &str, time: u32, content: &[u8]| {
        let content = bytes.add(content);
        tree.add_other(path.as_bytes(), meta(0o644, 7, 8, time), Kind::File(content)).expect("a new path");
    };
    file("EFI/BOOT/BOOTX64.EFI", 1_700_000_000, &noise(1, 300_000));
    for number in 0..3000 {
        file(&format!("many/entry number {number}.text"), 1_600_000_000 + number, format!("{number}").as_bytes());
    }
    for size in [0, 1, 511, 512, 513, 4096, 32768, 32769, 1 << 20, 3_000_001] {
        file(&format!("sizes/{size}"), 0, &noise(size as u32, size));
    }
    for name in [
        "lower.txt",
        "Mixed.Txt",
        "UPPER.TXT",
        "UPPER",
        "a.b.c",
        ".hidden",
        "two  spaces",
        "ENTRYN~1.TEX",
        "longer.extension",
        "plus+comma,semi;equals=[brackets]",
        "größe",
        "日本語の名前.txt",
        "🦀.rs",
        "12345678.123",
        "123456789.123",
        "LONGNAME1",
        "LONGNAME2",
        "thirteen.unit",
        "twenty-six.units.and.no.more",
        "~1",
    ] {
        file(&format!("names/{name}"), 1_700_000_001, name.as_bytes());
    }
    file(&format!("names/{}", "n".repeat(255)), 0xffff_ffff, b"the longest");
    (tree.finish().expect("a tree"), bytes)
}

fn image(bench: &Bench, name: &str, tree: &Tree, bytes: &Bytes, options: &Options) -> File {
    let mut file = bench.file(name);
    let begins = write(tree, bytes, options, &mut file).expect("it can be written");
    for (inode, begin) in tree.inodes.iter().zip(begins) {
        let Kind::File(content) = &inode.kind else { continue };
        let mut wanted = Vec::new();
        bytes.open(content).and_then(|mut content| content.read_to_end(&mut wanted)).expect("it is there");
        let mut found = vec![0; wanted.len()];
        file.seek(SeekFrom::Start(begin)).and_then(|_| file.read_exact(&mut found)).expect("it is in the volume");
        assert!(found == wanted, "{:?}", inode.path);
    }
    file
}

#[test]
fn all_widths_are_clean_and_whole() {
    let (tree, bytes) = tree();
    let label = || Options { label: "A LABEL".to_owned(), time: 1_700_000_000, ..Options::default() };
    let sized = |size: u64| Options { size: Some(size), ..label() };
    let width = |width: Width| Options { width: Some(width), ..label() };
    for (name, want, options) in [
        ("small", "16 bit", Options::default()),
        ("odd", "16 bit", sized(20_000_256)),
        ("fat16", "16 bit", sized(64 << 20)),
        ("fat32", "32 bit", sized(700 << 20)),
        ("asked12", "12 bit", Options { cluster: Some(8192), ..width(Width::Fat12) }),
        ("asked16", "16 bit", width(Width::Fat16)),
        ("asked32", "32 bit", Options { hidden_sectors: 2048, spare_bytes: 50 << 20, ..width(Width::Fat32) }),
    ] {
        let bench = Bench::new();
        image(&bench, name, &tree, &bytes, &options);
        let Some((code, said)) = bench.run("fsck.vfat", &["-n", "-v", name]) else { return };
        assert_eq!(code, 0, "{name}: {said}");
        assert!(said.contains(want), "{name}: {said}");
        if matches!(name, "small" | "odd" | "fat16") {
            continue;
        }
        fs::create_dir(bench.path("out")).expect("a new folder");
        if !bench.passes("mcopy", &["-s", "-m", "-n", "-Q", "-i", name, "::/*", "out"]) {
            return;
        }
        for inode in &tree.inodes {
            let path = bench.path("out").join(String::from_utf8(inode.path.clone()).expect("names are text"));
            // mtools has no names of more than 16 bits a letter.
            let shown = !inode.path.ends_with("🦀.rs".as_bytes());
            if let Kind::File(digest) = &inode.kind
                && shown
            {
                assert!(holds(&path, &bytes, digest), "{name}: {}", path.display());
            }
        }
        let (_, said) = bench.run("mdir", &["-/", "-a", "-i", name, "::"]).expect("mtools are there");
        for want in
            ["BOOTX64  EFI", "ENTRYN~2 TEX", "12345678 123", "LOWER    TXT", "2023-11-14", "1980-01-01", "2106-02-07"]
        {
            assert!(said.contains(want), "{name}: no `{want}` in {}", &said[..3000.min(said.len())]);
        }
        if !options.label.is_empty() {
            let (_, said) = bench.run("mlabel", &["-s", "-i", name, "::"]).expect("mtools are there");
            assert!(said.contains("A LABEL"), "{said}");
        }
    }
}

#[test]
fn an_empty_volume_is_one_mebibyte_or_what_a_floppy_holds() {
    let mut builder = Builder::default();
    builder.folder(b"", meta(0o755, 0, 0, 0)).expect("a new path");
    let tree = builder.finish().expect("a tree");
    let bench = Bench::new();
    for (name, size) in [("smallest", None), ("floppy", Some(1440 << 10)), ("tiny", Some(20 << 10))] {
        let file = image(&bench, name, &tree, &Bytes::default(), &Options { size, ..Options::default() });
        assert_eq!(file.metadata().expect("it is there").len(), size.unwrap_or(1 << 20));
        let Some((code, said)) = bench.run("fsck.vfat", &["-n", "-v", name]) else { return };
        assert!(code == 0 && said.contains("12 bit"), "{said}");
    }
}

#[test]
fn the_bytes_are_known_and_the_same_twice() {
    let (tree, bytes) = tree();
    let bench = Bench::new();
    let known = [Width::Fat12, Width::Fat16, Width::Fat32].map(|width| {
        let options =
            Options { width: Some(width), label: "GOLDEN".to_owned(), time: 1_700_000_000, ..Options::default() };
        let [a, b] = ["a", "b"].map(|name| sum(&image(&bench, &format!("{name} {width:?}"), &tree, &bytes, &options)));
        assert_eq!(a, b);
        a
    });
    assert_eq!(
        known,
        [
            "101d9326e21ef1e6ad2d6cf5955cfca5da569260d4b0f3fd7d7c286d451f0288",
            "af0baeeb06f54c2a6b32feb90f9a6e1015da3e19581780d3d3e46ed6446a8b6a",
            "082d64f1693a626995c0de832a8bbc6747f2c6a6a778970a11aac3f2d6e61f9e"
        ]
    );
}

#[test]
fn short_names_are_unique_and_told_from_long_ones() {
    let list: [&[u8]; 8] =
        [b"FOO~1", b"UPPER.TXT", b"foo bar", b"foo baz", b"lower", b"name.jpeg", b"name.jpg", "ä.x".as_bytes()];
    let named = names(&list).expect("all can be");
    let shown: Vec<(String, usize)> =
        named.iter().map(|name| (String::from_utf8_lossy(&name.short).into_owned(), name.long.len())).collect();
    let want = [
        ("FOO~1      ", 0),
        ("UPPER   TXT", 0),
        ("FOOBAR~1   ", 7),
        ("FOOBAZ~1   ", 7),
        ("LOWER      ", 5),
        ("NAME~1  JPE", 9),
        ("NAME    JPG", 8),
        ("_~1     X  ", 3),
    ];
    assert_eq!(shown, want.map(|(short, long)| (short.to_owned(), long)));
}

#[test]
fn dates_are_those_of_the_calendar() {
    let of = |year: u16, month: u16, day: u16| (year - 1980) << 9 | month << 5 | day;
    for (time, date, clock, odd) in [
        (0, of(1980, 1, 1), 0, 0),
        (315_532_800, of(1980, 1, 1), 0, 0),
        (951_782_400, of(2000, 2, 29), 0, 0),
        (951_868_799, of(2000, 2, 29), 23 << 11 | 59 << 5 | 29, 100),
        (4_107_542_400, of(2100, 3, 1), 0, 0),
        (0xffff_ffff, of(2106, 2, 7), 6 << 11 | 28 << 5 | 7, 100),
    ] {
        assert_eq!(moment(time), (date, clock, odd), "{time}");
    }
}

#[test]
fn what_cannot_be_is_an_error() {
    let mut bytes = Bytes::default();
    let content = bytes.add(b"four");
    let with = |names: &[&str], kind: Kind| {
        let mut builder = Builder::default();
        builder.folder(b"", meta(0o755, 0, 0, 0)).expect("a new path");
        for name in names {
            builder.add_other(name.as_bytes(), meta(0o644, 0, 0, 0), kind.clone()).expect("a new path");
        }
        builder
    };
    let told = |tree: Builder, options: &Options| {
        let tree = tree.finish().expect("a tree");
        write(&tree, &bytes, options, &mut std::io::Cursor::new(vec![])).map_err(|error| error.to_string())
    };
    let plain = Options::default();
    let file = || Kind::File(content);
    for (name, kind) in [
        ("a:b", file()),
        ("dot.", file()),
        ("space ", file()),
        ("tab\t", file()),
        ("x", Kind::Symlink(b"y".to_vec())),
        ("x", Kind::Fifo),
        ("x", Kind::Character(1, 3)),
        ("x", Kind::Socket),
    ] {
        let said = told(with(&[name], kind), &plain).expect_err("it cannot be");
        assert!(said.contains("the format has no "), "{said}");
    }
    let said = told(with(&["Größe", "GRÖSSE", "GRÖßE"], file()), &plain).expect_err("they are alike");
    assert!(said.contains("cannot tell it from"), "{said}");
    let mut links = with(&["a"], file());
    links.link(b"b", b"a").expect("a new path");
    assert!(told(links, &plain).expect_err("no links").starts_with("`/b`"));
    let mut attributes = meta(0o644, 0, 0, 0);
    attributes.attributes.insert(b"user.x".to_vec(), Vec::new());
    let mut builder = with(&["a"], file());
    builder.add_other(b"b", attributes, file()).expect("a new path");
    assert!(told(builder, &plain).expect_err("no attributes").starts_with("`/b`"));
    let huge = Kind::File(crate::digest::Digest { hash: [0; 32], size: 1 << 32 });
    assert!(told(with(&["a"], huge), &plain).expect_err("too large").contains("over the format's 4294967295"));
    for options in [
        Options { size: Some(1000), ..plain.clone() },
        Options { size: Some(1 << 20), width: Some(Width::Fat32), ..plain.clone() },
        Options { size: Some(1 << 30), width: Some(Width::Fat12), ..plain.clone() },
        Options { cluster: Some(1000), ..plain.clone() },
        Options { label: "lower".to_owned(), ..plain.clone() },
    ] {
        assert!(told(with(&["a"], file()), &options).expect_err("no such volume").starts_with("option "));
    }
    let tree =
        with(&["a"], Kind::File(crate::digest::Digest { hash: [0; 32], size: 40_000 })).finish().expect("a tree");
    let options = Options { size: Some(32 << 10), ..plain };
    let failed = write(&tree, &bytes, &options, &mut std::io::Cursor::new(vec![]));
    assert!(matches!(failed, Err(Error::TooMuch { .. })), "{failed:?}");
    let options = Options { spare_bytes: u64::MAX, ..Options::default() };
    let failed = write(&tree, &bytes, &options, &mut std::io::Cursor::new(vec![]));
    assert!(matches!(failed, Err(Error::TooMuch { .. })), "{failed:?}");
    let stated = Kind::File(crate::digest::Digest { size: 5, ..content });
    let tree = with(&["a"], stated).finish().expect("a tree");
    let failed = write(&tree, &bytes, &Options::default(), &mut std::io::Cursor::new(vec![]));
    assert!(matches!(failed, Err(Error::Entry { problem: Problem::Size { stated: 5 }, .. })), "{failed:?}");
}
