//! ext2, ext3 and ext4: extents and indirect blocks, inline data, hashed directories, 64 bits, checksums as fields.
//!
//! Source: "ext4 Data Structures and Algorithms" (the kernel's `Documentation/filesystems/ext4`), little-endian.
//!
//! # What is compared
//! Files by their bytes; inodes, group descriptors and the superblock by their fields, with where each file's blocks lie.
//! Of a directory's blocks the names are entries, in the order in which they lie there; lengths, hashes and what was deleted
//! are what remains of them. Inodes that no directory has are entries in brackets: `(journal)`, `(inode 7)`.
//!
//! # Limits
//! The journal is not replayed. Directories on Linux have one way to them: a second one is a fault.

mod blocks;
mod folder;
mod inode;
mod superblock;
#[cfg(test)]
mod tests;
mod xattr;

use std::collections::{BTreeMap, BTreeSet};

use super::fault::Fault;
use super::image::{DEPTH, Image, join};
use super::listing::{Field, Listing, Value, What};
use super::raw::le_u16;
use super::spool::Spool;
use crate::fs::Content;
use blocks::Extent;
use inode::Inode;

/// Whether an image that begins so has such a superblock. Its magic number alone is short.
pub(super) fn is_ext(head: &[u8]) -> bool {
    let number = |at: usize| le_u16(head, 1024 + at).unwrap_or(u16::MAX);
    number(0x38) == 0xef53 && number(0x18) <= 6 && number(0x1a) == 0 && number(0x4c) <= 1 && number(0x4e) == 0
}

/// Lists an image.
pub(super) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut ext = superblock::read(Image::new(content, spool))?;
    ext.walk()?;
    ext.hidden()?;
    ext.image.finish()
}

/// Number of the root's inode.
const ROOT: u32 = 2;

struct Ext<'a> {
    image: Image<'a>,
    /// Bytes of a block, and of an inode.
    block: u64,
    inode_size: u64,
    inodes: u32,
    inodes_per_group: u32,
    /// Where the groups' inode tables lie, in blocks.
    tables: Vec<u64>,
    /// Inodes that belong to no directory, each with what it is for.
    special: Vec<(u32, &'static str)>,
    /// Whether entries of directories say of what type a file is.
    typed: bool,
    /// Index blocks of files: each belongs to one.
    mapped: BTreeSet<u64>,
    attributes: BTreeSet<u64>,
    /// Blocks of directories that are still to be read, by their inodes.
    folders: BTreeMap<u32, Vec<Extent>>,
    /// Inodes that have values of extended attributes.
    values: BTreeSet<u32>,
}

impl Ext<'_> {
    fn walk(&mut self) -> Result<(), Fault> {
        let root = self.inode(ROOT)?;
        if !root.is_folder() {
            return Err(Fault::malformed("the root is no directory"));
        }
        let mut visited = BTreeSet::from([ROOT]);
        let mut folders = vec![(String::new(), root, 0)];
        self.add_folder(".".to_owned(), &folders[0].1.clone(), Vec::new())?;
        while let Some((path, inode, depth)) = folders.pop() {
            if depth > DEPTH {
                return Err(Fault::TooMuch { what: "levels", limit: DEPTH as u64 });
            }
            let mut inner = Vec::new();
            for entry in self.folder(&path, &inode)? {
                let path = join(&path, &entry.name);
                let child = self.inode(entry.inode)?;
                let mut fields = vec![Field::metadata("inode", Value::Number(entry.inode.into()))];
                if let Some(length) = entry.length {
                    fields.push(Field::metadata("record length", Value::Number(length.into())));
                }
                if child.is_folder() {
                    if !visited.insert(entry.inode) {
                        return Err(Fault::malformed(format!("the directory `{path}` is reached twice")));
                    }
                    self.add_folder(path.clone(), &child, fields)?;
                    inner.push((path, child, depth + 1));
                } else if self.image.link(entry.inode.into(), path.clone(), fields)? {
                    let (what, fields) = self.describe(&path, &child)?;
                    self.image.define(entry.inode.into(), what, fields)?;
                }
            }
            inner.reverse();
            folders.append(&mut inner);
        }
        Ok(())
    }

    fn add_folder(&mut self, path: String, inode: &Inode, mut fields: Vec<Field>) -> Result<(), Fault> {
        let (_, described) = self.describe(&path, inode)?;
        fields.extend(described);
        self.image.push(path, What::Directory, fields)?;
        Ok(())
    }

    /// Adds the inodes that no directory has.
    fn hidden(&mut self) -> Result<(), Fault> {
        for (number, name) in std::mem::take(&mut self.special) {
            let inode = self.inode(number)?;
            if inode.bytes.iter().all(|byte| *byte == 0) {
                continue;
            }
            let name = if name.is_empty() { format!("(inode {number})") } else { format!("({name})") };
            let (what, fields) = self.describe(&name, &inode)?;
            let what = match what {
                What::File(data) => What::File(data),
                _ => What::Special { kind: "reserved inode".to_owned() },
            };
            self.image.push(name, what, fields)?;
        }
        for number in std::mem::take(&mut self.values) {
            let inode = self.inode(number)?;
            let name = format!("(extended attribute in inode {number})");
            let (what, fields) = self.describe(&name, &inode)?;
            self.image.push(name, what, fields)?;
        }
        Ok(())
    }
}
