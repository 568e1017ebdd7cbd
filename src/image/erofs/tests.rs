//! Images of a tree with everything in it, as the tools of erofs-utils see them.

use std::collections::BTreeMap;
use std::io::Cursor;

use proptest::prelude::ProptestConfig;

use super::super::rich_tests::{Bytes, Compared, Rich, TIME, any_tree, is_root, make, meta, noise, same, text, tool};
use super::super::{Contents, Error, Kind, Meta, Problem, Tree};
use super::{BLOCK, Options, write};
use crate::digest::Digest;

const USUAL: Options = Options { uuid: *b"0123456789abcdef", time: TIME };

fn image(tree: &Tree, contents: &dyn Contents, options: &Options) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    write(tree, contents, options, &mut out).expect("it is written");
    out.into_inner()
}

fn fails(rich: Rich) -> Error {
    let (tree, contents) = rich.finish();
    let Err(error) = write(&tree, &contents, &USUAL, &mut Cursor::new(Vec::new())) else { panic!("it is written") };
    error
}

fn number<const SIZE: usize>(image: &[u8], at: usize) -> usize {
    image[at..at + SIZE].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// The bytes of an image on disk, and their path.
fn file(bytes: &[u8]) -> (tempfile::TempDir, String) {
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let file = place.path().join("image");
    std::fs::write(&file, bytes).expect("it can be written");
    let path = file.to_str().expect("a plain name").to_owned();
    (place, path)
}

/// Has fsck.erofs unpack an image, and compares.
fn unpacks(tree: &Tree, contents: &dyn Contents, image: &[u8]) {
    let (place, path) = file(image);
    let out = place.path().join("out");
    let extract = format!("--extract={}", out.to_str().expect("a plain name"));
    let Some(_) = tool("fsck.erofs", &[&extract, &path]) else { return };
    // It makes copies of links, leaves attributes, and gives owners last, which takes set-user-id away.
    same(tree, contents, &out, Compared { owners: is_root(), mode: 0o1777, attributes: false, links: false });
}

#[test]
fn fsck_erofs_takes_out_what_went_in() {
    let (tree, contents) = Rich::everything().finish();
    for time in [TIME, 0] {
        unpacks(&tree, &contents, &image(&tree, &contents, &Options { time, ..USUAL }));
    }
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fsck_erofs_takes_any_tree_out(tree in any_tree()) {
        let (tree, contents) = make(tree).finish();
        unpacks(&tree, &contents, &image(&tree, &contents, &USUAL));
    }
}

/// A tree whose image is named below.
fn small() -> Rich {
    let mut rich = Rich::new();
    let attributes = BTreeMap::from([(b"user.a".to_vec(), b"1".to_vec())]);
    rich.folder("d", Meta { uid: 1, gid: 2, attributes: attributes.clone(), ..meta(0o750) });
    rich.plain("d/file", text(20_000));
    rich.plain("d/twin", text(20_000));
    rich.plain("end", text(100));
    rich.file("hole", Meta { attributes, ..meta(0o600) }, Bytes { before: text(9), hole: 100_000, ..Bytes::default() });
    rich.other("link", Meta { uid: 65_536, ..meta(0o777) }, Kind::Symlink(b"d/file".to_vec()));
    rich.other("null", meta(0o666), Kind::Character(1, 3));
    rich.builder.link(b"z", b"end").expect("a plain link");
    rich
}

#[test]
fn the_bytes_are_known() {
    let (tree, contents) = small().finish();
    for (time, golden) in [
        (TIME, "b826ccc3325a32f8e6b2cdb35c4aad3027f8d34826945aa94ff811b8af3266c7/131072"),
        (0, "528fe2d9b2f14a0003d33afc7e8947aa1a6c963157ac9ae40543522bc8842f37/131072"),
    ] {
        let image = image(&tree, &contents, &Options { time, ..USUAL });
        assert_eq!(Digest::of(&image).to_string(), golden, "{time}");
    }
}

#[test]
fn an_image_is_the_same_twice_and_whole_blocks() {
    let (tree, contents) = Rich::everything().finish();
    let first = image(&tree, &contents, &USUAL);
    assert!(first == image(&tree, &contents, &USUAL));
    assert_eq!(number::<4>(&first, 1024 + 36) as u64 * BLOCK, first.len() as u64);
}

#[test]
fn dump_erofs_tells_the_superblock() {
    let (tree, contents) = small().finish();
    let (_place, path) = file(&image(&tree, &contents, &USUAL));
    let Some(said) = tool("dump.erofs", &["-s", "-S", &path]) else { return };
    let said: Vec<String> = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "Filesystem UUID: 30313233-3435-3637-3839-616263646566",
        "Filesystem features: sb_csum mtime",
        "Filesystem created: Tue Nov 14 22:13:20 2023",
        &format!("Filesystem inode count: {}", tree.inodes.len()),
    ] {
        assert!(said.iter().any(|said| said == line), "{line}: {said:?}");
    }
}

