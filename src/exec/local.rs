//! Runs a job in the sandbox of this machine.

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use nix::sys::signal::Signal;

use super::Executor;
use super::error::Error;
use super::job::{Done, Io, Job};
use super::log::Log;
use super::{pack, root};
use crate::digest::Digest;
use crate::digest::reapi::Directory;
use crate::sandbox::{Launchers, Outcome, RunIo, StagePlan};
use crate::stage::{ActionInputs, COMPOSER, Layer, Limits, WRITER};
use crate::store::{self, Checkout, ImportRules, MergeError, Store, TreeBuilder};
use crate::trace::Recorder;

/// The sandbox of this machine.
pub struct Local<'a> {
    store: &'a Store,
    launchers: Launchers,
    /// Started with the first job.
    recorder: OnceLock<Recorder>,
    /// For jobs whose questions are to be heard: only a tracer hears them.
    tracer: Recorder,
}

/// A sandbox that is ready to be entered: its plan, and the trees that the plan's paths lie in.
pub struct Prepared {
    /// The plan's material.
    pub plan: StagePlan,
    /// The tree below `/`.
    pub root: Digest,
    /// Kept while the plan is used: nobody collects what is checked out.
    _checkouts: Vec<Checkout>,
}

impl<'a> Local<'a> {
    /// Runs jobs whose trees are in `store`.
    pub fn new(store: &'a Store) -> Self {
        Self { store, launchers: Launchers::new(), recorder: OnceLock::new(), tracer: Recorder::outside() }
    }

    /// Lays out all that a stage sees and says how its sandbox is made. The trees stay as long as the value lives.
    ///
    /// # Errors
    /// Two inputs disagree on a path, or a tree is damaged or missing.
    pub fn prepare(&self, stage: &str, inputs: &ActionInputs, limits: &Limits) -> Result<Prepared, Error> {
        if inputs.argv.first().is_some_and(|program| program == WRITER || program == COMPOSER) {
            return Err(Error::NoSandbox { stage: stage.to_owned() });
        }
        // A root needs a lower layer, be it an empty one.
        let root = match self.merge(stage, inputs, &inputs.tools)? {
            Some(tree) => tree,
            None => self.store.put_directory(&Directory::default())?,
        };
        let target = self.merge(stage, inputs, &inputs.target)?;
        let mut checkouts = Vec::new();
        let mut lay_out = |tree: Digest| -> Result<std::path::PathBuf, Error> {
            let checkout = self.store.checkout(tree)?;
            let path = checkout.path.clone();
            checkouts.push(checkout);
            Ok(path)
        };
        let mut plan = StagePlan {
            tools: vec![lay_out(root)?],
            target: target.map(&mut lay_out).transpose()?.into_iter().collect(),
            argv: inputs.argv.clone(),
            env: inputs.env.clone(),
            level: inputs.level().ok_or_else(|| Error::Isolation { stage: stage.to_owned() })?,
            ..StagePlan::default()
        };
        plan.stage_dir = lay_out(inputs.stage_dir)?;
        for source in &inputs.sources {
            plan.sources.push((source.name.clone(), lay_out(source.tree)?, source.writable));
        }
        for input in &inputs.inputs {
            plan.inputs.push((input.label.clone(), lay_out(input.tree)?));
        }
        plan.limits.time = limits.time;
        plan.limits.silence = limits.silence;
        plan.limits.processes = limits.processes;
        plan.limits.memory = limits.memory;
        plan.limits.scratch = limits.scratch;
        plan.limits.inodes = limits.inodes;
        Ok(Prepared { plan, root, _checkouts: checkouts })
    }

    /// The layers as one tree; none without any layer.
    fn merge(&self, stage: &str, inputs: &ActionInputs, layers: &[Layer]) -> Result<Option<Digest>, Error> {
        let [first, rest @ ..] = layers else { return Ok(None) };
        if rest.is_empty() {
            return Ok(Some(first.tree));
        }
        let rules = inputs.wins.iter().map(|win| {
            let wrong = |error: globset::Error| Error::Glob {
                stage: stage.to_owned(),
                glob: win.path.clone(),
                reason: error.kind().to_string(),
            };
            Ok((Glob::new(&win.path).map_err(wrong)?.compile_matcher(), win.layer.clone()))
        });
        let rules: Vec<(GlobMatcher, String)> = rules.collect::<Result<_, Error>>()?;
        let wins = |path: &str| rules.iter().find(|(glob, _)| glob.is_match(path)).map(|(_, layer)| layer.clone());
        let layers: Vec<(String, Digest)> = layers.iter().map(|layer| (layer.label.clone(), layer.tree)).collect();
        match store::merge(self.store, &layers, &wins) {
            Ok(tree) => Ok(Some(tree)),
            Err(MergeError::Conflicts { conflicts }) => {
                Err(Error::Conflict { stage: stage.to_owned(), source: MergeError::Conflicts { conflicts } })
            }
            Err(MergeError::Store(error)) => Err(error.into()),
        }
    }

    /// Keeps what a failed job has in `/build` and `/out`, for `repro shell --failed`. Best effort: a tree that the
    /// store refuses (a device, a name that is not UTF-8) is not worth hiding the failure itself.
    fn keep(&self, finished: &crate::sandbox::Finished) -> Option<Digest> {
        let rules = ImportRules::default();
        let build = self.store.import(finished.build.as_fd(), Path::new("/build"), &rules).ok()?;
        let out = self.store.import(finished.out.as_fd(), Path::new("/out"), &rules).ok()?;
        let mut tree = TreeBuilder::new(self.store);
        tree.tree("build", build).ok()?;
        tree.tree("out", out).ok()?;
        tree.finish().ok()
    }
}

