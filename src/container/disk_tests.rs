//! Disks that sfdisk makes.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::image_tests::{Bench, field, noise, tool};
use super::{Data, Fault, Kind, Listing, What, disk};
use crate::fs::Content;

/// A disk of 8 MiB, its partitions filled with noise.
fn image(bench: &Bench, script: &str) -> Option<Content> {
    fs::write(bench.path("image"), vec![0; 8 << 20]).expect("it can be written");
    // Only to say that it is missing.
    tool("sfdisk", &["--version"])?;
    let mut child = Command::new("sfdisk")
        .args(["-q", "--no-reread", "--no-tell-kernel", &bench.text("image")])
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("it reads");
    assert!(child.wait().expect("it ends").success());
    let image = fs::OpenOptions::new().write(true).open(bench.path("image")).expect("it is there");
    std::os::unix::fs::FileExt::write_at(&image, &noise(100_000), 2048 * 512).expect("it can be written");
    Some(bench.open("image"))
}

fn sizes(listing: &Listing) -> Vec<(&str, Option<u64>)> {
    let size = |what: &What| match what {
        What::File(Data::Plain(content)) => Some(content.size()),
        _ => None,
    };
    listing.entries.iter().map(|entry| (entry.name.as_str(), size(&entry.what))).collect()
}

#[test]
fn gpt_disks_have_their_partitions() {
    let bench = Bench::new();
    let script = "label: gpt\nlabel-id: 01234567-89AB-CDEF-0123-456789ABCDEF\n\
                  start=2048, size=2048, type=uefi, name=\"EFI system\"\nstart=4096, size=100\n";
    let Some(image) = image(&bench, script) else { return };
    let listing = bench.list(&image, Kind::Disk);
    let expected = [("partition 1", Some(1 << 20)), ("partition 2", Some(51_200)), ("MBR partition 1", None)];
    assert_eq!(sizes(&listing), expected);
    assert_eq!(field(&listing, "partition 1", "name").as_deref(), Some("EFI system"));
    let guid = listing.fields.iter().find(|field| field.name == "GPT disk GUID").expect("it has one");
    assert_eq!(guid.value.to_string(), "01234567-89ab-cdef-0123-456789abcdef");
    bench.shows_all_flips(&image, 100, true);
    bench.survives_cuts(&image, 20);
}

#[test]
fn mbr_disks_have_their_logical_partitions() {
    let bench = Bench::new();
    let script = "label: dos\nlabel-id: 0x12345678\nstart=2048, size=2048, type=c\nstart=4096, size=8192, type=5\n\
                  start=5000, size=100\nstart=6000, size=100\n";
    let Some(image) = image(&bench, script) else { return };
    let listing = bench.list(&image, Kind::Disk);
    let expected = [
        ("partition 1", Some(1 << 20)),
        ("partition 2", None),
        ("partition 5", Some(51_200)),
        ("link 1 to the next logical partition", None),
        ("partition 6", Some(51_200)),
    ];
    assert_eq!(sizes(&listing), expected);
    bench.shows_all_flips(&image, 100, true);
    bench.survives_cuts(&image, 20);
}

#[test]
fn boot_records_that_follow_each_other_for_ever_are_refused() {
    let mut image = vec![0; 4096];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    for sector in [0, 2] {
        put(sector * 512 + 510, &[0x55, 0xaa]);
        put(sector * 512 + 450, &[5]);
        put(sector * 512 + 458, &[4]);
    }
    // The extended partition begins in sector 2, whose record leads to itself.
    put(454, &[2]);
    put(2 * 512 + 454, &[0]);
    let bench = Bench::new();
    assert!(disk::list(&Content::of_bytes(image.clone()), &bench.spool()).is_ok(), "the chain ends");
    image[2 * 512 + 454] = 2;
    image[4 * 512 + 454] = 2;
    image[4 * 512 + 450] = 5;
    image[4 * 512 + 458] = 4;
    image[4 * 512 + 510] = 0x55;
    image[4 * 512 + 511] = 0xaa;
    let found = disk::list(&Content::of_bytes(image), &bench.spool());
    let Err(Fault::Malformed { reason }) = found else { panic!("it has no end") };
    assert_eq!(reason, "the extended boot records have no end");
}
