//! Disks with a partition table: MBR, with logical partitions, and GPT.
//!
//! Sources: UEFI specification 2.10, chapter 5 (GPT, and the MBR in 5.2). How extended boot records are chained is only
//! custom: each has a logical partition and the place of the next.
//!
//! Each partition is an entry, and its bytes are what is opened next. The same tables can stand in the first sectors of an
//! ISO 9660 image, whose reader uses [`tables`].

use std::collections::BTreeSet;

use super::fault::Fault;
use super::image::Image;
use super::listing::{Data, Field, Listing, Value, What};
use super::raw::{Keep, Part, Shape, array, describe, le_u16, le_u32, le_u64, utf16};
use super::spool::Spool;
use crate::fs::Content;

/// Bytes of a sector, where MBR and nearly all GPT disks are concerned.
const SECTOR: u64 = 512;
/// Logical partitions of one disk.
const LOGICAL: usize = 1024;
/// Entries of a GPT, and bytes of one.
const ENTRIES: u32 = 4096;
const ENTRY: u32 = 4096;

const MBR_ENTRY: [Part; 6] = [
    ("status", 0, Shape::Flags(1)),
    ("first CHS", 1, Shape::Bytes(3)),
    ("type", 4, Shape::Flags(1)),
    ("last CHS", 5, Shape::Bytes(3)),
    ("first sector", 8, Shape::Le32),
    ("sectors", 12, Shape::Le32),
];

const GPT_HEADER: [Part; 13] = [
    ("GPT revision", 8, Shape::Flags(4)),
    ("GPT header size", 12, Shape::Le32),
    ("GPT header CRC32", 16, Shape::Flags(4)),
    ("GPT own sector", 24, Shape::Le64),
    ("GPT backup sector", 32, Shape::Le64),
    ("GPT first usable sector", 40, Shape::Le64),
    ("GPT last usable sector", 48, Shape::Le64),
    ("GPT disk GUID", 56, Shape::Guid),
    ("GPT entries' sector", 72, Shape::Le64),
    ("GPT number of entries", 80, Shape::Le32),
    ("GPT size of an entry", 84, Shape::Le32),
    ("GPT entries' CRC32", 88, Shape::Flags(4)),
    ("GPT signature", 0, Shape::Text(8)),
];

const GPT_ENTRY: [Part; 5] = [
    ("type GUID", 0, Shape::Guid),
    ("partition GUID", 16, Shape::Guid),
    ("first sector", 32, Shape::Le64),
    ("last sector", 40, Shape::Le64),
    ("attributes", 48, Shape::Flags(8)),
];

/// A partition, as a table has it.
#[derive(Debug)]
pub(super) struct Partition {
    /// `partition 1`, or `MBR partition 1` where a GPT is there too.
    pub name: String,
    pub fields: Vec<Field>,
    /// Where it lies, in bytes; none where it only says that others are there.
    pub range: Option<(u64, u64)>,
}

/// Whether the first bytes of an image are a disk's with partitions. A boot sector of a file system ends as an MBR does;
/// `size` is that of the image.
pub(super) fn is_disk(head: &[u8], size: u64) -> bool {
    let signed = le_u16(head, 510) == Some(0xaa55);
    let entries = || (0..4).filter_map(|index| array::<16>(head, 446 + 16 * index));
    let plain = |entry: &[u8; 16]| {
        let first = u64::from(le_u32(entry, 8).unwrap_or(0));
        entry[0] & 0x7f == 0 && entry[4] != 0 && first > 0 && first < size.div_ceil(SECTOR)
    };
    let empty = |entry: &[u8; 16]| entry.iter().all(|byte| *byte == 0);
    let gpt = head.get(512..520) == Some(b"EFI PART");
    signed && (gpt || entries().all(|entry| plain(&entry) || empty(&entry)) && entries().any(|entry| plain(&entry)))
}

/// Lists a disk.
pub(super) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut image = Image::new(content, spool);
    let partitions = tables(&mut image)?;
    image.cover.name("boot code".to_owned(), &[(0, SECTOR)]);
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for Partition { name, fields, range } in partitions {
        let Some((at, size)) = range else {
            image.push(name, What::Special { kind: "partition without bytes of its own".to_owned() }, fields)?;
            continue;
        };
        let known = ranges.iter().position(|other| *other == (at, size));
        // What lies in two has been told of the first.
        if known.is_none() && image.cover.has(at, size) {
            image.push(
                name,
                What::Special { kind: "partition that overlaps another, or a table".to_owned() },
                fields,
            )?;
            continue;
        }
        image.cover.take(at, size);
        let key = known.unwrap_or(ranges.len());
        image.link(key as u64, name, fields)?;
        if known.is_none() {
            ranges.push((at, size));
            // A disk that is cut off has what is left of the partition.
            let rest = content.from(at);
            let bytes = rest.part(0, size).unwrap_or(rest);
            image.define(key as u64, What::File(Data::Plain(bytes)), Vec::new())?;
        }
    }
    image.finish()
}

