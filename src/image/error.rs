//! What can be wrong with an image.

use std::io;

/// A tree that is none, or one that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An entry that contradicts the others, or that the format has no room for.
    #[error("`/{path}`: {problem}")]
    Entry {
        /// Its path below the root.
        path: String,
        /// What is wrong.
        problem: Problem,
    },
    /// The bytes of a file cannot be read.
    #[error("read the content of `/{path}`")]
    Read {
        /// The file's path below the root.
        path: String,
        /// The error.
        source: io::Error,
    },
    /// The image cannot be written.
    #[error("write the image")]
    Write {
        /// The error.
        source: io::Error,
    },
    /// The format, or the size that was asked for, has no room.
    #[error("{what}: {needed} wanted, at most {most}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much the image needs.
        needed: u64,
        /// How much there may be.
        most: u64,
    },
    /// A partition that cannot be.
    #[error("partition {number}: {reason}")]
    Partition {
        /// Its number, from 1.
        number: usize,
        /// Why.
        reason: &'static str,
    },
    /// A layer that cannot be.
    #[error("layer `{glob}`: {reason}")]
    Layer {
        /// The glob that says what is in it.
        glob: String,
        /// Why.
        reason: String,
    },
    /// An option that is not possible.
    #[error("option `{option}`: {reason}")]
    Option {
        /// Its name.
        option: &'static str,
        /// Why.
        reason: &'static str,
    },
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not a relative path of plain names.
    #[error("not a plain path")]
    Path,
    /// A name twice.
    #[error("given twice")]
    Twice,
    /// Nothing gives the folder that it is in.
    #[error("its folder is not in the tree")]
    Orphan,
    /// What it is in is something else.
    #[error("what it is in is no folder")]
    NotAFolder,
    /// A hard link to what is not there, or to a folder.
    #[error("a hard link to `/{to}`, which is no file before it")]
    Link {
        /// What it shall be.
        to: String,
    },
    /// The content is longer or shorter than stated.
    #[error("its content has another size than the {stated} bytes that were stated")]
    Size {
        /// As stated.
        stated: u64,
    },
    /// The format cannot express it.
    #[error("the format has no {what}")]
    Unsupported {
        /// What it would need.
        what: &'static str,
    },
    /// Over a limit of the format.
    #[error("{what} {value} is over the format's {most}")]
    TooLarge {
        /// The field.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The most that the format holds.
        most: u64,
    },
    /// Two names that the format cannot tell apart.
    #[error("the format cannot tell it from `/{other}`")]
    Alike {
        /// The other.
        other: String,
    },
}

impl Error {
    /// What is wrong with the entry at `path`.
    pub(super) fn of(path: &[u8], problem: Problem) -> Self {
        Self::Entry { path: String::from_utf8_lossy(path).into_owned(), problem }
    }

    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Entry { problem: Problem::Orphan, .. } => {
                Some("state every folder of an image: its mode and owner are not guessed".to_owned())
            }
            Self::Entry {
                problem: Problem::Unsupported { .. } | Problem::TooLarge { .. } | Problem::Alike { .. },
                ..
            } => Some("leave it out, or choose another format".to_owned()),
            Self::Layer { .. } => Some(
                "a glob is over paths such as `usr/lib/**`, a folder is matched with all in it, and the first glob that \
                 matches a path has it"
                    .to_owned(),
            ),
            Self::TooMuch { .. } => Some("ask for a larger image, or put less into it".to_owned()),
            Self::Read { .. } => Some("`repro store fsck` tells what is damaged".to_owned()),
            _ => None,
        }
    }
}
