//! The superblock, and the descriptors of groups.

use super::super::crc::crc32c;
use super::super::little::{high16, high32, low16, low32, put};
use super::extents::Map;
use super::space::{DESCRIPTOR, INODE, Place, Shape};

/// Where the superblock lies, whatever the size of a block; and how long it is.
pub(super) const AT: u64 = 1024;
pub(super) const SIZE: usize = 1024;

/// Features that may be ignored: journal, attributes, indices of folders.
const HAS_JOURNAL: u32 = 0x4;
const COMPATIBLE: u32 = 0x8 | 0x20;
/// Features to be known by who reads: file types in folders, extents, 64 bits, bitmaps and inodes anywhere.
const INCOMPATIBLE: u32 = 0x2 | 0x40 | 0x80 | 0x200;
/// Features to be known by who writes: few copies, large files (2), folders with many links, large inodes, checksums.
const READ_ONLY: u32 = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x400;

/// Bytes of an inode behind its first 128 that are in use.
pub(super) const EXTRA: u16 = 32;
/// The journal's inode, and the first that is nobody's.
pub(super) const JOURNAL: u32 = 8;
pub(super) const FIRST: u32 = 11;

/// All that a superblock tells.
#[derive(Debug)]
pub(super) struct Super<'a> {
    pub shape: Shape,
    pub blocks: u64,
    pub free_blocks: u64,
    pub inodes_per_group: u64,
    pub free_inodes: u64,
    pub uuid: [u8; 16],
    pub hash_seed: [u8; 16],
    pub label: &'a [u8],
    pub time: u32,
    /// The map and size of the journal.
    pub journal: Option<(Map, u64)>,
}

impl Super<'_> {
    /// As it stands in a group.
    pub fn encode(&self, group: u64) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let inodes = self.inodes_per_group * self.shape.groups(self.blocks);
        let log = u64::from((self.shape.block / 1024).trailing_zeros());
        for (at, value) in [
            (0x00, inodes),
            (0x04, self.blocks),
            (0x0c, self.free_blocks),
            (0x10, self.free_inodes),
            (0x14, self.shape.first),
            (0x18, log),
            (0x1c, log),
            (0x20, self.shape.per_group),
            (0x24, self.shape.per_group),
            (0x28, self.inodes_per_group),
            (0x30, self.time.into()),
            (0x40, self.time.into()),
            // Revision with inodes of any size.
            (0x4c, 1),
            (0x54, FIRST.into()),
            (0x5c, (COMPATIBLE | if self.journal.is_some() { HAS_JOURNAL } else { 0 }).into()),
            (0x60, INCOMPATIBLE.into()),
            (0x64, READ_ONLY.into()),
            // Mounted with attributes and access control lists unless told otherwise.
            (0x100, 0xc),
            (0x108, self.time.into()),
            (0x150, self.blocks >> 32),
            (0x158, self.free_blocks >> 32),
            // Bytes of names are unsigned numbers when they are hashed.
            (0x160, 2),
        ] {
            put(&mut bytes, at, low32(value));
        }
        for (at, value) in [
            // Never checked for having been mounted often.
            (0x36, 0xffff),
            (0x38, 0xef53),
            // Clean; and errors do not stop it.
            (0x3a, 1),
            (0x3c, 1),
            (0x58, INODE),
            (0x5a, group),
            (0xfe, DESCRIPTOR),
            (0x15c, EXTRA.into()),
            (0x15e, EXTRA.into()),
        ] {
            put(&mut bytes, at, low16(value));
        }
        put(&mut bytes, 0x68, self.uuid);
        bytes[0x78..0x78 + self.label.len()].copy_from_slice(self.label);
        put(&mut bytes, 0xec, self.hash_seed);
        // Half-MD4; groups of a flexible group as a power of two; CRC-32C.
        (bytes[0xfc], bytes[0x174], bytes[0x175]) = (1, 4, 1);
        if let Some((map, size)) = &self.journal {
            put(&mut bytes, 0xe0, JOURNAL.to_le_bytes());
            // A second copy of the map, in case that the inode is lost.
            bytes[0xfd] = 1;
            put(&mut bytes, 0x10c, *map);
            put(&mut bytes, 0x10c + 60, high32(*size));
            put(&mut bytes, 0x10c + 64, low32(*size));
        }
        let sum = crc32c(!0, &bytes[..0x3fc]);
        put(&mut bytes, 0x3fc, sum.to_le_bytes());
        bytes
    }
}

/// All that a group's descriptor tells.
#[derive(Debug)]
pub(super) struct Group {
    pub place: Place,
    pub free_blocks: u64,
    pub free_inodes: u64,
    pub folders: u64,
    /// Checksums of the bitmaps.
    pub block_sum: u32,
    pub inode_sum: u32,
}

impl Group {
    pub fn encode(&self, group: u64, seed: u32) -> [u8; DESCRIPTOR as usize] {
        let mut bytes = [0; DESCRIPTOR as usize];
        for (at, value) in [(0, self.place.blocks), (4, self.place.inodes), (8, self.place.table)] {
            put(&mut bytes, at, low32(value));
            put(&mut bytes, 0x20 + at, high32(value));
        }
        // Inodes are used from the first on, so that the free ones are also those never used.
        for (at, value) in
            [(0x0c, self.free_blocks), (0x0e, self.free_inodes), (0x10, self.folders), (0x1c, self.free_inodes)]
        {
            put(&mut bytes, at, low16(value));
        }
        for (at, value) in
            [(0x2c, self.free_blocks), (0x2e, self.free_inodes), (0x30, self.folders), (0x32, self.free_inodes)]
        {
            put(&mut bytes, at, high16(value));
        }
        for (at, value) in [(0x18, self.block_sum), (0x1a, self.inode_sum)] {
            put(&mut bytes, at, low16(value.into()));
            put(&mut bytes, at + 0x20, high16(value.into()));
        }
        // The inodes' blocks are zeros where none is used.
        bytes[0x12] = 4;
        let number = low32(group);
        let sum = crc32c(crc32c(seed, &number), &bytes);
        put(&mut bytes, 0x1e, low16(sum.into()));
        bytes
    }
}

/// The first block of an empty journal, whose numbers have the highest byte first.
pub(super) fn journal(block: u64, blocks: u64) -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    for (at, value) in [
        (0, 0xc03b_3998_u32.into()),
        // Superblock of version 2.
        (4, 4),
        (12, block),
        (16, blocks),
        // First block and first number of the log; it starts nowhere, so it is empty.
        (20, 1),
        (24, 1),
        // One file system uses it.
        (64, 1),
    ] {
        let [a, b, c, d] = low32(value);
        put(&mut bytes, at, [d, c, b, a]);
    }
    bytes
}
