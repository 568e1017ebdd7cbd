//! New files, before they are written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Value;

use super::error::Error;
use super::shelf;
use crate::fs::{self, Dir};
use crate::stage::{self, Graph, SourceDef};

/// Where sources are defined.
const SOURCES: &str = "stages/sources.toml";
/// Where exceptions of the audit stand.
const AUDIT: &str = "audit.toml";

/// What is to be written to a project.
#[derive(Debug, Default)]
pub struct Draft {
    /// New files by their paths.
    files: BTreeMap<String, String>,
    /// What is added to the end of files that may be there.
    added: BTreeMap<String, String>,
    /// What it has, as definitions refer to it.
    has: BTreeSet<String>,
}

impl Draft {
    /// The new files, sorted.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The files that something is added to, sorted.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.added.keys().map(String::as_str)
    }

    /// A new file.
    pub(super) fn file(&mut self, path: impl Into<String>, text: impl Into<String>) {
        let path = path.into();
        if let Some(name) = path.strip_prefix("stages/").and_then(|rest| rest.strip_suffix("/stage.toml")) {
            self.has.insert(format!("stage:{name}"));
        }
        self.files.insert(path, text.into());
    }

    /// A new source.
    pub(super) fn source(&mut self, source: &SourceDef) {
        self.has.insert(format!("source:{}", source.name));
        let text = format!("\n{}", source.to_toml());
        self.added.entry(SOURCES.to_owned()).or_default().push_str(&text);
    }

    /// Adds what the definition `text` of a stage refers to, and what that does, as far as the project has it not.
    ///
    /// # Errors
    /// Something is nowhere, or it cannot be told whether it is there.
    pub(super) fn closure(&mut self, stage: &str, text: &str, project: Option<&Graph>) -> Result<(), Error> {
        let mut open = references(text);
        while let Some(reference) = open.pop() {
            let (kind, name) = reference.split_once(':').unwrap_or_default();
            let is_there = match (project, kind) {
                (None, _) => false,
                // Not only in the graph: a stage may be left out of it by the parameters.
                (Some(graph), "stage") => fs::exists(&graph.root().join("stages").join(name).join("stage.toml"))?,
                (Some(graph), "sysroot") => graph.sysroots().contains_key(name),
                (Some(graph), "archive") => graph.archives().contains_key(name),
                (Some(graph), _) => graph.sources().contains_key(name),
            };
            if is_there || self.has.contains(&reference) {
                continue;
            }
            let missing = || Error::Missing { stage: stage.to_owned(), reference: reference.clone() };
            let files = match kind {
                "source" => {
                    self.source(&shelf::source(name).ok_or_else(missing)?);
                    continue;
                }
                "stage" => shelf::below(&format!("stages/{name}/")),
                "sysroot" => shelf::below(&format!("sysroots/{name}.toml")),
                _ => [shelf::below("sysroots/archives.toml"), shelf::below("sysroots/keys/")].concat(),
            };
            if files.is_empty() {
                return Err(missing());
            }
            let allowed = if kind == "stage" { shelf::allowed(name) } else { String::new() };
            if !allowed.is_empty() {
                self.added.entry(AUDIT.to_owned()).or_default().push_str(&allowed);
            }
            for (path, text) in files {
                if path.ends_with(".toml") {
                    open.extend(references(text));
                }
                self.file(path, text);
            }
            self.has.insert(reference);
        }
        Ok(())
    }

    /// Writes it to the project at `root`.
    ///
    /// # Errors
    /// Something is there already: nothing is written then. Or a file cannot be written.
    pub fn write(&self, root: &Path) -> Result<(), Error> {
        for path in self.files() {
            if fs::exists(&root.join(path))? {
                return Err(Error::There { path: path.to_owned() });
            }
        }
        for (path, text) in &self.files {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let folder = root.join(folder);
            fs::create_dir_all(&folder)?;
            let dir = Dir::open(folder)?;
            let file = dir.create(name, 0o644)?;
            dir.write_file(&file, name, text.as_bytes())?;
        }
        // Last: what refers to nothing is no mistake, and what is not defined is one.
        for (path, text) in &self.added {
            let path = root.join(path);
            let mut bytes = if fs::exists(&path)? { fs::read(&path)? } else { Vec::new() };
            if !bytes.is_empty() && !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            bytes.extend(text.as_bytes());
            fs::replace(&path, &bytes)?;
        }
        Ok(())
    }
}

/// What a definition refers to, as `stage:NAME`, `sysroot:NAME`, `archive:NAME` and `source:NAME`. Where parameters choose,
/// all of their choices.
pub(super) fn references(text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(Value::Table(sources)) = table.get("sources") {
        found.extend(sources.keys().map(|name| format!("source:{name}")));
    }
    if let Some(Value::String(name)) = table.get("archive") {
        found.push(format!("archive:{name}"));
    }
    if let Some(Value::Array(names)) = table.get("extends") {
        found.extend(names.iter().filter_map(Value::as_str).map(|name| format!("sysroot:{name}")));
    }
    table.values().for_each(|value| strings(value, &mut found));
    found
}

fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with("stage:") || text.starts_with("sysroot:") => {
            let name = text.split('/').next().unwrap_or_default();
            found.extend(choices(name));
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        Value::Table(table) => table.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}

/// The text with all values that the parameters in it can have.
fn choices(text: &str) -> Vec<String> {
    let parameter = text.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    let Some((before, (name, after))) = parameter else { return vec![text.to_owned()] };
    let values = stage::parameter_values(name).unwrap_or_default();
    values.iter().flat_map(|value| choices(&format!("{before}{value}{after}"))).collect()
}
