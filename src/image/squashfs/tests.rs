//! Images of a tree with everything in it, as unsquashfs sees them.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Seek, SeekFrom, Write};

use proptest::prelude::ProptestConfig;

use super::super::rich_tests::{Bytes, Compared, Rich, any_tree, is_root, make, meta, noise, same, text, tool};
use super::super::{Contents, Error, Kind, Meta, Problem, Tree};
use super::{Compression, Options, write};
use crate::digest::Digest;

const EVERY: [Compression; 4] =
    [Compression::None, Compression::Gzip { level: 6 }, Compression::Xz { level: 3 }, Compression::Zstd { level: 5 }];

fn image(tree: &Tree, contents: &dyn Contents, options: &Options) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    write(tree, contents, options, &mut out).expect("it is written");
    out.into_inner()
}

fn fails(rich: Rich, options: &Options) -> Error {
    let (tree, contents) = rich.finish();
    let Err(error) = write(&tree, &contents, options, &mut Cursor::new(Vec::new())) else { panic!("it is written") };
    error
}

fn word(image: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(image[at..at + 8].try_into().expect("eight bytes"))
}

/// Has unsquashfs unpack an image, and compares.
fn unpacks(tree: &Tree, contents: &dyn Contents, image: &[u8]) {
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let file = place.path().join("image");
    std::fs::write(&file, image).expect("it can be written");
    let out = place.path().join("out");
    let (file, folder) = (file.to_str().expect("a plain name"), out.to_str().expect("a plain name"));
    let root = is_root();
    let kept: &[&str] = if root { &[] } else { &["-no-xattrs", "-ignore-errors", "-no-exit-code"] };
    let Some(_) = tool("unsquashfs", &[kept, &["-no-progress", "-d", folder, file]].concat()) else { return };
    same(tree, contents, &out, Compared { owners: root, mode: 0o7777, attributes: root, links: true });
}

#[test]
fn unsquashfs_takes_out_what_went_in() {
    let (tree, contents) = Rich::everything().finish();
    for (compression, block) in EVERY.into_iter().zip([4096, 128 << 10, 128 << 10, 1 << 20]) {
        let options = Options { compression, block, time: 1, threads: 2 };
        unpacks(&tree, &contents, &image(&tree, &contents, &options));
    }
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unsquashfs_takes_any_tree_out(tree in any_tree(), kind in 0..4_usize, block in 12..17_u32) {
        let (tree, contents) = make(tree).finish();
        let options = Options { compression: EVERY[kind], block: 1 << block, time: 1, threads: 3 };
        let bytes = image(&tree, &contents, &options);
        assert!(bytes == image(&tree, &contents, &Options { threads: 1, ..options }));
        unpacks(&tree, &contents, &bytes);
    }
}

#[test]
fn unsquashfs_tells_the_options() {
    let (tree, contents) = small().finish();
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let file = place.path().join("image");
    let compressions = ["gzip", "gzip", "xz", "zstd"];
    for (compression, name) in EVERY.into_iter().zip(compressions) {
        let options = Options { compression, block: 8192, time: 86_400, threads: 1 };
        std::fs::write(&file, image(&tree, &contents, &options)).expect("it can be written");
        let Some(said) = tool("unsquashfs", &["-stat", file.to_str().expect("a plain name")]) else { return };
        let inodes = format!("Number of inodes {}", tree.inodes.len());
        for line in [&format!("Compression {name}"), "Block size 8192", "Fri Jan  2 00:00:00 1970", &inodes] {
            assert!(said.contains(line), "{line}: {said}");
        }
        match compression {
            Compression::None => assert!(said.contains("Inodes are uncompressed"), "{said}"),
            Compression::Xz { .. } => assert!(said.contains("Inodes are compressed"), "{said}"),
            Compression::Gzip { level } | Compression::Zstd { level } => {
                assert!(said.contains(&format!("compression-level {level}")), "{said}");
            }
        }
    }
}

/// A tree whose image is named below.
fn small() -> Rich {
    let mut rich = Rich::new();
    let attributes = BTreeMap::from([(b"user.a".to_vec(), b"1".to_vec())]);
    rich.folder("d", Meta { uid: 1, gid: 2, attributes, ..meta(0o750) });
    rich.plain("d/file", text(20_000));
    rich.plain("d/twin", text(20_000));
    rich.plain("end", text(100));
    rich.file("hole", meta(0o600), Bytes { before: text(9), hole: 100_000, ..Bytes::default() });
    rich.other("link", meta(0o777), Kind::Symlink(b"d/file".to_vec()));
    rich.other("null", meta(0o666), Kind::Character(1, 3));
    rich.builder.link(b"z", b"end").expect("a plain link");
    rich
}

