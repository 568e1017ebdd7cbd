//! Directories: in each block entries of twelve bytes, and behind them their names; sorted throughout.

use super::super::tree::{Inode, Kind};
use super::BLOCK;

/// Bytes of an entry without its name.
const ENTRY: usize = 12;

/// The type that entries tell of an inode.
fn kind(inode: &Inode) -> u8 {
    match inode.kind {
        Kind::File(_) => 1,
        Kind::Folder(_) => 2,
        Kind::Character(..) => 3,
        Kind::Block(..) => 4,
        Kind::Fifo => 5,
        Kind::Socket => 6,
        Kind::Symlink(_) => 7,
    }
}

/// The bytes of a directory; `number` gives where an inode is.
pub(super) fn bytes(
    inodes: &[Inode],
    place: usize,
    entries: &[(Vec<u8>, usize)],
    number: impl Fn(usize) -> u64,
) -> Vec<u8> {
    let dots = [(&b"."[..], place), (&b".."[..], inodes[place].parent)];
    let mut names: Vec<(&[u8], usize)> = entries.iter().map(|(name, of)| (&name[..], *of)).chain(dots).collect();
    // Names can come before the dots.
    names.sort();
    let mut bytes = Vec::new();
    let mut rest = &names[..];
    while !rest.is_empty() {
        let mut size = 0;
        let fits = rest.iter().take_while(|(name, _)| {
            size += ENTRY + name.len();
            size <= BLOCK as usize
        });
        // One always does: names have at most 255 bytes.
        let (block, others) = rest.split_at(fits.count().max(1));
        bytes.resize(bytes.len().next_multiple_of(BLOCK as usize), 0);
        let mut offset = block.len() * ENTRY;
        for (name, of) in block {
            bytes.extend(number(*of).to_le_bytes());
            // It lies in a block.
            bytes.extend((offset as u16).to_le_bytes());
            bytes.extend([kind(&inodes[*of]), 0]);
            offset += name.len();
        }
        block.iter().for_each(|(name, _)| bytes.extend(*name));
        rest = others;
    }
    bytes
}
