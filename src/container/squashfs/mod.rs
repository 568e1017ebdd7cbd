//! squashfs 4.0, with gzip, lzma, xz, lz4 and zstd.
//!
//! Sources: "Squashfs binary format" (the kernel's `Documentation/filesystems/squashfs.rst`, and `fs/squashfs/squashfs_fs.h`
//! for sizes and numbers), little-endian.
//!
//! # What is compared
//! The tables of inodes, directories and extended attributes are unpacked. What they say of a file are its fields; where
//! they only refer to each other (where an inode lies in its table, how large a file's blocks became) is compared as what
//! remains of the unpacked table, because each file that is added moves all behind it. How well a table was compressed is in
//! the sizes of its blocks. A file's blocks are unpacked only when they differ.
//!
//! # Limits
//! lzo is not unpacked. Unpacked tables may have 1 GiB.

mod data;
mod inode;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use super::block::Packing;
use super::fault::Fault;
use super::image::{DEPTH, Image, join};
use super::listing::{Field, Listing, Value, What, text};
use super::raw::{Keep, Part, Shape, describe, le_u16, le_u32, le_u64};
use super::spool::Spool;
use crate::fs::Content;
use data::Shared;
use table::Table;

/// How an image begins.
pub(super) const MAGIC: &[u8] = b"hsqs";

/// What a table or an index has instead of a place when it is not there.
const NONE: u64 = u64::MAX;

const SUPERBLOCK: [Part; 19] = [
    ("magic", 0, Shape::Text(4)),
    ("inodes", 4, Shape::Le32),
    ("creation time", 8, Shape::Time),
    ("block size", 12, Shape::Le32),
    ("fragments", 16, Shape::Le32),
    ("compression", 20, Shape::Le16),
    ("block log", 22, Shape::Le16),
    ("flags", 24, Shape::Flags(2)),
    ("ids", 26, Shape::Le16),
    ("major version", 28, Shape::Le16),
    ("minor version", 30, Shape::Le16),
    ("root inode", 32, Shape::Flags(8)),
    ("bytes used", 40, Shape::Le64),
    ("id table", 48, Shape::Flags(8)),
    ("extended attribute table", 56, Shape::Flags(8)),
    ("inode table", 64, Shape::Flags(8)),
    ("directory table", 72, Shape::Flags(8)),
    ("fragment table", 80, Shape::Flags(8)),
    ("export table", 88, Shape::Flags(8)),
];

/// Lists an image.
pub(super) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut image = Image::new(content, spool);
    let head = image.bytes(0, 96, "the superblock")?;
    let short = |at: usize| le_u16(&head, at).unwrap_or(0);
    let word = |at: usize| le_u32(&head, at).unwrap_or(0);
    let long = |at: usize| le_u64(&head, at).unwrap_or(0);
    if !head.starts_with(MAGIC) || short(28) != 4 || short(30) != 0 {
        return Err(Fault::unsupported(format!("squashfs {}.{}", short(28), short(30))));
    }
    let packing = match short(20) {
        1 => Packing::Zlib,
        2 => Packing::Lzma,
        4 => Packing::Xz,
        5 => Packing::Lz4,
        6 => Packing::Zstd,
        3 => return Err(Fault::unsupported("lzo")),
        other => return Err(Fault::unsupported(format!("compression {other}"))),
    };
    let block = word(12);
    if !(4096..=1 << 20).contains(&block) || !block.is_power_of_two() {
        return Err(Fault::malformed(format!("blocks of {block} bytes")));
    }
    image.listing.fields.extend(describe(&head, &SUPERBLOCK, Keep::All, &[]));
    image.cover.take(0, 96);
    if short(24) & 0x400 != 0 {
        let size = u64::from(le_u16(&image.bytes(96, 2, "the compression options")?, 0).unwrap_or(0));
        let options = image.bytes(96, 2 + usize::from(size as u16 & 0x7fff), "the compression options")?;
        image.field("compression options", Value::Bytes(options.as_slice().into()));
        image.cover.take(96, options.len() as u64);
    }
    let mut tables = table::Reader { packing, left: table::LARGEST };
    let ids = tables.indexed(&mut image, "id table", long(48), u64::from(short(26)) * 4)?;
    let fragments = tables.indexed(&mut image, "fragment table", long(80), u64::from(word(16)) * 16)?;
    let export = tables.indexed(&mut image, "export table", long(88), u64::from(word(4)) * 8)?;
    let xattrs = inode::Xattrs::read(&mut image, &mut tables, long(56))?;
    let ends = [ids.end, fragments.end, export.end, xattrs.end, long(48), long(56), long(80), long(88), long(40)];
    let end = ends.into_iter().filter(|end| *end > long(72)).min().unwrap_or(content.size());
    let inodes = tables.whole(&mut image, "inode table", long(64), long(72))?;
    let folders = tables.whole(&mut image, "directory table", long(72), end)?;
    let Table { bytes, starts, cover } = inodes;
    let shared = Shared {
        content: content.clone(),
        packing,
        block,
        inodes: bytes,
        fragments: fragments.bytes,
        cache: Mutex::new(VecDeque::new()),
    };
    let mut reader = Squashfs {
        image,
        shared: Arc::new(shared),
        starts,
        inodes: cover,
        folders,
        ids: ids.bytes,
        xattrs,
        fragments: BTreeSet::new(),
    };
    reader.walk(long(32))?;
    let Squashfs { mut image, inodes, folders, xattrs, .. } = reader;
    inodes.finish("inode table: places and sizes", &mut image.listing.rest);
    folders.cover.finish("directory table: places and sizes", &mut image.listing.rest);
    xattrs.table.cover.finish("extended attribute table: places and sizes", &mut image.listing.rest);
    image.finish()
}

