//! What has to hold of every reader of containers.

use repro::container::{Data, Fault, Kind, Listing, Spool, What};
use repro::digest::Digest;
use repro::fs::Content;

use crate::scratch;

/// Bytes that one input may unpack to.
const UNPACKED: u64 = 64 << 20;
/// Bytes that are looked at, of all that an input lists: the same ones can be in many files.
const READ: u64 = 32 << 20;

/// Lists some bytes as a kind of container whatever they begin with, and reads what was listed. The same bytes give the
/// same listing, and what unpacks has the size that was stated.
pub fn listing(kind: Kind, bytes: &[u8]) {
    let content = Content::of_bytes(bytes);
    let once = read(kind, &content);
    assert_eq!(once, read(kind, &content), "the same bytes were read twice");
}

/// All that is said of some bytes.
fn read(kind: Kind, content: &Content) -> Vec<String> {
    let spool = Spool::new(scratch(), UNPACKED, None);
    let mut said = Vec::new();
    match kind.list(content, &spool) {
        Ok(listing) => show(&listing, &spool, &mut said),
        Err(fault) => said.push(own(fault)),
    }
    said
}

/// What is wrong with the container. With nobody to stop it and bytes in memory, nothing else can be.
fn own(fault: Fault) -> String {
    assert!(fault.is_containers(), "the machine failed: {fault}");
    let text = fault.to_string();
    assert!(!text.is_empty(), "a fault says what it is");
    text
}

fn show(listing: &Listing, spool: &Spool<'_>, said: &mut Vec<String>) {
    let mut left = READ;
    let mut bytes = |content: &Content| {
        let size = content.size().min(left);
        left -= size;
        let part = content.part(0, size).expect("it has so many bytes");
        Digest::of(&part.bytes().expect("memory can be read")).hex()
    };
    for field in listing.fields.iter().chain(&listing.usual) {
        said.push(format!("{} {}", field.name, field.value));
    }
    for entry in &listing.entries {
        let what = match &entry.what {
            What::File(Data::Plain(content)) => bytes(content),
            What::File(Data::Packed(packed)) => {
                let (size, raw) = (packed.size(), bytes(&packed.packed()));
                match packed.unpack(spool) {
                    Ok(content) => {
                        assert!(size.is_none_or(|size| size == content.size()), "{}: it has another size", entry.name);
                        format!("{raw} {} {}", packed.tag(), bytes(&content))
                    }
                    Err(fault) => format!("{raw} {}", own(fault)),
                }
            }
            What::Symlink { target } | What::HardLink { target } => target.clone(),
            other => other.name().to_owned(),
        };
        said.push(format!("{} {} {what}", entry.name, entry.what.name()));
        said.extend(entry.fields.iter().map(|field| format!(" {} {}", field.name, field.value)));
    }
    for rest in &listing.rest {
        said.push(format!("{} {} {}", rest.name, rest.bytes.size(), bytes(&rest.bytes)));
    }
}
