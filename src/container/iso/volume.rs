//! Volume descriptors (ECMA-119, 8).

use super::super::fault::Fault;
use super::super::listing::{Field, Value, What, text};
use super::super::raw::{Keep, Part, Shape, array, describe, le_u16, le_u32, runs, trimmed};
use super::record::{Record, big_endian};
use super::{Iso, SECTOR, Tree, date, long_date};

/// Descriptors of one image.
const DESCRIPTORS: u64 = 256;

const LAYOUT: [Part; 22] = [
    ("descriptor type", 0, Shape::Le8),
    ("standard identifier", 1, Shape::Text(5)),
    ("descriptor version", 6, Shape::Le8),
    ("volume flags", 7, Shape::Flags(1)),
    ("volume space size", 80, Shape::Both32),
    ("escape sequences", 88, Shape::Text(32)),
    ("volume set size", 120, Shape::Both16),
    ("volume sequence number", 124, Shape::Both16),
    ("logical block size", 128, Shape::Both16),
    ("path table size", 132, Shape::Both32),
    ("path table", 140, Shape::Le32),
    ("optional path table", 144, Shape::Le32),
    ("big-endian path table", 148, Shape::Be32),
    ("optional big-endian path table", 152, Shape::Be32),
    ("root extended attribute record length", 157, Shape::Le8),
    ("root extent", 158, Shape::Both32),
    ("root data length", 166, Shape::Both32),
    ("root file flags", 181, Shape::Flags(1)),
    ("root file unit size", 182, Shape::Le8),
    ("root interleave gap size", 183, Shape::Le8),
    ("root volume sequence number", 184, Shape::Both16),
    ("file structure version", 881, Shape::Le8),
];

const STRINGS: [(&str, usize, usize); 9] = [
    ("system identifier", 8, 32),
    ("volume identifier", 40, 32),
    ("volume set identifier", 190, 128),
    ("publisher identifier", 318, 128),
    ("data preparer identifier", 446, 128),
    ("application identifier", 574, 128),
    ("copyright file identifier", 702, 37),
    ("abstract file identifier", 739, 37),
    ("bibliographic file identifier", 776, 37),
];

const DATES: [(&str, usize); 4] = [
    ("volume creation time", 813),
    ("volume modification time", 830),
    ("volume expiration time", 847),
    ("volume effective time", 864),
];

const PATH_TABLES: [&str; 2] = ["path table", "big-endian path table"];
const OPTIONAL_PATH_TABLES: [&str; 2] = ["optional path table", "optional big-endian path table"];

/// What the descriptors lead to.
pub(super) struct Volumes {
    pub trees: Vec<Tree>,
    /// Blocks of El Torito's catalogs.
    pub catalogs: Vec<u64>,
}

/// Reads all descriptors.
pub(super) fn read(iso: &mut Iso<'_>) -> Result<Volumes, Fault> {
    let mut volumes = Volumes { trees: Vec::new(), catalogs: Vec::new() };
    for index in 0..DESCRIPTORS {
        let at = (16 + index) * SECTOR;
        let descriptor = iso.image.bytes(at, 2048, "a volume descriptor")?;
        if descriptor.get(1..6) != Some(b"CD001") {
            return Err(Fault::malformed(format!("at {at:#x} is no volume descriptor")));
        }
        iso.image.cover.take(at, SECTOR);
        match descriptor.first() {
            Some(0) => boot_record(iso, index, &descriptor, &mut volumes)?,
            Some(1) if volumes.trees.is_empty() => {
                let fields = fields(&descriptor, false);
                iso.image.listing.fields.extend(fields);
                let block = le_u16(&descriptor, 128).unwrap_or(0);
                if !matches!(block, 512 | 1024 | 2048) {
                    return Err(Fault::malformed(format!("logical blocks of {block} bytes")));
                }
                iso.block = block.into();
                volumes.trees.extend(tree(iso, &descriptor, false, "")?);
            }
            Some(1 | 2) => {
                let escapes = descriptor.get(88..120).map(|escapes| trimmed(escapes, 0));
                let joliet = matches!(escapes, Some(b"%/@" | b"%/C" | b"%/E"));
                let kind = if joliet { "Joliet" } else { "volume" };
                let fields = fields(&descriptor, joliet);
                let name = format!("({kind} descriptor {index})");
                iso.image.push(name, What::Special { kind: "volume descriptor".to_owned() }, fields)?;
                let name = format!("({kind})");
                if volumes.trees.iter().all(|tree| tree.prefix != name) {
                    volumes.trees.extend(tree(iso, &descriptor, joliet, &name)?);
                }
            }
            kind => {
                let name = format!("(volume descriptor {index})");
                let fields = describe(&descriptor, &[("descriptor type", 0, Shape::Le8)], Keep::All, &[]);
                iso.image.push(name, What::Special { kind: "volume descriptor".to_owned() }, fields)?;
                if kind == Some(&255) {
                    break;
                }
            }
        }
    }
    if volumes.trees.is_empty() { Err(Fault::malformed("it has no primary volume descriptor")) } else { Ok(volumes) }
}

