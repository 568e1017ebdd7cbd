//! `repro log`

use crate::cli::{Context, ExitCode, Failure};

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
/// See the exit codes.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("log"))
}
