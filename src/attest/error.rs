//! Why a statement cannot be made, read or compared.

use std::path::PathBuf;

use crate::{container, diff, exec, fetch, fs, store};

/// A failure with statements or keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that holds no statement.
    #[error("use {place} as a statement: {reason}")]
    Malformed {
        /// Which, and in which file.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that is larger than any that makes sense.
    #[error("read {place}: it has more than {limit} bytes")]
    TooLarge {
        /// Which.
        place: String,
        /// The most that is read.
        limit: u64,
    },
    /// A file that is no key.
    #[error("use `{}` as a {what} key: {reason}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// `private` or `public`.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A new key would replace a file.
    #[error("make the key `{}`: there is such a file", path.display())]
    KeyExists {
        /// The file.
        path: PathBuf,
    },
    /// A new key needs a name.
    #[error("make the key `{}`: it is not the name of a file", path.display())]
    KeyName {
        /// What was given.
        path: PathBuf,
    },
    /// The system has no random bytes.
    #[error("make a key: the system gives no random bytes")]
    Random,
    /// A trusted key whose name cannot be one.
    #[error("trust `{word}`: {reason}")]
    Trust {
        /// As given.
        word: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Statements are to count, and nobody's do.
    #[error("count the statements of {place}: no key is trusted")]
    NobodyTrusted {
        /// Where they are.
        place: String,
    },
    /// More builders are asked for than could agree.
    #[error("find {needed} builders that agree: only {there} can be heard")]
    TooFew {
        /// How many are asked for.
        needed: usize,
        /// How many there are.
        there: usize,
    },
    /// The name of a builder that is no URI.
    #[error("name the builder `{id}`: it is no URI")]
    Builder {
        /// As given.
        id: String,
    },
    /// Nobody says who builds.
    #[error("make a statement: it does not say who builds")]
    NoBuilder,
    /// A time that is none.
    #[error("say that the build ended at `{text}`: it is no time in UTC")]
    Time {
        /// As given.
        text: String,
    },
    /// A stage without a result here.
    #[error("make a statement on stage `{stage}`: it is not built")]
    NotBuilt {
        /// The stage.
        stage: String,
    },
    /// The lockfile lacks a pin.
    #[error("make a statement on stage `{stage}`: lockfile.json does not pin {what}")]
    Unpinned {
        /// The stage.
        stage: String,
        /// `sysroot NAME` or `source NAME`.
        what: String,
    },
    /// A place on the web that gave no statements.
    #[error("fetch `{url}`: {reason}")]
    Unreachable {
        /// The place.
        url: String,
        /// Why.
        reason: String,
    },
    /// The user has asked to stop.
    #[error("finish: it was interrupted")]
    Cancelled,
    /// A folder that holds no results.
    #[error("compare with `{}`: {reason}", path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another store failed.
    #[error("read the store `{}`", path.display())]
    Elsewhere {
        /// Its folder.
        path: PathBuf,
        /// Why.
        source: store::Error,
    },
    /// A result of another store cannot be understood.
    #[error("read a result of the store `{}`", path.display())]
    Result {
        /// Its folder.
        path: PathBuf,
        /// Why.
        source: exec::Error,
    },
    /// What is compared with is not there, or is something else.
    #[error(transparent)]
    Open(#[from] container::OpenError),
    /// A comparison of two trees failed.
    #[error(transparent)]
    Diff(#[from] diff::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// What was fetched cannot be kept.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Malformed { .. } => {
                "want a DSSE envelope as `repro attest` writes it, or one such envelope a line".to_owned()
            }
            Self::TooLarge { .. } => "split the bundle: each line of it is an envelope".to_owned(),
            Self::Key { what: "public", reason, .. } if reason.contains("private") => {
                "name the public half: `openssl pkey -in KEY -pubout` prints it".to_owned()
            }
            Self::Key { what: "public", .. } => {
                "want what `repro attest --new-key` writes to KEY.pub, or `openssl pkey -pubout`".to_owned()
            }
            Self::Key { reason, .. } if reason.contains("encrypted") => {
                "`openssl pkey -in KEY -out PLAIN` decrypts it".to_owned()
            }
            Self::Key { .. } => {
                "`repro attest --new-key KEY` makes one, or `openssl genpkey -algorithm ed25519`".to_owned()
            }
            Self::KeyExists { .. } | Self::KeyName { .. } => "name a new file".to_owned(),
            Self::Trust { .. } => "write `NAME=KEY`, each name and each key once".to_owned(),
            Self::NobodyTrusted { .. } => {
                "name public keys with `--trust NAME=KEY`; `--unsigned` counts each file, whoever wrote it".to_owned()
            }
            Self::TooFew { .. } => "trust more keys, or ask for fewer builders".to_owned(),
            Self::Builder { .. } => "write who builds as a URI, such as `https://builds.example/one`".to_owned(),
            Self::NoBuilder => "say it with `--builder URI`, or sign with `--key`".to_owned(),
            Self::Time { .. } => "write it as `2026-01-31T12:00:00Z`".to_owned(),
            Self::NotBuilt { stage } => format!("run `repro build {stage}`"),
            Self::Unpinned { .. } => "run `repro lock`".to_owned(),
            Self::Unreachable { .. } => {
                "look whether the address is right, or fetch it by other means and name the file".to_owned()
            }
            Self::Nothing { .. } => {
                "name the folder of a store, or one that has trees named like stages, as `out` does".to_owned()
            }
            Self::Elsewhere { source, .. } => return source.hint(),
            Self::Result { source, .. } => return source.hint(),
            Self::Open(error) => return error.hint(),
            Self::Diff(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::Fs(error) => return error.hint(),
            Self::Fetch(error) => return error.hint(),
            Self::Random | Self::Cancelled => return None,
        })
    }
}
