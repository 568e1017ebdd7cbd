//! `repro trace`

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::build::engine;
use crate::build::Options;
use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure, causes};
use crate::digest::Digest;
use crate::exec;
use crate::report::{Table, clean};
use crate::schedule::queue::OnFailure;
use crate::trace::{Exit, PathId, Process, Trace, Ways};

/// Show what a stage did: its processes, and what they read, wrote and looked for.
///
/// Every stage is recorded while it is built, and what it did is kept with its result. Where that is not known, because
/// events or the trace were lost, the stage is executed once more, and has to leave the same tree.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro trace musl
  repro trace musl --processes
  repro trace musl --files | grep absent
  repro trace musl --rebuild         execute it once more

With --json every line is an object. What happens meanwhile has the `event`s of `repro build`; the trace follows. Its `type` is `trace` (schema, stage, digest, size, calls by kind, numbers of \
                        processes, paths and accesses), `process` (number, parent, start, end, exit, programs) or \
                        `access` (process, path, ways, and for paths that the stage changed the order numbers of the \
                        first and last read and write). Bytes that are no UTF-8 are shown as U+FFFD.")]
pub struct Args {
    /// The stage.
    pub stage: String,
    /// Show only the tree of processes.
    #[arg(long, conflicts_with = "files")]
    pub processes: bool,
    /// Show only the paths, each with what was done to it by any process.
    #[arg(long)]
    pub files: bool,
    /// Execute the stage although its trace is known.
    #[arg(long)]
    pub rebuild: bool,
}

/// Runs it.
///
/// # Errors
/// The stage is unknown, could not be built, or came to another tree than the known one.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let name = &args.stage;
    project.stage(name)?;
    let digest = match stored(&project, args, context)? {
        Some(digest) => digest,
        None => record(&project, args, context)?,
    };
    let trace = Trace::decode(&project.store.get_bytes(digest)?)?;
    let mut text = String::new();
    if context.globals.json {
        let calls: BTreeMap<&str, u64> = trace.calls.iter().map(|(kind, count)| (kind.name(), *count)).collect();
        let accesses: usize = trace.processes.iter().map(|process| process.accesses.len()).sum();
        let head = json!({
            "type": "trace", "schema": 1, "stage": name, "digest": digest, "size": digest.size, "calls": calls,
            "processes": trace.processes.len(), "paths": trace.paths.len(), "accesses": accesses,
        });
        let _ = writeln!(text, "{head}");
        for (number, process) in (1..).zip(&trace.processes) {
            if !args.files {
                let _ = writeln!(text, "{}", process_json(&trace, number, process));
            }
            if !args.processes {
                accesses_json(&trace, number, process, &mut text);
            }
        }
    } else if args.files {
        text = files(&trace, context);
    } else {
        if !args.processes {
            summary(name, &trace, digest.size, &mut text);
        }
        tree(&trace, &mut text);
    }
    context.print(&text)?;
    Ok(ExitCode::Done)
}

/// The trace of the stage as it is now, if it is known. What prevents looking, prevents recording too.
fn stored(project: &Project, args: &Args, context: &Context) -> Result<Option<Digest>, Failure> {
    if args.rebuild {
        return Ok(None);
    }
    let Ok(preview) = project.preview(&args.stage, context) else { return Ok(None) };
    Ok(exec::known(&project.store, preview.key)?.and_then(|done| done.trace))
}

