//! From a pin to verified bytes in the store.
//!
//! # What comes in
//! A [`Pin`]: a name for people, places in the order of preference, and the digest that the bytes must have. A pin
//! without a digest is a first use: what arrives is hashed and the caller decides whether to believe it (`lock`).
//!
//! # Places
//! `https://…` and `http://…` are taken as they are. `mirror://NAME/path` is resolved by [`Mirrors`]: bases that the user
//! gave for NAME, which may also be local directories; for `debian`, else the mirrors of the machine's own apt
//! configuration ([`AptConfig`]). No host name of any mirror is known to the program itself. `file:` is never followed
//! out of a lockfile or a redirect.
//!
//! # Rules of a download
//! - Several at a time, each pin once: pins of the same digest are one download, and other processes with the same
//!   wish wait for the lock of its partial file (`partial/<sha256>` in the store's folder) and then find the blob.
//! - A partial file is continued with a `Range` request, guarded by `If-Range` when the same server gave it; it survives
//!   every failure except a mismatch, after which it is gone.
//! - Timeouts, resets, short bodies and 5xx are tried again after a pause; every other refusal moves on to the next
//!   place. A server that goes silent or slower than the floor is left. All failures are in the error, by place.
//! - Redirects are followed here, ten at most, to http and https only, never from https down to http.
//! - No more than the pinned size is ever written; an announced length that differs is refused before the body.
//!   Content encodings are neither asked for nor taken.
//! - Bytes enter the store only by `put_expecting`, which hashes them: nothing above has to be right for that to hold.
//!
//! # Clock
//! Time is used for pauses, stalls and speed alone; no time reaches what is kept.
//!
//! # Package archives
//! [`debian`] reads a signed Debian archive, [`lock`] makes a lockfile from definitions.

mod apt;
mod attempt;
mod config;
pub mod debian;
mod error;
mod fetcher;
mod job;
pub mod lock;
mod mirrors;
mod pace;
mod partial;
mod progress;
mod queue;
#[cfg(test)]
pub(crate) mod tests;

pub use apt::AptConfig;
pub use config::{Config, Timing};
pub use error::{Error, Failure, Missing, Reason};
pub use fetcher::Fetcher;
pub use mirrors::{MirrorError, Mirrors, Place};
pub use partial::sweep_partials;
pub use progress::{Progress, Silent};

use crate::digest::Digest;
use crate::lockfile::{PackagePin, SourcePin};

/// Something to be had from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// For people: the source's or package's name.
    pub name: String,
    /// Where to look, in order: `https://…`, `http://…` or `mirror://NAME/path`.
    pub urls: Vec<String>,
    /// What the bytes must be; `None` on first use.
    pub digest: Option<Digest>,
}

impl Pin {
    /// The pin of a source in the lockfile.
    pub fn of_source(name: &str, source: &SourcePin) -> Self {
        Self { name: name.to_owned(), urls: source.urls.clone(), digest: Some(source.digest) }
    }

    /// The pin of a package in the lockfile; `base` is the archive's, such as `mirror://debian/`.
    pub fn of_package(base: &str, package: &PackagePin) -> Self {
        Self { name: package.name.clone(), urls: vec![join(base, &package.path)], digest: Some(package.digest) }
    }
}

/// `base` and `path` with one slash between them.
pub(crate) fn join(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}
