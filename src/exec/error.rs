//! Why a job has no result.

use std::path::PathBuf;

use crate::digest::Digest;
use crate::{fs, pack, rootfs, sandbox, store, trace};

/// Why a job has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stage's program ended, or was ended, without success.
    #[error("build stage `{stage}`: {reason}")]
    Failed {
        /// The stage.
        stage: String,
        /// How it ended: `exited with 2`, `was silent for 15 m`…
        reason: String,
        /// The complete log.
        log: PathBuf,
        /// Its last lines.
        tail: Vec<String>,
        /// What it had in `/build` and `/out`, when that could be kept.
        left: Option<Digest>,
    },
    /// The stage ended well, but what it left is not what its definition says.
    #[error("take the output of stage `{stage}`: {reason}")]
    Output {
        /// The stage.
        stage: String,
        /// What is wrong with it.
        reason: String,
        /// The complete log.
        log: PathBuf,
    },
    /// The run was stopped.
    #[error("build stage `{stage}`: the run was stopped")]
    Cancelled {
        /// The stage.
        stage: String,
    },
    /// The sandbox could not be set up.
    #[error("set up the sandbox of stage `{stage}`")]
    Sandbox {
        /// The stage.
        stage: String,
        /// What failed.
        source: sandbox::Error,
    },
    /// What the stage did is not known.
    #[error("trace stage `{stage}`")]
    Trace {
        /// The stage.
        stage: String,
        /// What failed.
        source: trace::Error,
    },
    /// Its isolation is not known here.
    #[error("isolate stage `{stage}`: its level is not known")]
    Isolation {
        /// The stage.
        stage: String,
    },
    /// No core or descriptor for the job.
    #[error("get a core for stage `{stage}`: {reason}")]
    Slot {
        /// The stage.
        stage: String,
        /// What failed.
        reason: String,
    },
    /// The log could not be written.
    #[error("write the log `{path}`")]
    Log {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Two inputs give one path different contents.
    #[error("lay out the inputs of stage `{stage}`")]
    Conflict {
        /// The stage.
        stage: String,
        /// The paths, each with the inputs that disagree.
        source: store::MergeError,
    },
    /// An image that the stage states cannot be written.
    #[error("write the image `{file}` of stage `{stage}`")]
    Pack {
        /// The stage.
        stage: String,
        /// The image.
        file: String,
        /// What failed.
        source: pack::Error,
    },
    /// The root file system that the stage states cannot be composed.
    #[error("compose the root of stage `{stage}`")]
    Root {
        /// The stage.
        stage: String,
        /// What failed.
        source: rootfs::Error,
    },
    /// Another version of `repro` states the images or the root in another way.
    #[error("write the output of stage `{stage}`: it is stated for another version of `repro`")]
    Writer {
        /// The stage.
        stage: String,
    },
    /// The time that images have is none.
    #[error("write the images of stage `{stage}`: its SOURCE_DATE_EPOCH is `{text}`, which is no time")]
    Time {
        /// The stage.
        stage: String,
        /// What it sees.
        text: String,
    },
    /// There is no sandbox to enter, or to show.
    #[error("lay out the sandbox of stage `{stage}`: it has none, `repro` itself writes its output")]
    NoSandbox {
        /// The stage.
        stage: String,
    },
    /// A rule of the stage is no glob.
    #[error("read the rule `{glob}` of stage `{stage}`: {reason}")]
    Glob {
        /// The stage.
        stage: String,
        /// The rule's path.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// No core or descriptor for `stage`, because of `error`.
    pub fn slot(stage: &str, error: &dyn std::error::Error) -> Self {
        Self::Slot { stage: stage.to_owned(), reason: error.to_string() }
    }
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { stage, left: Some(_), .. } => {
                Some(format!("enter the tree that it left with `repro shell {stage} --failed`"))
            }
            Self::Failed { stage, .. } => Some(format!("enter its sandbox with `repro shell {stage}`")),
            Self::Output { stage, .. } => {
                Some(format!("look at the log, or enter the sandbox with `repro shell {stage}`"))
            }
            Self::Sandbox { source, .. } => source.hint(),
            Self::Trace { source, .. } => source.hint(),
            Self::Fs(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Log { .. } => Some("see that there is room and that the folder belongs to you".to_owned()),
            Self::Conflict { source, .. } => source.hint(),
            Self::Pack { source, .. } => source.hint(),
            Self::Root { source, .. } => source.hint(),
            Self::Isolation { .. } | Self::Writer { .. } | Self::Time { .. } => {
                Some("build it with the version of `repro` that its definition is for".to_owned())
            }
            Self::Glob { .. } => Some("write a glob such as `usr/include/**`".to_owned()),
            Self::NoSandbox { .. } => {
                Some("`repro graph` shows what it takes; how it is made stands in its stage.toml".to_owned())
            }
            Self::Cancelled { .. } | Self::Slot { .. } => None,
        }
    }
}
