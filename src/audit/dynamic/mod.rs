//! Rules about how something was made: what the traces of the stages behind it say.
//!
//! A product is walked back: its files to those that they were made of or are copies of, into the stages that left these,
//! and on. Each stage on the way is judged once, for the files of its output that reach the product *as data*. Stages that
//! only left programs are not: a compiler may be made with the seed's headers, what it compiles may not.
//!
//! - `leaks`: what came from `tools` into a file. There programs lie that run; what is compiled against and linked stands in
//!   `target`. A compiler that a stage made has headers, start files and a library of its own: these are followed into
//!   that stage.
//! - `loaded`: libraries that a linker needs itself, by DT_NEEDED of the program: a trace does not tell them from those that
//!   it links.
//! - `conduct`: what processes looked for, wrote, executed and loaded.
//! - `account`: inputs that nobody used, and files that nobody declared.

mod account;
mod conduct;
mod leaks;
mod loaded;
mod lookups;

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::finding::{Evidence, Finding, Kind};
use super::rules;
use crate::digest::Digest;
use crate::provenance::{Actor, Observed, Stages};
use crate::store::Store;

/// Pieces of evidence of one finding.
const KEPT: usize = 5;

/// The stages behind what is audited.
pub struct Behind<'a> {
    /// The stages, as they were built.
    pub stages: &'a Stages<'a>,
    /// The stage whose output is audited.
    pub stage: &'a str,
    /// The folder of that output that is audited; empty for all of it.
    pub part: &'a str,
}

/// A stage that is judged.
struct Case<'a, 'b> {
    store: &'b Store,
    stage: &'b mut Observed<'a>,
    name: &'b str,
    /// The folder that is audited, of the stage that is.
    part: Option<&'b str>,
}

impl Case<'_, '_> {
    /// The name of one of the stage's files: as it is called in what is audited, elsewhere with the stage.
    fn object(&self, path: &str) -> String {
        let own = self.part.and_then(|part| path.strip_prefix(part));
        own.map_or_else(|| about(self.name, path), |path| path.trim_start_matches('/').to_owned())
    }
}

/// The name of something of a stage.
fn about(stage: &str, what: &str) -> String {
    format!("{stage}:{what}")
}

/// The process and its command, as evidence.
fn acted(actor: &Actor) -> [Evidence; 2] {
    let place = format!("process {}", actor.number);
    let command: String = actor.arguments.join(" ").chars().take(400).collect();
    [
        Evidence { kind: Kind::Process, place: place.clone(), text: actor.program.clone() },
        Evidence { kind: Kind::Command, place: format!("in {}", actor.directory), text: command },
    ]
}

/// Adds what was read, while there is room.
fn read(finding: &mut Finding, place: impl Into<String>, text: impl Into<String>) {
    if finding.evidence.iter().filter(|evidence| evidence.kind == Kind::Read).count() < KEPT {
        finding.evidence.push(Evidence { kind: Kind::Read, place: place.into(), text: text.into() });
    } else {
        finding.more += 1;
    }
}

/// Judges how something was made.
pub(super) fn judge(behind: &Behind<'_>) -> Result<Vec<Finding>, Error> {
    let Behind { stages, stage: product, part } = behind;
    let rank = |name: &str| stages.order.iter().position(|stage| stage.name == name);
    let mut found = Vec::new();
    let mut wants: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    // What was used of the outputs of stages: the tree at a part of it.
    let mut trees: BTreeMap<usize, BTreeSet<(String, Digest)>> = BTreeMap::new();
    wants.extend(rank(product).map(|at| (at, BTreeSet::new())));
    while let Some((at, mut files)) = wants.pop_last() {
        let stage = stages.order[at];
        let untraced = |why: &str| {
            Finding::new(&rules::NOT_TRACED, about(&stage.name, ""), format!("stage `{}` {why}", stage.name))
        };
        let Some(built) = (stages.built)(stage) else {
            found.push(untraced("has not been built here"));
            continue;
        };
        let mut same = true;
        for (part, tree) in trees.remove(&at).unwrap_or_default() {
            same &= stages.store.subtree(built.output, &part)? == Some(tree);
        }
        if !same {
            found.push(untraced("has been built anew since its output was used"));
            continue;
        }
        let Some(mut observed) = Observed::open(stages.store, built)? else {
            found.push(untraced("has no trace"));
            continue;
        };
        let is_product = stage.name == *product;
        if is_product {
            files = observed.outputs(part)?;
        }
        let reached = observed.reached(&files)?;
        for one in &reached {
            let Some((from, path)) = &one.given.from else { continue };
            let Some(at) = rank(from) else { continue };
            wants.entry(at).or_default().insert(path.clone());
        }
        for (from, part, tree) in observed.stages() {
            let Some(at) = rank(&from).filter(|at| wants.contains_key(at)) else { continue };
            trees.entry(at).or_default().insert((part, tree));
        }
        let part = is_product.then_some(*part);
        let mut case = Case { store: stages.store, stage: &mut observed, name: &stage.name, part };
        found.extend(leaks::judge(&mut case, &reached)?);
        found.extend(lookups::judge(&mut case)?);
        found.extend(conduct::judge(&mut case)?);
        found.extend(account::judge(&mut case)?);
    }
    Ok(found)
}
