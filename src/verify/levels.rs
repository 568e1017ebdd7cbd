//! What a stage does when its level keeps it from its surroundings, beside what it does without.

use super::bench::Bench;
use super::cause::{Ran, Runs, Setting};
use super::rebuild::Error;
use super::report::{AtLevel, Verdict};
use crate::stage::Level;

/// The stage at each level that says something, the weakest first: `unprotected` is what was found without any.
///
/// At its own level it is held against its known tree. Where that is not enough, or it has none, it is told whether it leaves
/// one tree at the strongest.
pub(super) fn levels(bench: &mut Bench<'_>, own: Level, unprotected: Verdict) -> Result<Vec<AtLevel>, Error> {
    let mut levels = vec![AtLevel { level: Level::Isolated, verdict: unprotected }];
    if own > Level::Isolated {
        levels.push(AtLevel { level: own, verdict: at(bench, own, own)? });
    }
    let enough = levels.last().is_some_and(|last| last.verdict == Verdict::Identical);
    if !enough && own < Level::Strict {
        levels.push(AtLevel { level: Level::Strict, verdict: at(bench, Level::Strict, own)? });
    }
    Ok(levels)
}

/// Runs it at a level with all axes varied.
fn at(bench: &mut Bench<'_>, level: Level, own: Level) -> Result<Verdict, Error> {
    let axes = bench.rebuilder.axes.to_vec();
    let mut runs: Vec<Ran> = Vec::new();
    // Only at its own level it is known what it leaves as it was built.
    if level != own {
        runs.push(bench.run(&Setting { level: Some(level), ..Setting::default() })?);
    }
    for run in 0..bench.rebuilder.runs {
        runs.push(bench.run(&Setting { axes: axes.clone(), run, level: Some(level), ..Setting::default() })?);
    }
    let known = if level == own { Some(bench.known.output) } else { None };
    let mut outputs = runs.iter().filter_map(|ran| ran.left.as_ref()).map(|left| left.output);
    let first = known.or_else(|| outputs.next());
    Ok(if outputs.any(|output| Some(output) != first) {
        Verdict::Different
    } else if runs.iter().any(|ran| ran.left.is_none()) {
        Verdict::Failed
    } else {
        Verdict::Identical
    })
}
