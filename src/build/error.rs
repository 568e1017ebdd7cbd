//! Why a build could not be done.

use crate::{exec, fetch, fs, sandbox, schedule, stage, store, sysroot};

/// Why a build could not be done, or not be begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lockfile lacks a pin.
    #[error("find the pin of {what}: lockfile.json has none")]
    Unpinned {
        /// `sysroot NAME` or `source NAME`.
        what: String,
    },
    /// A stage takes a part of another one's output that is not there.
    #[error("give `{input}` to stage `{stage}`: that stage's output has no such directory")]
    NoSubtree {
        /// The stage that takes it.
        stage: String,
        /// The reference as written.
        input: String,
    },
    /// A stage cannot be looked at before what it needs is built.
    #[error("resolve stage `{stage}`: it needs stage `{needs}`, which is not built")]
    NotBuilt {
        /// The stage.
        stage: String,
        /// What it needs.
        needs: String,
    },
    /// A folder that a result should go to has something in it.
    #[error("write the result to `{}`: it is not empty", folder.display())]
    NotEmpty {
        /// The folder.
        folder: std::path::PathBuf,
    },
    /// A tree in the store that is none.
    #[error("read tree `{tree}`: {reason}")]
    Malformed {
        /// The tree.
        tree: crate::digest::Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// The same action gave another output than is known.
    #[error("build stage `{stage}` reproducibly: the same inputs gave {got}, and {expected} is known")]
    NotReproducible {
        /// The stage.
        stage: String,
        /// The known tree.
        expected: crate::digest::Digest,
        /// The tree of this build.
        got: crate::digest::Digest,
    },
    /// The output is larger than its limit.
    #[error(
        "keep the output of stage `{stage}` within its limit `size`, {budget} bytes: it has {bytes}; the largest files are {largest}"
    )]
    TooLarge {
        /// The stage.
        stage: String,
        /// Bytes of all its files.
        bytes: u64,
        /// The limit.
        budget: u64,
        /// The largest files with their bytes.
        largest: String,
    },
    /// What is delivered has errors.
    #[error("offer `{stage}`: its audit found errors ({errors})")]
    Refused {
        /// The stage.
        stage: String,
        /// Findings of severity error.
        errors: u64,
    },
    /// What is delivered could not be audited.
    #[error("audit `{stage}`")]
    Audit {
        /// The stage.
        stage: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A definition cannot be read.
    #[error(transparent)]
    Files(#[from] stage::FilesError),
    /// Inputs that make no action.
    #[error(transparent)]
    Compose(#[from] stage::ComposeError),
    /// No such stage.
    #[error(transparent)]
    UnknownStage(#[from] stage::UnknownStage),
    /// A job failed.
    #[error(transparent)]
    Exec(#[from] exec::Error),
    /// A pin could not be had.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// Packages or a source archive do not make a tree.
    #[error(transparent)]
    Sysroot(#[from] sysroot::Error),
    /// This host cannot isolate.
    #[error(transparent)]
    Sandbox(#[from] sandbox::Error),
    /// The graph cannot be run.
    #[error(transparent)]
    Queue(#[from] schedule::queue::Error),
    /// No jobserver.
    #[error(transparent)]
    Jobserver(#[from] schedule::jobserver::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] fs::Error),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unpinned { .. } => Some("run `repro lock`".to_owned()),
            Self::NotBuilt { needs, .. } => Some(format!("run `repro build {needs}`")),
            Self::NotEmpty { .. } => Some("name a new folder".to_owned()),
            Self::Malformed { .. } => Some("`repro store fsck` looks for damage".to_owned()),
            Self::NoSubtree { .. } => Some("name a directory that the other stage leaves in /out".to_owned()),
            Self::NotReproducible { stage, .. } => Some(format!(
                "something that varies got into stage `{stage}`; compare the two trees with `diff -r` on what `repro store path` prints"
            )),
            Self::Refused { stage, .. } => Some(format!(
                "`repro audit {stage}` shows all; mend them, or allow each in audit.toml with its reason; `--audit=warn` offers it as it is"
            )),
            Self::TooLarge { stage, .. } => {
                Some(format!("`repro size {stage}` says what takes the room; raise `limits.size` if it is meant so"))
            }
            Self::Audit { .. } => Some("`repro store fsck` looks for damage".to_owned()),
            Self::Files(error) => error.hint(),
            Self::Compose(error) => error.hint(),
            Self::UnknownStage(error) => error.hint(),
            Self::Exec(error) => error.hint(),
            Self::Fetch(error) => error.hint(),
            Self::Sysroot(error) => error.hint(),
            Self::Sandbox(error) => error.hint(),
            Self::Queue(error) => error.hint(),
            Self::Jobserver(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Fs(error) => error.hint(),
        }
    }
}
