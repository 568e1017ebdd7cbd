//! File operations whose errors name the path.
//!
//! The rest of `repro` touches files only through this module, so that no error says "permission denied" without
//! saying to what, and so that every operation that can fail or leave something half done can be made to fail in a
//! test.
//!
//! * [`Dir`] is an open directory with the path that it was opened by: operations go by descriptor (`openat(2)` and
//!   its family), so a renamed parent or a planted symbolic link changes nothing; the path is there for messages.
//!   [`Dir::open_beneath`] resolves whole paths with `openat2(2)` and never leaves the directory.
//! * [`replace`] and [`Dir::publish`] write a file so that a reader, or the machine after a power cut, sees the old
//!   content or the new one: temporary file, `fsync(2)`, `rename(2)`, `fsync(2)` of the parent.
//! * [`Lock`] is a `flock(2)` lock on a file, [`NumberLock`] one on a number: they go with the descriptor, hence with the
//!   process that holds it.
//! * [`Content`] is bytes at rest: a file, a part of one, memory; read where they are needed.
//! * Directories are listed in the order of their names ([`Dir::list`], [`walk`]).
//! * [`Clock`] is the only source of time, and a parameter wherever time matters.
//! * [`fault`] holds the fault points: each operation of this module passes one. They exist in tests and with the
//!   feature `fault-points` only.
//!
//! An operation that a signal interrupts (`EINTR`) is repeated. A write that takes only a part goes on with the rest.

mod clock;
mod content;
mod dir;
mod error;
pub mod fault;
mod file;
mod lock;
mod meta;
#[cfg(test)]
mod tests;
mod threads;
mod tree;

pub use clock::{Clock, FixedClock, SystemClock};
pub use content::{Content, Reader};
pub use dir::Dir;
pub use error::Error;
pub(crate) use file::read_rest;
pub use file::{create, create_dir_all, exists, open, read, read_to_string, remove_file, replace, write_all};
pub use lock::{Lock, NumberLock};
pub use meta::{Entry, Kind, Meta};
pub use threads::{parallel, workers};
pub use tree::{Walked, walk};

/// A result whose error names the path.
pub type Result<T, E = Error> = std::result::Result<T, E>;
