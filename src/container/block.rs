//! Blocks that file systems compress one by one.
//!
//! Sources: RFC 1950 (zlib), RFC 8878 (zstd), the .xz and .lzma file formats, and the LZ4 block format
//! 1.6.3 (`lz4_Block_format.md`), whose decoder is here.

use std::io::{self, Read};

use liblzma::stream::Stream;

use super::fault::Fault;
use super::raw::le_u16;

/// Memory that an xz or lzma block may ask for.
const MEMORY: u64 = 256 << 20;

/// How a block is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Zlib,
    Lzma,
    Xz,
    Lz4,
    Zstd,
}

impl Packing {
    /// Unpacks a block into at most `most` bytes. What follows the compressed stream is not looked at: a block may be filled
    /// up.
    pub fn unpack(self, packed: &[u8], most: usize) -> Result<Vec<u8>, Fault> {
        let limit = most as u64;
        let xz = |stream: Result<Stream, liblzma::stream::Error>| -> Result<Vec<u8>, Fault> {
            let stream = stream.map_err(|error| Fault::malformed(error.to_string()))?;
            all(liblzma::bufread::XzDecoder::new_stream(packed, stream), limit)
        };
        match self {
            Self::Zlib => all(flate2::bufread::ZlibDecoder::new(packed), limit),
            Self::Lzma => xz(Stream::new_lzma_decoder(MEMORY)),
            Self::Xz => xz(Stream::new_stream_decoder(MEMORY, 0)),
            Self::Lz4 => lz4(packed, most, true),
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(packed);
                all(decoder.map_err(|error| Fault::malformed(error.to_string()))?.single_frame(), limit)
            }
        }
    }
}

/// Reads blocks that are unpacked one after the other; none is the end.
pub(super) fn reader(next: impl FnMut() -> Result<Option<Vec<u8>>, Fault>) -> impl Read {
    Blocks { next, ready: Vec::new(), read: 0 }
}

struct Blocks<F> {
    next: F,
    ready: Vec<u8>,
    read: usize,
}

impl<F: FnMut() -> Result<Option<Vec<u8>>, Fault>> Read for Blocks<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.ready.len() {
            let next = (self.next)().map_err(|fault| match fault {
                Fault::Io(error) => io::Error::other(error),
                fault => io::Error::other(fault),
            });
            match next? {
                Some(bytes) => (self.ready, self.read) = (bytes, 0),
                None => return Ok(0),
            }
        }
        let left = &self.ready[self.read..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.read += count;
        Ok(count)
    }
}

fn all(input: impl Read, most: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    input.take(most + 1).read_to_end(&mut bytes).map_err(|error| Fault::malformed(error.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(Fault::malformed(format!("a compressed block has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Unpacks one LZ4 block. It ends where its input does or, where that is filled up, at `most` bytes. If it is not wanted
/// as a `whole`, it may have more.
pub(super) fn lz4(packed: &[u8], most: usize, whole: bool) -> Result<Vec<u8>, Fault> {
    let bad = |what: &str| Fault::malformed(format!("an LZ4 block {what}"));
    let short = || bad("is cut off");
    let mut out: Vec<u8> = Vec::new();
    let mut at = 0;
    while let Some(token) = packed.get(at) {
        at += 1;
        let count = length(packed, &mut at, token >> 4).ok_or_else(short)?;
        let literals = packed.get(at..).and_then(|rest| rest.get(..count)).ok_or_else(short)?;
        let left = most - out.len();
        if whole && count > left {
            return Err(bad("is larger than it may be"));
        }
        out.extend(literals.iter().take(left));
        at += count;
        if out.len() == most || at == packed.len() {
            break;
        }
        let offset = usize::from(le_u16(packed, at).ok_or_else(short)?);
        at += 2;
        let count = length(packed, &mut at, token & 15).ok_or_else(short)?.saturating_add(4);
        let from = out.len().checked_sub(offset).filter(|_| offset > 0);
        let from = from.ok_or_else(|| bad("refers to what is before its start"))?;
        let left = most - out.len();
        if whole && count > left {
            return Err(bad("is larger than it may be"));
        }
        // A match may reach into what it writes.
        for index in from..from + count.min(left) {
            out.push(out[index]);
        }
    }
    Ok(out)
}

/// A length of which four bits stand in a token, and the rest in bytes that follow.
fn length(packed: &[u8], at: &mut usize, start: u8) -> Option<usize> {
    let mut length = usize::from(start);
    let mut more = start == 15;
    while more {
        let byte = *packed.get(*at)?;
        *at += 1;
        length = length.checked_add(usize::from(byte))?;
        more = byte == 255;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::lz4;

    #[test]
    fn lz4_repeats_what_it_writes() {
        assert_eq!(lz4(b"\x12ab\x01\x00\x10c", 8, true).ok().as_deref(), None, "one literal, then an offset of 0x162");
        assert_eq!(lz4(b"\x22ab\x02\x00\x10c", 9, true).ok().as_deref(), Some(&b"abababab\x63"[..]));
        assert_eq!(lz4(b"\x22ab\x02\x00\x10c", 7, true).ok(), None, "more than it may be");
        assert_eq!(lz4(b"\x22ab\x02\x00\x10c", 7, false).ok().as_deref(), Some(&b"abababa"[..]));
    }

    #[test]
    fn broken_lz4_is_refused() {
        for bad in
            [&b"\xf0"[..], b"\xf0\xff", b"\x20a", b"\x10a\x02", b"\x10a\x02\x00", b"\x10a\x00\x00", b"\x1fa\x01\x00"]
        {
            assert!(lz4(bad, 1000, true).is_err(), "{bad:?}");
        }
    }
}
