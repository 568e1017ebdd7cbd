//! `repro lock`

use std::time::{Duration, SystemTime};

use super::build;
use crate::build::{Options, Records};
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
  repro lock --update            take the packages that the archives have now
  repro lock --update-outputs packages    record what these leave, with all that they need")]
pub struct Args {
    /// With --update-outputs: the stages [default: those that are built when nothing is named].
    #[arg(value_name = "STAGE", requires = "update_outputs")]
    pub stages: Vec<String>,
    /// Change nothing; the answer is no (1) when something would change.
    #[arg(long)]
    pub check: bool,
    /// Resolve all sysroots again, against the archives as they are now.
    #[arg(long, conflicts_with = "check")]
    pub update: bool,
    /// Build the stages and all that they need, and record the outputs as the ones that this revision builds.
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
        return check(&request, &old.unwrap_or_default(), &graph, context);
    }
    if args.update_outputs {
        return update_outputs(&args.stages, &graph, context);
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

/// Builds these stages, or the default targets, and all that they need, and records what comes of it as known.
fn update_outputs(stages: &[String], graph: &Graph, context: &Context) -> Result<ExitCode, Failure> {
    let (store, old) = (context.open_store()?, context.lockfile()?);
    let options = Options {
        jobs: context.jobs,
        on_failure: OnFailure::FinishRunning,
        rebuild: Vec::new(),
        trace: Vec::new(),
        check_outputs: false,
    };
    let targets = if stages.is_empty() { graph.default_targets() } else { stages.iter().map(String::as_str).collect() };
    let run = build::engine(context, &store, graph, &old, &targets, &options, &())?;
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
fn check(request: &lock::Request, lockfile: &Lockfile, graph: &Graph, context: &Context) -> Result<ExitCode, Failure> {
    let mut found: Vec<String> = lock::check(request, lockfile).iter().map(ToString::to_string).collect();
    found.extend(outputs(lockfile, graph, context)?);
    let text: String = found.iter().map(|one| format!("{one}\n")).collect();
    if context.globals.json {
        context.print_json(&serde_json::json!({ "schema": 1, "disagreements": found }))?;
    } else {
        context.print(&text)?;
    }
    if found.is_empty() {
        context.say("`lockfile.json` fits the definitions");
        return Ok(ExitCode::Done);
    }
    context.say("`repro lock` brings pins up to date, `repro lock --update-outputs` the outputs");
    Ok(ExitCode::No)
}

/// Known outputs of stages that are gone, and of stages whose last build here was of another action: their definitions,
/// or something below them, have changed since the outputs were recorded.
fn outputs(lockfile: &Lockfile, graph: &Graph, context: &Context) -> Result<Vec<String>, Failure> {
    let store = context.store.is_dir().then(|| context.open_store()).transpose()?;
    let records = store.as_ref().map(|store| Records::new(store, graph.root()));
    let mut found = Vec::new();
    for (name, targets) in &lockfile.outputs {
        let Some(stage) = graph.stage(name) else {
            found.push(format!("output of `{name}`: there is no such stage"));
            continue;
        };
        let target = graph.target(stage);
        let last = records.as_ref().and_then(|records| records.load(name, &target));
        if let (Some(known), Some(last)) = (targets.get(&target), last)
            && known.action != last.record.key
        {
            found.push(format!("output of `{name}` for `{target}`: the stage has changed since it was recorded"));
        }
    }
    Ok(found)
}

/// The clock, for the validity of signatures.
#[expect(clippy::disallowed_methods, reason = "the command line is where the clock comes in")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
