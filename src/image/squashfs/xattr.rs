//! Extended attributes: names and values in a table, and a second table that says where those of an inode begin there.

use std::collections::BTreeMap;

use super::super::error::{Error, Problem};
use super::super::linux;
use super::super::output::Output;
use super::super::tree::{Attributes, Inode};
use super::inode::NOTHING;
use super::pool::Packer;
use super::table::{Table, put};

const NAMESPACES: [(&str, u8); 3] = [("user.", 0), ("trusted.", 1), ("security.", 2)];
/// Most bytes of a value (`XATTR_SIZE_MAX`).
const LARGEST: u64 = 65536;
/// What stands for a table that is not there.
const NONE: u64 = u64::MAX;

/// The attributes of an image. Inodes with the same ones share them.
#[derive(Debug)]
pub(super) struct Xattrs<'a> {
    values: Table,
    lists: Table,
    known: BTreeMap<&'a Attributes, u32>,
}

impl<'a> Xattrs<'a> {
    pub fn new(packer: Packer) -> Self {
        Self { values: Table::new(packer), lists: Table::new(packer), known: BTreeMap::new() }
    }

    /// The number of an inode's attributes.
    pub fn of(&mut self, inode: &'a Inode) -> Result<u32, Error> {
        let attributes = &inode.meta.attributes;
        if attributes.is_empty() {
            return Ok(NOTHING);
        }
        if let Some(number) = self.known.get(attributes) {
            return Ok(*number);
        }
        let mut bytes = Vec::new();
        // What listing and reading them gives: whole names, each with a zero, and values.
        let mut size = 0_u64;
        for (name, value) in attributes {
            let (namespace, rest) = linux::attribute(&inode.path, &NAMESPACES, name, value, LARGEST)?;
            // Both were just seen to be short.
            bytes.extend(u16::from(namespace).to_le_bytes());
            bytes.extend(u16::try_from(rest.len()).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend(rest);
            bytes.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(value);
            size += name.len() as u64 + 1 + value.len() as u64;
        }
        let problem = |_| {
            let (value, most) = (size, u32::MAX.into());
            Error::of(&inode.path, Problem::TooLarge { what: "extended attributes of", value, most })
        };
        let size = u32::try_from(size).map_err(problem)?;
        // There are fewer than inodes, which are counted in 32 bits.
        let number = u32::try_from(self.known.len()).unwrap_or(NOTHING);
        self.lists.add(&self.values.reference().to_le_bytes())?;
        self.lists.add(&u32::try_from(attributes.len()).unwrap_or(u32::MAX).to_le_bytes())?;
        self.lists.add(&size.to_le_bytes())?;
        self.values.add(&bytes)?;
        self.known.insert(attributes, number);
        Ok(number)
    }

    /// Writes the tables at `at`; gives where their head is.
    pub fn write<W: Output>(self, out: &mut W, at: &mut u64) -> Result<u64, Error> {
        if self.known.is_empty() {
            return Ok(NONE);
        }
        let values = *at;
        self.values.write(out, at)?;
        let lists = self.lists.write(out, at)?;
        let head = *at;
        let mut bytes = values.to_le_bytes().to_vec();
        bytes.extend((self.known.len() as u64).to_le_bytes());
        bytes.extend(lists.iter().flat_map(|start| start.to_le_bytes()));
        put(out, at, &bytes)?;
        Ok(head)
    }
}
