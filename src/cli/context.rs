//! What was said on the command line and in the environment, as values for the commands.
#![expect(clippy::disallowed_methods, reason = "this is where environment and clock come in")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::args::Globals;
use super::exit::ExitCode;
use super::failure::Failure;
use super::output::{self, Stdout};
use super::terminal::{Stream, wants_live};
use crate::audit::Surroundings;
use crate::fs;
use crate::lockfile::Lockfile;
use crate::report::{Detail, JsonLines, Live, Palette, Plain, Screen};
use crate::schedule::{CancelToken, Subscriber};
use crate::stage::{Graph, ParamValues};
use crate::store::Store;

/// All that a command knows of the world.
pub struct Context {
    /// The options of all commands, as given.
    pub globals: Globals,
    /// The project's folder.
    pub project: PathBuf,
    /// The store's folder.
    pub store: PathBuf,
    /// Processes at once.
    pub jobs: usize,
    /// The stages' parameters.
    pub params: ParamValues,
    /// Bases of mirrors by name, several with spaces between.
    pub mirrors: BTreeMap<String, String>,
    /// Stopped by signals and by a reader that goes away.
    pub cancel: CancelToken,
    start: Instant,
}

impl Context {
    /// Reads the environment.
    ///
    /// # Errors
    /// A parameter does not exist, or there is no place for the store.
    pub fn new(globals: Globals, cancel: CancelToken) -> Result<Self, Failure> {
        let mut params = ParamValues::parse(&globals.params)?;
        for (name, value) in [("arch", &globals.arch), ("profile", &globals.profile)] {
            if let Some(value) = value {
                params.set(name, value)?;
            }
        }
        let jobs = globals.jobs.and_then(|jobs| usize::try_from(jobs).ok());
        let jobs = jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
        let project = match &globals.directory {
            Some(directory) => directory.clone(),
            None => std::env::current_dir().map_or_else(|_| PathBuf::from("."), |folder| find_project(&folder)),
        };
        let store = store_folder(&globals)?;
        let mirrors = mirrors(std::env::vars_os());
        Ok(Self { globals, project, store, jobs, params, mirrors, cancel, start: Instant::now() })
    }

    /// The project's stages.
    ///
    /// # Errors
    /// All that is wrong in the definitions.
    pub fn graph(&self) -> Result<Graph, Failure> {
        Ok(Graph::load(&self.project, &self.params)?)
    }

    /// Where the lockfile is.
    pub fn lockfile_path(&self) -> PathBuf {
        self.project.join("lockfile.json")
    }

    /// The project's lockfile.
    ///
    /// # Errors
    /// There is none, or it is wrong.
    pub fn lockfile(&self) -> Result<Lockfile, Failure> {
        let missing = || Failure::new(ExitCode::Usage, "cannot find `lockfile.json`: nothing is pinned yet");
        let hint = || Some("`repro lock` makes it".into());
        self.lockfile_if_any()?.ok_or_else(|| missing().hint(hint()))
    }

    /// The project's lockfile, or none when there is none yet.
    ///
    /// # Errors
    /// It is wrong, or cannot be read.
    pub fn lockfile_if_any(&self) -> Result<Option<Lockfile>, Failure> {
        let path = self.lockfile_path();
        let there = fs::exists(&path).map_err(|error| Failure::of(ExitCode::Usage, &error).hint(error.hint()))?;
        if there { Ok(Some(Lockfile::load(&path)?)) } else { Ok(None) }
    }

