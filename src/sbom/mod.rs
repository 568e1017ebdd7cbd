//! Statements about content: what a result holds, what it was made from, what had to be believed for it, how large it is.
//!
//! # One inventory, several views
//! [`Inventory`] is the graph below a stage as plain lists: upstream sources, packages of sysroots, the stages as build
//! steps. It comes from the definitions and pins, so nothing can be left out. [`spdx()`]
//! writes it as SPDX 2.3, [`cyclonedx()`] as CycloneDX 1.7, [`Seeds`] lists the part of it that nobody here compiled.
//! [`omnibor()`] writes which files each file was made from, as hashes.
//! [`Sizes`] says of how many bytes an output consists, and who gave them.
//!
//! # What is contained, and what only helped
//! A source is *held* by a product when a file of it reached a delivered file as data, through however many stages: the
//! traces say so ([`crate::provenance`]). The source of the assembler is not, though it built everything; that of the compiler
//! is, since its run-time library is linked into each program. Of a stage without a trace all that it declares besides its tools counts, which is more
//! and never less, and the statement names the stage as one that was not traced.
//!
//! The *packages* of sysroots are binaries that others compiled. Which of them a stage executed or read is counted by
//! looking up each path of its trace in the trees of the packages.
//!
//! # Equal content, equal bytes
//! Lists are sorted. The time is the SOURCE_DATE_EPOCH that the stage saw. Namespaces and serial numbers are UUIDs of
//! version 8 (RFC 9562) made of the SHA-256 of the statement itself: statements that differ have different names.
//!
//! # What is not claimed
//! Licences are those that `sources.toml` declares, when they are SPDX expressions, and nobody concluded anything from
//! them. What a package's own copyright file names is passed on as words of others: its names are not those of SPDX. A
//! place below `mirror://` is no URL: it is told as a comment or property.
//!
//! # Specifications
//! SPDX 2.3 and its annex on licence expressions; CycloneDX 1.7 (ECMA-424); Package URL; Debian's machine-readable
//! copyright files, version 1.0.

mod copyright;
mod cyclonedx;
mod error;
mod gather;
mod identifier;
mod inventory;
mod license;
mod omnibor;
mod packages;
mod purl;
mod reach;
mod seeds;
mod sizes;
mod spdx;
#[cfg(test)]
mod tests;
mod time;

pub use cyclonedx::cyclonedx;
pub use error::Error;
pub use gather::{Facts, delivered, gather};
pub use inventory::{Delivered, Inventory, Package, Role, Source, Step, Taken};
pub use omnibor::{Omnibor, omnibor};
pub use seeds::{Amount, SEEDS_SCHEMA, Seed, SeedArchive, SeedSysroot, Seeds, seeds_schema};
pub use sizes::{Bytes, Inside, Large, Output, SIZES_SCHEMA, Share, Sizes, sizes_schema};
pub use spdx::spdx;
