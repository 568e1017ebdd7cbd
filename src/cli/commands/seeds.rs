//! `repro seeds`

use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::provenance::Built;
use crate::report::seeds_text;
use crate::sbom::{self, Facts, Seeds};
use crate::stage::Stage;

/// List the binaries of others that are trusted: each package, and which stages use it.
///
/// With version, size, SHA-256, origin, the licences that its copyright file names, and the stages that have it within reach.
/// How many of its files a stage executed or read is told by the stage's last build, if that has a trace.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro seeds
  repro seeds kernel
  repro seeds --json

With --json the list is what snapshots/seeds.schema.json says.")]
pub struct Args {
    /// The stage [default: all that the project delivers].
    pub stage: Option<String>,
}

/// Runs it.
///
/// # Errors
/// The stage is unknown, or something is not pinned.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let products: Vec<&str> = match &args.stage {
        Some(name) => vec![&project.stage(name)?.name],
        None => project.graph.products(&project.graph.default_targets()).into_iter().collect(),
    };
    let built = |stage: &Stage| {
        let stage = project.graph.stage(&stage.name)?;
        let last = project.last(&stage.name).ok()??;
        let (inputs, output) = (last.record.inputs, last.output?);
        Some(Built { stage, inputs, action: last.record.key, output, archives: Vec::new() })
    };
    let Project { graph, lockfile, store } = &project;
    let facts = Facts { graph, lockfile, store, built: &built };
    let seeds = Seeds::new(&sbom::gather(&facts, &products)?, graph.archives(), &lockfile.archives);
    if context.globals.json {
        context.print_json(&seeds)?;
    } else {
        context.print(&seeds_text(&seeds, context.palette(Stream::Out)))?;
    }
    Ok(ExitCode::Done)
}
