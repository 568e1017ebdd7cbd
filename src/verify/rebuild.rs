//! Runs stages again, and finds which axes matter.

use std::sync::OnceLock;

use super::axis::Axis;
use super::bench::{Bench, side};
use super::cause::{By, Evidence, Experiment, Side, experiment};
use super::levels::levels;
use super::report::{Cause, Outcome, StageReport, Trial, Verdict};
use crate::diff;
use crate::digest::Digest;
use crate::exec::{self, Local};
use crate::schedule::events::{Event, Subscriber};
use crate::schedule::queue::{self, Node, OnFailure, Work};
use crate::schedule::{Broker, CancelToken, jobserver};
use crate::stage::{ActionInputs, Stage};
use crate::store::{self, Store};

/// A stage whose result is known.
pub struct Known<'a> {
    /// The stage.
    pub stage: &'a Stage,
    /// Everything that it saw.
    pub inputs: ActionInputs,
    /// Its action.
    pub action: Digest,
    /// The tree that it left.
    pub output: Digest,
    /// Where the log of a run is written.
    pub log: std::path::PathBuf,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A run could not be made, which is not the stage's fault.
    #[error(transparent)]
    Exec(#[from] exec::Error),
    /// Stages could not be run side by side.
    #[error(transparent)]
    Queue(#[from] queue::Error),
    /// No tokens for make.
    #[error(transparent)]
    Jobserver(#[from] jobserver::Error),
    /// Trees could not be compared.
    #[error(transparent)]
    Diff(#[from] diff::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exec(error) => error.hint(),
            Self::Queue(error) => error.hint(),
            Self::Jobserver(error) => error.hint(),
            Self::Diff(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }
}

/// Rebuilds stages in other surroundings.
pub struct Rebuilder<'a> {
    /// Where their inputs are.
    pub store: &'a Store,
    /// What is varied.
    pub axes: &'a [Axis],
    /// How many runs each stage has with all of it varied.
    pub runs: u32,
    /// Cores to use.
    pub jobs: usize,
    /// Hears how it goes.
    pub events: &'a dyn Subscriber,
    /// Stops it.
    pub cancel: &'a CancelToken,
}

impl Rebuilder<'_> {
    /// Rebuilds all of `stages`, several at a time.
    ///
    /// # Errors
    /// A run could not be made. That a stage fails or differs is part of its report.
    pub fn run(&self, stages: &[Known<'_>]) -> Result<Vec<StageReport>, Error> {
        let nodes: Vec<Node> =
            stages.iter().map(|known| Node { name: known.stage.name.clone(), needs: Vec::new(), weight: 1 }).collect();
        let names = stages.iter().map(|known| known.stage.name.clone()).collect();
        self.events.event(&Event::Planned { stages: names });
        let running = Running {
            rebuilder: self,
            stages,
            local: Local::new(self.store),
            broker: Broker::new(self.jobs)?,
            reports: stages.iter().map(|_| OnceLock::new()).collect(),
        };
        let report = queue::run(&nodes, self.jobs.max(1), &running, OnFailure::FinishRunning, self.cancel)?;
        for outcome in report.outcomes {
            if let queue::Outcome::Failed(error) = outcome {
                return Err(error);
            }
        }
        Ok(running.reports.into_iter().filter_map(OnceLock::into_inner).collect())
    }
}

struct Running<'a> {
    rebuilder: &'a Rebuilder<'a>,
    stages: &'a [Known<'a>],
    local: Local<'a>,
    broker: Broker,
    reports: Vec<OnceLock<StageReport>>,
}

impl Work for Running<'_> {
    type Error = Error;

    fn run(&self, index: usize, cancel: &CancelToken) -> Result<(), Error> {
        // Only this call sets it: a node runs once.
        let _ = self.reports[index].set(self.report(&self.stages[index], cancel)?);
        Ok(())
    }
}

impl Running<'_> {
    fn report(&self, known: &Known<'_>, cancel: &CancelToken) -> Result<StageReport, Error> {
        let Self { rebuilder, local, broker, .. } = self;
        let evidence = Evidence::new(rebuilder.store, cancel);
        let mut bench = Bench {
            rebuilder,
            local,
            broker,
            known,
            cancel,
            evidence,
            trials: Vec::new(),
            ended: None,
            restless: false,
        };
        let experiment = experiment(&mut bench, rebuilder.axes, rebuilder.runs)?;
        let other =
            experiment.done.iter().find_map(|ran| Some(ran.left.as_ref()?.output).filter(|it| *it != known.output));
        let failed = experiment.done.iter().any(|ran| ran.left.is_none());
        let unprotected = match other {
            Some(_) => Verdict::Different,
            None if failed => Verdict::Failed,
            None => Verdict::Identical,
        };
        let own = known.stage.level;
        let levels = levels(&mut bench, own, unprotected)?;
        let verdict = levels.iter().find(|at| at.level == own).map_or(unprotected, |at| at.verdict);
        let Bench { trials, mut evidence, .. } = bench;
        let first = exec::known(rebuilder.store, known.action)?;
        let first = Side { output: known.output, trace: first.and_then(|done| done.trace), build: None };
        let differing = evidence.explain(&experiment.found, &|run| match run {
            Some(run) => side(experiment.done.get(run)?),
            None => Some(first),
        })?;
        let difference = other.map(|other| evidence.difference([known.output, other])).transpose()?;
        Ok(StageReport {
            stage: known.stage.name.clone(),
            action: known.action.to_string(),
            output: known.output.to_string(),
            verdict,
            levels,
            causes: causes(&experiment, &trials),
            differing,
            difference: difference.and_then(|difference| difference.as_ref().clone()),
            trials,
        })
    }
}

/// What matters, each set of axes once, with what happens then.
fn causes(experiment: &Experiment, trials: &[Trial]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for found in &experiment.found {
        let axes = match &found.by {
            By::Axes(axes) => axes.clone(),
            By::Pin(..) | By::Unknown => Vec::new(),
        };
        let mut outcomes =
            trials.iter().filter(|trial| trial.axes == axes && trial.level.is_none()).map(|trial| &trial.outcome);
        let outcome = outcomes.find(|outcome| **outcome != Outcome::Identical);
        if let Some(outcome) = outcome.filter(|_| causes.iter().all(|known| known.axes != axes)) {
            causes.push(Cause { axes, outcome: outcome.clone() });
        }
    }
    causes.sort_by(|a, b| a.axes.cmp(&b.axes));
    causes
}
