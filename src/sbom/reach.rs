//! What the traces say: what reached a product as data, and what stages used of their sysroots.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use crate::provenance::{Built, Observed, Stages};
use crate::stage::{InputRef, Stage};
use crate::store::Store;
use crate::trace::Ways;

/// Paths in sysroots, by the sysroot.
pub(super) type Places = BTreeMap<String, BTreeSet<String>>;

/// What reached the products as data.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Stages that left something of it.
    pub(super) stages: BTreeSet<String>,
    pub(super) sources: BTreeSet<String>,
    /// Files of sysroots.
    pub(super) packages: Places,
    /// Sysroots of which it is not known which file.
    pub(super) sysroots: BTreeSet<String>,
    /// Stages on the way without a trace.
    pub(super) untraced: BTreeSet<String>,
}

/// What is wanted of a stage's output: folders with all that is in them, and files.
#[derive(Default)]
struct Wanted {
    parts: BTreeSet<String>,
    files: BTreeSet<String>,
}

/// Walks back from all that the products left.
pub(super) fn held(stages: &Stages<'_>, products: &[&str]) -> Result<Held, Error> {
    let rank = |name: &str| stages.order.iter().position(|stage| stage.name == name);
    let mut held = Held::default();
    let mut wants: BTreeMap<usize, Wanted> = BTreeMap::new();
    for at in products.iter().filter_map(|name| rank(name)) {
        wants.entry(at).or_default().parts.insert(String::new());
    }
    // Whoever takes something comes after it in the order: nothing is added to a stage that was looked at.
    while let Some((at, wanted)) = wants.pop_last() {
        let stage = stages.order[at];
        held.stages.insert(stage.name.clone());
        let observed = match (stages.built)(stage) {
            Some(built) => Observed::open(stages.store, built)?,
            None => None,
        };
        let Some(mut observed) = observed else {
            for (from, part) in declared(stage, &mut held) {
                let Some(at) = rank(from) else { continue };
                wants.entry(at).or_default().parts.insert(part.to_owned());
            }
            continue;
        };
        let mut files = wanted.files;
        for part in &wanted.parts {
            files.extend(observed.outputs(part)?);
        }
        for one in observed.reached(&files)? {
            let given = one.given;
            if let Some((from, path)) = given.from {
                let Some(at) = rank(&from) else { continue };
                wants.entry(at).or_default().files.insert(path);
            } else if let Some(name) = given.input.strip_prefix("source:") {
                held.sources.insert(name.to_owned());
            } else if let Some(name) = given.input.strip_prefix("sysroot:") {
                held.packages.entry(name.to_owned()).or_default().insert(given.place);
            }
        }
    }
    Ok(held)
}

/// Of a stage without a trace all counts that it declares besides its tools. Gives what it takes of other stages.
fn declared<'a>(stage: &'a Stage, held: &mut Held) -> Vec<(&'a str, &'a str)> {
    held.untraced.insert(stage.name.clone());
    held.sources.extend(stage.sources.keys().cloned());
    let mut takes = Vec::new();
    for input in stage.target.iter().chain(&stage.inputs) {
        match input {
            InputRef::Sysroot(name) => drop(held.sysroots.insert(name.clone())),
            InputRef::Stage { name, path } => takes.push((name.as_str(), path.as_str())),
        }
    }
    takes
}

/// Files of sysroots that a stage's processes executed or read; nothing without a trace.
pub(super) fn used(store: &Store, built: Built<'_>) -> Result<Option<Places>, Error> {
    let Some(mut observed) = Observed::open(store, built)? else { return Ok(None) };
    let ways = Ways::READ.and(Ways::EXECUTED).and(Ways::LOADER);
    let mut used = Places::new();
    for (path, way) in observed.paths() {
        if !way.any(ways) {
            continue;
        }
        let text = observed.text(path);
        let Some((_, given)) = observed.resolved(&text)? else { continue };
        if let (Some(name), Some(_)) = (given.input.strip_prefix("sysroot:"), given.digest) {
            used.entry(name.to_owned()).or_default().insert(given.place);
        }
    }
    Ok(Some(used))
}
