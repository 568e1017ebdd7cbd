//! The words of `stage.toml` and `sources.toml` as Rust types.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::level::Level;
use super::root::RootDef;
use crate::image::Recipe;

/// One node of the build graph: what `stages/<name>/stage.toml` says, with parameters already substituted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// Name of the folder below `stages/`.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// Parameters that the stage depends on, sorted.
    pub params: Vec<String>,
    /// Trees merged at `/`, the order as written.
    pub tools: Vec<InputRef>,
    /// Trees merged at `/target`, the order as written.
    pub target: Vec<InputRef>,
    /// Trees at `/in/<name>`, sorted by that name.
    pub inputs: Vec<InputRef>,
    /// The script, relative to the stage's folder.
    pub script: String,
    /// The program that runs the script, with its options.
    pub shell: Vec<String>,
    /// When given: the entries that the top of `/out` must have, no more and no fewer; sorted.
    pub outputs: Option<Vec<String>>,
    /// A test: nothing may depend on it.
    pub test: bool,
    /// Built only when it is named, or when another stage needs it.
    pub on_demand: bool,
    /// Sources by their name in `stages/sources.toml`.
    pub sources: BTreeMap<String, SourceUse>,
    /// Environment on top of the fixed one.
    pub env: BTreeMap<String, String>,
    /// Which input wins where two give one path different contents; the first rule that matches counts.
    pub wins: Vec<Win>,
    /// What holds still while it runs.
    pub level: Level,
    /// Images by the names of their files: `repro` itself writes them, and no script runs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, Recipe>,
    /// The root file system that `repro` itself composes; no script runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<RootDef>,
    /// Where the stage is stopped. Never part of the key.
    pub limits: Limits,
}

/// How a stage takes a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceUse {
    /// Whether `/src/<name>` can be written (into scratch space).
    pub writable: bool,
    /// An archive inside the archive, which is unpacked instead.
    pub inner: Option<String>,
    /// Whether the archive is unpacked at all; if not, the blob itself is at `/src/<name>/<file name>`.
    pub unpack: bool,
}

/// A tree that a stage asks for: `sysroot:NAME`, `stage:NAME` or `stage:NAME/sub/tree`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputRef {
    /// A sysroot by its name.
    Sysroot(String),
    /// The output tree of another stage, or a directory in it.
    Stage {
        /// The other stage.
        name: String,
        /// Path of the directory in its output, without a leading slash; empty for the whole tree.
        path: String,
    },
}

impl InputRef {
    /// The name after the colon, without the path: where `inputs` puts the tree below `/in`.
    pub fn name(&self) -> &str {
        match self {
            Self::Sysroot(name) | Self::Stage { name, .. } => name,
        }
    }

    /// The stage it refers to, if it is one.
    pub fn stage(&self) -> Option<&str> {
        match self {
            Self::Stage { name, .. } => Some(name),
            Self::Sysroot(_) => None,
        }
    }
}

impl fmt::Display for InputRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sysroot(name) => write!(f, "sysroot:{name}"),
            Self::Stage { name, path } if path.is_empty() => write!(f, "stage:{name}"),
            Self::Stage { name, path } => write!(f, "stage:{name}/{path}"),
        }
    }
}

impl Serialize for InputRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A rule for one path that two inputs give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Win {
    /// Glob over paths in the merged tree, without a leading slash.
    pub path: String,
    /// The input that wins; one of the stage's `tools` or `target`.
    pub input: InputRef,
}

/// Where a stage is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Wall clock.
    pub time: Duration,
    /// How long it may write nothing to its log.
    pub silence: Duration,
    /// Processes and threads at one time.
    pub processes: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of scratch space: `/build`, `/tmp`, `/out` and what is written over read-only trees.
    pub scratch: u64,
    /// Files and directories in the scratch space.
    pub inodes: u64,
    /// Bytes of all files that it leaves, if there is a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            time: Duration::from_secs(60 * 60),
            silence: Duration::from_secs(15 * 60),
            processes: 4096,
            memory: 8 * GIB,
            scratch: 8 * GIB,
            inodes: 2_000_000,
            size: None,
        }
    }
}

/// One table of `stages/sources.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceDef {
    /// The table's name.
    pub name: String,
    /// The upstream version.
    pub version: String,
    /// SPDX expression.
    pub license: String,
    /// Places of the same bytes, tried in turn: `mirror://NAME/path`, `https://…` or `http://…`.
    pub urls: Vec<String>,
}

impl SourceDef {
    /// The table of `stages/sources.toml` that says this.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let urls: Vec<String> = self.urls.iter().map(|url| quoted(url)).collect();
        format!(
            "[{}]\nversion = {}\nlicense = {}\nurls = [{}]\n",
            super::toml_key(&self.name),
            quoted(&self.version),
            quoted(&self.license),
            urls.join(", ")
        )
    }

    /// The last part of the first url: the archive's file name.
    pub fn file_name(&self) -> &str {
        let first = self.urls.first().map_or("", String::as_str);
        let path = first.split(['?', '#']).next().unwrap_or(first);
        path.rsplit('/').next().unwrap_or(path)
    }
}
