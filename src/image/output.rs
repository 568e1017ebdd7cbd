//! Where an image is written to.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// A place that an image is written to: empty, and positioned at its start. What is skipped reads as zeros, and takes no
/// room where the file system knows holes. Its length is that of the last byte written.
pub trait Output: Write + Seek {}

impl<T: Write + Seek> Output for T {}

/// A part of an output, from some offset on: a partition of a disk.
#[derive(Debug)]
pub struct Window<'a, W> {
    out: &'a mut W,
    start: u64,
}

impl<'a, W: Output> Window<'a, W> {
    /// What begins at `start`, positioned there.
    ///
    /// # Errors
    /// The output cannot seek.
    pub fn new(out: &'a mut W, start: u64) -> io::Result<Self> {
        out.seek(SeekFrom::Start(start))?;
        Ok(Self { out, start })
    }
}

impl<W: Write> Write for Window<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Read> Read for Window<'_, W> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.out.read(bytes)
    }
}

impl<W: Seek> Seek for Window<'_, W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => SeekFrom::Start(self.start + at),
            other => other,
        };
        let at = self.out.seek(to)?;
        at.checked_sub(self.start).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
    }
}
