//! What rebuilding came to.

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::axis::Axis;
use super::cause::{Explained, Pin};
use crate::diff::{self, Difference};
use crate::stage::Level;

/// Version of the report's JSON form.
pub const SCHEMA: u32 = 2;

/// What rebuilding some stages came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What was varied.
    pub axes: Vec<AxisInfo>,
    /// How many runs each stage had with all axes varied.
    pub runs: u32,
    /// Whether all stages left the same trees in all runs.
    pub identical: bool,
    /// The stages, in the graph's order.
    pub stages: Vec<StageReport>,
}

/// An axis in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AxisInfo {
    /// The axis.
    pub axis: Axis,
    /// What it is in a build, and what instead.
    pub what: String,
}

/// What rebuilding one stage came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageReport {
    /// The stage.
    pub stage: String,
    /// Its action: digest of the message, `hex/size`.
    pub action: String,
    /// The known tree.
    pub output: String,
    /// The sentence in one word: what it does at its own level.
    pub verdict: Verdict,
    /// What it does at this and other levels, the weakest first. At the first, nothing keeps it from what is varied.
    pub levels: Vec<AtLevel>,
    /// What makes it differ or fail; each alone, or several together.
    pub causes: Vec<Cause>,
    /// All runs.
    pub trials: Vec<Trial>,
    /// Places that differ, each with its causes.
    pub differing: Vec<Explained>,
    /// What differs between the known tree and the first other one; null when none differs.
    pub difference: Option<Difference>,
}

/// What a stage does at a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AtLevel {
    /// The level.
    pub level: Level,
    /// What it does.
    pub verdict: Verdict,
}

/// What a stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It left the same tree in each run.
    Identical,
    /// It left other trees.
    Different,
    /// It failed in some runs, and left the same tree in the others.
    Failed,
}

/// Axes that matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// The axes that have to be varied together; none when it happens without any variation.
    pub axes: Vec<Axis>,
    /// What happens then.
    pub outcome: Outcome,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trial {
    /// The axes that were varied.
    pub axes: Vec<Axis>,
    /// The number of the run, which picks the values; from 0.
    pub run: u32,
    /// What was held fast.
    pub held: Vec<Pin>,
    /// The level that kept it from its surroundings, if one did.
    pub level: Option<Level>,
    /// What it came to.
    pub outcome: Outcome,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The known tree.
    Identical,
    /// Another tree.
    Different {
        /// Which.
        output: String,
    },
    /// The stage failed.
    Failed {
        /// How.
        reason: String,
        /// The last lines of its log.
        tail: Vec<String>,
    },
}

impl Report {
    /// The report on some stages.
    pub fn new(axes: &[Axis], runs: u32, stages: Vec<StageReport>) -> Self {
        let identical = stages.iter().all(|stage| stage.verdict == Verdict::Identical);
        let axes = axes.iter().map(|axis| AxisInfo { axis: *axis, what: axis.what().to_owned() }).collect();
        Self { schema: SCHEMA, axes, runs, identical, stages }
    }
}

/// What a comparison came to, with the likely causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Compared {
    /// [`diff::SCHEMA`].
    pub schema: u32,
    /// What was compared, as it was named.
    pub subjects: [String; 2],
    /// Whether nothing that was asked for differs.
    pub identical: bool,
    /// How many places differ.
    pub counts: diff::Counts,
    /// What could not be compared, as sentences.
    pub notes: Vec<String>,
    /// What differs; null when nothing does.
    pub difference: Option<Difference>,
    /// Where stages left what was compared: the places that differ, each with its likely causes.
    pub differing: Vec<Explained>,
}

impl Compared {
    /// A comparison with its causes.
    pub fn new(report: diff::Report, differing: Vec<Explained>) -> Self {
        let diff::Report { schema, subjects, identical, counts, notes, difference } = report;
        Self { schema, subjects, identical, counts, notes, difference, differing }
    }
}

/// The JSON Schema of [`Compared`].
pub fn compared_schema() -> Schema {
    schema_for!(Compared)
}

/// The JSON Schema of [`Report`].
pub fn report_schema() -> Schema {
    schema_for!(Report)
}
