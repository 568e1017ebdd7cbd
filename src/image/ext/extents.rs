//! The extent tree: which blocks of a file lie where. Up to four runs stand in the inode; more in blocks of their own.

use super::super::crc::crc32c;
use super::super::little::{low16, low32, put};

const MAGIC: u16 = 0xf30a;
/// Most blocks of a run: what is more in its field means blocks that were never written.
pub(super) const RUN: u64 = 0x8000;
/// Runs in an inode, and bytes of a run and of a header.
const INSIDE: usize = 4;
const ENTRY: usize = 12;

/// The block map of an inode.
pub(super) type Map = [u8; 60];

/// Runs of blocks of a file that lie in a row.
#[derive(Debug, Default)]
pub(super) struct Extents {
    /// Block of the file, block of the file system, how many.
    runs: Vec<(u64, u64, u64)>,
}

impl Extents {
    /// Adds a run behind all others.
    pub fn push(&mut self, logical: u64, start: u64, count: u64) {
        let (mut logical, mut start, mut count) = (logical, start, count);
        if let Some((from, at, len)) = self.runs.last_mut()
            && *from + *len == logical
            && *at + *len == start
        {
            let more = count.min(RUN - *len);
            *len += more;
            (logical, start, count) = (logical + more, start + more, count - more);
        }
        while count > 0 {
            let len = count.min(RUN);
            self.runs.push((logical, start, len));
            (logical, start, count) = (logical + len, start + len, count - len);
        }
    }

    /// How many blocks of data there are.
    pub fn blocks(&self) -> u64 {
        self.runs.iter().map(|(_, _, count)| count).sum()
    }

    /// The map, with the blocks of the tree written by `write`, which finds a place for them.
    pub fn finish<E>(
        self,
        block: usize,
        sum: u32,
        mut write: impl FnMut(&[u8]) -> Result<u64, E>,
    ) -> Result<(Map, u64), E> {
        let mut level: Vec<[u8; ENTRY]> = Vec::with_capacity(self.runs.len());
        for (logical, start, count) in self.runs {
            let mut entry = [0; ENTRY];
            put(&mut entry, 0, low32(logical));
            put(&mut entry, 4, low16(count));
            put(&mut entry, 6, low16(start >> 32));
            put(&mut entry, 8, low32(start));
            level.push(entry);
        }
        let most = (block - ENTRY) / ENTRY;
        let (mut depth, mut blocks) = (0_u16, 0);
        while level.len() > INSIDE {
            let mut above = Vec::with_capacity(level.len().div_ceil(most));
            for chunk in level.chunks(most) {
                let mut bytes = node(chunk, most, depth);
                // What is left behind the entries is the checksum's, and covered by none.
                let end = bytes.len();
                bytes.resize(block, 0);
                let sum = crc32c(sum, &bytes[..end]);
                put(&mut bytes, end, sum.to_le_bytes());
                let at = write(&bytes)?;
                let mut entry = [0; ENTRY];
                entry[..4].copy_from_slice(&chunk[0][..4]);
                put(&mut entry, 4, low32(at));
                put(&mut entry, 8, low16(at >> 32));
                above.push(entry);
                blocks += 1;
            }
            level = above;
            depth += 1;
        }
        let mut map = [0; 60];
        map.copy_from_slice(&node(&level, INSIDE, depth));
        Ok((map, blocks))
    }
}

/// A header and `most` places for entries.
fn node(entries: &[[u8; ENTRY]], most: usize, depth: u16) -> Vec<u8> {
    let mut bytes = vec![0; ENTRY * (most + 1)];
    for (at, value) in [(0, MAGIC.into()), (2, entries.len() as u64), (4, most as u64), (6, depth.into())] {
        put(&mut bytes, at, low16(value));
    }
    for (place, entry) in bytes.chunks_mut(ENTRY).skip(1).zip(entries) {
        place.copy_from_slice(entry);
    }
    bytes
}
