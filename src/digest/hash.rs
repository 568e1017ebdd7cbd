//! SHA-256 of bytes, with their length.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes and how many they are.
///
/// Written as `<64 lower-case hex digits>/<decimal size>`, the form of a resource name in the Remote Execution API.
/// Ordered by hash, then size.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    /// SHA-256 of the bytes.
    pub hash: [u8; 32],
    /// Number of bytes.
    pub size: u64,
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { hash: Sha256::digest(bytes).into(), size: bytes.len() as u64 }
    }

    /// The hash alone, as 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.hash) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        std::str::from_utf8(&text).expect("digits are ASCII").to_owned()
    }

    /// The first 12 hex digits: enough to tell digests apart for a reader, never used to name anything.
    pub fn short(&self) -> String {
        let mut text = self.hex();
        text.truncate(12);
        text
    }

    /// A digest from the hash's hex digits and a size.
    ///
    /// # Errors
    /// The text is not 64 lower-case hex digits.
    pub fn from_hex(hex: &str, size: u64) -> Result<Self, ParseDigestError> {
        let wrong = || ParseDigestError { text: hex.to_owned() };
        if hex.len() != 64 {
            return Err(wrong());
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0]).ok_or_else(wrong)? << 4 | digit(pair[1]).ok_or_else(wrong)?;
        }
        Ok(Self { hash, size })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hex(), self.size)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse `{text}` as a digest: want 64 lower-case hex digits, `/` and a decimal size")]
pub struct ParseDigestError {
    /// The text.
    pub text: String,
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseDigestError { text: text.to_owned() };
        let (hex, size) = text.split_once('/').ok_or_else(wrong)?;
        // `parse` would take a sign or leading zeros: one digest has one spelling.
        if size.is_empty() || !size.bytes().all(|b| b.is_ascii_digit()) || (size.len() > 1 && size.starts_with('0')) {
            return Err(wrong());
        }
        Self::from_hex(hex, size.parse().map_err(|_| wrong())?).map_err(|_| wrong())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Hashes what is read through it.
pub struct HashReader<R> {
    inner: R,
    state: Sha256,
    size: u64,
}

impl<R> HashReader<R> {
    /// A reader that starts with nothing hashed.
    pub fn new(inner: R) -> Self {
        Self { inner, state: Sha256::new(), size: 0 }
    }

    /// The digest of all bytes read so far.
    pub fn finish(self) -> Digest {
        Digest { hash: self.state.finalize().into(), size: self.size }
    }
}

impl<R: Read> Read for HashReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.state.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// Hashes what is written through it.
pub struct HashWriter<W> {
    inner: W,
    state: Sha256,
    size: u64,
}

impl<W> HashWriter<W> {
    /// A writer that starts with nothing hashed.
    pub fn new(inner: W) -> Self {
        Self { inner, state: Sha256::new(), size: 0 }
    }

    /// The inner writer and the digest of all bytes that it took.
    pub fn finish(self) -> (W, Digest) {
        (self.inner, Digest { hash: self.state.finalize().into(), size: self.size })
    }
}

impl<W: Write> Write for HashWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.state.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
