//! Why something differs: the cause, told from evidence and proved by runs.
//!
//! A rebuild that leaves another tree is the beginning of an experiment:
//!
//! 1. **Does it differ by itself?** The stage runs again in the surroundings of its build. Places that are not alike in such
//!    runs are *restless*.
//! 2. **What is it that is otherwise each time?** One [source](Pin) is held fast (the clock, random numbers, the order of
//!    directories, …), and the stage runs again until it is no luck that the place stays alike, or it does not. Where no
//!    source alone is enough, all are held fast, and then all but one: those that are needed are the causes.
//! 3. **Which axes matter?** With what was found held fast, nothing differs by itself any more; the axes are halved until the
//!    smallest sets are found that make a place differ. Runs with and without are repeated until that is no luck.
//!
//! That is [`experiment()`]; it knows nothing of files, and a test gives it stages that are made of numbers. What it found is
//! then *named*:
//!
//! 4. **What differs?** For each cause there are two runs that differ by it alone. Their trees are compared (`diff`), and the
//!    differences of a file are its `marks`: fields, lines, bytes, and what these look like.
//! 5. **Who wrote it?** The trace of one of the runs is followed from the file back (`chain`): past files that are equal in
//!    both runs nothing is followed; a process whose command is not found in the other run leads to who started it. The
//!    chain ends with the process that took what differs.
//! 6. **What kind is it?** `classify` is a function of marks, source and chain. Kinds, with sentence and cure, are one table
//!    ([`Class`]).
//!
//! # What is promised
//! *Proved* is said when runs in which the cause is at work differ, and those in which it is not do not, so often that it is
//! no luck (`chance`), and of nothing else. What the kind says beyond the source (that a date is a `__DATE__`) follows from
//! the evidence that is shown with it. All else is *suspected*.
//!
//! # Limits
//! - Files that the stage removed before its end are not compared; what went through them may differ.
//! - What is in the environment, or passes from a shell's variable into a text, is not in a trace.
//! - Durations are not held fast: no clock that only measures is.

mod chain;
mod chance;
mod class;
mod classify;
#[cfg(test)]
mod classify_tests;
mod evidence;
mod experiment;
mod looks;
mod marks;
mod model;
mod place;
mod setting;
#[cfg(test)]
mod tests;

pub use chance::Count;
pub use class::Class;
pub use evidence::{Evidence, Side};
pub use experiment::{By, Experiment, FAILS, Found, experiment};
pub use model::{Explained, Explanation, How, Proof, Step};
pub use place::Departure;
pub(super) use place::departure;
pub use setting::{Left, Pin, Ran, Runs, Setting};
