//! Where a file's blocks lie: a tree of extents, or blocks of pointers, up to three levels deep.

use super::super::fault::Fault;
use super::super::raw::{le_u16, le_u32};
use super::Ext;
use super::inode::Inode;

/// Levels of a tree of extents (`EXT4_EXT_MAX_DEPTH` is 5).
const DEPTH: u16 = 5;

/// Blocks that follow each other in the file and in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub logical: u64,
    pub count: u64,
    pub at: u64,
    /// Otherwise the blocks are reserved, and the file has zeros there.
    pub written: bool,
}

/// All extents of a file.
#[derive(Debug, Default)]
pub(super) struct Map {
    pub extents: Vec<Extent>,
    /// What the field shows: the extents, and between them the blocks that list them.
    pub shown: String,
    /// Blocks that list others.
    lists: Vec<u64>,
}

impl Map {
    fn show(&mut self, text: &str) {
        if !self.shown.is_empty() {
            self.shown.push_str(", ");
        }
        self.shown.push_str(text);
    }

    /// Shows the extents from `first` on.
    fn show_extents(&mut self, first: usize) {
        for index in first..self.extents.len() {
            let Extent { logical, count, at, written } = self.extents[index];
            let reserved = if written { "" } else { " (unwritten)" };
            self.show(&format!("{logical}+{count} at {at}{reserved}"));
        }
    }
}

impl Ext<'_> {
    /// The map of an inode. What of the 60 bytes is in it, is `known`.
    pub(super) fn map(&mut self, path: &str, inode: &Inode, known: &mut Vec<(usize, usize)>) -> Result<Map, Fault> {
        let mut map = Map::default();
        if inode.has_extents() {
            let bytes = inode.map().to_vec();
            let depth = le_u16(&bytes, 6).unwrap_or(0);
            let count = self.extents(&bytes, depth, &mut map)?;
            // The root has room for four; a number that says otherwise is shown.
            let usual = le_u16(&bytes, 4) == Some(4);
            known.push((0x28, if usual { 8 } else { 4 }));
            known.push((0x34, count * 12));
        } else {
            known.push((0x28, 60));
            let bytes = inode.map().to_vec();
            let mut logical = 0;
            self.pointers(&bytes[..bytes.len().min(48)], 0, &mut logical, &mut map)?;
            for (level, at) in [(1, 48), (2, 52), (3, 56)] {
                self.pointers(bytes.get(at..at + 4).unwrap_or_default(), level, &mut logical, &mut map)?;
            }
        }
        self.image.spend(map.shown.len() as u64)?;
        let lists: Vec<(u64, u64)> = map.lists.iter().map(|block| (block * self.block, self.block)).collect();
        if !lists.is_empty() {
            self.image.cover.name(format!("block lists of {path}"), &lists);
        }
        Ok(map)
    }

    /// Reads a node of a tree of extents; gives how many entries it has.
    fn extents(&mut self, node: &[u8], depth: u16, map: &mut Map) -> Result<usize, Fault> {
        let bad = || Fault::malformed("a tree of extents is broken");
        if le_u16(node, 0) != Some(0xf30a) || le_u16(node, 6) != Some(depth) || depth > DEPTH {
            return Err(bad());
        }
        let count = usize::from(le_u16(node, 2).ok_or_else(bad)?);
        let entries = node.get(12..12 + count * 12).ok_or_else(bad)?;
        let first = map.extents.len();
        for entry in entries.chunks_exact(12) {
            let word = |at: usize| u64::from(le_u32(entry, at).unwrap_or(0));
            let short = |at: usize| u64::from(le_u16(entry, at).unwrap_or(0));
            if depth == 0 {
                let length = short(4);
                let (count, written) = if length > 0x8000 { (length - 0x8000, false) } else { (length, true) };
                map.extents.push(Extent { logical: word(0), count, at: short(6) << 32 | word(8), written });
                continue;
            }
            let at = short(8) << 32 | word(4);
            map.show(&format!("from {} list at {at}", word(0)));
            let node = self.list(at, map)?;
            let count = self.extents(&node, depth - 1, map)?;
            self.image.cover.take(at * self.block + 12, count as u64 * 12);
        }
        if depth == 0 {
            map.show_extents(first);
        }
        Ok(count)
    }

    /// Reads pointers, each to a block or to a block of pointers one level below.
    fn pointers(&mut self, pointers: &[u8], level: u32, logical: &mut u64, map: &mut Map) -> Result<(), Fault> {
        let covered = (self.block / 4).pow(level);
        let mut first = map.extents.len();
        for pointer in pointers.chunks_exact(4) {
            let at = u64::from(le_u32(pointer, 0).unwrap_or(0));
            if at == 0 {
                *logical += covered;
            } else if level == 0 {
                let next = |last: &&mut Extent| last.logical + last.count == *logical && last.at + last.count == at;
                match map.extents.get_mut(first..).and_then(<[Extent]>::last_mut).filter(next) {
                    Some(last) => last.count += 1,
                    None => map.extents.push(Extent { logical: *logical, count: 1, at, written: true }),
                }
                *logical += 1;
            } else {
                map.show_extents(first);
                map.show(&format!("from {logical} list at {at}"));
                let node = self.list(at, map)?;
                self.pointers(&node, level - 1, logical, map)?;
                self.image.cover.take(at * self.block, self.block);
                first = map.extents.len();
            }
        }
        map.show_extents(first);
        Ok(())
    }

    /// A block that lists others. Each is read once: a tree that contains itself has no end.
    fn list(&mut self, at: u64, map: &mut Map) -> Result<Vec<u8>, Fault> {
        self.image.spool.check()?;
        if !self.mapped.insert(at) {
            return Err(Fault::malformed(format!("block {at} lists the blocks of more than one file, or its own")));
        }
        let start = at.saturating_mul(self.block);
        map.lists.push(at);
        self.image.bytes(start, usize::try_from(self.block).unwrap_or(0), "a list of blocks")
    }
}
