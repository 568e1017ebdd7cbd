//! `repro closure`

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::cli::named::Named;
use crate::cli::project::Project;
use crate::cli::terminal::Stream;
use crate::cli::{Context, ExitCode, Failure};
use crate::digest::Digest;
use crate::fs::{self, Dir, Kind};
use crate::loader::Own;
use crate::report::survey_text;
use crate::rootfs::{Questions, Survey, Surveyed};
use crate::store::{Entry, Store, TreeBuilder};

/// Say what of a root is needed and by whom, what is missing, what is too much.
///
/// From what has to run it follows loaders and libraries by the loader's own order of search (musl's and glibc's), interpreters
/// of scripts, links, libraries that a program gives to dlopen as constants, glibc's modules for names, and modules of the
/// kernel with what they depend on and their firmware. Nothing is executed. The answer is no (exit code 1) when something that
/// is needed is not there.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  repro closure rootfs                              what everything that can run needs
  repro closure rootfs --roots sbin/init --roots 'usr/sbin/*'
  repro closure glibc/run --roots 'usr/bin/getent' --nss files --nss dns
  repro closure /mnt --json

With --json the report is what snapshots/closure.schema.json says.")]
pub struct Args {
    /// A stage (its `root` if it left one), a part of its output, a tree of the store, or a directory.
    #[arg(value_name = "STAGE|DIR")]
    pub subject: String,
    /// Globs over what has to run, without a slash before them [default: every program and script].
    #[arg(long, value_name = "PATH")]
    pub roots: Vec<String>,
    /// Globs over what is wanted besides.
    #[arg(long, value_name = "PATH")]
    pub keep: Vec<String>,
    /// Globs over paths and names that may be missing.
    #[arg(long, value_name = "PATH")]
    pub may_miss: Vec<String>,
    /// Services of glibc's name service switch [default: those of etc/nsswitch.conf].
    #[arg(long, value_name = "NAME")]
    pub nss: Vec<String>,
}

/// Runs it.
///
/// # Errors
/// There is no such thing, or it cannot be read.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let plain = |list: &[String]| list.iter().map(|glob| glob.trim_start_matches('/').to_owned()).collect();
    let questions = Questions {
        roots: plain(&args.roots),
        keep: plain(&args.keep),
        may_miss: plain(&args.may_miss),
        services: args.nss.clone(),
    };
    let survey = match Named::of(&args.subject, context) {
        Named::Path(path) => folder(&args.subject, path, &questions)?,
        Named::Tree(tree) => stored(&args.subject, &context.open_store()?, tree, &questions)?,
        Named::Stage { name, part } => {
            let project = Project::load(context)?;
            let tree = output(name, part, &project, context)?;
            stored(&args.subject, &project.store, tree, &questions)?
        }
    };
    if context.globals.json {
        context.print_json(&survey)?;
    } else {
        context.print(&survey_text(&survey, context.palette(Stream::Out), context.globals.verbose > 0))?;
    }
    Ok(if survey.missing.is_empty() { ExitCode::Done } else { ExitCode::No })
}

/// What a stage left, or a part of it; of a whole output the tree `root`, if there is one.
fn output(name: &str, part: &str, project: &Project, context: &Context) -> Result<Digest, Failure> {
    let failure = |what: &str| Failure::new(ExitCode::Usage, format!("cannot look into `{name}`: {what}"));
    let unbuilt = || failure("it is not built").hint(Some(format!("run `repro build {name}`")));
    let output = project.preview(name, context)?.output.ok_or_else(unbuilt)?;
    let part = if part.is_empty() && project.store.subtree(output, "root")?.is_some() { "root" } else { part };
    project.store.subtree(output, part)?.ok_or_else(|| failure(&format!("its output has no directory `{part}`")))
}

fn stored(subject: &str, store: &Store, tree: Digest, questions: &Questions) -> Result<Survey, Failure> {
    let mut builder = TreeBuilder::new(store);
    builder.tree("", tree)?;
    let mut paths = Vec::new();
    let mut contents = std::collections::BTreeMap::new();
    builder.each(&mut |path, entry| {
        let (own, size) = match entry {
            Entry::Directory => (Own::Folder, 0),
            Entry::File { digest, mode } => {
                contents.insert(path.to_owned(), *digest);
                (Own::File { executable: mode & 0o100 != 0 }, digest.size)
            }
            Entry::Symlink { target } => (Own::Link(target.clone()), 0),
        };
        paths.push(Surveyed { path: path.to_owned(), own, size });
    })?;
    let read = |path: &str| contents.get(path).map_or(Ok(Vec::new()), |digest| store.get_bytes(*digest));
    Ok(Survey::new(subject, &paths, questions, &read)?)
}

fn folder(subject: &str, root: &Path, questions: &Questions) -> Result<Survey, Failure> {
    let mut paths = Vec::new();
    fs::walk(&Dir::open(root)?, &mut |walked| -> Result<(), Failure> {
        // Names that are not UTF-8 are asked for by nobody.
        let Ok(path) = std::str::from_utf8(walked.path.as_os_str().as_bytes()) else { return Ok(()) };
        let Some(meta) = walked.dir.stat(&walked.entry.name)? else { return Ok(()) };
        let own = match meta.kind {
            Kind::Directory => Own::Folder,
            Kind::File => Own::File { executable: meta.mode & 0o111 != 0 },
            Kind::Symlink => {
                Own::Link(String::from_utf8_lossy(&walked.dir.read_link(&walked.entry.name)?).into_owned())
            }
            _ => Own::Special,
        };
        let size = if meta.kind == Kind::File { meta.size } else { 0 };
        paths.push(Surveyed { path: path.to_owned(), own, size });
        Ok(())
    })?;
    let read = |path: &str| fs::read(&root.join(path));
    Ok(Survey::new(subject, &paths, questions, &read)?)
}