#[test]
fn the_bytes_are_known() {
    let (tree, contents) = small().finish();
    let golden = [
        "829888b9968973c596135e8a7c4426d2b851e6cb664758f2a177980c0ce76fc9/32768",
        "36a31e34040a7f6c25bfcf4fb701a1728e0eb32ad85b2a2cc886e3aeb4a4da07/4096",
        "0ceec986857f6908c95afde5514a503fa2ffeb1f22b1fbe8e0b1dd3adbcdabf5/4096",
        "018dadd34929e60151a8767e96303d99052aef080423290b8058d790a2c11b81/4096",
    ];
    for (compression, golden) in EVERY.into_iter().zip(golden) {
        let options = Options { compression, block: 8192, time: 5, threads: 1 };
        assert_eq!(Digest::of(&image(&tree, &contents, &options)).to_string(), golden, "{compression:?}");
    }
}

#[test]
fn threads_do_not_show() {
    let (tree, contents) = Rich::everything().finish();
    for compression in EVERY {
        let one = Options { compression, block: 16384, time: 0, threads: 1 };
        let first = image(&tree, &contents, &one);
        assert!(first == image(&tree, &contents, &one), "{compression:?}: twice");
        assert!(first == image(&tree, &contents, &Options { threads: 4, ..one }), "{compression:?}: on four threads");
        assert_eq!(first.len() % 4096, 0);
        let used = usize::try_from(word(&first, 40)).expect("it is in memory");
        assert_eq!(used.next_multiple_of(4096), first.len());
    }
}

#[test]
fn what_is_equal_is_stored_once() {
    let plain = Options { compression: Compression::None, ..Options::default() };
    let size = |names: &[&str]| {
        let mut rich = Rich::new();
        names.iter().for_each(|name| rich.plain(name, noise(3, 300_000)));
        let (tree, contents) = rich.finish();
        image(&tree, &contents, &plain).len()
    };
    assert!(size(&["a", "b", "c"]) <= size(&["a"]) + 4096);
}

#[test]
fn a_block_that_does_not_become_smaller_is_stored_as_it_is() {
    for compression in EVERY {
        let mut rich = Rich::new();
        let bytes = noise(5, 4096);
        rich.plain("noise", bytes.clone());
        let (tree, contents) = rich.finish();
        let image = image(&tree, &contents, &Options { compression, ..Options { block: 4096, ..Options::default() } });
        assert!(image.windows(4096).any(|window| window == bytes), "{compression:?}");
    }
}

#[test]
fn holes_and_more_than_four_gigabytes() {
    let mut rich = Rich::new();
    let bytes = Bytes { before: b"begin".to_vec(), hole: 1 << 32, behind: b"end".to_vec(), end: 0 };
    let size = bytes.size();
    rich.file("large", meta(0o644), bytes);
    let (tree, contents) = rich.finish();
    let image = image(&tree, &contents, &Options { block: 1 << 20, ..Options::default() });
    assert!(image.len() <= 8192, "{}", image.len());
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let file = place.path().join("image");
    std::fs::write(&file, image).expect("it can be written");
    let Some(said) = tool("unsquashfs", &["-lls", file.to_str().expect("a plain name")]) else { return };
    assert!(said.contains(&format!(" {size} ")), "{said}");
}

/// Every entry of the root's index leads to a run of names that begins with the one that it tells.
#[test]
fn the_index_of_a_large_folder_leads_to_its_names() {
    let mut rich = Rich::new();
    (0..3000).for_each(|number| rich.plain(&format!("name {number:05}"), Vec::new()));
    let (tree, contents) = rich.finish();
    let image = image(&tree, &contents, &Options { compression: Compression::None, ..Options::default() });
    let at = |at: u64| usize::try_from(at).expect("it is in memory");
    let half = |bytes: &[u8], at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let long = |bytes: &[u8], at: usize| half(bytes, at) | half(bytes, at + 2) << 16;
    // A table unpacked: all blocks but the last have 8 KiB, with two bytes in front.
    let table = |start: u64, end: u64| -> Vec<u8> {
        image[at(start)..at(end)].chunks(8194).flat_map(|block| block[2..].to_vec()).collect()
    };
    let inodes = table(word(&image, 64), word(&image, 72));
    let root = word(&image, 32);
    let root = at(root >> 16) / 8194 * 8192 + at(root & 0xffff);
    let folders = table(word(&image, 72), word(&image, 80));
    assert_eq!(half(&inodes, root), 8, "a long inode");
    let (size, indexed) = (long(&inodes, root + 20), half(&inodes, root + 32));
    assert_eq!(long(&inodes, root + 24), 0);
    assert_eq!(size.div_ceil(8192), indexed + 1, "one entry for each block but the first");
    let mut entry = root + 40;
    for block in 1..=indexed {
        let (within, start, name) = (long(&inodes, entry), long(&inodes, entry + 4), long(&inodes, entry + 8) + 1);
        assert_eq!((within / 8192, start / 8194), (block, block));
        let first = within + 12;
        assert_eq!(folders[first + 8..first + 8 + name], inodes[entry + 12..entry + 12 + name]);
        entry += 12 + name;
    }
}

