//! EROFS: plain, inline and chunked files, and files compressed with lz4.
//!
//! Source: the kernel's `Documentation/filesystems/erofs.rst` and, for sizes and numbers, `fs/erofs/erofs_fs.h`;
//! little-endian.
//!
//! # What is compared
//! Files by their bytes, inodes by their fields, with where their data lies. Of directories the names are entries; where
//! inodes lie is what remains of the directories' blocks. Of a compressed file the blocks are compared, and unpacked only
//! where they differ.
//!
//! # Limits
//! Compressed files that share blocks, keep their ends elsewhere (`ztailpacking`, `fragments`) or use another algorithm are
//! compared as their packed blocks. Data on further devices is not there to be compared.

mod compact;
mod inode;
mod packed;
#[cfg(test)]
mod tests;
mod xattr;

use std::collections::BTreeSet;

use super::fault::Fault;
use super::image::{DEPTH, Image, join};
use super::listing::{Field, Listing, Value, What, text};
use super::raw::{Keep, Part, Shape, describe, le_u16, le_u32, le_u64, trimmed};
use super::spool::Spool;
use crate::fs::Content;
use inode::{Inode, Places};

/// Where an image says that it is one.
const SUPERBLOCK: u64 = 1024;
const MAGIC: u32 = 0xe0f5_e1e2;

const LAYOUT: [Part; 23] = [
    ("magic", 0, Shape::Flags(4)),
    ("checksum", 4, Shape::Flags(4)),
    ("compatible features", 8, Shape::Flags(4)),
    ("log block size", 12, Shape::Le8),
    ("superblock extensions", 13, Shape::Le8),
    ("root inode", 14, Shape::Le16),
    ("inodes", 16, Shape::Le64),
    ("build time", 24, Shape::Le64),
    ("build time, nanoseconds", 32, Shape::Le32),
    ("blocks", 36, Shape::Le32),
    ("metadata block", 40, Shape::Le32),
    ("extended attribute block", 44, Shape::Le32),
    ("UUID", 48, Shape::Uuid),
    ("volume name", 64, Shape::Text(16)),
    ("incompatible features", 80, Shape::Flags(4)),
    ("compression", 84, Shape::Flags(2)),
    ("extra devices", 86, Shape::Le16),
    ("device table", 88, Shape::Le16),
    ("log directory block size", 90, Shape::Le8),
    ("extended attribute prefixes", 91, Shape::Le8),
    ("extended attribute prefixes' place", 92, Shape::Le32),
    ("packed inode", 96, Shape::Le64),
    ("extended attribute filter", 104, Shape::Le8),
];

/// Whether an image begins with such a superblock.
pub(super) fn is_erofs(head: &[u8]) -> bool {
    le_u32(head, SUPERBLOCK as usize) == Some(MAGIC)
}

/// Lists an image.
pub(super) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut image = Image::new(content, spool);
    let head = image.bytes(SUPERBLOCK, 128, "the superblock")?;
    let log = head[12];
    if !(9..=16).contains(&log) {
        return Err(Fault::malformed(format!("blocks of 2^{log} bytes")));
    }
    let word = |at: usize| u64::from(le_u32(&head, at).unwrap_or(0));
    image.listing.fields.extend(describe(&head, &LAYOUT, Keep::Set, &[]));
    image.cover.take(SUPERBLOCK, 128);
    image.cover.name("boot block".to_owned(), &[(0, SUPERBLOCK)]);
    let features = le_u32(&head, 80).unwrap_or(0);
    let mut erofs = Erofs {
        block: 1 << log,
        metadata: word(40) << log,
        attributes: word(44) << log,
        features,
        build: (le_u64(&head, 24).unwrap_or(0), le_u32(&head, 32).unwrap_or(0)),
        folder_block: 1 << (u32::from(log) + u32::from(head[90])).min(24),
        image,
    };
    erofs.walk(le_u16(&head, 14).unwrap_or(0).into())?;
    erofs.image.finish()
}

struct Erofs<'a> {
    image: Image<'a>,
    block: u64,
    /// Bytes of a block of directories.
    folder_block: usize,
    /// Where inodes are counted from.
    metadata: u64,
    /// Where shared extended attributes are counted from.
    attributes: u64,
    features: u32,
    /// The time of inodes that have none, in seconds and nanoseconds.
    build: (u64, u32),
}

