//! `repro why`

use crate::cli::{Context, ExitCode, Failure};

/// Say why a stage will be executed: what changed since it last was.
///
/// The answer is yes (0) when it will be executed, no (1) when its result is known.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro why musl
  repro why image --profile minimal")]
pub struct Args {
    /// The stage.
    pub stage: String,
}

/// Runs it.
///
/// # Errors
/// See the exit codes.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("why"))
}
