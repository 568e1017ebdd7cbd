//! Sinks of archive entries: into a tree of the store.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use crate::digest::Digest;
use crate::format::{Sink, SinkError};
use crate::store::{self, Store, TreeBuilder};

/// Directories at the root that a merged `usr` replaces by links.
pub(super) const MERGED: [&str; 6] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// Puts entries into a tree as they come.
pub(super) struct TreeSink {
    builder: TreeBuilder,
}

impl TreeSink {
    pub fn new(store: &Store) -> Self {
        Self { builder: TreeBuilder::new(store) }
    }

    pub fn finish(self) -> store::Result<Digest> {
        self.builder.finish()
    }
}

impl Sink for TreeSink {
    fn directory(&mut self, path: &str, _mode: u32) -> Result<(), SinkError> {
        Ok(self.builder.mkdir(path)?)
    }

    fn file(&mut self, path: &str, mode: u32, _size: u64, data: &mut dyn Read) -> Result<(), SinkError> {
        Ok(self.builder.file(path, mode, data)?)
    }

    fn symlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        Ok(self.builder.symlink(path, target)?)
    }

    fn hardlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        Ok(self.builder.hardlink(path, target)?)
    }
}

/// What a package may not carry; see [`super::Error`].
#[derive(Debug, thiserror::Error)]
pub(super) enum Unmerged {
    #[error("`{first}` and `{second}` are one path in a merged `usr`")]
    Doubled { first: String, second: String },
    #[error("`{path}` is no directory")]
    NotDirectory { path: String },
}

/// Moves what a package has in `bin`, `lib`... below `usr`.
pub(super) struct Merging<S> {
    pub inner: S,
    /// The names in the package of files and links, by where they went.
    origins: BTreeMap<String, String>,
}

impl<S> Merging<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, origins: BTreeMap::new() }
    }

    /// Where a file or link goes; no two names may go to one place.
    fn place<'p>(&mut self, path: &'p str) -> Result<Cow<'p, str>, SinkError> {
        if MERGED.contains(&path) {
            return Err(Box::new(Unmerged::NotDirectory { path: path.to_owned() }));
        }
        let place = merged(path);
        match self.origins.insert(place.clone().into_owned(), path.to_owned()) {
            Some(first) if first != path => Err(Box::new(Unmerged::Doubled { first, second: path.to_owned() })),
            _ => Ok(place),
        }
    }
}

/// The path in a merged `usr`.
pub(super) fn merged(path: &str) -> Cow<'_, str> {
    let first = path.split('/').next().unwrap_or_default();
    if MERGED.contains(&first) { Cow::Owned(format!("usr/{path}")) } else { Cow::Borrowed(path) }
}

impl<S: Sink> Sink for Merging<S> {
    fn directory(&mut self, path: &str, mode: u32) -> Result<(), SinkError> {
        self.inner.directory(&merged(path), mode)
    }

    fn file(&mut self, path: &str, mode: u32, size: u64, data: &mut dyn Read) -> Result<(), SinkError> {
        let place = self.place(path)?;
        self.inner.file(&place, mode, size, data)
    }

    fn symlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        // A package that brings the link itself: the sysroot has it anyway.
        if MERGED.contains(&path) && target.trim_start_matches('/') == format!("usr/{path}") {
            return Ok(());
        }
        let place = self.place(path)?;
        self.inner.symlink(&place, target)
    }

    fn hardlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        let place = self.place(path)?;
        self.inner.hardlink(&place, &merged(target))
    }
}
