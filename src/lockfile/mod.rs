//! `lockfile.json`: what every name in the definitions stood for when it was last resolved, and what came out of it.
//!
//! # Contents
//! - `archives`: for each package archive, the suite, the date of the signed index that was read and its digest;
//! - `sources`: for each source, its mirrors and the one digest that their bytes must have;
//! - `sysroots`: for each sysroot, the digest of the definition that was resolved and the packages found, by name;
//! - `outputs`: for each stage and target, the action and the tree that it is known to give. A target is the
//!   values of the stage's parameters joined by `-` (`x86_64-default`), or [`ANY_TARGET`] for a stage without any.
//!
//! # On disk
//! JSON, two spaces, keys sorted, one trailing newline, so that equal contents are equal bytes and a change shows as
//! the lines that it is about. It carries `schema`: a file of another version is refused with both numbers. Unknown and
//! repeated keys are refused too: a repeated key is what a careless merge leaves behind, and whichever entry won would
//! be wrong for somebody. The JSON Schema is `snapshots/lockfile.schema.json`, and a test keeps it in step.
//!
//! # Writing
//! [`Lockfile::save`] writes a temporary file beside the old one, flushes it, renames it over the old one and flushes
//! the directory: at any instant the name holds the whole old file or the whole new one.
//!
//! Nothing here resolves, downloads or hashes: that is `fetch`, one layer up.

mod diff;
mod error;
mod file;
mod model;
#[cfg(test)]
mod tests;
mod validate;

pub use diff::{Change, Changes, diff};
pub use error::{Error, Problem};
pub use file::json_schema;
pub use model::{ANY_TARGET, ArchivePin, KnownOutput, Lockfile, PackagePin, SCHEMA, SourcePin, SysrootPin};
