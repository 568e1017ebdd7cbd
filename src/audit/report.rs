//! The result of an audit.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;

use super::config::{Config, Exception, FILE};
use super::finding::{Evidence, Finding, Severity};
use super::listed::Listed;
use super::origin::Origin;
use super::rules;

/// Version of the format of reports.
pub const SCHEMA: u32 = 1;

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Counts {
    /// Findings of severity error.
    pub errors: u64,
    /// Findings of severity warning.
    pub warnings: u64,
    /// Findings of severity note.
    pub notes: u64,
    /// Findings that exceptions cover.
    pub allowed: u64,
    /// Files looked at, those in archives too.
    pub files: u64,
    /// Bytes looked at, after decompression.
    pub bytes: u64,
    /// ELF objects among them.
    pub objects: u64,
    /// Scripts among them.
    pub scripts: u64,
    /// Archives that were opened.
    pub archives: u64,
    /// Symbolic links.
    pub links: u64,
}

/// What an audit says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What was audited.
    pub subject: String,
    /// How many there are.
    pub counts: Counts,
    /// What is wrong: errors first, then by rule and object.
    pub findings: Vec<Finding>,
    /// Exceptions of the project that are for this subject, in the order of `audit.toml`, with what they cover.
    pub exceptions: Vec<Exception>,
    /// What a part of a system asks for and does not hold: libraries, loaders, interpreters.
    pub outside: Vec<String>,
    /// The stages that it was made by; absent for what is no output of a stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The files that were looked at: for pages, and no part of the JSON.
    #[serde(skip)]
    pub files: Vec<Listed>,
}

impl Report {
    /// Sorts findings and takes out what is allowed. `stage`: the stage that was audited.
    pub(super) fn new(
        subject: &str,
        stage: Option<&str>,
        config: &Config,
        found: Vec<Finding>,
        counts: Counts,
    ) -> Self {
        let mut findings = merge(found);
        let severities: BTreeMap<&str, Severity> = config.severity.iter().map(|(rule, is)| (rule.id, *is)).collect();
        for finding in &mut findings {
            finding.severity = severities.get(finding.rule.id).copied().unwrap_or(finding.severity);
        }
        let mut exceptions = Vec::new();
        for allow in config.allow.iter().filter(|allow| allow.stage.is_none() || allow.stage.as_deref() == stage) {
            let (covered, left) = findings.into_iter().partition(|finding| allow.covers(finding));
            findings = left;
            let covered: Vec<Finding> = covered;
            // One for all stages is needed by some of them.
            if covered.is_empty() && allow.stage.is_some() {
                let message = format!("{} for `{}` matches nothing", allow.rule.id, allow.path);
                let finding = Finding::new(&rules::EXCEPTION_UNUSED, FILE, message);
                findings.push(finding.because(Evidence::value("reason", &allow.reason)));
            }
            exceptions.push(Exception {
                rule: allow.rule.id.to_owned(),
                path: allow.path.clone(),
                stage: allow.stage.clone(),
                reason: allow.reason.clone(),
                findings: covered,
            });
        }
        findings.sort();
        let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count() as u64;
        let allowed = exceptions.iter().map(|exception| exception.findings.len() as u64).sum();
        let counts = Counts {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            notes: of(Severity::Note),
            allowed,
            ..counts
        };
        Self {
            schema: SCHEMA,
            subject: subject.to_owned(),
            counts,
            findings,
            exceptions,
            outside: Vec::new(),
            origin: None,
            files: Vec::new(),
        }
    }

    /// Whether nothing of severity error was found.
    pub fn is_clean(&self) -> bool {
        self.counts.errors == 0
    }
}

/// Sorts, and makes one finding of several that say the same of the same object.
fn merge(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort();
    found.dedup();
    found
}

/// JSON Schema of a report.
pub fn report_schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Report>()
}
