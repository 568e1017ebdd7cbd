//! From pinned packages to one root file system, and from source archives to trees.
//!
//! [`assemble()`] unpacks packages without running any script of theirs, merges them, and applies the definition's
//! fix-ups. [`source_tree`] unpacks one source archive. Both give the digest of a tree in the store, and both remember
//! it under the digest of all that went in, so that the second time costs one look-up.
//!
//! # A package becomes a tree
//! - The data member of a `.deb` is unpacked; the control member, with its scripts, is not run and not kept.
//! - `bin`, `sbin`, `lib`, `lib64`, `lib32` and `libx32` at the root are names for the directories of the same names below
//!   `usr`: what a package puts there, it puts below `usr`. The sysroot gets the links (`bin -> usr/bin`, …).
//! - Modes become 0644 or 0755, and setuid bits are dropped; times and owners are not kept. Devices are refused.
//!
//! # Packages become a sysroot
//! 1. *Merge.* One path with different contents in two packages is an error that names both, unless a `wins` rule
//!    decides. Equal contents and directories never conflict.
//! 2. *Links* for the merged `usr`.
//! 3. `remove`: globs in which `*` and `?` stay within one component and `**` spans any number of them. `X/**` removes
//!    the directory `X` too. Directories are removed with all that they hold.
//! 4. `dirs`, 5. `files`, 6. `links`: made where nothing is. What a package carries there has to be removed first.
//!
//! A rule that changes nothing is an error: it is misspelt, or its reason has gone.
//!
//! # What is remembered
//! Each package's and source's tree, and each sysroot, in the store's action cache. The keys are digests of short
//! texts that start with [`VERSION`]: change it whenever the same inputs would give another tree.
//!
//! Links in sysroots and sources are text: absolute ones and dangling ones are kept and never followed here.

mod assemble;
mod cache;
mod error;
mod globs;
mod package;
mod sink;
mod source;
#[cfg(test)]
mod tests;

pub use assemble::{Progress, assemble, known};
pub use error::Error;
pub use package::{known_package, package_tree, package_trees};
pub use source::{former_source, known_source, single_file, source_tree};

/// Stands in every key of what is remembered.
pub const VERSION: &str = "repro sysroot 1";
