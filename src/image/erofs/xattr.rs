//! Extended attributes: behind the inode, and in a table for those that several inodes have.

use std::collections::BTreeMap;

use super::super::error::{Error, Problem};
use super::super::linux;
use super::super::tree::{Inode, Tree};

const NAMESPACES: [(&str, u8); 5] =
    [("user.", 1), ("system.posix_acl_access", 2), ("system.posix_acl_default", 3), ("trusted.", 4), ("security.", 6)];
/// Most bytes of a value: there are 16 bits for its size.
const LARGEST: u64 = u16::MAX as u64;
/// Bytes in front of an inode's attributes.
const HEAD: usize = 12;
/// Most bytes of them: 16 bits count the head as one, and four bytes each.
const MOST: usize = HEAD + 4 * (u16::MAX as usize - 1);
/// Most shared ones of an inode.
const SHARED: usize = u8::MAX as usize;

/// Name and value.
type Attribute<'a> = (&'a [u8], &'a [u8]);

/// The attributes that inodes share.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    /// Their table.
    pub bytes: Vec<u8>,
    /// Where each is in it, in units of four bytes.
    places: BTreeMap<Attribute<'a>, u32>,
}

fn entry(inode: &Inode, name: &[u8], value: &[u8], bytes: &mut Vec<u8>) -> Result<(), Error> {
    let (namespace, rest) = linux::attribute(&inode.path, &NAMESPACES, name, value, LARGEST)?;
    // Both were just seen to be short.
    bytes.extend([rest.len() as u8, namespace]);
    bytes.extend((value.len() as u16).to_le_bytes());
    bytes.extend(rest);
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Ok(())
}

impl<'a> Shared<'a> {
    /// Those that at least two inodes of a tree have, in the order of their names and values.
    pub fn new(tree: &'a Tree) -> Result<Self, Error> {
        let mut all: BTreeMap<Attribute<'_>, (&Inode, bool)> = BTreeMap::new();
        for inode in &tree.inodes {
            for (name, value) in &inode.meta.attributes {
                all.entry((name, value)).and_modify(|(_, several)| *several = true).or_insert((inode, false));
            }
        }
        let mut shared = Self { bytes: Vec::new(), places: BTreeMap::new() };
        for ((name, value), (inode, _)) in all.into_iter().filter(|(_, (_, several))| *several) {
            let place = shared.bytes.len() as u64 / 4;
            let most = u32::MAX.into();
            let place = u32::try_from(place).map_err(|_| Error::TooMuch {
                what: "attributes in fours of bytes",
                needed: place,
                most,
            })?;
            entry(inode, name, value, &mut shared.bytes)?;
            shared.places.insert((name, value), place);
        }
        Ok(shared)
    }

    /// What follows an inode: nothing, or the head, the places of shared attributes, and those of its own.
    pub fn of(&self, inode: &'a Inode) -> Result<Vec<u8>, Error> {
        let attributes = &inode.meta.attributes;
        if attributes.is_empty() {
            return Ok(Vec::new());
        }
        let (mut places, mut own) = (Vec::new(), Vec::new());
        for (name, value) in attributes {
            match self.places.get(&(&name[..], &value[..])) {
                Some(place) if places.len() < SHARED => places.push(*place),
                _ => entry(inode, name, value, &mut own)?,
            }
        }
        let mut bytes = vec![0; HEAD];
        bytes[4] = places.len() as u8;
        bytes.extend(places.iter().flat_map(|place| place.to_le_bytes()));
        bytes.extend(own);
        if bytes.len() > MOST {
            let (value, most) = (bytes.len() as u64, MOST as u64);
            return Err(Error::of(&inode.path, Problem::TooLarge { what: "extended attributes of", value, most }));
        }
        Ok(bytes)
    }
}
