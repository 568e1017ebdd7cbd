//! What can go wrong.

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thread that observes could not be started.
    #[error("start the thread that observes stage `{stage}`")]
    Thread {
        /// The stage.
        stage: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The observer was not given any calls, or lost its listener.
    #[error("trace stage `{stage}`: {reason}")]
    Lost {
        /// The stage.
        stage: String,
        /// What happened.
        reason: String,
    },
    /// Bytes that are no trace.
    #[error("decode a trace: {reason}")]
    Decode {
        /// What is wrong with them.
        reason: String,
    },
}

impl Error {
    pub(super) fn decode(reason: impl Into<String>) -> Self {
        Self::Decode { reason: reason.into() }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Thread { .. } => Some("see that this user may start more threads".to_owned()),
            Self::Lost { .. } => None,
            Self::Decode { .. } => Some("trace the stage again with `repro trace STAGE --rebuild`".to_owned()),
        }
    }
}
