//! Asks the action cache first; executes a given action once at a time among all processes on a store.

use std::time::Duration;

use super::Executor;
use super::error::Error;
use super::job::{Done, Io, Job};
use crate::digest::Digest;
use crate::digest::reapi::{ActionResult, ExecutedActionMetadata, OutputDirectory};
use crate::store::Store;

/// Path of the output in a result.
const OUT: &str = "out";

/// An executor whose results are remembered in the store.
pub struct Cached<'a, E> {
    inner: E,
    store: &'a Store,
}

impl<'a, E> Cached<'a, E> {
    /// Remembers what `inner` gives in `store`.
    pub fn new(inner: E, store: &'a Store) -> Self {
        Self { inner, store }
    }
}

/// The remembered result of an action, if there is one and all of it is there.
///
/// # Errors
/// The store fails.
pub fn known(store: &Store, key: Digest) -> Result<Option<Done>, Error> {
    Ok(store.action(key)?.as_ref().and_then(from_result))
}

impl<E: Executor> Executor for Cached<'_, E> {
    fn execute(&self, job: &Job<'_>, io: &mut Io<'_>) -> Result<Done, Error> {
        // What other surroundings give is not the action's result.
        if job.variation.is_some() {
            return self.inner.execute(job, io);
        }
        let will_do = |done: &Done| !job.fresh && (!job.needs_trace || done.trace.is_some());
        if !job.fresh
            && let Some(done) = known(self.store, job.key)?.filter(will_do)
        {
            return Ok(done);
        }
        // Whoever held the lock before may have built it: look again once it is ours.
        let _lock = self.store.lock_action(job.key)?;
        let before = match known(self.store, job.key)? {
            Some(done) if will_do(&done) => return Ok(done),
            Some(done) => done,
            None => {
                let done = self.inner.execute(job, io)?;
                for message in &job.messages {
                    self.store.put_bytes(message)?;
                }
                self.store.put_action_with_ref(job.key, &to_result(&done), job.reference)?;
                return Ok(done);
            }
        };
        let done = self.inner.execute(job, io)?;
        // A run that came to another tree must not replace what is known: the caller reports the difference.
        if done.trace.is_none() || done.output != before.output {
            return Ok(done);
        }
        let done = Done { log: before.log, ..done };
        self.store.put_action_with_ref(job.key, &to_result(&done), job.reference)?;
        Ok(done)
    }
}

fn to_result(done: &Done) -> ActionResult {
    let output = OutputDirectory { path: OUT.to_owned(), root_directory_digest: Some(done.output.into()) };
    ActionResult {
        output_directories: vec![output],
        exit_code: 0,
        stdout_digest: Some(done.log.into()),
        execution_metadata: done.trace.map(ExecutedActionMetadata::with_trace),
    }
}

/// The result that is meant; none if it is not one of ours, which counts as not cached.
fn from_result(result: &ActionResult) -> Option<Done> {
    let [output] = result.output_directories.as_slice() else { return None };
    if output.path != OUT || result.exit_code != 0 {
        return None;
    }
    let output = output.root_directory_digest.as_ref()?.get().ok()?;
    let log = result.stdout_digest.as_ref()?.get().ok()?;
    let trace = result.trace().ok()?;
    Some(Done { output, log, trace, build: None, cached: true, cpu: Duration::ZERO })
}
