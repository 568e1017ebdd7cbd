//! Why a container cannot be read.

use crate::fs;

/// Why a container cannot be read. Messages follow "it is no valid FORMAT: ".
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It is not what its first bytes say.
    #[error("{reason}")]
    Malformed {
        /// What is wrong, and where.
        reason: String,
    },
    /// It uses what is not read here.
    #[error("{what} is not supported")]
    Unsupported {
        /// What it uses.
        what: String,
    },
    /// Reading it would take more than is allowed.
    #[error("it has more than {limit} {what}")]
    TooMuch {
        /// What it has too much of: `bytes`, `entries`, `levels`.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// The user has asked to stop.
    #[error("it was interrupted")]
    Cancelled,
    /// A file of this machine failed.
    #[error(transparent)]
    Io(#[from] fs::Error),
}

impl Fault {
    /// A container that is not what its first bytes say.
    pub fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }

    /// Something that is not read here.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    /// Whether the container is at fault, and not this machine or its user.
    pub fn is_containers(&self) -> bool {
        !matches!(self, Self::Cancelled | Self::Io(_))
    }
}
