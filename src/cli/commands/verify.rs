//! `repro verify`

mod against;
mod installed;

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::build::engine;
use crate::build;
use crate::cli::named::Named;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure, causes};
use crate::container::{About, Subject};
use crate::diff::{Comparison, Options, Report};
use crate::exec;
use crate::fs;
use crate::report::{
    axes_text, causes_text, classes_text, count, diff_html, diff_junit, diff_text, verify_html, verify_junit,
    verify_markdown, verify_text,
};
use crate::schedule::queue::OnFailure;
use crate::verify::cause::{Evidence, Side};
use crate::verify::{self, Axis, Compared, Known, Rebuilder, Verdict};

/// Compare two builds, hold one against others, or build again in other surroundings.
///
/// The answer is that they are identical, or what differs. With two names, compares outputs of stages, trees of the store, directories and files. Archives, compressed files and
/// images are opened, within each other too; ELF files are compared by sections, symbols and instructions, text by lines, the
/// rest by bytes. Equal digests are not even read. An archive or image and a directory are compared in
/// what both can tell. Nothing is executed and nothing is changed. Of outputs of stages the
/// likely causes are told.
///
/// With --against, brings the named stages up to date, or those that the reference speaks of, and holds them against known
/// outputs, statements of other builders, another store, or trees. What was built from other inputs is told apart, with the
/// first that differs; signatures of nobody trusted never count.
///
/// With --installed, holds a running system, or a root that is mounted, against the table of paths, modes, owners and digests
/// that its image was made by.
///
/// With --rebuild, executes stages again without the cache, with another time zone, locale, environment, user, umask, host
/// name, path, number of jobs and processors, file system and so on, and compares what they leave with what is known. What
/// matters is found by halving the axes. Of each place that differs the cause is named, with the processes that it came
/// through and its cure: stages run once more with one source of chance held fast (clock, random numbers, order of
/// directories, numbers of files, …), and a cause is proved when the difference is there in runs with it and gone in those
/// without. The answer is no (exit code 1) when something differs.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro verify image.tar other/image.tar
  repro verify rootfs ../other/out/rootfs
  repro verify a.deb b.deb --only content
  repro verify a b --exclude '**/*.pyc' --json
  repro verify --against lockfile        is all that was built what lockfile.json knows?
  repro verify --against b/image.intoto.jsonl --trust bob.pub
  repro verify --against all.jsonl --trust a.pub --trust b.pub --trust c.pub --k-of-n 2 image
  repro verify --against ../other/store image
  repro verify --installed / --exclude 'var/**'
  repro verify --installed /mnt --table out/rootfs/manifest
  repro verify --rebuild zlib musl       two stages, with all axes varied
  repro verify --rebuild all --vary umask,locale
  repro verify --axes                    what is varied, and how
  repro verify --causes                  what makes builds differ, and what cures it")]
