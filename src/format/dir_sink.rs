//! A sink that writes below one directory of the host.
//!
//! Every path is resolved by `openat2` beneath the directory's descriptor, without following any symbolic link: one
//! that another process plants meanwhile leads to an error, not out. Files are made with `O_EXCL`. What is laid out has
//! one time, 1980-01-01, and the caller as its owner.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, ResolveFlags, Timespec, Timestamps, fchmod, futimens, linkat, mkdirat, open,
    openat, openat2, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::error::{Error, SinkError};
use super::kind::Kind;
use super::rules::{Rules, Summary};
use super::unpack::{Sink, unpack};

/// 1980-01-01, the earliest time that every format can hold.
const TIME: Timespec = Timespec { tv_sec: 315_532_800, tv_nsec: 0 };
const TIMES: Timestamps = Timestamps { last_access: TIME, last_modification: TIME };

/// An archive that could not be unpacked into a directory.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// The directory cannot be made or opened.
    #[error("open directory `{}` to unpack into", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The directory holds something already.
    #[error("unpack into `{}`: it is not empty", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// Unpacking ended before the archive did.
    #[error("unpack all of it: `{}` holds the first {written} entries", path.display())]
    Partial {
        /// The directory.
        path: PathBuf,
        /// Entries that are complete.
        written: u64,
        /// Why it ended.
        source: Box<Error>,
    },
    /// Modes and times of directories could not be set at the end.
    #[error("set the mode and time of `{entry}` below `{}`", path.display())]
    Finish {
        /// The directory.
        path: PathBuf,
        /// The sub-directory.
        entry: String,
        /// The operating system's answer.
        source: io::Error,
    },
}

impl DirError {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotEmpty { .. } => Some("name a directory that does not exist yet".to_owned()),
            Self::Partial { source, path, .. } => {
                let remove = format!("remove `{}` before the next try", path.display());
                Some(source.hint().map_or(remove.clone(), |hint| format!("{hint}; {remove}")))
            }
            Self::Open { .. } | Self::Finish { .. } => None,
        }
    }
}

/// An entry that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{what} `{path}`")]
struct WriteEntry {
    what: &'static str,
    path: String,
    source: io::Error,
}

/// Writes entries below one directory. See the module's text.
pub struct DirSink {
    path: PathBuf,
    root: OwnedFd,
    /// The directory that was used last, by its path below the root.
    last: Option<(String, OwnedFd)>,
    /// Directories and the modes that they get at the end, so that they can be written into until then.
    directories: Vec<(String, u32)>,
    written: u64,
}

impl DirSink {
    /// Opens `path`, which is made unless it exists. Its parent must exist.
    ///
    /// # Errors
    /// It cannot be made or opened; or it holds something and `fill` is not set.
    pub fn open(path: &Path, fill: bool) -> Result<Self, DirError> {
        let error = |errno: Errno| DirError::Open { path: path.to_owned(), source: errno.into() };
        match mkdirat(CWD, path, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(error(errno)),
        }
        let root = open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(error)?;
        if !fill {
            for entry in Dir::read_from(&root).map_err(error)? {
                let entry = entry.map_err(error)?;
                if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                    return Err(DirError::NotEmpty { path: path.to_owned() });
                }
            }
        }
        Ok(Self { path: path.to_owned(), root, last: None, directories: Vec::new(), written: 0 })
    }

    /// Entries that are complete.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Gives the directories their modes and times.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn finish(self) -> Result<(), DirError> {
        // What lies deeper first, as a mode may shut its directory.
        let mut directories = self.directories;
        directories.sort_by(|a, b| b.0.cmp(&a.0));
        // The last mode that was given for a path counts; the sort is stable.
        let mut at = 0;
        while at < directories.len() {
            let end = at + directories[at..].iter().take_while(|next| next.0 == directories[at].0).count();
            let (path, mode) = &directories[end - 1];
            let set = || {
                let fd = beneath(&self.root, path)?;
                fchmod(&fd, Mode::from_raw_mode(*mode))?;
                futimens(&fd, &TIMES)
            };
            set().map_err(|errno: Errno| DirError::Finish {
                path: self.path.clone(),
                entry: path.clone(),
                source: errno.into(),
            })?;
            at = end;
        }
        Ok(())
    }

    /// The open parent of `path`, and its last component.
    fn parent<'p>(&mut self, path: &'p str) -> Result<(&OwnedFd, &'p str), Errno> {
        let Some((parent, name)) = path.rsplit_once('/') else { return Ok((&self.root, path)) };
        if self.last.as_ref().is_none_or(|(last, _)| last != parent) {
            self.last = None;
            self.last = Some((parent.to_owned(), beneath(&self.root, parent)?));
        }
        match &self.last {
            Some((_, fd)) => Ok((fd, name)),
            None => Err(Errno::NOENT),
        }
    }

    fn done(&mut self, what: &'static str, path: &str, outcome: io::Result<()>) -> Result<(), SinkError> {
        match outcome {
            Ok(()) => {
                self.written += 1;
                Ok(())
            }
            Err(source) => Err(Box::new(WriteEntry { what, path: path.to_owned(), source })),
        }
    }

    fn write(&mut self, path: &str, mode: u32, data: &mut dyn Read) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        replace(parent, name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(parent, name, flags, Mode::from_raw_mode(0o600))?);
        let outcome = io::copy(data, &mut file).and_then(|_| {
            file.flush()?;
            fchmod(&file, Mode::from_raw_mode(mode))?;
            Ok(futimens(&file, &TIMES)?)
        });
        if outcome.is_err() {
            // Half a file is worse than none; the first error is the one to tell.
            let _ = unlinkat(parent, name, AtFlags::empty());
        }
        outcome
    }
}

