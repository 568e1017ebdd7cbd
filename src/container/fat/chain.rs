//! Chains of clusters: each cluster's entry in the table is the number of the next one.

use super::super::fault::Fault;
use super::super::raw::{le_u16, le_u32};
use super::super::spool::Spool;
use crate::fs::{self, Content};

/// Bytes of the table that are in memory at once; even, and three divides it.
const WINDOW: u64 = 96 * 1024;

/// How wide the table's entries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Fat12,
    Fat16,
    Fat32,
}

impl Width {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fat12 => "FAT12",
            Self::Fat16 => "FAT16",
            Self::Fat32 => "FAT32",
        }
    }

    /// The first number that stands for no cluster but for the end of a chain.
    fn end(self) -> u32 {
        match self {
            Self::Fat12 => 0xff8,
            Self::Fat16 => 0xfff8,
            Self::Fat32 => 0x0fff_fff8,
        }
    }
}

/// The first table of an image.
pub(super) struct Chains {
    table: Content,
    width: Width,
    /// Where the first cluster lies, and the bytes of one.
    data: (u64, u64),
    clusters: u64,
    /// A bit of each cluster that is in a chain.
    used: Vec<u64>,
    window: (u64, Vec<u8>),
}

impl Chains {
    pub fn new(
        content: &Content,
        width: Width,
        table: (u64, u64),
        data: (u64, u64),
        clusters: u64,
    ) -> Result<Self, Fault> {
        let table = content.part(table.0, table.1);
        let table = table.ok_or_else(|| Fault::malformed("the table lies beyond the image's end"))?;
        // Each cluster has an entry in a table that is there.
        let clusters = clusters.min(table.size());
        let used = vec![0; usize::try_from(clusters / 64 + 1).unwrap_or(0)];
        Ok(Self { table, width, data, clusters, used, window: (0, Vec::new()) })
    }

    /// The ranges of bytes of a chain, each as long as its clusters follow each other.
    pub fn follow(&mut self, spool: &Spool<'_>, first: u32) -> Result<Vec<(u64, u64)>, Fault> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        let mut cluster = first;
        while cluster < self.width.end() {
            spool.check()?;
            let index = u64::from(cluster).checked_sub(2).filter(|index| *index < self.clusters);
            let index = index.ok_or_else(|| Fault::malformed(format!("there is no cluster {cluster}")))?;
            let (word, bit) = (usize::try_from(index / 64).unwrap_or(usize::MAX), 1 << (index % 64));
            match self.used.get_mut(word) {
                Some(word) if *word & bit == 0 => *word |= bit,
                _ => return Err(Fault::malformed(format!("cluster {cluster} is in two chains, or twice in one"))),
            }
            let at = self.data.0 + index * self.data.1;
            match ranges.last_mut() {
                Some(last) if last.0 + last.1 == at => last.1 += self.data.1,
                _ => ranges.push((at, self.data.1)),
            }
            cluster = self.next(cluster)?.ok_or_else(|| Fault::malformed("the table ends before its chains"))?;
        }
        Ok(ranges)
    }

    /// What the table says of a cluster.
    fn next(&mut self, cluster: u32) -> fs::Result<Option<u32>> {
        let cluster = u64::from(cluster);
        Ok(match self.width {
            Width::Fat12 => {
                let found = self.at(cluster + cluster / 2)?.and_then(|bytes| le_u16(bytes, 0)).map(u32::from);
                found.map(|pair| if cluster % 2 == 0 { pair & 0xfff } else { pair >> 4 })
            }
            Width::Fat16 => self.at(cluster * 2)?.and_then(|bytes| le_u16(bytes, 0)).map(u32::from),
            Width::Fat32 => self.at(cluster * 4)?.and_then(|bytes| le_u32(bytes, 0)).map(|next| next & 0x0fff_ffff),
        })
    }

    /// The bytes of the table from a place on: at least as many as an entry has, if they are there.
    fn at(&mut self, place: u64) -> fs::Result<Option<&[u8]>> {
        let start = place - place % WINDOW;
        if self.window.1.is_empty() || self.window.0 != start {
            self.window = (start, self.table.bytes_at(start, WINDOW as usize + 4)?);
        }
        Ok(self.window.1.get((place - start) as usize..))
    }

    /// The clusters of some ranges: `5+3, 10+1`.
    pub fn show(&self, ranges: &[(u64, u64)]) -> String {
        let (start, size) = self.data;
        let shown: Vec<String> = ranges
            .iter()
            .map(|(at, count)| format!("{}+{}", at.saturating_sub(start) / size + 2, count / size))
            .collect();
        shown.join(", ")
    }
}
