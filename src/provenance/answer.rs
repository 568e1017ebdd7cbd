//! The answer, as plain data.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;

use super::class::Class;
use super::inputs::Role;
use super::what::What;
use crate::digest::Digest;

/// Version of the format of answers.
pub const SCHEMA: u32 = 1;

/// What went into a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Answer {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What was asked for.
    pub asked: String,
    /// The stage in whose output the file is.
    pub stage: String,
    /// Path in that output, links followed.
    pub path: String,
    /// The file.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// The links that were followed on the way to it.
    pub links: Vec<Link>,
    /// Stages that it went through, the last one first.
    pub stages: Vec<Made>,
    /// Stages that were not followed, since the question did not go so deep, with the files that came from them.
    pub beyond: Vec<Beyond>,
}

/// A symbolic link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Link {
    /// Its path.
    pub path: String,
    /// Where it points.
    pub target: String,
}

/// Files of a stage that was not followed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Beyond {
    /// The stage.
    pub stage: String,
    /// How many of its files were used.
    pub files: u64,
    /// Whether it was to be followed and has no trace.
    pub untraced: bool,
}

/// What a stage did for the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Made {
    /// The stage.
    pub stage: String,
    /// Its action.
    #[schemars(with = "String")]
    pub action: Digest,
    /// Its trace.
    #[schemars(with = "String")]
    pub trace: Digest,
    /// How many stages lie between it and the one that made the file that was asked for; that one has 1, and those
    /// before it that only copied the file, too.
    pub depth: u32,
    /// Files that it only copied.
    pub copies: Vec<Copied>,
    /// Files that it made.
    pub files: Vec<File>,
    /// The processes that made them, by their numbers. One whose `via` is none wrote one of the files.
    pub processes: Vec<Maker>,
    /// What they came from.
    pub inputs: Vec<Input>,
    /// The upstream archives of those of these that are of a source, as far as they are known to be the ones that are
    /// pinned now.
    pub archives: Vec<Archive>,
    /// What scripts and makefiles the stage wrote itself that decided about them.
    pub generated: Vec<String>,
    /// Paths that were read and that neither the stage wrote nor any input has.
    pub unknown: Vec<String>,
}

/// An upstream archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Archive {
    /// Name of the source.
    pub name: String,
    /// The upstream version.
    pub version: String,
    /// The archive's file name.
    pub file: String,
    /// The archive's bytes.
    #[schemars(with = "String")]
    pub digest: Digest,
}

/// A file of a stage's output.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct File {
    /// Path in the output.
    pub path: String,
    /// Its content.
    #[schemars(with = "String")]
    pub digest: Digest,
}

/// A file that is the same as one of the stage's inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Copied {
    /// Path in the output.
    pub path: String,
    /// What it is a copy of.
    pub of: Input,
    /// The processes that copied it, the last one first.
    pub by: Vec<Maker>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Maker {
    /// Its number in the trace.
    pub number: u32,
    /// The number of its parent.
    pub parent: Option<u32>,
    /// How it is part of the answer.
    pub class: Class,
    /// The process that read what it wrote; none if that was asked for.
    pub via: Option<u32>,
    /// The file that it executed; of a process that executed none, what its parent did.
    pub program: String,
    /// Its command line.
    pub arguments: Vec<String>,
    /// Whether there were more or longer arguments than a trace keeps.
    pub cut: bool,
    /// Its working directory when the program began.
    pub directory: String,
    /// What it wrote of the answer.
    pub wrote: Vec<String>,
}

/// A file that the stage was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Input {
    /// How it reached the output.
    pub class: Class,
    /// What it is.
    pub what: What,
    /// What the input is for.
    pub role: Role,
    /// The input, as `stage.toml` names it; `source:NAME`, `stage` for the stage's own folder.
    pub input: String,
    /// Path in that input.
    pub place: String,
    /// Path in the sandbox.
    pub path: String,
    /// Its content.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// How many processes read or executed it on the way.
    pub readers: u32,
    /// The number of one of them.
    pub reader: u32,
    /// Where the name was looked for besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// How a name was found that exists in several folders of a search path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Search {
    /// Folders in which it was looked for before, in vain.
    pub absent: Vec<String>,
    /// Files of that name that were not taken.
    pub lost: Vec<Lost>,
}

/// A file that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lost {
    /// Path in the sandbox.
    pub path: String,
    /// What its input is for.
    pub role: Role,
    /// The input.
    pub input: String,
    /// Its content.
    #[schemars(with = "String")]
    pub digest: Digest,
}

/// JSON Schema of an answer.
pub fn answer_schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Answer>()
}
