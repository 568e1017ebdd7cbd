//! `repro build`

use std::path::PathBuf;

use crate::audit::{self, Config};
use crate::build::known::Verdict;
use crate::build::{self, Built, Engine, Gate, Options, Run, fresh, layout};
use crate::cli::{Context, ExitCode, Failure, causes, pins};
use crate::digest::Digest;
use crate::fetch::Fetcher;
use crate::fs::{self, SystemClock};
use crate::gate::Delivery;
use crate::lockfile::Lockfile;
use crate::report::count;
use crate::schedule::Event;
use crate::schedule::events::{Level, Product, StageResult, Summary};
use crate::schedule::queue::OnFailure;
use crate::stage::Graph;
use crate::store::Store;

/// Build stages, and all that they need.
///
/// What the store knows is not built again. Inputs are fetched as needed and verified. An output that differs from
/// the one in lockfile.json is an error: everyone's build is a verification.
///
/// What the project delivers (what its tests test, and stages whose output nothing else takes) is audited before it is
/// offered: with findings of severity error it is not linked from `out/` nor copied, no test of it runs, and the exit code
/// is 1. `repro audit STAGE` shows all findings; exceptions stand in audit.toml, each with its reason.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro build                            the default target and its tests
  repro build musl --keep-going          one stage; build all that can be built
  repro build image --output out/image   lay the result out as files
  repro build musl --rebuild             do not believe the cache for `musl`")]
pub struct Args {
    /// Stages to build [default: those that no other needs].
    #[arg(value_name = "STAGE")]
    pub stages: Vec<String>,
    /// Go on with all that does not depend on a failed stage.
    #[arg(short, long)]
    pub keep_going: bool,
    /// Execute the named stages although their results are known, and compare.
    #[arg(long)]
    pub rebuild: bool,
    /// Execute also what the named stages need.
    #[arg(long, conflicts_with = "rebuild")]
    pub rebuild_all: bool,
    /// Accept outputs that differ from those in lockfile.json.
    #[arg(long)]
    pub no_lockfile_check: bool,
    /// What errors in the audit of what is delivered mean: `error` refuses it, `warn` says so and offers it.
    #[arg(long, value_enum, value_name = "HOW", default_value = "error")]
    pub audit: Strictness,
    /// Lay the output of the one named stage out in this folder.
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// What errors in the audit of a product mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Strictness {
    /// The build fails, and the product is not offered.
    Error,
    /// The product is offered, and they are said at the end.
    Warn,
}

/// The folder of the project with links to what was built. What other parameters than the defaults give has a folder of its
/// own in it, named by their values.
fn out(context: &Context) -> PathBuf {
    let mut folder = context.project.join("out");
    folder.extend(context.params.folder());
    folder
}

/// Runs it.
///
/// # Errors
/// See the exit codes.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let store = context.open_store()?;
    let around = context.surroundings();
    let standard = audit::standard(&around, &program());
    let question = question(args, context, standard);
    let fresh_run = args.rebuild || args.rebuild_all;
    if !fresh_run && let Some(built) = fresh::answer(&store, &context.project, &question) {
        let products = built.iter().filter(|built| built.product).map(|built| (built.stage.as_str(), built.output));
        if args.output.is_none() && layout::all_linked(&store, &out(context), products) {
            let run = Run { built, failed: Vec::new(), skipped: 0, flawed: Vec::new() };
            sum_up(context, &run, |built| Ok(Some(out(context).join(&built.stage))))?;
            return Ok(ExitCode::Done);
        }
    }
    let seen = fresh::look(&context.project, &SystemClock::new())?;
    let (graph, lockfile, config) = (context.graph()?, context.lockfile()?, Config::load(&context.project)?);
    let targets: Vec<&str> = match args.stages.as_slice() {
        [] => graph.default_targets(),
        stages => stages.iter().map(String::as_str).collect(),
    };
    let rebuild = match (args.rebuild, args.rebuild_all) {
        (true, _) => targets.iter().map(|name| (*name).to_owned()).collect(),
        (_, true) => graph.closure(&targets)?.iter().map(|stage| stage.name.clone()).collect(),
        _ => Vec::new(),
    };
    let on_failure = if args.keep_going { OnFailure::KeepGoing } else { OnFailure::FinishRunning };
    let check_outputs = !args.no_lockfile_check;
    let options = Options { jobs: context.jobs, on_failure, rebuild, trace: Vec::new(), check_outputs };
    let lenient = args.audit == Strictness::Warn;
    let gate = Delivery::new(&store, &graph, &config, &around, standard, lenient);
    let run = engine(context, &store, &graph, &lockfile, &targets, &options, &gate)?;
    if let Some(signal) = context.cancel.signal() {
        return Err(Failure::quiet(ExitCode::Signal(signal)));
    }
    let complete = run.failed.is_empty() && run.skipped == 0 && run.flawed.is_empty();
    if complete && !fresh_run {
        fresh::remember(&store, &question, &seen, &run.built)?;
    }
    sum_up(context, &run, |built| lay_out(args, context, &store, built))?;
    match run.failed.first() {
        Some((_, error)) => Err(Failure::quiet(causes::build_code(error))),
        None => Ok(ExitCode::Done),
    }
}

