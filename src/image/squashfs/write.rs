//! The whole image.

use std::io::SeekFrom;

use super::super::error::{Error, Problem};
use super::super::linux;
use super::super::output::Output;
use super::super::tree::{Contents, Kind, Tree};
use super::compress::Compression;
use super::data::{self, Data, Place};
use super::folder::{self, number};
use super::inode::About;
use super::owners::Owners;
use super::pool::Packer;
use super::table::{Table, failed, put};
use super::xattr::Xattrs;

/// Bytes of the superblock.
const HEAD: u64 = 96;
/// What the image's size is a multiple of: a page, of which loop devices want whole ones.
const PAGE: u64 = 4096;
const SMALLEST: u32 = 4096;
const LARGEST: u32 = 1 << 20;

// Flags of the superblock. Tables and blocks say of themselves whether they are compressed: these only tell that none is.
const PLAIN: u16 = 0x1 | 0x2 | 0x8 | 0x100 | 0x800;
/// Ends of all files are in fragments, not those of small ones alone.
const ENDS: u16 = 0x20;
const ONCE: u16 = 0x40;
const EXPORTED: u16 = 0x80;
const HAS_OPTIONS: u16 = 0x400;

/// How an image is written.
#[derive(Debug, Clone)]
pub struct Options {
    /// How blocks are compressed.
    pub compression: Compression,
    /// Bytes of a block before it is compressed: a power of two from 4 KiB to 1 MiB. Larger ones pack better, and a read
    /// of any of their bytes unpacks all.
    pub block: u32,
    /// The time at which the file system is said to have been made, in seconds since 1970.
    pub time: u32,
    /// How many threads compress. The bytes are the same with any number.
    pub threads: usize,
}

impl Default for Options {
    /// zstd as mksquashfs uses it, blocks of 128 KiB, one thread.
    fn default() -> Self {
        Self { compression: Compression::Zstd { level: 15 }, block: 128 << 10, time: 0, threads: 1 }
    }
}

impl Options {
    fn check(&self) -> Result<(), Error> {
        self.compression.check()?;
        if !self.block.is_power_of_two() || !(SMALLEST..=LARGEST).contains(&self.block) {
            return Err(Error::Option { option: "block", reason: "a power of two from 4 KiB to 1 MiB is wanted" });
        }
        if self.threads == 0 {
            return Err(Error::Option { option: "threads", reason: "it takes at least one" });
        }
        Ok(())
    }
}

