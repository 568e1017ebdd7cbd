//! Results as files for the user: a link into the store, or a copy.

use std::io;
use std::path::Path;

use super::error::Error;
use crate::digest::Digest;
use crate::fs::{self, Dir};
use crate::store::Store;

/// Makes `folder/name` a symbolic link to the tree as it is laid out in the store; replaces an earlier link.
///
/// # Errors
/// Something that is no link has that name, or the folder cannot be written.
pub fn link(store: &Store, tree: Digest, folder: &Path, name: &str) -> Result<(), Error> {
    let checkout = store.checkout(tree)?;
    let folder = match Dir::open(folder) {
        Err(error) if error.is_missing() => {
            fs::create_dir_all(folder)?;
            Dir::open(folder)?
        }
        found => found?,
    };
    if folder.stat(name)?.is_some_and(|meta| meta.kind == fs::Kind::Symlink) {
        if folder.read_link(name)? == checkout.path.as_os_str().as_encoded_bytes() {
            return Ok(());
        }
        folder.remove(name)?;
    }
    Ok(folder.symlink(&checkout.path, name)?)
}

/// Whether each of these names in `folder` is a link to that tree, laid out.
pub fn all_linked<'a>(store: &Store, folder: &Path, mut trees: impl Iterator<Item = (&'a str, Digest)>) -> bool {
    let Ok(folder) = Dir::open(folder) else { return false };
    trees.all(|(name, tree)| {
        let path = store.checkout_path(tree);
        store.is_checked_out(tree) && folder.read_link(name).is_ok_and(|to| to == path.as_os_str().as_encoded_bytes())
    })
}

/// Copies a tree to `folder`, which is made and must be empty if it exists.
///
/// # Errors
/// The folder is not empty or cannot be written, or an object is missing or damaged.
pub fn copy(store: &Store, tree: Digest, folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder)?;
    let dir = Dir::open(folder)?;
    if !dir.list()?.is_empty() {
        return Err(Error::NotEmpty { folder: folder.to_owned() });
    }
    copy_into(store, tree, &dir)
}

fn copy_into(store: &Store, tree: Digest, dir: &Dir) -> Result<(), Error> {
    let directory = store.directory(tree)?;
    let malformed = |reason: String| Error::Malformed { tree, reason };
    for file in &directory.files {
        let mut from = store.open_blob(file.content().map_err(malformed)?)?;
        let mut to = dir.create(&file.name, file.mode())?;
        let path = dir.join(&file.name);
        io::copy(&mut from, &mut to).map_err(|source| fs::Error::Io { operation: "write", path, source })?;
        dir.set_file_mode(&to, &file.name, file.mode())?;
    }
    for link in &directory.symlinks {
        dir.symlink(&link.target, &link.name)?;
    }
    for child in &directory.directories {
        dir.create_dir(&child.name)?;
        copy_into(store, child.content().map_err(malformed)?, &dir.dir(&child.name)?)?;
    }
    Ok(())
}
