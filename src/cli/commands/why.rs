//! `repro why`

use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure};
use crate::stage::{Record, why};

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
/// The stage is unknown, or something that it needs is not built.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let preview = project.preview(&args.stage, context)?;
    let now = Record::new(&args.stage, preview.key, preview.inputs, preview.files);
    let last = project.last(&args.stage)?;
    let known = preview.output.is_some();
    let changes = last.as_ref().map(|last| why(&last.record, &now)).unwrap_or_default();
    if context.globals.json {
        let built_before = last.is_some();
        context.print_json(&serde_json::json!({
            "schema": 1, "stage": args.stage, "action": preview.key, "known": known,
            "built_before": built_before, "changes": changes,
        }))?;
    } else {
        let name = &args.stage;
        let head = match (known, &last) {
            (true, _) if changes.is_empty() => {
                format!("`{name}` is up to date: nothing has changed since its last build")
            }
            (true, _) => {
                format!("`{name}` has changed since its last build, but the result of what it is now is known")
            }
            (false, None) => format!("`{name}` has not been built here"),
            (false, Some(last)) if last.output.is_none() => format!("the last build of `{name}` failed"),
            (false, Some(_)) if changes.is_empty() => format!("the result of `{name}` is no longer in the store"),
            (false, Some(_)) => format!("`{name}` has changed since its last build"),
        };
        let lines: String = changes.iter().map(|change| format!("  {change}\n")).collect();
        context.print(&format!("{head}\n{lines}"))?;
    }
    Ok(if known { ExitCode::No } else { ExitCode::Done })
}
