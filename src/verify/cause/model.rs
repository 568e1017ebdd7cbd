//! What is said of a place that differs.

use schemars::JsonSchema;
use serde::Serialize;

use super::chance::Count;
use super::class::Class;
use super::setting::Pin;
use crate::verify::Axis;

/// A place that differs, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explained {
    /// A file's path in the output; of a folder whose names differ its path with a slash at the end.
    pub place: String,
    /// Why, each cause once; those that are proved first.
    pub causes: Vec<Explanation>,
}

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explanation {
    /// Of which kind it is.
    pub class: Class,
    /// The kind in a sentence.
    pub sentence: String,
    /// What cures it.
    pub cure: String,
    /// Whether runs have shown it.
    pub proof: Proof,
    /// The axes that make the place differ, together; none where it differs by itself.
    pub axes: Vec<Axis>,
    /// What has to be held fast so that the place no longer differs.
    pub held: Vec<Pin>,
    /// The processes that it came through, the one that wrote the place first. None without a trace.
    pub chain: Vec<Step>,
}

/// How sure a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(tag = "proof", rename_all = "kebab-case")]
pub enum Proof {
    /// Runs with it differ, those without do not, and that is no luck.
    Proved {
        /// Runs in which it was at work.
        with: Count,
        /// Runs in which it was not.
        without: Count,
    },
    /// It is likely by what differs, and by what the processes did.
    Suspected {
        /// Runs in which it was at work.
        with: Count,
        /// Runs in which it was not.
        without: Count,
    },
}

impl Proof {
    /// Whether it is one.
    pub fn is_proved(self) -> bool {
        matches!(self, Self::Proved { .. })
    }

    /// Runs in which the cause was at work, and in which it was not.
    pub fn counts(self) -> (Count, Count) {
        match self {
            Self::Proved { with, without } | Self::Suspected { with, without } => (with, without),
        }
    }
}

/// A process on the way to a place that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// The file that it executed.
    pub program: String,
    /// Its command line; drawn parts of temporary names are `…`.
    pub arguments: Vec<String>,
    /// How it reached the step before.
    pub how: How,
    /// By which file or pipe.
    pub by: String,
    /// What it took that has to do with the cause and is otherwise each time: `clock`, `random`, `order`, `stat`, `kernel`, `processors`, `memory`,
    /// `process-ids`.
    pub took: Vec<String>,
    /// Whether another process wrote to the same at the same time.
    pub beside: bool,
}

/// See [`Step::how`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It wrote the place, or what the step before read.
    Wrote,
    /// The step before asked it, as a shell does with `$(…)`.
    Answered,
    /// It started the step before, with other arguments in each run.
    Started,
}
