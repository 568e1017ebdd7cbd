//! `repro plan`

use std::path::PathBuf;

use crate::build::bundle;
use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure};
use crate::exec::Local;

/// Show what a stage will see and run, step by step, without running it.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro plan musl
  repro plan musl --oci bundle    a bundle for runc or crun: `runc run --bundle bundle musl`")]
pub struct Args {
    /// The stage.
    pub stage: String,
    /// Write an OCI runtime bundle to this folder, which is made.
    #[arg(long, value_name = "DIR")]
    pub oci: Option<PathBuf>,
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
    if let Some(folder) = &args.oci {
        bundle::write(&project.store, prepared.root, &plan, folder)?;
        context.say(&format!("wrote the bundle `{}`", folder.display()));
    } else if context.globals.json {
        context.print_json(&plan)?;
    } else {
        context.print(&format!("action {}\n{plan}", preview.key))?;
    }
    Ok(ExitCode::Done)
}
