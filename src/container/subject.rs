//! What a user named to be looked at.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::fs::{self, Dir};
use crate::store::Store;

/// Something that holds files, or is one. Nothing in it has to be made by `repro`.
#[derive(Debug)]
pub enum Subject {
    /// A tree of the store.
    Tree {
        /// Where it is.
        store: Store,
        /// Which one.
        digest: Digest,
    },
    /// A directory; other file systems mounted in it are not entered.
    Folder(Dir),
    /// A file: an archive, an object, anything.
    File {
        /// Its path.
        path: PathBuf,
        /// The file, open.
        file: File,
    },
}

/// Why something cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such thing.
    #[error("find `{}`", path.display())]
    Missing {
        /// What was named.
        path: PathBuf,
    },
    /// It is a device, a socket, or something else without content.
    #[error("look into `{}`: it is a {kind}", path.display())]
    Kind {
        /// What was named.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// It cannot be opened.
    #[error(transparent)]
    Fs(#[from] fs::Error),
}

impl OpenError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("name a stage, or a path: a directory, an archive, an image or a file".into()),
            Self::Kind { .. } => Some("name a directory or a regular file".into()),
            Self::Fs(error) => error.hint(),
        }
    }
}

impl Subject {
    /// Whatever lies at a path.
    ///
    /// # Errors
    /// There is nothing, it has no content, or it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if let Ok(dir) = Dir::open(path) {
            return Ok(Self::Folder(dir));
        }
        if !fs::exists(path)? {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (folder, name) = (Dir::open(folder)?, path.file_name().unwrap_or(path.as_os_str()));
        let kind = folder.stat(name)?.map_or(fs::Kind::Unknown, |meta| meta.kind);
        if !matches!(kind, fs::Kind::File | fs::Kind::Symlink) {
            return Err(OpenError::Kind { path: path.to_owned(), kind: kind.name() });
        }
        Ok(Self::File { path: path.to_owned(), file: fs::open(path)? })
    }
}
