//! What lies in a container, with every field that its format has: archives, compressed streams, images of disks and of
//! file systems.
//!
//! `format` unpacks: it refuses what a tree cannot hold and drops what it has no place for. Here nothing is dropped,
//! because two containers that unpack to the same tree can still differ: in the order of entries, in times, in padding. A
//! [`Listing`] accounts for all of a container's bytes: those of files are [`Data`], those that mean something are
//! [`Field`]s, and what remains is in [`Listing::rest`].
//!
//! Containers are hostile. Readers check every offset against the container's end, follow no cycle, and stop at
//! [`Spool`]'s limits; what is malformed is a [`Fault`] that says where and why, and nothing panics.

mod ar;
mod attribute;
mod block;
mod compressed;
mod cpio;
mod disk;
#[cfg(test)]
mod disk_tests;
mod erofs;
mod ext;
mod fat;
mod fault;
mod image;
#[cfg(test)]
mod image_tests;
mod iso;
mod kind;
mod listing;
mod raw;
mod spool;
mod squashfs;
mod subject;
mod tar;
mod usual;
mod zip;

pub use attribute::attribute;
pub use fault::Fault;
pub use kind::{Kind, detect};
pub use listing::{About, Data, Entry, Field, Listing, Rest, Unpack, Value, What};
pub use spool::Spool;
pub use subject::{OpenError, Subject};
