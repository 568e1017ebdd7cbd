//! Images that xorriso makes.

use std::fs;

use super::super::image_tests::{Attributes, Bench, field, noise, tool};
use super::super::{Fault, Kind, What};
use crate::fs::Content;

fn image(bench: &Bench, args: &[&str]) -> Option<Content> {
    let tree = bench.tree();
    let path = bench.text("image");
    tool("xorriso", &[&["-as", "mkisofs", "-quiet", "-o", &path], args, &[&tree]].concat())?;
    Some(bench.open("image"))
}

#[test]
fn both_trees_are_listed() {
    let bench = Bench::new();
    let Some(image) = image(&bench, &["-R", "-J", "-joliet-long"]) else { return };
    let listing = bench.list(&image, Kind::Iso);
    bench.holds_the_tree(&listing, Attributes::Seconds, &[]);
    let joliet = listing.entries.iter().find(|entry| entry.name == "(Joliet)/noise").expect("it is there too");
    assert!(matches!(&joliet.what, What::HardLink { target } if target == "noise"));
    assert_eq!(field(&listing, "hello", "identifier").as_deref(), Some("HELLO.;1"));
}

#[test]
fn directories_that_lie_too_deep_are_where_they_belong() {
    let bench = Bench::new();
    let Some(image) = image(&bench, &["-R", "-rr_reloc_dir", "/moved"]) else { return };
    let listing = bench.list(&image, Kind::Iso);
    assert!(listing.entries.iter().any(|entry| entry.name.starts_with("moved/")));
    let file = listing.entries.iter().find(|entry| entry.name == "deep/a/b/c/d/e/f/g/h/i/file");
    assert!(matches!(file.map(|entry| &entry.what), Some(What::File(_))));
}

#[test]
fn hybrid_images_have_their_partitions_and_boot_images() {
    let bench = Bench::new();
    fs::write(bench.path("efi"), noise(1 << 20)).expect("it can be written");
    let efi = bench.text("efi");
    let boot = ["-e", "--interval:appended_partition_2:all::", "-no-emul-boot", "-appended_part_as_gpt"];
    let args = [&["-R", "-append_partition", "2", "0xef", &efi][..], &boot, &["-partition_offset", "16"]].concat();
    let Some(image) = image(&bench, &args) else { return };
    let listing = bench.list(&image, Kind::Iso);
    let boot = listing.entries.iter().find(|entry| entry.name == "(El Torito)/record 1").expect("a default entry");
    assert!(matches!(&boot.what, What::File(data) if data.size() == Some(1 << 20)));
    assert!(listing.fields.iter().any(|field| field.name == "GPT disk GUID"));
    assert!(listing.entries.iter().any(|entry| entry.name == "(partition 2)"));
    bench.shows_all_flips(&image, 100, true);
}

#[test]
fn all_flips_and_cuts_are_seen() {
    let bench = Bench::new();
    let Some(image) = image(&bench, &["-R", "-J"]) else { return };
    bench.shows_all_flips(&image, 200, true);
    bench.survives_cuts(&image, 100);
}

/// A directory record.
fn record(name: &[u8], block: u8, flags: u8, system: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 33];
    (record[2], record[9], record[25], record[32]) = (block, block, flags, name.len() as u8);
    (record[11], record[16]) = (8, 8);
    record.extend(name);
    if record.len() % 2 == 1 {
        record.push(0);
    }
    record.extend(system);
    record[0] = record.len() as u8;
    record
}

/// An image whose root, in block 18, has what is given.
fn made(records: &[Vec<u8>]) -> Vec<u8> {
    let mut image = vec![0; 20 * 2048];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(16 * 2048, b"\x01CD001\x01");
    put(16 * 2048 + 129, &[8, 8]);
    put(16 * 2048 + 156, &record(&[0], 18, 2, &[]));
    put(17 * 2048, b"\xffCD001\x01");
    put(18 * 2048, &records.concat());
    image
}

#[test]
fn what_contains_itself_is_refused() {
    let bench = Bench::new();
    let continued: Vec<u8> = {
        let mut entry = b"CE\x1c\x01".to_vec();
        entry.extend([19, 0, 0, 0, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 28]);
        entry
    };
    let folder = made(&[record(&[0], 18, 2, &[]), record(b"A", 18, 2, &[])]);
    let mut area = made(&[record(&[0], 18, 2, &[b"SP\x07\x01\xbe\xef\x00", &continued[..]].concat())]);
    area[19 * 2048..19 * 2048 + 28].copy_from_slice(&continued);
    let mut last = made(&[record(&[0], 18, 2, &[]), record(b"A", 19, 0x80, &[])]);
    last.truncate(20 * 2048);
    for (image, expected) in [
        (folder, "the directory `A` is reached twice"),
        (area, "the continuation areas of a directory record have no end"),
        (last, "a file's last extent is missing"),
    ] {
        let found = super::list(&Content::of_bytes(image), &bench.spool());
        let Err(Fault::Malformed { reason }) = found else { panic!("it has no end") };
        assert_eq!(reason, expected);
    }
}
