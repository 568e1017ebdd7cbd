//! Users and groups: each number stands in a table once, and inodes have its place there.

use std::collections::BTreeMap;

use super::super::error::Error;
use super::super::tree::Tree;

/// The image's head counts them in 16 bits.
const MOST: usize = u16::MAX as usize;

/// The users and groups of a tree.
#[derive(Debug)]
pub(super) struct Owners {
    pub ids: Vec<u32>,
    places: BTreeMap<u32, u16>,
}

impl Owners {
    /// Those of all inodes, in their order.
    pub fn new(tree: &Tree) -> Result<Self, Error> {
        let mut owners = Self { ids: Vec::new(), places: BTreeMap::new() };
        for id in tree.inodes.iter().flat_map(|inode| [inode.meta.uid, inode.meta.gid]) {
            let next = owners.ids.len();
            if let std::collections::btree_map::Entry::Vacant(entry) = owners.places.entry(id) {
                entry.insert(u16::try_from(next).unwrap_or(u16::MAX));
                owners.ids.push(id);
            }
        }
        let (needed, most) = (owners.ids.len(), MOST);
        if needed > most {
            return Err(Error::TooMuch { what: "users and groups", needed: needed as u64, most: most as u64 });
        }
        Ok(owners)
    }

    pub fn place(&self, id: u32) -> u16 {
        self.places.get(&id).copied().unwrap_or(0)
    }
}
