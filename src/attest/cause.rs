//! Why two actions of one stage differ.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::statement::{Resource, Statement};
use crate::stage::{Record, why};

/// The first thing that two builds of a stage did not have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// A dependency by its name, such as `source:zlib`, or another input in words.
    pub what: String,
    /// What it was there: `hex/size`, or the action where only that differs; null when it was not there.
    pub theirs: Option<String>,
    /// What it is here.
    pub ours: Option<String>,
}

impl Cause {
    /// The first dependency in the order of this build's graph that is not the same there; what the stage itself is given
    /// comes after everything that this is made of.
    pub fn of(theirs: &Statement, ours: &Statement) -> Option<Self> {
        let mut there: BTreeMap<&str, Vec<&Resource>> = BTreeMap::new();
        for resource in &theirs.definition().resolved_dependencies {
            there.entry(&resource.name).or_default().push(resource);
        }
        let mut here = BTreeSet::new();
        for resource in &ours.definition().resolved_dependencies {
            here.insert(resource.name.as_str());
            let others = there.get(resource.name.as_str()).map_or(&[][..], Vec::as_slice);
            if !others.iter().any(|other| same(other, resource)) {
                return Some(Self::pair(others.first().copied(), resource));
            }
        }
        let more = theirs.definition().resolved_dependencies.iter().find(|other| !here.contains(other.name.as_str()));
        if let Some(more) = more {
            return Some(Self { what: more.name.clone(), theirs: Some(more.shown()), ours: None });
        }
        let record = |of: &Statement| {
            let inputs = of.definition().internal_parameters.inputs.clone();
            Record::new(of.stage(), of.action(), inputs, BTreeMap::new())
        };
        Self::of_records(&record(theirs), &record(ours))
    }

    /// The first change from the record of their build to ours.
    pub fn of_records(theirs: &Record, ours: &Record) -> Option<Self> {
        let change = why(theirs, ours).into_iter().next()?;
        Some(Self { what: change.to_string(), theirs: None, ours: None })
    }

    fn pair(theirs: Option<&Resource>, ours: &Resource) -> Self {
        let actions = theirs.filter(|theirs| theirs.sha256() == ours.sha256());
        let action = |of: &Resource| of.annotations.action.map(|action| action.to_string());
        let (theirs, own) = match actions {
            Some(theirs) => (action(theirs), action(ours)),
            None => (theirs.map(Resource::shown), Some(ours.shown())),
        };
        Self { what: ours.name.clone(), theirs, ours: own }
    }
}

fn same(a: &Resource, b: &Resource) -> bool {
    a.sha256() == b.sha256() && a.annotations.action == b.annotations.action
}
