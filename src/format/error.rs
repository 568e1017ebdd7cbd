//! Why an archive was refused.

use std::fmt;
use std::io;

use super::Kind;

/// What a [`super::Sink`] answers when it cannot take an entry.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// An archive that could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive as a whole is refused.
    #[error("unpack `{archive}`: {reason}")]
    Archive {
        /// Name of the archive, as the caller gave it.
        archive: String,
        /// What is wrong.
        reason: Reason,
    },
    /// One entry is refused, and the archive with it.
    #[error("unpack `{archive}`: entry `{entry}`: {reason}")]
    Entry {
        /// Name of the archive, as the caller gave it.
        archive: String,
        /// Name of the entry as it stands in the archive, unprintable bytes escaped.
        entry: String,
        /// What is wrong.
        reason: Reason,
    },
    /// The archive's bytes could not be read.
    #[error("read `{archive}`")]
    Read {
        /// Name of the archive.
        archive: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The receiver of the entries failed.
    #[error("write entry `{entry}` of `{archive}`")]
    Sink {
        /// Name of the archive.
        archive: String,
        /// Name of the entry.
        entry: String,
        /// The receiver's own error.
        source: SinkError,
    },
}

impl Error {
    /// What is wrong with the archive; nothing when reading or writing failed.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Archive { reason, .. } | Self::Entry { reason, .. } => Some(reason),
            Self::Read { .. } | Self::Sink { .. } => None,
        }
    }

    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        self.reason().and_then(Reason::hint)
    }
}

/// What is wrong with an archive or an entry.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The first bytes are those of no format that is known here.
    #[error("its first bytes are those of no known archive format")]
    UnknownFormat,
    /// Another format than the one that was asked for.
    #[error("expected {expected}, and it is {actual}")]
    WrongFormat {
        /// What was asked for.
        expected: Kind,
        /// What the bytes say.
        actual: Kind,
    },
    /// A format, or a feature of one, that is known and not read.
    #[error("{what} is not supported")]
    Unsupported {
        /// The format or feature.
        what: String,
    },
    /// The bytes end too early.
    #[error("the archive is cut short in {part}")]
    Truncated {
        /// The part that is not complete.
        part: &'static str,
    },
    /// The bytes break the rules of the format.
    #[error("damaged {format}: {detail}")]
    Corrupt {
        /// The format.
        format: &'static str,
        /// The rule, and what stands there instead.
        detail: String,
    },
    /// Bytes follow the end of the archive.
    #[error("data follows the end of the {format}")]
    Trailing {
        /// The format.
        format: &'static str,
    },
    /// More bytes than allowed.
    #[error("more than {limit} bytes unpacked")]
    TooManyBytes {
        /// The limit.
        limit: u64,
    },
    /// More entries than allowed.
    #[error("more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// A name with more components than allowed.
    #[error("the name has more than {limit} components")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A name that cannot be taken.
    #[error("the {what} {fault}")]
    Name {
        /// `name`, `link target` or `symlink target`.
        what: &'static str,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// An entry beneath something that is not a directory.
    #[error("`{above}`, which it lies beneath, is a {kind} in this archive")]
    Beneath {
        /// Path of the ancestor.
        above: String,
        /// What the ancestor is.
        kind: EntryKind,
    },
    /// A second entry of one name, of another type.
    #[error("it is a {now}, and was a {before} earlier in this archive")]
    TypeChange {
        /// The first type.
        before: EntryKind,
        /// The second type.
        now: EntryKind,
    },
    /// A hard link whose target is not a file that came earlier in the archive.
    #[error("its hard link target `{target}` {why}")]
    HardLink {
        /// The target.
        target: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A device, fifo or socket.
    #[error("it is a {kind}")]
    Special {
        /// What it is.
        kind: &'static str,
    },
    /// Leading components are to be stripped, and the entries do not share them.
    #[error("cannot strip {strip} leading components: {detail}")]
    Strip {
        /// How many components.
        strip: usize,
        /// Which rule does not hold.
        detail: String,
    },
}

impl Reason {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Truncated { .. } | Self::Corrupt { .. } => {
                "the file is damaged or was fetched in part: compare its digest with the pin, and fetch it again"
                    .to_owned()
            }
            Self::TooManyBytes { .. } | Self::TooManyEntries { .. } | Self::TooDeep { .. } => {
                "raise the limit if the archive is known to be good".to_owned()
            }
            Self::Special { .. } => "the rule `skip_devices` leaves out devices, fifos and sockets".to_owned(),
            Self::Name { fault: NameFault::NotUtf8, .. } => {
                "the rule `names = latin1` reads such names as Latin-1".to_owned()
            }
            Self::Name { fault: NameFault::Absolute, .. } => {
                "the rule `absolute = strip` takes the leading `/` away".to_owned()
            }
            Self::Strip { .. } => "unpack it without stripping".to_owned(),
            Self::UnknownFormat => {
                "known are tar, cpio, ar, deb and zip; tar and cpio also within gzip, bzip2, xz or zstd".to_owned()
            }
            _ => return None,
        })
    }

    pub(super) fn corrupt(format: &'static str, detail: impl Into<String>) -> Self {
        Self::Corrupt { format, detail: detail.into() }
    }

    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// No bytes at all.
    #[error("is empty")]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// A NUL byte.
    #[error("contains a NUL byte")]
    Nul,
    /// A leading `/`.
    #[error("is absolute")]
    Absolute,
    /// A component `..`.
    #[error("contains `..`")]
    ParentDir,
    /// A component of more than 255 bytes.
    #[error("has a component longer than 255 bytes")]
    ComponentTooLong,
    /// More than 4096 bytes (4095 for the target of a symbolic link).
    #[error("is longer than a path can be (4095 bytes)")]
    TooLong,
}

/// The types of entry that a [`super::Sink`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "directory",
            Self::File => "file",
            Self::Symlink => "symbolic link",
        })
    }
}

/// How a reader of one format fails; [`unpack`](super::unpack()) adds the names.
#[derive(Debug)]
pub(super) enum Fault {
    Reason(Reason),
    Io(io::Error),
    Sink(SinkError),
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

/// Readers stacked on each other hand a [`Reason`] up inside an `io::Error`.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Reason>() {
            Ok(reason) => Self::Reason(reason),
            Err(error) => Self::Io(error),
        }
    }
}

impl From<Reason> for io::Error {
    fn from(reason: Reason) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, reason)
    }
}
