//! Rebuilding in other surroundings: does a stage leave the same tree, and if not, what made it differ?
//!
//! A stage is executed again without the cache, with the very inputs of its known result, in a sandbox that differs in
//! what the stage could notice of its machine and user: the [axes](Axis). All of them at once first; that one run answers
//! for all axes together when the tree is the same. Only when it is not, the run is repeated without any variation (does
//! it differ by itself?), and then the axes are halved until those that matter are found, alone or in combination.
//!
//! What such a run leaves is compared and never remembered as the action's result: a [`Variation`](crate::sandbox::Variation)
//! is no part of an action, and the cache is not asked.
//!
//! # What is promised
//! - The inputs are those of the known result, whatever became of the definitions since.
//! - Isolation is never weaker than in a build.
//! - A build that fails under an axis is told apart from one that differs.
//! - The report depends on what the runs left, and not on when they ended.
//!
//! Why something differs is found out by more runs and from what processes did: [`cause`].

mod axis;
mod bench;
pub mod cause;
mod levels;
mod rebuild;
mod report;

pub use axis::{Axis, UnknownAxis};
pub use rebuild::{Error, Known, Rebuilder};
pub use report::{
    AtLevel, AxisInfo, Cause, Compared, Outcome, Report, SCHEMA, StageReport, Trial, Verdict, compared_schema,
    report_schema,
};
