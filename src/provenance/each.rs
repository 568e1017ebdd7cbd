//! All files of an output, each by itself, with all that is behind them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::answer::Made;
use super::error::Error;
use super::explain::{Explainer, Stages};
use super::inputs::Item;

/// What was not followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Stages without a trace.
    pub untraced: BTreeSet<String>,
    /// Stages that were built anew, or are no longer known, since others took what they left.
    pub changed: BTreeSet<String>,
    /// Stages of which files are left, since no more was wanted.
    pub cut: BTreeSet<String>,
}

/// Says what went into each file of a stage's output below `part` (empty: all of it), and into each file of the stages
/// that these came from, through all of them. Each file is told once, by itself: as [`explain`](super::explain()) tells it
/// with a depth of one. Those of a stage come together, after those of all stages that took any of them; a trace is read
/// once. `take` says whether more is wanted.
///
/// # Errors
/// The stage was not built, or the store fails.
pub fn explain_each(
    stages: &Stages<'_>,
    stage: &str,
    part: &str,
    take: &mut dyn FnMut(Made) -> bool,
) -> Result<Left, Error> {
    let mut this = Explainer::new(stages, u32::MAX);
    this.changed = Some(BTreeSet::new());
    let missing = || Error::NotBuilt { stage: stage.to_owned() };
    let at = this.rank(stage).ok_or_else(missing)?;
    let built = this.built(stage)?.ok_or_else(missing)?;
    let mut files = BTreeSet::new();
    match this.trees.item(built.output, part)? {
        Some(Item::Directory(tree)) => this.trees.files(tree, part, &mut files)?,
        Some(Item::File(_)) => drop(files.insert(part.to_owned())),
        _ => {}
    }
    this.wants.insert(at, files.into_iter().map(|path| (path, 1)).collect());
    let mut left = Left::default();
    while let Some((at, files)) = this.wants.pop_last() {
        let stage = stages.order[at];
        if !left.cut.is_empty() {
            left.cut.insert(stage.name.clone());
            continue;
        }
        let Some(mut opened) = this.open(stage)? else {
            left.untraced.insert(stage.name.clone());
            continue;
        };
        for (path, depth) in files {
            if !take(this.made(&mut opened, &BTreeMap::from([(path, depth)]))?) {
                left.cut.insert(stage.name.clone());
                break;
            }
        }
    }
    left.changed = this.changed.unwrap_or_default();
    Ok(left)
}
