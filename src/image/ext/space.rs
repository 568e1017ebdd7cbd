//! Where things lie: groups of blocks, the copies of the superblock in some of them, and everything else one after another.

use super::super::error::Error;

/// Bytes of an inode, and of a group's descriptor.
pub(super) const INODE: u64 = 256;
pub(super) const DESCRIPTOR: u64 = 64;
/// Inodes of a group come in such steps: whole blocks of inodes, and whole bytes of their bitmap.
const STEP: u64 = 16;
/// Fewest blocks behind the descriptors that make a last group worth having.
const LEAST: u64 = 16;

/// What follows from the size of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Bytes of a block.
    pub block: u64,
    /// The first block of the first group: the block with the superblock.
    pub first: u64,
    /// Blocks in a group: as many as a block of bitmap has bits.
    pub per_group: u64,
}

impl Shape {
    pub fn new(block: u64) -> Self {
        Self { block, first: u64::from(block == 1024), per_group: 8 * block }
    }

    /// The first block of a group.
    pub fn start(&self, group: u64) -> u64 {
        self.first + group * self.per_group
    }

    /// How many groups a file system of so many blocks has.
    pub fn groups(&self, total: u64) -> u64 {
        total.saturating_sub(self.first).div_ceil(self.per_group).max(1)
    }

    /// Blocks of the descriptors of so many groups.
    pub fn descriptors(&self, groups: u64) -> u64 {
        (groups * DESCRIPTOR).div_ceil(self.block)
    }

    /// Fewest blocks of a file system with so many groups: the last has to hold its copy of the descriptors.
    pub fn least(&self, groups: u64) -> u64 {
        self.start(groups - 1) + 1 + self.descriptors(groups) + LEAST
    }

    /// Inodes in each of so many groups that have `inodes` together, and the blocks of a group's inodes.
    pub fn inodes(&self, groups: u64, inodes: u64) -> (u64, u64) {
        let each = inodes.div_ceil(groups).next_multiple_of(STEP);
        (each, each * INODE / self.block)
    }
}

/// Whether a group has a copy of superblock and descriptors: the first two, and powers of 3, 5 and 7 (`sparse_super`).
pub(super) fn has_copy(group: u64) -> bool {
    group < 2
        || [3, 5, 7].iter().any(|base| {
            let mut rest = group;
            while rest.is_multiple_of(*base) {
                rest /= base;
            }
            rest == 1
        })
}

/// Where a group's bitmaps and inodes are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub blocks: u64,
    pub inodes: u64,
    pub table: u64,
}

/// Gives out blocks in rising order.
#[derive(Debug, Clone)]
pub(super) struct Space {
    shape: Shape,
    /// Copies of superblock and descriptors, as (start, end), with room for as many descriptors as there can be.
    copies: Vec<(u64, u64)>,
    /// The first that does not lie before `next`.
    copy: usize,
    next: u64,
    most: u64,
    /// What was passed over.
    gaps: Vec<(u64, u64)>,
}

impl Space {
    /// Of at most `most` blocks.
    pub fn new(shape: Shape, most: u64) -> Self {
        let groups = shape.groups(most);
        let room = 1 + shape.descriptors(groups);
        let mut copies = vec![0, 1];
        for base in [3_u64, 5, 7] {
            copies.extend(std::iter::successors(Some(base), |power| power.checked_mul(base)));
        }
        copies.retain(|group| *group < groups);
        copies.sort_unstable();
        let copies = copies.into_iter().map(|group| (shape.start(group), shape.start(group) + room)).collect();
        Self { shape, copies, copy: 0, next: shape.first, most, gaps: Vec::new() }
    }

    /// Up to `want` blocks in a row: the first, and how many.
    pub fn take(&mut self, want: u64) -> Result<(u64, u64), Error> {
        let mut limit = self.most;
        while let Some((start, end)) = self.copies.get(self.copy) {
            if self.next < *start {
                limit = limit.min(*start);
                break;
            }
            self.next = self.next.max(*end);
            self.copy += 1;
        }
        let got = want.min(limit.saturating_sub(self.next));
        if got == 0 && want > 0 {
            return Err(self.full(self.next.saturating_add(want)));
        }
        self.next += got;
        Ok((self.next - got, got))
    }

    /// `want` blocks in a row.
    pub fn row(&mut self, want: u64) -> Result<u64, Error> {
        loop {
            let (start, got) = self.take(want)?;
            if got == want {
                return Ok(start);
            }
            self.gaps.push((start, start + got));
            if self.next >= self.most {
                return Err(self.full(start.saturating_add(want)));
            }
        }
    }

    /// That there would have to be `blocks`.
    pub fn full(&self, blocks: u64) -> Error {
        let [needed, most] = [blocks, self.most].map(|blocks| blocks.saturating_mul(self.shape.block));
        Error::TooMuch { what: "bytes of the file system", needed, most }
    }

    /// The end of what was given out.
    pub fn end(&self) -> u64 {
        self.next
    }

    /// Finds room for the bitmaps and inodes of `groups` groups.
    pub fn place(&mut self, groups: u64, table: u64) -> Result<Vec<Place>, Error> {
        let bitmaps: Vec<u64> = (0..2 * groups).map(|_| self.row(1)).collect::<Result<_, _>>()?;
        let of = |pair: &[u64]| (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
        bitmaps
            .chunks(2)
            .map(|pair| {
                let (blocks, inodes) = of(pair);
                Ok(Place { blocks, inodes, table: self.row(table)? })
            })
            .collect()
    }

    /// The bitmap of a group in a file system of `total` blocks, and how many blocks of it are free.
    pub fn bitmap(&self, group: u64, total: u64) -> (Vec<u8>, u64) {
        let start = self.shape.start(group);
        let end = total.min(start + self.shape.per_group);
        let mut bits = vec![0; usize::try_from(self.shape.block).unwrap_or(0)];
        let mut set = |from: u64, to: u64, on: bool| {
            fill(&mut bits, from.clamp(start, end) - start, to.clamp(start, end) - start, on);
        };
        set(start, self.next, true);
        for (from, to) in &self.gaps {
            set(*from, *to, false);
        }
        if has_copy(group) {
            let held = start + 1 + self.shape.descriptors(self.shape.groups(total));
            let room = self.copies.iter().find(|(from, _)| *from == start).map_or(held, |(_, to)| *to);
            set(start, held, true);
            set(held, room, false);
        }
        let used: u64 = bits.iter().map(|byte| u64::from(byte.count_ones())).sum();
        fill(&mut bits, end - start, self.shape.per_group, true);
        (bits, end - start - used)
    }
}

/// Sets or clears the bits from `from` up to `to`.
pub(super) fn fill(bits: &mut [u8], from: u64, to: u64, on: bool) {
    let mut at = from;
    while at < to {
        let Some(byte) = usize::try_from(at / 8).ok().and_then(|at| bits.get_mut(at)) else { return };
        let count = (8 - at % 8).min(to - at);
        let mask = u8::try_from(((1_u16 << count) - 1) << (at % 8)).unwrap_or(u8::MAX);
        *byte = if on { *byte | mask } else { *byte & !mask };
        at += count;
    }
}
