//! Images: a tree with owners, modes and devices becomes the bytes of an archive or of a file system.
//!
//! A [`Tree`] is what an image holds, complete: every inode with its type, mode, owner, time, extended attributes, and
//! where its bytes are. It is checked when it is made, so that a writer meets no name twice and no entry without a
//! folder. Each format has a writer of its own. A writer is a pure function of the tree, the bytes of the files and a few
//! options: no clock, no randomness, no environment, no root, no loop device, no program that it calls. Identifiers
//! that a format wants to be unique (UUIDs, serial numbers) are options too, and follow from what is inside
//! ([`Tree::identifier`]). How many threads compress does not show.
//!
//! Bytes of files are asked for by their digest ([`Contents`]); they are read once, in the order of the image.

pub mod boot;
mod calendar;
mod compress;
mod content;
pub mod cpio;
mod crc;
mod device;
pub mod disk;
pub mod erofs;
mod error;
pub mod ext;
pub mod fat;
pub mod iso;
mod linux;
mod little;
pub mod oci;
mod output;
mod recipe;
#[cfg(test)]
pub(crate) mod rich_tests;
pub mod squashfs;
pub mod tar;
#[cfg(test)]
mod tests;
mod tree;

pub use compress::{Compression, Compressor};
pub use error::{Error, Problem};
pub use output::{Output, Window};
pub use recipe::{Format, Recipe, VERSION};
pub use tree::{Attributes, Builder, Contents, Inode, Kind, Meta, Tree};