/// Writes a squashfs image of the tree.
///
/// # Errors
/// An option is not possible, the format has no room for an entry, the bytes of a file cannot be read or are not as many
/// as stated, or the output fails.
pub fn write<W: Output>(tree: &Tree, contents: &dyn Contents, options: &Options, out: &mut W) -> Result<(), Error> {
    options.check()?;
    let (needed, most) = (tree.inodes.len() as u64, u64::from(u32::MAX) - 1);
    if needed > most {
        return Err(Error::TooMuch { what: "inodes", needed, most });
    }
    if tree.inodes.is_empty() {
        return Err(Error::of(b"", Problem::Orphan));
    }
    let packer = Packer { compression: options.compression, block: options.block };
    // What cannot be expressed is found before anything long is done.
    let owners = Owners::new(tree)?;
    let mut xattrs = Xattrs::new(packer);
    let attributes = tree.inodes.iter().map(|inode| xattrs.of(inode)).collect::<Result<Vec<u32>, Error>>()?;
    for inode in &tree.inodes {
        if let Kind::Character(major, minor) | Kind::Block(major, minor) = inode.kind {
            linux::device(&inode.path, major, minor)?;
        }
    }

    let mut at = HEAD;
    out.seek(SeekFrom::Start(at)).map_err(failed)?;
    let mut flags = ENDS | ONCE | EXPORTED;
    if options.compression == Compression::None {
        flags |= PLAIN;
    }
    if let Some(said) = options.compression.options() {
        flags |= HAS_OPTIONS;
        let size = said.len() as u16 | 1 << 15;
        put(out, &mut at, &[&size.to_le_bytes()[..], &said].concat())?;
    }
    let data = data::write(tree, contents, packer, options.threads, at, out)?;
    at = data.end;
    let tables = Tables::new(tree, &data, &owners, &attributes, packer)?;

    let root = tables.references.first().copied().unwrap_or(0);
    let (fragments, ids) = (data.fragments.len() as u32, owners.ids.len() as u16);
    let inode_table = at;
    tables.inodes.write(out, &mut at)?;
    let folder_table = at;
    tables.folders.write(out, &mut at)?;
    let mut table = Table::new(packer);
    for (start, size) in &data.fragments {
        table.add(&start.to_le_bytes())?;
        table.add(&u64::from(*size).to_le_bytes())?;
    }
    let fragment_table = table.write_indexed(out, &mut at)?;
    let mut table = Table::new(packer);
    for reference in &tables.references {
        table.add(&reference.to_le_bytes())?;
    }
    let export_table = table.write_indexed(out, &mut at)?;
    let mut table = Table::new(packer);
    for id in &owners.ids {
        table.add(&id.to_le_bytes())?;
    }
    let id_table = table.write_indexed(out, &mut at)?;
    let xattr_table = xattrs.write(out, &mut at)?;
    let size = at;
    let padding = vec![0; (at.next_multiple_of(PAGE) - at) as usize];
    put(out, &mut at, &padding)?;

    let mut head = Vec::with_capacity(HEAD as usize);
    head.extend(b"hsqs");
    for word in [number(tree.inodes.len() - 1), options.time, options.block, fragments] {
        head.extend(word.to_le_bytes());
    }
    for word in [options.compression.number(), options.block.ilog2() as u16, flags, ids, 4, 0] {
        head.extend(word.to_le_bytes());
    }
    for long in [root, size, id_table, xattr_table, inode_table, folder_table, fragment_table, export_table] {
        head.extend(long.to_le_bytes());
    }
    out.seek(SeekFrom::Start(0)).map_err(failed)?;
    out.write_all(&head).map_err(failed)?;
    out.flush().map_err(failed)
}

/// The tables of inodes and directories, which refer to each other.
struct Tables {
    inodes: Table,
    folders: Table,
    /// Where each inode is.
    references: Vec<u64>,
}

impl Tables {
    /// A directory comes after everything in it, since its names say where the inodes are.
    fn new(tree: &Tree, data: &Data, owners: &Owners, attributes: &[u32], packer: Packer) -> Result<Self, Error> {
        let references = vec![0; tree.inodes.len()];
        let mut tables = Self { inodes: Table::new(packer), folders: Table::new(packer), references };
        let about = |place: usize| About { place, inode: &tree.inodes[place], owners, attributes: attributes[place] };
        let none = Place::default();
        let mut open: Vec<usize> = Vec::new();
        for (place, inode) in tree.inodes.iter().enumerate() {
            while let Some(folder) = open.pop_if(|folder| *folder != inode.parent) {
                tables.folder(tree, &about(folder))?;
            }
            let bytes = match &inode.kind {
                Kind::Folder(_) => {
                    open.push(place);
                    continue;
                }
                Kind::File(digest) => about(place).file(digest.size, data.places.get(digest).unwrap_or(&none)),
                _ => about(place).other()?,
            };
            tables.inode(place, &bytes)?;
        }
        while let Some(folder) = open.pop() {
            tables.folder(tree, &about(folder))?;
        }
        Ok(tables)
    }

    fn folder(&mut self, tree: &Tree, about: &About<'_>) -> Result<(), Error> {
        let Kind::Folder(entries) = &about.inode.kind else { return Ok(()) };
        let listing = folder::list(&mut self.folders, about.inode, entries, &tree.inodes, &self.references)?;
        // The root is in nothing, for which the number after the last stands.
        let parent = if about.place == 0 { tree.inodes.len() } else { about.inode.parent };
        self.inode(about.place, &about.folder(&listing, number(parent)))
    }

    fn inode(&mut self, place: usize, bytes: &[u8]) -> Result<(), Error> {
        folder::block(self.inodes.place().0)?;
        self.references[place] = self.inodes.reference();
        self.inodes.add(bytes)
    }
}
