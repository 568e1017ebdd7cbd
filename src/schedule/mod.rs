//! Order of work: which stage runs when, on how many cores, and what the world hears of it.
//!
//! Parts that know nothing of stages beyond their names:
//!
//! - [`queue`]: a ready queue over a graph. Worker threads take the node with the longest remaining chain first; a
//!   failure skips what depends on it, with the reason. The order depends only on the graph and its weights.
//! - [`jobserver`]: one budget of cores for everything that runs. Each running stage has its own make jobserver (a
//!   pipe pair), and a broker that owns the accounts moves tokens between them. A stage that lies about its tokens
//!   harms nobody but itself.
//! - [`CancelToken`]: a token that says "stop", to threads (a flag) and to `poll` (a descriptor) alike.
//! - [`events`]: what happens, as data. Progress display, JSON lines, logs and timelines are subscribers.
//!
//! Invariants: a node runs at most once and only after all that it needs succeeded; the sum of all tokens handed out
//! never passes the number of jobs and comes back to it whatever a stage did; nothing here prints or exits.

pub mod events;
pub mod jobserver;
pub mod queue;

pub use crate::sys::CancelToken;
pub use events::{Event, Fanout, Record, StageResult, Subscriber};
pub use jobserver::{Broker, Slot};
pub use queue::{Node, OnFailure, Outcome, Report, Work};
