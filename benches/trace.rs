//! What tracing costs: stages as they are built, alone, recorded inside the kernel (as root), and by a tracer in the
//! sandbox, in turn.
//!
//! `REPRO_STORE=… cargo bench --bench trace -- [ROUNDS] [STAGE…]`: 3 rounds of `zlib`, `busybox` and `musl` unless said
//! otherwise. The stages must have been built (their inputs come from the store); nothing is written to the store but
//! checkouts. Prints the processor time of everything, the observer's thread included, and the clock's time: the
//! smallest and the median of each, and their ratio.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads its environment, looks at the clock and prints"
)]

mod common;

use std::os::fd::AsFd;
use std::time::Instant;

use common::{processor, stage};
use repro::sandbox::{CancelToken, Launchers, Outcome, RunIo};
use repro::store::Store;
use repro::trace::{Recorder, Trace};

fn main() {
    // Cargo's test runner starts benchmarks without a harness, too: there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let (rounds, stages) = stage::words(&["zlib", "busybox", "musl"]);
    let store = stage::store();
    println!("CPU in s, smallest of {rounds} rounds (and median); with two cores");
    println!("{:<10} {:<9} {:>9} {:>18} {:>18} {:>12}", "stage", "how", "calls", "alone", "traced", "ratio");
    for name in stages {
        measure(&store, &name, rounds);
    }
}

/// How a stage is traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Alone,
    /// Inside the kernel.
    Recorded,
    /// By a tracer in the sandbox.
    Traced,
}

fn measure(store: &Store, name: &str, rounds: usize) {
    let prepared = stage::prepared(store, name);
    let root = rustix::process::geteuid().is_root();
    let ways = if root { vec![How::Alone, How::Recorded, How::Traced] } else { vec![How::Alone, How::Traced] };
    let mut times = vec![Vec::new(); ways.len()];
    let mut calls = vec![0; ways.len()];
    for _ in 0..rounds {
        for (at, how) in ways.iter().enumerate() {
            // All that the machine does: what is recorded also costs others, and the kernel's own threads.
            let (begin, before, machine) = (Instant::now(), processor(), machine());
            let trace = run(&prepared.plan, *how);
            let cpu = processor() - before;
            println!(
                "  {name} {how:?} {:.2} s, {:.2} s of CPU, {:.2} s of the whole machine's, {} bytes",
                begin.elapsed().as_secs_f64(),
                cpu.as_secs_f64(),
                self::machine() - machine,
                trace.as_ref().map_or(0, |trace| trace.encode().len()),
            );
            times[at].push(cpu.as_secs_f64());
            calls[at] = trace.map_or(0, |trace| trace.told());
        }
    }
    let figure = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        (times[0], times[times.len() / 2])
    };
    let figures: Vec<(f64, f64)> = times.iter_mut().map(figure).collect();
    let alone = figures[0];
    for ((how, calls), traced) in ways.iter().zip(calls).zip(&figures).skip(1) {
        println!(
            "{name:<10} {how:<9?} {calls:>9} {:>9.2} ({:>6.2}) {:>9.2} ({:>6.2}) {:>5.3} {:>6.3}   (target 1.050)",
            alone.0,
            alone.1,
            traced.0,
            traced.1,
            traced.0 / alone.0,
            traced.1 / alone.1
        );
    }
}

/// Runs a stage with a jobserver for two, as a build does; the encoding belongs to the cost.
fn run(plan: &repro::sandbox::StagePlan, how: How) -> Option<Trace> {
    let cancel = CancelToken::new().expect("descriptors are free");
    let (read, write) = rustix::pipe::pipe().expect("descriptors are free");
    rustix::io::write(&write, b"+").expect("a pipe takes a byte");
    let recorder = match how {
        How::Alone => None,
        How::Recorded => Some(Recorder::start()),
        How::Traced => Some(Recorder::outside()),
    };
    let plan = plan.plan();
    let recording = recorder.as_ref().map(|recorder| recorder.begin("bench", &plan).expect("there is room"));
    let finished = plan.run(
        &Launchers::new(),
        RunIo {
            log: &mut |_| {},
            jobserver: Some([read.as_fd(), write.as_fd()]),
            cancel: &cancel,
            tracing: recording.as_ref().map(repro::trace::Recording::tracing).unwrap_or_default(),
            terminal: None,
        },
    );
    assert_eq!(finished.expect("this host can run stages").outcome, Outcome::Exited(0));
    let trace = recording.map(|recording| recording.finish().expect("it was recorded"));
    if let Some(trace) = &trace {
        std::hint::black_box(trace.encode());
    }
    trace
}

/// Processor time of the whole machine so far, in s, but for waiting (proc_stat(5), in hundredths).
fn machine() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").expect("it is mounted");
    let all: Vec<f64> =
        text.lines().next().unwrap_or_default().split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [user, nice, system, _, _, irq, soft, ..] = all.as_slice() else { return 0.0 };
    (user + nice + system + irq + soft) / 100.0
}