struct Squashfs<'a> {
    image: Image<'a>,
    shared: Arc<Shared>,
    /// Where the blocks of the inode table begin in it.
    starts: table::Starts,
    inodes: super::image::Cover,
    folders: Table,
    ids: Vec<u8>,
    xattrs: inode::Xattrs,
    /// Fragments that files refer to.
    fragments: BTreeSet<u32>,
}

struct Folder {
    path: String,
    depth: usize,
    /// Where its list begins in the directory table, and how many bytes it has.
    list: (u64, usize),
}

impl Squashfs<'_> {
    fn walk(&mut self, root: u64) -> Result<(), Fault> {
        let at = self.place(root)?;
        let mut visited = BTreeSet::from([at]);
        let inode::Node { what, fields, list } = self.inode(at)?;
        if !matches!(what, What::Directory) {
            return Err(Fault::malformed("the root is no directory"));
        }
        self.image.push(".".to_owned(), what, fields)?;
        let mut folders = vec![Folder { path: String::new(), depth: 0, list }];
        while let Some(folder) = folders.pop() {
            if folder.depth > DEPTH {
                return Err(Fault::TooMuch { what: "levels", limit: DEPTH as u64 });
            }
            let mut inner = Vec::new();
            for (name, at) in self.folder(&folder)? {
                let path = join(&folder.path, &name);
                if self.is_folder(at) {
                    if !visited.insert(at) {
                        return Err(Fault::malformed(format!("the directory `{path}` is reached twice")));
                    }
                    let node = self.inode(at)?;
                    self.image.push(path.clone(), node.what, node.fields)?;
                    inner.push(Folder { path, depth: folder.depth + 1, list: node.list });
                } else if self.image.link(at as u64, path, Vec::new())? {
                    let node = self.inode(at)?;
                    self.image.define(at as u64, node.what, node.fields)?;
                }
            }
            inner.reverse();
            folders.append(&mut inner);
        }
        Ok(())
    }

    /// Where an inode lies in the unpacked table, by a reference to it.
    fn place(&self, reference: u64) -> Result<usize, Fault> {
        let bad = || Fault::malformed(format!("there is no inode at {reference:#x}"));
        let start = self.starts.get(&(reference >> 16)).ok_or_else(bad)?;
        Ok(start + (reference & 0xffff) as usize)
    }

    /// The names in a directory, with where their inodes lie.
    fn folder(&mut self, folder: &Folder) -> Result<Vec<(String, usize)>, Fault> {
        let bad = || Fault::malformed(format!("the directory `{}` is cut off", folder.path));
        let (block, size) = folder.list;
        let mut names = Vec::new();
        // An empty directory has a size of three, and no list.
        if size <= 3 {
            return Ok(names);
        }
        let start = self.folders.starts.get(&(block >> 16)).ok_or_else(bad)? + (block & 0xffff) as usize;
        let bytes = self.folders.bytes.get(start..start + size - 3).ok_or_else(bad)?;
        let mut at = 0;
        while at < bytes.len() {
            self.image.spool.check()?;
            let count = le_u32(bytes, at).ok_or_else(bad)?;
            let inodes = u64::from(le_u32(bytes, at + 4).ok_or_else(bad)?);
            at += 12;
            for _ in 0..=count {
                let offset = u64::from(le_u16(bytes, at).ok_or_else(bad)?);
                let length = usize::from(le_u16(bytes, at + 6).ok_or_else(bad)?) + 1;
                let name = bytes.get(at + 8..at + 8 + length).ok_or_else(bad)?;
                self.folders.cover.take((start + at + 8) as u64, length as u64);
                names.push((text(name), self.place(inodes << 16 | offset)?));
                at += 8 + length;
            }
        }
        Ok(names)
    }
}

/// The name of what a number of extended attributes' prefixes means.
fn xattr_prefix(kind: u16) -> String {
    match kind & 0xff {
        0 => "user.".to_owned(),
        1 => "trusted.".to_owned(),
        2 => "security.".to_owned(),
        other => format!("({other})."),
    }
}

fn number(name: &'static str, value: impl Into<u64>) -> Field {
    Field::metadata(name, Value::Number(value.into()))
}
