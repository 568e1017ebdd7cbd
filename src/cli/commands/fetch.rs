//! `repro fetch`

use crate::cli::{Context, ExitCode, Failure};

/// Fetch and verify all pinned inputs, so that a later build needs no network.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro fetch                  all that lockfile.json names
  repro fetch musl             what one stage needs, with all below it
  repro fetch --offline        is everything here?")]
pub struct Args {
    /// Only what these stages need [default: all pins].
    #[arg(value_name = "STAGE")]
    pub stages: Vec<String>,
}

/// Runs it.
///
/// # Errors
/// See the exit codes.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("fetch"))
}
