//! Inodes: short ones for the usual, and long ones for what these have no room for.

use super::super::error::Error;
use super::super::linux;
use super::super::tree::{Inode, Kind};
use super::data::Place;
use super::folder::{Listing, kind, number};
use super::owners::Owners;

/// What an inode has in place of a fragment or of extended attributes.
pub(super) const NOTHING: u32 = u32::MAX;
/// What makes a short inode's type that of the long one.
const LONG: u16 = 7;

/// What the inode's bytes need besides itself.
pub(super) struct About<'a> {
    pub place: usize,
    pub inode: &'a Inode,
    pub owners: &'a Owners,
    /// Number of its extended attributes, or [`NOTHING`].
    pub attributes: u32,
}

impl About<'_> {
    fn head(&self, long: bool) -> Vec<u8> {
        let meta = &self.inode.meta;
        let mut bytes = Vec::with_capacity(64);
        bytes.extend((kind(self.inode) + if long { LONG } else { 0 }).to_le_bytes());
        bytes.extend(((meta.mode & 0o7777) as u16).to_le_bytes());
        bytes.extend(self.owners.place(meta.uid).to_le_bytes());
        bytes.extend(self.owners.place(meta.gid).to_le_bytes());
        bytes.extend(meta.time.to_le_bytes());
        bytes.extend(number(self.place).to_le_bytes());
        bytes
    }

    fn has_attributes(&self) -> bool {
        self.attributes != NOTHING
    }

    /// A directory; `parent` is the number of the one that it is in.
    pub fn folder(&self, listing: &Listing, parent: u32) -> Vec<u8> {
        let Listing { start, offset, size, index, indexed } = listing;
        let short = u16::try_from(*size).ok().filter(|_| !self.has_attributes() && *indexed == 0);
        let mut bytes = self.head(short.is_none());
        if let Some(size) = short {
            put(&mut bytes, &[*start, self.inode.links]);
            bytes.extend(size.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            put(&mut bytes, &[parent]);
        } else {
            put(&mut bytes, &[self.inode.links, *size, *start, parent]);
            bytes.extend(indexed.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            put(&mut bytes, &[self.attributes]);
            bytes.extend(index);
        }
        bytes
    }

    /// A file of `size` bytes.
    pub fn file(&self, size: u64, data: &Place) -> Vec<u8> {
        let (fragment, offset) = data.end.unwrap_or((NOTHING, 0));
        let short = u32::try_from(data.start).ok().zip(u32::try_from(size).ok());
        let short = short.filter(|_| self.inode.links == 1 && data.holes == 0 && !self.has_attributes());
        let mut bytes = self.head(short.is_none());
        if let Some((start, size)) = short {
            put(&mut bytes, &[start, fragment, offset, size]);
        } else {
            // Whatever has holes has something else too, as other writers have it.
            let holes = data.holes.min(size.saturating_sub(1));
            for long in [data.start, size, holes] {
                bytes.extend(long.to_le_bytes());
            }
            put(&mut bytes, &[self.inode.links, fragment, offset, self.attributes]);
        }
        put(&mut bytes, &data.sizes);
        bytes
    }

    /// Anything else.
    pub fn other(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = self.head(self.has_attributes());
        put(&mut bytes, &[self.inode.links]);
        match &self.inode.kind {
            Kind::Symlink(to) => {
                // Targets have at most 4095 bytes.
                put(&mut bytes, &[u32::try_from(to.len()).unwrap_or(u32::MAX)]);
                bytes.extend(to);
            }
            Kind::Character(major, minor) | Kind::Block(major, minor) => {
                put(&mut bytes, &[linux::device(&self.inode.path, *major, *minor)?]);
            }
            Kind::Folder(_) | Kind::File(_) | Kind::Fifo | Kind::Socket => {}
        }
        if self.has_attributes() {
            put(&mut bytes, &[self.attributes]);
        }
        Ok(bytes)
    }
}

fn put(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}
