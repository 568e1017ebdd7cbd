//! What it costs a stage that more holds still while it runs: each level, beside what others do for a part of it.
//!
//! `cargo bench --bench levels -- [ROUNDS] [STAGE…]`: 3 rounds of `zlib`, `busybox` and `musl` unless said otherwise; the
//! stages must have been built. In turn:
//!
//! - `isolated`, `steady`, `strict`: the levels, without any trace;
//! - `faketime`: isolated, with libfaketime(1) loaded into each program that has a dynamic loader: a fixed clock, and nothing
//!   else;
//! - `strace`: isolated, each call of each process stopped and printed to nowhere (`strace -f`).
//!
//! The last two are left out, aloud, where they are not installed. Prints the processor time of everything, the supervisor's
//! included, and the clock's time: the smallest and the median of each, and the ratios to `isolated`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads its environment, looks at the clock and prints"
)]

mod common;

use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use common::{processor, stage};
use repro::sandbox::{CancelToken, Launchers, Outcome, RunIo, Tracing};
use repro::stage::Level;

/// Where Debian puts it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const WAYS: [&str; 5] = ["isolated", "steady", "strict", "faketime", "strace"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // Cargo's test runner starts benchmarks without a harness, too: there is nothing to test here.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    if let [_, flag, stage, way] = arguments.as_slice()
        && flag == "--one"
    {
        return one(stage, way);
    }
    let (rounds, stages) = stage::words(&["zlib", "busybox", "musl"]);
    let there = |way: &&str| match *way {
        "faketime" => Path::new(FAKETIME).exists(),
        "strace" => Command::new("strace").arg("-V").output().is_ok(),
        _ => true,
    };
    let (ways, missing): (Vec<&str>, Vec<&str>) = WAYS.iter().copied().partition(there);
    for way in missing {
        println!("{way}: not installed, left out");
    }
    println!("smallest of {rounds} rounds (and median), with two cores");
    println!("{:<10} {:<9} {:>20} {:>7} {:>20} {:>7}", "stage", "how", "CPU s", "ratio", "wall s", "ratio");
    for name in stages {
        let mut times = vec![(Vec::new(), Vec::new()); ways.len()];
        for _ in 0..rounds {
            for (way, (cpu, wall)) in ways.iter().zip(&mut times) {
                let (begin, before) = (Instant::now(), processor());
                spawn(&name, way);
                wall.push(begin.elapsed().as_secs_f64());
                cpu.push((processor() - before).as_secs_f64());
            }
        }
        let figure = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            (times[0], times[times.len() / 2])
        };
        let figures: Vec<_> = times.iter_mut().map(|(cpu, wall)| (figure(cpu), figure(wall))).collect();
        let base = figures[0];
        for (way, (cpu, wall)) in ways.iter().zip(&figures) {
            println!(
                "{name:<10} {way:<9} {:>10.2} ({:>7.2}) {:>7.3} {:>10.2} ({:>7.2}) {:>7.3}",
                cpu.0,
                cpu.1,
                cpu.0 / base.0.0,
                wall.0,
                wall.1,
                wall.0 / base.1.0
            );
        }
    }
}

/// Runs this very program for one stage: what it and all below it use can be told then.
fn spawn(name: &str, way: &str) {
    let me = std::env::current_exe().expect("the kernel knows");
    let mut command = match way {
        "strace" => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-q", "-o", "/dev/null"]).arg(me);
            strace
        }
        _ => Command::new(me),
    };
    let status = command.args(["--one", name, way]).status().expect("it can be started");
    assert!(status.success(), "{name} {way}: {status}");
}

fn one(name: &str, way: &str) {
    let store = stage::store();
    let mut prepared = stage::prepared(&store, name);
    // Of its own file system, as it is the only thing that the sandbox sees of this host.
    let layer = tempfile::tempdir().expect("a temporary folder can be made");
    let plan = &mut prepared.plan;
    plan.level = Level::parse(way).unwrap_or_default();
    if way == "faketime" {
        std::fs::copy(FAKETIME, layer.path().join("libfaketime.so")).expect("it can be copied");
        plan.inputs.push(("faketime".to_owned(), layer.path().to_owned()));
        plan.env.insert("LD_PRELOAD".to_owned(), "/in/faketime/libfaketime.so".to_owned());
        plan.env.insert("FAKETIME".to_owned(), "1980-01-02 00:00:01".to_owned());
    }
    let cancel = CancelToken::new().expect("descriptors are free");
    let (read, write) = rustix::pipe::pipe().expect("descriptors are free");
    rustix::io::write(&write, b"+").expect("a pipe takes a byte");
    let mut log = Vec::new();
    let finished = plan.plan().run(
        &Launchers::new(),
        RunIo {
            log: &mut |bytes| log.extend_from_slice(bytes),
            jobserver: Some([read.as_fd(), write.as_fd()]),
            cancel: &cancel,
            tracing: Tracing::Off,
            terminal: None,
        },
    );
    let outcome = finished.expect("this host can run stages").outcome;
    let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(2000)..]);
    assert_eq!(outcome, Outcome::Exited(0), "{tail}");
    assert!(!log.windows(9).any(|bytes| bytes == b"preloaded"), "{tail}");
}
