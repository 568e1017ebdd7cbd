//! Directories: runs of names whose inodes lie in one metadata block, and an index of the runs for large directories.

use super::super::error::{Error, Problem};
use super::super::tree::{Inode, Kind};
use super::table::{BLOCK, Table};

/// Most names of a run.
const RUN: u32 = 256;
/// Bytes that readers add for `.` and `..`, which are not stored.
const DOTS: u32 = 3;

/// Where a directory's names are.
#[derive(Debug)]
pub(super) struct Listing {
    pub start: u32,
    pub offset: u16,
    /// Bytes of the names, with those of `.` and `..`.
    pub size: u32,
    /// One entry for the first run in each metadata block but the first.
    pub index: Vec<u8>,
    pub indexed: u16,
}

/// The number of an inode that has this place in the tree.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place + 1).unwrap_or(u32::MAX)
}

/// The type of an inode that has nothing but the usual.
pub(super) fn kind(inode: &Inode) -> u16 {
    match inode.kind {
        Kind::Folder(_) => 1,
        Kind::File(_) => 2,
        Kind::Symlink(_) => 3,
        Kind::Block(..) => 4,
        Kind::Character(..) => 5,
        Kind::Fifo => 6,
        Kind::Socket => 7,
    }
}

/// Names with inodes in one metadata block.
struct Run {
    block: u64,
    first: u32,
    count: u32,
    names: Vec<u8>,
    /// Which block of the directory table it begins in, counted unpacked.
    at: u64,
}

/// Adds a directory's names to the table.
pub(super) fn list(
    table: &mut Table,
    folder: &Inode,
    entries: &[(Vec<u8>, usize)],
    inodes: &[Inode],
    references: &[u64],
) -> Result<Listing, Error> {
    let begin = table.len();
    let (start, offset) = table.place();
    let mut listing = Listing { start: block(start)?, offset, size: 0, index: Vec::new(), indexed: 0 };
    let mut run: Option<Run> = None;
    let mut last = begin / BLOCK as u64;
    for (name, place) in entries {
        let (reference, number) = (references[*place], number(*place));
        let fits = |run: &Run| {
            let here = (table.len() + 12 + run.names.len() as u64) / BLOCK as u64;
            run.block == reference >> 16
                && run.count < RUN
                && here == run.at
                && i16::try_from(i64::from(number) - i64::from(run.first)).is_ok()
        };
        if !run.as_ref().is_some_and(fits) {
            if let Some(run) = run.take() {
                run.close(table)?;
            }
            let at = table.len() / BLOCK as u64;
            if at != last {
                let within = u32::try_from(table.len() - begin).map_err(|_| too_large(folder, table.len() - begin))?;
                listing.index.extend(within.to_le_bytes());
                listing.index.extend(block(table.place().0)?.to_le_bytes());
                listing.index.extend((size_of(name) as u32).to_le_bytes());
                listing.index.extend(name);
                listing.indexed =
                    listing.indexed.checked_add(1).ok_or_else(|| too_large(folder, table.len() - begin))?;
                last = at;
            }
            run = Some(Run { block: reference >> 16, first: number, count: 0, names: Vec::new(), at });
        }
        let Some(run) = run.as_mut() else { continue };
        run.count += 1;
        run.names.extend(((reference & 0xffff) as u16).to_le_bytes());
        run.names.extend((number.wrapping_sub(run.first) as u16).to_le_bytes());
        run.names.extend(kind(&inodes[*place]).to_le_bytes());
        run.names.extend(size_of(name).to_le_bytes());
        run.names.extend(name);
    }
    if let Some(run) = run {
        run.close(table)?;
    }
    let size = table.len() - begin + u64::from(DOTS);
    listing.size = u32::try_from(size).map_err(|_| too_large(folder, size))?;
    Ok(listing)
}

impl Run {
    fn close(self, table: &mut Table) -> Result<(), Error> {
        table.add(&(self.count - 1).to_le_bytes())?;
        table.add(&block(self.block)?.to_le_bytes())?;
        table.add(&self.first.to_le_bytes())?;
        table.add(&self.names)
    }
}

/// A name's size, less one: names have 1 to 255 bytes.
fn size_of(name: &[u8]) -> u16 {
    u16::try_from(name.len().saturating_sub(1)).unwrap_or(u16::MAX)
}

/// Where a metadata block begins, in the 32 bits that there are for it.
pub(super) fn block(start: u64) -> Result<u32, Error> {
    let most = u64::from(u32::MAX);
    u32::try_from(start).map_err(|_| Error::TooMuch { what: "bytes of a table", needed: start, most })
}

fn too_large(folder: &Inode, value: u64) -> Error {
    let what = "names with their inodes of";
    Error::of(&folder.path, Problem::TooLarge { what, value, most: u64::from(u16::MAX) * BLOCK as u64 })
}
