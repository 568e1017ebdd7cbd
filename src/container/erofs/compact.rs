//! Indexes of compressed files: for each logical cluster, whether a physical one begins in it, where, and with which block.
//!
//! There are two forms. The full one has eight bytes for each. The compact one packs two into eight bytes or sixteen into 32:
//! a few bits for each, and one number of a block for all.

use super::super::fault::Fault;
use super::super::raw::{le_u16, le_u32};

/// Set in what a cluster without a beginning says, when that is how many blocks the physical one has.
const BLOCKS: u32 = 1 << 11;

/// A logical cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cluster {
    /// A physical cluster begins in it.
    Head {
        /// 0 for bytes as they are, 1 and 3 for the first and the second algorithm.
        kind: u32,
        /// Where in the logical cluster.
        offset: u32,
        block: u64,
    },
    /// None does. The first one after a beginning can say how many blocks that has.
    Within { blocks: Option<u32> },
}

fn within(lo: u32) -> Cluster {
    Cluster::Within { blocks: (lo & BLOCKS != 0).then_some(lo & !BLOCKS) }
}

/// Reads `count` clusters of the full form; each has eight bytes.
pub(super) fn full(bytes: &[u8], count: usize) -> Option<Vec<Cluster>> {
    (0..count)
        .map(|index| {
            let at = index * 8;
            let kind = u32::from(le_u16(bytes, at)? & 3);
            Some(if kind == 2 {
                within(le_u16(bytes, at + 4)?.into())
            } else {
                let (offset, block) = (le_u16(bytes, at + 2)?.into(), le_u32(bytes, at + 4)?.into());
                Cluster::Head { kind, offset, block }
            })
        })
        .collect()
}

/// How the clusters of a compact index are packed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packs {
    /// Clusters of four bytes at the beginning, until the place is a multiple of 32.
    first: usize,
    /// Clusters of two bytes after these. All that follow have four again.
    small: usize,
    /// Bits of a cluster's number within it.
    bits: u32,
    /// Whether physical clusters can have several blocks.
    large: bool,
}

impl Packs {
    /// Those of `count` clusters whose index lies at `at`.
    pub fn new(at: u64, count: usize, bits: u32, small: bool, large: bool) -> Result<Self, Fault> {
        if bits > if small { 12 } else { 14 } {
            return Err(Fault::unsupported(format!("logical clusters of 2^{bits} bytes")));
        }
        let first = (((32 - at % 32) / 4) & 7) as usize;
        let small = if small && first < count { (count - first) / 16 * 16 } else { 0 };
        Ok(Self { first, small, bits, large })
    }

    /// Bytes of the whole index, the last pack being full.
    pub fn size(&self, count: usize) -> usize {
        let first = self.first.min(count);
        let last = count - first - self.small.min(count - first);
        (first.next_multiple_of(2) + last.next_multiple_of(2)) * 4 + self.small * 2
    }

    /// Reads `count` clusters.
    pub fn read(&self, bytes: &[u8], count: usize) -> Result<Vec<Cluster>, Fault> {
        let mut clusters = Vec::new();
        let mut at = 0;
        while clusters.len() < count {
            let small = (self.first..self.first + self.small).contains(&clusters.len());
            let (each, of) = if small { (16, 2) } else { (2, 4) };
            let pack = bytes.get(at..at + each * of).and_then(|pack| self.pack(pack, each));
            clusters.extend(pack.ok_or_else(|| Fault::malformed("the index of a compressed file is broken"))?);
            at += each * of;
        }
        clusters.truncate(count);
        Ok(clusters)
    }

    /// The clusters of one pack: their bits, and at the end the number before that of the first block.
    fn pack(&self, pack: &[u8], each: usize) -> Option<Vec<Cluster>> {
        let bits = (pack.len() - 4) * 8 / each;
        let low = self.bits.max(12);
        let raw = |index: usize| {
            let place = index * bits;
            // A number's bits begin in any bit of a byte, and may lie in four.
            let word = (0..4)
                .rev()
                .fold(0_u32, |word, byte| word << 8 | u32::from(pack.get(place / 8 + byte).copied().unwrap_or(0)));
            let word = word >> (place % 8);
            (word & ((1 << low) - 1), word >> low & 3)
        };
        let mut block = u64::from(le_u32(pack, pack.len() - 4)?);
        let mut clusters = Vec::new();
        if !self.large {
            // All have one block, and the first number is one too small.
            for index in 0..each {
                let (lo, kind) = raw(index);
                clusters.push(if kind == 2 {
                    Cluster::Within { blocks: None }
                } else {
                    block = block.checked_add(1)?;
                    Cluster::Head { kind, offset: lo, block }
                });
            }
            return Some(clusters);
        }
        // What begins before a cluster that says how many blocks it has, has these; else one.
        let mut counted = false;
        for index in 0..each {
            let (lo, kind) = raw(index);
            if kind == 2 {
                if lo & BLOCKS != 0 {
                    // The one that it counts may have begun in the pack before.
                    block = (block + u64::from(lo & !BLOCKS)).checked_sub(u64::from(counted))?;
                }
                counted = false;
                clusters.push(within(lo));
            } else {
                clusters.push(Cluster::Head { kind, offset: lo, block });
                block += 1;
                counted = true;
            }
        }
        Some(clusters)
    }
}
