//! What can be said on the command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::commands;

/// A sandboxed, reproducible build orchestrator: from pinned sources to a bootable image.
#[derive(Debug, Parser)]
#[command(name = "repro", version, max_term_width = 100, arg_required_else_help = true, subcommand_required = true)]
#[command(after_help = "See `repro help COMMAND` for a command, and `repro help` for the exit codes.")]
#[command(after_long_help = after_long_help())]
pub struct Cli {
    /// What holds for all commands.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of all commands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The project's folder [default: the nearest one above with `stages`].
    #[arg(short = 'C', long, value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Where results are kept [default: $XDG_CACHE_HOME/repro or ~/.cache/repro].
    #[arg(long, value_name = "DIR", env = "REPRO_STORE", hide_env = true, global = true)]
    pub store: Option<PathBuf>,
    /// Processes that may run at once, over all stages [default: one a core].
    #[arg(short, long, value_name = "N", global = true, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub jobs: Option<u32>,
    /// When to colour: always, never, or auto (the default), which heeds NO_COLOR.
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true,
        global = true,
        hide_short_help = true
    )]
    pub color: ColorChoice,
    /// Say only what went wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show all that the stages write.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Write progress as lines, also on a terminal.
    #[arg(long, global = true)]
    pub plain: bool,
    /// Write events and answers as JSON to standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Use only what is in the store, never the network.
    #[arg(long, global = true)]
    pub offline: bool,
    /// Set a parameter of the stages, such as `profile=minimal`.
    #[arg(short, long = "param", value_name = "KEY=VALUE", global = true)]
    pub params: Vec<String>,
    /// Build for this architecture: short for `-p arch=…`.
    #[arg(long, value_name = "NAME", global = true)]
    pub arch: Option<String>,
    /// Build this profile: short for `-p profile=…`.
    #[arg(long, value_name = "NAME", global = true, hide_short_help = true)]
    pub profile: Option<String>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On terminals.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "clap would take the text of a variant for that of the command's `Args`")]
pub enum Command {
    Init(commands::init::Args),
    New(commands::new::Args),
    Build(commands::build::Args),
    Lock(commands::lock::Args),
    Fetch(commands::fetch::Args),
    Plan(commands::plan::Args),
    Why(commands::why::Args),
    Graph(commands::graph::Args),
    Image(Box<commands::image::Args>),
    Closure(commands::closure::Args),
    Audit(commands::audit::Args),
    Check(commands::check::Args),
    Verify(commands::verify::Args),
    Attest(commands::attest::Args),
    Sbom(commands::sbom::Args),
    Seeds(commands::seeds::Args),
    Size(commands::size::Args),
    Log(commands::log::Args),
    Trace(commands::trace::Args),
    Run(commands::run::Args),
    Shell(commands::shell::Args),
    Unpack(commands::unpack::Args),
    Store(commands::store::Args),
    Doctor(commands::doctor::Args),
    Man(commands::man::Args),
    Completions(commands::completions::Args),
}

/// The exit codes and the environment, for the manual.
pub(super) fn after_long_help() -> String {
    let mut text = String::from("Exit codes:\n");
    for (code, meaning) in super::exit::TABLE {
        text.push_str(&format!("  {code:<5}  {meaning}\n"));
    }
    text.push_str(
        "\nEnvironment:\n  REPRO_STORE          as --store\n  REPRO_MIRROR_<NAME>  base of `mirror://name/`, or several \
         with spaces between: URLs or folders\n  NO_COLOR             no colour with `--color auto`\n\nNothing of the \
         environment reaches a stage.",
    );
    text
}
