//! xz: streams, each with blocks and an index of them at its end. From there it is read: the decoder has checked it all.

use super::stream::Told;
use crate::container::fault::Fault;
use crate::container::listing::{Field, Value};
use crate::container::spool::Spool;
use crate::fs::Content;

/// Bound on an index.
const INDEX: u64 = 64 << 20;
/// Sizes of integrity checks, by their number.
const CHECKS: [u64; 16] = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

struct Stream {
    start: u64,
    check: u8,
    /// Size of each block without its padding, and of what it unpacks to.
    blocks: Vec<(u64, u64)>,
    /// Zeros behind it.
    padding: u64,
}

fn malformed() -> Fault {
    Fault::malformed("its index does not fit its blocks")
}

pub(super) fn read(content: &Content, spool: &Spool<'_>, told: &mut Told) -> Result<(), Fault> {
    let mut streams = Vec::new();
    let mut end = content.size();
    while end > 0 {
        spool.check()?;
        let stream = backwards(content, end)?;
        end = stream.start;
        streams.push(stream);
    }
    streams.reverse();
    told.field("streams", Value::Number(streams.len() as u64));
    for (index, stream) in streams.iter().enumerate() {
        spool.check()?;
        let name = |name: &str| if index == 0 { name.to_owned() } else { format!("stream {} {name}", index + 1) };
        if stream.padding > 0 {
            told.field(name("padding"), Value::Number(stream.padding));
        }
        let check = match stream.check {
            0 => "none".to_owned(),
            1 => "CRC32".to_owned(),
            4 => "CRC64".to_owned(),
            10 => "SHA-256".to_owned(),
            other => format!("number {other}"),
        };
        told.field(name("integrity check"), Value::Text(check.into()));
        told.field(name("blocks"), Value::Number(stream.blocks.len() as u64));
        if let [(_, size), _, ..] = stream.blocks.as_slice() {
            told.field(name("block size"), Value::Number(*size));
        }
        let mut at = stream.start + 12;
        for (unpadded, _) in &stream.blocks {
            let (fields, header) = block(content, at)?;
            let size = unpadded.checked_sub(header + CHECKS[usize::from(stream.check & 15)]);
            let body = size.and_then(|size| content.part(at + header, size)).ok_or_else(malformed)?;
            told.part("block", fields, body)?;
            at += unpadded.next_multiple_of(4);
        }
    }
    Ok(())
}

/// The stream that ends at `end`, or before zeros that do.
fn backwards(content: &Content, end: u64) -> Result<Stream, Fault> {
    let mut footer_end = end;
    let footer = loop {
        let start = footer_end.checked_sub(12).ok_or_else(malformed)?;
        let footer = content.bytes_at(start, 12)?;
        if footer[8..] != [0; 4] {
            break footer;
        }
        footer_end -= 4;
    };
    let index_size = (u64::from(u32::from_le_bytes([footer[4], footer[5], footer[6], footer[7]])) + 1) * 4;
    let index_start = footer_end.checked_sub(12 + index_size).ok_or_else(malformed)?;
    if index_size > INDEX {
        return Err(Fault::TooMuch { what: "bytes in an index", limit: INDEX });
    }
    let index = content.part(index_start, index_size).ok_or_else(malformed)?.bytes()?;
    let mut rest = index.get(1..).ok_or_else(malformed)?;
    let count = number(&mut rest).ok_or_else(malformed)?;
    let (mut blocks, mut total) = (Vec::new(), 0_u64);
    for _ in 0..count {
        let unpadded = number(&mut rest).ok_or_else(malformed)?;
        let size = number(&mut rest).ok_or_else(malformed)?;
        let padded = unpadded.checked_next_multiple_of(4).ok_or_else(malformed)?;
        total = total.checked_add(padded).ok_or_else(malformed)?;
        blocks.push((unpadded, size));
    }
    let start = index_start.checked_sub(total).and_then(|start| start.checked_sub(12)).ok_or_else(malformed)?;
    Ok(Stream { start, check: footer[9] & 15, blocks, padding: end - footer_end })
}

/// A number in groups of seven bits, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for index in 0..9 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A block's header, and how long it is.
fn block(content: &Content, at: u64) -> Result<(Vec<Field>, u64), Fault> {
    let size = content.bytes_at(at, 1)?.first().map_or(0, |byte| (usize::from(*byte) + 1) * 4);
    let header = content.bytes_at(at, size)?;
    let mut rest = header.get(2..).ok_or_else(malformed)?;
    let flags = header[1];
    let mut fields = Vec::new();
    let stated = match flags >> 6 {
        0 => "none",
        1 => "compressed",
        2 => "uncompressed",
        _ => "both",
    };
    fields.push(Field::metadata("sizes stated", Value::Text(stated.into())));
    for _ in 0..(flags >> 6 & 1) + (flags >> 7) {
        number(&mut rest).ok_or_else(malformed)?;
    }
    let mut filters = Vec::new();
    for _ in 0..=flags & 3 {
        let id = number(&mut rest).ok_or_else(malformed)?;
        let length = number(&mut rest).and_then(|length| usize::try_from(length).ok()).ok_or_else(malformed)?;
        let (properties, after) = rest.split_at_checked(length).ok_or_else(malformed)?;
        rest = after;
        let name = match id {
            0x03 => "delta".to_owned(),
            0x04 => "x86".to_owned(),
            0x05 => "PowerPC".to_owned(),
            0x07 => "ARM".to_owned(),
            0x08 => "ARM Thumb".to_owned(),
            0x09 => "SPARC".to_owned(),
            0x0a => "ARM64".to_owned(),
            0x0b => "RISC-V".to_owned(),
            0x21 => "LZMA2".to_owned(),
            other => format!("filter {other}"),
        };
        filters.push(match (id, properties) {
            (0x21, [40]) => format!("{name} with a dictionary of 4294967295 bytes"),
            (0x21, [bits]) if *bits < 40 => {
                let size = (2 | u64::from(bits & 1)) << (bits / 2 + 11);
                format!("{name} with a dictionary of {size} bytes")
            }
            (_, []) => name,
            (_, properties) => format!("{name} {}", properties.escape_ascii()),
        });
    }
    fields.push(Field::metadata("filters", Value::Text(filters.join(", ").into())));
    // What is left are zeros and a checksum; only their number is the writer's choice.
    fields.push(Field::metadata("header size", Value::Number(size as u64)));
    Ok((fields, size as u64))
}