/// Brings the targets up to date, and shows how that goes.
///
/// # Errors
/// Nothing could be begun; see [`Engine::run`].
pub fn engine(
    context: &Context,
    store: &Store,
    graph: &Graph,
    lockfile: &Lockfile,
    targets: &[&str],
    options: &Options,
    gate: &dyn Gate,
) -> Result<build::Run, Failure> {
    let reporter = context.reporter();
    let progress = pins::FetchEvents::new(&*reporter);
    let fetcher = Fetcher::new(store, pins::config(context), &progress);
    let engine =
        Engine { store, graph, lockfile, fetcher: &fetcher, gate, events: &*reporter, cancel: &context.cancel };
    Ok(engine.run(targets, options)?)
}

/// Which build of this program runs: another one may mean other things by the same files.
#[expect(
    clippy::disallowed_methods,
    reason = "another program may give another answer; its content decides nothing else"
)]
fn program() -> String {
    let program = std::env::current_exe().ok().and_then(|path| {
        let folder = fs::Dir::open(path.parent()?).ok()?;
        let meta = folder.stat(path.file_name()?).ok()??;
        // Not how much of the disk it takes: that is settled a while after it was written.
        Some((meta.device, meta.inode, meta.size, meta.modified, meta.changed))
    });
    format!("{program:?} {}", env!("CARGO_PKG_VERSION"))
}

/// What the answer to "is there anything to do?" depends on besides files.
fn question(args: &Args, context: &Context, standard: Digest) -> fresh::Question {
    let (params, check) = (context.params.label(), args.no_lockfile_check.to_string());
    let (standard, strictness) = (standard.to_string(), format!("{:?}", args.audit));
    let mut parts = vec![standard.as_str(), &strictness, &params, &check];
    parts.extend(args.stages.iter().map(String::as_str));
    fresh::Question::new(&context.project, &parts)
}

/// Says what came of it all; `lay_out` says where a product is.
fn sum_up(
    context: &Context,
    run: &Run,
    lay_out: impl Fn(&Built) -> Result<Option<PathBuf>, Failure>,
) -> Result<(), Failure> {
    let (failed, skipped, built) = (run.failed.len(), run.skipped, &run.built);
    let mut summary = Summary { failed, skipped, seconds: context.elapsed().as_secs_f64(), ..Summary::default() };
    for built in built {
        match built.result {
            StageResult::Built => summary.built += 1,
            StageResult::Cached => summary.cached += 1,
            StageResult::Unchanged => summary.unchanged += 1,
            StageResult::Failed => {}
        }
        if built.product {
            let path = lay_out(built)?;
            summary.products.push(Product { stage: built.stage.clone(), output: built.output, path });
        }
    }
    let reporter = context.reporter();
    let stale = built.iter().filter(|built| built.verdict == Verdict::Stale).count();
    if stale > 0 {
        let text = format!(
            "lockfile.json knows {} by an earlier definition: `repro lock --update-outputs` records what they are now",
            count(stale, "stage")
        );
        reporter.event(&Event::Message { level: Level::Note, text });
    }
    run.flawed.iter().for_each(|audit| reporter.event(&Event::Audited(audit.clone())));
    reporter.event(&Event::Summary(summary));
    Ok(())
}

/// A link in the project's `out`, or a copy in the folder that was named.
fn lay_out(args: &Args, context: &Context, store: &Store, built: &Built) -> Result<Option<PathBuf>, Failure> {
    if let Some(folder) = &args.output {
        layout::copy(store, built.output, folder)?;
        return Ok(Some(folder.clone()));
    }
    let folder = out(context);
    match layout::link(store, built.output, &folder, &built.stage) {
        Ok(()) => Ok(Some(folder.join(&built.stage))),
        // A project that cannot be written to can be built all the same; the result is in the store.
        Err(build::Error::Fs(_)) => Ok(Some(store.checkout(built.output)?.path.clone())),
        Err(error) => Err(error.into()),
    }
}
