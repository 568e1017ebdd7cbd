//! The archive: its end, its central directory, and whether its entries fill it.

use std::sync::Arc;

use super::entry::Record;
use crate::container::fault::Fault;
use crate::container::listing::{Data, Entry, Field, Listing, Rest, Unpack, Value, What, text};
use crate::container::spool::Spool;
use crate::container::usual::Usual;
use crate::fs::Content;

/// The record at the end without its comment, and the longest comment.
const END: usize = 22;
const COMMENT: usize = 65_535;
/// Bound on the target of a symbolic link.
const TARGET: u64 = 64 * 1024;

/// Where the central directory lies.
struct Directory {
    start: u64,
    size: u64,
    count: u64,
}

/// Lists an archive.
pub(in crate::container) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut listing = Listing { ordered: true, ..Listing::default() };
    let directory = end(content, &mut listing)?;
    let mut usual = Usual::default();
    // Where each entry begins and ends, and the number of its record.
    let mut spans = Vec::new();
    let mut at = directory.start;
    let directory_end = directory.start + directory.size;
    for index in 0..directory.count {
        spool.check()?;
        let record = Record::read(content, at)?;
        at = record.end;
        if at > directory_end {
            return Err(Fault::malformed("its central directory is longer than stated"));
        }
        let local = record.local(content, directory.start)?;
        spans.push((record.offset, local.end, index as usize));
        let mut fields = Vec::new();
        let packed = record.packed(local.data.clone());
        let slash = record.name.ends_with(b"/");
        let what = what(&record, packed, slash, spool)?;
        if let What::Symlink { target } = &what
            && target.contains("\\x")
        {
            // Which bytes are written so, only the bytes tell.
            let bytes = record.packed(local.data.clone()).unpack(spool)?.bytes()?;
            fields.push(Field::content("target", Value::Bytes(bytes.into())));
        }
        let name = usual.name(&mut fields, &record.name, matches!(what, What::Directory));
        record.tell(local, &mut usual, &mut fields);
        usual.add(&mut listing, Entry { name, what, fields })?;
    }
    let mut rest = |name: String, start: u64, end: u64| {
        if let Some(bytes) = end.checked_sub(start).filter(|size| *size > 0).and_then(|size| content.part(start, size))
        {
            listing.rest.push(Rest { name, bytes });
        }
    };
    rest("in the central directory, after its records".to_owned(), at, directory_end);
    spans.sort_unstable();
    let mut before = 0;
    let mut moved = Vec::new();
    for (position, (start, end, index)) in spans.iter().enumerate() {
        let name = &listing.entries[*index].name;
        if *start < before {
            return Err(Fault::malformed(format!("`{name}`, at byte {start}, overlaps what is before it")));
        }
        if *start > before
            && let Some(bytes) = content.part(before, start - before)
        {
            listing.rest.push(Rest { name: format!("bytes before {name}"), bytes });
        }
        if position != *index {
            moved.push((*index, position as u64));
        }
        before = *end;
    }
    if before < directory.start
        && let Some(bytes) = content.part(before, directory.start - before)
    {
        listing.rest.push(Rest { name: "bytes before the central directory".to_owned(), bytes });
    }
    for (index, position) in moved {
        let field = Field::metadata("position of the local header", Value::Number(position));
        listing.entries[index].fields.push(field);
    }
    listing.usual = usual.finish();
    Ok(listing)
}

