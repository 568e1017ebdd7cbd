//! What can go wrong with a file.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

/// An operation on a file that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An operation on one path.
    #[error("{operation} `{}`", path.display())]
    Io {
        /// What was tried, as a verb: `open`, `write`.
        operation: &'static str,
        /// The path it was tried on.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// An operation that takes one path to another.
    #[error("{operation} `{}` to `{}`", from.display(), to.display())]
    Move {
        /// What was tried: `rename`, `link`.
        operation: &'static str,
        /// The existing path.
        from: PathBuf,
        /// The path to be.
        to: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
}

impl Error {
    /// An error of one path.
    pub fn new(operation: &'static str, path: impl Into<PathBuf>, errno: Errno) -> Self {
        Self::Io { operation, path: path.into(), source: errno.into() }
    }

    /// The operating system's answer.
    pub fn io(&self) -> &io::Error {
        match self {
            Self::Io { source, .. } | Self::Move { source, .. } => source,
        }
    }

    /// The operating system's answer as an error number, if it gave one.
    pub fn errno(&self) -> Option<Errno> {
        Errno::from_io_error(self.io())
    }

    /// Whether this error is `errno`.
    pub fn is(&self, errno: Errno) -> bool {
        self.errno() == Some(errno)
    }

    /// Whether the path does not exist.
    pub fn is_missing(&self) -> bool {
        self.is(Errno::NOENT)
    }

    /// Whether the path exists already.
    pub fn is_existing(&self) -> bool {
        self.is(Errno::EXIST)
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self.errno()? {
            Errno::NOSPC => "free some space on that file system; `repro store gc` removes what no reference needs",
            Errno::DQUOT => "free some of your quota on that file system; `repro store gc` removes what is not needed",
            Errno::MFILE => "raise the limit of open files (`ulimit -n`) or lower the number of jobs (`-j`)",
            Errno::NFILE => "the whole machine is out of file handles: raise the sysctl fs.file-max",
            Errno::ACCESS | Errno::PERM => {
                "check who owns that path and its mode; it must belong to the user who runs this"
            }
            Errno::ROFS => "that file system is mounted read-only: choose another place or remount it",
            Errno::IO => "the disk reports an error: look at the kernel's log (`dmesg`) before trusting it further",
            Errno::STALE => "the network file system lost that file: mount it again",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
