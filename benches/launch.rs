//! What starting an empty stage costs, against the least that the kernel needs for it and against bubblewrap.
//!
//! `cargo bench --bench launch`: 60 rounds, in which every way is taken once, in turn, so that all meet the same load;
//! prints the smallest and the median time of each, the processor time, and the ratios. The stage is `true` from this
//! host's `/usr`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark makes files, looks at the clock and prints"
)]

mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::processor;
use repro::sandbox::{CancelToken, Launchers, Namespace, Outcome, Plan, RunIo, StagePlan, Step, Tracing};
use repro::sys::process::{clone_process, wait};

const ROUNDS: usize = 60;

/// Starts something and waits for it.
type Way<'a> = Box<dyn FnMut() + 'a>;

fn main() {
    // Cargo's test runner starts benchmarks without a harness, too: there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let root = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["bin", "lib", "lib64", "sbin"] {
        std::os::unix::fs::symlink(format!("usr/{name}"), root.path().join(name)).expect("the folder is new");
    }
    let plan = plan(root.path().into());
    let bwrap = Command::new("bwrap").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !bwrap {
        println!("bwrap is not installed: left out");
    }

    let launchers = Launchers::new();
    let mut ways: Vec<(&str, Way)> = vec![
        ("clone3, no namespaces", Box::new(|| bare(&[], false))),
        ("clone3, 7 namespaces", Box::new(|| bare(&Namespace::ALL, false))),
        ("clone3, 7 namespaces, tmpfs, pivot_root", Box::new(|| bare(&Namespace::ALL, true))),
        ("fork and exec of true", Box::new(|| spawn(&mut Command::new("/usr/bin/true")))),
        ("Plan::run of true", Box::new(|| run(&launchers, &plan))),
    ];
    if bwrap {
        ways.push(("bwrap of true", Box::new(|| spawn(&mut bubblewrap()))));
    }
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(ROUNDS); ways.len()];
    let mut busy = vec![Duration::ZERO; ways.len()];
    for round in 0..ROUNDS + 3 {
        for (((_, way), times), busy) in ways.iter_mut().zip(&mut times).zip(&mut busy) {
            let (begin, before) = (Instant::now(), processor());
            way();
            // The first rounds fill caches.
            if round >= 3 {
                times.push(begin.elapsed());
                *busy += processor() - before;
            }
        }
    }
    // A launcher's time counts when it has ended.
    let names: Vec<&str> = ways.into_iter().map(|(name, _)| name).collect();
    let before = processor();
    drop(launchers);
    busy[4] += (processor() - before) * ROUNDS as u32 / (ROUNDS as u32 + 3);
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let mut figures = Vec::new();
    println!("{:<42} {:>8} {:>8} {:>8}   (ms, {ROUNDS} rounds)", "", "min", "median", "cpu");
    for ((name, times), busy) in names.iter().zip(&mut times).zip(&busy) {
        times.sort_unstable();
        let busy = ms(*busy) / ROUNDS as f64;
        println!("{name:<42} {:>8.3} {:>8.3} {busy:>8.3}", ms(times[0]), ms(times[ROUNDS / 2]));
        figures.push((ms(times[0]), ms(times[ROUNDS / 2])));
    }
    let ours = figures[4];
    println!("Plan::run / bare sandbox: {:.2} / {:.2}", ours.0 / figures[2].0, ours.1 / figures[2].1);
    if let Some(theirs) = figures.get(5) {
        println!("Plan::run / bwrap:        {:.2} / {:.2}   (target 0.50)", ours.0 / theirs.0, ours.1 / theirs.1);
    }
}

fn plan(root: PathBuf) -> Plan {
    let mut plan = StagePlan {
        tools: vec![root],
        argv: vec!["/usr/bin/true".to_owned()],
        env: [("PATH".to_owned(), "/usr/bin".to_owned())].into(),
        ..StagePlan::default()
    }
    .plan();
    let at = plan.steps.iter().position(|step| matches!(step, Step::Root { .. })).expect("every plan has a root");
    if let Step::Root { points, .. } = &mut plan.steps[at] {
        points.push("/usr".to_owned());
    }
    plan.steps.insert(at + 1, Step::Tree { at: "/usr".to_owned(), lower: vec!["/usr".into()], writable: false });
    plan
}

fn run(launchers: &Launchers, plan: &Plan) {
    let cancel = CancelToken::new().expect("descriptors are free");
    let io = RunIo { log: &mut |_| {}, jobserver: None, cancel: &cancel, tracing: Tracing::Off, terminal: None };
    let finished = plan.run(launchers, io).expect("this host can run stages");
    assert_eq!(finished.outcome, Outcome::Exited(0));
}

/// What the kernel alone takes: the process, its namespaces, an empty root.
fn bare(namespaces: &[Namespace], root: bool) {
    let flags = namespaces.iter().fold(0, |flags, namespace| flags | namespace.flag());
    let mut child = || if root && pivot().is_err() { 1 } else { 0 };
    let spawned = clone_process(flags, &mut child).expect("this host can make namespaces");
    let (_, status, _) = wait(spawned.pid).expect("it is our child");
    assert_eq!(status, 0);
}

fn pivot() -> rustix::io::Result<()> {
    use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, UnmountFlags};
    let context = rustix::mount::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_create(&context)?;
    let made = rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(&made, c"", rustix::fs::CWD, c"/proc", flags)?;
    rustix::process::fchdir(&made)?;
    rustix::process::pivot_root(c".", c".")?;
    rustix::mount::unmount(c".", UnmountFlags::DETACH)
}

fn spawn(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("the program exists");
    assert!(status.success());
}

fn bubblewrap() -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "repro"]);
    command.args(["--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"]);
    command.args(["--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
    command.args(["--tmpfs", "/build", "--tmpfs", "/out", "--chdir", "/build", "/usr/bin/true"]);
    command
}
