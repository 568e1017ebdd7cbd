//! `repro size`

use super::sbom::product;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::report::sizes_text;
use crate::sbom::{self, Output, Sizes};

/// Say how large a result is, and what takes the room.
///
/// Bytes by the stage that made them, by the entry at the top, and the largest files. Archives and images among the files are
/// opened, so that what an image holds is told by stage, too, each content once. A limit is `size` below `[limits]` in
/// stage.toml: a stage that leaves more fails. The answer is no (exit code 1) for a result over its limit.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro size
  repro size rootfs --largest 30
  repro size --json

With --json the report is what snapshots/sizes.schema.json says.")]
pub struct Args {
    /// The stage [default: what the project delivers].
    pub stage: Option<String>,
    /// How many of the largest files are shown.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub largest: usize,
}

/// Runs it.
///
/// # Errors
/// The stage is unknown or not built.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let stage = product(args.stage.as_deref(), &project)?;
    let previews = project.previews(&stage, context)?;
    let not_built = || sbom::Error::NotBuilt { stage: stage.clone() };
    let last = previews.last().ok_or_else(not_built)?;
    let below: Vec<_> = previews.iter().filter_map(|one| Some((one.stage.name.as_str(), one.output?))).collect();
    let output = Output {
        store: &project.store,
        stage: &stage,
        target: project.target(last.stage),
        tree: last.output.ok_or_else(not_built)?,
        budget: last.stage.limits.size,
        below: &below,
        largest: args.largest,
    };
    let scratch = project.store.scratch("size")?;
    let sizes = Sizes::new(&output, scratch.dir(), Some(&context.cancel))?;
    if context.globals.json {
        context.print_json(&sizes)?;
    } else {
        context.print(&sizes_text(&sizes, context.palette(Stream::Out)))?;
    }
    Ok(if sizes.excess().is_some() { ExitCode::No } else { ExitCode::Done })
}
