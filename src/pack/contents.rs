//! Bytes of files, from the store.

use std::io::{self, Read};

use crate::digest::Digest;
use crate::fs::Dir;
use crate::image::Contents;
use crate::store::Store;

/// The bytes that a store has.
pub(super) struct Stored<'a>(pub &'a Store);

impl Contents for Stored<'_> {
    fn open(&self, content: &Digest) -> io::Result<Box<dyn Read + '_>> {
        self.0.open_blob(*content).map(|file| Box::new(file) as Box<dyn Read>).map_err(io::Error::other)
    }
}

/// These, and one file that was just made.
pub(super) struct Extra<'a> {
    pub(super) inner: Stored<'a>,
    pub(super) content: Digest,
    pub(super) folder: &'a Dir,
    pub(super) name: &'a str,
}

impl Contents for Extra<'_> {
    fn open(&self, content: &Digest) -> io::Result<Box<dyn Read + '_>> {
        if *content == self.content {
            return self.folder.file(self.name).map(|file| Box::new(file) as Box<dyn Read>).map_err(io::Error::other);
        }
        self.inner.open(content)
    }
}
