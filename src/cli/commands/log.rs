//! `repro log`

use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure};
use crate::fs;

/// Show what a stage wrote when it was last executed.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro log musl
  repro log musl --path")]
pub struct Args {
    /// The stage.
    pub stage: String,
    /// Show where the log is instead.
    #[arg(long)]
    pub path: bool,
}

/// Runs it.
///
/// # Errors
/// The stage is unknown or was never executed here.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let stage = project.stage(&args.stage)?;
    let running = project.records().log(&stage.name, &project.target(stage));
    // The file of a build that runs now or failed; a build that succeeded has its log in the store.
    let path = match project.last(&args.stage)?.and_then(|last| last.log) {
        _ if fs::exists(&running)? => running,
        Some(log) => project.store.blob_path(log)?,
        None => {
            let name = &args.stage;
            return Err(Failure::new(
                ExitCode::Usage,
                format!("cannot show the log of `{name}`: it has not been built here"),
            )
            .hint(Some(format!("run `repro build {name}`"))));
        }
    };
    if args.path {
        context.print(&format!("{}\n", path.display()))?;
    } else {
        context.print(&String::from_utf8_lossy(&fs::read(&path)?))?;
    }
    Ok(ExitCode::Done)
}
