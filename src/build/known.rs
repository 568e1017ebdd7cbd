//! A build compared with the outputs that the lockfile knows.
//!
//! The lockfile states, for each stage and target, the action and the tree that this revision is known to give. With
//! the same action, another tree means that the build is not reproducible, here or there: that is an error. With another
//! action the definition has changed since, and the statement says nothing; `repro lock --check` tells of that.

use crate::digest::Digest;
use crate::lockfile::{KnownOutput, Lockfile};

/// What the lockfile says of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The very tree that is known for this action.
    Same,
    /// Another tree than the one known for this very action.
    Differs {
        /// The known tree.
        expected: Digest,
    },
    /// The lockfile knows this stage by another action: its definition or something below it has changed.
    Stale,
    /// The lockfile does not know this stage.
    Unknown,
}

/// Compares a result with what the lockfile knows.
pub fn verdict(lockfile: &Lockfile, stage: &str, target: &str, action: Digest, output: Digest) -> Verdict {
    match lockfile.outputs.get(stage).and_then(|targets| targets.get(target)) {
        None => Verdict::Unknown,
        Some(KnownOutput { action: known, .. }) if *known != action => Verdict::Stale,
        Some(KnownOutput { tree, .. }) if *tree == output => Verdict::Same,
        Some(KnownOutput { tree, .. }) => Verdict::Differs { expected: *tree },
    }
}
