//! `repro man`

use std::path::PathBuf;

use clap::CommandFactory;

use crate::cli::{Cli, Context, ExitCode, Failure};
use crate::fs;

/// Write the manual pages into a folder.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  repro man ~/.local/share/man/man1")]
pub struct Args {
    /// The folder; made when missing.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Runs it.
///
/// # Errors
/// The folder cannot be written.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let failed = |error: &std::io::Error| {
        let place = args.folder.display();
        Failure::new(ExitCode::Usage, format!("cannot write manual pages into `{place}`: {error}"))
    };
    fs::create_dir_all(&args.folder).map_err(|error| failed(error.io()))?;
    clap_mangen::generate_to(Cli::command(), &args.folder).map_err(|error| failed(&error))?;
    context.say(&format!("wrote the manual pages into `{}`", args.folder.display()));
    Ok(ExitCode::Done)
}
