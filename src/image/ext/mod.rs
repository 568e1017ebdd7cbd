//! ext4.
//!
//! Sources: the kernel's documentation of the layout (`Documentation/filesystems/ext4`), little-endian throughout.
//!
//! # Layout
//! Blocks are given out from the first to the last, and written in that order: the journal, then for each inode of the walk
//! its attributes, its data and its extent tree. Superblock and descriptors stand in the first two groups and in those
//! whose number is a power of 3, 5 or 7. Bitmaps and inodes of all groups follow the data (`flex_bg`): only there is it known
//! how many groups there are, since blocks of zeros in files take no room, and files are read only once. The root is inode
//! 2, `lost+found` is 11 (made unless the tree has one), the others are numbered from 12 in the order of the tree.
//!
//! Features: `dir_index` (half-MD4, unsigned), `ext_attr`, `extent`, `filetype`, `64bit`, `flex_bg`, `sparse_super`,
//! `large_file`, `huge_file`, `dir_nlink`, `extra_isize`, `metadata_csum`; `has_journal` if wanted. The descriptors cannot
//! grow (`resize_inode` is absent): the file system is to be made as large as it shall be.
//!
//! # Limits
//! 1 PiB; files of 2^32 blocks less one; an inode's attributes in what an inode of 256 bytes leaves and one block; 65000 hard links;
//! folders of two levels of index; major numbers below 2^12, minor ones below 2^20; a link's target has to fit in a block.
//! Memory: 256 bytes for each inode, 24 for each run of blocks of the file at hand, and one folder's blocks.

mod extents;
mod folder;
mod hash;
mod inode;
mod space;
mod superblock;
#[cfg(test)]
mod tests;
mod writer;
mod xattr;

use super::error::Error;
use super::output::Output;
use super::tree::{Contents, Tree};

/// How the file system is made. The default is the smallest that holds the tree, in blocks of 4 KiB, without a journal.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of the image; what is over whole blocks stays zero. None: as few as hold the tree and what is to be spare,
    /// rounded up to 1 MiB.
    pub size: Option<u64>,
    /// Bytes of a block: 1024, 2048 or 4096.
    pub block: u32,
    /// Bytes that are to be left free when `size` is none; rounding leaves more.
    pub spare_bytes: u64,
    /// Inodes that are to be left free; rounding leaves more.
    pub spare_inodes: u32,
    /// Whether there is a journal, empty. Its size follows from the size of the file system, and is 1024 to 65536 blocks.
    pub journal: bool,
    /// Identifies the file system. None: follows from the tree.
    pub uuid: Option<[u8; 16]>,
    /// Seed of the hashes of names in folders. None: follows from the tree.
    pub hash_seed: Option<[u8; 16]>,
    /// Volume name: at most 16 bytes.
    pub label: Vec<u8>,
    /// When the file system was made and checked, and the times of `lost+found` and the journal: seconds since 1970.
    pub time: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size: None,
            block: 4096,
            spare_bytes: 0,
            spare_inodes: 0,
            journal: false,
            uuid: None,
            hash_seed: None,
            label: Vec::new(),
            time: 0,
        }
    }
}

/// Writes a tree as an ext4 file system.
///
/// # Errors
/// The tree has what ext4 cannot express; a file is not as stated or cannot be read; it does not fit; an option is not
/// possible; the output cannot be written.
pub fn write<W: Output>(tree: &Tree, contents: &dyn Contents, options: &Options, out: &mut W) -> Result<(), Error> {
    writer::Writer::new(tree, options, out)?.write(contents)
}
