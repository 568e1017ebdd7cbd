//! `repro check`

use super::{audit, lock};
use crate::cli::{Context, ExitCode, Failure};
use crate::stage::{Graph, ParamValues};

/// Check the project as a whole: definitions, lockfile, and what is delivered.
///
/// The definitions have to hold for every combination of parameters. Then the same as `repro lock --check` and `repro audit`
/// for the combination that is asked for, which has to be built. The answer is no (exit code 1) when either says so; with
/// --json each writes its own document.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro check                    before a change is handed in
  repro check --arch aarch64")]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// The definitions of a combination are wrong, or what is delivered is not built.
pub fn run(_: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut combinations = 0;
    for params in ParamValues::all() {
        Graph::load(&context.project, &params)
            .map_err(|error| Failure::from(error).during(&format!("use the definitions for {}", params.label())))?;
        combinations += 1;
    }
    context.say(&format!("the definitions hold for {combinations} combinations of parameters"));
    let pinned =
        lock::run(&lock::Args { stages: Vec::new(), check: true, update: false, update_outputs: false }, context)?;
    let products = audit::Args { subject: None, sarif: None, html: None, explain: None, rules: false };
    let delivered = audit::run(&products, context)?;
    Ok(if pinned == ExitCode::Done { delivered } else { pinned })
}
