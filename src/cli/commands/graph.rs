//! `repro graph`

use crate::cli::{Context, ExitCode, Failure};

/// Show the stages and what they need.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro graph
  repro graph image --format dot | dot -Tsvg > graph.svg")]
pub struct Args {
    /// Only these stages and what they need [default: those that no other needs].
    #[arg(value_name = "STAGE")]
    pub stages: Vec<String>,
    /// How to write it; `--json` is `--format json`.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// How to write a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// An indented tree.
    Text,
    /// For Graphviz.
    Dot,
    /// For programs.
    Json,
}

/// Runs it.
///
/// # Errors
/// The project's definitions are wrong, or a stage does not exist.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let graph = context.graph()?;
    let stages: Vec<&str> = match args.stages.as_slice() {
        [] => graph.default_targets(),
        stages => stages.iter().map(String::as_str).collect(),
    };
    let text = match args.format {
        _ if context.globals.json => graph.to_json(&stages)?,
        Format::Json => graph.to_json(&stages)?,
        Format::Dot => graph.to_dot(&stages)?,
        Format::Text => graph.to_tree(&stages)?,
    };
    context.print(&text)?;
    Ok(ExitCode::Done)
}
