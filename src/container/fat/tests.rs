//! Images that mkfs.vfat makes and mtools fill.

use std::fs;

use super::super::image_tests::{Attributes, Bench, field, noise, tool};
use super::super::{Fault, Kind};
use crate::fs::Content;

/// An image of so many KiB, with files of all kinds that FAT knows.
fn image(bench: &Bench, args: &[&str], size: u64) -> Option<Content> {
    let root = bench.path("tree");
    fs::create_dir_all(root.join("deep/A/b c/d")).expect("a new folder");
    fs::create_dir(root.join("many")).expect("a new folder");
    fs::write(root.join("empty"), b"").expect("it can be written");
    fs::write(root.join("SHORT.TXT"), b"hello\n").expect("it can be written");
    fs::write(root.join("A name that is not short, über.text"), noise(100_000)).expect("it can be written");
    fs::write(root.join("deep/A/b c/d/file"), noise(5_000)).expect("it can be written");
    for index in 0..150 {
        fs::write(root.join(format!("many/name number {index}")), index.to_string()).expect("it can be written");
    }
    let path = bench.text("image");
    fs::File::create(bench.path("image")).and_then(|file| file.set_len(size * 1024)).expect("holes cost nothing");
    tool("mkfs.vfat", &[args, &["-i", "12345678", "-n", "LABEL", "--invariant", &path]].concat())?;
    for name in ["deep", "many", "empty", "SHORT.TXT", "A name that is not short, über.text"] {
        tool("mcopy", &["-i", &path, "-s", "-m", root.join(name).to_str().expect("UTF-8"), "::"])?;
    }
    // A file with a hole between its clusters.
    tool("mdel", &["-i", &path, "::empty"])?;
    tool("mcopy", &["-i", &path, "-m", root.join("empty").to_str().expect("UTF-8"), "::"])?;
    Some(bench.open("image"))
}

#[test]
fn every_width_has_the_folder() {
    for (args, size, kind) in [
        (&["-F", "12"][..], 1_440, "FAT12"),
        (&["-F", "16", "-s", "1"], 16_384, "FAT16"),
        (&["-F", "32", "-s", "1"], 65_536, "FAT32"),
    ] {
        let bench = Bench::new();
        let Some(image) = image(&bench, args, size) else { return };
        let listing = bench.list(&image, Kind::Fat);
        assert_eq!(listing.fields[0].value.to_string(), kind);
        let mut listing = listing;
        // The root has no record of its own.
        listing.entries.push(super::super::Entry {
            name: ".".to_owned(),
            what: super::super::What::Directory,
            fields: Vec::new(),
        });
        bench.holds_the_tree(&listing, Attributes::None, &[]);
        assert_eq!(field(&listing, "SHORT.TXT", "short name").as_deref(), Some("SHORT   TXT"));
    }
}

#[test]
fn all_flips_and_cuts_are_seen() {
    for (args, size) in [(&["-F", "12"][..], 720), (&["-F", "16", "-s", "1"], 4_400)] {
        let bench = Bench::new();
        let Some(image) = image(&bench, args, size) else { return };
        bench.shows_all_flips(&image, 200, true);
        bench.survives_cuts(&image, 50);
    }
}

/// A FAT12 image whose root has one record, of the cluster 2; what the table says of it is given.
fn made(next: u8, attributes: u8) -> Vec<u8> {
    let mut image = vec![0; 64 * 512];
    image[..3].copy_from_slice(&[0xeb, 0x3c, 0x90]);
    // Sectors of 512 bytes, one in a cluster; one reserved, one table of one sector, 16 records in the root.
    image[11..28].copy_from_slice(&[0, 2, 1, 1, 0, 1, 16, 0, 64, 0, 0xf8, 1, 0, 1, 0, 1, 0]);
    image[512..518].copy_from_slice(&[0xf8, 0xff, 0xff, next, 0, 0]);
    let mut record = b"X          \x00".to_vec();
    record[11] = attributes;
    record.resize(32, 0);
    (record[26], record[28]) = (2, 10);
    image[1024..1056].copy_from_slice(&record);
    // The directory in cluster 2 has itself.
    record[0] = b'Y';
    if attributes == 0x10 {
        image[1536..1568].copy_from_slice(&record);
    }
    image
}

#[test]
fn what_contains_itself_is_refused() {
    let bench = Bench::new();
    for (next, attributes, expected) in [
        (2, 0, "cluster 2 is in two chains, or twice in one"),
        (0xff, 0, "there is no cluster 255"),
        (0, 0, "there is no cluster 0"),
    ] {
        let found = super::list(&Content::of_bytes(made(next, attributes)), &bench.spool());
        let Err(Fault::Malformed { reason }) = found else { panic!("it is broken") };
        assert_eq!(reason, expected);
    }
    let mut folder = made(0xff, 0x10);
    folder[516] = 0x0f;
    let found = super::list(&Content::of_bytes(folder), &bench.spool());
    let Err(Fault::Malformed { reason }) = found else { panic!("it has no end") };
    assert_eq!(reason, "cluster 2 is in two chains, or twice in one");
}
