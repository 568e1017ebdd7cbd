//! The bytes of a file on their way into an image.

use std::io::{self, Read, Write};

use super::error::{Error, Problem};
use super::tree::Contents;
use crate::digest::Digest;

/// Bytes that are read and written at once. A multiple of every block.
const PIECE: usize = 1 << 20;

/// Gives the bytes of a file from the first to the last: as many as are stated, or an error.
pub(super) struct Content<'a> {
    reader: Box<dyn Read + 'a>,
    path: &'a [u8],
    stated: u64,
    left: u64,
}

impl<'a> Content<'a> {
    /// The bytes of the file at `path`, which are those of `digest`.
    pub fn open(contents: &'a dyn Contents, path: &'a [u8], digest: &Digest) -> Result<Self, Error> {
        let reader = contents.open(digest).map_err(|source| unreadable(path, source))?;
        Ok(Self { reader, path, stated: digest.size, left: digest.size })
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

/// Reads a file piece by piece, and fills the last piece up with zeros to whole `grain`s.
pub(super) fn pieces(
    path: &[u8],
    content: &Digest,
    contents: &dyn Contents,
    grain: usize,
    buffer: &mut Vec<u8>,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut file = Content::open(contents, path, content)?;
    while file.left() > 0 {
        let at = content.size - file.left();
        buffer.clear();
        file.read(PIECE, buffer)?;
        buffer.resize(buffer.len().next_multiple_of(grain), 0);
        each(at, buffer)?;
    }
    file.end()
}

/// Copies the content of the file at `path`. Of an empty file nothing is asked for, so that a format may add some of its
/// own.
pub(super) fn copy<W: Write + ?Sized>(
    contents: &dyn Contents,
    path: &[u8],
    content: &Digest,
    out: &mut W,
) -> Result<(), Error> {
    if content.size == 0 {
        return Ok(());
    }
    pieces(path, content, contents, 1, &mut Vec::new(), |_, bytes| out.write_all(bytes).map_err(unwritten))
}

/// What the output says when it fails.
pub(super) fn unwritten(source: io::Error) -> Error {
    Error::Write { source }
}

/// Writes `count` zeros.
pub(super) fn zeros<W: Write + ?Sized>(out: &mut W, count: u64) -> Result<(), Error> {
    io::copy(&mut io::repeat(0).take(count), out).map(drop).map_err(unwritten)
}

/// Whether bytes are all zeros.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    let mut words = bytes.chunks_exact(16);
    words.all(|word| word == [0; 16]) && words.remainder().iter().all(|byte| *byte == 0)
}
