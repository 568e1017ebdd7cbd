//! A device that is written in pieces, each at its place.

use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};

use super::content::{is_zero, unwritten};
use super::error::Error;
use super::output::Output;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

/// A device as large as what is written to it. What is not written is a hole.
#[derive(Debug)]
pub(super) struct Device<'a, W: Output> {
    out: BufWriter<&'a mut W>,
    at: u64,
    end: u64,
}

impl<'a, W: Output> Device<'a, W> {
    /// An empty one: the output is positioned at its start.
    pub fn new(out: &'a mut W) -> Self {
        Self { out: BufWriter::with_capacity(BUFFER, out), at: 0, end: 0 }
    }

    /// Writes at an offset. What follows on the last write costs no seek.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        if self.at != at {
            self.out.seek(SeekFrom::Start(at)).map_err(unwritten)?;
        }
        self.out.write_all(bytes).map_err(unwritten)?;
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
        self.out.flush().map_err(unwritten)
    }
}

/// The first run of grains: whether they are zeros, and how many bytes. None for no bytes.
pub(super) fn run(bytes: &[u8], grain: usize) -> Option<(bool, usize)> {
    let mut grains = bytes.chunks(grain);
    let first = grains.next()?;
    let zeros = is_zero(first);
    let more: usize = grains.take_while(|next| is_zero(next) == zeros).map(<[u8]>::len).sum();
    Some((zeros, first.len() + more))
}
