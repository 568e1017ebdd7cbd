//! Directory records (ECMA-119, 9.1).

use super::super::fault::Fault;
use super::super::listing::{Field, Value, text};
use super::super::raw::{Keep, Part, Shape, array, describe, le_u32, utf16};
use super::date;

const LAYOUT: [Part; 7] = [
    ("extended attribute record length", 1, Shape::Le8),
    ("extent", 2, Shape::Both32),
    ("data length", 10, Shape::Both32),
    ("file flags", 25, Shape::Flags(1)),
    ("file unit size", 26, Shape::Le8),
    ("interleave gap size", 27, Shape::Le8),
    ("volume sequence number", 28, Shape::Both16),
];

/// A directory record.
pub(super) struct Record {
    /// Its bytes before the system use area.
    head: Vec<u8>,
    /// Bytes of all of it.
    pub size: usize,
    /// Bytes of what fields are made of: up to the identifier's end.
    pub named: usize,
    /// Where the system use area begins in it.
    pub system: usize,
    pub flags: u8,
    pub identifier: Vec<u8>,
}

impl Record {
    /// Reads the record at the beginning of `bytes`; none if there are no more before the sector's end.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let size = match bytes.first() {
            None | Some(0) => return Ok(None),
            Some(size) => usize::from(*size),
        };
        let bad = || Fault::malformed("a directory record is cut off");
        let record = bytes.get(..size).ok_or_else(bad)?;
        let length = usize::from(*record.get(32).ok_or_else(bad)?);
        let identifier = record.get(33..33 + length).ok_or_else(bad)?;
        // Filled up so that what follows begins at an even place.
        let system = (33 + length).next_multiple_of(2).min(size);
        Ok(Some(Self {
            head: record[..33].to_vec(),
            size,
            named: 33 + length,
            system,
            flags: record[25],
            identifier: identifier.to_vec(),
        }))
    }

    /// Where its data lies: after the extended attribute record.
    pub fn range(&self, block: u64) -> (u64, u64) {
        let first = u64::from(le_u32(&self.head, 2).unwrap_or(0)) + u64::from(self.head[1]);
        (first * block, le_u32(&self.head, 10).unwrap_or(0).into())
    }

    pub fn fields(&self, joliet: bool) -> Vec<Field> {
        let mut fields = vec![Field::metadata("recorded", date(array(&self.head, 18).unwrap_or_default()))];
        // The lengths of the record and its name are those of what is shown.
        fields.extend(describe(&self.head, &LAYOUT, Keep::Set, &[(0, 1), (18, 7), (32, 1)]));
        if !matches!(self.identifier.as_slice(), [0] | [1]) {
            let shown = if joliet { big_endian(&self.identifier) } else { text(&self.identifier) };
            fields.push(Field::metadata("identifier", Value::Text(shown.into())));
        }
        fields.push(Field::metadata("record length", Value::Number(self.size as u64)));
        fields
    }

    /// The name without Rock Ridge.
    pub fn name(&self, joliet: bool) -> String {
        let name = if joliet { big_endian(&self.identifier) } else { text(&self.identifier) };
        match name.strip_suffix(";1") {
            Some(name) => name.to_owned(),
            None => name,
        }
    }
}

/// Joliet's text.
pub(super) fn big_endian(bytes: &[u8]) -> String {
    let mut shown = utf16(bytes.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])));
    if let [odd] = bytes.chunks_exact(2).remainder() {
        shown.push_str(&format!("\\x{odd:02x}"));
    }
    shown
}