/// Where an inode of the root is in an image, by a name of up to three bytes.
fn find(image: &[u8], name: &str) -> usize {
    let root = number::<2>(image, 1024 + 14) * 32;
    let bytes = &image[root + 32..];
    let count = number::<2>(bytes, 8) / 12;
    let entry = (0..count).find(|entry| bytes[number::<2>(bytes, entry * 12 + 8)..].starts_with(name.as_bytes()));
    number::<8>(bytes, entry.expect("it is there") * 12) * 32
}

#[test]
fn inodes_are_as_small_as_they_can_be() {
    let mut rich = Rich::new();
    let most = Meta { uid: 65_535, gid: 65_535, ..meta(0o644) };
    rich.other("a", most.clone(), Kind::Fifo);
    rich.other("b", Meta { uid: 65_536, ..most.clone() }, Kind::Fifo);
    rich.other("c", Meta { gid: 65_536, ..most.clone() }, Kind::Fifo);
    rich.other("d", Meta { time: TIME + 1, ..most.clone() }, Kind::Fifo);
    rich.file("e", most, Bytes { hole: (1 << 32) - 1, ..Bytes::default() });
    let (tree, contents) = rich.finish();
    // What is large is only planned here.
    let layout = super::layout::Layout::new(&tree, TIME).expect("it has room");
    let sizes: Vec<u64> = layout.spots.iter().map(|spot| spot.head).collect();
    assert_eq!(sizes, [32, 32, 64, 64, 64, 32]);
    drop(contents);
}

#[test]
fn modes_are_whole() {
    let mut rich = Rich::new();
    rich.other("a", meta(0o6755), Kind::Socket);
    rich.folder("b", Meta { uid: 70_000, ..meta(0o1777) });
    let (tree, contents) = rich.finish();
    let image = image(&tree, &contents, &USUAL);
    assert_eq!(number::<2>(&image, find(&image, "a") + 4), 0o146_755);
    assert_eq!(number::<2>(&image, find(&image, "b") + 4), 0o041_777);
}

#[test]
fn files_with_the_same_bytes_share_their_blocks() {
    let mut rich = Rich::new();
    for name in ["a1", "a2", "a3"] {
        rich.plain(name, noise(1, 10_000));
        rich.plain(&name.replace('a', "b"), noise(2, 100));
        rich.plain(&name.replace('a', "c"), noise(3, 8192 + 1000));
    }
    let (tree, contents) = rich.finish();
    let bytes = image(&tree, &contents, &USUAL);
    let block = |name: &str| number::<4>(&bytes, find(&bytes, name) + 16);
    let layout = |name: &str| bytes[find(&bytes, name)] >> 1 & 7;
    // Three ends of 1808 bytes take more than a block, those of 1000 and of 100 bytes do not.
    for (kind, inline) in [("a", 0), ("b", 2), ("c", 2)] {
        for name in ["1", "2", "3"].map(|number| format!("{kind}{number}")) {
            assert_eq!((layout(&name), block(&name)), (inline, block(&format!("{kind}1"))), "{name}");
        }
    }
    assert_eq!(bytes.windows(100).filter(|window| *window == &noise(2, 100)[..]).count(), 3);
    assert_eq!(bytes.windows(4096).filter(|window| *window == &noise(1, 4096)[..]).count(), 1);
    let (_place, path) = file(&bytes);
    tool("fsck.erofs", &["--extract", &path]);
}

