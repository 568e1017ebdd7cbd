//! `repro lock`

use crate::cli::{Context, ExitCode, Failure};

/// Pin all inputs: resolve packages and sources into lockfile.json.
///
/// What is pinned and still fits stays as it is. Packages move only with --update.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro lock                     pin what is new
  repro lock --check             is the lockfile complete and up to date?
  repro lock --update            take the packages that the archives have now")]
pub struct Args {
    /// Change nothing; the answer is no (1) when something would change.
    #[arg(long)]
    pub check: bool,
    /// Resolve all sysroots again, against the archives as they are now.
    #[arg(long, conflicts_with = "check")]
    pub update: bool,
    /// Build everything, and record the outputs as the ones that this revision builds.
    #[arg(long, conflicts_with = "check")]
    pub update_outputs: bool,
}

/// Runs it.
///
/// # Errors
/// See the exit codes.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("lock"))
}
