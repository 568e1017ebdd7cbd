//! `repro init`

use std::path::PathBuf;

use serde_json::json;

use crate::cli::{Context, ExitCode, Failure};
use crate::template;

/// Begin a project.
///
/// It has a stage that leaves a file, one that makes images of it, a sysroot with a shell and the usual tools, and the archive
/// and keys that its packages come from. Nothing that is there is written over.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro init                     in the current folder
  repro init small && cd small && repro lock && repro build")]
pub struct Args {
    /// The project's folder; made if there is none [default: the current one].
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// Something is in the way, or cannot be written.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let given = context.globals.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = args.folder.as_ref().map_or(given.clone(), |folder| given.join(folder));
    let draft = template::project()?;
    draft.write(&root)?;
    tell(&draft, &["repro lock", "repro build"], context)?;
    Ok(ExitCode::Done)
}

/// What was written, and what is to be done next.
pub(super) fn tell(draft: &template::Draft, next: &[&str], context: &Context) -> Result<(), Failure> {
    let (files, added): (Vec<&str>, Vec<&str>) = (draft.files().collect(), draft.added().collect());
    if context.globals.json {
        return context.print_json(&json!({ "schema": 1, "written": files, "added-to": added, "next": next }));
    }
    for path in &files {
        context.say(&format!("wrote `{path}`"));
    }
    for path in added {
        context.say(&format!("added to `{path}`"));
    }
    context.say(&format!("next: {}", next.join(", ")));
    Ok(())
}
