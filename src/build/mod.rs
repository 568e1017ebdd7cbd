//! Brings stages up to date: the one place where definitions, pins, store and sandbox meet.
//!
//! For each stage, in the order of the graph and several at a time: what it asks for is resolved to digests
//! ([`resolve`]), these make the action, the action is looked up or executed ([`crate::exec`]), and what came of it is
//! compared with the lockfile ([`known`]) and remembered ([`record`]). A stage whose inputs turn out unchanged has the
//! same action as before, whatever happened further up: that is the early cut-off, and nothing else is needed for it.
//!
//! Nothing here prints; what happens is told as events ([`crate::schedule::events`]).

pub mod budget;
pub mod bundle;
mod engine;
mod error;
pub mod fresh;
mod gate;
pub mod known;
pub mod layout;
mod memo;
mod preview;
pub mod record;
pub mod resolve;
mod slot;

pub use engine::{Built, Engine, Options, Run};
pub use error::Error;
pub use gate::Gate;
pub use preview::Preview;
pub use record::{Last, Records};
pub use resolve::Resolver;
pub use slot::Core;