/// Executes the stage.
fn record(project: &Project, args: &Args, context: &Context) -> Result<Digest, Failure> {
    let Project { store, graph, lockfile } = project;
    let named = vec![args.stage.clone()];
    let options = Options {
        jobs: context.jobs,
        on_failure: OnFailure::FinishRunning,
        rebuild: if args.rebuild { named.clone() } else { Vec::new() },
        trace: named,
        check_outputs: true,
    };
    let run = engine(context, store, graph, lockfile, &[&args.stage], &options, &())?;
    if let Some(signal) = context.cancel.signal() {
        return Err(Failure::quiet(ExitCode::Signal(signal)));
    }
    if let Some((_, error)) = run.failed.first() {
        return Err(Failure::quiet(causes::build_code(error)));
    }
    let lost = || Failure::new(ExitCode::Bug, format!("cannot show the trace of `{}`: it was not kept", args.stage));
    let built = run.built.iter().find(|built| built.stage == args.stage).ok_or_else(lost)?;
    exec::known(store, built.action)?.and_then(|done| done.trace).ok_or_else(lost)
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn process_json(trace: &Trace, number: u32, process: &Process) -> serde_json::Value {
    let programs: Vec<serde_json::Value> = process
        .programs
        .iter()
        .map(|program| {
            let arguments: Vec<String> = program.arguments.iter().map(|argument| shown(argument)).collect();
            json!({
                "order": program.order, "path": shown(&trace.path(program.path)), "arguments": arguments,
                "directory": shown(&trace.path(program.directory)), "cut": program.cut,
            })
        })
        .collect();
    let exit = if let Exit::Code(code) = process.exit { Some(code) } else { None };
    let parent = Some(process.parent).filter(|parent| *parent > 0);
    json!({
        "type": "process", "number": number, "parent": parent, "start": process.start, "end": process.end,
        "exit": exit, "programs": programs,
    })
}

fn accesses_json(trace: &Trace, number: u32, process: &Process, text: &mut String) {
    for access in &process.accesses {
        let ways: Vec<&str> = access.ways.names().collect();
        let line = json!({
            "type": "access", "process": number, "path": shown(&trace.path(access.path)), "ways": ways,
            "read": access.read, "written": access.written,
        });
        let _ = writeln!(text, "{line}");
    }
}

/// What was done to each path by any process, and by how many.
fn by_path(trace: &Trace) -> BTreeMap<PathId, (Ways, u64)> {
    let mut all: BTreeMap<PathId, (Ways, u64)> = BTreeMap::new();
    for access in trace.processes.iter().flat_map(|process| &process.accesses) {
        let (ways, count) = all.entry(access.path).or_default();
        *ways = ways.and(access.ways);
        *count += 1;
    }
    all
}

/// All of it, in one paragraph.
fn summary(name: &str, trace: &Trace, size: u64, text: &mut String) {
    let all = by_path(trace);
    let of = |way: Ways| all.values().filter(|(ways, _)| ways.any(way)).count();
    let _ = writeln!(
        text,
        "`{name}`: {} calls by {} processes, {} paths: {} read, {} written, {} executed, {} absent; {size} bytes",
        trace.told(),
        trace.processes.len(),
        all.len(),
        of(Ways::READ),
        of(Ways::WRITTEN),
        of(Ways::EXECUTED),
        of(Ways::ABSENT),
    );
}

/// The processes below their parents, each with its programs and with how much it read and wrote.
fn tree(trace: &Trace, text: &mut String) {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (number, process) in (1..).zip(&trace.processes) {
        children.entry(process.parent).or_default().push(number);
    }
    // A parent has a lower number than its children, so this ends.
    let mut waiting: Vec<(u32, usize)> = children.get(&0).into_iter().flatten().rev().map(|root| (*root, 0)).collect();
    while let Some((number, depth)) = waiting.pop() {
        let Some(process) = trace.processes.get(number as usize - 1) else { continue };
        let of = |way: Ways| process.accesses.iter().filter(|access| access.ways.any(way)).count();
        let end = match process.exit {
            Exit::Code(0) => String::new(),
            Exit::Code(code) => format!(", exit {code}"),
            Exit::Signal(signal) => format!(", killed by signal {signal}"),
            Exit::Unknown => ", killed".to_owned(),
        };
        let (reads, writes, absent) = (of(Ways::READ), of(Ways::WRITTEN), of(Ways::ABSENT));
        let programs: Vec<String> = process
            .programs
            .iter()
            .map(|program| {
                let words: Vec<String> = program.arguments.iter().map(|word| shown(word)).collect();
                let cut = if program.cut { " …" } else { "" };
                clean(&format!("{}{cut}", words.join(" ").replace('\n', " ")))
            })
            .collect();
        let programs = if programs.is_empty() { "(forked)".to_owned() } else { programs.join(" => ") };
        let indent = "  ".repeat(depth.min(40));
        let _ = writeln!(text, "{indent}{number} {programs}  [{reads} read, {writes} written, {absent} absent{end}]");
        waiting.extend(children.get(&number).into_iter().flatten().rev().map(|child| (*child, depth + 1)));
    }
}

/// The paths in the order of their bytes, each with the ways of all processes.
fn files(trace: &Trace, context: &Context) -> String {
    // Each path has one number.
    let all: BTreeMap<_, _> = by_path(trace).into_iter().map(|(path, found)| (trace.path(path), found)).collect();
    let mut table = Table::new(context.palette(crate::cli::terminal::Stream::Out), &[">processes", "path", "ways"]);
    for (path, (ways, count)) in &all {
        table.row([count.to_string(), clean(&shown(path)), ways.names().collect::<Vec<_>>().join(" ")]);
    }
    table.text()
}
