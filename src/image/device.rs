//! A device that is written in pieces, each at its place.

use std::io::{BufWriter, ErrorKind, Read, Seek as _, SeekFrom, Write as _};

use super::error::{Error, Problem};
use super::output::Output;
use super::tree::Contents;
use crate::digest::Digest;

/// Bytes that are gathered before they are written, and that are read of a file at once. A multiple of every block.
const BUFFER: usize = 1 << 20;

/// A device as large as what is written to it. What is not written is a hole.
#[derive(Debug)]
pub(super) struct Device<'a, W: Output> {
    out: BufWriter<&'a mut W>,
    at: u64,
    end: u64,
}

fn failed(source: std::io::Error) -> Error {
    Error::Write { source }
}

impl<'a, W: Output> Device<'a, W> {
    /// An empty one: the output is positioned at its start.
    pub fn new(out: &'a mut W) -> Self {
        Self { out: BufWriter::with_capacity(BUFFER, out), at: 0, end: 0 }
    }

    /// Writes at an offset. What follows on the last write costs no seek.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        if self.at != at {
            self.out.seek(SeekFrom::Start(at)).map_err(failed)?;
        }
        self.out.write_all(bytes).map_err(failed)?;
        self.at = at + bytes.len() as u64;
        self.end = self.end.max(self.at);
        Ok(())
    }

    /// Writes at an offset, and leaves out each `grain` of bytes that is all zeros.
    pub fn write_sparse(&mut self, at: u64, bytes: &[u8], grain: usize) -> Result<(), Error> {
        let mut done = 0;
        while let Some((zeros, len)) = run(&bytes[done..], grain) {
            if !zeros {
                self.write(at + done as u64, &bytes[done..done + len])?;
            }
            done += len;
        }
        Ok(())
    }

    /// Makes it `size` bytes long, unless it is longer.
    pub fn finish(mut self, size: u64) -> Result<(), Error> {
        if self.end < size {
            self.write(size - 1, &[0])?;
        }
        self.out.flush().map_err(failed)
    }
}

/// Whether all bytes are zeros.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    let mut words = bytes.chunks_exact(16);
    words.all(|word| word == [0; 16]) && words.remainder().iter().all(|byte| *byte == 0)
}

/// The first run of grains: whether they are zeros, and how many bytes. None for no bytes.
pub(super) fn run(bytes: &[u8], grain: usize) -> Option<(bool, usize)> {
    let mut grains = bytes.chunks(grain);
    let first = grains.next()?;
    let zeros = is_zero(first);
    let more: usize = grains.take_while(|next| is_zero(next) == zeros).map(<[u8]>::len).sum();
    Some((zeros, first.len() + more))
}

/// Reads a file piece by piece, checks its size, and fills the last piece up with zeros to whole `grain`s.
pub(super) fn pieces(
    path: &[u8],
    content: &Digest,
    contents: &dyn Contents,
    grain: usize,
    buffer: &mut Vec<u8>,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let shown = || String::from_utf8_lossy(path).into_owned();
    let unread = |source| Error::Read { path: shown(), source };
    let wrong = || Error::Entry { path: shown(), problem: Problem::Size { stated: content.size } };
    let mut file = contents.open(content).map_err(unread)?;
    buffer.resize(BUFFER, 0);
    let mut at = 0;
    while at < content.size {
        let want = usize::try_from(content.size - at).unwrap_or(BUFFER).min(BUFFER);
        if fill(&mut *file, &mut buffer[..want]).map_err(unread)? < want {
            return Err(wrong());
        }
        let whole = want.next_multiple_of(grain);
        buffer[want..whole].fill(0);
        each(at, &buffer[..whole])?;
        at += want as u64;
    }
    if fill(&mut *file, &mut buffer[..1]).map_err(unread)? > 0 { Err(wrong()) } else { Ok(()) }
}

/// Reads until the buffer is full or the file ends, and says how much that is.
fn fill(file: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
