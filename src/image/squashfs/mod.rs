//! squashfs 4.0: a compressed file system that is only read.
//!
//! Source: the kernel's `Documentation/filesystems/squashfs.rst` and, for sizes and numbers, `fs/squashfs/squashfs_fs.h`;
//! little-endian.
//!
//! # Layout
//! The superblock, the compressor's options if they are not its usual ones, the blocks of files and fragments, and then the
//! tables: inodes, directories, fragments, inodes by their numbers, owners, extended attributes. Zeros fill up 4 KiB.
//!
//! A file is whole blocks, which lie behind each other, and an end of less than a block, which shares a fragment with the
//! ends of other files. Blocks of zeros are not stored. Equal digests are stored once. A block, of data or of a table, is
//! compressed only where that makes it smaller.
//!
//! # What decides the bytes
//! The tree, in its order, and the options. An inode has the number of its place in the tree, from one on. The caller's
//! thread reads and writes; others compress, each block by itself and with a compressor that has seen no other, and what
//! they make is written in the order of the blocks. As many blocks as there are threads to take them, and a few more, are in
//! memory; of each file that is done there remain the sizes of its blocks, and of the tables what is compressed of them.
//!
//! # Limits
//! Owners: 65535 different ones, users and groups together. Extended attributes: those of `user.`, `trusted.` and
//! `security.`. Times end in 2106. Inodes and directories: 4 GiB each, compressed.

mod compress;
mod data;
mod folder;
mod inode;
mod owners;
mod pool;
mod table;
#[cfg(test)]
mod tests;
mod write;
mod xattr;

pub use compress::Compression;
pub use write::{Options, write};
