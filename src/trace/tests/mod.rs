//! Traces of real stages, on this host's own `/usr`: as whoever runs the tests, and as a plain user when that is root.

mod acts;
mod bytes;
mod strace;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use super::*;
use crate::sandbox::tests::host::{self, skipped};
use crate::sandbox::{CancelToken, Finished, Launchers, Limits, Outcome, RunIo, StagePlan};

/// A stage that has run, and what was recorded.
struct Traced {
    trace: Trace,
    /// The numbers that the processes had inside, in the same order.
    inner: Vec<u32>,
    finished: Finished,
    log: String,
}

fn traced(argv: &[&str], sources: &[(String, std::path::PathBuf, bool)]) -> Traced {
    let (observed, finished, log) = recorded(recorder(), argv, sources);
    let (trace, inner) = observed.expect("it was recorded");
    assert_eq!(Trace::decode(&trace.encode()).expect("it can be read again"), trace);
    Traced { trace, inner, finished, log }
}

type Observed = Result<(Trace, Vec<u32>), Error>;

/// Runs a stage, and gives what came of its recording.
fn recorded(
    recorder: &Recorder,
    argv: &[&str],
    sources: &[(String, std::path::PathBuf, bool)],
) -> (Observed, Finished, String) {
    let root = host::links();
    let limits = Limits { scratch: 2 << 30, inodes: 200_000, time: Duration::from_secs(1800), ..Limits::default() };
    let stage = StagePlan { sources: sources.to_vec(), ..host::stage(root.path(), argv, limits) };
    let cancel = CancelToken::new().expect("descriptors are free");
    let plan = host::plan(&stage);
    let recording = recorder.begin("test", &plan).expect("there is room for one more");
    let mut log = Vec::new();
    let finished = plan.run(
        &Launchers::new(),
        RunIo {
            log: &mut |bytes| log.extend_from_slice(bytes),
            jobserver: None,
            cancel: &cancel,
            tracing: recording.tracing(),
            terminal: None,
        },
    );
    let finished = finished.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)));
    (recording.finish_with_numbers(), finished, String::from_utf8_lossy(&log).into_owned())
}

/// Root's is inside the kernel.
fn recorder() -> &'static Recorder {
    static RECORDER: OnceLock<Recorder> = OnceLock::new();
    let recorder = RECORDER.get_or_init(Recorder::start);
    if let Some(refused) = recorder.refused().filter(|_| host::is_root()) {
        panic!("{refused}");
    }
    recorder
}

fn sh(script: &str) -> Traced {
    let traced = traced(&["/bin/sh", "-euc", script], &[]);
    assert_eq!(traced.finished.outcome, Outcome::Exited(0), "{}", traced.log);
    traced
}

impl Traced {
    /// What the processes of which `is` holds did to a path.
    fn of(&self, path: &[u8], is: impl Fn(&Process) -> bool) -> Ways {
        let mut ways = Ways::default();
        for process in self.trace.processes.iter().filter(|process| is(process)) {
            for access in process.accesses.iter().filter(|access| self.trace.path(access.path) == path) {
                ways = ways.and(access.ways);
            }
        }
        ways
    }

    /// What all of them did.
    fn all(&self, path: &str) -> Ways {
        self.of(path.as_bytes(), |_| true)
    }

    /// The processes that executed a program by this name.
    fn named(&self, name: &str) -> Vec<&Process> {
        let is = |program: &Program| program.arguments.first().is_some_and(|first| first == name.as_bytes());
        self.trace.processes.iter().filter(|process| process.programs.iter().any(is)).collect()
    }

    fn has(&self, path: &str, ways: &[Ways]) {
        let found = self.all(path);
        for way in ways {
            let names: Vec<&str> = found.names().collect();
            assert!(found.any(*way), "{path}: {:?} is not in {names:?}", way.names().collect::<Vec<_>>());
        }
    }
}

#[test]
fn again_as_a_plain_user() {
    host::again_as_a_plain_user("traces as another user", &["trace::tests::acts"], "acts::");
}
