//! Bytes that lie somewhere and are read where they are needed: a file, a part of one, memory, or several after each
//! other.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::fault::{Class, call};
use super::{Error, Result};

/// Bytes that are compared or searched at once.
const CHUNK: usize = 256 * 1024;

/// A sequence of bytes of known length that can be read anywhere. Copies and parts refer to the same bytes, and cost
/// nothing.
///
/// A file must not change meanwhile: what is read beyond an end that has moved is an error.
#[derive(Debug, Clone)]
pub struct Content {
    from: Source,
    start: u64,
    size: u64,
}

#[derive(Debug, Clone)]
enum Source {
    Memory(Arc<Vec<u8>>),
    File(Arc<Opened>),
    /// Pieces with where each begins, the first at 0.
    Pieces(Arc<Vec<(u64, Content)>>),
    Zeros,
}

#[derive(Debug)]
struct Opened {
    file: File,
    path: PathBuf,
}

impl Content {
    /// Bytes in memory.
    pub fn of_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { start: 0, size: bytes.len() as u64, from: Source::Memory(Arc::new(bytes)) }
    }

    /// A whole file; `path` is for errors.
    ///
    /// # Errors
    /// Its size cannot be told.
    pub fn of_file(file: File, path: &Path) -> Result<Self> {
        // A block device has no size of its own: its end is where seeking to the end leads.
        let size =
            call(Class::Observe, "seek", || path.to_owned(), || rustix::fs::seek(&file, rustix::fs::SeekFrom::End(0)))
                .map_err(|errno| Error::new("seek", path, errno))?;
        Ok(Self { from: Source::File(Arc::new(Opened { file, path: path.to_owned() })), start: 0, size })
    }

    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be opened, or has no size.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of_file(super::open(path)?, path)
    }

    /// Bytes of value 0.
    pub fn zeros(size: u64) -> Self {
        Self { from: Source::Zeros, start: 0, size }
    }

    /// Several contents after each other.
    pub fn concat(pieces: Vec<Content>) -> Self {
        let mut size = 0;
        let mut placed = Vec::with_capacity(pieces.len());
        for piece in pieces.into_iter().filter(|piece| piece.size > 0) {
            placed.push((size, piece.clone()));
            size += piece.size;
        }
        match placed.len() {
            0 => Self::zeros(0),
            1 => placed.remove(0).1,
            _ => Self { from: Source::Pieces(Arc::new(placed)), start: 0, size },
        }
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// `size` bytes from `offset` on; none if there are not so many.
    pub fn part(&self, offset: u64, size: u64) -> Option<Self> {
        let end = offset.checked_add(size)?;
        (end <= self.size).then(|| Self { from: self.from.clone(), start: self.start + offset, size })
    }

    /// Everything from `offset` on; nothing when that is beyond the end.
    pub fn from(&self, offset: u64) -> Self {
        let offset = offset.min(self.size);
        Self { from: self.from.clone(), start: self.start + offset, size: self.size - offset }
    }

    /// Fills `buffer` with the bytes at `offset`.
    ///
    /// # Errors
    /// They cannot be read, or lie beyond the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let within = offset.checked_add(buffer.len() as u64).is_some_and(|end| end <= self.size);
        if !within {
            let source = io::Error::new(io::ErrorKind::UnexpectedEof, "it ends before");
            return Err(Error::Io { operation: "read", path: self.path().to_owned(), source });
        }
        let at = self.start + offset;
        match &self.from {
            Source::Memory(bytes) => {
                // `at` and what follows lie within: a part is never made larger than the whole.
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                buffer.copy_from_slice(&bytes[at..at + buffer.len()]);
                Ok(())
            }
            Source::Zeros => {
                buffer.fill(0);
                Ok(())
            }
            Source::File(opened) => call(Class::Observe, "read", || opened.path.clone(), || Ok::<(), Errno>(()))
                .map_err(io::Error::from)
                .and_then(|()| opened.file.read_exact_at(buffer, at))
                .map_err(|source| Error::Io { operation: "read", path: opened.path.clone(), source }),
            Source::Pieces(pieces) => {
                let mut index = pieces.partition_point(|(start, _)| *start <= at).saturating_sub(1);
                let (mut at, mut rest) = (at, buffer);
                while !rest.is_empty() {
                    let (start, piece) = &pieces[index];
                    let inner = at - start;
                    let count = usize::try_from(piece.size - inner).unwrap_or(usize::MAX).min(rest.len());
                    let (now, later) = rest.split_at_mut(count);
                    piece.read_at(inner, now)?;
                    (at, rest, index) = (at + count as u64, later, index + 1);
                }
                Ok(())
            }
        }
    }

    /// The bytes from `offset` on, `most` of them at most, fewer where the content ends.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn bytes_at(&self, offset: u64, most: usize) -> Result<Vec<u8>> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(most)];
        if !bytes.is_empty() {
            self.read_at(offset, &mut bytes)?;
        }
        Ok(bytes)
    }

    /// All bytes. The caller knows that they fit into memory.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        self.bytes_at(0, usize::MAX)
    }

    /// A reader of its own, at the beginning.
    pub fn reader(&self) -> Reader {
        Reader { content: self.clone(), at: 0 }
    }

    /// Where this and another content first differ; the end of the shorter one counts. None if they are equal.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn differs_at(&self, other: &Self) -> Result<Option<u64>> {
        let common = self.size.min(other.size);
        let unequal = (self.size != other.size).then_some(common);
        if self.is_same_place(other) {
            return Ok(unequal);
        }
        let length = usize::try_from(common).unwrap_or(usize::MAX).min(CHUNK);
        let (mut left, mut right) = (vec![0; length], vec![0; length]);
        let mut at = 0;
        while at < common {
            let holes = self.zeros_at(at).min(other.zeros_at(at));
            if holes > 0 {
                at += holes;
                continue;
            }
            let count = usize::try_from(common - at).unwrap_or(usize::MAX).min(length);
            self.read_at(at, &mut left[..count])?;
            other.read_at(at, &mut right[..count])?;
            if left[..count] != right[..count] {
                let within = left[..count].iter().zip(&right[..count]).take_while(|(a, b)| a == b).count();
                return Ok(Some(at + within as u64));
            }
            at += count as u64;
        }
        Ok(unequal)
    }

    /// How many of the bytes are not known to be zeros without a look.
    pub fn stored(&self) -> u64 {
        match &self.from {
            Source::Zeros => 0,
            Source::Pieces(pieces) => {
                let zeros = pieces.iter().filter(|(_, piece)| matches!(piece.from, Source::Zeros));
                self.size.saturating_sub(zeros.map(|(_, piece)| piece.size).sum())
            }
            Source::Memory(_) | Source::File(_) => self.size,
        }
    }

    /// How many bytes from a place on are known to be zeros without a look, at least.
    pub fn zeros_at(&self, offset: u64) -> u64 {
        let left = self.size.saturating_sub(offset);
        match &self.from {
            Source::Zeros => left,
            Source::Pieces(pieces) if left > 0 => {
                let at = self.start + offset;
                let index = pieces.partition_point(|(start, _)| *start <= at).saturating_sub(1);
                pieces.get(index).map_or(0, |(start, piece)| piece.zeros_at(at - start).min(left))
            }
            _ => 0,
        }
    }

    /// How many bytes before a place are known to be zeros without a look, at least.
    pub fn zeros_before(&self, offset: u64) -> u64 {
        let offset = offset.min(self.size);
        match &self.from {
            Source::Zeros => offset,
            Source::Pieces(pieces) if offset > 0 => {
                let at = self.start + offset;
                let index = pieces.partition_point(|(start, _)| *start < at).saturating_sub(1);
                pieces.get(index).map_or(0, |(start, piece)| piece.zeros_before(at - start).min(offset))
            }
            _ => 0,
        }
    }

    /// Whether both begin at the same byte of the same place, so that what they share needs no look.
    fn is_same_place(&self, other: &Self) -> bool {
        self.start == other.start
            && match (&self.from, &other.from) {
                (Source::Memory(a), Source::Memory(b)) => Arc::ptr_eq(a, b),
                (Source::File(a), Source::File(b)) => Arc::ptr_eq(a, b),
                (Source::Pieces(a), Source::Pieces(b)) => Arc::ptr_eq(a, b),
                (Source::Zeros, Source::Zeros) => true,
                _ => false,
            }
    }

    fn path(&self) -> &Path {
        match &self.from {
            Source::File(opened) => &opened.path,
            Source::Pieces(pieces) => pieces.first().map_or(Path::new("memory"), |(_, piece)| piece.path()),
            Source::Memory(_) | Source::Zeros => Path::new("memory"),
        }
    }
}

/// Reads a [`Content`] from its beginning to its end.
#[derive(Debug)]
pub struct Reader {
    content: Content,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.content.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        if count > 0 {
            self.content.read_at(self.at, &mut buffer[..count]).map_err(io::Error::other)?;
            self.at += count as u64;
        }
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.content.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
