//! What is compared with what: folders by their entries, contents by what they are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use globset::GlobSet;

use super::folder::Folder;
use super::folders::{self, Seen};
use super::model::{Difference, Fact, Side};
use super::{bytes, elf, entries, filter, mixed, text};
use crate::container::{self, About, Fault, Kind, Spool, Subject};
use crate::fs::{self, Content, Dir};
use crate::store;
use crate::sys::CancelToken;

/// Bytes that unpacking may give in all, of both sides.
const UNPACKED: u64 = 1 << 40;

/// What is compared, and how deep.
#[derive(Debug, Clone)]
pub struct Options {
    /// Paths that are left out, with all below them. Paths within archives continue that of the archive.
    pub exclude: GlobSet,
    /// How many containers within each other are opened.
    pub max_depth: usize,
    /// Of what differs only this.
    pub only: Option<About>,
    /// Whether times of files in directories of this machine count. Those of entries of archives and images always do.
    pub times: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { exclude: GlobSet::empty(), max_depth: 32, only: None, times: false }
    }
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of this machine failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The user has asked to stop.
    #[error("finish: it was interrupted")]
    Cancelled,
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Fs(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Cancelled => None,
        }
    }
}

/// One comparison.
#[derive(Debug)]
pub struct Comparison<'a> {
    pub(super) options: &'a Options,
    pub(super) spool: Spool<'a>,
    /// Bytes that were given, and bytes of containers within containers that were looked into.
    given: AtomicU64,
    inner: AtomicU64,
    notes: Mutex<Vec<String>>,
}

/// Where a pair lies: its path from the subjects on, and how many containers it lies in.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub path: String,
    pub depth: usize,
}

impl Place {
    pub fn top() -> Self {
        Self { path: String::new(), depth: 0 }
    }

    /// Something in the same folder or container.
    pub fn join(&self, name: &str) -> Self {
        let path = match (self.path.as_str(), name) {
            ("", name) => name.to_owned(),
            (path, "") => path.to_owned(),
            (path, name) => format!("{path}/{name}"),
        };
        Self { path, depth: self.depth }
    }

    pub fn opened(&self) -> Self {
        Self { path: self.path.clone(), depth: self.depth + 1 }
    }
}

/// What a comparison by structure fails with.
#[derive(Debug)]
pub(super) enum Stop {
    /// One side is not what its beginning says.
    Unreadable(Side, Fault),
    /// Nothing can be said.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// A fault of one side.
pub(super) fn of(side: Side) -> impl Fn(Fault) -> Stop {
    move |fault| match fault {
        Fault::Cancelled => Stop::Error(Error::Cancelled),
        Fault::Io(error) => Stop::Error(error.into()),
        fault => Stop::Unreadable(side, fault),
    }
}

impl<'a> Comparison<'a> {
    /// A comparison that unpacks into files without names in `scratch`.
    pub fn new(options: &'a Options, scratch: &'a Dir, cancel: Option<&'a CancelToken>) -> Self {
        let spool = Spool::new(scratch, UNPACKED, cancel);
        Self { options, spool, given: AtomicU64::new(0), inner: AtomicU64::new(0), notes: Mutex::default() }
    }

    /// The same, but of both sides no more than so many bytes are unpacked.
    #[must_use]
    pub fn unpacking(mut self, most: u64) -> Self {
        self.spool.limit(most);
        self
    }

    /// Compares two files; none if they are equal.
    ///
    /// # Errors
    /// A file cannot be read, there is no space to unpack one, or the user has asked to stop.
    pub fn files(&self, name: &str, pair: [&Content; 2]) -> Result<Option<Difference>, Error> {
        Ok(self.contents(name, pair, &Place::top())?.and_then(|found| filter::keep(found, self.options.only)))
    }

    /// Compares any two subjects; none if they are equal.
    ///
    /// # Errors
    /// As [`Comparison::files`]; or an object of the store is missing or damaged.
    pub fn subjects(&self, pair: [Subject; 2]) -> Result<Option<Difference>, Error> {
        let [left, right] = pair;
        match (Folder::of(left)?, Folder::of(right)?) {
            (Ok(left), Ok(right)) => {
                let mut found = Difference::new("", "directory", [None, None]);
                let mut seen = Seen::default();
                folders::compare(self, [&left, &right], &Place::top(), &mut seen, &mut found)?;
                seen.settle(self, &mut found)?;
                Ok(if found.is_empty() { None } else { filter::keep(found, self.options.only) })
            }
            (Err(left), Err(right)) => self.files("", [&left, &right]),
            (Err(file), Ok(folder)) => self.mixed(&file, &folder, Side::Left),
            (Ok(folder), Err(file)) => self.mixed(&file, &folder, Side::Right),
        }
    }

