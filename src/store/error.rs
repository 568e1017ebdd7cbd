//! What can go wrong in the store.

use std::io;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::fs;

/// Why a file or directory may not enter the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offence {
    /// Path below the imported directory; bytes that are not UTF-8 are shown escaped.
    pub path: String,
    /// What is wrong, to be read after the path and "is" or "has".
    pub reason: String,
}

/// The number of offences that an error lists; the others are counted.
pub const LISTED: usize = 20;

/// An operation on the store that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// The bytes to store could not be read from where they come from.
    #[error("read the bytes to store")]
    Input {
        /// The reader's error.
        source: io::Error,
    },
    /// The store has no such object.
    #[error("find object `{digest}` in the store")]
    Missing {
        /// The object's digest.
        digest: Digest,
    },
    /// An object's bytes are not those that its name promises. It is no longer in the store.
    #[error("read object `{digest}`: its bytes were damaged on the disk; they are set aside as `{}`", moved.display())]
    Damaged {
        /// The object's digest.
        digest: Digest,
        /// Where the damaged file is now.
        moved: PathBuf,
    },
    /// Bytes that are not those expected.
    #[error("store object `{expected}`: the bytes hash to `{actual}`")]
    Mismatch {
        /// The digest that was promised.
        expected: Digest,
        /// The digest that they have.
        actual: Digest,
    },
    /// More bytes than expected.
    #[error("store object `{expected}`: there are more bytes than that")]
    Longer {
        /// The digest that was promised.
        expected: Digest,
    },
    /// An object that should be a directory of a tree, and is not.
    #[error("read object `{digest}` as a directory: {reason}")]
    NotDirectory {
        /// The object's digest.
        digest: Digest,
        /// What is wrong with its bytes.
        reason: String,
    },
    /// A result names an object that the store does not have.
    #[error("record the result of action `{key}`: its object `{digest}` is not in the store")]
    Incomplete {
        /// The action.
        key: Digest,
        /// The missing object.
        digest: Digest,
    },
    /// A store of another version.
    #[error("open store `{}`: its format is version {found}, this program knows version {expected}", path.display())]
    Version {
        /// The store.
        path: PathBuf,
        /// The version that its `format` file names.
        found: u64,
        /// The version of this program.
        expected: u64,
    },
    /// A folder with things in it that are no store.
    #[error("open store `{}`: the folder is no store and not empty (it holds `{entry}`)", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Something that no store holds.
        entry: String,
    },
    /// A tree with files that may not be stored.
    #[error("import `{}`: {count} {} refused: {}", path.display(), if *count == 1 { "entry is" } else { "entries are" },
        list(offences, *count))]
    Refused {
        /// The directory that was imported.
        path: PathBuf,
        /// How many entries are refused.
        count: usize,
        /// The first of them by path, at most `LISTED`.
        offences: Vec<Offence>,
    },
    /// A tree that is larger than its limits.
    #[error("import `{}`: more than {limit} {what}", path.display())]
    Limit {
        /// Where the limit was passed.
        path: PathBuf,
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A file that changed while it was read.
    #[error("import `{}`: it changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A path that cannot be put into a tree.
    #[error("put `{path}` into a tree: {reason}")]
    Tree {
        /// The path.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A name that no reference can have.
    #[error("use `{name}` as the name of a reference: {reason}")]
    RefName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store is in use, so that nothing may be removed.
    #[error("collect garbage in `{}`: {by}", path.display())]
    InUse {
        /// The store.
        path: PathBuf,
        /// Who uses it.
        by: &'static str,
    },
}

fn list(offences: &[Offence], count: usize) -> String {
    let mut text = String::new();
    for offence in offences {
        text.push_str(&format!("\n  `{}`: {}", offence.path, offence.reason));
    }
    if count > offences.len() {
        text.push_str(&format!("\n  and {} more", count - offences.len()));
    }
    text
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Fs(error) => error.hint(),
            Self::Damaged { .. } => Some(
                "run the same command again: what is missing is fetched or built anew; `repro store fsck` looks for \
                 more damage, and `dmesg` shows whether the disk reports errors"
                    .to_owned(),
            ),
            Self::Missing { .. } | Self::Incomplete { .. } => {
                Some("run the build again to make it anew; `repro store fsck` looks for more".to_owned())
            }
            Self::NotDirectory { .. } => Some("`repro store fsck` tells whether the store is damaged".to_owned()),
            Self::Version { path, .. } => Some(format!(
                "use the version of `repro` that made `{}`, or choose another folder with --store",
                path.display()
            )),
            Self::Foreign { .. } => Some("name an empty or new folder with --store".to_owned()),
            Self::Refused { .. } => Some(
                "outputs are plain files, directories and symbolic links with UTF-8 names: remove the others in the \
                 stage's script; owners and special modes belong into the image's manifest"
                    .to_owned(),
            ),
            Self::Limit { .. } => Some("raise the stage's limits, or let its script leave less".to_owned()),
            Self::Changed { .. } => {
                Some("a process still writes there: let the script wait for what it starts".to_owned())
            }
            Self::InUse { .. } => Some("wait for the builds to end, or let gc wait for them (--wait)".to_owned()),
            Self::Mismatch { .. } | Self::Longer { .. } => {
                Some("the source is not what was pinned: try another mirror, or pin it again".to_owned())
            }
            Self::Input { .. } | Self::Tree { .. } | Self::RefName { .. } => None,
        }
    }
}
