//! The superblock and the descriptors of block groups.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fault::Fault;
use super::super::image::Image;
use super::super::listing::Value;
use super::super::raw::{Keep, Part, Shape, describe, le_u16, le_u32};
use super::Ext;

const LAYOUT: [Part; 86] = [
    ("inodes", 0x00, Shape::Le32),
    ("blocks", 0x04, Shape::Le32),
    ("reserved blocks", 0x08, Shape::Le32),
    ("free blocks", 0x0c, Shape::Le32),
    ("free inodes", 0x10, Shape::Le32),
    ("first data block", 0x14, Shape::Le32),
    ("log block size", 0x18, Shape::Le32),
    ("log cluster size", 0x1c, Shape::Le32),
    ("blocks per group", 0x20, Shape::Le32),
    ("clusters per group", 0x24, Shape::Le32),
    ("inodes per group", 0x28, Shape::Le32),
    ("last mount time", 0x2c, Shape::Time),
    ("last write time", 0x30, Shape::Time),
    ("mount count", 0x34, Shape::Le16),
    ("maximum mount count", 0x36, Shape::Le16),
    ("magic", 0x38, Shape::Flags(2)),
    ("state", 0x3a, Shape::Flags(2)),
    ("errors behaviour", 0x3c, Shape::Le16),
    ("minor revision", 0x3e, Shape::Le16),
    ("last check time", 0x40, Shape::Time),
    ("check interval", 0x44, Shape::Le32),
    ("creator OS", 0x48, Shape::Le32),
    ("revision", 0x4c, Shape::Le32),
    ("reserved blocks uid", 0x50, Shape::Le16),
    ("reserved blocks gid", 0x52, Shape::Le16),
    ("first inode", 0x54, Shape::Le32),
    ("inode size", 0x58, Shape::Le16),
    ("group of this superblock", 0x5a, Shape::Le16),
    ("compatible features", 0x5c, Shape::Flags(4)),
    ("incompatible features", 0x60, Shape::Flags(4)),
    ("read-only compatible features", 0x64, Shape::Flags(4)),
    ("UUID", 0x68, Shape::Uuid),
    ("volume name", 0x78, Shape::Text(16)),
    ("last mounted on", 0x88, Shape::Text(64)),
    ("algorithm bitmap", 0xc8, Shape::Flags(4)),
    ("preallocated blocks", 0xcc, Shape::Le8),
    ("preallocated directory blocks", 0xcd, Shape::Le8),
    ("reserved GDT blocks", 0xce, Shape::Le16),
    ("journal UUID", 0xd0, Shape::Uuid),
    ("journal inode", 0xe0, Shape::Le32),
    ("journal device", 0xe4, Shape::Le32),
    ("first orphan inode", 0xe8, Shape::Le32),
    ("directory hash seed", 0xec, Shape::Uuid),
    ("default directory hash", 0xfc, Shape::Le8),
    ("journal backup type", 0xfd, Shape::Le8),
    ("group descriptor size", 0xfe, Shape::Le16),
    ("default mount options", 0x100, Shape::Flags(4)),
    ("first meta block group", 0x104, Shape::Le32),
    ("creation time", 0x108, Shape::Time),
    ("journal backup", 0x10c, Shape::Bytes(68)),
    ("blocks, high part", 0x150, Shape::Le32),
    ("reserved blocks, high part", 0x154, Shape::Le32),
    ("free blocks, high part", 0x158, Shape::Le32),
    ("required extra isize", 0x15c, Shape::Le16),
    ("desired extra isize", 0x15e, Shape::Le16),
    ("flags", 0x160, Shape::Flags(4)),
    ("RAID stride", 0x164, Shape::Le16),
    ("MMP interval", 0x166, Shape::Le16),
    ("MMP block", 0x168, Shape::Le64),
    ("RAID stripe width", 0x170, Shape::Le32),
    ("log groups per flex group", 0x174, Shape::Le8),
    ("checksum type", 0x175, Shape::Le8),
    ("lifetime writes in KiB", 0x178, Shape::Le64),
    ("snapshot inode", 0x180, Shape::Le32),
    ("error count", 0x194, Shape::Le32),
    ("first error time", 0x198, Shape::Time),
    ("first error inode", 0x19c, Shape::Le32),
    ("first error block", 0x1a0, Shape::Le64),
    ("first error function", 0x1a8, Shape::Text(32)),
    ("first error line", 0x1c8, Shape::Le32),
    ("last error time", 0x1cc, Shape::Time),
    ("last error inode", 0x1d0, Shape::Le32),
    ("last error line", 0x1d4, Shape::Le32),
    ("last error block", 0x1d8, Shape::Le64),
    ("last error function", 0x1e0, Shape::Text(32)),
    ("mount options", 0x200, Shape::Text(64)),
    ("user quota inode", 0x240, Shape::Le32),
    ("group quota inode", 0x244, Shape::Le32),
    ("overhead blocks", 0x248, Shape::Le32),
    ("backup groups", 0x24c, Shape::Bytes(8)),
    ("project quota inode", 0x26c, Shape::Le32),
    ("checksum seed", 0x270, Shape::Flags(4)),
    ("encoding", 0x27c, Shape::Le16),
    ("encoding flags", 0x27e, Shape::Flags(2)),
    ("orphan file inode", 0x280, Shape::Le32),
    ("checksum", 0x3fc, Shape::Flags(4)),
];

