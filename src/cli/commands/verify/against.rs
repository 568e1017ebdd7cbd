//! `repro verify --against`

use std::path::Path;

use crate::attest::{self, Against, Elsewhere, Facts, Ours, Reference, Run, Trust};
use crate::build::{self, Built};
use crate::cli::commands::build::engine;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure, causes, pins};
use crate::diff::{Comparison, Options};
use crate::fetch::Fetcher;
use crate::report::against_text;
use crate::schedule::queue::OnFailure;

/// What only matters with `--against`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Hold the build against somebody else's result: `lockfile`, a file or http(s) address with statements (`repro
    /// attest`), another store, or a folder with trees named like stages. May be given several times.
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["rebuild", "axes", "html", "junit"])]
    pub against: Vec<String>,
    /// Count statements that this public key signed, under this name [default: the file's]; may be given several times.
    #[arg(long, value_name = "[NAME=]KEY", requires = "against")]
    pub trust: Vec<String>,
    /// So many have to agree with this build, whatever others say [default: one, and nobody disagrees].
    #[arg(long, value_name = "K", requires = "against", value_parser = clap::value_parser!(u32).range(1..))]
    pub k_of_n: Option<u32>,
    /// Count each file of statements, whoever signed it.
    #[arg(long, requires = "against", conflicts_with = "trust")]
    pub unsigned: bool,
}

/// Brings the stages up to date, and holds them against all references.
///
/// # Errors
/// A reference cannot be used, or a stage cannot be built.
pub(super) fn run(args: &Args, stages: &[String], options: &Options, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let trust = Trust::load(&args.trust)?;
    let references =
        args.against.iter().map(|word| reference(word, &project, context)).collect::<Result<Vec<_>, _>>()?;
    let needed = args.k_of_n.map(|needed| usize::try_from(needed).unwrap_or(usize::MAX));
    let against = Against { references: &references, trust: &trust, needed, unsigned: args.unsigned };
    against.check()?;
    let spoken = match stages {
        [] => against.stages(&project.graph),
        stages if stages.iter().any(|stage| stage == "all") => None,
        stages => Some(stages.to_vec()),
    };
    let targets: Vec<&str> = match &spoken {
        Some(stages) => stages.iter().map(String::as_str).collect(),
        None => project.graph.default_targets(),
    };
    let built = if targets.is_empty() { Vec::new() } else { build(&project, &targets, context)? };
    let of_interest = |built: &&Built| spoken.is_none() || targets.contains(&built.stage.as_str());
    let ours = built.iter().filter(of_interest).map(|built| ours(built, &project, &references, context));
    let ours = ours.collect::<Result<Vec<_>, _>>()?;
    let scratch = project.store.scratch("verify")?;
    let comparison = Comparison::new(options, scratch.dir(), Some(&context.cancel));
    let report = against.report(&project.store, &comparison, &ours)?;
    if context.globals.json {
        context.print_json(&report)?;
    } else {
        context.print(&against_text(&report, context.palette(Stream::Out), context.globals.verbose > 0))?;
    }
    Ok(if report.identical { ExitCode::Done } else { ExitCode::No })
}

/// What a word names, read.
fn reference(word: &str, project: &Project, context: &Context) -> Result<Reference, Failure> {
    if word == "lockfile" {
        return Ok(Reference::Lockfile);
    }
    if word.starts_with("http://") || word.starts_with("https://") {
        let reporter = context.reporter();
        let progress = pins::FetchEvents::new(&*reporter);
        let fetcher = Fetcher::new(&project.store, pins::config(context), &progress);
        return Ok(Reference::Statements(word.to_owned(), attest::fetch(&fetcher, word)?));
    }
    let path = Path::new(word);
    if path.is_dir() {
        let elsewhere = Elsewhere::open(path, &project.store, &project.graph)?;
        return Ok(Reference::Elsewhere(word.to_owned(), elsewhere));
    }
    Ok(Reference::Statements(word.to_owned(), attest::read_path(path)?))
}

/// All that the targets need, up to date. What the lockfile says of it is for the report to tell.
fn build(project: &Project, targets: &[&str], context: &Context) -> Result<Vec<Built>, Failure> {
    let options = build::Options {
        jobs: context.jobs,
        on_failure: OnFailure::FinishRunning,
        rebuild: Vec::new(),
        trace: Vec::new(),
        check_outputs: false,
    };
    let run = engine(context, &project.store, &project.graph, &project.lockfile, targets, &options, &())?;
    if let Some(signal) = context.cancel.signal() {
        return Err(Failure::quiet(ExitCode::Signal(signal)));
    }
    match run.failed.first() {
        Some((_, error)) => Err(Failure::quiet(causes::build_code(error))),
        None => Ok(run.built),
    }
}

/// A stage as it was built here, with the statement that could be made on it where others make some.
fn ours(built: &Built, project: &Project, references: &[Reference], context: &Context) -> Result<Ours, Failure> {
    let gone = || Failure::new(ExitCode::Bug, format!("cannot compare `{}`: its record is gone", built.stage));
    let last = project.records().load(&built.stage, &built.target).ok_or_else(gone)?;
    let stated = references.iter().any(|reference| match reference {
        Reference::Statements(_, bundle) => bundle.items.iter().any(|item| item.statement.stage() == built.stage),
        Reference::Lockfile | Reference::Elsewhere(..) => false,
    });
    let statement = if stated {
        let previews = project.previews(&built.stage, context)?;
        let Project { graph, lockfile, store } = project;
        // Who builds is no part of what is compared.
        let run = Run::new("urn:repro:verify".to_owned(), None)?;
        Some(attest::describe(&Facts { graph, lockfile, store, previews: &previews }, &run)?)
    } else {
        None
    };
    Ok(Ours {
        target: built.target.clone(),
        record: last.record,
        output: built.output,
        known: built.verdict,
        statement,
    })
}
