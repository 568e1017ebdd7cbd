//! How large an output is, and whether it may be.

use super::error::Error;
use crate::digest::Digest;
use crate::stage::Stage;
use crate::store::{self, Entry, Store, TreeBuilder};

/// Files that are named when there is too much.
const NAMED: usize = 5;

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Measured {
    /// Its path.
    pub path: String,
    /// Its content.
    pub digest: Digest,
}

/// All files of a tree, sorted by path.
///
/// # Errors
/// The store fails.
pub fn files(store: &Store, tree: Digest) -> store::Result<Vec<Measured>> {
    let mut files = Vec::new();
    let mut paths = TreeBuilder::new(store);
    paths.tree("", tree)?;
    paths.each(&mut |path, entry| {
        if let Entry::File { digest, .. } = entry {
            files.push(Measured { path: path.to_owned(), digest: *digest });
        }
    })?;
    files.sort();
    Ok(files)
}

/// Holds the output of a stage against its `limits.size`: the sum of its files' bytes.
///
/// # Errors
/// It is larger, or the store fails.
pub(super) fn check(store: &Store, stage: &Stage, output: Digest) -> Result<(), Error> {
    let Some(budget) = stage.limits.size else { return Ok(()) };
    let mut files = files(store, output)?;
    let bytes = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.digest.size));
    if bytes <= budget {
        return Ok(());
    }
    files.sort_by(|a, b| b.digest.size.cmp(&a.digest.size).then_with(|| a.path.cmp(&b.path)));
    let largest = files.iter().take(NAMED).map(|file| format!("`{}` with {}", file.path, file.digest.size));
    let largest = largest.collect::<Vec<_>>().join(", ");
    Err(Error::TooLarge { stage: stage.name.clone(), bytes, budget, largest })
}
