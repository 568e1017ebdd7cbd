//! What keeps something from being begun.

use crate::{fs, stage};

/// Why there is no new project or stage.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is where a file would be written.
    #[error("write `{path}`: it is there already")]
    There {
        /// Its path in the project.
        path: String,
    },
    /// The stage cannot be called so.
    #[error("make a stage: {reason}")]
    Name {
        /// What is wrong, and the cure.
        reason: String,
    },
    /// There is such a source, and another was stated.
    #[error("add the source `{name}`: there is one already")]
    SourceThere {
        /// Its name.
        name: String,
    },
    /// There is no such source, and none was stated.
    #[error("make stage `{stage}`: there is no source `{name}`")]
    NoSource {
        /// The stage.
        stage: String,
        /// The source.
        name: String,
    },
    /// The stated source is none.
    #[error(transparent)]
    Source(#[from] stage::Mistakes),
    /// Images are of something.
    #[error("make stage `{stage}`: images are of another stage")]
    NoSubject {
        /// The stage.
        stage: String,
    },
    /// What the template refers to is neither in the project nor here.
    #[error("make stage `{stage}`: there is no `{reference}`, neither in the project nor among what is shipped")]
    Missing {
        /// The stage.
        stage: String,
        /// What is missing.
        reference: String,
    },
    /// No such stage.
    #[error(transparent)]
    Unknown(#[from] stage::UnknownStage),
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
}

impl Error {
    /// The cure.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::There { .. } => Some("choose another name or folder: nothing is written over".to_owned()),
            Self::SourceThere { .. } => Some("leave out --url to take it, or name another by --source".to_owned()),
            Self::NoSource { .. } => Some("state it by --url, --version and --license".to_owned()),
            Self::NoSubject { .. } => Some("name that by --of STAGE".to_owned()),
            Self::Unknown(error) => error.hint(),
            Self::Fs(error) => error.hint(),
            Self::Name { .. } | Self::Source(_) | Self::Missing { .. } => None,
        }
    }
}
