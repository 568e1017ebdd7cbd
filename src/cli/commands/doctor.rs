//! `repro doctor`

use crate::cli::{Context, ExitCode, Failure};

/// Check whether this host can give the isolation that builds need.
///
/// The answer is yes (0), or no (4) with what is missing and how to get it.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// A feature is missing.
pub fn run(_args: &Args, _context: &Context) -> Result<ExitCode, Failure> {
    Err(super::unwired("doctor"))
}