/// Reads the tables that begin in an image's first sector, if there are some: their fields are the image's then, and their
/// bytes are taken.
pub(super) fn tables(image: &mut Image<'_>) -> Result<Vec<Partition>, Fault> {
    let first = image.content.bytes_at(0, 512)?;
    if le_u16(&first, 510) != Some(0xaa55) {
        return Ok(Vec::new());
    }
    let mut partitions = gpt(image)?;
    image.field("MBR disk signature", Value::Bytes(first.get(440..446).unwrap_or_default().into()));
    image.cover.take(440, 72);
    let prefix = if partitions.is_empty() { "" } else { "MBR " };
    let mut seen = BTreeSet::new();
    for index in 0..4 {
        let Some(entry) = array::<16>(&first, 446 + 16 * index).filter(|entry| *entry != [0; 16]) else { continue };
        let range = range(&entry, 0);
        let extended = matches!(entry[4], 0x05 | 0x0f | 0x85);
        partitions.push(Partition {
            name: format!("{prefix}partition {}", index + 1),
            fields: describe(&entry, &MBR_ENTRY, Keep::All, &[]),
            range: range.filter(|_| !extended && entry[4] != 0xee),
        });
        if let Some((start, _)) = range.filter(|_| extended) {
            logical(image, start, prefix, &mut seen, &mut partitions)?;
        }
    }
    Ok(partitions)
}

/// The bytes of an MBR's entry, whose sectors count from `base`.
fn range(entry: &[u8; 16], base: u64) -> Option<(u64, u64)> {
    let first = u64::from(le_u32(entry, 8)?) * SECTOR;
    let size = u64::from(le_u32(entry, 12)?) * SECTOR;
    (first > 0 && size > 0).then_some((base + first, size))
}

/// Follows the chain of extended boot records that begins at `start`.
fn logical(
    image: &mut Image<'_>,
    start: u64,
    prefix: &str,
    seen: &mut BTreeSet<u64>,
    partitions: &mut Vec<Partition>,
) -> Result<(), Fault> {
    let mut next = Some(start);
    while let Some(at) = next.take() {
        image.spool.check()?;
        let record = image.bytes(at, 512, "an extended boot record")?;
        if le_u16(&record, 510) != Some(0xaa55) {
            return Err(Fault::malformed(format!("at {at:#x} is no extended boot record")));
        }
        if !seen.insert(at) || seen.len() > LOGICAL {
            return Err(Fault::malformed("the extended boot records have no end"));
        }
        image.cover.take(at + 446, 66);
        for index in 0..4 {
            let Some(entry) = array::<16>(&record, 446 + 16 * index).filter(|entry| *entry != [0; 16]) else {
                continue;
            };
            let chain = matches!(entry[4], 0x05 | 0x0f | 0x85);
            let mut fields = describe(&entry, &MBR_ENTRY, Keep::All, &[]);
            fields.push(Field::metadata("extended boot record", Value::Number(at / SECTOR)));
            let name = if chain {
                next = range(&entry, start).map(|(at, _)| at);
                format!("{prefix}link {} to the next logical partition", seen.len())
            } else {
                format!("{prefix}partition {}", seen.len() + 4)
            };
            partitions.push(Partition { name, fields, range: range(&entry, at).filter(|_| !chain) });
        }
    }
    Ok(())
}

fn gpt(image: &mut Image<'_>) -> Result<Vec<Partition>, Fault> {
    let mut partitions = Vec::new();
    for sector in [512_u64, 4096] {
        let header = image.content.bytes_at(sector, 512)?;
        let fields = (le_u64(&header, 72), le_u32(&header, 80), le_u32(&header, 84), le_u64(&header, 32));
        let (Some(first), Some(count), Some(size), Some(backup)) = fields else { continue };
        if !header.starts_with(b"EFI PART") {
            continue;
        }
        if count > ENTRIES || !(128..=ENTRY).contains(&size) {
            return Err(Fault::malformed(format!("a GPT of {count} entries with {size} bytes each")));
        }
        let known = &header[..header.len().min(92)];
        image.listing.fields.extend(describe(known, &GPT_HEADER, Keep::All, &[]));
        image.cover.take(sector, known.len() as u64);
        let table = first.checked_mul(sector).ok_or_else(|| Fault::malformed("a GPT lies beyond the image's end"))?;
        for index in 0..count {
            let at = table.saturating_add(u64::from(index) * u64::from(size));
            let entry = image.bytes(at, size as usize, "a GPT")?;
            if entry.iter().all(|byte| *byte == 0) {
                continue;
            }
            image.cover.take(at, size.into());
            partitions.push(entry_of(&entry, index, sector));
        }
        let bytes = u64::from(count) * u64::from(size);
        image.cover.name("sector of the GPT".to_owned(), &[(sector, sector)]);
        image.cover.name("backup GPT header".to_owned(), &[(backup.saturating_mul(sector), sector)]);
        let behind = image.content.bytes_at(backup.saturating_mul(sector), 512)?;
        if let Some(first) = le_u64(&behind, 72).filter(|_| behind.starts_with(b"EFI PART")) {
            image.cover.name("backup GPT entries".to_owned(), &[(first.saturating_mul(sector), bytes)]);
        }
        break;
    }
    Ok(partitions)
}

fn entry_of(entry: &[u8], index: u32, sector: u64) -> Partition {
    let units =
        entry.get(56..128).unwrap_or_default().chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let units: Vec<u16> = units.collect();
    let end = units.iter().rposition(|unit| *unit != 0).map_or(0, |last| last + 1);
    let mut fields = describe(entry, &GPT_ENTRY, Keep::All, &[(56, 72)]);
    fields.push(Field::metadata("name", Value::Text(utf16(units[..end].iter().copied()).into())));
    let range = le_u64(entry, 32).zip(le_u64(entry, 40)).and_then(|(first, last)| {
        let size = last.checked_sub(first)?.checked_add(1)?.checked_mul(sector)?;
        Some((first.checked_mul(sector)?, size))
    });
    Partition { name: format!("partition {}", index + 1), fields, range }
}
