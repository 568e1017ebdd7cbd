//! Runs the stages that a target needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::budget;
use super::error::Error;
use super::gate::Gate;
use super::known::{self, Verdict};
use super::record::{Last, Records, SCHEMA};
use super::resolve::Resolver;
use super::slot::Core;
use crate::digest::Digest;
use crate::exec::{self, Cached, Done, Executor, Io, Job, Local};
use crate::fetch::Fetcher;
use crate::lockfile::Lockfile;
use crate::schedule::events::{Audit, Event, StageFailure, StageResult, Subscriber};
use crate::schedule::queue::{self, Node, OnFailure, Outcome, Work};
use crate::schedule::{Broker, CancelToken};
use crate::stage::{Graph, Record, Stage, compose};
use crate::store::Store;

/// How to build.
#[derive(Debug, Clone)]
pub struct Options {
    /// Cores to use.
    pub jobs: usize,
    /// What a failure means for the rest.
    pub on_failure: OnFailure,
    /// Stages to execute even if their result is known; the new result is compared with the known one.
    pub rebuild: Vec<String>,
    /// Stages whose results need a trace: those without are executed once more.
    pub trace: Vec<String>,
    /// Whether a result that differs from the lockfile's is an error.
    pub check_outputs: bool,
}

/// A stage that is up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its name.
    pub stage: String,
    /// The lockfile's name of its target.
    pub target: String,
    /// Its action.
    pub action: Digest,
    /// Its output tree.
    pub output: Digest,
    /// How it came to be.
    pub result: StageResult,
    /// What the lockfile says of it.
    pub verdict: Verdict,
    /// Whether it is what the user asked for: a target, or what a target that is a test takes to test it.
    pub product: bool,
}

/// A project, a store, and all that is between.
pub struct Engine<'a> {
    /// Where everything is kept.
    pub store: &'a Store,
    /// The definitions.
    pub graph: &'a Graph,
    /// The pins.
    pub lockfile: &'a Lockfile,
    /// Brings missing pins.
    pub fetcher: &'a Fetcher<'a>,
    /// Looks at products before they are offered.
    pub gate: &'a dyn Gate,
    /// Hears of everything.
    pub events: &'a dyn Subscriber,
    /// Stops everything.
    pub cancel: &'a CancelToken,
}

/// What became of a run: the stages in the graph's order, and each failure.
#[derive(Debug)]
pub struct Run {
    /// Those that are up to date now.
    pub built: Vec<Built>,
    /// Those that failed, with the reason; in the graph's order.
    pub failed: Vec<(String, Error)>,
    /// How many were not run because of a failure or a stop.
    pub skipped: usize,
    /// What was found wrong with products that are offered all the same, in the graph's order. Nobody has heard of it yet.
    pub flawed: Vec<Audit>,
}

impl Engine<'_> {
    /// Brings `targets` and all that they need up to date.
    ///
    /// # Errors
    /// Nothing was begun: a target is unknown, this host cannot isolate, or a pin could not be had. The failure of a
    /// stage is not an error here, but part of the [`Run`].
    pub fn run<S: AsRef<str>>(&self, targets: &[S], options: &Options) -> Result<Run, Error> {
        let stages = self.graph.closure(targets)?;
        crate::sandbox::doctor::require()?;
        let resolver = Resolver::new(self.store, self.graph, self.lockfile);
        let pins = resolver.missing(&stages)?;
        if !pins.is_empty() {
            self.fetcher.fetch(&pins)?;
        }
        self.events.event(&Event::Planned { stages: stages.iter().map(|stage| stage.name.clone()).collect() });
        let records = Records::new(self.store, self.graph.root());
        let place: BTreeMap<&str, usize> =
            stages.iter().enumerate().map(|(i, stage)| (stage.name.as_str(), i)).collect();
        let broker = Broker::new(options.jobs)?;
        let local = Cached::new(Local::new(self.store), self.store);
        let run = Running {
            engine: self,
            options,
            resolver,
            records,
            broker,
            executor: local,
            outputs: stages.iter().map(|_| OnceLock::new()).collect(),
            flawed: stages.iter().map(|_| OnceLock::new()).collect(),
            products: self.graph.products(targets),
            stages,
            place,
        };
        let nodes = run.nodes();
        let report = queue::run(&nodes, options.jobs.max(1), &run, options.on_failure, self.cancel)?;
        Ok(run.finish(report))
    }
}

struct Running<'a> {
    engine: &'a Engine<'a>,
    options: &'a Options,
    resolver: Resolver<'a>,
    records: Records<'a>,
    broker: Broker,
    executor: Cached<'a, Local<'a>>,
    stages: Vec<&'a Stage>,
    place: BTreeMap<&'a str, usize>,
    products: BTreeSet<&'a str>,
    outputs: Vec<OnceLock<Built>>,
    flawed: Vec<OnceLock<Audit>>,
}

