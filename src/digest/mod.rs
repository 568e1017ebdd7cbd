//! Content identity: the digest of bytes, and the canonical encoding of everything that is named by its digest.
//!
//! A [`Digest`] is the SHA-256 of some bytes together with their length, as in the Remote Execution API
//! (`build.bazel.remote.execution.v2.Digest`). Trees, actions and results are that API's own messages
//! ([`reapi`]), written canonically: fields in the order of their numbers, defaults left out, entries sorted by
//! name, no unknown fields. Equal things therefore have equal bytes, and equal bytes have equal digests.
//!
//! Nothing here touches a file: readers and writers are handed in.

mod hash;
mod merkle;
pub mod reapi;
#[cfg(test)]
mod tests;

pub use hash::{Digest, HashReader, HashWriter, ParseDigestError};
pub use merkle::merkle_root;
pub use reapi::{Canonical, DecodeError};
