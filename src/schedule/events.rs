//! What happens during a run, as data.
//!
//! The engine tells its [`Subscriber`]s; it never prints. One line of `--json` is a [`Record`]: `schema`, the seconds
//! since the start, and the event, whose `kind` is the name of the variant in snake case. Fields are only ever
//! added; a reader ignores what it does not know. Durations are seconds, sizes are bytes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Version of the record format.
pub const SCHEMA: u32 = 1;

/// One line of the event stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Seconds since the run began.
    pub at: f64,
    /// What happened.
    pub event: Event,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The stages of this run, in an order that respects their needs.
    Planned {
        /// Names.
        stages: Vec<String>,
    },
    /// A pinned input is being fetched.
    FetchStarted {
        /// Name of the pin.
        name: String,
        /// Bytes that are already here.
        bytes: u64,
        /// Bytes in all, when known.
        total: Option<u64>,
    },
    /// More of it is here.
    FetchAdvanced {
        /// Name of the pin.
        name: String,
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all, when known.
        total: Option<u64>,
    },
    /// It is here and verified, or it could not be had.
    FetchFinished {
        /// Name of the pin.
        name: String,
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all, when known.
        total: Option<u64>,
        /// Why it could not be had.
        error: Option<String>,
    },
    /// All that a stage needs is done; it waits for a worker or a core.
    StageQueued {
        /// Name of the stage.
        stage: String,
    },
    /// A stage is being worked on.
    StageStarted {
        /// Name of the stage.
        stage: String,
    },
    /// A stage wrote a line.
    StageOutput {
        /// Name of the stage.
        stage: String,
        /// The line without its end, as the stage wrote it: untrusted.
        line: String,
    },
    /// A stage came to its end.
    StageFinished {
        /// Name of the stage.
        stage: String,
        /// How.
        result: StageResult,
        /// Tree of what it left.
        output: Option<Digest>,
        /// Wall-clock seconds.
        seconds: f64,
        /// Seconds of CPU, user and system, of all its processes.
        cpu: f64,
        /// What went wrong, when the result is `failed`.
        failure: Option<StageFailure>,
    },
    /// A stage was not run.
    StageSkipped {
        /// Name of the stage.
        stage: String,
        /// The stage whose failure is the reason; none when the run was stopped.
        because: Option<String>,
    },
    /// What is to be delivered was audited.
    Audited(Audit),
    /// Something worth saying.
    Message {
        /// How loudly.
        level: Level,
        /// A sentence.
        text: String,
    },
    /// The end of the run.
    Summary(Summary),
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageResult {
    /// It was executed.
    Built,
    /// The action cache had its result.
    Cached,
    /// Its definition changed, but it came to an output already known: what depends on it need not run again.
    Unchanged,
    /// It failed.
    Failed,
}

/// Why a stage failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageFailure {
    /// What went wrong, in words that read after "failed: ".
    pub reason: String,
    /// The complete log.
    pub log: Option<PathBuf>,
    /// What the user can do.
    pub hint: Option<String>,
}

/// What the audit says of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// The stage.
    pub stage: String,
    /// Its tree.
    pub output: Digest,
    /// Findings of severity error.
    pub errors: u64,
    /// Findings of severity warning.
    pub warnings: u64,
    /// Findings of severity note.
    pub notes: u64,
    /// Findings that exceptions cover.
    pub allowed: u64,
    /// Whether the product is offered, be it with errors.
    pub offered: bool,
    /// Of the rules that are broken most, how: an example of each.
    pub worst: Vec<Broken>,
}

/// A rule of severity error that a product breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// The rule.
    pub rule: String,
    /// How many findings there are.
    pub findings: u64,
    /// Where the first one is: a path, which nobody has made safe to be shown.
    pub object: String,
    /// What is wrong there.
    pub message: String,
    /// What to do about it.
    pub cure: String,
}

/// How loud a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For the curious.
    Note,
    /// The run goes on, but look at this.
    Warning,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Stages executed.
    pub built: usize,
    /// Stages whose result was known.
    pub cached: usize,
    /// Stages executed whose output was already known.
    pub unchanged: usize,
    /// Stages that failed.
    pub failed: usize,
    /// Stages not run.
    pub skipped: usize,
    /// Wall-clock seconds of the run.
    pub seconds: f64,
    /// What was asked for and is there now.
    pub products: Vec<Product>,
}

/// A result that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The stage.
    pub stage: String,
    /// Its tree.
    pub output: Digest,
    /// Where it lies, when it was laid out.
    pub path: Option<PathBuf>,
}

/// Hears of everything, from any thread, in the order in which each thread tells it.
pub trait Subscriber: Sync {
    /// Called on the thread on which it happened: be quick, never block on the engine.
    fn event(&self, event: &Event);
}

/// Nobody listens.
impl Subscriber for () {
    fn event(&self, _: &Event) {}
}

/// Several subscribers, told in order.
#[derive(Default)]
pub struct Fanout {
    to: Vec<Box<dyn Subscriber + Send>>,
}

impl Fanout {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    #[must_use]
    pub fn with(mut self, subscriber: impl Subscriber + Send + 'static) -> Self {
        self.to.push(Box::new(subscriber));
        self
    }
}

impl Subscriber for Fanout {
    fn event(&self, event: &Event) {
        for subscriber in &self.to {
            subscriber.event(event);
        }
    }
}

impl<S: Subscriber + Send + ?Sized> Subscriber for std::sync::Arc<S> {
    fn event(&self, event: &Event) {
        (**self).event(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    struct Kept(Mutex<Vec<Event>>);
    impl Subscriber for Kept {
        fn event(&self, event: &Event) {
            self.0.lock().expect("no panic under the lock").push(event.clone());
        }
    }

    #[test]
    fn all_subscribers_hear_all() {
        let (a, b) = (Arc::new(Kept(Mutex::default())), Arc::new(Kept(Mutex::default())));
        let all = Fanout::new().with(a.clone()).with(b.clone()).with(Arc::new(()));
        all.event(&Event::StageQueued { stage: "musl".into() });
        all.event(&Event::StageStarted { stage: "musl".into() });
        assert_eq!(*a.0.lock().expect("unpoisoned"), *b.0.lock().expect("unpoisoned"));
        assert_eq!(a.0.lock().expect("unpoisoned").len(), 2);
    }

    #[test]
    fn a_record_is_one_stable_line() {
        let event = Event::StageFinished {
            stage: "musl".into(),
            result: StageResult::Unchanged,
            output: Some(Digest::of(b"")),
            seconds: 1.5,
            cpu: 2.25,
            failure: None,
        };
        let record = Record { schema: SCHEMA, at: 0.5, event };
        let line = serde_json::to_string(&record).expect("plain data");
        assert_eq!(
            line,
            "{\"schema\":1,\"at\":0.5,\"event\":{\"kind\":\"stage_finished\",\"stage\":\"musl\",\"result\":\"unchanged\",\
             \"output\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0\",\"seconds\":1.5,\"cpu\":2.25,\
             \"failure\":null}}"
        );
        assert_eq!(serde_json::from_str::<Record>(&line).expect("round trip"), record);
        let summary = Event::Summary(Summary { built: 3, ..Summary::default() });
        let line = serde_json::to_string(&summary).expect("plain data");
        assert!(line.starts_with("{\"kind\":\"summary\",\"built\":3,"), "{line}");
    }
}
