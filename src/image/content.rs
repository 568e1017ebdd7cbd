//! The bytes of a file on their way into an image.

use std::io::{self, Read};

use super::error::{Error, Problem};
use super::tree::{Contents, Inode};
use crate::digest::Digest;

/// Gives the bytes of a file from the first to the last: as many as are stated, or an error.
pub(super) struct Content<'a> {
    reader: Box<dyn Read + 'a>,
    path: &'a [u8],
    stated: u64,
    left: u64,
}

impl<'a> Content<'a> {
    /// The bytes of `inode`, which are those of `digest`.
    pub fn open(contents: &'a dyn Contents, inode: &'a Inode, digest: &Digest) -> Result<Self, Error> {
        let reader = contents.open(digest).map_err(|source| unreadable(&inode.path, source))?;
        Ok(Self { reader, path: &inode.path, stated: digest.size, left: digest.size })
    }

    /// How many bytes are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Appends the next `count` bytes, or all that are left, to `into`.
    pub fn read(&mut self, count: usize, into: &mut Vec<u8>) -> Result<(), Error> {
        let count = self.left.min(count as u64);
        let read = (&mut self.reader).take(count).read_to_end(into);
        if read.map_err(|source| unreadable(self.path, source))? as u64 != count {
            return Err(self.size());
        }
        self.left -= count;
        Ok(())
    }

    /// Makes sure that nothing follows.
    pub fn end(mut self) -> Result<(), Error> {
        let mut more = Vec::new();
        (&mut self.reader).take(1).read_to_end(&mut more).map_err(|source| unreadable(self.path, source))?;
        if more.is_empty() && self.left == 0 { Ok(()) } else { Err(self.size()) }
    }

    fn size(&self) -> Error {
        Error::of(self.path, Problem::Size { stated: self.stated })
    }
}

fn unreadable(path: &[u8], source: io::Error) -> Error {
    Error::Read { path: String::from_utf8_lossy(path).into_owned(), source }
}

/// Whether bytes are all zero.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(64).all(|chunk| chunk.iter().fold(0, |all, byte| all | byte) == 0)
}
