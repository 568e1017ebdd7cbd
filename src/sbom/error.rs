//! What can go wrong.

use crate::container::Fault;
use crate::{fs, provenance, store, sysroot};

/// Why nothing can be stated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something has no pin.
    #[error("describe stage `{stage}`: {what} is not pinned")]
    Unpinned {
        /// The stage.
        stage: String,
        /// What has none.
        what: String,
    },
    /// There is no result to be described.
    #[error("describe stage `{stage}`: it is not built")]
    NotBuilt {
        /// The stage.
        stage: String,
    },
    /// The stage's time is none.
    #[error("describe stage `{stage}`: its SOURCE_DATE_EPOCH is `{text}`, which is no time")]
    Epoch {
        /// The stage.
        stage: String,
        /// The variable's value.
        text: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A trace could not be read.
    #[error(transparent)]
    Provenance(#[from] provenance::Error),
    /// A container could not be opened, through no fault of its own.
    #[error("look into what was left")]
    Open(#[from] Fault),
    /// A file failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// What is remembered of a package could not be read.
    #[error(transparent)]
    Sysroot(#[from] sysroot::Error),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unpinned { .. } => Some("run `repro lock`".to_owned()),
            Self::NotBuilt { stage } => Some(format!("run `repro build {stage}`")),
            Self::Epoch { .. } => Some("write the seconds since 1970, up to the year 9999".to_owned()),
            Self::Store(error) => error.hint(),
            Self::Provenance(error) => error.hint(),
            Self::Sysroot(error) => error.hint(),
            Self::Fs(error) => error.hint(),
            Self::Open(_) => None,
        }
    }
}
