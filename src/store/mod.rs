//! The store: blobs, trees, results of actions and the references that keep them.
//!
//! # Layout
//!
//! ```text
//! format              "repro store 1"
//! lock, gate          flock(2): `lock` is held shared by each user and alone by gc; `gate` lets gc get its turn
//! reserve             8 MiB that gc gives back first, so that it works on a full disk
//! objects/ab/cdef…    a blob named by the SHA-256 of its bytes; `.x` the same bytes as an inode with mode 0755,
//!                     `.m0600` with another mode
//! actions/ab/cdef…    the result of the action with that digest
//! refs/NAME           a digest that gc keeps, with all that it leads to; NAME may hold `/`
//! notes/KIND/NAME     anything worth remembering and not worth missing
//! checkouts/HEX/      a tree laid out as hard links to the objects; HEX.record says how its inodes looked then
//! locks/numbers       one byte is locked for each action that is being executed, and each checkout that is being made
//! tmp/NAME, NAME.lock temporary folders and the locks of their owners
//! damaged/            what was found not to be what its name says
//! logs/               of stages that run or failed (module `build`)
//! partial/            downloads that are not complete (module `fetch`)
//! ```
//!
//! Trees are `Directory` messages of the Remote Execution API, stored as blobs.
//!
//! # Invariants
//!
//! * An object's name is the hash of its bytes. Bytes are hashed before they get the name, and again before they are
//!   used, unless the inode is known not to have changed since (size, time of change: `ctime` cannot be set). What
//!   is found damaged is moved to `damaged/` and counts as missing: the next run makes it anew.
//! * An object appears whole: it is written without a name (`O_TMPFILE`) and linked. It becomes durable with
//!   the next [`Store::flush`]; results and references are written only after that, so they name only what is
//!   durable. `session.rs` tells how objects that a power cut caught in between are found.
//! * All inodes of objects and checkouts have the times 1980-01-01: a tree looks the same whenever it is laid out, and
//!   any write shows.
//! * Nothing here needs a manual step: what is missing or garbled (all but objects and references) is made anew.
//!
//! # Concurrency
//!
//! Any number of processes use a store. Objects are immutable, so they need no locks. Garbage is collected only while
//! no one else has the store open. A lock ends with its holder. Within a process all methods may be called from any
//! thread.
//!
//! # Limits
//!
//! A store lies on one file system that has hard links. A million objects are 4,000 names in each of 256 folders; no
//! ordinary operation lists them.

mod absent;
mod actions;
mod builder;
mod checkout;
mod error;
mod fsck;
mod gc;
mod import;
mod known;
mod layout;
mod merge;
mod objects;
mod open;
mod record;
mod refs;
mod rules;
mod scratch;
mod session;
mod spread;
mod temporary;
#[cfg(test)]
mod tests;
mod usage;

pub use actions::ActionLock;
pub use builder::{Entry, TreeBuilder};
pub use checkout::Checkout;
pub use error::{Error, Offence};
pub use fsck::{Dangling, FsckReport, Progress};
pub use gc::{GcOptions, GcReport, Swept};
pub use merge::{Conflict, MergeError, merge};
pub use open::Store;
pub use rules::ImportRules;
pub use scratch::Scratch;
pub use usage::{Count, Usage};

use objects::Variant;
use open::{Guard, Inner};
use spread::spread;

/// A result of the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The times of all files that the store lays out: 1980-01-01 00:00 UTC, in seconds since 1970. Zip archives cannot
/// hold an earlier time.
pub const EPOCH: i64 = 315_532_800;