    /// What was not compared, and why.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// Compares a file, which is on `side`, with a folder.
    fn mixed(&self, file: &Content, folder: &Folder, side: Side) -> Result<Option<Difference>, Error> {
        let size = Some(file.size());
        let (kinds, sizes) = match side {
            Side::Left => (["file", "directory"], [size, None]),
            Side::Right => (["directory", "file"], [None, size]),
        };
        self.given.fetch_add(file.stored(), Ordering::Relaxed);
        let mut found = Difference::new("", "directory", sizes);
        let outcome = mixed::compare(self, file, folder, side, &mut found);
        let reason = match outcome {
            Ok(Some(())) => None,
            Ok(None) => Some(None),
            Err(Stop::Unreadable(_, fault)) => Some(Some(fault)),
            Err(Stop::Error(error)) => return Err(error),
        };
        if let Some(fault) = reason {
            found.facts.push(Fact::Kind { values: kinds.map(str::to_owned) });
            let unreadable =
                |fault: Fault| Fact::Unreadable { side, kind: "archive".to_owned(), reason: fault.to_string() };
            found.facts.extend(fault.map(unreadable));
        }
        Ok(if found.is_empty() { None } else { filter::keep(found, self.options.only) })
    }

    /// Whether a path is left out.
    pub(super) fn is_excluded(&self, place: &Place) -> bool {
        !place.path.is_empty() && self.options.exclude.is_match(&place.path)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.spool.check().map_err(|_| Error::Cancelled)
    }

    /// Compares two contents.
    pub(super) fn contents(&self, name: &str, pair: [&Content; 2], at: &Place) -> Result<Option<Difference>, Error> {
        self.check()?;
        if pair[0].differs_at(pair[1])?.is_none() {
            return Ok(None);
        }
        let mut found = Difference::new(name, "bytes", pair.map(|content| Some(content.size())));
        match self.structure(pair, at, &mut found) {
            Ok(opened) => {
                // Globs do not tell which prefixes they can match; within a container that is opened, any may, and that
                // nothing is found can be right.
                let left_out = opened && !self.options.exclude.is_empty();
                if found.is_empty() && !left_out {
                    found.facts.extend(bytes::compare(pair, About::Content)?);
                }
            }
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Unreadable(side, fault)) => {
                let kind = found.kind.clone();
                found.facts.push(Fact::Unreadable { side, kind, reason: fault.to_string() });
                found.facts.extend(bytes::compare(pair, About::Content)?);
            }
        }
        Ok((!found.is_empty()).then_some(found))
    }

    /// Whether a pair of containers may be opened. At each depth they have at most the bytes that were given or unpacked,
    /// unless they overlap: a disk whose partitions hold each other can be looked into without an end.
    fn may_open(&self, pair: [&Content; 2], depth: usize) -> bool {
        let size = pair.into_iter().map(Content::stored).fold(0, u64::saturating_add);
        if depth == 0 {
            self.given.fetch_add(size, Ordering::Relaxed);
            return true;
        }
        let inner = self.inner.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        let all = self.given.load(Ordering::Relaxed).saturating_add(self.spool.taken());
        inner <= all.saturating_mul(self.options.max_depth as u64)
    }

    /// Compares two contents by what they are, if that is known; says whether they were opened.
    fn structure(&self, pair: [&Content; 2], at: &Place, found: &mut Difference) -> Result<bool, Stop> {
        let kinds = [container::detect(pair[0])?, container::detect(pair[1])?];
        match kinds {
            [Some(left), Some(right)] if left == right || both_compressed(left, right) => {
                found.kind = left.to_string();
                if left != right {
                    found.facts.push(Fact::Kind { values: [left.to_string(), right.to_string()] });
                }
                let reason = if at.depth == self.options.max_depth {
                    Some(format!("it lies in {} containers, as many as are opened", at.depth))
                } else if !self.may_open(pair, at.depth) {
                    Some("containers within others have more bytes than all that was given".to_owned())
                } else {
                    None
                };
                if let Some(reason) = reason {
                    found.facts.push(Fact::Unsearched { reason });
                    found.facts.extend(bytes::compare(pair, About::Content)?);
                    return Ok(false);
                }
                let left = left.list(pair[0], &self.spool).map_err(of(Side::Left))?;
                let right = right.list(pair[1], &self.spool).map_err(of(Side::Right))?;
                entries::compare(self, [&left, &right], &at.opened(), found)?;
                Ok(true)
            }
            [None, None] if elf::is_elf(pair[0])? && elf::is_elf(pair[1])? => {
                elf::compare(self, pair, at, found)?;
                Ok(false)
            }
            [None, None] => {
                text::compare(pair, found)?;
                Ok(false)
            }
            [left, right] => {
                let name = |kind: Option<Kind>| kind.map_or_else(|| "no container".to_owned(), |kind| kind.to_string());
                found.facts.push(Fact::Kind { values: [name(left), name(right)] });
                found.facts.extend(bytes::compare(pair, About::Content)?);
                Ok(false)
            }
        }
    }
}

fn both_compressed(left: Kind, right: Kind) -> bool {
    matches!((left, right), (Kind::Compressed(_), Kind::Compressed(_)))
}