const GROUP: [Part; 22] = [
    ("block bitmap", 0x00, Shape::Le32),
    ("inode bitmap", 0x04, Shape::Le32),
    ("inode table", 0x08, Shape::Le32),
    ("free blocks", 0x0c, Shape::Le16),
    ("free inodes", 0x0e, Shape::Le16),
    ("directories", 0x10, Shape::Le16),
    ("flags", 0x12, Shape::Flags(2)),
    ("exclude bitmap", 0x14, Shape::Le32),
    ("block bitmap checksum", 0x18, Shape::Flags(2)),
    ("inode bitmap checksum", 0x1a, Shape::Flags(2)),
    ("unused inodes", 0x1c, Shape::Le16),
    ("checksum", 0x1e, Shape::Flags(2)),
    ("block bitmap, high part", 0x20, Shape::Le32),
    ("inode bitmap, high part", 0x24, Shape::Le32),
    ("inode table, high part", 0x28, Shape::Le32),
    ("free blocks, high part", 0x2c, Shape::Le16),
    ("free inodes, high part", 0x2e, Shape::Le16),
    ("directories, high part", 0x30, Shape::Le16),
    ("unused inodes, high part", 0x32, Shape::Le16),
    ("exclude bitmap, high part", 0x34, Shape::Le32),
    ("block bitmap checksum, high part", 0x38, Shape::Flags(2)),
    ("inode bitmap checksum, high part", 0x3a, Shape::Flags(2)),
];

/// What the features are that change where things lie.
const SPARSE_SUPER: u32 = 0x1;
const SPARSE_SUPER2: u32 = 0x200;
const FILETYPE: u32 = 0x2;
const JOURNAL_DEVICE: u32 = 0x8;
const META_GROUPS: u32 = 0x10;
const LONG: u32 = 0x80;

