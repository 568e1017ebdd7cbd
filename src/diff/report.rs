//! The answer of a comparison, for programs and for views.

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::model::Difference;

/// Version of the report's JSON form.
pub const SCHEMA: u32 = 1;

/// What a comparison of two subjects came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What was compared, as it was named.
    pub subjects: [String; 2],
    /// Whether nothing that was asked for differs.
    pub identical: bool,
    /// How many places differ.
    pub counts: Counts,
    /// What was not compared, and why.
    pub notes: Vec<String>,
    /// What differs; null when nothing does.
    pub difference: Option<Difference>,
}

/// How many places differ in themselves, and not only in what they hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Places where what is there differs.
    pub content: u64,
    /// Places where only how it is described or packed differs.
    pub metadata: u64,
}

impl Report {
    /// The report on a comparison.
    pub fn new(subjects: [String; 2], difference: Option<Difference>) -> Self {
        let mut counts = Counts::default();
        if let Some(difference) = &difference {
            counts.add(difference);
        }
        Self { schema: SCHEMA, subjects, identical: difference.is_none(), counts, notes: Vec::new(), difference }
    }

    /// The same, with what was not compared.
    #[must_use]
    pub fn noting(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }
}

impl Counts {
    fn add(&mut self, difference: &Difference) {
        if difference.facts.iter().any(|fact| !fact.is_metadata()) {
            self.content += 1;
        } else if !difference.facts.is_empty() {
            self.metadata += 1;
        }
        difference.inside.iter().for_each(|inside| self.add(inside));
    }
}

/// The JSON Schema of [`Report`].
pub fn report_schema() -> Schema {
    schema_for!(Report)
}
