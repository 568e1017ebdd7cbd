//! Audits products, or finds what the last audit said of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::audit::{self, Behind, Config, Finding, Needles, Report, Severity, Surroundings};
use crate::build::{self, Built, Gate, Records};
use crate::container::Subject;
use crate::digest::Digest;
use crate::provenance::{self, Stages};
use crate::schedule::CancelToken;
use crate::schedule::events::{Audit, Broken};
use crate::stage::{Graph, Stage};
use crate::store::Store;

/// Kind of the notes in the store.
const KIND: &str = "audits";
/// Version of their format.
const SCHEMA: u32 = 1;
/// Broken rules that are told of.
const WORST: usize = 5;

/// The gate of one run.
pub struct Delivery<'a> {
    store: &'a Store,
    graph: &'a Graph,
    delivered: BTreeSet<&'a str>,
    records: Records<'a>,
    config: &'a Config,
    needles: Needles,
    standard: Digest,
    lenient: bool,
}

/// A verdict as it is kept.
#[derive(Serialize, Deserialize)]
struct Note {
    schema: u32,
    /// Everything that the verdict depends on.
    key: Digest,
    audit: Audit,
}

impl Gate for Delivery<'_> {
    fn look(&self, built: &Built, cancel: &CancelToken) -> Result<Option<Audit>, build::Error> {
        if !self.delivered.contains(built.stage.as_str()) {
            return Ok(None);
        }
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| build::Error::Audit {
            stage: built.stage.clone(),
            source,
        };
        let machine = self.graph.stage(&built.stage).and_then(|stage| audit::machine_of(stage, self.graph.params()));
        let key = self.key(built, machine.as_ref());
        let name = self.records.note(&built.stage, &built.target);
        let note = self.store.note(KIND, &name).map_err(|error| failed(error.into()))?;
        let known = note.and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok());
        let mut audit = match known.filter(|note| note.schema == SCHEMA && note.key == key) {
            Some(note) => note.audit,
            None => {
                let options = audit::Options {
                    name: &built.stage,
                    stage: Some(&built.stage),
                    machine,
                    config: self.config,
                    needles: &self.needles,
                    list: false,
                    cancel: Some(cancel),
                };
                let subject = Subject::Tree { store: self.store.clone(), digest: built.output };
                let report = self.audit(built, subject, &options).map_err(|error| failed(error.into()))?;
                let note = Note { schema: SCHEMA, key, audit: verdict(built, &report) };
                // A trace that is missing may come later, and with it a finding.
                if report.findings.iter().all(|finding| finding.rule.id != audit::rules::NOT_TRACED.id) {
                    let text = serde_json::to_vec(&note).expect("a verdict has string keys only");
                    self.store.put_note(KIND, &name, &text).map_err(|error| failed(error.into()))?;
                }
                note.audit
            }
        };
        audit.offered = audit.errors == 0 || self.lenient;
        Ok(Some(audit))
    }
}

impl<'a> Delivery<'a> {
    /// A gate for what `graph` delivers, with the project's exceptions, the names and paths of this machine, and what verdicts
    /// depend on besides ([`audit::standard`]). A lenient one offers products with errors all the same.
    pub fn new(
        store: &'a Store,
        graph: &'a Graph,
        config: &'a Config,
        around: &Surroundings,
        standard: Digest,
        lenient: bool,
    ) -> Self {
        let (delivered, records) = (graph.delivered(), Records::new(store, graph.root()));
        Self {
            store,
            graph,
            delivered,
            records,
            config,
            needles: Needles::new(around, &config.leaks),
            standard,
            lenient,
        }
    }

    /// Audits what a stage left, and how it and all behind it was made: all of them have a record by now.
    fn audit(&self, built: &Built, subject: Subject, options: &audit::Options<'_>) -> Result<Report, audit::Error> {
        let made = |stage: &Stage| {
            let stage = self.graph.stage(&stage.name)?;
            let last = self.records.load(&stage.name, &self.graph.target(stage))?;
            let (inputs, action, output) = (last.record.inputs, last.record.key, last.output?);
            Some(provenance::Built { stage, inputs, action, output, archives: Vec::new() })
        };
        let Ok(order) = self.graph.closure(&[&built.stage]) else { return audit::audit(subject, options) };
        let stages = Stages { store: self.store, order, built: &made };
        audit::audit_built(subject, options, &Behind { stages: &stages, stage: &built.stage, part: "" })
    }

    fn key(&self, built: &Built, machine: Option<&audit::Machine>) -> Digest {
        let config = self.config.digest;
        Digest::of(
            // The action names all that is behind the product, and so how it was made.
            format!(
                "{}\n{}\n{machine:?}\n{config:?}\n{}\n{}\n",
                built.output, built.stage, self.standard, built.action
            )
            .as_bytes(),
        )
    }
}

fn verdict(built: &Built, report: &Report) -> Audit {
    let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let mut rules: BTreeMap<&str, (&Finding, u64)> = BTreeMap::new();
    for finding in errors {
        rules.entry(finding.rule.id).or_insert((finding, 0)).1 += 1;
    }
    let broken = |(finding, findings): (&Finding, u64)| Broken {
        rule: finding.rule.id.to_owned(),
        findings,
        object: finding.object.clone(),
        message: finding.message.clone(),
        cure: finding.cure.to_owned(),
    };
    // The rules with the most findings first.
    let mut worst: Vec<Broken> = rules.into_values().map(broken).collect();
    worst.sort_by(|a, b| b.findings.cmp(&a.findings).then_with(|| a.rule.cmp(&b.rule)));
    worst.truncate(WORST);
    let counts = &report.counts;
    Audit {
        stage: built.stage.clone(),
        output: built.output,
        errors: counts.errors,
        warnings: counts.warnings,
        notes: counts.notes,
        allowed: counts.allowed,
        offered: true,
        worst,
    }
}
