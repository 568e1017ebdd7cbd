//! Traces of real stages, on this host's own `/usr`: as whoever runs the tests, and as a plain user when that is root.

mod acts;
mod bytes;
mod strace;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::*;
use crate::sandbox::{CancelToken, Finished, Launchers, Limits, Outcome, RunIo, StagePlan, Step};

/// Set for the copy of the tests that runs as a plain user.
const AS_USER: &str = "REPRO_TEST_AS_USER";

/// A stage that has run, and what was observed.
struct Traced {
    trace: Trace,
    /// The numbers that the processes had inside, in the same order.
    inner: Vec<u32>,
    finished: Finished,
    log: String,
}

fn traced(argv: &[&str], sources: &[(String, std::path::PathBuf, bool)]) -> Traced {
    let root = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["bin", "lib", "lib64", "sbin"] {
        std::os::unix::fs::symlink(format!("usr/{name}"), root.path().join(name)).expect("the folder is new");
    }
    let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
    let limits = Limits { scratch: 2 << 30, inodes: 200_000, time: Duration::from_secs(600), ..Limits::default() };
    let mut plan = StagePlan {
        tools: vec![root.path().to_owned()],
        sources: sources.to_vec(),
        argv: argv.clone(),
        env: [("PATH".to_owned(), "/usr/bin:/usr/sbin".to_owned())].into(),
        limits,
        ..StagePlan::default()
    }
    .plan();
    let at = plan.steps.iter().position(|step| matches!(step, Step::Root { .. })).expect("every plan has a root");
    if let Step::Root { points, .. } = &mut plan.steps[at] {
        points.push("/usr".to_owned());
    }
    plan.steps.insert(at + 1, Step::Tree { at: "/usr".to_owned(), lower: vec!["/usr".into()], writable: false });
    let cancel = CancelToken::new().expect("descriptors are free");
    // Whoever may not record inside the kernel observes from outside.
    let recording = recorder().map(|recorder| recorder.begin("test", &plan).expect("there is room for one more"));
    let tracer = Tracer::new("test", First::of(&argv)).expect("a thread can be started");
    let mut log = Vec::new();
    let mut listen = |listener| tracer.listen(listener);
    let finished = plan.run(
        &Launchers::new(),
        RunIo {
            log: &mut |bytes| log.extend_from_slice(bytes),
            jobserver: None,
            cancel: &cancel,
            listener: if recording.is_none() { Some(&mut listen) } else { None },
            announced: recording.as_ref().map(Recording::name),
            terminal: None,
        },
    );
    let finished = finished.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)));
    let observed = match recording {
        Some(recording) => recording.finish_with_numbers(),
        None => tracer.finish_with_numbers(),
    };
    let (trace, inner) = observed.expect("it was observed");
    assert_eq!(Trace::decode(&trace.encode()).expect("it can be read again"), trace);
    Traced { trace, inner, finished, log: String::from_utf8_lossy(&log).into_owned() }
}

/// The recorder inside the kernel; none for a plain user.
fn recorder() -> Option<&'static Recorder> {
    static RECORDER: OnceLock<Option<Recorder>> = OnceLock::new();
    let start = || is_root().then(|| Recorder::start().unwrap_or_else(|error| panic!("{error}")));
    RECORDER.get_or_init(start).as_ref()
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

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says aloud that a test could not be done, and fails where none may be left out.
fn skipped(what: &str, why: &str) {
    eprintln!("SKIPPED: {what}: {why}");
    let strict = std::env::var_os("REPRO_TEST_NO_SKIP").is_some() && std::env::var_os(AS_USER).is_none();
    assert!(!strict, "skipped where nothing may be: {what}: {why}");
}

#[test]
fn again_as_a_plain_user() {
    if !is_root() {
        if std::env::var_os(AS_USER).is_none() {
            skipped("traces as another user", "the tests do not run as root");
        }
        return;
    }
    use std::os::unix::process::CommandExt;
    // A copy: the build folder may be closed to others.
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let program = folder.path().join("tests");
    std::fs::copy(std::env::current_exe().expect("the kernel knows"), &program).expect("there is space");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("it is ours");
    let output = Command::new(&program)
        .args(["trace::tests::acts", "--test-threads=2"])
        .env(AS_USER, "1")
        .env("TMPDIR", "/tmp")
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output()
        .expect("the copy can be executed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("acts::"), "{text}");
}
