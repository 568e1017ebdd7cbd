//! The image as a whole: what lies where, and the writing of it.

use std::io::SeekFrom;

use super::boot::{self, Informed};
use super::folder::{Addresses, Bytes, View};
use super::hybrid::{Places, TAIL};
use super::volume::{self, Volume};
use super::{BLOCK, Info, Joliet, Options};
use crate::image::content::{copy, unwritten};
use crate::image::{Contents, Error, Kind, Output, Tree};

/// The first descriptor.
const PRIMARY: u64 = 16;
/// Blocks that are empty on demand.
const PADDING: u64 = 150;

/// Gives out blocks.
struct Next {
    block: u64,
    /// Where the bytes end that the last blocks were given out for.
    end: u64,
}

impl Next {
    /// As many blocks as these bytes take: the first of them.
    fn take(&mut self, bytes: u64) -> u64 {
        let first = self.block;
        self.skip(bytes.div_ceil(BLOCK as u64));
        if bytes > 0 {
            self.end = (first.saturating_mul(BLOCK as u64)).saturating_add(bytes);
        }
        first
    }

    fn skip(&mut self, blocks: u64) {
        self.block = self.block.saturating_add(blocks);
    }

    /// As [`Next::take`], as an address. It is wrong if it does not fit; then the volume is too large, which is found out
    /// before it is used.
    fn address(&mut self, bytes: u64) -> u32 {
        self.take(bytes) as u32
    }
}

/// A view with the places of its parts.
struct Placed {
    view: View,
    is_joliet: bool,
    shape: Bytes,
    table_size: u32,
    tables: [u32; 2],
    addresses: Addresses,
}

impl Placed {
    fn new(tree: &Tree, view: View, is_joliet: bool) -> Result<Self, Error> {
        let shape = view.bytes(tree, &Addresses::default())?;
        // At most 65535 folders with names of at most 255 bytes.
        let table_size = view.path_tables(&Addresses::default())[0].len() as u32;
        Ok(Self { view, is_joliet, shape, table_size, tables: [0; 2], addresses: Addresses::default() })
    }

    fn place_tables(&mut self, next: &mut Next) {
        self.tables = [(); 2].map(|()| next.address(self.table_size.into()));
    }

    fn place_folders(&mut self, next: &mut Next) {
        let place = |bytes: &Vec<u8>| (next.address(bytes.len() as u64), bytes.len() as u32);
        self.addresses.folders = self.shape.folders.iter().map(place).collect();
        self.addresses.continuations = next.address(self.shape.continuations.len() as u64);
    }

    fn descriptor(&self, tree: &Tree, options: &Options, blocks: u32) -> [u8; BLOCK] {
        let root = self.view.root(tree, &self.addresses);
        let (table_size, tables, is_joliet) = (self.table_size, self.tables, self.is_joliet);
        Volume { blocks, table_size, tables, root: &root, is_joliet }.bytes(options)
    }

    fn write<W: Output>(&self, tree: &Tree, out: &mut W) -> Result<(), Error> {
        for (table, block) in self.view.path_tables(&self.addresses).iter().zip(self.tables) {
            put(out, block.into(), table)?;
        }
        let bytes = self.view.bytes(tree, &self.addresses)?;
        for (folder, (block, _)) in bytes.folders.iter().zip(&self.addresses.folders) {
            put(out, u64::from(*block), folder)?;
        }
        put(out, self.addresses.continuations.into(), &bytes.continuations)
    }
}

/// So many blocks as an address, if it is one.
fn addressable(needed: u64) -> Result<u32, Error> {
    let most = u32::MAX.into();
    u32::try_from(needed).map_err(|_| Error::TooMuch { what: "blocks of 2048 bytes", needed, most })
}

fn seek<W: Output>(out: &mut W, block: u64, byte: u64) -> Result<(), Error> {
    out.seek(SeekFrom::Start(block * BLOCK as u64 + byte)).map(drop).map_err(unwritten)
}

fn put<W: Output>(out: &mut W, block: u64, bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    seek(out, block, 0)?;
    out.write_all(bytes).map_err(unwritten)
}

