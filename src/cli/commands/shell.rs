//! `repro shell`

use crate::cli::enter::enter;
use crate::cli::project::Project;
use crate::cli::{Context, ExitCode, Failure};
use crate::exec::Local;

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
/// The stage is unknown, something that it needs is not built, or there is no failure to enter.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = Project::load(context)?;
    let preview = project.preview(&args.stage, context)?;
    let mut prepared = Local::new(&project.store).prepare(&args.stage, &preview.inputs, &preview.stage.limits)?;
    let plan = &mut prepared.plan;
    plan.argv = if args.command.is_empty() { vec!["/bin/sh".to_owned()] } else { args.command.clone() };
    let left = args.failed.then(|| left(&project, args)).transpose()?;
    let checkout = left.map(|tree| project.store.checkout(tree)).transpose()?;
    if let Some(checkout) = &checkout {
        plan.left = Some([checkout.path.join("build"), checkout.path.join("out")]);
    }
    context.say(&format!(
        "the sandbox of `{}`; it runs {}; leave with `exit`",
        args.stage,
        preview.inputs.argv.join(" ")
    ));
    enter(&mut prepared, context)
}

/// What the last failure left.
fn left(project: &Project, args: &Args) -> Result<crate::digest::Digest, Failure> {
    let name = &args.stage;
    let none = || {
        Failure::new(ExitCode::Usage, format!("cannot enter the failure of `{name}`: its last build left nothing"))
            .hint(Some(format!("enter the sandbox as it begins with `repro shell {name}`")))
    };
    project.last(name)?.and_then(|last| last.left).ok_or_else(none)
}
