//! Records of directories: one of 32 bytes for each file, after as many as its long name needs.

use super::super::listing::{Field, Value, text};
use super::super::raw::{Keep, Part, Shape, describe, le_u16, le_u32, utf16};

/// Units of UTF-16 in one record of a long name, and where they lie in it.
const UNITS: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// Records of one long name.
const PARTS: u8 = 20;

const LAYOUT: [Part; 4] = [
    ("attributes", 11, Shape::Flags(1)),
    ("name's case", 12, Shape::Flags(1)),
    ("creation time, 10 ms", 13, Shape::Le8),
    ("first cluster, high part", 20, Shape::Flags(2)),
];

/// A file's record.
pub(super) struct Record {
    pub name: String,
    pub attributes: u8,
    pub cluster: u32,
    pub size: u64,
    pub fields: Vec<Field>,
}

impl Record {
    pub fn is_label(&self) -> bool {
        self.attributes & 0x08 != 0
    }
}

/// Puts long names together.
#[derive(Default)]
pub(super) struct Reader {
    /// The records of a long name so far, the last part of the name first, with where they lie.
    parts: Vec<(u64, Vec<u8>)>,
}

impl Reader {
    /// Takes the record at `at`; gives a file's, with the ranges of bytes that its fields show.
    pub fn next(&mut self, at: u64, bytes: &[u8]) -> Option<(Record, Vec<(u64, u64)>)> {
        let attributes = *bytes.get(11)?;
        if bytes[0] == 0xe5 {
            self.parts.clear();
            return None;
        }
        if attributes & 0x3f == 0x0f {
            if bytes[0] & 0x40 != 0 {
                self.parts.clear();
            }
            if self.parts.len() < usize::from(PARTS) {
                self.parts.push((at, bytes.to_vec()));
            }
            return None;
        }
        let parts = std::mem::take(&mut self.parts);
        if bytes.starts_with(b".          ") || bytes.starts_with(b"..         ") {
            return None;
        }
        let mut fields = vec![Field::metadata("short name", Value::text(&bytes[..11]))];
        let mut places = vec![(at, 32)];
        let long = long_name(&parts, bytes);
        if let Some(units) = &long
            && parts.iter().map(|(_, part)| part).eq(written(units, checksum(bytes)).iter())
        {
            places.extend(parts.iter().map(|(at, _)| (*at, 32)));
        }
        for (name, date, time) in [("creation time", 16, Some(14)), ("mtime", 24, Some(22)), ("access date", 18, None)]
        {
            let (date, time) = (le_u16(bytes, date)?, time.map(|time| le_u16(bytes, time).unwrap_or(0)));
            if date != 0 || time.unwrap_or(0) != 0 {
                fields.push(Field::metadata(name, Value::Text(moment(date, time).into())));
            }
        }
        fields.extend(describe(bytes, &LAYOUT, Keep::Set, &[(0, 11), (14, 6), (22, 4), (28, 4), (26, 2)]));
        let cluster = u32::from(le_u16(bytes, 20)?) << 16 | u32::from(le_u16(bytes, 26)?);
        fields.push(Field::metadata("first cluster", Value::Number(cluster.into())));
        let label = attributes & 0x08 != 0;
        let name = match long {
            _ if label => text(bytes[..11].trim_ascii_end()),
            Some(units) => utf16(units).replace('/', "\\x2f"),
            None => short_name(bytes),
        };
        let size = le_u32(bytes, 28)?.into();
        if label {
            fields.push(Field::metadata("size", Value::Number(size)));
        }
        Some((Record { name, attributes, cluster, size, fields }, places))
    }
}

/// The long name that some records have for the short one that follows them.
fn long_name(parts: &[(u64, Vec<u8>)], bytes: &[u8]) -> Option<Vec<u16>> {
    let count = u8::try_from(parts.len()).ok().filter(|count| (1..=PARTS).contains(count))?;
    let mut units = Vec::new();
    for (number, (_, part)) in (1..=count).zip(parts.iter().rev()) {
        let last = if number == count { 0x40 } else { 0 };
        if part[0] != number | last || part[13] != checksum(bytes) {
            return None;
        }
        units.extend(UNITS.iter().filter_map(|at| le_u16(part, *at)));
    }
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    units.truncate(end);
    (!units.is_empty()).then_some(units)
}

/// The records of a long name as they are usually written: after the name's end a NUL, and then ones.
fn written(units: &[u16], checksum: u8) -> Vec<Vec<u8>> {
    let mut units = units.to_vec();
    if !units.len().is_multiple_of(UNITS.len()) {
        units.push(0);
        units.resize(units.len().next_multiple_of(UNITS.len()), 0xffff);
    }
    let count = units.len() / UNITS.len();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for (index, units) in units.chunks(UNITS.len()).enumerate() {
        let mut part = vec![0; 32];
        part[0] = u8::try_from(index + 1).unwrap_or(0) | if index + 1 == count { 0x40 } else { 0 };
        (part[11], part[13]) = (0x0f, checksum);
        for (at, unit) in UNITS.iter().zip(units) {
            part[*at..at + 2].copy_from_slice(&unit.to_le_bytes());
        }
        parts.push(part);
    }
    parts.reverse();
    parts
}

/// The checksum of a short name that its long one has.
fn checksum(bytes: &[u8]) -> u8 {
    bytes[..11].iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// A short name with its extension, in the case that its flags say.
fn short_name(bytes: &[u8]) -> String {
    let mut base = bytes[..8].to_vec();
    if base[0] == 0x05 {
        base[0] = 0xe5;
    }
    let part = |bytes: &[u8], lower: bool| {
        let bytes = bytes.trim_ascii_end();
        text(&if lower { bytes.to_ascii_lowercase() } else { bytes.to_vec() })
    };
    let (name, extension) = (part(&base, bytes[12] & 0x08 != 0), part(&bytes[8..11], bytes[12] & 0x10 != 0));
    let name = if extension.is_empty() { name } else { format!("{name}.{extension}") };
    name.replace('/', "\\x2f")
}

/// A date, and a time of two seconds' resolution.
fn moment(date: u16, time: Option<u16>) -> String {
    let day = format!("{}-{:02}-{:02}", 1980 + (date >> 9), date >> 5 & 15, date & 31);
    match time {
        Some(time) => format!("{day} {:02}:{:02}:{:02}", time >> 11, time >> 5 & 63, (time & 31) * 2),
        None => day,
    }
}
