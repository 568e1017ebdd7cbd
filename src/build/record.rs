//! What the last build of each stage was, for `why`, `log`, `shell` and for estimates of time.
//!
//! One JSON note of the store for each project, stage and target. Records only explain: no result depends on them, each
//! can be deleted at any time, and one that cannot be read counts as missing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::stage;
use crate::store::{self, Store};

/// Version of the record format.
pub const SCHEMA: u32 = 1;

/// Kind of the notes in the store.
const KIND: &str = "builds";

/// The last build of a stage that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Last {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What the stage saw.
    pub record: stage::Record,
    /// What came of it: its output tree; none if it failed.
    pub output: Option<Digest>,
    /// Its log, as a blob; none if it failed (the log is a file then, see [`Records::log`]).
    pub log: Option<Digest>,
    /// What a failed build left in `/build` and `/out`.
    pub left: Option<Digest>,
    /// Wall-clock seconds of the last execution.
    pub seconds: f64,
}

/// The records of one project in one store.
pub struct Records<'a> {
    store: &'a Store,
    project: String,
}

impl<'a> Records<'a> {
    /// The records of the project in `root`, an absolute path.
    pub fn new(store: &'a Store, root: &Path) -> Self {
        Self { store, project: Digest::of(root.as_os_str().as_encoded_bytes()).short() }
    }

    /// Name of a stage's root for the garbage collector.
    pub fn reference(&self, stage: &str, target: &str) -> String {
        format!("builds/{}/{stage}@{target}", self.project)
    }

    /// Name of the root that keeps what a failed build left.
    pub fn failed(&self, stage: &str, target: &str) -> String {
        format!("failed/{}/{stage}@{target}", self.project)
    }

    /// Where the log of a stage is written while it runs, and stays when it fails.
    pub fn log(&self, stage: &str, target: &str) -> PathBuf {
        self.store.root().join("logs").join(format!("{}-{stage}@{target}.log", self.project))
    }

    /// Name of notes on a stage in this project.
    pub fn note(&self, stage: &str, target: &str) -> String {
        format!("{}-{stage}@{target}", self.project)
    }

    /// The record of a stage's last build, if there is a readable one.
    pub fn load(&self, stage: &str, target: &str) -> Option<Last> {
        let bytes = self.store.note(KIND, &self.note(stage, target)).ok()??;
        serde_json::from_slice(&bytes).ok().filter(|last: &Last| last.schema == SCHEMA)
    }

    /// Replaces the record.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, stage: &str, target: &str, last: &Last) -> Result<(), store::Error> {
        let mut text = Vec::with_capacity(4096);
        serde_json::to_writer(&mut text, last).expect("a record has string keys only");
        self.store.put_note(KIND, &self.note(stage, target), &text)
    }
}
