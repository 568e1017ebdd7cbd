//! EROFS: a file system that is only read, and of which a kernel can use the bytes as they lie.
//!
//! Source: the kernel's `Documentation/filesystems/erofs.rst` and, for sizes and numbers, `fs/erofs/erofs_fs.h`;
//! little-endian.
//!
//! # Layout
//! Blocks of 4 KiB: one for the superblock, those of the inodes, those of extended attributes that inodes share, those of
//! directories and of links, those of files. All sizes are known before the first byte is written, and with them all places.
//!
//! An inode is followed by its extended attributes and, where that fits into its block, by the end of its data that fills no
//! block; what fills blocks lies elsewhere. Inodes come in the order of the tree, each in the fullest that has room among
//! the last few blocks. An inode is compact where that has room for it: owners and numbers of links below 65536, a
//! size below 4 GiB, and the time of the file system.
//!
//! An extended attribute that two inodes have is stored once. Files with equal digests share their blocks, and lie in whole
//! blocks altogether where ends of their own would take more.
//!
//! # Limits
//! Nothing is compressed: neither lz4 nor any of the later forms is written. Nor are holes: blocks of zeros take their room
//! in the image, though not in the file that it is written to, if that can have holes. 2^32 blocks. Extended attributes:
//! those of `user.`, `trusted.` and `security.`, and access control lists; 256 KiB for an inode. Times end in 2106.

mod folder;
mod inode;
mod layout;
mod room;
#[cfg(test)]
mod tests;
mod write;
mod xattr;

pub use write::{Options, write};

/// Bytes of a block.
const BLOCK: u64 = 4096;
