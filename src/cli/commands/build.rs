//! `repro build`

use std::path::PathBuf;

use crate::cli::{Context, ExitCode, Failure};

/// Build stages, and all that they need.
///
/// What the store knows is not built again. Inputs are fetched as needed and verified. An output that differs from
/// the one in lockfile.json is an error: everyone's build is a verification.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro build                            the default target and its tests
  repro build musl --keep-going          one stage; build all that can be built
  repro build image --output out/image   lay the result out as files
  repro build musl --rebuild             do not believe the cache for `musl`")]
pub struct Args {
    /// Stages to build [default: those that no other needs].
    #[arg(value_name = "STAGE")]
    pub stages: Vec<String>,
    /// Go on with all that does not depend on a failed stage.
    #[arg(short, long)]
    pub keep_going: bool,
    /// Execute the named stages although their results are known, and compare.
    #[arg(long)]
    pub rebuild: bool,
    /// Execute also what the named stages need.
    #[arg(long, conflicts_with = "rebuild")]
    pub rebuild_all: bool,
    /// Accept outputs that differ from those in lockfile.json.
    #[arg(long)]
    pub no_lockfile_check: bool,
    /// Lay the output of the one named stage out in this folder.
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// See the exit codes.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("build"))
}
