//! `repro fetch`

use crate::cli::{Context, ExitCode, Failure, pins};
use crate::fetch::Fetcher;
use crate::report::count;

/// Fetch and verify all pinned inputs, so that a later build needs no network.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro fetch                  all that lockfile.json names
  repro fetch musl             what one stage needs, with all below it
  repro fetch --offline        is everything here?")]
pub struct Args {
    /// Only what these stages need [default: all pins].
    #[arg(value_name = "STAGE")]
    pub stages: Vec<String>,
}

/// Runs it.
///
/// # Errors
/// An input is not pinned, could not be had, or did not match.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let (graph, lockfile) = (context.graph()?, context.lockfile()?);
    let pins = if args.stages.is_empty() {
        let sources = graph.sources().keys().map(String::as_str);
        pins::pins(&graph, &lockfile, sources, graph.sysroots().keys().map(String::as_str))?
    } else {
        let stages: Vec<&str> = args.stages.iter().map(String::as_str).collect();
        pins::pins_of_stages(&graph, &lockfile, &stages)?
    };
    let store = context.open_store()?;
    let missing = pins.iter().filter(|pin| pin.digest.is_none_or(|digest| !store.contains(digest))).count();
    let reporter = context.reporter();
    let result = Fetcher::new(&store, pins::config(context), &pins::FetchEvents::new(&*reporter)).fetch(&pins);
    drop(reporter);
    result?;
    context.say(&format!("{} verified, {missing} of them fetched", count(pins.len(), "pinned input")));
    Ok(ExitCode::Done)
}
