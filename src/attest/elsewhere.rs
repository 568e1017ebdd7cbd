//! Results in another place of this machine: a store, or a folder with trees.

use std::path::{Path, PathBuf};

use super::cause::Cause;
use super::error::Error;
use crate::build::Last;
use crate::container::Subject;
use crate::digest::Digest;
use crate::exec;
use crate::fs::{self, Dir};
use crate::stage::{Graph, Record};
use crate::store::Store;

/// The folder of a project with links to what was built.
const OUT: &str = "out";
/// The kind of notes that records of builds are.
const RECORDS: &str = "builds";

/// Results in another place.
#[derive(Debug)]
pub enum Elsewhere {
    /// A store.
    Store(Store),
    /// A folder with trees that are named like stages.
    Trees(PathBuf),
}

/// What another place has of a stage.
#[derive(Debug)]
pub(super) enum Found {
    /// A result of the very action that is asked for.
    Same(Subject, Option<Digest>),
    /// Only results of other actions.
    Other(Option<Cause>),
    /// Nothing.
    Nothing,
}

impl Elsewhere {
    /// Opens what lies at `path`; `own` is the store of this build.
    ///
    /// # Errors
    /// There is nothing, or it has no results of the project's stages.
    pub fn open(path: &Path, own: &Store, graph: &Graph) -> Result<Self, Error> {
        let nothing = |reason: &str| Error::Nothing { path: path.to_owned(), reason: reason.to_owned() };
        let dir = Dir::open(path)?;
        let format = dir.read("format").ok().flatten();
        if format.is_some_and(|format| format.starts_with(b"repro store ")) {
            let inode = |dir: &Dir| Ok::<_, fs::Error>(dir.stat(".")?.map(|meta| (meta.device, meta.inode)));
            if inode(&dir)? == inode(&Dir::open(own.root())?)? {
                return Err(nothing("it is the store of this very build"));
            }
            let opened = Store::open(path);
            return Ok(Self::Store(opened.map_err(|source| Error::Elsewhere { path: path.to_owned(), source })?));
        }
        for folder in [path.to_owned(), path.join(OUT)] {
            let is_tree = |name: &str| Dir::open(folder.join(name)).is_ok();
            if graph.stages().iter().any(|stage| is_tree(&stage.name)) {
                return Ok(Self::Trees(folder));
            }
        }
        Err(nothing("it is no store, and has no folder that is named like a stage"))
    }

    /// The stages that it has something of; none when each has to be looked for by its action.
    pub(super) fn stages(&self, graph: &Graph) -> Option<Vec<String>> {
        let Self::Trees(folder) = self else { return None };
        let names = graph.stages().iter().map(|stage| stage.name.clone());
        Some(names.filter(|name| Dir::open(folder.join(name)).is_ok()).collect())
    }

    /// What it has of a stage.
    pub(super) fn find(&self, record: &Record, target: &str) -> Result<Found, Error> {
        match self {
            Self::Store(store) => in_store(store, record, target),
            Self::Trees(folder) => {
                let path = folder.join(&record.stage);
                if fs::exists(&path)? { Ok(Found::Same(Subject::open(&path)?, None)) } else { Ok(Found::Nothing) }
            }
        }
    }
}

fn in_store(store: &Store, record: &Record, target: &str) -> Result<Found, Error> {
    let path = || store.root().to_owned();
    let known = exec::known(store, record.key).map_err(|source| Error::Result { path: path(), source })?;
    if let Some(done) = known {
        let subject = Subject::Tree { store: store.clone(), digest: done.output };
        return Ok(Found::Same(subject, Some(done.output)));
    }
    // Builds of any project that had a stage of that name.
    let failed = |source| Error::Elsewhere { path: path(), source };
    let end = format!("{}@{target}", record.stage);
    for name in store.refs().map_err(failed)?.into_keys() {
        let Some((project, _)) = name.strip_prefix("builds/").and_then(|name| name.split_once('/')) else { continue };
        if name != format!("builds/{project}/{end}") {
            continue;
        }
        let note = store.note(RECORDS, &format!("{project}-{end}")).map_err(failed)?;
        let last = note.and_then(|note| serde_json::from_slice::<Last>(&note).ok());
        return Ok(Found::Other(last.and_then(|last| Cause::of_records(&last.record, record))));
    }
    Ok(Found::Nothing)
}
