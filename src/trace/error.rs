//! What can go wrong.

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing can be recorded inside the kernel.
    #[error("record inside the kernel: {reason}")]
    Kernel {
        /// Why.
        reason: String,
    },
    /// The thread that follows stages could not be started.
    #[error("start the thread that follows stages")]
    Thread {
        /// The system's answer.
        source: std::io::Error,
    },
    /// Something that the stage did is not known.
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
            Self::Kernel { .. } => {
                Some("it takes root, or CAP_BPF and CAP_PERFMON, and a kernel with CONFIG_BPF_SYSCALL, CONFIG_FTRACE_SYSCALLS and CONFIG_DEBUG_INFO_BTF".to_owned())
            }
            Self::Lost { .. } => Some("run it again, while less else is running".to_owned()),
            Self::Decode { .. } => Some("trace the stage again with `repro trace STAGE --rebuild`".to_owned()),
        }
    }
}