pub struct Args {
    /// Two things to compare: a stage, a part of its output (`musl/run`), a tree of the store, or a path. With --rebuild
    /// or --against, stages, or `all`.
    #[arg(value_name = "A B|STAGE", required_unless_present_any = ["rebuild", "axes", "causes", "against", "installed"])]
    pub subjects: Vec<String>,
    /// Execute stages again instead.
    #[arg(long, conflicts_with_all = ["exclude", "max_depth", "only", "times"])]
    pub rebuild: bool,
    /// The axes to vary: `all`, or names of them.
    #[arg(long, value_name = "AXIS", value_delimiter = ',', default_value = "all", requires = "rebuild")]
    pub vary: Vec<String>,
    /// How often each stage runs with all of them varied; each time with other values.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "rebuild", value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// List the axes.
    #[arg(long, conflicts_with_all = ["subjects", "rebuild"])]
    pub axes: bool,
    /// List the kinds of causes, with what cures each.
    #[arg(long, conflicts_with_all = ["subjects", "rebuild", "axes"])]
    pub causes: bool,
    /// The options of --against.
    #[command(flatten)]
    pub against: against::Args,
    /// The options of --installed.
    #[command(flatten)]
    pub installed: installed::Args,
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
    /// Write the report as one page of HTML to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the axes and the stages that each matters to as tables of Markdown to this file.
    #[arg(long, value_name = "FILE", requires = "rebuild")]
    pub markdown: Option<PathBuf>,
    /// Write the report as JUnit's XML to this file, for build servers.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
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
/// There is no such thing, or it cannot be read; or a stage that is to be rebuilt could not be built in the first place.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if args.axes {
        context.print(&axes_text(context.palette(Stream::Out)))?;
        return Ok(ExitCode::Done);
    }
    if args.causes {
        context.print(&classes_text(context.palette(Stream::Out)))?;
        return Ok(ExitCode::Done);
    }
    if args.rebuild {
        return rebuild(args, context);
    }
    if let Some(root) = &args.installed.installed {
        return installed::run(root, &args.installed, &globs(&args.exclude)?, context);
    }
    if !args.against.against.is_empty() {
        return against::run(&args.against, &args.subjects, &options(args)?, context);
    }
    let [left, right] = args.subjects.as_slice() else {
        let text = format!("cannot compare {}", count(args.subjects.len(), "thing"));
        return Err(Failure::new(ExitCode::Usage, text).hint(Some("name two: `repro verify A B`".into())));
    };
    let options = options(args)?;
    let mut project = None;
    let subjects = [subject(left, &mut project, context)?, subject(right, &mut project, context)?];
    let scratch = context.open_store()?.scratch("verify")?;
    let comparison = Comparison::new(&options, scratch.dir(), Some(&context.cancel));
    let difference = comparison.subjects(subjects)?;
    let report = Report::new([left.clone(), right.clone()], difference).noting(comparison.notes());
    let differing = match (&report.difference, &project) {
        (Some(difference), Some(project)) => {
            let sides = [left, right].map(|word| side(word, project, context));
            let [a, b] = sides.each_ref().map(|side| side.as_ref().map(|(side, part)| (*side, part.as_str())));
            Evidence::new(&project.store, &context.cancel).guess(difference, [a, b])?
        }
        _ => Vec::new(),
    };
    write(&args.html, || diff_html(&report, &differing))?;
    write(&args.junit, || diff_junit(&report))?;
    let code = if report.identical { ExitCode::Done } else { ExitCode::No };
    if context.globals.json {
        context.print_json(&Compared::new(report, differing))?;
    } else {
        let (palette, full) = (context.palette(Stream::Out), context.globals.verbose > 0);
        let gap = if differing.is_empty() { "" } else { "\n" };
        context.print(&format!(
            "{}{gap}{}",
            diff_text(&report, palette, full),
            causes_text(&differing, palette, full)
        ))?;
    }
    Ok(code)
}

/// How two trees are compared.
fn options(args: &Args) -> Result<Options, Failure> {
    Ok(Options {
        exclude: globs(&args.exclude)?,
        max_depth: args.max_depth,
        only: args.only.map(|only| match only {
            Only::Content => About::Content,
            Only::Metadata => About::Metadata,
        }),
        times: args.times,
    })
}

