//! Runs stages again, and finds which axes matter.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::axis::{Axis, Surroundings};
use super::report::{Cause, Outcome, StageReport, Trial, Verdict};
use crate::build::Core;
use crate::container::Subject;
use crate::diff::{self, Comparison};
use crate::digest::Digest;
use crate::exec::{self, Executor, Io, Job, Local};
use crate::schedule::events::{Event, StageFailure, StageResult, Subscriber};
use crate::schedule::queue::{self, Node, OnFailure, Work};
use crate::schedule::{Broker, CancelToken, jobserver};
use crate::stage::{ActionInputs, Limits, Stage};
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
        let mut one = One { running: self, known: &self.stages[index], cancel, trials: Vec::new() };
        let report = one.report()?;
        // Only this call sets it: a node runs once.
        let _ = self.reports[index].set(report);
        Ok(())
    }
}

/// One stage.
struct One<'a> {
    running: &'a Running<'a>,
    known: &'a Known<'a>,
    cancel: &'a CancelToken,
    trials: Vec<Trial>,
}

impl One<'_> {
    fn report(&mut self) -> Result<StageReport, Error> {
        let axes = self.running.rebuilder.axes;
        let mut causes: Vec<Cause> = Vec::new();
        for run in 0..self.running.rebuilder.runs {
            let outcome = self.trial(axes, run)?;
            if outcome == Outcome::Identical {
                continue;
            }
            let by_itself = self.trial(&[], run)?;
            let found = if by_itself != Outcome::Identical {
                vec![Cause { axes: Vec::new(), outcome: by_itself }]
            } else {
                self.isolate(axes, outcome, run)?
            };
            for cause in found {
                if !causes.iter().any(|known| known.axes == cause.axes) {
                    causes.push(cause);
                }
            }
        }
        let trials = std::mem::take(&mut self.trials);
        let other = trials.iter().find_map(|trial| match &trial.outcome {
            Outcome::Different { output } => output.parse::<Digest>().ok(),
            _ => None,
        });
        let failed = trials.iter().any(|trial| matches!(trial.outcome, Outcome::Failed { .. }));
        let verdict = match other {
            Some(_) => Verdict::Different,
            None if failed => Verdict::Failed,
            None => Verdict::Identical,
        };
        let difference = other.map(|other| self.compare(other)).transpose()?.flatten();
        Ok(StageReport {
            stage: self.known.stage.name.clone(),
            action: self.known.action.to_string(),
            output: self.known.output.to_string(),
            verdict,
            causes,
            trials,
            difference,
        })
    }

    /// The smallest sets of `axes` that make it differ or fail, of which all together do so with this outcome.
    fn isolate(&mut self, axes: &[Axis], outcome: Outcome, run: u32) -> Result<Vec<Cause>, Error> {
        if axes.len() < 2 {
            return Ok(vec![Cause { axes: axes.to_vec(), outcome }]);
        }
        let mut found = Vec::new();
        let (left, right) = axes.split_at(axes.len() / 2);
        for half in [left, right] {
            let outcome = self.trial(half, run)?;
            if outcome != Outcome::Identical {
                found.append(&mut self.isolate(half, outcome, run)?);
            }
        }
        if found.is_empty() {
            // Neither half alone: it takes something of both. Leave out what is not needed, one after the other.
            let (mut needed, mut last) = (axes.to_vec(), outcome);
            for axis in axes {
                let fewer: Vec<Axis> = needed.iter().copied().filter(|other| other != axis).collect();
                let outcome = self.trial(&fewer, run)?;
                if outcome != Outcome::Identical {
                    (needed, last) = (fewer, outcome);
                }
            }
            found.push(Cause { axes: needed, outcome: last });
        }
        Ok(found)
    }

    /// One run.
    fn trial(&mut self, axes: &[Axis], run: u32) -> Result<Outcome, Error> {
        let mut surroundings = Surroundings::default();
        axes.iter().for_each(|axis| axis.vary(run, &mut surroundings));
        let label = self.label(axes, run);
        let begun = now();
        let events = self.running.rebuilder.events;
        let finished = |result, output, failure| {
            let seconds = begun.elapsed().as_secs_f64();
            events.event(&Event::StageFinished { stage: label.clone(), result, output, seconds, cpu: 0.0, failure });
        };
        let outcome = match self.execute(&surroundings, &label) {
            Ok(output) if output == self.known.output => {
                finished(StageResult::Unchanged, Some(output), None);
                Outcome::Identical
            }
            Ok(output) => {
                finished(StageResult::Built, Some(output), None);
                Outcome::Different { output: output.to_string() }
            }
            Err(Error::Exec(exec::Error::Failed { reason, tail, log, .. })) => {
                let failure = StageFailure { reason: reason.clone(), log: Some(log), hint: None };
                finished(StageResult::Failed, None, Some(failure));
                Outcome::Failed { reason, tail }
            }
            Err(Error::Exec(exec::Error::Output { reason, log, .. })) => {
                let failure = StageFailure { reason: reason.clone(), log: Some(log), hint: None };
                finished(StageResult::Failed, None, Some(failure));
                Outcome::Failed { reason, tail: Vec::new() }
            }
            Err(error) => {
                events.event(&Event::StageSkipped { stage: label.clone(), because: None });
                return Err(error);
            }
        };
        self.trials.push(Trial { axes: axes.to_vec(), run, outcome: outcome.clone() });
        Ok(outcome)
    }

    fn label(&self, axes: &[Axis], run: u32) -> String {
        let name = &self.known.stage.name;
        let what = match axes {
            [] => "as it was".to_owned(),
            [axis] => axis.name().to_owned(),
            axes if axes == self.running.rebuilder.axes => format!("all axes, run {}", run + 1),
            axes => format!("{} axes", axes.len()),
        };
        format!("{name} ({what})")
    }

    fn execute(&self, surroundings: &Surroundings, label: &str) -> Result<Digest, Error> {
        let Known { stage, inputs, action, log, .. } = self.known;
        let Running { rebuilder, local, broker, .. } = self.running;
        let scratch = surroundings.disk.then(|| rebuilder.store.scratch("verify")).transpose()?;
        let mut variation = surroundings.variation.clone();
        variation.scratch = scratch.as_ref().map(|scratch| scratch.path().to_owned());
        let job = Job {
            stage: &stage.name,
            key: *action,
            inputs,
            messages: Vec::new(),
            limits: patient(&stage.limits),
            outputs: stage.outputs.as_deref(),
            log,
            reference: "",
            fresh: true,
            needs_trace: false,
            variation: Some(&variation),
        };
        let alone = surroundings.one_job.then(|| Broker::new(1)).transpose()?;
        let slot = || -> Result<Box<dyn exec::Slot>, exec::Error> {
            // The core is the common broker's in any case.
            let core = Core::take(broker, &stage.name, self.cancel)?;
            Ok(match &alone {
                Some(alone) => Box::new(OneJob { _core: core, tokens: Core::take(alone, &stage.name, self.cancel)? }),
                None => Box::new(core),
            })
        };
        let started = || rebuilder.events.event(&Event::StageStarted { stage: label.to_owned() });
        let mut line = |line: &str| {
            rebuilder.events.event(&Event::StageOutput { stage: label.to_owned(), line: line.to_owned() });
        };
        let _load = surroundings.load.then(Load::start);
        let mut io = Io { cancel: self.cancel, slot: &slot, started: &started, line: &mut line };
        Ok(local.execute(&job, &mut io)?.output)
    }

    fn compare(&self, other: Digest) -> Result<Option<diff::Difference>, Error> {
        let store = self.running.rebuilder.store;
        let scratch = store.scratch("verify")?;
        let options = diff::Options::default();
        let subject = |digest| Subject::Tree { store: store.clone(), digest };
        let comparison = Comparison::new(&options, scratch.dir(), Some(self.cancel));
        Ok(comparison.subjects([subject(self.known.output), subject(other)])?)
    }
}

/// With one job on one busy processor, and watched, it takes longer than its limits are for.
fn patient(limits: &Limits) -> Limits {
    Limits { time: 8 * limits.time, silence: 8 * limits.silence, ..limits.clone() }
}

const BURST: std::time::Duration = std::time::Duration::from_millis(7);

/// A core, and the tokens of a broker that has no more of them.
struct OneJob {
    _core: Core,
    tokens: Core,
}

impl exec::Slot for OneJob {
    fn fds(&self) -> Result<[OwnedFd; 2], exec::Error> {
        self.tokens.fds()
    }
}

/// Keeps a processor busy until it is dropped, in bursts: what is disturbed is the order in which processes run, and a machine
/// that never rests would only make all of them late.
struct Load {
    stop: std::sync::Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Load {
    fn start() -> Self {
        let stop = std::sync::Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("load".into()).spawn({
            let stop = stop.clone();
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let begun = now();
                    while begun.elapsed() < BURST {
                        std::hint::spin_loop();
                    }
                    std::thread::sleep(3 * BURST);
                }
            }
        });
        Self { stop, thread: thread.ok() }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a run or a burst took is in no report")]
fn now() -> Instant {
    Instant::now()
}
