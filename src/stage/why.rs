//! Why a stage is built again: two records compared, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::{ActionInputs, FolderEntry, Layer};
use crate::digest::Digest;

/// What a build of a stage saw, kept beside its result so that the next build can say what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of this format.
    pub schema: u32,
    /// The stage.
    pub stage: String,
    /// The action's digest.
    pub key: Digest,
    /// What the action was composed of.
    pub inputs: ActionInputs,
    /// The stage's folder, by path.
    pub files: BTreeMap<String, FolderEntry>,
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or not of this shape.
    #[error("read the record of an earlier build")]
    Json {
        /// Why.
        #[from]
        source: serde_json::Error,
    },
    /// Of another version.
    #[error("read the record of an earlier build: schema {found} is not known")]
    Schema {
        /// The version found.
        found: u32,
    },
}

impl RecordError {
    /// The cure.
    pub fn hint(&self) -> Option<String> {
        Some("records only explain; building the stage writes a new one".to_owned())
    }
}

impl Record {
    /// The version of the format that is written.
    pub const SCHEMA: u32 = 1;

    /// A record of this version.
    pub fn new(stage: &str, key: Digest, inputs: ActionInputs, files: BTreeMap<String, FolderEntry>) -> Self {
        Self { schema: Self::SCHEMA, stage: stage.to_owned(), key, inputs, files }
    }

    /// Its JSON, with a newline at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("the record has string keys only");
        text.push('\n');
        text
    }

    /// Reads what [`Record::to_json`] wrote.
    ///
    /// # Errors
    /// The text is no record, or one of another version.
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let found = serde_json::from_str::<Version>(text)?.schema;
        if found != Self::SCHEMA {
            return Err(RecordError::Schema { found });
        }
        Ok(serde_json::from_str(text)?)
    }
}

/// Something a stage can see, before and now; none on the side where it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Change {
    /// A file of the stage's folder.
    File {
        /// Its path.
        path: String,
        /// What it was.
        before: Option<FolderEntry>,
        /// What it is.
        now: Option<FolderEntry>,
    },
    /// A layer at `/` or `/target`, or a tree below `/in`.
    Layer {
        /// `tool`, `target` or `input`.
        role: &'static str,
        /// Its label.
        label: String,
        /// The tree that it was.
        before: Option<Digest>,
        /// The tree that it is.
        now: Option<Digest>,
    },
    /// The same layers in another order.
    Order {
        /// `tool` or `target`.
        role: &'static str,
        /// Labels before.
        before: Vec<String>,
        /// Labels now.
        now: Vec<String>,
    },
    /// A source.
    Source {
        /// Its name.
        name: String,
        /// The tree that it was.
        before: Option<Digest>,
        /// The tree that it is.
        now: Option<Digest>,
    },
    /// Whether a source can be written.
    Writable {
        /// The source.
        name: String,
        /// Whether it can be now.
        now: bool,
    },
    /// The rules for paths that two layers give.
    Wins,
    /// The program or its arguments.
    Command {
        /// What was run.
        before: Vec<String>,
        /// What is run.
        now: Vec<String>,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        name: String,
        /// Its value before.
        before: Option<String>,
        /// Its value now.
        now: Option<String>,
    },
    /// What the machine was asked for.
    Platform {
        /// Name of the property, such as `isolation`.
        name: String,
        /// Its value before.
        before: Option<String>,
        /// Its value now.
        now: Option<String>,
    },
    /// None of the above, and yet another key: the way actions are written has changed.
    Encoding,
}

