//! What can go wrong with a lockfile.

use std::fmt;
use std::path::PathBuf;

use super::model::SCHEMA;
use crate::fs;

/// A failure to read, check or write a lockfile. Reads after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read or replaced; a file that could not be replaced is as it was.
    #[error("use the lockfile")]
    File {
        /// The operation, its path and the system's reason.
        source: fs::Error,
    },
    /// The file is not JSON of the right shape.
    #[error("parse the lockfile `{}` at line {line}, column {column}: {reason}", path.display())]
    Parse {
        /// The lockfile.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1 (0: the line's end).
        column: usize,
        /// What was expected or found.
        reason: String,
        /// The line reads like the mark of an unfinished merge.
        merge: bool,
    },
    /// The file is of another version of the format.
    #[error("read the lockfile `{}`: its schema is {found}, and this program knows schema {SCHEMA}", path.display())]
    Schema {
        /// The lockfile.
        path: PathBuf,
        /// The version that the file says it is.
        found: u64,
    },
    /// The contents contradict themselves or could be misused.
    #[error("accept the lockfile: {} {}{}", problems.len(), if problems.len() == 1 { "problem" } else { "problems" },
        problems.iter().map(|p| format!("\n  {p}")).collect::<String>())]
    Invalid {
        /// Every problem found, in the order of the file.
        problems: Vec<Problem>,
    },
}

impl Error {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { source } if source.is_missing() => "make it with `repro lock`".to_owned(),
            Self::Parse { merge: true, .. } => {
                "a merge was left unfinished: take either side, then run `repro lock`".to_owned()
            }
            Self::Parse { .. } | Self::Invalid { .. } => {
                "restore the file from version control, or remove the entry and run `repro lock`".to_owned()
            }
            Self::Schema { found, .. } if *found > u64::from(SCHEMA) => {
                "it was written by a newer version of `repro`: use that one".to_owned()
            }
            Self::Schema { .. } => "remove the file and make it anew with `repro lock`".to_owned(),
            Self::File { source } => return source.hint(),
        })
    }
}

/// One thing wrong with a lockfile's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the file, such as `sources.musl.urls`.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.place, self.reason)
    }
}
