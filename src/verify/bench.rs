//! One stage on the bench: its runs, one after the other, in any surroundings.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::axis::Surroundings;
use super::cause::{self, Evidence, Left, Pin, Ran, Runs, Setting, Side};
use super::rebuild::{Error, Known, Rebuilder};
use super::report::{Outcome, Trial};
use crate::build::Core;
use crate::exec::{self, Done, Executor, Io, Job, Local};
use crate::sandbox::Answers;
use crate::schedule::events::{Event, StageFailure, StageResult};
use crate::schedule::{Broker, CancelToken};
use crate::stage::Limits;

/// A stage whose runs are made here.
pub(super) struct Bench<'a> {
    pub(super) rebuilder: &'a Rebuilder<'a>,
    pub(super) local: &'a Local<'a>,
    pub(super) broker: &'a Broker,
    pub(super) known: &'a Known<'a>,
    pub(super) cancel: &'a CancelToken,
    /// Reads what the runs left.
    pub(super) evidence: Evidence<'a>,
    /// What each run came to, in the order of the runs.
    pub(super) trials: Vec<Trial>,
    /// When the last run ended in which no axis is varied.
    pub(super) ended: Option<Instant>,
    /// Whether such a run left something else.
    pub(super) restless: bool,
}

/// Runs in which no axis is varied begin so long after the end of the one before: whatever they wrote in the same second, the time
/// would be alike by luck.
const APART: Duration = Duration::from_millis(1_100);

impl Runs for Bench<'_> {
    type Error = Error;

    fn run(&mut self, setting: &Setting) -> Result<Ran, Error> {
        if let Some(before) = self.ended.filter(|_| self.restless && setting.axes.is_empty()) {
            std::thread::sleep(APART.saturating_sub(before.elapsed()));
        }
        let label = self.label(setting);
        let begun = now();
        let events = self.rebuilder.events;
        let finished = |result, output, failure| {
            let seconds = begun.elapsed().as_secs_f64();
            events.event(&Event::StageFinished { stage: label.clone(), result, output, seconds, cpu: 0.0, failure });
        };
        let failed = |reason: String, log, tail: Vec<String>| {
            let failure = StageFailure { reason: reason.clone(), log: Some(log), hint: None };
            finished(StageResult::Failed, None, Some(failure));
            (Outcome::Failed { reason, tail }, None)
        };
        let (outcome, left) = match self.execute(setting, &label) {
            Ok(Done { output, trace, build, .. }) => {
                let departure = cause::departure(self.rebuilder.store, self.known.output, output)?;
                self.restless |= setting.axes.is_empty() && !departure.is_empty();
                let same = departure.is_empty();
                finished(if same { StageResult::Unchanged } else { StageResult::Built }, Some(output), None);
                let outcome = if same { Outcome::Identical } else { Outcome::Different { output: output.to_string() } };
                (outcome, Some(Left { output, trace, build, departure }))
            }
            Err(Error::Exec(exec::Error::Failed { reason, tail, log, .. })) => failed(reason, log, tail),
            Err(Error::Exec(exec::Error::Output { reason, log, .. })) => failed(reason, log, Vec::new()),
            Err(error) => {
                events.event(&Event::StageSkipped { stage: label.clone(), because: None });
                return Err(error);
            }
        };
        let Setting { axes, run, pins, level, .. } = setting;
        let held = pins.iter().copied().collect();
        self.trials.push(Trial { axes: axes.clone(), run: *run, held, level: *level, outcome });
        if setting.axes.is_empty() {
            self.ended = Some(now());
        }
        Ok(Ran { setting: setting.clone(), left })
    }

    fn suspects(&mut self, place: &str, pair: [&Ran; 2]) -> Result<Vec<Pin>, Error> {
        let [Some(a), Some(b)] = pair.map(side) else { return Ok(Vec::new()) };
        self.evidence.suspects(place, [a, b])
    }
}

/// What is read of a run.
pub(super) fn side(ran: &Ran) -> Option<Side> {
    ran.left.as_ref().map(|left| Side { output: left.output, trace: left.trace, build: left.build })
}

impl Bench<'_> {
    fn label(&self, setting: &Setting) -> String {
        let name = &self.known.stage.name;
        let axes = match setting.axes.as_slice() {
            [] => "as it was".to_owned(),
            [axis] => axis.name().to_owned(),
            axes if axes == self.rebuilder.axes => format!("all axes, run {}", setting.run + 1),
            axes => format!("{} axes", axes.len()),
        };
        let held: Vec<&str> = setting.pins.iter().map(|pin| pin.name()).collect();
        let held = if held.is_empty() { String::new() } else { format!("; {} held fast", held.join(", ")) };
        let level = setting.level.map_or_else(String::new, |level| format!("; {level}"));
        format!("{name} ({axes}{held}{level})")
    }

    fn execute(&self, setting: &Setting, label: &str) -> Result<Done, Error> {
        let Known { stage, inputs, action, log, .. } = self.known;
        let Self { rebuilder, local, broker, .. } = self;
        let mut surroundings = Surroundings::default();
        // Nothing keeps it from its surroundings, unless that is asked for.
        surroundings.variation.answers = inputs.level().and_then(Answers::of).map(|_| Answers::default());
        setting.axes.iter().for_each(|axis| axis.vary(setting.run, &mut surroundings));
        if let Some(answers) = setting.level.and_then(Answers::of) {
            let to = surroundings.variation.answers.get_or_insert_default();
            answers.answered().for_each(|source| to.pin(source));
        }
        watch(setting, &mut surroundings);
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
            keeps_build: setting.watched,
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
        Ok(local.execute(&job, &mut io)?)
    }
}

/// With one job on one busy processor, and watched, it takes longer than its limits are for.
fn patient(limits: &Limits) -> Limits {
    Limits { time: 8 * limits.time, silence: 8 * limits.silence, ..limits.clone() }
}

/// Holds fast what is to be, and has all questions heard.
fn watch(setting: &Setting, to: &mut Surroundings) {
    if setting.watched {
        let answers = to.variation.answers.get_or_insert_default();
        setting.pins.iter().filter_map(|pin| pin.source()).for_each(|source| answers.pin(source));
    }
    if setting.pins.contains(&Pin::Sequence) {
        to.one_job = true;
        to.variation.processors = Some(1);
    }
}

/// How long the machine is kept busy at a time.
const BURST: Duration = Duration::from_millis(7);

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
