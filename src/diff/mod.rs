//! Two subjects, and everything in which they differ.
//!
//! A [`Comparison`] takes pairs: trees of the store, directories, files. What is equal costs as little as can be: equal digests
//! are not read, equal bytes are not parsed. What differs is opened: containers by their entries (`container`), ELF files by
//! sections, symbols and instructions, text by lines, the rest by ranges of bytes; to any depth that
//! [`Options::max_depth`] allows.
//!
//! # What is promised
//! - **Complete.** Two contents that differ are a [`Difference`] with at least one [`Fact`], whatever they are. A
//!   comparison by structure that finds nothing is followed by one by bytes, and what a format has no name for (padding, gaps)
//!   is compared as bytes.
//! - **Bounded.** What is held of a file has a limit, beyond which it is compared in pieces; unpacked containers lie in a
//!   [`Spool`](crate::container::Spool). What is shown of one place is bounded, and what is left out is counted.
//! - **Nothing is believed.** What cannot be read is a fact, [`Fact::Unreadable`], and is compared as bytes.
//! - **Reproducible.** The same two subjects give the same report, whatever threads do.

mod bytes;
mod compare;
mod elf;
mod entries;
mod filter;
mod folder;
mod folders;
mod lines;
mod mixed;
mod model;
mod oci;
mod report;
#[cfg(test)]
mod tests;
mod text;

pub use compare::{Comparison, Error, Options};
pub use model::{Difference, Fact, Hunk, Line, Moved, Range, Side};
pub use report::{Counts, Report, SCHEMA, report_schema};
