//! `audit.toml` in the project's folder: what is expected, and what is allowed for which reason.
//!
//! ```toml
//! schema = 1
//! machine = "x86_64"
//! compilers = ["GCC: (GNU) 12.2.0", "GNU AS 2.40"]
//! leaks = ["/srv/builder"]
//!
//! [[allow]]
//! rule = "mode-setuid"
//! path = "usr/bin/su"
//! reason = "it asks for a password"
//!
//! [[severity]]
//! rule = "symlink-absolute"
//! is = "error"
//! reason = "the tree is used as a sysroot"
//! ```

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;

use super::Error;
use super::elf::Machine;
use super::finding::{Finding, Severity};
use super::rules::{self, Rule};
use crate::digest::Digest;
use crate::fs;
use crate::stage::{Doc, Fields, Mistakes, did_you_mean};

/// Name of the file.
pub const FILE: &str = "audit.toml";

/// What a project expects and allows.
#[derive(Debug, Default)]
pub struct Config {
    /// The machine that everything has to be for.
    pub machine: Option<Machine>,
    /// Beginnings of what compilers may call themselves; empty: any.
    pub compilers: Vec<String>,
    /// More texts that must not be delivered.
    pub leaks: Vec<String>,
    /// Exceptions.
    pub allow: Vec<Allow>,
    /// Rules that are more or less severe here.
    pub severity: Vec<(&'static Rule, Severity)>,
    /// The text that all this was read from, if there is one.
    pub digest: Option<Digest>,
}

/// An exception.
#[derive(Debug)]
pub struct Allow {
    /// The rule that may be broken.
    pub rule: &'static Rule,
    /// A glob over objects.
    pub path: String,
    /// The stage that it is for; none: all, and what is no stage.
    pub stage: Option<String>,
    /// Why.
    pub reason: String,
    glob: GlobMatcher,
}

impl Allow {
    /// Whether the exception is for this finding.
    pub fn covers(&self, finding: &Finding) -> bool {
        self.rule == finding.rule && self.glob.is_match(&finding.object)
    }
}

impl Config {
    /// Reads a project's file; without one, everything is as the rules say.
    ///
    /// # Errors
    /// All that is wrong in it.
    pub fn load(project: &Path) -> Result<Self, Error> {
        let path = project.join(FILE);
        if !fs::exists(&path)? {
            return Ok(Self::default());
        }
        Ok(Self::parse(&fs::read_to_string(&path)?)?)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// All that is wrong in it.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        let doc = Doc::new(FILE, text);
        let mut config = Self { digest: Some(Digest::of(text.as_bytes())), ..Self::default() };
        if let Some(table) = doc.parse() {
            config.read(&Fields::new(&doc, &table, 0..0));
        }
        let mistakes = doc.finish();
        if mistakes.is_empty() { Ok(config) } else { Err(Mistakes::new(mistakes)) }
    }

    fn read(&mut self, fields: &Fields<'_, '_>) {
        fields.only(&["schema", "machine", "compilers", "leaks", "allow", "severity"]);
        fields.schema();
        if let Some(name) = fields.string("machine") {
            self.machine = Machine::from_name(&name.value);
            if self.machine.is_none() {
                let names: Vec<&str> = Machine::names().collect();
                let help = did_you_mean(&name.value, names.iter().copied())
                    .unwrap_or_else(|| format!("known are: {}", names.join(", ")));
                fields.doc.wrong(&name.span, format!("`{}` is no machine", name.value.escape_debug()), Some(help));
            }
        }
        self.compilers = fields.set("compilers").into_iter().map(|item| item.value).collect();
        for item in fields.set("leaks") {
            if item.value.len() < 4 {
                let help = "short texts stand everywhere by chance: give at least four bytes";
                fields.doc.wrong(&item.span, "a text to look for is too short", Some(help.to_owned()));
            }
            self.leaks.push(item.value);
        }
        self.allow = fields.tables("allow").iter().filter_map(allow).collect();
        self.severity = fields.tables("severity").iter().filter_map(severity).collect();
    }
}

fn rule(fields: &Fields<'_, '_>) -> Option<&'static Rule> {
    let name = fields.required("rule", "rule = \"leak-build-path\"")?;
    let found = rules::find(&name.value);
    if let Err(error) = &found {
        fields.doc.wrong(&name.span, format!("there is no rule `{}`", name.value.escape_debug()), error.hint());
    }
    found.ok()
}

fn allow(fields: &Fields<'_, '_>) -> Option<Allow> {
    fields.only(&["rule", "path", "stage", "reason"]);
    let (rule, path) = (rule(fields), fields.required("path", "path = \"usr/lib/**\""));
    let reason = fields.required("reason", "reason = \"why it has to be so\"");
    let stage = fields.string("stage").map(|stage| stage.value);
    let path = path?;
    let glob = GlobBuilder::new(&path.value).literal_separator(true).build();
    if let Err(error) = &glob {
        fields.doc.wrong(&path.span, format!("`path` is no glob: {}", error.kind()), None);
    }
    Some(Allow { rule: rule?, path: path.value, stage, reason: reason?.value, glob: glob.ok()?.compile_matcher() })
}

fn severity(fields: &Fields<'_, '_>) -> Option<(&'static Rule, Severity)> {
    fields.only(&["rule", "is", "reason"]);
    let (rule, is) = (rule(fields), fields.required("is", "is = \"warning\""));
    fields.required("reason", "reason = \"why it matters more here\"")?;
    let is = is?;
    let found = Severity::from_name(&is.value);
    if found.is_none() {
        let help = "a rule is of severity `error`, `warning` or `note`".to_owned();
        fields.doc.wrong(&is.span, format!("`{}` is no severity", is.value.escape_debug()), Some(help));
    }
    Some((rule?, found?))
}

/// An exception as reports show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exception {
    /// The rule.
    pub rule: String,
    /// The glob.
    pub path: String,
    /// The stage that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Why.
    pub reason: String,
    /// Findings that it covers.
    pub findings: Vec<Finding>,
}

/// The shape of `audit.toml`, for editors.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "audit.toml")]
#[expect(dead_code, reason = "the types are only looked at by schemars")]
struct ConfigFile {
    /// Version of this format.
    #[schemars(range(min = 1, max = 1))]
    schema: u64,
    /// The machine that everything has to be for; without it, the one that most objects are for.
    machine: Option<String>,
    /// Beginnings of what compilers may call themselves in .comment and debugging information.
    #[schemars(default)]
    compilers: Vec<String>,
    /// Texts that must not be delivered, besides the paths and names of whoever builds.
    #[schemars(default)]
    leaks: Vec<String>,
    /// Exceptions.
    #[schemars(default)]
    allow: Vec<AllowTable>,
    /// Rules that are more or less severe here.
    #[schemars(default)]
    severity: Vec<SeverityTable>,
}

/// An exception.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the types are only looked at by schemars")]
struct AllowTable {
    /// A rule of `repro audit --rules`.
    rule: String,
    /// A glob over objects; `**` matches any number of directories, `!` stands between an archive and what is in it.
    #[schemars(length(min = 1))]
    path: String,
    /// The stage that it is for. Default: all, and what is no stage.
    stage: Option<String>,
    /// Why.
    #[schemars(length(min = 1))]
    reason: String,
}

/// A rule that is more or less severe.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the types are only looked at by schemars")]
struct SeverityTable {
    /// A rule of `repro audit --rules`.
    rule: String,
    /// What it is here.
    is: Severity,
    /// Why.
    #[schemars(length(min = 1))]
    reason: String,
}

/// JSON Schema of `audit.toml`.
pub fn config_schema() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<ConfigFile>()
}
