//! `repro shell`

use crate::cli::{Context, ExitCode, Failure};

/// Enter a stage's sandbox: see what it sees, run what it runs.
///
/// Nothing that happens there is recorded.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro shell musl                   as the stage begins
  repro shell musl --failed          as it was when it failed
  repro shell musl -- ls -l /target  one command instead of a shell")]
pub struct Args {
    /// The stage.
    pub stage: String,
    /// With /build and /out as the last failure left them.
    #[arg(long)]
    pub failed: bool,
    /// What to run [default: /bin/sh].
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Runs it.
///
/// # Errors
/// See the exit codes.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("shell"))
}
