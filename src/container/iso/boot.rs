//! El Torito's boot catalog.

use super::super::fault::Fault;
use super::super::listing::{Data, What};
use super::super::raw::{Keep, Part, Shape, describe, le_u16, le_u32};
use super::Iso;

/// Bytes of a record, and how many are read at most.
const RECORD: u64 = 32;
const RECORDS: u64 = 1024;

const VALIDATION: [Part; 5] = [
    ("header", 0, Shape::Flags(1)),
    ("platform", 1, Shape::Flags(1)),
    ("identifier", 4, Shape::Text(24)),
    ("checksum", 28, Shape::Flags(2)),
    ("key", 30, Shape::Flags(2)),
];

const SECTION: [Part; 4] = [
    ("header", 0, Shape::Flags(1)),
    ("platform", 1, Shape::Flags(1)),
    ("entries", 2, Shape::Le16),
    ("identifier", 4, Shape::Text(28)),
];

const ENTRY: [Part; 7] = [
    ("boot indicator", 0, Shape::Flags(1)),
    ("media type", 1, Shape::Flags(1)),
    ("load segment", 2, Shape::Flags(2)),
    ("system type", 4, Shape::Flags(1)),
    ("sector count", 6, Shape::Le16),
    ("extent", 8, Shape::Le32),
    ("selection criteria", 12, Shape::Bytes(20)),
];

/// Reads the catalog at a block.
pub(super) fn catalog(iso: &mut Iso<'_>, block: u64) -> Result<(), Fault> {
    let start = block * iso.block;
    // The first header has one entry, the default one.
    let mut left = 0;
    let mut last = false;
    for index in 0..RECORDS {
        let at = start + index * RECORD;
        let record = iso.image.bytes(at, 32, "a boot catalog")?;
        let name = format!("(El Torito)/record {index}");
        let special = |kind: &str| What::Special { kind: kind.to_owned() };
        match record.first() {
            Some(1) if index == 0 => {
                iso.image.push(name, special("validation entry"), describe(&record, &VALIDATION, Keep::All, &[]))?;
                left = 1;
            }
            Some(0x44) if index > 1 => {
                let fields = describe(&record, &[("extension", 0, Shape::Bytes(32))], Keep::All, &[]);
                iso.image.push(name, special("extension"), fields)?;
            }
            Some(header @ (0x90 | 0x91)) if left == 0 && !last => {
                iso.image.push(name, special("section header"), describe(&record, &SECTION, Keep::All, &[]))?;
                left = le_u16(&record, 2).unwrap_or(0);
                last = *header == 0x91;
            }
            _ if left > 0 => {
                entry(iso, name, &record)?;
                left -= 1;
            }
            _ => break,
        }
        iso.image.cover.take(at, RECORD);
    }
    Ok(())
}

fn entry(iso: &mut Iso<'_>, name: String, record: &[u8]) -> Result<(), Fault> {
    let fields = describe(record, &ENTRY, Keep::All, &[]);
    let at = u64::from(le_u32(record, 8).unwrap_or(0)) * iso.block;
    let size = u64::from(le_u16(record, 6).unwrap_or(0)) * 512;
    // Usually it is one of the files.
    let file = iso.files.iter().find(|(extents, _)| extents.first().is_some_and(|(first, _)| *first == at));
    let what = match file.map(|(_, (_, name))| name.clone()) {
        Some(target) => What::HardLink { target },
        None => match iso.image.content.part(at, size) {
            Some(bytes) => {
                iso.image.cover.take(at, size);
                What::File(Data::Plain(bytes))
            }
            None => What::Special { kind: "boot image beyond the end".to_owned() },
        },
    };
    iso.image.push(name, what, fields)?;
    Ok(())
}
