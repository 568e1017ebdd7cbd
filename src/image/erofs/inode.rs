//! Inodes: compact ones of 32 bytes, and extended ones of 64.

use super::super::error::Error;
use super::super::linux;
use super::super::tree::{Inode, Kind};
use super::layout::Spot;

const COMPACT: u64 = 32;
const EXTENDED: u64 = 64;
/// How data lies, one bit up in the format: all in blocks, or the end behind the inode.
const INLINE: u16 = 2 << 1;

/// Bytes of an inode without its attributes, whose data has `size` bytes, in a file system of that time.
pub(super) fn size(inode: &Inode, size: u64, time: u32) -> u64 {
    let meta = &inode.meta;
    let most = u32::from(u16::MAX);
    let short = meta.uid <= most && meta.gid <= most && inode.links <= most;
    if short && meta.time == time && u32::try_from(size).is_ok() { COMPACT } else { EXTENDED }
}

/// An inode and its attributes.
pub(super) fn bytes(inode: &Inode, place: usize, spot: &Spot, attributes: &[u8], time: u32) -> Result<Vec<u8>, Error> {
    let meta = &inode.meta;
    let extended = size(inode, spot.size, time) == EXTENDED;
    let (kind, number) = match &inode.kind {
        Kind::Folder(_) => (0o040_000, None),
        Kind::File(_) => (0o100_000, None),
        Kind::Symlink(_) => (0o120_000, None),
        Kind::Character(major, minor) => (0o020_000, Some(linux::device(&inode.path, *major, *minor)?)),
        Kind::Block(major, minor) => (0o060_000, Some(linux::device(&inode.path, *major, *minor)?)),
        Kind::Fifo => (0o010_000, Some(0)),
        Kind::Socket => (0o140_000, Some(0)),
    };
    // Blocks, places in the tree and attributes were all counted before.
    let number = number.unwrap_or(if spot.size > spot.tail() { spot.block as u32 } else { 0 });
    let attributes_count = if attributes.is_empty() { 0 } else { 1 + (attributes.len() - 12) as u16 / 4 };
    let format = u16::from(extended) | if spot.inline { INLINE } else { 0 };
    let mut bytes = Vec::with_capacity(spot.head as usize);
    for half in [format, attributes_count, kind | (meta.mode & 0o7777) as u16] {
        bytes.extend(half.to_le_bytes());
    }
    if extended {
        bytes.extend([0; 2]);
        bytes.extend(spot.size.to_le_bytes());
        put(&mut bytes, &[number, place as u32 + 1, meta.uid, meta.gid]);
        bytes.extend(u64::from(meta.time).to_le_bytes());
        put(&mut bytes, &[0, inode.links, 0, 0, 0, 0]);
    } else {
        bytes.extend((inode.links as u16).to_le_bytes());
        put(&mut bytes, &[spot.size as u32, 0, number, place as u32 + 1, meta.uid | meta.gid << 16, 0]);
    }
    bytes.extend(attributes);
    Ok(bytes)
}

fn put(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}
