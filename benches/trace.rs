//! What tracing costs: stages as they are built, with and without the observer, in turn.
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

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use common::processor;
use repro::build::{Resolver, known};
use repro::digest::Digest;
use repro::exec::Local;
use repro::lockfile::Lockfile;
use repro::sandbox::{CancelToken, Launchers, Outcome, RunIo, isolation_id};
use repro::stage::{Graph, ParamValues};
use repro::store::Store;
use repro::trace::{First, Trace, Tracer};

fn main() {
    // Cargo's test runner starts benchmarks without a harness, too: there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rounds: Option<usize> = words.first().and_then(|word| word.parse().ok());
    let named = words.get(usize::from(rounds.is_some())..).unwrap_or_default();
    let stages: Vec<&str> =
        if named.is_empty() { vec!["zlib", "busybox", "musl"] } else { named.iter().map(String::as_str).collect() };
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    let folder = std::env::var_os("REPRO_STORE").map_or_else(|| home.join(".cache/repro"), PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let store = Store::open(&folder).expect("the store can be opened");
    let graph = Graph::load(root, &ParamValues::default()).expect("the stages are right");
    let lockfile = Lockfile::load(&root.join("lockfile.json")).expect("the lockfile is right");
    let rounds = rounds.unwrap_or(3);
    println!("CPU in s, smallest of {rounds} rounds (and median); with two cores");
    println!("{:<10} {:>9} {:>18} {:>18} {:>12}", "stage", "calls", "alone", "traced", "ratio");
    for name in stages {
        measure(&store, &graph, &lockfile, name, rounds);
    }
}

fn measure(store: &Store, graph: &Graph, lockfile: &Lockfile, name: &str, rounds: usize) {
    // What the stage needs is what the lockfile says it is.
    let outputs: BTreeMap<String, Digest> = graph
        .closure(&[name])
        .expect("there is such a stage")
        .into_iter()
        .filter_map(|stage| {
            let output = lockfile.known_output(&stage.name, &known::target(stage, graph.params()))?;
            Some((stage.name.clone(), output.tree))
        })
        .collect();
    let stage = graph.find(name).expect("there is such a stage");
    let resolver = Resolver::new(store, graph, lockfile, isolation_id());
    let (inputs, _) = resolver.inputs(stage, &|need| outputs[need]).expect("its inputs are in the store");
    let prepared = Local::new(store).prepare(name, &inputs, &stage.limits).expect("its inputs can be laid out");
    let mut times = [Vec::new(), Vec::new()];
    let mut calls = 0;
    for _ in 0..rounds {
        for (traced, times) in times.iter_mut().enumerate() {
            let (begin, before) = (Instant::now(), processor());
            let trace = run(&prepared.plan, traced == 1);
            let cpu = processor() - before;
            println!(
                "  {name} {} {:.2} s, {:.2} s of CPU",
                ["alone", "traced"][traced],
                begin.elapsed().as_secs_f64(),
                cpu.as_secs_f64()
            );
            times.push(cpu.as_secs_f64());
            calls = trace.map_or(calls, |trace| trace.observed());
        }
    }
    let figure = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        (times[0], times[times.len() / 2])
    };
    let [alone, traced] = times.each_mut().map(figure);
    println!(
        "{name:<10} {calls:>9} {:>9.2} ({:>6.2}) {:>9.2} ({:>6.2}) {:>5.3} {:>6.3}   (target 1.050)",
        alone.0,
        alone.1,
        traced.0,
        traced.1,
        traced.0 / alone.0,
        traced.1 / alone.1
    );
}

/// Runs a stage with a jobserver for two, as a build does; the encoding belongs to the cost.
fn run(plan: &repro::sandbox::StagePlan, traced: bool) -> Option<Trace> {
    let cancel = CancelToken::new().expect("descriptors are free");
    let (read, write) = rustix::pipe::pipe().expect("descriptors are free");
    rustix::io::write(&write, b"+").expect("a pipe takes a byte");
    let tracer = traced.then(|| Tracer::new("bench", First::of(&plan.argv)).expect("a thread can be started"));
    let mut listen = |listener| {
        if let Some(tracer) = &tracer {
            tracer.listen(listener);
        }
    };
    let finished = plan.plan().run(
        &Launchers::new(),
        RunIo {
            log: &mut |_| {},
            jobserver: Some([read.as_fd(), write.as_fd()]),
            cancel: &cancel,
            listener: if traced { Some(&mut listen) } else { None },
            terminal: None,
        },
    );
    assert_eq!(finished.expect("this host can run stages").outcome, Outcome::Exited(0));
    let trace = tracer.map(|tracer| tracer.finish().expect("it was observed"));
    if let Some(trace) = &trace {
        std::hint::black_box(trace.encode());
    }
    trace
}
