//! Images that mke2fs makes.

use super::super::image_tests::{Attributes, Bench, field, tool};
use super::super::{Fault, Kind};
use crate::fs::Content;

fn image(bench: &Bench, args: &[&str], size: &str) -> Option<Content> {
    let tree = bench.tree();
    let path = bench.text("image");
    tool("mke2fs", &[&["-q", "-F", "-d", &tree], args, &[&path, size]].concat())?;
    Some(bench.open("image"))
}

#[test]
fn every_version_has_the_folder() {
    for args in [
        &["-t", "ext2", "-b", "1024"][..],
        &["-t", "ext3"],
        &["-t", "ext4", "-b", "4096"],
        &["-t", "ext4", "-b", "1024", "-O", "inline_data,metadata_csum,64bit"],
        &["-t", "ext4", "-O", "meta_bg,^resize_inode", "-b", "1024"],
        &["-t", "ext2", "-I", "128", "-r", "1"],
    ] {
        let bench = Bench::new();
        let Some(image) = image(&bench, args, "20M") else { return };
        let small = args.contains(&"128");
        let attributes = if small { Attributes::None } else { Attributes::Seconds };
        bench.holds_the_tree(&bench.list(&image, Kind::Ext), attributes, &["lost+found"]);
    }
}

#[test]
fn all_flips_and_cuts_are_seen() {
    for args in [&["-t", "ext4", "-b", "1024", "-N", "400"][..], &["-t", "ext2", "-b", "1024", "-N", "400"]] {
        let bench = Bench::new();
        let Some(image) = image(&bench, args, "3M") else { return };
        let note = field(&bench.list(&image, Kind::Ext), "deep/other", "xattr");
        assert!(note.is_none_or(|note| note == "user.note=a value"));
        bench.shows_all_flips(&image, 200, true);
        bench.survives_cuts(&image, 50);
    }
}

/// An image of 1 KiB blocks with one group and 16 inodes, whose root's only data block is its own list of blocks.
fn looped(folder: bool) -> Vec<u8> {
    let mut image = vec![0; 16 * 1024];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    for (at, value) in [(0, 16_u32), (4, 16), (0x14, 1), (0x20, 8192), (0x28, 16), (0x4c, 0), (0x60, 2)] {
        put(1024 + at, &value.to_le_bytes());
    }
    put(1024 + 0x38, &[0x53, 0xef]);
    // The group: bitmaps in blocks 3 and 4, inodes in 5 and 6.
    put(2048, &[3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0]);
    let root = 5 * 1024 + 128;
    put(root, &[0xed, 0x41]);
    put(root + 4, &1024_u32.to_le_bytes());
    if folder {
        // One record with the name `x`, which is the root.
        put(root + 0x28, &[8]);
        put(8 * 1024, &[2, 0, 0, 0, 0, 4, 1, 2, b'x']);
    } else {
        // The block of pointers to blocks of pointers, which points to itself.
        put(root + 0x28 + 52, &[9]);
        put(9 * 1024, &[9]);
    }
    image
}

/// An image whose root has one block again and again, in which nothing is.
fn repeated() -> Vec<u8> {
    let mut image = looped(false);
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(5 * 1024 + 128 + 0x28 + 48, &[9, 0, 0, 0, 0]);
    (0..256).for_each(|index| put(9 * 1024 + index * 4, &[8]));
    put(8 * 1024, &[0, 0, 0, 0, 0, 4]);
    image
}

/// An image that says that it has more groups than there are numbers of blocks.
fn endless() -> Vec<u8> {
    let mut image = looped(true);
    let mut put = |at: usize, bytes: &[u8]| image[1024 + at..1024 + at + bytes.len()].copy_from_slice(bytes);
    put(0x150, &[0xff; 4]);
    put(0x20, &[1, 0, 0, 0]);
    put(0x60, &[0x82]);
    put(0xfe, &[64, 0]);
    image
}

#[test]
fn what_has_no_end_is_refused() {
    let bench = Bench::new();
    for (image, expected) in [
        (repeated(), "its directories have more bytes than the image"),
        (endless(), "a group descriptor at 0x4000 lies beyond the image's end"),
    ] {
        let found = super::list(&Content::of_bytes(image), &bench.spool());
        let Err(Fault::Malformed { reason }) = found else { panic!("it has no end") };
        assert_eq!(reason, expected);
    }
}

#[test]
fn what_contains_itself_is_refused() {
    let bench = Bench::new();
    for (folder, expected) in [
        (true, "the directory `x` is reached twice"),
        (false, "block 9 lists the blocks of more than one file, or its own"),
    ] {
        let found = super::list(&Content::of_bytes(looped(folder)), &bench.spool());
        let Err(Fault::Malformed { reason }) = found else { panic!("it has no end") };
        assert_eq!(reason, expected);
    }
}
