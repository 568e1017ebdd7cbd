//! A file with statements, checked by itself.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::bundle::{Aside, Bundle, Item};
use super::error::Error;
use super::trust::{Seal, Trust, signers};

/// Version of the answer's JSON form.
pub const CHECK_SCHEMA: u32 = 1;

/// What a file says, and who stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// [`CHECK_SCHEMA`].
    pub schema: u32,
    /// The file.
    pub file: String,
    /// Whether somebody trusted signed each statement.
    pub good: bool,
    /// The statements.
    pub statements: Vec<Checked>,
    /// What is no statement on a build by `repro`.
    pub aside: Vec<Aside>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checked {
    /// Where it stands.
    pub place: String,
    /// The stage.
    pub stage: String,
    /// Its target.
    pub target: String,
    /// What the builder calls itself.
    pub builder: String,
    /// When the build ended, if the builder says so.
    pub finished_on: Option<String>,
    /// The action: `hex/size`.
    pub action: String,
    /// The tree that it left.
    pub output: String,
    /// SHA-256 of the files at the top of it, by name.
    pub files: BTreeMap<String, String>,
    /// How many dependencies of each kind there are.
    pub dependencies: BTreeMap<String, usize>,
    /// What its signatures are worth.
    pub seals: Vec<Seal>,
    /// Whether somebody trusted signed it.
    pub good: bool,
}

impl Check {
    /// Checks all of a bundle. With `unsigned`, nobody has to have signed.
    ///
    /// # Errors
    /// A part of it is malformed.
    pub fn new(file: &str, bundle: Bundle, trust: &Trust, unsigned: bool) -> Result<Self, Error> {
        if let Some(Aside { place, reason, .. }) = bundle.aside.iter().find(|aside| !aside.foreign) {
            return Err(Error::Malformed { place: place.clone(), reason: reason.clone() });
        }
        let statements: Vec<Checked> = bundle.items.into_iter().map(|item| checked(item, trust, unsigned)).collect();
        let good = statements.iter().all(|statement| statement.good);
        Ok(Self { schema: CHECK_SCHEMA, file: file.to_owned(), good, statements, aside: bundle.aside })
    }
}

fn checked(item: Item, trust: &Trust, unsigned: bool) -> Checked {
    let seals = item.envelope.as_ref().map(|envelope| trust.judge(envelope)).unwrap_or_default();
    let good = unsigned || !signers(&seals).is_empty();
    let statement = item.statement;
    let output = statement.output();
    let mut dependencies = BTreeMap::new();
    for dependency in &statement.definition().resolved_dependencies {
        let (kind, name) = dependency.name.split_once(':').unwrap_or(("other", ""));
        // Parts of what a stage left are in what it left.
        if kind != "stage" || !name.contains('/') {
            *dependencies.entry(kind.to_owned()).or_default() += 1;
        }
    }
    let files = statement.subject.iter().filter(|subject| subject.name != output.name);
    let metadata = statement.predicate.run_details.metadata.as_ref();
    Checked {
        stage: statement.stage().to_owned(),
        target: statement.target().to_owned(),
        builder: statement.builder().to_owned(),
        finished_on: metadata.and_then(|metadata| metadata.finished_on.clone()),
        action: statement.action().to_string(),
        output: output.shown(),
        files: files.map(|file| (file.name.clone(), file.sha256().to_owned())).collect(),
        dependencies,
        place: item.place,
        seals,
        good,
    }
}

/// The JSON Schema of [`Check`].
pub fn check_schema() -> Schema {
    schema_for!(Check)
}
