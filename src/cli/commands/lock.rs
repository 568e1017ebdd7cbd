//! `repro lock`

use std::time::{Duration, SystemTime};

use super::build;
use crate::build::Options;
use crate::cli::{Context, ExitCode, Failure, causes, pins};
use crate::fetch::Fetcher;
use crate::fetch::lock::{self, Update};
use crate::lockfile::{KnownOutput, Lockfile, diff};
use crate::schedule::queue::OnFailure;
use crate::stage::Graph;

/// Pin all inputs: resolve packages and sources into lockfile.json.
///
/// What is pinned and still fits stays as it is. Packages move only with --update.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro lock                     pin what is new
  repro lock --check             is the lockfile complete and up to date?
  repro lock --update            take the packages that the archives have now")]
pub struct Args {
    /// Change nothing; the answer is no (1) when something would change.
    #[arg(long)]
    pub check: bool,
    /// Resolve all sysroots again, against the archives as they are now.
    #[arg(long, conflicts_with = "check")]
    pub update: bool,
    /// Build everything, and record the outputs as the ones that this revision builds.
    #[arg(long, conflicts_with = "check")]
    pub update_outputs: bool,
}

/// Runs it.
///
/// # Errors
/// An input could not be had, verified or resolved; the lockfile is untouched then.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let graph = context.graph()?;
    let request = pins::request(&graph)?;
    let old = context.lockfile_if_any()?;
    if args.check {
        return check(&request, &old.unwrap_or_default(), context);
    }
    if args.update_outputs {
        return update_outputs(&graph, context);
    }
    let store = context.open_store()?;
    let update = if args.update { Update::All } else { Update::Needed };
    let reporter = context.reporter();
    let progress = pins::FetchEvents::new(&*reporter);
    let fetcher = Fetcher::new(&store, pins::config(context), &progress);
    let result = lock::resolve(&fetcher, &request, old.as_ref(), update, since_1970());
    drop(reporter);
    let new = result?;
    let changes = diff(&old.unwrap_or_default(), &new);
    new.save(&context.lockfile_path())?;
    context.print(&changes.to_string())?;
    context.say(if changes.is_empty() { "nothing to change" } else { "wrote `lockfile.json`" });
    Ok(ExitCode::Done)
}

/// Builds all that the default targets need, and records what comes of it as known.
fn update_outputs(graph: &Graph, context: &Context) -> Result<ExitCode, Failure> {
    let (store, old) = (context.open_store()?, context.lockfile()?);
    let options =
        Options { jobs: context.jobs, on_failure: OnFailure::FinishRunning, rebuild: Vec::new(), check_outputs: false };
    let run = build::engine(context, &store, graph, &old, &graph.default_targets(), &options)?;
    if let Some((_, error)) = run.failed.first() {
        return Err(Failure::quiet(causes::build_code(error)));
    }
    let mut new = old.clone();
    // Stages that are gone must not stay known.
    new.outputs.retain(|stage, _| graph.stage(stage).is_some());
    for built in &run.built {
        new.set_output(&built.stage, &built.target, KnownOutput { action: built.action, tree: built.output });
    }
    let changes = diff(&old, &new);
    new.save(&context.lockfile_path())?;
    context.print(&changes.to_string())?;
    context.say(if changes.is_empty() { "nothing to change" } else { "wrote `lockfile.json`" });
    Ok(ExitCode::Done)
}

/// Says in which ways the lockfile does not fit. Asks nobody.
fn check(request: &lock::Request, lockfile: &Lockfile, context: &Context) -> Result<ExitCode, Failure> {
    let found = lock::check(request, lockfile);
    let text: String = found.iter().map(|one| format!("{one}\n")).collect();
    if context.globals.json {
        let list: Vec<String> = found.iter().map(ToString::to_string).collect();
        context.print_json(&serde_json::json!({ "schema": 1, "disagreements": list }))?;
    } else {
        context.print(&text)?;
    }
    if found.is_empty() {
        context.say("`lockfile.json` fits the definitions");
        return Ok(ExitCode::Done);
    }
    context.say("`repro lock` brings it up to date");
    Ok(ExitCode::No)
}

/// The clock, for the validity of signatures.
#[expect(clippy::disallowed_methods, reason = "the command line is where the clock comes in")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