impl Running<'_> {
    fn nodes(&self) -> Vec<Node> {
        let weigh = |stage: &Stage| {
            let last = self.records.load(&stage.name, &self.target(stage));
            // Whole seconds: enough to tell a compiler from a script. At least 1, so that chains count by length.
            last.map_or(1, |last| 1 + last.seconds as u64)
        };
        let needs =
            |stage: &Stage| self.engine.graph.needs(&stage.name).map(|need| self.place[need.name.as_str()]).collect();
        let node = |stage: &&Stage| Node { name: stage.name.clone(), needs: needs(stage), weight: weigh(stage) };
        self.stages.iter().map(node).collect()
    }

    fn target(&self, stage: &Stage) -> String {
        self.engine.graph.target(stage)
    }

    fn output(&self, stage: &str) -> Digest {
        let built = self.outputs[self.place[stage]].get();
        built.expect("the queue runs a stage after all that it needs").output
    }

    fn build(&self, stage: &Stage, cancel: &CancelToken) -> Result<(Built, Duration), Error> {
        let target = self.target(stage);
        let (inputs, files) = self.resolver.inputs(stage, &|name| self.output(name))?;
        let composed = compose(&inputs)?;
        let store = self.engine.store;
        let last = self.records.load(&stage.name, &target);
        let log = self.records.log(&stage.name, &target);
        let reference = self.records.reference(&stage.name, &target);
        let job = Job {
            stage: &stage.name,
            key: composed.key,
            inputs: &inputs,
            messages: composed
                .directories
                .iter()
                .chain([&composed.action_bytes, &composed.command_bytes])
                .map(Vec::as_slice)
                .collect(),
            limits: stage.limits.clone(),
            outputs: stage.outputs.as_deref(),
            log: &log,
            reference: &reference,
            fresh: self.options.rebuild.contains(&stage.name),
            keeps_build: false,
            needs_trace: self.options.trace.contains(&stage.name),
            variation: None,
        };
        let compared = job.fresh || job.needs_trace;
        let begun = now();
        let mut line = |line: &str| {
            self.engine.events.event(&Event::StageOutput { stage: stage.name.clone(), line: line.to_owned() });
        };
        let slot = || -> Result<Box<dyn exec::Slot>, exec::Error> {
            Ok(Box::new(Core::take(&self.broker, &stage.name, cancel)?))
        };
        let started = || self.engine.events.event(&Event::StageStarted { stage: stage.name.clone() });
        let done = self.executor.execute(&job, &mut Io { cancel, slot: &slot, started: &started, line: &mut line });
        let seconds = begun.elapsed().as_secs_f64();
        let record = Record::new(&stage.name, composed.key, inputs, files);
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                if let exec::Error::Failed { left, .. } = &error {
                    let last = Last { schema: SCHEMA, record, output: None, log: None, left: *left, seconds };
                    self.records.save(&stage.name, &target, &last)?;
                    if let Some(left) = left {
                        store.set_ref(&self.records.failed(&stage.name, &target), *left)?;
                    }
                }
                return Err(error.into());
            }
        };
        // A run of what is known already is a check of it.
        let known = if compared { exec::known(store, composed.key)? } else { None };
        let differs = known.map(|known| known.output).filter(|expected| *expected != done.output);
        self.remember(stage, &target, record, &done, last.as_ref(), seconds)?;
        if let Some(expected) = differs {
            return Err(Error::NotReproducible { stage: stage.name.clone(), expected, got: done.output });
        }
        let verdict = known::verdict(self.engine.lockfile, &stage.name, &target, composed.key, done.output);
        if let (Verdict::Differs { expected }, true) = (verdict, self.options.check_outputs) {
            let stage = stage.name.clone();
            return Err(Error::NotReproducible { stage, expected, got: done.output });
        }
        // As with all limits, a result that is over it stays known: another limit needs no other run.
        budget::check(store, stage, done.output)?;
        let known = last.and_then(|last| last.output) == Some(done.output);
        let result = match (done.cached, known) {
            (true, _) => StageResult::Cached,
            (false, true) => StageResult::Unchanged,
            (false, false) => StageResult::Built,
        };
        let built = Built {
            stage: stage.name.clone(),
            target,
            action: composed.key,
            output: done.output,
            result,
            verdict,
            product: self.products.contains(stage.name.as_str()),
        };
        Ok((built, done.cpu))
    }

    /// Asks the gate about a product, and says what it says, unless that is for the end of the run.
    fn pass(&self, index: usize, built: &Built, cancel: &CancelToken) -> Result<(), Error> {
        if !built.product {
            return Ok(());
        }
        let Some(audit) = self.engine.gate.look(built, cancel)? else { return Ok(()) };
        if audit.offered && audit.errors > 0 {
            // Only this call sets it: a node runs once.
            let _ = self.flawed[index].set(audit);
            return Ok(());
        }
        self.engine.events.event(&Event::Audited(audit.clone()));
        if audit.offered { Ok(()) } else { Err(Error::Refused { stage: audit.stage, errors: audit.errors }) }
    }

    /// Keeps the record and the root of a result, unless they say so already.
    fn remember(
        &self,
        stage: &Stage,
        target: &str,
        record: Record,
        done: &Done,
        last: Option<&Last>,
        seconds: f64,
    ) -> Result<(), Error> {
        let same = |last: &Last| last.record == record && last.output == Some(done.output);
        if done.cached && last.is_some_and(same) {
            return Ok(());
        }
        // A hit took no time; what the stage once took is still the best estimate.
        let seconds = if done.cached { last.map_or(0.0, |last| last.seconds) } else { seconds };
        let (output, log) = (Some(done.output), Some(done.log));
        let last = Last { schema: SCHEMA, record, output, log, left: None, seconds };
        // The action, not the tree: collected garbage then leaves the result known, and not only its files.
        self.engine.store.set_ref(&self.records.reference(&stage.name, target), last.record.key)?;
        self.records.save(&stage.name, target, &last)?;
        Ok(())
    }

    fn finish(self, report: queue::Report<Error>) -> Run {
        let flawed = self.flawed.into_iter().filter_map(OnceLock::into_inner).collect();
        let mut run = Run { built: Vec::new(), failed: Vec::new(), skipped: 0, flawed };
        for ((stage, output), outcome) in self.stages.iter().zip(self.outputs).zip(report.outcomes) {
            match outcome {
                Outcome::Done => run.built.extend(output.into_inner()),
                Outcome::Failed(error) => run.failed.push((stage.name.clone(), error)),
                Outcome::Skipped { .. } | Outcome::NotStarted => run.skipped += 1,
            }
        }
        run
    }
}

