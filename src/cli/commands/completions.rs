//! `repro completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{Cli, Context, ExitCode, Failure};

/// Write a completion script for a shell to standard output.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  repro completions bash > ~/.local/share/bash-completion/completions/repro")]
pub struct Args {
    /// The shell.
    pub shell: Shell,
}

/// Runs it.
///
/// # Errors
/// Nobody reads the output.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "repro", &mut script);
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Done)
}
