//! `repro store`

use crate::cli::{Context, ExitCode, Failure};

/// Look after the store.
#[derive(Debug, Clone, clap::Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "Examples:
  repro store du
  repro store gc --dry-run
  repro store fsck")]
pub struct Args {
    /// What to do with it.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do with the store.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Show what takes how much space.
    Du,
    /// Remove what no reference and no recent result needs.
    Gc(Gc),
    /// Read everything and check it; damaged objects are moved aside and made anew when next needed.
    Fsck,
    /// Show where it is.
    Path,
}

/// Options of `gc`.
#[derive(Debug, Clone, clap::Args)]
pub struct Gc {
    /// Show what would go.
    #[arg(long)]
    pub dry_run: bool,
}

/// Runs it.
///
/// # Errors
/// The store cannot be opened or read.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    match &args.command {
        Command::Path => context.print(&format!("{}\n", context.store.display()))?,
        Command::Du | Command::Gc(_) | Command::Fsck => return Err(super::unwired("store")),
    }
    Ok(ExitCode::Done)
}
