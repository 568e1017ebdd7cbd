//! FAT12, FAT16 and FAT32, with long names.
//!
//! Source: Microsoft's "FAT: General Overview of On-Disk Format", version 1.03, little-endian.
//!
//! # What is compared
//! Files by their bytes, with the clusters they lie in; the directories' records by their fields, in the order in which they
//! lie there. Times have no time zone. The tables themselves, records that were deleted, and the records `.` and `..` are
//! compared as bytes, each under its name.
//!
//! # Limits
//! A cluster that two files have is a fault, and so is a chain that ends before its file.

mod chain;
mod record;
#[cfg(test)]
mod tests;

use super::fault::Fault;
use super::image::{DEPTH, Image, join};
use super::listing::{Data, Field, Listing, Value, What};
use super::raw::{Keep, Part, Shape, describe, le_u16, le_u32};
use super::spool::Spool;
use crate::fs::Content;
use chain::{Chains, Width};
use record::Record;

const COMMON: [Part; 13] = [
    ("OEM name", 3, Shape::Text(8)),
    ("bytes per sector", 11, Shape::Le16),
    ("sectors per cluster", 13, Shape::Le8),
    ("reserved sectors", 14, Shape::Le16),
    ("tables", 16, Shape::Le8),
    ("root entries", 17, Shape::Le16),
    ("sectors, if few", 19, Shape::Le16),
    ("media descriptor", 21, Shape::Flags(1)),
    ("sectors per table, if few", 22, Shape::Le16),
    ("sectors per track", 24, Shape::Le16),
    ("heads", 26, Shape::Le16),
    ("hidden sectors", 28, Shape::Le32),
    ("sectors", 32, Shape::Le32),
];

/// What FAT12 and FAT16 have at 36, and FAT32 at 64.
const EXTENDED: [Part; 6] = [
    ("drive number", 0, Shape::Flags(1)),
    ("volume flags", 1, Shape::Flags(1)),
    ("extended boot signature", 2, Shape::Flags(1)),
    ("volume id", 3, Shape::Flags(4)),
    ("volume label", 7, Shape::Text(11)),
    ("file system type", 18, Shape::Text(8)),
];

const LARGE: [Part; 7] = [
    ("sectors per table", 0, Shape::Le32),
    ("table flags", 4, Shape::Flags(2)),
    ("version", 6, Shape::Flags(2)),
    ("root cluster", 8, Shape::Le32),
    ("information sector", 12, Shape::Le16),
    ("backup boot sector", 14, Shape::Le16),
    ("reserved", 16, Shape::Bytes(12)),
];

const INFORMATION: [Part; 2] = [("free clusters", 488, Shape::Le32), ("next free cluster", 492, Shape::Le32)];

/// Whether an image begins with such a boot sector. It has no magic number: its parameters have to make sense.
pub(super) fn is_fat(head: &[u8]) -> bool {
    let Some(sector) = head.get(..512) else { return false };
    let short = |at: usize| le_u16(sector, at).unwrap_or(0);
    let jump = matches!(sector, [0xeb, _, 0x90, ..] | [0xe9, ..]);
    let geometry = matches!(short(11), 512 | 1024 | 2048 | 4096) && sector[13].is_power_of_two() && short(14) > 0;
    let media = matches!(sector[21], 0xf0 | 0xf8..);
    let total = if short(19) == 0 { le_u32(sector, 32) != Some(0) } else { true };
    let large = short(22) == 0 && short(17) == 0 && le_u32(sector, 36) != Some(0);
    let small = short(22) > 0 && short(17) > 0;
    jump && geometry && media && total && matches!(sector[16], 1 | 2) && (large || small)
}

