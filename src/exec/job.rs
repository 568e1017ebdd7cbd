//! What is run, and what comes of it.

use std::path::Path;
use std::time::Duration;

use super::error::Error;
use crate::digest::Digest;
use crate::sandbox::{CancelToken, Variation};
use crate::stage::{ActionInputs, Limits};

/// An action in the form in which it is run.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// Name of the stage, for messages.
    pub stage: &'a str,
    /// The action's digest: the cache key.
    pub key: Digest,
    /// Everything that it sees.
    pub inputs: &'a ActionInputs,
    /// The encoded messages that describe the action, down to its key: stored with the result.
    pub messages: Vec<&'a [u8]>,
    /// Where it is stopped.
    pub limits: Limits,
    /// The entries that the output must have at its top, no more and no fewer; sorted.
    pub outputs: Option<&'a [String]>,
    /// Where the log is written while the job runs; it stays there when the job fails.
    pub log: &'a Path,
    /// Name of the reference that keeps its result.
    pub reference: &'a str,
    /// Whether to execute it even if its result is known. The two results are compared by the caller.
    pub fresh: bool,
    /// Whether its result needs a trace, and is executed once more if it has none.
    pub needs_trace: bool,
    /// Whether what lies in its working directory at the end is kept as well.
    pub keeps_build: bool,
    /// Other surroundings than it is promised, to see whether it notices. Its result is none of the action then, and may
    /// not be remembered.
    pub variation: Option<&'a Variation>,
}

/// What a job is connected to while it runs.
pub struct Io<'a> {
    /// Stops it.
    pub cancel: &'a CancelToken,
    /// Gives the right to use a core, when and only when something has to be executed; the two descriptors are the
    /// job's end of a make jobserver. What it returns is held until the job ended.
    pub slot: &'a dyn Fn() -> Result<Box<dyn Slot>, Error>,
    /// Told when execution really begins (not on a cache hit).
    pub started: &'a dyn Fn(),
    /// Hears each line of the log, without its end.
    pub line: &'a mut dyn FnMut(&str),
}

/// The right to use a core.
pub trait Slot {
    /// The reading and the writing end of the job's jobserver pipe.
    ///
    /// # Errors
    /// The process has no descriptor left.
    fn fds(&self) -> Result<[std::os::fd::OwnedFd; 2], Error>;
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Tree that was left in `/out`.
    pub output: Digest,
    /// What was written to standard output and standard error.
    pub log: Digest,
    /// What its processes did, a [`crate::trace::Trace`]; none if that was lost.
    pub trace: Option<Digest>,
    /// What lay in its working directory at the end; none if that was not asked for, or cannot be kept as a tree.
    pub build: Option<Digest>,
    /// Whether the action cache had it.
    pub cached: bool,
    /// CPU time of all its processes; zero on a cache hit.
    pub cpu: Duration,
}
