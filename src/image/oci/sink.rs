//! Where the files of an image go.

use std::io::{self, Seek, SeekFrom, Write};

use crate::image::Output;
use crate::image::tar::{Header, padding};

/// A place for files whose names are known only when they are written. What is written to it between
/// [`begin`](Sink::begin) and [`end`](Sink::end) is the content of one file.
pub trait Sink: Write {
    /// Begins a file.
    ///
    /// # Errors
    /// The place fails.
    fn begin(&mut self) -> io::Result<()>;

    /// Ends the file, and gives it its name: a relative path, at most 100 bytes of ASCII; never the same twice.
    ///
    /// # Errors
    /// The place fails.
    fn end(&mut self, name: &str) -> io::Result<()>;
}

/// Makes the files the entries of a tar.
///
/// A header is written after its content: the output seeks. Folders have no entries of their own; whoever unpacks the tar
/// makes them.
#[derive(Debug)]
pub struct TarSink<W> {
    out: W,
    time: u32,
    /// Where the entry begins.
    start: u64,
    /// How much content it has.
    size: u64,
}

const BLOCK: u64 = 512;

impl<W: Output> TarSink<W> {
    /// A sink whose entries have this time, in seconds since 1970.
    pub fn new(out: W, time: u32) -> Self {
        Self { out, time, start: 0, size: 0 }
    }

    /// Ends the tar, and gives the output back.
    ///
    /// # Errors
    /// The output fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK as usize])?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Output> Sink for TarSink<W> {
    fn begin(&mut self) -> io::Result<()> {
        self.size = 0;
        self.out.write_all(&[0; BLOCK as usize])
    }

    fn end(&mut self, name: &str) -> io::Result<()> {
        let padding = padding(self.size);
        self.out.write_all(&[0; BLOCK as usize][..padding as usize])?;
        self.out.seek(SeekFrom::Start(self.start))?;
        let header = Header { kind: b'0', mode: 0o644, size: self.size, time: self.time, ..Header::default() };
        self.out.write_all(&header.bytes(name.as_bytes(), b""))?;
        self.start += BLOCK + self.size + padding;
        self.out.seek(SeekFrom::Start(self.start))?;
        Ok(())
    }
}

impl<W: Write + Seek> Write for TarSink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
