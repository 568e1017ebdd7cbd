//! `repro plan`

use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure};
use crate::exec::Local;
use crate::sandbox::oci;

/// Show what a stage will see and run, step by step, without running it.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro plan musl
  repro plan musl --oci > config.json    for runc or crun")]
pub struct Args {
    /// The stage.
    pub stage: String,
    /// As an OCI runtime specification (config.json of a bundle).
    #[arg(long, conflicts_with = "json")]
    pub oci: bool,
}

/// Runs it.
///
/// # Errors
/// The stage is unknown, or something that it needs is not built.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let preview = project.preview(&args.stage, context)?;
    let prepared = Local::new(&project.store).prepare(&args.stage, &preview.inputs, &preview.stage.limits)?;
    let plan = prepared.plan.plan();
    if args.oci {
        context.print(&oci::to_json(&plan)?)?;
    } else if context.globals.json {
        context.print_json(&plan)?;
    } else {
        context.print(&format!("action {}\n{plan}", preview.key))?;
    }
    Ok(ExitCode::Done)
}
