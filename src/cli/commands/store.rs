//! `repro store`

use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::digest::Digest;
use crate::fetch;
use crate::report::{Table, bytes};
use crate::store::{GcOptions, Usage};

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
    /// Show where it is, or where an object of it is.
    Path(Object),
}

/// Options of `path`.
#[derive(Debug, Clone, clap::Args)]
pub struct Object {
    /// An object, such as `e3b0…/0` in lockfile.json; it is verified.
    #[arg(value_name = "DIGEST")]
    pub digest: Option<Digest>,
}

/// Options of `gc`.
#[derive(Debug, Clone, clap::Args)]
pub struct Gc {
    /// Show what would go.
    #[arg(long)]
    pub dry_run: bool,
    /// Results to keep, the most recent ones, besides all that references and this project's lockfile name.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub keep_recent: usize,
    /// Wait until nobody else uses the store.
    #[arg(long)]
    pub wait: bool,
}

/// Runs it.
///
/// # Errors
/// The store cannot be opened or read.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    match &args.command {
        Command::Path(Object { digest: None }) => context.print(&format!("{}\n", context.store.display()))?,
        Command::Path(Object { digest: Some(digest) }) => {
            let path = context.open_store()?.blob_path(*digest)?;
            context.print(&format!("{}\n", path.display()))?;
        }
        Command::Du => du(&context.open_store()?.usage()?, context)?,
        Command::Gc(options) => gc(options, context)?,
        Command::Fsck => return super::fsck::run(context),
    }
    Ok(ExitCode::Done)
}

fn du(usage: &Usage, context: &Context) -> Result<(), Failure> {
    if context.globals.json {
        return context.print_json(&serde_json::json!({ "schema": 1, "usage": usage, "total": usage.total() }));
    }
    let mut table = Table::new(context.palette(Stream::Out), &["what", ">files", ">size"]);
    for (what, part) in [
        ("objects", usage.objects),
        ("executable objects", usage.executables),
        ("objects of other modes", usage.other_modes),
        ("results", usage.actions),
        ("references", usage.refs),
        ("notes", usage.notes),
        ("checkouts", usage.checkouts),
        ("temporary", usage.temporary),
        ("damaged", usage.damaged),
        ("reserve", usage.reserve),
    ] {
        table.row([what.to_owned(), part.entries.to_string(), bytes(part.bytes)]);
    }
    table.row(["all", "", &bytes(usage.total())]);
    context.print(&table.text())
}

fn gc(options: &Gc, context: &Context) -> Result<(), Failure> {
    let lockfile = context.lockfile_if_any()?.unwrap_or_default();
    let sources = lockfile.sources.values().map(|pin| pin.digest);
    let packages = lockfile.sysroots.values().flat_map(|sysroot| &sysroot.packages).map(|package| package.digest);
    let outputs = lockfile.outputs.values().flat_map(|targets| targets.values().map(|known| known.tree));
    let keep = sources.chain(packages).chain(outputs).collect();
    let Gc { dry_run, keep_recent, wait } = *options;
    let store = context.open_store()?;
    if !dry_run {
        fetch::sweep_partials(&store)?;
    }
    let report = store.gc(&GcOptions { keep_recent, keep, wait, dry_run })?;
    if context.globals.json {
        return context.print_json(&serde_json::json!({ "schema": 1, "dry_run": dry_run, "report": report }));
    }
    let mut table = Table::new(context.palette(Stream::Out), &["what", ">removed", ">size", ">kept", ">size"]);
    let parts = [
        ("objects", report.objects),
        ("results", report.actions),
        ("checkouts", report.checkouts),
        ("damaged", report.damaged),
    ];
    for (what, part) in parts {
        let (removed, kept) = (part.removed.to_string(), part.kept.to_string());
        table.row([what.to_owned(), removed, bytes(part.removed_bytes), kept, bytes(part.kept_bytes)]);
    }
    context.print(&table.text())?;
    context.say(&format!("{} {}", bytes(report.freed()), if dry_run { "would be freed" } else { "freed" }));
    Ok(())
}