/// Both sides of each name that differs.
fn differing<'a, V: PartialEq + Clone>(
    before: impl IntoIterator<Item = (&'a str, V)>,
    now: impl IntoIterator<Item = (&'a str, V)>,
) -> Vec<(String, Option<V>, Option<V>)> {
    let (before, now): (BTreeMap<_, _>, BTreeMap<_, _>) = (before.into_iter().collect(), now.into_iter().collect());
    let names: BTreeSet<&str> = before.keys().chain(now.keys()).copied().collect();
    let sides = names.into_iter().map(|name| (name, before.get(name), now.get(name)));
    let differ = sides.filter(|(_, before, now)| before != now);
    differ.map(|(name, before, now)| (name.to_owned(), before.cloned(), now.cloned())).collect()
}

fn layers(role: &'static str, before: &[Layer], now: &[Layer], ordered: bool, changes: &mut Vec<Change>) {
    let pairs = |layers: &[Layer]| -> Vec<(String, Digest)> {
        layers.iter().map(|layer| (layer.label.clone(), layer.tree)).collect()
    };
    let (old, new) = (pairs(before), pairs(now));
    let differ = differing(old.iter().map(|(l, t)| (l.as_str(), *t)), new.iter().map(|(l, t)| (l.as_str(), *t)));
    changes.extend(differ.into_iter().map(|(label, before, now)| Change::Layer { role, label, before, now }));
    let labels = |layers: &[Layer]| -> Vec<String> { layers.iter().map(|layer| layer.label.clone()).collect() };
    let (old, new) = (labels(before), labels(now));
    let common = |list: &[String], other: &[String]| -> Vec<String> {
        list.iter().filter(|label| other.contains(label)).cloned().collect()
    };
    if ordered && common(&old, &new) != common(&new, &old) {
        changes.push(Change::Order { role, before: old, now: new });
    }
}

/// What changed from `before` to `now`: the stage's own files first, then what it is given, then how it is run. Empty
/// if the keys are equal.
pub fn why(before: &Record, now: &Record) -> Vec<Change> {
    let mut changes = Vec::new();
    if before.key == now.key {
        return changes;
    }
    let (old, new) = (&before.inputs, &now.inputs);
    let entries = |record: &'_ Record| record.files.clone();
    let (files, more) = (entries(before), entries(now));
    let differ = differing(files.iter().map(|(p, e)| (p.as_str(), e)), more.iter().map(|(p, e)| (p.as_str(), e)));
    changes.extend(differ.into_iter().map(|(path, before, now)| Change::File {
        path,
        before: before.cloned(),
        now: now.cloned(),
    }));
    layers("tool", &old.tools, &new.tools, true, &mut changes);
    layers("target", &old.target, &new.target, true, &mut changes);
    layers("input", &old.inputs, &new.inputs, false, &mut changes);
    let trees = |inputs: &ActionInputs| -> Vec<(String, Digest)> {
        inputs.sources.iter().map(|source| (source.name.clone(), source.tree)).collect()
    };
    let (sources, more) = (trees(old), trees(new));
    let differ = differing(sources.iter().map(|(n, t)| (n.as_str(), *t)), more.iter().map(|(n, t)| (n.as_str(), *t)));
    changes.extend(differ.into_iter().map(|(name, before, now)| Change::Source { name, before, now }));
    for source in &new.sources {
        let was = old.sources.iter().find(|other| other.name == source.name);
        if was.is_some_and(|was| was.writable != source.writable) {
            changes.push(Change::Writable { name: source.name.clone(), now: source.writable });
        }
    }
    if old.wins != new.wins {
        changes.push(Change::Wins);
    }
    if old.argv != new.argv {
        changes.push(Change::Command { before: old.argv.clone(), now: new.argv.clone() });
    }
    let differ = differing(texts(&old.env), texts(&new.env));
    changes.extend(differ.into_iter().map(|(name, before, now)| Change::Environment { name, before, now }));
    let differ = differing(texts(&old.platform), texts(&new.platform));
    changes.extend(differ.into_iter().map(|(name, before, now)| Change::Platform { name, before, now }));
    if changes.is_empty() {
        changes.push(Change::Encoding);
    }
    changes
}

fn texts(map: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, String)> {
    map.iter().map(|(name, value)| (name.as_str(), value.clone()))
}

/// `a -> b`, `added: b`, `removed: a`.
fn sides<T>(f: &mut fmt::Formatter<'_>, before: Option<&T>, now: Option<&T>, show: fn(&T) -> String) -> fmt::Result {
    match (before, now) {
        (Some(before), Some(now)) => write!(f, " changed: {} -> {}", show(before), show(now)),
        (None, Some(now)) => write!(f, " added: {}", show(now)),
        (Some(before), None) => write!(f, " removed: {}", show(before)),
        (None, None) => Ok(()),
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tree = |digest: &Digest| format!("tree {}", digest.short());
        let quoted = |text: &String| format!("{text:?}");
        match self {
            Self::File { path, before, now } => {
                write!(f, "file `{path}` ")?;
                match (before, now) {
                    (None, _) => f.write_str("added"),
                    (_, None) => f.write_str("removed"),
                    (
                        Some(FolderEntry::File { mode: before, content: old }),
                        Some(FolderEntry::File { mode: now, content: new }),
                    ) if old == new => write!(f, "changed its mode: 0{before:o} -> 0{now:o}"),
                    _ => f.write_str("changed"),
                }
            }
            Self::Layer { role, label, before, now } => {
                write!(f, "{role} `{label}`")?;
                sides(f, before.as_ref(), now.as_ref(), tree)
            }
            Self::Order { role, before, now } => {
                write!(f, "order of {role} layers changed: {} -> {}", before.join(", "), now.join(", "))
            }
            Self::Source { name, before, now } => {
                write!(f, "source `{name}`")?;
                sides(f, before.as_ref(), now.as_ref(), tree)
            }
            Self::Writable { name, now } => {
                write!(f, "source `{name}` is {} writable", if *now { "now" } else { "no longer" })
            }
            Self::Wins => f.write_str("rules of `wins` changed"),
            Self::Command { before, now } => write!(f, "command changed: {} -> {}", before.join(" "), now.join(" ")),
            Self::Environment { name, before, now } => {
                write!(f, "environment `{name}`")?;
                sides(f, before.as_ref(), now.as_ref(), quoted)
            }
            Self::Platform { name, before, now } => {
                write!(f, "{name}")?;
                sides(f, before.as_ref(), now.as_ref(), quoted)
            }
            Self::Encoding => f.write_str("this version of repro writes actions in another way"),
        }
    }
}