    /// The store; made when there is none.
    ///
    /// # Errors
    /// It is no store, one of another version, or the disk refuses.
    pub fn open_store(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.store)?)
    }

    /// Whoever shows the events of a run, by the options and the terminal. Drop it before saying anything else.
    pub fn reporter(&self) -> Box<dyn Subscriber + Send> {
        let start = self.start;
        let elapsed = Box::new(move || start.elapsed());
        let (palette, globals) = (self.palette(Stream::Err), &self.globals);
        if globals.json {
            Box::new(JsonLines::new(Box::new(Stdout::new(self.cancel.clone())), elapsed))
        } else if wants_live(globals) {
            let out = Box::new(std::io::stderr());
            Box::new(Live::new(Screen { out, size: Box::new(|| Stream::Err.size()), elapsed, palette }))
        } else {
            let detail = match (globals.quiet, globals.verbose) {
                (true, _) => Detail::Quiet,
                (_, 0) => Detail::Normal,
                _ => Detail::Verbose,
            };
            Box::new(Plain::new(Box::new(std::io::stderr()), palette, detail))
        }
    }

    /// How to decorate what goes to a stream.
    pub fn palette(&self, stream: Stream) -> Palette {
        stream.palette(&self.globals)
    }

    /// Writes a command's answer to standard output.
    ///
    /// # Errors
    /// The reader is gone, or the output could not be written.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        output::print(text)
    }

    /// Writes a command's answer as JSON, indented, with a line end.
    ///
    /// # Errors
    /// As [`print`](Self::print).
    pub fn print_json(&self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::new(ExitCode::Bug, format!("cannot write the answer as JSON: {error}")))?;
        output::print(&format!("{text}\n"))
    }

    /// Says something on standard error, unless `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.globals.quiet {
            output::say(&format!("{text}\n"));
        }
    }

    /// Names and paths of this machine, which nothing that is built may hold.
    pub fn surroundings(&self) -> Surroundings {
        let text = |name: &str| std::env::var(name).unwrap_or_default();
        let system = rustix::system::uname();
        let lossy = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
        let absolute = |path: &Path| std::path::absolute(path).map(|path| path.display().to_string()).ok();
        let user = ["USER", "LOGNAME"].map(text).into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        Surroundings {
            user,
            host: lossy(system.nodename()),
            home: text("HOME"),
            kernel: lossy(system.release()),
            paths: [&self.store, &self.project].into_iter().filter_map(|path| absolute(path)).collect(),
        }
    }

    /// Time since the start.
    pub fn elapsed(&self) -> std::time::Duration {
        self.start.elapsed()
    }
}

/// The nearest folder at or above `folder` that has a folder `stages`, or `folder`.
fn find_project(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.join("stages").is_dir()).unwrap_or(folder).to_owned()
}

fn store_folder(globals: &Globals) -> Result<PathBuf, Failure> {
    if let Some(store) = globals.store.as_ref().filter(|store| !store.as_os_str().is_empty()) {
        // Stages and later commands run elsewhere.
        return std::path::absolute(store)
            .map_err(|error| Failure::new(ExitCode::Bug, format!("cannot find the current folder: {error}")));
    }
    // The XDG Base Directory Specification: relative paths are to be ignored.
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("repro")).ok_or_else(|| {
        Failure::new(ExitCode::Usage, "cannot choose a folder for the store: HOME is not set")
            .hint(Some("name one with --store DIR or REPRO_STORE".into()))
    })
}

/// `REPRO_MIRROR_<NAME>`, by the name in lower case.
fn mirrors(variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>) -> BTreeMap<String, String> {
    variables
        .filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix("REPRO_MIRROR_")?.to_ascii_lowercase();
            let value = value.into_string().ok()?;
            (!name.is_empty() && !value.trim().is_empty()).then_some((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_from_the_environment() {
        let set = [
            ("REPRO_MIRROR_DEBIAN", "/srv/debian"),
            ("REPRO_MIRROR_", "x"),
            ("PATH", "/bin"),
            ("REPRO_MIRROR_GNU", " "),
        ];
        let found = mirrors(set.into_iter().map(|(name, value)| (name.into(), value.into())));
        assert_eq!(found, BTreeMap::from([("debian".to_owned(), "/srv/debian".to_owned())]));
    }
}
