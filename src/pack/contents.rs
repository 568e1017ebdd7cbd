//! Bytes of files, from the store, until the run is stopped.

use std::io::{self, Read};

use crate::digest::Digest;
use crate::fs::Dir;
use crate::image::Contents;
use crate::store::Store;
use crate::sys::CancelToken;

/// The bytes that a store has. Whoever writes an image reads: so a stop ends that with an error, and no writer has to know.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) store: &'a Store,
    pub(super) cancel: &'a CancelToken,
}

impl<'a> Stored<'a> {
    /// The bytes of `reader`, until the run is stopped.
    pub(super) fn until_stopped<R: Read>(&self, reader: R) -> impl Read + use<'a, R> {
        UntilStopped { reader, cancel: self.cancel }
    }
}

impl Contents for Stored<'_> {
    fn open(&self, content: &Digest) -> io::Result<Box<dyn Read + '_>> {
        let file = self.store.open_blob(*content).map_err(io::Error::other)?;
        Ok(Box::new(self.until_stopped(file)))
    }
}

struct UntilStopped<'a, R> {
    reader: R,
    cancel: &'a CancelToken,
}

impl<R: Read> Read for UntilStopped<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // No `Interrupted`, which readers take for "again".
        if self.cancel.is_cancelled() { Err(io::Error::other("the run was stopped")) } else { self.reader.read(buffer) }
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
            let file = self.folder.file(self.name).map_err(io::Error::other)?;
            return Ok(Box::new(self.inner.until_stopped(file)));
        }
        self.inner.open(content)
    }
}
