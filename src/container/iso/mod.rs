//! ISO 9660 images: the primary tree with Rock Ridge, the Joliet tree, El Torito's catalog, and the partition tables that
//! a hybrid image has in its first sectors.
//!
//! Sources: ECMA-119 (4th edition), which is ISO 9660; the Joliet specification of 1995; IEEE P1281 (SUSP) and P1282 (Rock
//! Ridge) drafts 1.12; the El Torito specification 1.0.
//!
//! # Names
//! Entries of the primary tree have their paths: Rock Ridge's names where there are some, else identifiers without the
//! version `;1`. What else is in the image has names in brackets: `(Joliet)/a/b`, `(El Torito)/entry 1`,
//! `(partition 2)`. Joliet's files are the primary tree's, under other names. The records `.` and `..` of a directory are
//! entries too, because each has attributes of its own.
//!
//! # Limits
//! Files that zisofs compressed are compared as they lie. Directories are visited once: a second way into one is a fault,
//! except for the one that Rock Ridge itself makes for directories that lie too deep.

mod boot;
mod record;
mod susp;
#[cfg(test)]
mod tests;
mod volume;

use std::collections::{BTreeMap, BTreeSet};

use super::disk;
use super::fault::Fault;
use super::image::{DEPTH, Image, join};
use super::listing::{Data, Field, Listing, Value, What};
use super::spool::Spool;
use crate::fs::Content;

/// Bytes of a sector; volume descriptors and directories come in these.
const SECTOR: u64 = 2048;

/// Where an image says that it is one: the identifier of its first volume descriptor.
pub(super) const MAGIC: (u64, &[u8]) = (16 * SECTOR + 1, b"CD001");

/// Lists an image.
pub(super) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut iso = Iso {
        image: Image::new(content, spool),
        files: BTreeMap::new(),
        visited: BTreeSet::new(),
        next: 0,
        skip: None,
        block: SECTOR,
    };
    let volumes = volume::read(&mut iso)?;
    for tree in &volumes.trees {
        iso.walk(tree)?;
    }
    for catalog in volumes.catalogs {
        boot::catalog(&mut iso, catalog)?;
    }
    let Iso { mut image, .. } = iso;
    for partition in disk::tables(&mut image)? {
        let name = format!("({})", partition.name);
        // One that has what is in the image, or the whole of it, is only described.
        let own = partition.range.filter(|(at, size)| !image.cover.has(*at, *size));
        let what = match own.and_then(|(at, size)| content.part(at, size)) {
            Some(bytes) => What::File(Data::Plain(bytes)),
            None => What::Special { kind: "partition".to_owned() },
        };
        if let (What::File(_), Some((at, size))) = (&what, own) {
            image.cover.take(at, size);
        }
        image.push(name, what, partition.fields)?;
    }
    image.cover.name("system area".to_owned(), &[(0, 16 * SECTOR)]);
    image.finish()
}

struct Iso<'a> {
    image: Image<'a>,
    /// Files by where they lie, each with its number and its first name.
    files: BTreeMap<Vec<(u64, u64)>, (u64, String)>,
    visited: BTreeSet<(bool, u64)>,
    next: u64,
    /// Bytes before system use entries, once a volume says that it has these.
    skip: Option<usize>,
    /// Bytes of a logical block.
    block: u64,
}

/// A tree of directories.
struct Tree {
    root: record::Record,
    joliet: bool,
    prefix: String,
}

struct Folder {
    path: String,
    depth: usize,
    at: u64,
    size: u64,
    /// Whether its record says that it belongs elsewhere.
    moved: bool,
}

