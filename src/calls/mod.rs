//! System calls as far as tracing is concerned: what they do to which paths, which of them are told of, and the form in
//! which they are.
//!
//! - `decode`: what a call with these arguments does.
//! - `shapes`: which calls are told of, and what of their arguments is read.
//! - `event`: what is told.
//! - `ways`: the ways in which a process can have to do with a path.

mod decode;
pub mod event;
pub mod shapes;
mod ways;

pub use decode::{Call, Place, Two, decode, open_follows};
pub use event::{Event, Kind};
pub use ways::{CallKind, Ways};
