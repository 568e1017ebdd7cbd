//! Whole directory trees.

use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::{Dir, Entry, Kind, Meta, Result};

/// A file that [`walk`] has come to.
#[derive(Debug)]
pub struct Walked<'a> {
    /// Path relative to the start.
    pub path: &'a Path,
    /// The directory that holds it.
    pub dir: &'a Dir,
    /// Its name and type.
    pub entry: &'a Entry,
}

/// Visits everything below a directory, each directory before what it holds, in the order of names. Symbolic links
/// are visited and not followed.
///
/// # Errors
/// A directory cannot be read, or the visitor fails.
pub fn walk<E: From<super::Error>>(dir: &Dir, visit: &mut dyn FnMut(Walked<'_>) -> Result<(), E>) -> Result<(), E> {
    descend(dir, &mut PathBuf::new(), visit)
}

fn descend<E: From<super::Error>>(
    dir: &Dir,
    path: &mut PathBuf,
    visit: &mut dyn FnMut(Walked<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for mut entry in dir.list()? {
        if entry.kind == Kind::Unknown {
            entry.kind = dir.stat(&entry.name)?.map_or(Kind::Unknown, |meta| meta.kind);
        }
        path.push(&entry.name);
        visit(Walked { path, dir, entry: &entry })?;
        if entry.kind == Kind::Directory {
            descend(&dir.dir(&entry.name)?, path, visit)?;
        }
        path.pop();
    }
    Ok(())
}

impl Dir {
    /// Removes an entry and all below it; `false` when there is none. Directories that their owner made unreadable
    /// are made readable first. Nothing outside is touched: links are removed, not followed.
    ///
    /// # Errors
    /// Something cannot be removed. What was removed until then stays removed.
    pub fn remove_tree(&self, name: impl AsRef<Path>) -> Result<bool> {
        let name = name.as_ref();
        match self.remove(name) {
            Err(error) if error.is(Errno::ISDIR) || error.is(Errno::PERM) => {}
            result => return result,
        }
        let dir = match self.dir(name) {
            Err(error) if error.is(Errno::ACCESS) => {
                self.set_mode(name, 0o700)?;
                self.dir(name)?
            }
            result => result?,
        };
        dir.clear()?;
        self.remove_dir(name)
    }

    /// Removes all that a directory holds, as [`Dir::remove_tree`] does.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn clear(&self) -> Result<()> {
        for entry in self.list()? {
            match self.remove_tree(&entry.name) {
                // Not ours to search or to write: we are its owner, so we may change that.
                Err(error) if error.is(Errno::ACCESS) => {
                    self.set_file_mode(self, "", 0o700)?;
                    self.remove_tree(&entry.name)?;
                }
                result => {
                    result?;
                }
            }
        }
        Ok(())
    }

    /// The sum of `f` over everything below this directory, links not followed.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub fn total(&self, f: &mut dyn FnMut(&Meta)) -> Result<()> {
        walk(self, &mut |walked| {
            if let Some(meta) = walked.dir.stat(&walked.entry.name)? {
                f(&meta);
            }
            Ok(())
        })
    }
}
