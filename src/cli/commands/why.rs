//! `repro why`

use crate::build::Resolver;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::provenance::{self, Archive, Built, Question, Stages};
use crate::report::{Tell, why_text};
use crate::stage::{ActionInputs, Record, SourceInput, Stage, why};

/// Say why a stage will be executed, or what went into a file.
///
/// Of a stage: what changed since it last was executed. The answer is yes (0) when it will be executed, no (1) when its
/// result is known.
///
/// Of a file (what has a slash in it): which processes made it, from which sources and headers, with which compiler, start
/// files and libraries, each with its digest. It is looked for in what the stages left that were built last: first in the
/// ones that no other needs, at the top of their outputs and in the folders there. `STAGE:/path` asks for a file of one
/// stage's output. What a stage only copied is followed to the stage that made it. The stages need traces: `repro trace`
/// makes them.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro why musl
  repro why image --profile minimal
  repro why /bin/busybox
  repro why /usr/lib/libz.so.1 --depth 3   on through the stages that it was made with
  repro why busybox:/bin/busybox --all

With --json the answer about a file is what snapshots/why.schema.json says.")]
pub struct Args {
    /// The stage, or the file.
    #[arg(value_name = "STAGE|FILE")]
    pub what: String,
    /// How many stages a file is followed through, beginning with the one that made it.
    #[arg(long, value_name = "STAGES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub depth: u32,
    /// Show all of each list, and command lines whole.
    #[arg(long)]
    pub all: bool,
}

/// Runs it.
///
/// # Errors
/// The stage or file is unknown, or something that it needs is not built.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    if args.what.contains('/') { file(args, &project, context) } else { stage(&args.what, &project, context) }
}

/// What went into a file.
fn file(args: &Args, project: &Project, context: &Context) -> Result<ExitCode, Failure> {
    let named = args.what.split_once(":/").filter(|(stage, _)| !stage.contains('/'));
    let (stage, path) = match named {
        Some((stage, path)) => (Some(project.stage(stage)?.name.clone()), path),
        None => (None, args.what.as_str()),
    };
    let targets = stage.as_deref().map_or_else(|| project.graph.default_targets(), |stage| vec![stage]);
    let built = |stage: &Stage| {
        let stage = project.graph.stage(&stage.name)?;
        let last = project.last(&stage.name).ok()??;
        let (inputs, output) = (last.record.inputs, last.output?);
        let archives = archives(project, stage, &inputs);
        Some(Built { stage, inputs, action: last.record.key, output, archives })
    };
    let stages = Stages { store: &project.store, order: project.graph.closure(&targets)?, built: &built };
    let question = Question {
        asked: args.what.clone(),
        stage,
        path: format!("/{}", path.trim_start_matches('/')),
        depth: args.depth,
    };
    let answer = provenance::explain(&stages, &question)?;
    if context.globals.json {
        context.print_json(&answer)?;
    } else {
        let columns = Stream::Out.is_terminal().then(|| Stream::Out.size().0);
        context.print(&why_text(&answer, &Tell { all: args.all, columns }, context.palette(Stream::Out)))?;
    }
    Ok(ExitCode::Done)
}

/// The archives of a stage's sources, if they are still those that are pinned.
pub(super) fn archives(project: &Project, stage: &Stage, inputs: &ActionInputs) -> Vec<Archive> {
    let archive = |source: &SourceInput| {
        let used = stage.sources.get(&source.name)?;
        let pin = Resolver::pin_of(&project.store, &project.lockfile, &source.name, used, source.tree).ok()??;
        let definition = project.graph.sources().get(&source.name)?;
        let (version, file) = (definition.version.clone(), definition.file_name().to_owned());
        Some(Archive { name: source.name.clone(), version, file, digest: pin.digest })
    };
    inputs.sources.iter().filter_map(archive).collect()
}

/// What changed since a stage was built last.
fn stage(name: &str, project: &Project, context: &Context) -> Result<ExitCode, Failure> {
    let preview = project.preview(name, context)?;
    let now = Record::new(name, preview.key, preview.inputs, preview.files);
    let last = project.last(name)?;
    let known = preview.output.is_some();
    let changes = last.as_ref().map(|last| why(&last.record, &now)).unwrap_or_default();
    if context.globals.json {
        let built_before = last.is_some();
        context.print_json(&serde_json::json!({
            "schema": 1, "stage": name, "action": preview.key, "known": known,
            "built_before": built_before, "changes": changes,
        }))?;
    } else {
        let head = match (known, &last) {
            (true, _) if changes.is_empty() => {
                format!("`{name}` is up to date: nothing has changed since its last build")
            }
            (true, _) => {
                format!("`{name}` has changed since its last build, but the result of what it is now is known")
            }
            (false, None) => format!("`{name}` has not been built here"),
            (false, Some(last)) if last.output.is_none() => format!("the last build of `{name}` failed"),
            (false, Some(_)) if changes.is_empty() => format!("the result of `{name}` is no longer in the store"),
            (false, Some(_)) => format!("`{name}` has changed since its last build"),
        };
        let lines: String = changes.iter().map(|change| format!("  {change}\n")).collect();
        context.print(&format!("{head}\n{lines}"))?;
    }
    Ok(if known { ExitCode::No } else { ExitCode::Done })
}
