//! The files of a stage's own folder.
#![expect(
    clippy::disallowed_methods,
    reason = "definitions are opened for reading only, every error has its path, and lists are sorted"
)]

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// One file of a stage's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StageFile {
    /// Path in the folder, `/` between parts.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
}

/// What an entry of a stage's folder is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A regular file: 0o755 if its owner may execute it, else 0o644.
    File {
        /// The mode.
        mode: u32,
    },
    /// A symbolic link, kept as text.
    Symlink {
        /// Its target.
        target: String,
    },
}

/// A stage's folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The system's error at a path.
    #[error("read `{}`", .path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A name or link target that is not UTF-8.
    #[error("use `{}`: its name or target is not UTF-8", .path.display())]
    Name {
        /// The path.
        path: PathBuf,
    },
    /// Neither a file, a directory nor a symbolic link.
    #[error("use `{}`: neither a file, a directory nor a symbolic link", .path.display())]
    Special {
        /// The path.
        path: PathBuf,
    },
}

impl FilesError {
    /// The cure.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Name { .. } => Some("rename it: trees hold UTF-8 names only".to_owned()),
            Self::Special { .. } => Some("move it out of the stage's folder".to_owned()),
        }
    }
}

/// What a stage sees at `/stage`: the files below `folder`, sorted by path, all but `stage.toml` at the top.
///
/// Empty directories do not count, as git does not keep them either: every checkout gives the same list.
///
/// # Errors
/// Something cannot be read, has a name that is not UTF-8, or is neither file, directory nor symbolic link.
pub fn stage_tree_files(folder: &Path) -> Result<Vec<StageFile>, FilesError> {
    let mut files = Vec::new();
    // A list of folders still to read instead of recursion: depth is the user's to choose.
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for (name, path, file_type) in entries(&folder)? {
            let io = |source| FilesError::Io { path: path.clone(), source };
            let name = name.ok_or_else(|| FilesError::Name { path: path.clone() })?;
            let relative = format!("{prefix}{name}");
            if file_type.is_dir() {
                folders.push((path, format!("{relative}/")));
            } else if file_type.is_symlink() {
                let target = std::fs::read_link(&path).map_err(io)?.into_os_string().into_string();
                let target = target.map_err(|_| FilesError::Name { path: path.clone() })?;
                files.push(StageFile { path: relative, kind: FileKind::Symlink { target } });
            } else if !file_type.is_file() {
                return Err(FilesError::Special { path });
            } else if relative != "stage.toml" {
                let bits = std::fs::symlink_metadata(&path).map_err(io)?.permissions().mode();
                let mode = if bits & 0o100 == 0 { 0o644 } else { 0o755 };
                files.push(StageFile { path: relative, kind: FileKind::File { mode } });
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// An entry: its name if that is UTF-8, its path and type.
pub(super) type Entry = (Option<String>, PathBuf, std::fs::FileType);

/// The entries of a folder in the order of their names.
pub(super) fn entries(folder: &Path) -> Result<Vec<Entry>, FilesError> {
    let io = |source| FilesError::Io { path: folder.to_owned(), source };
    let mut list = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        list.push((entry.file_name().into_string().ok(), entry.path(), entry.file_type().map_err(io)?));
    }
    list.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(list)
}

/// A definition file is not longer: what is, is something else by mistake.
const LONGEST: u64 = 1 << 20;

/// A definition file's bytes; none if there is no such file.
pub(super) fn definition(path: &Path) -> Result<Option<Vec<u8>>, FilesError> {
    let io = |source| FilesError::Io { path: path.to_owned(), source };
    // Asked first: opening a fifo would wait for a writer.
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io(source)),
    };
    if !metadata.is_file() {
        return Err(FilesError::Special { path: path.to_owned() });
    }
    if metadata.len() > LONGEST {
        return Err(io(io::Error::new(io::ErrorKind::FileTooLarge, "longer than 1 MiB")));
    }
    std::fs::read(path).map(Some).map_err(io)
}
