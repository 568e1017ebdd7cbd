//! From one action to one result.
//!
//! An [`Executor`] takes a [`Job`] (an action with all that it sees resolved to digests) and gives a [`Done`]: the
//! digest of the tree that the stage left, and the digest of its log. [`Local`] runs it in the sandbox of this machine;
//! [`Cached`] is a decorator that asks the action cache first and makes sure that among all `repro` processes on one
//! store a given action runs once at a time.
//!
//! Only success is a result: a failed job is an error that carries the path of its log and, when it could be saved, the
//! tree that it left behind. Nothing of a failed job reaches the action cache.

mod cached;
mod error;
mod job;
mod local;
mod log;
mod pack;
mod root;
mod tracer;

pub use cached::{Cached, known};
pub use error::Error;
pub use job::{Done, Io, Job, Slot};
pub use local::{Local, Prepared};

/// Runs jobs.
pub trait Executor: Sync {
    /// Runs one job.
    ///
    /// # Errors
    /// The job failed, was stopped, or its inputs or outputs are not what they must be.
    fn execute(&self, job: &Job<'_>, io: &mut Io<'_>) -> Result<Done, Error>;
}