#[test]
fn options_that_are_not_possible_are_refused() {
    let usual = Options::default();
    for options in [
        Options { block: 2048, ..usual.clone() },
        Options { block: 5000, ..usual.clone() },
        Options { block: 2 << 20, ..usual.clone() },
        Options { threads: 0, ..usual.clone() },
        Options { compression: Compression::Gzip { level: 0 }, ..usual.clone() },
        Options { compression: Compression::Xz { level: 10 }, ..usual.clone() },
        Options { compression: Compression::Zstd { level: 23 }, ..usual },
    ] {
        assert!(matches!(fails(Rich::new(), &options), Error::Option { .. }), "{options:?}");
    }
}

#[test]
fn what_the_format_cannot_hold_is_refused() {
    let refused = |kind: Kind, attribute: &str, value: usize| {
        let mut rich = Rich::new();
        let attributes = BTreeMap::from([(attribute.as_bytes().to_vec(), vec![1; value])]);
        rich.other("it", Meta { attributes, ..meta(0o644) }, kind);
        match fails(rich, &Options::default()) {
            Error::Entry { path, problem } if path == "it" => problem,
            other => panic!("{other}"),
        }
    };
    for name in ["system.posix_acl_access", "user", "user.", "a", "security.a\0b"] {
        assert!(matches!(refused(Kind::Fifo, name, 1), Problem::Unsupported { .. }), "{name}");
    }
    let long = format!("user.{}", "n".repeat(251));
    assert!(matches!(refused(Kind::Fifo, &long, 1), Problem::TooLarge { value: 256, .. }));
    assert!(matches!(refused(Kind::Fifo, "user.a", 65_537), Problem::TooLarge { value: 65_537, .. }));
    assert!(matches!(refused(Kind::Character(4096, 0), "user.a", 1), Problem::TooLarge { value: 4096, .. }));
    assert!(matches!(refused(Kind::Block(0, 1 << 20), "user.a", 1), Problem::TooLarge { value: 0x10_0000, .. }));

    let mut rich = Rich::new();
    for id in 0..40_000 {
        rich.other(&id.to_string(), Meta { uid: id, gid: 100_000 + id, ..meta(0o644) }, Kind::Fifo);
    }
    assert!(matches!(fails(rich, &Options::default()), Error::TooMuch { needed: 80_000, most: 65_535, .. }));
}

#[test]
fn other_sizes_than_stated_are_refused() {
    for (stated, threads) in [(0, 1), (1, 1), (9_999, 4), (10_001, 4), (1 << 40, 1)] {
        let mut rich = Rich::new();
        rich.plain("before", noise(1, 50_000));
        let digest = Digest { size: stated, ..Digest::of(b"some") };
        rich.files.insert(digest, Bytes { before: text(10_000), ..Bytes::default() });
        rich.other("file", meta(0o644), Kind::File(digest));
        let error = fails(rich, &Options { block: 4096, threads, ..Options::default() });
        assert!(
            matches!(&error, Error::Entry { path, problem } if path == "file" && *problem == Problem::Size { stated })
        );
    }
    let mut rich = Rich::new();
    rich.other("gone", meta(0o644), Kind::File(Digest::of(b"gone")));
    assert!(matches!(fails(rich, &Options::default()), Error::Read { path, .. } if path == "gone"));
}

/// Takes so many bytes and no more.
struct Full(usize, Cursor<Vec<u8>>);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.1.seek(to)
    }
}

#[test]
fn an_output_that_is_full_is_an_error() {
    let (tree, contents) = small().finish();
    let options = Options { threads: 4, block: 4096, ..Options::default() };
    let size = image(&tree, &contents, &options).len();
    // The superblock is the only part that is not written behind the last.
    for most in (0..size).step_by(97) {
        let written = write(&tree, &contents, &options, &mut Full(most, Cursor::default()));
        assert!(matches!(written, Err(Error::Write { .. })), "{most} of {size}");
    }
}
