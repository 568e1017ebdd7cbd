//! zstd: frames after each other, some of them to be skipped (RFC 8878, 3.1).

use super::stream::Told;
use crate::container::fault::Fault;
use crate::container::listing::{Field, Value};
use crate::container::spool::Spool;
use crate::fs::Content;

pub(super) fn read(content: &Content, spool: &Spool<'_>, told: &mut Told) -> Result<(), Fault> {
    let mut at = 0;
    while at < content.size() {
        spool.check()?;
        let malformed = || Fault::malformed(format!("the frame at byte {at} is malformed"));
        let head = content.bytes_at(at, 18)?;
        let (magic, rest) = head.split_first_chunk().ok_or_else(malformed)?;
        if matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18]) {
            let size = rest.first_chunk().map(|size| u64::from(u32::from_le_bytes(*size)));
            let frame = size.and_then(|size| content.part(at, size + 8)).ok_or_else(malformed)?;
            at += frame.size();
            told.rest(format!("skippable frame after {} frames", told.parts()), frame);
            continue;
        }
        let (fields, length, checksum) = header(rest).filter(|_| magic == b"\x28\xb5\x2f\xfd").ok_or_else(malformed)?;
        let start = at + 4 + length;
        let mut end = start;
        loop {
            spool.check()?;
            let block = content.bytes_at(end, 3)?;
            let [a, b, c] = block[..] else { return Err(malformed()) };
            let block = u32::from_le_bytes([a, b, c, 0]);
            // A block of one byte that is repeated has only this one.
            let size = if block >> 1 & 3 == 1 { 1 } else { block >> 3 };
            end += 3 + u64::from(size);
            if block & 1 == 1 {
                break;
            }
        }
        let body = content.part(start, end - start).ok_or_else(malformed)?;
        told.part("frame", fields, body)?;
        at = end + if checksum { 4 } else { 0 };
    }
    told.field("frames", Value::Number(told.parts()));
    Ok(())
}

/// A frame's header after its magic number, how long it is, and whether a checksum follows the frame.
fn header(bytes: &[u8]) -> Option<(Vec<Field>, u64, bool)> {
    let descriptor = *bytes.first()?;
    let mut at = 1;
    let mut number = |width: usize| -> Option<u64> {
        let bytes = bytes.get(at..at + width)?;
        at += width;
        Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let mut fields = Vec::new();
    let mut field = |name: &'static str, value: Value| fields.push(Field::metadata(name, value));
    let (single, checksum) = (descriptor & 0x20 != 0, descriptor & 4 != 0);
    field("checksum", Value::Text(if checksum { "yes".into() } else { "no".into() }));
    if descriptor & 0x10 != 0 {
        field("unused bit", Value::Number(1));
    }
    if single {
        field("window", Value::Text("the content".into()));
    } else {
        let window = number(1)?;
        let base = 1_u64 << (10 + (window >> 3));
        field("window", Value::Number(base + base / 8 * (window & 7)));
    }
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    if dictionary > 0 {
        let id = number(dictionary)?;
        field("dictionary ID", Value::Text(format!("{id} in {dictionary} bytes").into()));
    }
    let width = match descriptor >> 6 {
        0 => usize::from(single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    // The size itself only follows from the content: the decoder checks it.
    number(width)?;
    let width = if width == 0 { "no".to_owned() } else { format!("in {width} bytes") };
    field("size stated", Value::Text(width.into()));
    Some((fields, at as u64, checksum))
}
