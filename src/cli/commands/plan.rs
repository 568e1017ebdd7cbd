//! `repro plan`

use crate::cli::{Context, ExitCode, Failure};

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
/// See the exit codes.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("plan"))
}
