//! The first sector.

use super::super::error::Error;
use super::super::little::{low32, put};
use super::{Layout, Partition, Place, SECTOR, Table};

/// Bytes of code.
pub(super) const CODE: usize = 440;
/// Where the entries begin, and bytes of one.
const ENTRIES: usize = 446;
const ENTRY: usize = 16;
/// The type of what only a GPT tells.
const PROTECTIVE: u8 = 0xee;
/// Heads and sectors of a track that addresses of old assume.
const HEADS: u64 = 255;
const TRACK: u64 = 63;

/// Whether an MBR can have the partitions that are to be in it: at most `most`.
pub(super) fn check(partitions: &[Partition], places: &[Place], most: usize) -> Result<(), Error> {
    let plain = most == 4;
    let mut count = 0;
    let mut active = false;
    for (number, (partition, place)) in (1..).zip(partitions.iter().zip(places)) {
        let wrong = |reason| Err(Error::Partition { number, reason });
        let Some(entry) = partition.mbr else {
            if plain {
                return wrong("it has no type for an MBR");
            }
            continue;
        };
        count += 1;
        if count > most {
            return wrong(if plain { "an MBR has four" } else { "a hybrid MBR has three besides the GPT" });
        }
        if matches!(entry.kind, 0 | 0x05 | 0x0f | 0x85 | PROTECTIVE) {
            return wrong("its type is none, or says that others are in it");
        }
        if entry.active && active {
            return wrong("another is active");
        }
        active |= entry.active;
        if (place.start + place.size) / SECTOR > u32::MAX.into() {
            return wrong("an MBR ends at 2 TiB");
        }
    }
    Ok(())
}

/// The sector, for a disk of so many.
pub(super) fn encode(layout: &Layout, places: &[Place], sectors: u64) -> [u8; SECTOR as usize] {
    let mut bytes = [0; SECTOR as usize];
    bytes[..layout.boot_code.len()].copy_from_slice(&layout.boot_code);
    put(&mut bytes, CODE, layout.signature.to_le_bytes());
    let shown = layout.partitions.iter().zip(places).filter_map(|(partition, place)| Some((partition.mbr?, *place)));
    let mut entries = Vec::new();
    if layout.table != Table::Mbr {
        // Up to the first that is shown here, too; all of the disk otherwise, as far as numbers reach.
        let end = shown.clone().map(|(_, place)| place.start / SECTOR).min();
        let count = end.unwrap_or(sectors) - 1;
        let mut entry = self::entry(0, PROTECTIVE, 1, count);
        if end.is_none() {
            // The specification wants these.
            put(&mut entry, 1, [0x00, 0x02, 0x00]);
            put(&mut entry, 5, [0xff; 3]);
        }
        entries.push(entry);
    }
    for (kind, place) in shown {
        let status = if kind.active { 0x80 } else { 0 };
        entries.push(entry(status, kind.kind, place.start / SECTOR, place.size / SECTOR));
    }
    for (index, entry) in entries.into_iter().take(4).enumerate() {
        put(&mut bytes, ENTRIES + index * ENTRY, entry);
    }
    put(&mut bytes, 510, [0x55, 0xaa]);
    bytes
}

fn entry(status: u8, kind: u8, start: u64, count: u64) -> [u8; ENTRY] {
    let mut bytes = [0; ENTRY];
    (bytes[0], bytes[4]) = (status, kind);
    put(&mut bytes, 1, address(start));
    put(&mut bytes, 5, address(start + count - 1));
    put(&mut bytes, 8, low32(start));
    put(&mut bytes, 12, low32(count.min(u32::MAX.into())));
    bytes
}

/// Head, sector and cylinder of a sector; the highest for what is beyond them.
fn address(sector: u64) -> [u8; 3] {
    let (cylinder, head) = (sector / TRACK / HEADS, sector / TRACK % HEADS);
    if cylinder > 1023 {
        return [0xfe, 0xff, 0xff];
    }
    let byte = |value: u64| value.to_le_bytes()[0];
    [byte(head), byte(sector % TRACK + 1) | byte(cylinder >> 8) << 6, byte(cylinder)]
}