fn boot_record(iso: &mut Iso<'_>, index: u64, descriptor: &[u8], volumes: &mut Volumes) -> Result<(), Fault> {
    let layout = [
        ("descriptor type", 0, Shape::Le8),
        ("descriptor version", 6, Shape::Le8),
        ("boot system identifier", 7, Shape::Text(32)),
        ("boot identifier", 39, Shape::Text(32)),
        ("boot catalog", 71, Shape::Le32),
    ];
    let fields = describe(descriptor, &layout, Keep::All, &[(1, 5)]);
    let kind = "boot record".to_owned();
    iso.image.push(format!("(boot record {index})"), What::Special { kind }, fields)?;
    if descriptor.get(7..30) == Some(b"EL TORITO SPECIFICATION") {
        volumes.catalogs.extend(le_u32(descriptor, 71).map(u64::from));
    }
    Ok(())
}

fn fields(descriptor: &[u8], joliet: bool) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut known = vec![(156, 1), (174, 7), (188, 2)];
    for (name, at, size) in STRINGS {
        // Joliet's characters have two bytes; one that remains fills up.
        let size = if joliet { size & !1 } else { size };
        let bytes = descriptor.get(at..at + size).unwrap_or_default();
        let shown = if joliet { big_endian(bytes) } else { text(bytes) };
        fields.push(Field::metadata(name, Value::Text(shown.trim_end_matches(' ').into())));
        known.push((at, size));
    }
    for (name, at) in DATES {
        fields.push(Field::metadata(name, long_date(descriptor.get(at..at + 17).unwrap_or_default())));
        known.push((at, 17));
    }
    fields.push(Field::metadata("root recorded", date(array(descriptor, 174).unwrap_or_default())));
    let own = descriptor.get(883..1395).unwrap_or_default();
    known.push((883, own.len()));
    // Most fill it up with spaces, and some with NUL.
    let shown = if own.iter().all(|byte| *byte == b' ') { "spaces".to_owned() } else { runs(own) };
    fields.push(Field::metadata("application use", Value::Text(shown.into())));
    fields.extend(describe(descriptor, &LAYOUT, Keep::All, &known));
    fields
}

fn tree(iso: &mut Iso<'_>, descriptor: &[u8], joliet: bool, prefix: &str) -> Result<Option<Tree>, Fault> {
    let size = u64::from(le_u32(descriptor, 132).unwrap_or(0));
    let both = |at: usize| {
        let little = le_u32(descriptor, at).map(u64::from);
        let big = array(descriptor, at + 8).map(|bytes| u64::from(u32::from_be_bytes(bytes)));
        [little, big]
    };
    for (names, at) in [(PATH_TABLES, 140), (OPTIONAL_PATH_TABLES, 144)] {
        for (name, block) in names.into_iter().zip(both(at)) {
            if let Some(block) = block.filter(|block| *block > 0) {
                let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix} {name}") };
                iso.image.cover.name(name, &[(block * iso.block, size)]);
            }
        }
    }
    let root = Record::read(descriptor.get(156..190).unwrap_or_default())?;
    Ok(root.map(|root| Tree { root, joliet, prefix: prefix.to_owned() }))
}
