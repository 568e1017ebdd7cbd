//! Numbers and records of fixed layout: what the readers of images make fields of.
//!
//! A layout names the parts of a record. [`describe`] makes a field of each, and one more of all bytes that no part covers and
//! that are not zero: nothing that a record says is lost, whatever a newer version of its format has put there.

use super::listing::{Field, Value};

/// Where a part of a record lies, and how it is shown.
pub(super) type Part = (&'static str, usize, Shape);

/// How a part of a record is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Numbers of so many bytes, the lowest first.
    Le8,
    Le16,
    Le32,
    Le64,
    /// Numbers of so many bytes, the highest first.
    Be32,
    /// Numbers written twice, the lowest byte first and then the highest first (ECMA-119, 7.2.3 and 7.3.3).
    Both16,
    Both32,
    /// Flags, shown in hexadecimal digits.
    Flags(usize),
    /// Seconds since 1970, in four bytes.
    Time,
    /// Text of so many bytes, filled up with NUL.
    Text(usize),
    /// A UUID in the order of its digits.
    Uuid,
    /// A UUID whose first three groups have the lowest byte first, as GPT's.
    Guid,
    /// So many bytes that are shown as they are.
    Bytes(usize),
}

impl Shape {
    fn size(self) -> usize {
        match self {
            Self::Le8 => 1,
            Self::Le16 => 2,
            Self::Le32 | Self::Be32 | Self::Both16 | Self::Time => 4,
            Self::Le64 | Self::Both32 => 8,
            Self::Uuid | Self::Guid => 16,
            Self::Flags(size) | Self::Text(size) | Self::Bytes(size) => size,
        }
    }

    fn value(self, bytes: &[u8]) -> Value {
        let little = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let big = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        match self {
            Self::Le8 | Self::Le16 | Self::Le32 | Self::Le64 => Value::Number(little(bytes)),
            Self::Be32 => Value::Number(big(bytes)),
            Self::Both16 | Self::Both32 => {
                let (first, second) = bytes.split_at(bytes.len() / 2);
                match (little(first), big(second)) {
                    (first, second) if first == second => Value::Number(first),
                    (first, second) => Value::Text(format!("{first}, big-endian {second}").into()),
                }
            }
            Self::Flags(_) => Value::Text(format!("{:#x}", little(bytes)).into()),
            Self::Time => Value::Time(i64::try_from(little(bytes)).unwrap_or(0), 0),
            Self::Text(_) => Value::text(trimmed(bytes, 0)),
            Self::Uuid => Value::Text(uuid(bytes).into()),
            Self::Guid => match bytes {
                [a, b, c, d, e, f, g, h, rest @ ..] => {
                    Value::Text(uuid(&[&[*d, *c, *b, *a, *f, *e, *h, *g], rest].concat()).into())
                }
                _ => Value::Bytes(bytes.into()),
            },
            Self::Bytes(_) => Value::Bytes(bytes.into()),
        }
    }
}

/// Which parts of a record become fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// All: there is one such record.
    All,
    /// Those that are not zero: there are as many records as files.
    Set,
}

/// The fields of a record. Ranges in `known` are shown by the caller.
pub(super) fn describe(record: &[u8], layout: &[Part], keep: Keep, known: &[(usize, usize)]) -> Vec<Field> {
    let mut left = record.to_vec();
    let mut fields = Vec::new();
    for (name, at, shape) in layout {
        let Some(bytes) = record.get(*at..at + shape.size()) else { continue };
        if keep == Keep::All || bytes.iter().any(|byte| *byte != 0) {
            fields.push(Field::metadata(*name, shape.value(bytes)));
        }
        left[*at..at + bytes.len()].fill(0);
    }
    for (at, size) in known {
        let end = at.saturating_add(*size).min(left.len());
        if let Some(part) = left.get_mut(*at..end) {
            part.fill(0);
        }
    }
    if left.iter().any(|byte| *byte != 0) {
        fields.push(Field::metadata("other bytes", Value::Text(runs(&left).into())));
    }
    fields
}

/// The bytes that are not zero, with where they are: `0x1c: 0a0b, 0x40: 01`.
pub(super) fn runs(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut last = None;
    for (at, byte) in bytes.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        if last.is_none_or(|last: usize| last + 1 != at) {
            let comma = if out.is_empty() { "" } else { ", " };
            out.push_str(&format!("{comma}{at:#x}: "));
        }
        out.push_str(&format!("{byte:02x}"));
        last = Some(at);
    }
    out
}

/// Without what fills it up.
pub(super) fn trimmed(bytes: &[u8], filler: u8) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != filler).map_or(0, |last| last + 1);
    &bytes[..end]
}

fn uuid(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// `N` bytes at a place of a record; none where it ends before.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(super) fn le_u16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(super) fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(super) fn le_u64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// UTF-16 as text; what is none is written `\uNNNN`.
pub(super) fn utf16(units: impl IntoIterator<Item = u16>) -> String {
    char::decode_utf16(units)
        .map(|unit| unit.map_or_else(|lone| format!("\\u{:04x}", lone.unpaired_surrogate()), String::from))
        .collect()
}

/// What an inode's mode says it is, for what is neither file nor directory nor link.
pub(super) fn special(mode: u32, device: Option<(u32, u32)>) -> String {
    let name = match mode & 0o170_000 {
        0o020_000 => "character device",
        0o060_000 => "block device",
        0o010_000 => "fifo",
        0o140_000 => "socket",
        other => return format!("file of type {:o}", other >> 12),
    };
    match device {
        Some((major, minor)) => format!("{name} {major}:{minor}"),
        None => name.to_owned(),
    }
}

/// The device that Linux writes as such a number in inodes of file systems.
pub(super) fn device(number: u32) -> (u32, u32) {
    ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00))
}

#[cfg(test)]
mod tests {
    use super::{Keep, Shape, describe, device, runs};

    #[test]
    fn nothing_of_a_record_is_lost() {
        let record = [1, 0, 0, 0, 7, 0, 0, 9];
        let fields = describe(&record, &[("first", 0, Shape::Le16), ("beyond", 7, Shape::Le32)], Keep::All, &[(7, 1)]);
        let shown: Vec<String> = fields.iter().map(|field| format!("{} {}", field.name, field.value)).collect();
        assert_eq!(shown, ["first 1", "other bytes 0x4: 07"]);
        assert_eq!(runs(&record), "0x0: 01, 0x4: 07, 0x7: 09");
    }

    #[test]
    fn numbers_written_twice_have_to_agree() {
        let shown = |record: &[u8]| describe(record, &[("n", 0, Shape::Both16)], Keep::All, &[])[0].value.to_string();
        assert_eq!(shown(&[1, 2, 2, 1]), "513");
        assert_eq!(shown(&[1, 2, 2, 2]), "513, big-endian 514");
    }

    #[test]
    fn devices_are_split_as_linux_does() {
        assert_eq!(device(0x0801), (8, 1));
        assert_eq!(device(0x1230_4567), (0x045, 0x1_2367));
    }
}