/// Lists an image.
pub(super) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut image = Image::new(content, spool);
    let sector = image.bytes(0, 512, "the boot sector")?;
    let short = |at: usize| u64::from(le_u16(&sector, at).unwrap_or(0));
    let word = |at: usize| u64::from(le_u32(&sector, at).unwrap_or(0));
    let (bytes, reserved, tables, roots) = (short(11), short(14), u64::from(sector[16]), short(17));
    if !is_fat(&sector) {
        return Err(Fault::malformed("the boot sector's parameters cannot be"));
    }
    let cluster = u64::from(sector[13]) * bytes;
    let large = short(22) == 0;
    let table = if large { word(36) } else { short(22) } * bytes;
    let total = if short(19) == 0 { word(32) } else { short(19) } * bytes;
    let root = (reserved * bytes).saturating_add(tables * table);
    let root_size = (roots * 32).next_multiple_of(bytes);
    let data = root.saturating_add(root_size);
    let clusters = total.saturating_sub(data) / cluster;
    let width = match clusters {
        _ if large => Width::Fat32,
        ..4085 => Width::Fat12,
        _ => Width::Fat16,
    };
    image.field("kind", Value::Text(width.name().into()));
    image.listing.fields.extend(describe(&sector[..36], &COMMON, Keep::All, &[(0, 3)]));
    let extended = if large { 64 } else { 36 };
    if large {
        image.listing.fields.extend(describe(&sector[36..64], &LARGE, Keep::All, &[]));
    }
    image.listing.fields.extend(describe(&sector[extended..extended + 26], &EXTENDED, Keep::All, &[]));
    image.cover.take(3, extended as u64 + 26 - 3);
    image.cover.name("boot code".to_owned(), &[(0, bytes)]);
    if large {
        let at = short(48) * bytes;
        let information = image.content.bytes_at(at, 512)?;
        if at > 0 && information.starts_with(b"RRaA") {
            image.listing.fields.extend(describe(&information, &INFORMATION, Keep::All, &[(0, 488), (496, 16)]));
            image.cover.take(at + 488, 8);
        }
        image.cover.name("information sector".to_owned(), &[(at, bytes)]);
        image.cover.name("backup boot sector".to_owned(), &[(short(50) * bytes, bytes)]);
    }
    for number in 0..tables {
        image.cover.name(format!("table {number}"), &[(reserved * bytes + number * table, table)]);
    }
    let chains = Chains::new(content, width, (reserved * bytes, table), (data, cluster), clusters)?;
    let mut fat = Fat { image, chains };
    let root =
        if large { fat.chains.follow(spool, u32::try_from(word(44)).unwrap_or(0))? } else { vec![(root, root_size)] };
    fat.walk(root)?;
    fat.image.finish()
}

struct Fat<'a> {
    image: Image<'a>,
    chains: Chains,
}

impl Fat<'_> {
    fn walk(&mut self, root: Vec<(u64, u64)>) -> Result<(), Fault> {
        let mut folders = vec![(String::new(), root, 0)];
        while let Some((path, ranges, depth)) = folders.pop() {
            if depth > DEPTH {
                return Err(Fault::TooMuch { what: "levels", limit: DEPTH as u64 });
            }
            let mut inner = Vec::new();
            for record in self.folder(&path, &ranges)? {
                if record.is_label() {
                    let what = What::Special { kind: format!("volume label {}", record.name) };
                    self.image.push(join(&path, "(volume label)"), what, record.fields)?;
                    continue;
                }
                let path = join(&path, &record.name);
                let ranges = if record.cluster == 0 {
                    Vec::new()
                } else {
                    self.chains.follow(self.image.spool, record.cluster)?
                };
                let mut fields = record.fields;
                if !ranges.is_empty() {
                    let shown = self.chains.show(&ranges);
                    self.image.spend(shown.len() as u64)?;
                    fields.push(Field::metadata("clusters", Value::Text(shown.into())));
                }
                if record.attributes & 0x10 != 0 {
                    fields.push(Field::metadata("size", Value::Number(record.size)));
                    self.image.push(path.clone(), What::Directory, fields)?;
                    inner.push((path, ranges, depth + 1));
                } else {
                    let data = self.data(&path, &ranges, record.size)?;
                    self.image.push(path, What::File(Data::Plain(data)), fields)?;
                }
            }
            inner.reverse();
            folders.append(&mut inner);
        }
        Ok(())
    }

    fn data(&mut self, path: &str, ranges: &[(u64, u64)], size: u64) -> Result<Content, Fault> {
        let mut left = size;
        let mut pieces = Vec::new();
        for (at, count) in ranges {
            let count = left.min(*count);
            pieces.push(self.image.part(*at, count, "a file's data")?);
            self.image.cover.take(*at, count);
            self.image.spend(64)?;
            left -= count;
        }
        if left > 0 {
            return Err(Fault::malformed(format!("the clusters of `{path}` end {left} bytes too early")));
        }
        Ok(Content::concat(pieces))
    }

    /// The records of a directory that are in use, without `.` and `..`.
    fn folder(&mut self, path: &str, ranges: &[(u64, u64)]) -> Result<Vec<Record>, Fault> {
        let shown = if path.is_empty() { "." } else { path };
        self.image.cover.name(format!("directory {shown}"), ranges);
        let mut records = Vec::new();
        let mut reader = record::Reader::default();
        'ranges: for (start, size) in ranges {
            self.image.part(*start, *size, "a directory")?;
            for at in (*start..start + size).step_by(32) {
                let bytes = self.image.bytes(at, 32, "a directory")?;
                if bytes.first() == Some(&0) {
                    break 'ranges;
                }
                self.image.spool.check()?;
                if let Some((record, places)) = reader.next(at, &bytes) {
                    for (at, size) in places {
                        self.image.cover.take(at, size);
                    }
                    self.image.spend(1024)?;
                    records.push(record);
                }
            }
        }
        Ok(records)
    }
}
