//! FAT12, FAT16 and FAT32, with long names.
//!
//! Source: Microsoft's "FAT: General Overview of On-Disk Format", version 1.03, little-endian.
//!
//! # Layout
//! Sectors of 512 bytes, two tables. Clusters are given out from the first on, in the order of the tree, so that nothing is
//! in pieces. FAT32 has its root in cluster 2, and copies of its first sectors at sector 6. Where a size is asked for, all
//! of it is the volume; the size of clusters and the width of the table follow from it unless they are asked for, too.
//!
//! # Names
//! A name that is upper case and 8.3 has one record. Any other name has a long one as well, with all letters as they are: the
//! bits by which some systems tell that a short name is lower case are not known to all. A short name is the long one in
//! upper case where that is 8.3, or else its beginning with `~1`, `~2`, … in the order of the names.
//!
//! # Limits
//! FAT has no owners and no modes: they are left out without a word, as all who write FAT do. What else it cannot express is
//! an error: links of both kinds, devices, attributes, names with `"*/:<>?\|` or control characters, names that end in a dot
//! or a space, or that are not UTF-8, and names that differ in upper and lower case only. Files have less than 4 GiB, folders
//! 65535 records. Times are UTC, even seconds since 1980 (the time of creation keeps odd seconds); earlier ones become the
//! first of January 1980.

mod geometry;
mod name;
mod record;
#[cfg(test)]
mod tests;
mod writer;

use super::error::Error;
use super::output::Output;
use super::tree::{Contents, Tree};

/// Bits of an entry of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// 12 bits: up to 4068 clusters.
    Fat12,
    /// 16 bits: 4101 to 65508 clusters.
    Fat16,
    /// 32 bits, of which 28 count: 65541 clusters and more.
    Fat32,
}

/// How the file system is made. The default is the smallest that holds the tree.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Bytes of the image, in whole sectors. None: as few as hold the tree and what is to be spare, rounded up to 1 MiB.
    pub size: Option<u64>,
    /// Bytes that are to be left free when `size` is none; rounding leaves more.
    pub spare_bytes: u64,
    /// The width of the table. None: FAT12 below 16 MiB, FAT16 below 512 MiB, FAT32 from there on.
    pub width: Option<Width>,
    /// Bytes of a cluster: a power of two from 512 to 32768. None: the fewest that the size and the width allow; with FAT32
    /// 4096 and more from 260 MiB on.
    pub cluster: Option<u32>,
    /// Volume label: at most 11 characters that a short name may have, or spaces. Empty for none.
    pub label: String,
    /// Serial number of the volume. None: follows from the tree.
    pub serial: Option<u32>,
    /// Sectors before the volume: where its partition begins, which boot code wants to know.
    pub hidden_sectors: u32,
    /// Time of the label: seconds since 1970.
    pub time: u32,
}

/// Writes a tree as a FAT file system. Gives the byte at which each inode's content begins, by the inodes' numbers, for what
/// reads it without knowing FAT; all of a content lies in one piece. 0 where there is none.
///
/// # Errors
/// The tree has what FAT cannot express; a file is not as stated or cannot be read; it does not fit; an option is not
/// possible; the output cannot be written.
pub fn write<W: Output>(
    tree: &Tree,
    contents: &dyn Contents,
    options: &Options,
    out: &mut W,
) -> Result<Vec<u64>, Error> {
    writer::write(tree, contents, options, out)
}