/// Builds what is not built yet, and then all of it again in other surroundings.
fn rebuild(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let axes: Vec<Axis> = if args.vary.iter().any(|name| name == "all") {
        Axis::ALL.to_vec()
    } else {
        let mut axes = args.vary.iter().map(|name| Axis::parse(name)).collect::<Result<Vec<_>, _>>()?;
        axes.sort();
        axes.dedup();
        axes
    };
    let project = Project::load(context)?;
    let all = args.subjects.is_empty() || args.subjects.iter().any(|name| name == "all");
    let targets: Vec<&str> =
        if all { project.graph.default_targets() } else { args.subjects.iter().map(String::as_str).collect() };
    let options = build::Options {
        jobs: context.jobs,
        on_failure: OnFailure::FinishRunning,
        rebuild: Vec::new(),
        trace: Vec::new(),
        check_outputs: true,
    };
    let built = engine(context, &project.store, &project.graph, &project.lockfile, &targets, &options, &())?;
    if let Some((_, error)) = built.failed.first() {
        return Err(Failure::quiet(causes::build_code(error)));
    }
    let records = project.records();
    let mut stages = Vec::new();
    for built in built.built.iter().filter(|built| all || targets.contains(&built.stage.as_str())) {
        let stage = project.stage(&built.stage)?;
        let gone = || Failure::new(ExitCode::Bug, format!("cannot rebuild `{}`: its record is gone", built.stage));
        let last = records.load(&built.stage, &built.target).ok_or_else(gone)?;
        stages.push(Known {
            stage,
            inputs: last.record.inputs,
            action: built.action,
            output: built.output,
            log: records.log(&format!("{}.verify", built.stage), &built.target),
        });
    }
    let reports = {
        let reporter = context.reporter();
        let rebuilder = Rebuilder {
            store: &project.store,
            axes: &axes,
            runs: args.runs,
            jobs: context.jobs,
            events: &*reporter,
            cancel: &context.cancel,
        };
        rebuilder.run(&stages)
    };
    if let Some(signal) = context.cancel.signal() {
        return Err(Failure::quiet(ExitCode::Signal(signal)));
    }
    let report = verify::Report::new(&axes, args.runs, reports?);
    write(&args.html, || verify_html(&report))?;
    write(&args.markdown, || verify_markdown(&report))?;
    write(&args.junit, || verify_junit(&report))?;
    if context.globals.json {
        context.print_json(&report)?;
    } else {
        context.print(&verify_text(&report, context.palette(Stream::Out), context.globals.verbose > 0))?;
    }
    let any = |verdict| report.stages.iter().any(|stage| stage.verdict == verdict);
    Ok(match (any(Verdict::Different), any(Verdict::Failed)) {
        (true, _) => ExitCode::No,
        (false, true) => ExitCode::Stage,
        (false, false) => ExitCode::Done,
    })
}

fn write(path: &Option<PathBuf>, text: impl FnOnce() -> String) -> Result<(), Failure> {
    match path {
        Some(path) => Ok(fs::replace(path, text().as_bytes())?),
        None => Ok(()),
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let wrong = |error: globset::Error| Failure::new(ExitCode::Usage, format!("cannot use `--exclude`: {error}"));
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(wrong)?);
    }
    set.build().map_err(wrong)
}

/// The run that left what a word names, as far as it is known, and the part of its output that is meant.
fn side(word: &str, project: &Project, context: &Context) -> Option<(Side, String)> {
    let Named::Stage { name, part } = Named::of(word, context) else { return None };
    let preview = project.preview(name, context).ok()?;
    let done = exec::known(&project.store, preview.key).ok()??;
    Some((Side { output: done.output, trace: done.trace, build: None }, part.to_owned()))
}

/// What a word names, opened.
fn subject(word: &str, project: &mut Option<Project>, context: &Context) -> Result<Subject, Failure> {
    match Named::of(word, context) {
        Named::Path(path) => Ok(Subject::open(path)?),
        Named::Tree(digest) => Ok(Subject::Tree { store: context.open_store()?, digest }),
        Named::Stage { name, part } => {
            let project = match project {
                Some(project) => project,
                none => none.insert(Project::load(context)?),
            };
            output(name, part, project, context)
        }
    }
}

/// What a stage left, as it is now; or a part of that.
fn output(name: &str, part: &str, project: &Project, context: &Context) -> Result<Subject, Failure> {
    let missing = |what: &str| Failure::new(ExitCode::Usage, format!("cannot compare `{name}`: {what}"));
    let unbuilt = || missing("it is not built").hint(Some(format!("run `repro build {name}`")));
    let output = project.preview(name, context)?.output.ok_or_else(unbuilt)?;
    if let Some(digest) = project.store.subtree(output, part)? {
        return Ok(Subject::Tree { store: project.store.clone(), digest });
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
