//! Running a program where it sees its declared inputs and nothing else.
mod cancel;
mod cgroup;
mod child;
mod compile;
pub mod doctor;
mod error;
mod fault;
pub mod filter;
pub mod oci;
mod plan;
mod run;
mod stage_plan;
mod terminal;
#[cfg(test)]
mod tests;

pub use cancel::CancelToken;
pub use doctor::{Feature, Status, isolation_id, probe, require};
pub use error::Error;
pub use plan::{Limits, Namespace, Plan, Resource, SCHEMA, Step};
pub use run::{Finished, Outcome, RunIo};
pub use stage_plan::{ID, StagePlan};
pub use terminal::Terminal;
