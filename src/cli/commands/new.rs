//! `repro new`

use super::init;
use crate::cli::{Context, ExitCode, Failure};
use crate::template::{self, Kind, NewStage};

/// Begin a stage.
#[derive(Debug, Clone, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Args {
    /// What to begin.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be begun.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Begin a stage by a template.
    Stage(Stage),
}

/// A folder `stages/NAME` is made, which is all that a stage is. The source is added to stages/sources.toml where places are
/// stated; one that is there, or that this program knows, is taken as it is. What the stage refers to and the project lacks is
/// added: with the first that compiles something, the definitions of the compiler. Nothing that is there is written over.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro new stage zlib --template autotools
  repro new stage expat --template cmake --version 2.5.0 --license MIT --url mirror://NAME/expat-2.5.0.tar.xz
  repro new stage disk --template image --of rootfs")]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// autotools, cmake, meson, make, kernel-module or image.
    #[arg(short, long, value_name = "TEMPLATE", value_parser = str::parse::<Kind>)]
    pub template: Kind,
    /// The source, by its name in stages/sources.toml [default: NAME].
    #[arg(long, value_name = "SOURCE", conflicts_with = "of")]
    pub source: Option<String>,
    /// Where the source's archive is, `mirror://NAME/path` or an address; may be given several times, for the same bytes.
    #[arg(long, value_name = "URL", requires_all = ["version", "license"], conflicts_with = "of")]
    pub url: Vec<String>,
    /// The source's version.
    #[arg(long, value_name = "TEXT", requires = "url")]
    pub version: Option<String>,
    /// The source's licence, an SPDX expression.
    #[arg(long, value_name = "SPDX", requires = "url")]
    pub license: Option<String>,
    /// One line for people.
    #[arg(long, value_name = "TEXT")]
    pub summary: Option<String>,
    /// What images are of, for the template `image`.
    #[arg(long, value_name = "STAGE")]
    pub of: Option<String>,
}

/// Runs it.
///
/// # Errors
/// There is such a stage, something is missing, or the project has mistakes.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let Command::Stage(args) = &args.command;
    let graph = context.graph()?;
    let draft = template::stage(
        &NewStage {
            name: &args.name,
            kind: args.template,
            summary: args.summary.as_deref(),
            source: args.source.as_deref(),
            version: args.version.as_deref(),
            license: args.license.as_deref(),
            urls: &args.url,
            of: args.of.as_deref(),
        },
        &graph,
    )?;
    draft.write(graph.root())?;
    let build = format!("repro build {}", args.name);
    let next: &[&str] = if draft.files().count() > 1 { &["repro lock", &build] } else { &[&build] };
    init::tell(&draft, next, context)?;
    Ok(ExitCode::Done)
}
