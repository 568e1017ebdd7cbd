//! Images that mksquashfs makes.

use super::super::image_tests::{Attributes, Bench, field, tool};
use super::super::{Fault, Kind};
use crate::fs::Content;

fn image(bench: &Bench, args: &[&str]) -> Option<Content> {
    let tree = bench.tree();
    let path = bench.text("image");
    let fixed = [tree.as_str(), &path, "-noappend", "-no-progress", "-quiet", "-b", "16384", "-processors", "1"];
    tool("mksquashfs", &[&fixed, args].concat())?;
    Some(bench.open("image"))
}

#[test]
fn every_compression_is_unpacked() {
    for compression in ["gzip", "lzma", "xz", "lz4", "zstd"] {
        let bench = Bench::new();
        let Some(image) = image(&bench, &["-comp", compression]) else { return };
        bench.holds_the_tree(&bench.list(&image, Kind::Squashfs), Attributes::Seconds, &[]);
    }
}

#[test]
fn options_change_nothing_in_the_files() {
    for args in [&["-noI", "-noD", "-noF", "-noX"][..], &["-no-fragments"], &["-no-exports", "-always-use-fragments"]] {
        let bench = Bench::new();
        let Some(image) = image(&bench, args) else { return };
        let listing = bench.list(&image, Kind::Squashfs);
        bench.holds_the_tree(&listing, Attributes::Seconds, &[]);
    }
}

#[test]
fn all_flips_and_cuts_are_seen() {
    for args in [&["-comp", "gzip", "-Xcompression-level", "1"][..], &["-noI", "-noId", "-noD", "-noF", "-noX"]] {
        let bench = Bench::new();
        let Some(image) = image(&bench, args) else { return };
        assert_eq!(field(&bench.list(&image, Kind::Squashfs), "deep/other", "nlink").as_deref(), Some("2"));
        bench.shows_all_flips(&image, 200, args.contains(&"-noI"));
        bench.survives_cuts(&image, 100);
    }
}

/// An image without compression whose root has one directory, which is the root again.
fn looped() -> Vec<u8> {
    let mut image = vec![0; 96];
    let block = |bytes: &[u8]| [&(0x8000 | bytes.len() as u16).to_le_bytes()[..], bytes].concat();
    // A directory with 21 bytes of names, owned by the first id.
    let mut inode = vec![0; 32];
    inode[0] = 1;
    inode[24] = 21 + 3;
    let mut names = vec![0; 12];
    names.extend([0, 0, 0, 0, 1, 0, 0, 0, b'x']);
    let tables = [block(&inode), block(&names), block(&[0; 4])];
    let mut places = Vec::new();
    for table in tables {
        places.push(image.len() as u64);
        image.extend(table);
    }
    let index = image.len() as u64;
    image.extend(places[2].to_le_bytes());
    let none = u64::MAX;
    image[..4].copy_from_slice(b"hsqs");
    image[12..16].copy_from_slice(&4096_u32.to_le_bytes());
    image[20] = 1;
    image[26] = 1;
    image[28] = 4;
    let end = image.len() as u64;
    for (at, value) in [(40, end), (48, index), (56, none), (64, places[0]), (72, places[1]), (80, none), (88, none)] {
        image[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    image
}

#[test]
fn a_directory_in_itself_is_refused() {
    let bench = Bench::new();
    let found = super::list(&Content::of_bytes(looped()), &bench.spool());
    let Err(Fault::Malformed { reason }) = found else { panic!("it has no end") };
    assert_eq!(reason, "the directory `x` is reached twice");
}