impl Executor for Local<'_> {
    fn execute(&self, job: &Job<'_>, io: &mut Io<'_>) -> Result<Done, Error> {
        if let Some(recipes) = pack::recipes(job)? {
            return pack::run(self.store, job, &recipes, io);
        }
        if let Some(stated) = root::stated(job)? {
            return root::run(self.store, job, &stated, io);
        }
        let prepared = self.prepare(job.stage, job.inputs, &job.limits)?;
        let mut plan = prepared.plan.plan();
        if let Some(variation) = job.variation {
            variation.apply(&mut plan);
        }
        let slot = (io.slot)()?;
        let fds = slot.fds()?;
        (io.started)();
        let mut log = Log::begin(job.log, io.line)?;
        let untraced = |source| Error::Trace { stage: job.stage.to_owned(), source };
        let heard = job.variation.is_some_and(|variation| variation.answers.is_some());
        let recorder = if heard { &self.tracer } else { self.recorder.get_or_init(Recorder::start) };
        let recording = recorder.begin(job.stage, &plan).map_err(untraced)?;
        let finished = plan.run(
            &self.launchers,
            RunIo {
                log: &mut |bytes| log.take(bytes),
                jobserver: Some([fds[0].as_fd(), fds[1].as_fd()]),
                cancel: io.cancel,
                tracing: recording.tracing(),
                terminal: None,
            },
        );
        let finished = finished.map_err(|source| Error::Sandbox { stage: job.stage.to_owned(), source })?;
        drop(slot);
        let told = log.finish()?;
        let reason = match finished.outcome {
            Outcome::Exited(0) => None,
            Outcome::Cancelled => return Err(Error::Cancelled { stage: job.stage.to_owned() }),
            outcome => Some(describe(outcome, &job.limits)),
        };
        if let Some(reason) = reason {
            let left = self.keep(&finished);
            let (log, tail) = told.keep()?;
            return Err(Error::Failed { stage: job.stage.to_owned(), reason, log, tail, left });
        }
        let trace = match recording.finish() {
            Ok(trace) => Some(trace),
            // The result is as good without.
            Err(error) if !job.needs_trace => {
                (io.line)(&format!("repro: {error}"));
                None
            }
            Err(error) => return Err(untraced(error)),
        };
        let output = self.store.import(finished.out.as_fd(), Path::new("/out"), &ImportRules::default());
        let wrong = match &output {
            // What the stage left is the stage's fault; anything else is the store's.
            Err(error @ store::Error::Refused { .. }) => Some(error.to_string()),
            Err(_) => None,
            Ok(output) => self.wrong_outputs(job, *output)?,
        };
        if let Some(reason) = wrong {
            return Err(Error::Output { stage: job.stage.to_owned(), reason, log: told.keep()?.0 });
        }
        let (output, log) = (output?, told.store(self.store)?);
        let trace = trace.map(|trace| self.store.put_bytes(&trace.encode())).transpose()?;
        // A fifo or a name that is not UTF-8 there is no reason to fail.
        let import = || self.store.import(finished.build.as_fd(), Path::new("/build"), &ImportRules::default()).ok();
        let build = job.keeps_build.then(import).flatten();
        Ok(Done { output, log, trace, build, cached: false, cpu: finished.usage.user + finished.usage.system })
    }
}

impl Local<'_> {
    /// How what was left differs from what was declared.
    fn wrong_outputs(&self, job: &Job<'_>, output: Digest) -> Result<Option<String>, Error> {
        let Some(declared) = job.outputs else { return Ok(None) };
        let directory = self.store.directory(output)?;
        let files = directory.files.iter().map(|file| &file.name);
        let directories = directory.directories.iter().map(|directory| &directory.name);
        let links = directory.symlinks.iter().map(|link| &link.name);
        let mut found: Vec<&String> = files.chain(directories).chain(links).collect();
        found.sort();
        let missing: Vec<&str> = declared.iter().filter(|name| !found.contains(name)).map(String::as_str).collect();
        let extra: Vec<&str> = found.iter().filter(|name| !declared.contains(name)).map(|name| name.as_str()).collect();
        Ok(match (missing.as_slice(), extra.as_slice()) {
            ([], []) => None,
            ([], extra) => Some(format!("`{}` in /out is not declared in `outputs`", extra.join("`, `"))),
            (missing, _) => Some(format!("`{}` is declared in `outputs`, but not in /out", missing.join("`, `"))),
        })
    }
}

/// How a program ended, in words.
fn describe(outcome: Outcome, limits: &Limits) -> String {
    let minutes = |time: Duration| format!("{} s", time.as_secs());
    match outcome {
        Outcome::Exited(code) => format!("its script exited with {code}"),
        Outcome::Signaled(signal) => match Signal::try_from(signal) {
            Ok(name) => format!("its script was ended by signal {signal}, {name}"),
            Err(_) => format!("its script was ended by signal {signal}"),
        },
        Outcome::TimedOut => format!("it took longer than its limit `time`, {}", minutes(limits.time)),
        Outcome::Silent => format!("it wrote nothing for longer than its limit `silence`, {}", minutes(limits.silence)),
        Outcome::LogTooBig => "it wrote a log of more than 1 GiB".to_owned(),
        Outcome::OutOfMemory => format!("it used more than its limit `memory`, {} bytes", limits.memory),
        Outcome::Cancelled => "it was stopped".to_owned(),
    }
}
