//! What is told of a root: a report, and a line for each entry.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;

use super::survey::Absent;
use crate::stage::Deliver;

/// A path that one layer hides of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Shadowed {
    /// The path.
    pub path: String,
    /// The layer that counts.
    pub by: String,
    /// Where its entry comes from.
    pub by_source: String,
    /// The layer that does not.
    pub hidden: String,
    /// Where its entry comes from.
    pub hidden_source: String,
}

/// A path that is there and not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Undelivered {
    /// The path.
    pub path: String,
    /// dir, file or link.
    #[serde(rename = "type")]
    pub kind: String,
    /// The layer that gives it.
    pub from: String,
    /// Where it comes from.
    pub source: String,
    /// Why it is not delivered.
    pub reason: String,
}

/// What a component takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComponentSize {
    /// The component, or another layer.
    pub name: String,
    /// Its paths.
    pub entries: usize,
    /// The bytes of its files.
    pub bytes: u64,
    /// What these may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
    /// Other components that something of it needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub needs: Vec<String>,
}

/// What of the image is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Closing {
    /// How many paths.
    pub needed: usize,
    /// What is needed, not there, and may be missing.
    pub absent: Vec<Absent>,
    /// What is delivered, and nothing needs; sorted.
    pub superfluous: Vec<Undelivered>,
}

/// What was composed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of this form.
    pub schema: u32,
    /// Digest of all that the image was made from: its stamp.
    pub inputs: String,
    /// Root of the Merkle tree over the lines of the manifest.
    pub merkle_root: String,
    /// What of the components gets into the image.
    pub deliver: Deliver,
    /// Its paths.
    pub entries: usize,
    /// The bytes of its files.
    pub bytes: u64,
    /// By layer, those with the most bytes first.
    pub components: Vec<ComponentSize>,
    /// Paths that were hidden, sorted.
    pub shadowed: Vec<Shadowed>,
    /// What of it is needed, if what has to run is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closure: Option<Closing>,
    /// Paths that are not delivered, sorted.
    pub undelivered: Vec<Undelivered>,
}

/// An entry of the root, as it was packed: a line of the pack log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogLine {
    /// The path.
    pub path: String,
    /// dir, file, link, char, block or fifo.
    #[serde(rename = "type")]
    pub kind: String,
    /// Four octal digits.
    pub mode: String,
    /// The owner, as the manifest names it.
    pub owner: String,
    /// The group, as the manifest names it.
    pub group: String,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where a link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// A device's MAJOR:MINOR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Capabilities of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<String>,
    /// The stage that made it.
    pub stage: String,
    /// Where it comes from, as the stage that composes sees it.
    pub source: String,
    /// The line of a manifest that decided.
    pub line: String,
    /// Why it is needed, if what has to run is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<String>,
}

/// JSON Schema of `report.json`.
pub fn report_schema() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Report>()
}

/// JSON Schema of a line of `pack-log.jsonl`.
pub fn log_schema() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<LogLine>()
}
