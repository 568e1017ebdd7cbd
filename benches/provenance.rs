//! What it costs to ask a big trace: a synthetic stage that compiles 29,000 files against 5,000 headers, links each ten
//! objects to a program, and installs the programs; 10,000,000 accesses.
//!
//! `cargo bench --bench provenance -- [FILES]`. Prints the size of the trace, how long it takes to index it and how much
//! memory that needs, and how long questions take: for one program, for one in a thousand of them, and for a file that all
//! programs went into. Nothing is read but the trace.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark looks at the clock and prints")]

use std::collections::BTreeMap;
use std::time::Instant;

use repro::provenance::{Class, Index};
use repro::trace::{Access, Exit, PathEntry, PathId, Process, Program, ROOT, Trace, Ways};

/// Headers that there are, and that each file includes.
const HEADERS: usize = 5000;
const INCLUDED: usize = 380;
/// Objects of a program.
const OBJECTS: usize = 10;

fn main() {
    // Cargo's test runner starts benchmarks without a harness, too: there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let files = words.filter_map(|word| word.parse().ok()).next().unwrap_or(29_000);
    let begin = Instant::now();
    let (bytes, processes, accesses) = {
        let trace = synthetic(files);
        let accesses: usize = trace.processes.iter().map(|process| process.accesses.len()).sum();
        (trace.encode(), trace.processes.len(), accesses)
    };
    println!(
        "made in {:.1} s: {processes} processes, {accesses} accesses, {} KiB",
        begin.elapsed().as_secs_f64(),
        bytes.len() / 1024
    );
    let before = resident();
    let begin = Instant::now();
    let mut index = Index::new(&bytes).expect("it is a trace");
    println!("index: {:.2} s, {} MiB", begin.elapsed().as_secs_f64(), (resident() - before) / 1024);
    let mut ask = |what: &str, paths: &[String]| {
        let begin = Instant::now();
        let mut data = 0;
        for path in paths {
            data += index.reach(path).iter().filter(|reach| reach.class == Class::Data).count();
        }
        let each = begin.elapsed().as_secs_f64() * 1000.0 / paths.len() as f64;
        println!("{what}: {each:.2} ms, {data} files as data");
    };
    let program = |number: usize| format!("/out/bin/p{number}");
    ask("one program", &[program(7)]);
    let some: Vec<String> = (0..files / OBJECTS).step_by((files / OBJECTS / 1000).max(1)).map(program).collect();
    ask(&format!("each of {} programs", some.len()), &some);
    ask("a file that all programs went into", &["/out/image".to_owned()]);
}

/// KiB of memory in use.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[derive(Default)]
struct Maker {
    trace: Trace,
    ids: BTreeMap<(PathId, Vec<u8>), PathId>,
    order: u32,
}

impl Maker {
    fn id(&mut self, path: &str) -> PathId {
        path.split('/').filter(|name| !name.is_empty()).fold(ROOT, |at, name| {
            let paths = &mut self.trace.paths;
            *self.ids.entry((at, name.as_bytes().to_vec())).or_insert_with(|| {
                paths.push(PathEntry { parent: at, name: name.as_bytes().to_vec() });
                paths.len() as PathId - 1
            })
        })
    }

    fn process(&mut self, parent: u32, program: &str, reads: &[(PathId, bool)], writes: &[PathId]) -> u32 {
        // So far apart that the order is certain.
        self.order += 300;
        let (start, path, directory) = (self.order, self.id(program), self.id("/build"));
        let arguments = vec![program.as_bytes().to_vec(), b"file.c".to_vec()];
        let mut accesses: BTreeMap<PathId, Access> = BTreeMap::new();
        let mut add = |path: PathId, ways: Ways, read, written| {
            accesses.insert(path, Access { path, ways, read, written });
        };
        add(path, Ways::EXECUTED, None, None);
        for (path, changed) in reads {
            add(*path, Ways::READ, changed.then_some((start + 1, start + 1)), None);
        }
        for path in writes {
            add(*path, Ways::WRITTEN.and(Ways::CREATED), None, Some((start + 2, start + 2)));
        }
        self.order += 3;
        self.trace.processes.push(Process {
            parent,
            start,
            end: Some(self.order),
            exit: Exit::Code(0),
            programs: vec![Program { order: start, path, directory, arguments, cut: false }],
            accesses: accesses.into_values().collect(),
        });
        self.trace.processes.len() as u32
    }
}

fn synthetic(files: usize) -> Trace {
    let mut maker = Maker::default();
    let root = PathEntry { parent: ROOT, name: Vec::new() };
    maker.trace.paths = vec![root.clone(), root];
    let headers: Vec<PathId> =
        (0..HEADERS).map(|at| maker.id(&format!("/target/usr/include/d{}/h{at}.h", at % 50))).collect();
    let make = maker.process(0, "/usr/bin/make", &[], &[]);
    let config = maker.id("/build/config.h");
    maker.process(make, "/usr/bin/awk", &[], &[config]);
    let mut objects = Vec::new();
    let mut programs = Vec::new();
    for at in 0..files {
        let driver = maker.process(make, "/usr/bin/gcc", &[], &[]);
        let (source, text, object) = (
            maker.id(&format!("/src/big/d{}/f{at}.c", at % 200)),
            maker.id(&format!("/tmp/{at}.s")),
            maker.id(&format!("/build/f{at}.o")),
        );
        let mut reads = vec![(source, false), (config, true)];
        reads.extend((0..INCLUDED).map(|number| (headers[(at * 13 + number * number) % HEADERS], false)));
        maker.process(driver, "/usr/libexec/cc1", &reads, &[text]);
        maker.process(driver, "/usr/bin/as", &[(text, true)], &[object]);
        objects.push((object, true));
        if objects.len() == OBJECTS {
            let number = programs.len();
            let (linked, program) = (maker.id(&format!("/build/p{number}")), maker.id(&format!("/out/bin/p{number}")));
            let driver = maker.process(make, "/usr/bin/gcc", &[], &[]);
            maker.process(driver, "/usr/bin/ld", &std::mem::take(&mut objects), &[linked]);
            maker.process(make, "/usr/bin/install", &[(linked, true)], &[program]);
            programs.push((program, true));
        }
    }
    let image = maker.id("/out/image");
    maker.process(make, "/usr/bin/pack", &programs, &[image]);
    maker.trace
}
