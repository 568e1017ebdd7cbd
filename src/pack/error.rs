//! What keeps an image from being made.

use crate::{format, fs, image, store};

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
    /// What should hold an image layout is no tar.
    #[error(transparent)]
    Tar(#[from] format::Error),
    /// An image layout of others that cannot be taken.
    #[error("image layout `{layout}`: {fault}")]
    Foreign {
        /// Which one.
        layout: String,
        /// What is wrong.
        fault: LayoutFault,
    },
    /// Two images that no runtime could choose between.
    #[error("`{first}` and `{second}` are both for {platform}")]
    SamePlatform {
        /// The platform.
        platform: String,
        /// Where one is.
        first: String,
        /// Where the other is.
        second: String,
    },
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

/// Something wrong with an image layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutFault {
    /// A file that has to be there.
    #[error("there is no file `{file}`, or two")]
    Missing {
        /// The file.
        file: String,
    },
    /// A file that cannot be opened, or that lies elsewhere.
    #[error("`{file}` cannot be opened: {reason}")]
    Closed {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// Other bytes than its name says.
    #[error("`{file}` has other bytes than its name says")]
    Digest {
        /// The file.
        file: String,
    },
    /// Another size than stated.
    #[error("`{file}` has {found} bytes, and {stated} are stated")]
    Size {
        /// The file.
        file: String,
        /// As stated.
        stated: u64,
        /// As it is.
        found: u64,
    },
    /// More than is read.
    #[error("`{file}` has {size} bytes, at most {most} are read")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        size: u64,
        /// The bound.
        most: u64,
    },
    /// No JSON.
    #[error("`{file}` is no JSON: {reason}")]
    Json {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// JSON that says something else.
    #[error("`{file}`: `{field}` is not {wanted}")]
    Field {
        /// The file.
        file: String,
        /// Where in it.
        field: &'static str,
        /// What should be there.
        wanted: &'static str,
    },
    /// An index within the index.
    #[error("it is an index of several platforms already")]
    Several,
    /// A manifest that is about another, which is not there.
    #[error("something refers to `{file}`, which `index.json` does not list")]
    Subject {
        /// What it refers to.
        file: String,
    },
    /// A manifest of something else.
    #[error("`{file}` is a manifest of something that is no image")]
    NoImage {
        /// The manifest.
        file: String,
    },
    /// Nothing in it.
    #[error("it holds no image")]
    Empty,
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
            Self::Tar(error) => error.hint(),
            Self::Foreign { fault: LayoutFault::Several, .. } => {
                Some("name the images of single platforms that it was made from".to_owned())
            }
            Self::Foreign { .. } => {
                Some("an image layout is what `--format oci` or `skopeo copy … oci-archive:FILE` writes".to_owned())
            }
            Self::SamePlatform { .. } => Some("leave one of them out".to_owned()),
            Self::Cancelled => None,
        }
    }
}
