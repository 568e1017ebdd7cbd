//! Numbers, times and directory records (ECMA-119, 7, 8.4.26.1 and 9.1).

use crate::image::calendar::Moment;

/// Most bytes of a record: its length is one byte, and even.
pub(super) const RECORD: usize = 254;
/// Bytes of a record before the identifier.
const HEAD: usize = 33;

/// A number in both byte orders, first the little endian.
pub(super) fn both_16(number: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (number.to_le_bytes(), number.to_be_bytes());
    [a, b, c, d]
}

/// A number in both byte orders, first the little endian.
pub(super) fn both_32(number: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// A time as directory records and Rock Ridge have it.
pub(super) fn short_time(seconds: u32) -> [u8; 7] {
    let Moment { year, month, day, hour, minute, second } = Moment::of(seconds);
    // Seconds since 1970 in 32 bits end in 2106, the field in 2155.
    [year - 1900, month, day, hour, minute, second, 0].map(|part| part as u8)
}

/// A time as volume descriptors have it.
pub(super) fn long_time(seconds: u32) -> [u8; 17] {
    let Moment { year, month, day, hour, minute, second } = Moment::of(seconds);
    let digits = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}00");
    let mut bytes = [0; 17];
    bytes[..16].copy_from_slice(digits.as_bytes());
    bytes
}

/// What a directory record says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// The name with its version.
    pub identifier: &'a [u8],
    /// First block.
    pub extent: u32,
    /// Bytes.
    pub size: u32,
    /// Time, in seconds since 1970.
    pub time: u32,
    /// See [`Record::FOLDER`].
    pub flags: u8,
}

impl Record<'_> {
    /// It is a folder.
    pub const FOLDER: u8 = 2;
    /// Another record of the same file follows.
    pub const MORE: u8 = 0x80;

    /// Bytes of the record before what Rock Ridge adds.
    fn start(identifier: &[u8]) -> usize {
        (HEAD + identifier.len()).next_multiple_of(2)
    }

    /// How much room there is for Rock Ridge.
    pub fn room(identifier: &[u8]) -> usize {
        RECORD.saturating_sub(Self::start(identifier))
    }

    /// The record, with `system` in its system use area.
    pub fn bytes(&self, system: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        bytes.extend(both_32(self.extent));
        bytes.extend(both_32(self.size));
        bytes.extend(short_time(self.time));
        bytes.extend([self.flags, 0, 0]);
        bytes.extend(both_16(1));
        bytes.push(self.identifier.len() as u8);
        bytes.extend(self.identifier);
        bytes.resize(Self::start(self.identifier), 0);
        bytes.extend(system);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes[0] = bytes.len() as u8;
        bytes
    }
}
