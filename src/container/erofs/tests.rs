//! Images that mkfs.erofs makes.

use super::super::image_tests::{Attributes, Bench, tool};
use super::super::{Data, Fault, Kind, What};
use crate::fs::Content;

fn image(bench: &Bench, args: &[&str]) -> Option<Content> {
    let tree = bench.tree();
    let path = bench.text("image");
    let fixed = ["-U", "01234567-89ab-cdef-0123-456789abcdef", path.as_str(), &tree];
    tool("mkfs.erofs", &[args, &fixed].concat())?;
    Some(bench.open("image"))
}

#[test]
fn every_layout_has_the_folder() {
    for args in [
        &[][..],
        &["-Eforce-inode-extended"],
        &["-Enoinline_data"],
        &["--chunksize=4096"],
        &["-zlz4"],
        &["-zlz4", "-Elegacy-compress"],
        &["-zlz4hc", "-C65536"],
        &["-zlz4", "-Eztailpacking"],
    ] {
        let bench = Bench::new();
        let Some(image) = image(&bench, args) else { return };
        let listing = bench.list(&image, Kind::Erofs);
        bench.holds_the_tree(&listing, Attributes::Nanoseconds, &[]);
        let packed = listing.entries.iter().any(|entry| matches!(&entry.what, What::File(Data::Packed(_))));
        assert_eq!(packed, args.iter().any(|arg| arg.starts_with("-z")), "{args:?}");
    }
}

#[test]
fn all_flips_and_cuts_are_seen() {
    for args in [&[][..], &["-zlz4"]] {
        let bench = Bench::new();
        let Some(image) = image(&bench, args) else { return };
        bench.shows_all_flips(&image, 200, args.is_empty());
        bench.survives_cuts(&image, 50);
    }
}

#[test]
fn a_directory_in_itself_is_refused() {
    let mut image = vec![0; 8192];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(1024, &[0xe2, 0xe1, 0xf5, 0xe0]);
    put(1036, &[12, 0, 40, 0]);
    // Inode 40 lies at 1280: a plain directory of 13 bytes in block 1, which has itself.
    put(1280, &[0, 0, 0, 0, 0xed, 0x41, 1, 0, 13]);
    put(1296, &[1]);
    put(4096, &[40, 0, 0, 0, 0, 0, 0, 0, 12, 0, 2, 0, b'x']);
    let bench = Bench::new();
    let found = super::list(&Content::of_bytes(image), &bench.spool());
    let Err(Fault::Malformed { reason }) = found else { panic!("it has no end") };
    assert_eq!(reason, "the directory `x` is reached twice");
}