struct Folder {
    path: String,
    depth: usize,
    data: Content,
    places: Places,
}

impl Erofs<'_> {
    fn walk(&mut self, root: u64) -> Result<(), Fault> {
        let mut visited = BTreeSet::from([root]);
        let inode = self.inode(root)?;
        let mut folders = Vec::new();
        folders.extend(self.add_folder(".".to_owned(), String::new(), 0, inode)?);
        if folders.is_empty() {
            return Err(Fault::malformed("the root is no directory"));
        }
        while let Some(folder) = folders.pop() {
            if folder.depth > DEPTH {
                return Err(Fault::TooMuch { what: "levels", limit: DEPTH as u64 });
            }
            let mut inner = Vec::new();
            for (name, number) in self.folder(&folder)? {
                let path = join(&folder.path, &name);
                let inode = self.inode(number)?;
                if inode.is_folder() {
                    if !visited.insert(number) {
                        return Err(Fault::malformed(format!("the directory `{path}` is reached twice")));
                    }
                    inner.extend(self.add_folder(path.clone(), path, folder.depth + 1, inode)?);
                } else if self.image.link(number, path.clone(), Vec::new())? {
                    let (what, fields) = self.describe(&path, &inode)?;
                    self.image.define(number, what, fields)?;
                }
            }
            inner.reverse();
            folders.append(&mut inner);
        }
        Ok(())
    }

    fn add_folder(&mut self, name: String, path: String, depth: usize, inode: Inode) -> Result<Option<Folder>, Fault> {
        if !inode.is_folder() {
            return Ok(None);
        }
        let (_, mut fields) = self.describe(&name, &inode)?;
        fields.push(Field::metadata("size", Value::Number(inode.size)));
        if inode.layout() == inode::CHUNKS {
            return Err(Fault::unsupported("a directory in chunks"));
        }
        let Some((data, places)) = self.plain(&inode)? else {
            return Err(Fault::unsupported("a compressed directory"));
        };
        self.image.folder(data.size())?;
        self.image.cover.name(format!("directory {name}"), &places);
        self.image.push(name, What::Directory, fields)?;
        Ok(Some(Folder { path, depth, data, places }))
    }

    /// The names in a directory with their inodes, without `.` and `..`.
    fn folder(&mut self, folder: &Folder) -> Result<Vec<(String, u64)>, Fault> {
        let bad = || Fault::malformed(format!("the directory `{}` is broken", folder.path));
        let mut names = Vec::new();
        let mut done = 0;
        while done < folder.data.size() {
            self.image.spool.check()?;
            let block = folder.data.bytes_at(done, self.folder_block)?;
            let first = usize::from(le_u16(&block, 8).ok_or_else(bad)?);
            let count = first / 12;
            if count == 0 {
                return Err(bad());
            }
            for index in 0..count {
                let record = index * 12;
                let number = le_u64(&block, record).ok_or_else(bad)?;
                let start = usize::from(le_u16(&block, record + 8).ok_or_else(bad)?);
                let end = if index + 1 < count {
                    usize::from(le_u16(&block, record + 20).ok_or_else(bad)?)
                } else {
                    block.len()
                };
                let name = block.get(start..end).ok_or_else(bad)?;
                let name = if index + 1 < count { name } else { trimmed(name, 0) };
                if !matches!(name, b"." | b"..") {
                    take(&mut self.image, &folder.places, done + start as u64, name.len() as u64);
                    self.image.spend(64 + name.len() as u64)?;
                    names.push((text(name), number));
                }
            }
            done += block.len() as u64;
        }
        Ok(names)
    }
}

/// Takes a range of a file that lies at some places, each a start and a size.
fn take(image: &mut Image<'_>, places: &[(u64, u64)], mut at: u64, mut size: u64) {
    for (start, count) in places {
        if at < *count {
            let here = size.min(count - at);
            image.cover.take(start + at, here);
            size -= here;
            at = 0;
        } else {
            at -= count;
        }
        if size == 0 {
            break;
        }
    }
}