#[test]
fn what_inodes_share_of_attributes_is_stored_once() {
    let mut rich = Rich::new();
    for number in 0..20 {
        let own = format!("user.{number}").into_bytes();
        let attributes = [(b"security.selinux".to_vec(), noise(4, 500)), (own, noise(number, 50))].into();
        rich.other(&number.to_string(), Meta { attributes, ..meta(0o644) }, Kind::Fifo);
    }
    let (tree, contents) = rich.finish();
    let image = image(&tree, &contents, &USUAL);
    assert_eq!(image.windows(500).filter(|window| *window == &noise(4, 500)[..]).count(), 1);
    assert_eq!(image.windows(50).filter(|window| *window == &noise(7, 50)[..]).count(), 1);
}

#[test]
fn more_than_four_gigabytes() {
    let mut rich = Rich::new();
    let bytes = Bytes { before: b"begin".to_vec(), hole: (1 << 32) - 5, behind: b"end".to_vec(), end: 0 };
    let size = bytes.size();
    rich.file("large", meta(0o644), bytes);
    let (tree, contents) = rich.finish();
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let file = place.path().join("image");
    let mut out = std::fs::File::create(&file).expect("it can be made");
    write(&tree, &contents, &USUAL, &mut out).expect("it is written");
    let is = std::fs::metadata(&file).expect("it is there");
    assert_eq!(is.len(), (1 << 32) + 2 * 4096);
    assert!(std::os::unix::fs::MetadataExt::blocks(&is) * 512 < 1 << 20, "holes take no room");
    let path = file.to_str().expect("a plain name");
    let Some(said) = tool("dump.erofs", &["--path=/large", path]) else { return };
    assert!(said.contains(&format!("Size: {size} ")), "{said}");
}

#[test]
fn what_the_format_cannot_hold_is_refused() {
    let refused = |attribute: &str, value: usize| {
        let mut rich = Rich::new();
        let attributes = BTreeMap::from([(attribute.as_bytes().to_vec(), vec![1; value])]);
        rich.other("it", Meta { attributes, ..meta(0o644) }, Kind::Fifo);
        match fails(rich) {
            Error::Entry { path, problem } if path == "it" => problem,
            other => panic!("{other}"),
        }
    };
    for name in ["system.nfs4_acl", "system.posix_acl_access2", "user.", "security", "user.a\0"] {
        assert!(matches!(refused(name, 1), Problem::Unsupported { .. }), "{name}");
    }
    assert!(matches!(refused("user.a", 65_536), Problem::TooLarge { value: 65_536, most: 65_535, .. }));

    let mut rich = Rich::new();
    let attributes = (0..5).map(|number| (format!("user.{number}").into_bytes(), vec![1; 60_000])).collect();
    rich.folder("many", Meta { attributes, ..meta(0o755) });
    assert!(matches!(fails(rich), Error::Entry { problem: Problem::TooLarge { most: 262_148, .. }, .. }));

    let mut rich = Rich::new();
    let digest = Digest { size: 1 << 45, ..Digest::of(b"large") };
    rich.other("large", meta(0o644), Kind::File(digest));
    assert!(matches!(fails(rich), Error::TooMuch { .. }));

    let mut rich = Rich::new();
    rich.other("device", meta(0o644), Kind::Block(1, 1 << 20));
    assert!(matches!(fails(rich), Error::Entry { problem: Problem::TooLarge { .. }, .. }));
}

#[test]
fn other_sizes_than_stated_are_refused() {
    for stated in [0, 1, 4096, 9_999, 10_001, 1 << 40] {
        let mut rich = Rich::new();
        let digest = Digest { size: stated, ..Digest::of(b"some") };
        rich.files.insert(digest, Bytes { before: text(10_000), ..Bytes::default() });
        rich.other("file", meta(0o644), Kind::File(digest));
        let error = fails(rich);
        assert!(
            matches!(&error, Error::Entry { path, problem } if path == "file" && *problem == Problem::Size { stated })
        );
    }
    let mut rich = Rich::new();
    rich.other("gone", meta(0o644), Kind::File(Digest::of(b"gone")));
    assert!(matches!(fails(rich), Error::Read { path, .. } if path == "gone"));
}

#[test]
fn an_output_that_is_full_is_an_error() {
    let (tree, contents) = small().finish();
    let size = image(&tree, &contents, &USUAL).len();
    for most in [0, 100, 4096, 5000, size - 1] {
        // A slice cannot grow.
        let mut room = vec![0; most];
        let written = write(&tree, &contents, &USUAL, &mut Cursor::new(&mut room[..]));
        assert!(matches!(written, Err(Error::Write { .. })), "{most} of {size}");
    }
}
