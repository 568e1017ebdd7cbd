//! What can go wrong.

use crate::{exec, store, trace};

/// Why a question about a file has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No stage has it.
    #[error("find `{path}` in what was built")]
    NoFile {
        /// What was asked for.
        path: String,
        /// What has the same name: a stage, and the path in its output.
        similar: Option<(String, String)>,
    },
    /// It is no file.
    #[error("explain `{path}` of stage `{stage}`: it is {what}")]
    NotAFile {
        /// The stage.
        stage: String,
        /// The path in its output.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// The stage was never built here.
    #[error("explain what stage `{stage}` left: it has not been built here")]
    NotBuilt {
        /// The stage.
        stage: String,
    },
    /// It was built again since another stage took what it left.
    #[error("explain what stage `{user}` took of stage `{stage}`: `{stage}` has been built anew since")]
    Changed {
        /// The stage.
        stage: String,
        /// The stage that took its output.
        user: String,
    },
    /// The stage has no trace.
    #[error("explain `{path}` of stage `{stage}`: the stage has no trace")]
    NoTrace {
        /// The stage.
        stage: String,
        /// The path in its output.
        path: String,
    },
    /// A rule for paths of two inputs that is no glob.
    #[error("read the rule for `{glob}`: {reason}")]
    Glob {
        /// The rule.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The trace.
    #[error(transparent)]
    Trace(#[from] trace::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The result of a stage.
    #[error(transparent)]
    Exec(#[from] exec::Error),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoFile { similar: Some((stage, path)), .. } => Some(format!("there is `{stage}:{path}`")),
            Self::NoFile { .. } => Some("`repro why STAGE:/path` asks for a file of one stage's output".to_owned()),
            Self::NotAFile { .. } => Some("name a file in it".to_owned()),
            Self::NotBuilt { stage } => Some(format!("`repro build {stage}` builds it")),
            Self::Changed { user, .. } => Some(format!("`repro build {user}` brings it up to date")),
            Self::NoTrace { stage, .. } => Some(format!("`repro trace {stage}` makes one")),
            Self::Glob { .. } => None,
            Self::Trace(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Exec(error) => error.hint(),
        }
    }
}
