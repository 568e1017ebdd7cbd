//! Why nothing could be audited.

use std::path::PathBuf;

use crate::container::OpenError;
use crate::{format, fs, provenance, stage, store};

/// An audit that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was named cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An image layout lacks something, or its parts disagree.
    #[error("read the image layout `{}`: {reason}", path.display())]
    Layout {
        /// The layout's folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It was stopped before its end.
    #[error("audit `{name}` to its end: it was stopped")]
    Cancelled {
        /// What was audited.
        name: String,
    },
    /// No rule has that name.
    #[error("find rule `{name}`")]
    UnknownRule {
        /// What was named.
        name: String,
        /// The nearest rule.
        nearest: Option<&'static str>,
    },
    /// The project's `audit.toml` is wrong.
    #[error(transparent)]
    Config(#[from] stage::Mistakes),
    /// An archive is refused.
    #[error(transparent)]
    Archive(#[from] format::Error),
    /// An object of the store cannot be had.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A trace cannot be asked.
    #[error(transparent)]
    Provenance(#[from] provenance::Error),
    /// A file could not be read.
    #[error(transparent)]
    Fs(#[from] fs::Error),
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open(error) => error.hint(),
            Self::Cancelled { .. } => None,
            Self::Layout { .. } => Some("a layout has `oci-layout`, `index.json` and `blobs/sha256`".into()),
            Self::UnknownRule { nearest: Some(name), .. } => Some(format!("did you mean `{name}`?")),
            Self::UnknownRule { nearest: None, .. } => Some("`repro audit --rules` lists them all".into()),
            Self::Config(error) => error.hint(),
            Self::Archive(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Provenance(error) => error.hint(),
            Self::Fs(error) => error.hint(),
        }
    }
}