/// Takes away what an earlier entry left at a name, but no directory.
fn replace(parent: &OwnedFd, name: &str) -> Result<(), Errno> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Opens a directory beneath the root without following any link.
fn beneath(root: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat2(root, path, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
}

impl Sink for DirSink {
    fn directory(&mut self, path: &str, mode: u32) -> Result<(), SinkError> {
        let make = |sink: &mut Self| -> Result<(), Errno> {
            let (parent, name) = sink.parent(path)?;
            match mkdirat(parent, name, Mode::from_raw_mode(0o700)) {
                // It must be one, and not a link to one.
                Err(Errno::EXIST) => {
                    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    openat(parent, name, flags, Mode::empty()).map(drop)
                }
                outcome => outcome,
            }
        };
        let outcome = make(self).map_err(io::Error::from);
        self.directories.push((path.to_owned(), mode));
        self.done("make directory", path, outcome)
    }

    fn file(&mut self, path: &str, mode: u32, _size: u64, data: &mut dyn Read) -> Result<(), SinkError> {
        let outcome = self.write(path, mode, data);
        self.done("write file", path, outcome)
    }

    fn symlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        let make = |sink: &mut Self| -> Result<(), Errno> {
            let (parent, name) = sink.parent(path)?;
            replace(parent, name)?;
            symlinkat(target, parent, name)?;
            utimensat(parent, name, &TIMES, AtFlags::SYMLINK_NOFOLLOW)
        };
        let outcome = make(self).map_err(io::Error::from);
        self.done("make symbolic link", path, outcome)
    }

    fn hardlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        let make = |sink: &mut Self| -> Result<(), Errno> {
            let (parent, name) = sink.parent(target)?;
            // A descriptor of its own, as the next look-up may replace the one that is kept.
            let (parent, name) = (parent.as_fd().try_clone_to_owned().map_err(|_| Errno::MFILE)?, name.to_owned());
            let (into, new) = sink.parent(path)?;
            replace(into, new)?;
            linkat(&parent, name.as_str(), into, new, AtFlags::empty())
        };
        let outcome = make(self).map_err(io::Error::from);
        self.done("make hard link", path, outcome)
    }
}

/// Unpacks an archive into a directory that is new or empty (or, with `fill`, not).
///
/// # Errors
/// The archive is refused or cannot be written: the error says how many entries the directory holds then, all complete.
pub fn unpack_to_dir(
    archive: &str,
    input: impl Read + Seek + Send,
    kind: Option<Kind>,
    rules: &Rules,
    path: &Path,
    fill: bool,
) -> Result<Summary, DirError> {
    let mut sink = DirSink::open(path, fill)?;
    let outcome = unpack(archive, input, kind, rules, &mut sink);
    let written = sink.written();
    // The directories that are there get their modes in either case.
    let finished = sink.finish();
    let summary =
        outcome.map_err(|source| DirError::Partial { path: path.to_owned(), written, source: Box::new(source) })?;
    finished.map(|()| summary)
}
