//! Tests that run real stages, on this host's own `/usr`, as whoever runs the tests; and as a plain user as well when
//! that is root.

mod attributes;
mod bundle;
mod data;
mod end;
mod errors;
mod inside;
mod launchers;
mod limits;
mod observe;
mod views;

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::*;

/// Set for the copy of the tests that runs as a plain user.
const AS_USER: &str = "REPRO_TEST_AS_USER";

/// A stage on this host's `/usr`: a root of nothing but the links of a merged tree.
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
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        for name in ["bin", "lib", "lib64", "sbin"] {
            std::os::unix::fs::symlink(format!("usr/{name}"), root.path().join(name)).expect("the folder is new");
        }
        let made = StagePlan {
            tools: vec![root.path().to_owned()],
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: [("PATH".to_owned(), "/usr/bin:/usr/sbin".to_owned())].into(),
            limits: Limits { scratch: 64 << 20, inodes: 10_000, time: Duration::from_secs(60), ..Limits::default() },
            ..StagePlan::default()
        };
        Self { _root: root, made }
    }

    fn plan(&self) -> Plan {
        let mut plan = self.made.plan();
        let at = plan.steps.iter().position(|step| matches!(step, Step::Root { .. })).expect("every plan has a root");
        if let Step::Root { points, .. } = &mut plan.steps[at] {
            points.push("/usr".to_owned());
        }
        plan.steps.insert(at + 1, Step::Tree { at: "/usr".to_owned(), lower: vec!["/usr".into()], writable: false });
        plan
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
        listener: None,
        announced: None,
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

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says aloud that a test could not be done, and fails where none may be left out. What a plain user cannot do was done
/// by the run that started the one as a plain user.
fn skipped(what: &str, why: &str) {
    eprintln!("SKIPPED: {what}: {why}");
    let strict = std::env::var_os("REPRO_TEST_NO_SKIP").is_some() && std::env::var_os(AS_USER).is_none();
    assert!(!strict, "skipped where nothing may be: {what}: {why}");
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
    if !is_root() {
        if std::env::var_os(AS_USER).is_none() {
            skipped("the sandbox as another user", "the tests do not run as root");
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
        // What is the same for everybody needs no second look, and its expected values may be out of reach.
        .args(["sandbox::", "--test-threads=2", "--skip", "data::a_plan_prints", "--skip", "data::the_bundle"])
        .env(AS_USER, "1")
        .env("TMPDIR", "/tmp")
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output()
        .expect("the copy can be executed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("sandbox::tests::inside"), "{text}");
}
