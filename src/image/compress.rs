//! Compression around any writer.
//!
//! Headers say nothing of where and when: gzip has no name, no time and the system "unknown"; zstd and xz carry a checksum
//! of the content. One thread compresses, so that how many cores there are does not show; the bytes still depend on the
//! version of the compressor that is linked in. What a compressed image *is* is therefore told by the digest of its bytes
//! before compression (in OCI's words: its diff ID).

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::unwritten;
use super::error::Error;

/// How an image is compressed; in text `none`, `gzip`, `xz` or `zstd`, or with a level such as `zstd:19`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Gzip, of level 0 to 9.
    Gzip(u32),
    /// Xz, of level 0 to 9, with a CRC-32: the one that the Linux kernel can check.
    Xz(u32),
    /// Zstandard, of level 1 to 22.
    Zstd(u32),
}

/// What a compressor is handed at once: what it writes may depend on that, and so it is always the same.
const PIECE: usize = 1 << 16;

/// Compresses what is written to it.
pub struct Compressor<W: Write> {
    inner: Inner<W>,
    piece: Vec<u8>,
}

enum Inner<W: Write> {
    None(W),
    Gzip(flate2::write::GzEncoder<W>),
    Xz(liblzma::write::XzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl Compression {
    /// A writer that passes on to `out` what it is given, compressed.
    ///
    /// # Errors
    /// There is no such level, or no memory for it.
    pub fn wrap<W: Write>(self, out: W) -> Result<Compressor<W>, Error> {
        let (level, levels, reason) = match self {
            Self::None => (0, 0..=0, ""),
            Self::Gzip(level) => (level, 0..=9, "gzip has levels from 0 to 9"),
            Self::Xz(level) => (level, 0..=9, "xz has levels from 0 to 9"),
            Self::Zstd(level) => (level, 1..=22, "zstd has levels from 1 to 22"),
        };
        if !levels.contains(&level) {
            return Err(Error::Option { option: "compression", reason });
        }
        let inner = match self {
            Self::None => Inner::None(out),
            Self::Gzip(level) => {
                const UNKNOWN: u8 = 255;
                let header = flate2::GzBuilder::new().mtime(0).operating_system(UNKNOWN);
                Inner::Gzip(header.write(out, flate2::Compression::new(level)))
            }
            Self::Xz(level) => {
                let stream = liblzma::stream::Stream::new_easy_encoder(level, liblzma::stream::Check::Crc32);
                let stream = stream.map_err(|error| unwritten(error.into()))?;
                Inner::Xz(liblzma::write::XzEncoder::new_stream(out, stream))
            }
            Self::Zstd(level) => {
                let mut encoder = zstd::stream::write::Encoder::new(out, level as i32).map_err(unwritten)?;
                encoder.include_checksum(true).map_err(unwritten)?;
                Inner::Zstd(encoder)
            }
        };
        Ok(Compressor { inner, piece: Vec::with_capacity(PIECE) })
    }
}

impl<W: Write> Compressor<W> {
    /// Writes what is left, and gives the output back.
    ///
    /// # Errors
    /// The output fails.
    pub fn finish(mut self) -> Result<W, Error> {
        self.inner.write_all(&self.piece).map_err(unwritten)?;
        let finished = match self.inner {
            Inner::None(out) => Ok(out),
            Inner::Gzip(encoder) => encoder.finish(),
            Inner::Xz(encoder) => encoder.finish(),
            Inner::Zstd(encoder) => encoder.finish(),
        };
        let mut out = finished.map_err(unwritten)?;
        out.flush().map_err(unwritten)?;
        Ok(out)
    }
}

impl<W: Write> Inner<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::None(out) => out.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Xz(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..count]);
        if self.piece.len() == PIECE {
            self.inner.write_all(&self.piece)?;
            self.piece.clear();
        }
        Ok(count)
    }

    /// Does nothing: to flush a compressor would change what it writes, and [`Compressor::finish`] flushes the output.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "compress_tests.rs"]
mod tests;
