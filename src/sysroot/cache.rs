//! Trees remembered under the digest of what they are made from.

use crate::digest::Digest;
use crate::digest::reapi::{ActionResult, OutputDirectory};
use crate::store::Store;

use super::error::Error;

/// Path of the one output of a remembered result.
const ROOT: &str = "tree";

/// The tree remembered under a key.
pub(super) fn find(store: &Store, key: Digest, what: &str) -> Result<Option<Digest>, Error> {
    Ok(store.action(key).map_err(Error::store(what))?.as_ref().and_then(tree_of))
}

/// The tree that was remembered under a key, whether or not it is still whole.
pub(super) fn was(store: &Store, key: Digest, what: &str) -> Result<Option<Digest>, Error> {
    Ok(store.recorded(key).map_err(Error::store(what))?.as_ref().and_then(tree_of))
}

fn tree_of(result: &ActionResult) -> Option<Digest> {
    match result.output_directories.as_slice() {
        [output] if output.path == ROOT => output.root_directory_digest.as_ref()?.get().ok(),
        _ => None,
    }
}

/// The tree remembered under a key; or what `make` gives, remembered from then on. Only one process at a time makes it.
pub(super) fn tree(
    store: &Store,
    key: Digest,
    what: &str,
    make: impl FnOnce() -> Result<Digest, Error>,
) -> Result<Digest, Error> {
    if let Some(tree) = find(store, key, what)? {
        return Ok(tree);
    }
    let _lock = store.lock_action(key).map_err(Error::store(what))?;
    if let Some(tree) = find(store, key, what)? {
        return Ok(tree);
    }
    let tree = make()?;
    remember(store, key, tree, what)?;
    Ok(tree)
}

pub(super) fn remember(store: &Store, key: Digest, tree: Digest, what: &str) -> Result<(), Error> {
    let output = OutputDirectory { path: ROOT.to_owned(), root_directory_digest: Some(tree.into()) };
    let result = ActionResult { output_directories: vec![output], ..ActionResult::default() };
    store.put_action(key, &result).map_err(Error::store(what))
}