impl Work for Running<'_> {
    type Error = Error;

    fn run(&self, index: usize, cancel: &CancelToken) -> Result<(), Error> {
        let stage = self.stages[index];
        let begun = now();
        let result = self.build(stage, cancel).and_then(|(built, cpu)| {
            self.pass(index, &built, cancel)?;
            Ok((built, cpu))
        });
        let seconds = begun.elapsed().as_secs_f64();
        let name = stage.name.clone();
        let event = match &result {
            Ok((built, cpu)) => Event::StageFinished {
                stage: name,
                result: built.result,
                output: Some(built.output),
                seconds,
                cpu: cpu.as_secs_f64(),
                failure: None,
            },
            // The audit of what is there was stopped, too.
            Err(Error::Audit { .. }) if cancel.is_cancelled() => Event::StageSkipped { stage: name, because: None },
            Err(Error::Exec(exec::Error::Cancelled { .. })) => Event::StageSkipped { stage: name, because: None },
            Err(error) => Event::StageFinished {
                stage: name,
                result: StageResult::Failed,
                output: None,
                seconds,
                cpu: 0.0,
                failure: Some(failure(error)),
            },
        };
        self.engine.events.event(&event);
        let (built, _) = result?;
        // Only this call sets it: a node runs once.
        let _ = self.outputs[index].set(built);
        Ok(())
    }

    fn ready(&self, index: usize) {
        self.engine.events.event(&Event::StageQueued { stage: self.stages[index].name.clone() });
    }

    fn skipped(&self, index: usize, because: usize) {
        let because = Some(self.stages[because].name.clone());
        self.engine.events.event(&Event::StageSkipped { stage: self.stages[index].name.clone(), because });
    }
}

/// A failure as an event tells it: the whole chain of causes in one line.
fn failure(error: &Error) -> StageFailure {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason.push_str(": ");
        reason.push_str(&cause.to_string());
        source = cause.source();
    }
    let log = match error {
        Error::Exec(exec::Error::Failed { log, .. } | exec::Error::Output { log, .. }) => Some(log.clone()),
        _ => None,
    };
    StageFailure { reason, log, hint: error.hint() }
}

/// The time, for how long things took: shown and used as an estimate, never part of a result.
#[expect(
    clippy::disallowed_methods,
    reason = "durations are shown to people and weigh the queue; results do not depend on them"
)]
fn now() -> Instant {
    Instant::now()
}
