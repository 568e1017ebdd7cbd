//! `repro verify`

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::cli::named::Named;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::container::{About, Subject};
use crate::diff::{Comparison, Options, Report};
use crate::report::diff_text;

/// Compare two builds: identical, or every place where they differ.
///
/// Compares outputs of stages, trees of the store, directories and files. Archives, compressed files and images are
/// opened, within each other too; ELF files are compared by sections, symbols and instructions, text by lines, the rest by
/// bytes. Equal digests are not even read. Nothing is executed and nothing is changed. The answer is no (exit code 1) when
/// something differs.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro verify image.tar other/image.tar
  repro verify rootfs ../other/out/rootfs
  repro verify a.deb b.deb --only content
  repro verify a b --exclude '**/*.pyc' --json")]
pub struct Args {
    /// A stage, a part of its output (`musl/run`), a tree of the store, or a path.
    #[arg(value_name = "A")]
    pub left: String,
    /// What it is compared with.
    #[arg(value_name = "B")]
    pub right: String,
    /// Leave out the paths that match, with all below them; paths in archives continue that of the archive.
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Open so many archives within each other.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub max_depth: usize,
    /// Only what is there, or only how it is described and packed: modes, owners, times, order, compression.
    #[arg(long, value_name = "WHAT")]
    pub only: Option<Only>,
    /// Compare times of files in directories, too. Those in archives and images always are.
    #[arg(long)]
    pub times: bool,
}

/// What of the differences is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    /// What is there.
    Content,
    /// How it is described and packed.
    Metadata,
}

/// Runs it.
///
/// # Errors
/// There is no such thing, or it cannot be read.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let options = Options {
        exclude: globs(&args.exclude)?,
        max_depth: args.max_depth,
        only: args.only.map(|only| match only {
            Only::Content => About::Content,
            Only::Metadata => About::Metadata,
        }),
        times: args.times,
    };
    let subjects = [subject(&args.left, context)?, subject(&args.right, context)?];
    let scratch = context.open_store()?.scratch("verify")?;
    let comparison = Comparison::new(&options, scratch.dir(), Some(&context.cancel));
    let difference = comparison.subjects(subjects)?;
    let report = Report::new([args.left.clone(), args.right.clone()], difference);
    if context.globals.json {
        context.print_json(&report)?;
    } else {
        context.print(&diff_text(&report, context.palette(Stream::Out), context.globals.verbose > 0))?;
    }
    Ok(if report.identical { ExitCode::Done } else { ExitCode::No })
}

fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let wrong = |error: globset::Error| Failure::new(ExitCode::Usage, format!("cannot use `--exclude`: {error}"));
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(wrong)?);
    }
    set.build().map_err(wrong)
}

/// What a word names, opened.
fn subject(word: &str, context: &Context) -> Result<Subject, Failure> {
    match Named::of(word, context) {
        Named::Path(path) => Ok(Subject::open(path)?),
        Named::Tree(digest) => Ok(Subject::Tree { store: context.open_store()?, digest }),
        Named::Stage { name, part } => output(name, part, context),
    }
}

/// What a stage left, as it is now; or a part of that.
fn output(name: &str, part: &str, context: &Context) -> Result<Subject, Failure> {
    let project = Project::load(context)?;
    let missing = |what: &str| Failure::new(ExitCode::Usage, format!("cannot compare `{name}`: {what}"));
    let unbuilt = || missing("it is not built").hint(Some(format!("run `repro build {name}`")));
    let output = project.preview(name, context)?.output.ok_or_else(unbuilt)?;
    if let Some(digest) = project.store.subtree(output, part)? {
        return Ok(Subject::Tree { store: project.store, digest });
    }
    // A file of it.
    let path = Path::new(part);
    let folder = path.parent().map(|folder| folder.to_string_lossy()).unwrap_or_default();
    let tree =
        project.store.subtree(output, &folder)?.ok_or_else(|| missing(&format!("its output has no `{part}`")))?;
    let directory = project.store.directory(tree)?;
    let file =
        directory.files.iter().find(|file| Some(file.name.as_str()) == path.file_name().and_then(|name| name.to_str()));
    let file = file.ok_or_else(|| missing(&format!("its output has no `{part}`")))?;
    let digest = file.content().map_err(|reason| missing(&reason))?;
    Ok(Subject::File { path: PathBuf::from(format!("{name}/{part}")), file: project.store.open_blob(digest)? })
}
