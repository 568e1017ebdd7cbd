//! Tests that run real stages, on this host's own `/usr`, as whoever runs the tests; and as a plain user as well when
//! that is root.

mod answers;
mod attributes;
mod bundle;
mod data;
mod end;
mod errors;
pub(crate) mod host;
mod inside;
mod launchers;
mod limits;
mod views;

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use super::*;
use host::{is_root, skipped};

/// A stage on this host's `/usr`.
struct Stage {
    _root: tempfile::TempDir,
    made: StagePlan,
}

impl Stage {
    fn sh(script: &str) -> Self {
        Self::of(&["/bin/sh", "-euc", script])
    }

    fn python(script: &str) -> Self {
        Self::of(&["/usr/bin/python3", "-ISBuc", script])
    }

    fn of(argv: &[&str]) -> Self {
        let root = host::links();
        let limits = Limits { scratch: 64 << 20, inodes: 10_000, time: Duration::from_secs(60), ..Limits::default() };
        let made = host::stage(root.path(), argv, limits);
        Self { _root: root, made }
    }

    fn plan(&self) -> Plan {
        host::plan(&self.made)
    }

    fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.made.limits);
        self
    }

    fn run(&self) -> (Finished, String) {
        self.run_with(None)
    }

    fn run_with(&self, jobserver: Option<&[OwnedFd; 2]>) -> (Finished, String) {
        let cancel = CancelToken::new().expect("descriptors are free");
        run(&self.plan(), jobserver, &cancel).unwrap_or_else(|error| {
            panic!("{error}: {:?}; {:?}", std::error::Error::source(&error), error.hint());
        })
    }

    /// The output of a stage that must succeed.
    fn output(&self) -> String {
        let (finished, log) = self.run();
        assert_eq!(finished.outcome, Outcome::Exited(0), "{log}");
        log
    }
}

fn run(plan: &Plan, jobserver: Option<&[OwnedFd; 2]>, cancel: &CancelToken) -> Result<(Finished, String), Error> {
    use std::os::fd::AsFd;
    let mut log = Vec::new();
    let io = RunIo {
        log: &mut |bytes| log.extend_from_slice(bytes),
        jobserver: jobserver.map(|[read, write]| [read.as_fd(), write.as_fd()]),
        cancel,
        tracing: Tracing::Off,
        terminal: None,
    };
    let finished = plan.run(&Launchers::new(), io)?;
    Ok((finished, String::from_utf8_lossy(&log).into_owned()))
}

fn read_at(folder: &OwnedFd, name: &str) -> String {
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, rustix::fs::Mode::empty()).expect("the stage made the file");
    let mut text = String::new();
    std::fs::File::from(file).read_to_string(&mut text).expect("it is text");
    text
}

/// How many processes have this word in their command line.
fn processes_with(word: &str) -> usize {
    let has =
        |pid: &Path| std::fs::read(pid.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(word));
    let pids = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
    pids.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok() && has(&entry.path())).count()
}

/// Waits until something holds, at most so long.
fn within(time: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = std::time::Instant::now() + time;
    while !holds() {
        if std::time::Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

#[test]
fn again_as_a_plain_user() {
    // What is the same for everybody needs no second look, and its expected values may be out of reach.
    let tests = ["sandbox::", "--skip", "data::a_plan_prints", "--skip", "data::the_bundle"];
    host::again_as_a_plain_user("the sandbox as another user", &tests, "sandbox::tests::inside");
}
