//! Where everything comes to lie.

use std::collections::BTreeMap;

use super::super::error::Error;
use super::super::tree::{Inode, Kind, Tree};
use super::room::Room;
use super::xattr::Shared;
use super::{BLOCK, folder, inode};
use crate::digest::Digest;

/// Where an inode and its data are.
#[derive(Debug, Clone, Default)]
pub(super) struct Spot {
    /// The inode, in bytes.
    pub at: u64,
    /// Bytes of data.
    pub size: u64,
    /// Bytes of the inode and its extended attributes.
    pub head: u64,
    /// Whether what fills no block follows them.
    pub inline: bool,
    /// The first block of the rest.
    pub block: u64,
}

impl Spot {
    /// Bytes that follow the inode.
    pub fn tail(&self) -> u64 {
        if self.inline { self.size % BLOCK } else { 0 }
    }

    fn blocks(&self) -> u64 {
        (self.size - self.tail()).div_ceil(BLOCK)
    }
}

/// Files with the same bytes, by their places in the tree.
pub(super) type Same = BTreeMap<Digest, Vec<usize>>;

/// The places of everything in a tree.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub shared: Shared<'a>,
    pub spots: Vec<Spot>,
    pub same: Same,
    /// The first block of shared attributes.
    pub attributes: u64,
    /// How many blocks there are.
    pub blocks: u64,
}

impl<'a> Layout<'a> {
    pub fn new(tree: &'a Tree, time: u32) -> Result<Self, Error> {
        let shared = Shared::new(tree)?;
        let mut same = Same::new();
        let mut spots = Vec::with_capacity(tree.inodes.len());
        for (place, inode) in tree.inodes.iter().enumerate() {
            let size = match &inode.kind {
                Kind::Folder(entries) => folder::bytes(&tree.inodes, place, entries, |_| 0).len() as u64,
                Kind::Symlink(to) => to.len() as u64,
                Kind::File(digest) => {
                    same.entry(*digest).or_default().push(place);
                    digest.size
                }
                _ => 0,
            };
            let head = inode::size(inode, size, time) + shared.of(inode)?.len() as u64;
            let fits = size % BLOCK > 0 && head + size % BLOCK <= BLOCK;
            spots.push(Spot { size, head, inline: fits, ..Spot::default() });
        }
        for (digest, files) in same.iter().filter(|(_, files)| files.len() > 1) {
            let own = files.len() as u64 * (digest.size % BLOCK);
            let inline = own <= BLOCK && files.iter().all(|file| spots[*file].inline);
            files.iter().for_each(|file| spots[*file].inline = inline);
        }
        // The first block is the superblock's, so that the root comes first in the second: its number has to be small.
        let mut room = Room::new(1);
        for spot in &mut spots {
            spot.at = room.take(spot.head + spot.tail());
        }
        let attributes = room.next;
        let mut next = attributes + (shared.bytes.len() as u64).div_ceil(BLOCK);
        let is_file = |inode: &Inode| matches!(inode.kind, Kind::File(_));
        for (spot, _) in spots.iter_mut().zip(&tree.inodes).filter(|(_, inode)| !is_file(inode)) {
            spot.block = next;
            next += spot.blocks();
        }
        for (place, inode) in tree.inodes.iter().enumerate() {
            let Kind::File(digest) = &inode.kind else { continue };
            match same.get(digest).and_then(|files| files.first()).filter(|first| **first != place) {
                Some(first) => spots[place].block = spots[*first].block,
                None => {
                    spots[place].block = next;
                    next = next.saturating_add(spots[place].blocks());
                }
            }
        }
        let most = u32::MAX.into();
        if next > most {
            return Err(Error::TooMuch { what: "blocks of 4 KiB", needed: next, most });
        }
        Ok(Self { shared, spots, same, attributes, blocks: next })
    }
}