impl Iso<'_> {
    fn walk(&mut self, tree: &Tree) -> Result<(), Fault> {
        self.skip = None;
        let (at, size) = tree.root.range(self.block);
        let mut folders = vec![Folder { path: tree.prefix.clone(), depth: 0, at, size, moved: false }];
        let mut moved: Vec<Folder> = Vec::new();
        while let Some(folder) = folders.pop().or_else(|| moved.pop()) {
            // What was moved is found where it belongs; the folder that it was moved to is marked like it.
            if folder.moved && self.visited.contains(&(tree.joliet, folder.at)) {
                continue;
            }
            if !self.visited.insert((tree.joliet, folder.at)) {
                return Err(Fault::malformed(format!("the directory `{}` is reached twice", folder.path)));
            }
            if folder.depth > DEPTH {
                return Err(Fault::TooMuch { what: "levels", limit: DEPTH as u64 });
            }
            let inner = self.folder(&folder, tree.joliet)?;
            let (later, now): (Vec<Folder>, Vec<Folder>) = inner.into_iter().partition(|folder| folder.moved);
            moved.extend(later);
            folders.extend(now.into_iter().rev());
        }
        Ok(())
    }

    /// Adds what a directory has; gives the directories in it.
    fn folder(&mut self, folder: &Folder, joliet: bool) -> Result<Vec<Folder>, Fault> {
        let mut inner = Vec::new();
        // A file of several extents has several records: what the earlier ones had.
        let mut extents: Vec<(u64, u64)> = Vec::new();
        let mut earlier: Vec<Field> = Vec::new();
        self.image.part(folder.at, folder.size, "a directory")?;
        self.image.folder(folder.size)?;
        let mut done = 0;
        while done < folder.size {
            self.image.spool.check()?;
            let at = folder.at + done;
            let within = SECTOR - done % SECTOR;
            let sector =
                self.image.content.bytes_at(at, usize::try_from(within.min(folder.size - done)).unwrap_or(0))?;
            let Some(record) = record::Record::read(&sector)? else {
                done += within;
                continue;
            };
            done += record.size as u64;
            self.image.cover.take(at, record.named as u64);
            let system = self.system(at, &record, &sector)?;
            let mut fields = record.fields(joliet);
            let dot = matches!(record.identifier.as_slice(), [0] | [1]);
            let name = match record.identifier.as_slice() {
                [0] => ".".to_owned(),
                [1] => "..".to_owned(),
                _ => system.name.clone().unwrap_or_else(|| record.name(joliet)),
            };
            let path = join(&folder.path, &name);
            let (is_folder, target) = (record.flags & 2 != 0, system.target.clone());
            let child = system.child;
            let relocated = system.relocated;
            let special = system.special();
            fields.extend(system.fields);
            if dot || is_folder || child.is_some() {
                let range = child.map_or(record.range(self.block), |block| (block.saturating_mul(self.block), 0));
                self.image.push(path.clone(), What::Directory, fields)?;
                if !dot {
                    let size = if child.is_some() { self.size_of(range.0)? } else { range.1 };
                    inner.push(Folder { path, depth: folder.depth + 1, at: range.0, size, moved: relocated });
                }
            } else if let Some(target) = target {
                self.image.push(path, What::Symlink { target }, fields)?;
            } else if let Some(kind) = special {
                self.image.push(path, What::Special { kind }, fields)?;
            } else {
                extents.push(record.range(self.block));
                earlier.extend(fields);
                // Another extent follows.
                if record.flags & 0x80 == 0 {
                    self.file(path, std::mem::take(&mut extents), std::mem::take(&mut earlier), joliet)?;
                }
            }
        }
        if extents.is_empty() { Ok(inner) } else { Err(Fault::malformed("a file's last extent is missing")) }
    }

    /// The size of a directory that only its first block is known of: its own record says it.
    fn size_of(&self, at: u64) -> Result<u64, Fault> {
        let sector = self.image.bytes(at, 2048, "a directory")?;
        let own =
            record::Record::read(&sector)?.ok_or_else(|| Fault::malformed(format!("no directory is at {at:#x}")))?;
        Ok(own.range(self.block).1)
    }

    fn file(&mut self, path: String, extents: Vec<(u64, u64)>, fields: Vec<Field>, joliet: bool) -> Result<(), Fault> {
        let extents: Vec<(u64, u64)> = extents.into_iter().filter(|(_, size)| *size > 0).collect();
        if let Some((_, name)) = self.files.get(&extents).filter(|_| joliet) {
            let target = name.clone();
            self.image.push(path, What::HardLink { target }, fields)?;
            return Ok(());
        }
        let mut pieces = Vec::new();
        for (at, size) in &extents {
            pieces.push(self.image.part(*at, *size, "a file")?);
            self.image.cover.take(*at, *size);
        }
        let data = What::File(Data::Plain(Content::concat(pieces)));
        if extents.is_empty() || joliet {
            self.image.push(path, data, fields)?;
            return Ok(());
        }
        let next = self.next;
        let (number, name) = self.files.entry(extents).or_insert_with(|| (next, path.clone()));
        if path < *name {
            path.clone_into(name);
        }
        let number = *number;
        if self.image.link(number, path, fields)? {
            self.next += 1;
            self.image.define(number, data, Vec::new())?;
        }
        Ok(())
    }
}

/// A date of seven bytes (ECMA-119, 9.1.5): the offset from UTC in quarters of an hour.
fn date(bytes: [u8; 7]) -> Value {
    let [year, month, day, hour, minute, second, zone] = bytes;
    let year = 1900 + u16::from(year);
    Value::Text(format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {}", offset(zone)).into())
}

/// A date of 16 digits and an offset (ECMA-119, 8.4.26.1).
fn long_date(bytes: &[u8]) -> Value {
    let (digits, zone) = bytes.split_at(bytes.len().min(16));
    let shown = super::listing::text(digits).replace('\0', "0");
    // Digits and NULs both say "not specified"; which of them is worth telling.
    let shown = if digits.contains(&0) { format!("{shown} (with NUL)") } else { shown };
    Value::Text(format!("{shown} {}", offset(zone.first().copied().unwrap_or(0))).into())
}

fn offset(zone: u8) -> String {
    let minutes = i32::from(zone.cast_signed()) * 15;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}