/// Reads the superblock and all groups.
pub(super) fn read(mut image: Image<'_>) -> Result<Ext<'_>, Fault> {
    let head = image.bytes(1024, 1024, "the superblock")?;
    let word = |at: usize| le_u32(&head, at).unwrap_or(0);
    let short = |at: usize| le_u16(&head, at).unwrap_or(0);
    image.listing.fields.extend(describe(&head, &LAYOUT, Keep::Set, &[]));
    image.cover.take(1024, 1024);
    let block = 1024_u64 << word(0x18).min(6);
    let (compatible, incompatible, read_only) = (word(0x5c), word(0x60), word(0x64));
    if incompatible & JOURNAL_DEVICE != 0 {
        return Err(Fault::unsupported("a journal device"));
    }
    let high = if incompatible & LONG == 0 { 0 } else { u64::from(word(0x150)) << 32 };
    let blocks = high | u64::from(word(0x04));
    let (first, per_group) = (u64::from(word(0x14)), u64::from(word(0x20)));
    let (inodes, inodes_per_group) = (word(0), word(0x28));
    let inode_size = if word(0x4c) == 0 { 128 } else { u64::from(short(0x58)) };
    if per_group == 0 || inodes_per_group == 0 || !(128..=block).contains(&inode_size) || first >= blocks {
        return Err(Fault::malformed("the superblock's numbers cannot be"));
    }
    let groups = (blocks - first).div_ceil(per_group);
    let size = if incompatible & LONG == 0 { 32 } else { u64::from(short(0xfe)).max(32) };
    let per_block = block / size.min(block);
    let backups = [word(0x24c), word(0x250)].map(u64::from);
    let has_copy = |group: u64| {
        if compatible & SPARSE_SUPER2 != 0 {
            group == 0 || backups.contains(&group)
        } else {
            read_only & SPARSE_SUPER == 0 || group < 2 || [3, 5, 7].iter().any(|base| is_power(group, *base))
        }
    };
    let table_blocks = (groups.saturating_mul(size)).div_ceil(block);
    let mut tables = Vec::new();
    for group in 0..groups {
        image.spool.check()?;
        let start = first + group * per_group;
        let index = group / per_block;
        // With meta block groups, descriptors lie in the first of the groups that they describe.
        let meta = incompatible & META_GROUPS != 0 && index >= word(0x104).into();
        let at = if meta {
            let head = index * per_block;
            (first + head * per_group + u64::from(has_copy(head))).saturating_mul(block)
        } else {
            (first + 1 + index).saturating_mul(block)
        };
        let at = at.saturating_add(group % per_block * size);
        let descriptor = image.bytes(at, usize::try_from(size).unwrap_or(0), "a group descriptor")?;
        image.cover.take(at, size);
        let shown = describe(&descriptor, &GROUP, Keep::Set, &[]);
        let shown: Vec<String> = shown.iter().map(|field| format!("{} {}", field.name, field.value)).collect();
        let shown = format!("{group}: {}", shown.join(", "));
        image.spend(shown.len() as u64 + 64)?;
        image.field("group", Value::Text(shown.into()));
        let place = |low: usize, high: usize| {
            let high = if size < 64 { 0 } else { le_u32(&descriptor, high).unwrap_or(0) };
            u64::from(high) << 32 | u64::from(le_u32(&descriptor, low).unwrap_or(0))
        };
        tables.push(place(0x08, 0x28));
        image.cover.name(format!("block bitmap of group {group}"), &[(place(0, 0x20).saturating_mul(block), block)]);
        image.cover.name(format!("inode bitmap of group {group}"), &[(place(4, 0x24).saturating_mul(block), block)]);
        if group > 0 && has_copy(group) {
            image.cover.name(format!("superblock of group {group}"), &[(start.saturating_mul(block), block)]);
            if incompatible & META_GROUPS == 0 {
                let ranges = [((start + 1).saturating_mul(block), table_blocks.saturating_mul(block))];
                image.cover.name(format!("group descriptors of group {group}"), &ranges);
            }
        }
    }
    image.cover.name("boot block".to_owned(), &[(0, 1024)]);
    let reserved = if word(0x4c) == 0 { 11 } else { word(0x54).clamp(3, 1024) };
    let mut special: Vec<(u32, &'static str)> = vec![(1, "")];
    special.extend((3..reserved).map(|number| (number, if number == word(0xe0) { "journal" } else { "" })));
    for (at, name) in [(0xe0, "journal"), (0x26c, "project quota"), (0x280, "orphan file")] {
        if word(at) >= reserved {
            special.push((word(at), name));
        }
    }
    Ok(Ext {
        image,
        block,
        inode_size,
        inodes,
        inodes_per_group,
        tables,
        special: special.into_iter().filter(|(number, _)| *number <= inodes).collect(),
        typed: incompatible & FILETYPE != 0,
        mapped: BTreeSet::new(),
        attributes: BTreeSet::new(),
        folders: BTreeMap::new(),
        values: BTreeSet::new(),
    })
}

fn is_power(mut number: u64, base: u64) -> bool {
    while number > 1 && number.is_multiple_of(base) {
        number /= base;
    }
    number == 1
}
