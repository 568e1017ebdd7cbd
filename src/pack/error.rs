//! What keeps an image from being made.

use crate::{fs, image, store};

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// The tree cannot be an image of this format.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// A table that is not that of the tree.
    #[error("the table of owners does not fit the tree:{}", list(faults, *count))]
    Table {
        /// The first of what is wrong.
        faults: Vec<Fault>,
        /// How much is wrong.
        count: usize,
    },
    /// What should be an image layout.
    #[error("read the image layout `{path}`: {reason}")]
    Layout {
        /// The folder or file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The run was stopped.
    #[error("write images: the run was stopped")]
    Cancelled,
    /// A recipe names what is not there.
    #[error("there is no {what} `{path}`")]
    Missing {
        /// A tree, a file.
        what: &'static str,
        /// Where it should be.
        path: String,
    },
}

/// Something wrong with a table of owners.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No line of a table.
    #[error("line {line}: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A path twice.
    #[error("line {line}: `{path}` a second time")]
    Twice {
        /// Counted from 1.
        line: usize,
        /// The path.
        path: String,
    },
    /// Listed, and not in the tree.
    #[error("`{path}` is listed, but not in the tree")]
    Absent {
        /// The path.
        path: String,
    },
    /// In the tree, and not listed.
    #[error("`{path}` is in the tree, but not listed")]
    Unlisted {
        /// The path.
        path: String,
    },
    /// Something else than listed.
    #[error("`{path}` is of another type than listed")]
    Type {
        /// The path.
        path: String,
    },
    /// Other bytes than listed.
    #[error("`{path}` has other bytes than listed")]
    Content {
        /// The path.
        path: String,
    },
    /// Another target than listed.
    #[error("`{path}` leads elsewhere than listed")]
    Target {
        /// The path.
        path: String,
    },
}

fn list(faults: &[Fault], count: usize) -> String {
    let mut text: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    if count > faults.len() {
        text.push_str(&format!("\n  and {} more", count - faults.len()));
    }
    text
}

impl Error {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Fs(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Table { .. } => Some("make the table from the very tree that is packed".to_owned()),
            Self::Missing { .. } => Some("a place is STAGE/PATH, and `out/STAGE` what that stage left".to_owned()),
            Self::Layout { .. } => Some("name a folder or tar that holds an OCI image layout".to_owned()),
            Self::Cancelled => None,
        }
    }
}
