//! What an audit says about one object.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::rules::Rule;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not work elsewhere, or tells what it must not: the audit's answer is no.
    Error,
    /// It is likely to be wrong.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// Worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }

    /// The severity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of thing a piece of evidence shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A value of the object: a tag, a header's field, a link's target.
    Value,
    /// Bytes of the object, as text.
    Bytes,
    /// Another object.
    Object,
    /// A process that made the object.
    Process,
    /// The command that such a process ran.
    Command,
    /// A file that such a process read or asked for.
    Read,
}

/// Why the audit says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Evidence {
    /// What it shows.
    pub kind: Kind,
    /// Where: a section, a tag, a line. Empty when there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What stands there.
    pub text: String,
}

impl Evidence {
    /// A value of the object.
    pub fn value(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: Kind::Value, place: place.into(), text: text.into() }
    }

    /// Another object.
    pub fn object(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: Kind::Object, place: place.into(), text: text.into() }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.text) } else { write!(f, "{}: {}", self.place, self.text) }
    }
}

/// One violation of one rule by one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Finding {
    /// How bad it is: the rule's severity, unless the project says otherwise.
    pub severity: Severity,
    /// The rule.
    #[serde(serialize_with = "id")]
    #[schemars(with = "String")]
    pub rule: &'static Rule,
    /// The path in what was audited; `!` stands between an archive and what lies in it.
    pub object: String,
    /// What is wrong, in one line.
    pub message: String,
    /// Why the audit says so: the first few pieces.
    pub evidence: Vec<Evidence>,
    /// So many more pieces of the same kind were seen.
    pub more: u64,
    /// What to do about it.
    pub cure: &'static str,
}

fn id<S: Serializer>(rule: &&'static Rule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.id)
}

impl Finding {
    /// A finding without evidence yet.
    pub fn new(rule: &'static Rule, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: rule.severity,
            rule,
            object: object.into(),
            message: message.into(),
            evidence: Vec::new(),
            more: 0,
            cure: rule.cure,
        }
    }

    /// With one more piece of evidence.
    #[must_use]
    pub fn because(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }
}
