//! Headers and entries of a GPT.

use std::collections::BTreeSet;

use super::super::error::Error;
use super::super::little::put;
use super::{Guid, Partition, Place, SECTOR};

/// Entries, bytes of one, and the sectors of all.
const ENTRIES: usize = 128;
const ENTRY: usize = 128;
pub(super) const SECTORS: u64 = (ENTRIES * ENTRY) as u64 / SECTOR;
/// Bytes of a header that are in use.
const HEADER: usize = 92;
/// Where a name begins in an entry, and its units of UTF-16.
const NAME: usize = 56;
const UNITS: usize = 36;

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Whether a GPT can have the partitions.
pub(super) fn check(partitions: &[Partition]) -> Result<(), Error> {
    if partitions.len() > ENTRIES {
        let (needed, most) = (partitions.len() as u64, ENTRIES as u64);
        return Err(Error::TooMuch { what: "partitions", needed, most });
    }
    let mut ids = BTreeSet::new();
    for (number, partition) in (1..).zip(partitions) {
        let wrong = |reason| Err(Error::Partition { number, reason });
        if partition.kind == Guid([0; 16]) {
            return wrong("its type is that of an unused entry");
        }
        if partition.id == Guid([0; 16]) || !ids.insert(partition.id) {
            return wrong("its identifier is zero, or another's");
        }
        if partition.name.encode_utf16().count() > UNITS {
            return wrong("its name has more than 36 units of UTF-16");
        }
        if partition.name.contains('\0') {
            return wrong("its name has a zero in it");
        }
    }
    Ok(())
}

/// All entries.
pub(super) fn entries(partitions: &[Partition], places: &[Place]) -> Vec<u8> {
    let mut bytes = vec![0; ENTRIES * ENTRY];
    for (entry, (partition, place)) in bytes.chunks_mut(ENTRY).zip(partitions.iter().zip(places)) {
        let first = place.start / SECTOR;
        put(entry, 0, partition.kind.on_disk());
        put(entry, 16, partition.id.on_disk());
        put(entry, 32, first.to_le_bytes());
        put(entry, 40, (first + place.size / SECTOR - 1).to_le_bytes());
        put(entry, 48, (u64::from(partition.legacy_boot) << 2).to_le_bytes());
        for (place, unit) in entry[NAME..].chunks_mut(2).zip(partition.name.encode_utf16()) {
            place.copy_from_slice(&unit.to_le_bytes());
        }
    }
    bytes
}

/// The header in front, or the one at the end, of a disk whose last sector is `last`.
pub(super) fn header(disk: &Guid, entries: &[u8], last: u64, front: bool) -> [u8; SECTOR as usize] {
    let mut bytes = [0; SECTOR as usize];
    let (own, other, table) = if front { (1, last, 2) } else { (last, 1, last - SECTORS) };
    put(&mut bytes, 0, *b"EFI PART");
    for (at, value) in [
        // Revision 1.0.
        (8, 0x1_0000),
        (12, HEADER as u32),
        (80, ENTRIES as u32),
        (84, ENTRY as u32),
        (88, crc32(entries)),
    ] {
        put(&mut bytes, at, value.to_le_bytes());
    }
    // Own and other sector, first and last that partitions may have, and the first of the entries.
    for (at, value) in [(24, own), (32, other), (40, 2 + SECTORS), (48, last - SECTORS - 1), (72, table)] {
        put(&mut bytes, at, u64::to_le_bytes(value));
    }
    put(&mut bytes, 56, disk.on_disk());
    let sum = crc32(&bytes[..HEADER]);
    put(&mut bytes, 16, sum.to_le_bytes());
    bytes
}
