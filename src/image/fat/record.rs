//! Records of folders: 32 bytes for each file, after as many as its long name needs.

use super::super::little::{high16, low16, put};
use super::name::{Name, Short};

/// Bytes of a record.
pub(super) const RECORD: u64 = 32;
/// Attributes: of a label, a folder, a file, and of a part of a long name.
pub(super) const LABEL: u8 = 0x08;
pub(super) const FOLDER: u8 = 0x10;
pub(super) const FILE: u8 = 0x20;
const LONG: u8 = 0x0f;
/// Units of UTF-16 in one record of a long name, and where they lie in it.
const UNITS: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/// The start of 1980 in seconds since 1970.
const FIRST: u32 = 315_532_800;
const DAY: u32 = 86400;

/// How many records a name takes.
pub(super) fn count(name: &Name) -> u64 {
    1 + name.long.len().div_ceil(UNITS.len()) as u64
}

/// Date and time of FAT, and what the even seconds leave, in hundredths.
pub(super) fn moment(time: u32) -> (u16, u16, u8) {
    let time = time.max(FIRST) - FIRST;
    let (mut days, seconds) = (time / DAY, time % DAY);
    let leap = |year: u32| year.is_multiple_of(4) && year != 120;
    let mut year = 0;
    while days >= 365 + u32::from(leap(year)) {
        days -= 365 + u32::from(leap(year));
        year += 1;
    }
    let months = [31, 28 + u32::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for len in months {
        if days < len {
            break;
        }
        days -= len;
        month += 1;
    }
    let date = year << 9 | month << 5 | (days + 1);
    let clock = (seconds / 3600) << 11 | (seconds / 60 % 60) << 5 | (seconds % 60 / 2);
    let short = |value: u32| u16::from_le_bytes(low16(value.into()));
    (short(date), short(clock), if seconds.is_multiple_of(2) { 0 } else { 100 })
}

/// One record.
pub(super) fn short(name: &Short, attributes: u8, time: u32, cluster: u64, size: u32) -> [u8; RECORD as usize] {
    let mut bytes = [0; RECORD as usize];
    bytes[..11].copy_from_slice(name);
    bytes[11] = attributes;
    let (date, clock, odd) = moment(time);
    if attributes != LABEL {
        bytes[13] = odd;
        put(&mut bytes, 14, clock.to_le_bytes());
        put(&mut bytes, 16, date.to_le_bytes());
        put(&mut bytes, 18, date.to_le_bytes());
    }
    put(&mut bytes, 20, high16(cluster));
    put(&mut bytes, 22, clock.to_le_bytes());
    put(&mut bytes, 24, date.to_le_bytes());
    put(&mut bytes, 26, low16(cluster));
    put(&mut bytes, 28, size.to_le_bytes());
    bytes
}

/// The records of a long name: its last part first.
pub(super) fn long(name: &Name) -> Vec<u8> {
    let mut units = name.long.clone();
    if !units.len().is_multiple_of(UNITS.len()) {
        // A zero ends it, and ones fill it up.
        units.push(0);
        units.resize(units.len().next_multiple_of(UNITS.len()), 0xffff);
    }
    let parts = units.len() / UNITS.len();
    let mut bytes = Vec::with_capacity(parts * RECORD as usize);
    for (number, part) in (1_u8..).zip(units.chunks(UNITS.len())).collect::<Vec<_>>().into_iter().rev() {
        let mut record = [0; RECORD as usize];
        record[0] = number | if usize::from(number) == parts { 0x40 } else { 0 };
        record[11] = LONG;
        record[13] = checksum(&name.short);
        for (at, unit) in UNITS.iter().zip(part) {
            put(&mut record, *at, unit.to_le_bytes());
        }
        bytes.extend(record);
    }
    bytes
}

/// By which a long name knows its short one.
fn checksum(short: &Short) -> u8 {
    short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}
