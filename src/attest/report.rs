//! What a comparison with others came to.

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::bundle::Aside;
use super::cause::Cause;
use super::trust::Seal;
use crate::diff::Difference;

/// Version of the report's JSON form.
pub const SCHEMA: u32 = 1;

/// A build held against references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The references, as they were named.
    pub against: Vec<String>,
    /// How many could be heard: trusted keys, and references that need no signature.
    pub heard: usize,
    /// How many of them have to agree; null when one is enough and none may disagree.
    pub needed: Option<usize>,
    /// Whether each stage is what is said of it.
    pub identical: bool,
    /// The stages, in the graph's order.
    pub stages: Vec<StageReport>,
    /// What says nothing of these stages.
    pub aside: Vec<Aside>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageReport {
    /// The stage.
    pub stage: String,
    /// Its target.
    pub target: String,
    /// The action that was built here: `hex/size`.
    pub action: String,
    /// The tree that it left here.
    pub output: String,
    /// What it comes to, in one word.
    pub verdict: Verdict,
    /// What is said of it, in the order of the references.
    pub opinions: Vec<Opinion>,
}

/// What a comparison of one stage came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As many as are needed state the same.
    Identical,
    /// Others state something else for the same action.
    Different,
    /// What others state is about other actions.
    OtherInputs,
    /// Too few state anything that counts.
    Unconfirmed,
}

/// What one reference says of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Opinion {
    /// Whose word it is: the name of a trusted key, or the reference itself; null for nobody's.
    pub who: Option<String>,
    /// Where it stands.
    pub place: String,
    /// What the builder calls itself.
    pub builder: Option<String>,
    /// What its signatures are worth.
    pub seals: Vec<Seal>,
    /// What it says.
    pub stand: Stand,
    /// Whether it is counted, for or against.
    pub counts: bool,
    /// Why it is not, where that is not plain.
    pub note: Option<String>,
}

/// What is said of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "stand", rename_all = "kebab-case")]
pub enum Stand {
    /// The same action left the same.
    Agrees,
    /// The same action left something else.
    Disagrees {
        /// The tree that it left there; null when it has no digest.
        output: Option<String>,
        /// The subjects of the statement that differ.
        subjects: Vec<String>,
        /// Everything that differs, where both trees are at hand; ours is on the left.
        difference: Option<Difference>,
    },
    /// It is about another action.
    OtherInputs {
        /// The first thing that differs; null when only the action is known.
        cause: Option<Cause>,
    },
    /// It says nothing.
    Silent,
}

impl StageReport {
    /// Counts the opinions: who says the same again or contradicts itself counts once, and then against.
    pub(super) fn judge(&mut self, needed: Option<usize>) {
        let mut against = BTreeSet::new();
        for opinion in &self.opinions {
            if let (Some(who), Stand::Disagrees { .. }) = (&opinion.who, &opinion.stand) {
                against.insert(who.clone());
            }
        }
        let mut seen = BTreeSet::new();
        for opinion in &mut self.opinions {
            let agrees = match opinion.stand {
                Stand::Agrees => true,
                Stand::Disagrees { .. } => false,
                Stand::OtherInputs { .. } | Stand::Silent => continue,
            };
            let Some(who) = &opinion.who else { continue };
            opinion.counts = if agrees && against.contains(who) {
                opinion.note = Some("contradicts itself".to_owned());
                false
            } else if seen.insert(who.clone()) {
                true
            } else {
                opinion.note = Some("the same builder again".to_owned());
                false
            };
        }
        let count =
            |which: fn(&Stand) -> bool| self.opinions.iter().filter(|one| one.counts && which(&one.stand)).count();
        let agree = count(|stand| matches!(stand, Stand::Agrees));
        let disagree = count(|stand| matches!(stand, Stand::Disagrees { .. }));
        let others = |one: &Opinion| one.who.is_some() && matches!(one.stand, Stand::OtherInputs { .. });
        self.verdict = match needed {
            Some(needed) if agree >= needed => Verdict::Identical,
            None if agree > 0 && disagree == 0 => Verdict::Identical,
            _ if disagree > 0 => Verdict::Different,
            _ if agree == 0 && self.opinions.iter().any(others) => Verdict::OtherInputs,
            _ => Verdict::Unconfirmed,
        };
    }
}

/// The JSON Schema of [`Report`].
pub fn report_schema() -> Schema {
    schema_for!(Report)
}