fn what(record: &Record, packed: super::packed::Packed, slash: bool, spool: &Spool<'_>) -> Result<What, Fault> {
    let kind = record.unix().unwrap_or(0) & 0o170_000;
    if kind == 0o120_000 && record.size() <= TARGET {
        // What cannot be unpacked is told as a file, of which the packed bytes are compared.
        match packed.unpack(spool) {
            Ok(target) => return Ok(What::Symlink { target: text(&target.bytes()?) }),
            Err(fault) if fault.is_containers() => {}
            Err(fault) => return Err(fault),
        }
    }
    let empty = packed.bytes.size() == 0 && record.size() == 0;
    let special = match kind {
        0o020_000 => Some("character device"),
        0o060_000 => Some("block device"),
        0o010_000 => Some("fifo"),
        0o140_000 => Some("socket"),
        _ => None,
    };
    Ok(match special {
        Some(kind) if empty => What::Special { kind: kind.to_owned() },
        _ if empty && (slash || kind == 0o040_000) => What::Directory,
        _ => What::File(Data::Packed(Arc::new(packed))),
    })
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Finds the end, and tells what it says.
fn end(content: &Content, listing: &mut Listing) -> Result<Directory, Fault> {
    let from = content.size().saturating_sub((END + COMMENT) as u64);
    let tail = content.from(from).bytes()?;
    let missing = || Fault::malformed("the end of its central directory is missing");
    let comment_end = |at: usize| at + END + number(&tail, at + 20, 2) as usize;
    let last = tail.len().checked_sub(END).ok_or_else(missing)?;
    let mut ends = (0..=last).rev().filter(|at| tail[*at..].starts_with(b"PK\x05\x06"));
    // The one whose comment ends where the file ends; if none does, the last one.
    let at = ends.clone().find(|at| comment_end(*at) == tail.len());
    let at = at.or_else(|| ends.find(|at| comment_end(*at) <= tail.len())).ok_or_else(missing)?;
    let record = &tail[at..comment_end(at)];
    let mut position = from + at as u64;
    let after = content.from(from + comment_end(at) as u64);
    if after.size() > 0 {
        listing.rest.push(Rest { name: "what follows the end".to_owned(), bytes: after });
    }
    if record.len() > END {
        listing.fields.push(Field::metadata("comment", Value::words(&record[END..])));
    }
    let mut disks = [number(record, 4, 2), number(record, 6, 2)];
    let mut counts = [number(record, 8, 2), number(record, 10, 2)];
    let (mut size, mut start) = (number(record, 12, 4), number(record, 16, 4));
    let locator = match position.checked_sub(20) {
        Some(at) => content.bytes_at(at, 20)?,
        None => Vec::new(),
    };
    if locator.starts_with(b"PK\x06\x07") {
        let offset = number(&locator, 8, 8);
        let wide = content.bytes_at(offset, 56)?;
        if wide.len() < 56 || !wide.starts_with(b"PK\x06\x06") {
            return Err(Fault::malformed("its zip64 end is not where it should be"));
        }
        let length = number(&wide, 4, 8).checked_add(12).filter(|length| *length >= 56);
        let more = length.and_then(|length| content.part(offset, length));
        let more = more.filter(|record| offset + record.size() <= position - 20);
        let more = more.ok_or_else(|| Fault::malformed("its zip64 end is longer than the archive"))?;
        let gap = content.part(offset + more.size(), position - 20 - (offset + more.size()));
        for (name, bytes) in
            [("data of the zip64 end", more.from(56)), ("bytes after the zip64 end", gap.unwrap_or(Content::zeros(0)))]
        {
            if bytes.size() > 0 {
                listing.rest.push(Rest { name: name.to_owned(), bytes });
            }
        }
        let values = [number(&wide, 24, 8), number(&wide, 32, 8), number(&wide, 40, 8), number(&wide, 48, 8)];
        let narrow = [(counts[0], 0xffff), (counts[1], 0xffff), (size, 0xffff_ffff), (start, 0xffff_ffff)];
        if values.iter().zip(narrow).any(|(wide, (narrow, escape))| narrow != *wide && narrow != escape) {
            return Err(Fault::malformed("its two ends contradict each other"));
        }
        let escaped: String = narrow.iter().map(|(narrow, escape)| if narrow == escape { 'x' } else { '-' }).collect();
        let disk = number(&wide, 16, 4).max(number(&wide, 20, 4)).max(number(&locator, 4, 4));
        let about = format!(
            "version made by {}, version needed {}, {} volumes, escaped {escaped}",
            number(&wide, 12, 2),
            number(&wide, 14, 2),
            number(&locator, 16, 4),
        );
        listing.fields.push(Field::metadata("zip64 end", Value::Text(about.into())));
        disks = disks.map(|disk| if disk == 0xffff { 0 } else { disk });
        disks[0] = disks[0].max(disk);
        ([counts[0], counts[1]], size, start) = ([values[0], values[1]], values[2], values[3]);
        position = offset;
    }
    if disks != [0, 0] || counts[0] != counts[1] {
        return Err(Fault::unsupported("an archive in several volumes"));
    }
    let directory_end = start.checked_add(size).filter(|end| *end <= position);
    let directory_end = directory_end.ok_or_else(|| Fault::malformed("its central directory lies beyond its end"))?;
    if let Some(gap) = content.part(directory_end, position - directory_end).filter(|gap| gap.size() > 0) {
        listing.rest.push(Rest { name: "bytes after the central directory".to_owned(), bytes: gap });
    }
    Ok(Directory { start, size, count: counts[1] })
}