/// Writes the tree as an ISO 9660 image. Gives the byte at which each inode's content begins, by the inodes' numbers, for
/// what reads it without knowing ISO 9660; all of a content lies in one piece. 0 where there is none.
///
/// # Errors
/// An option is not possible, the tree has something that the format or one of its views cannot express, a content cannot
/// be read or has another size than stated, or the output fails.
pub fn write<W: Output>(
    tree: &Tree,
    contents: &dyn Contents,
    options: &Options,
    out: &mut W,
) -> Result<Vec<u64>, Error> {
    volume::check(options)?;
    let image = boot::image(tree, options)?;
    if let Some(hybrid) = &options.hybrid {
        hybrid.check(image.is_some())?;
    }
    if options.efi.is_some_and(|efi| efi.size == 0) {
        return Err(Error::Option { option: "efi", reason: "the file system is empty" });
    }
    if tree.inodes.is_empty() {
        return Err(Error::Option { option: "tree", reason: "it has no root" });
    }
    let boots = image.is_some() || options.efi.is_some();
    // Too much content is found out before a record is made of each of its extents.
    let content = |kind: &Kind| if let Kind::File(content) = kind { content.size.div_ceil(BLOCK as u64) } else { 0 };
    addressable(tree.inodes.iter().fold(0, |sum: u64, inode| sum.saturating_add(content(&inode.kind))))?;

    // What lies where.
    let mut views = vec![Placed::new(tree, View::plain(tree)?, false)?];
    if options.joliet != Joliet::No {
        views.push(Placed::new(tree, View::joliet(tree, options.joliet)?, true)?);
    }
    let mut next = Next { block: PRIMARY + 1, end: 0 };
    let boot_record = boots.then(|| next.take(1));
    let supplementary: Vec<u64> = views[1..].iter().map(|_| next.take(1)).collect();
    let terminator = next.take(1);
    let catalog = boots.then(|| next.address(1));
    views.iter_mut().for_each(|view| view.place_tables(&mut next));
    views.iter_mut().for_each(|view| view.place_folders(&mut next));
    let file = |kind: &Kind| match kind {
        Kind::File(content) if content.size > 0 => next.address(content.size),
        _ => 0,
    };
    let files: Vec<u32> = tree.inodes.iter().map(|inode| &inode.kind).map(file).collect();
    let efi = options.efi.map(|efi| (next.address(efi.size), efi.size));
    if options.padding {
        next.skip(PADDING);
    }
    if options.hybrid.as_ref().is_some_and(super::Hybrid::has_backup) {
        next.skip(TAIL);
    }
    let blocks = addressable(next.block)?;
    for view in &mut views {
        view.addresses.files.clone_from(&files);
    }

    // The writing, from the front to the back.
    let bios = image.map(|number| files[number]);
    let (start, end) = match &options.hybrid {
        Some(hybrid) => hybrid.bytes(&Places { blocks, bios, efi }),
        None => (Vec::new(), Vec::new()),
    };
    put(out, 0, &start)?;
    put(out, PRIMARY, &views[0].descriptor(tree, options, blocks))?;
    if let (Some(record), Some(catalog)) = (boot_record, catalog) {
        put(out, record, &boot::record(catalog))?;
    }
    for (view, block) in views[1..].iter().zip(supplementary) {
        put(out, block, &view.descriptor(tree, options, blocks))?;
    }
    put(out, terminator, &volume::head(255))?;
    if let Some(block) = catalog {
        let bios = bios.zip(options.bios.as_ref()).map(|(block, bios)| (bios.sectors, block));
        put(out, block.into(), &boot::catalog(bios, efi))?;
    }
    for view in &views {
        view.write(tree, out)?;
    }
    for (number, inode) in tree.inodes.iter().enumerate() {
        let Kind::File(content) = &inode.kind else { continue };
        if content.size == 0 {
            continue;
        }
        seek(out, files[number].into(), 0)?;
        if image == Some(number) {
            let info = options.bios.as_ref().map_or(Info::None, |bios| bios.info);
            let mut informed = Informed::new(out, info, files[number]);
            copy(contents, &inode.path, content, &mut informed)?;
            if let Some(table) = informed.table() {
                seek(out, files[number].into(), 8)?;
                out.write_all(&table).map_err(unwritten)?;
            }
        } else {
            copy(contents, &inode.path, content, out)?;
        }
    }
    if let Some((content, (block, _))) = options.efi.zip(efi) {
        seek(out, block.into(), 0)?;
        copy(contents, b"EFI system partition", &content, out)?;
    }
    let after = u64::from(blocks) * BLOCK as u64;
    if !end.is_empty() {
        out.seek(SeekFrom::Start(after - end.len() as u64)).map_err(unwritten)?;
        out.write_all(&end).map_err(unwritten)?;
    } else if next.end < after {
        // The last block is whole, with whatever it lacks.
        out.seek(SeekFrom::Start(after - 1)).map_err(unwritten)?;
        out.write_all(&[0]).map_err(unwritten)?;
    }
    out.flush().map_err(unwritten)?;
    Ok(files.into_iter().map(|block| u64::from(block) * BLOCK as u64).collect())
}
