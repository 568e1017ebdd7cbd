//! Sparse files in tar, written out with their holes as zeros.
//!
//! Source: the GNU tar manual, "Sparse Formats": the old GNU format (entry type `S`), and pax 0.0, 0.1 and 1.0.

use std::io::{self, Read};

use ::tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::error::{Fault, Reason};
use super::pax::{SparseKeys, decimal};
use super::tar::number;
use super::unpack::exact;

/// Bound on the pieces of one file, as a map costs memory.
const PIECES: usize = 1 << 20;

/// Where the stored bytes belong in the file.
#[derive(Debug)]
pub(super) struct Sparse {
    /// Offset and length of each piece.
    map: Vec<(u64, u64)>,
    /// Size of the file.
    real: u64,
}

fn corrupt(detail: impl Into<String>) -> Fault {
    Reason::corrupt("sparse file", detail).into()
}

impl Sparse {
    /// The map of an entry of type `S`: in its header, and in blocks behind it.
    pub fn old(header: &Header, input: &mut dyn Read) -> Result<Self, Fault> {
        let gnu = header.as_gnu().ok_or_else(|| corrupt("type `S` in a header that is not GNU's"))?;
        let real = number(&gnu.realsize, "sparse size")?.ok_or_else(|| corrupt("it states no size"))?;
        let mut map = Vec::new();
        add(&mut map, &gnu.sparse)?;
        let mut more = extended(gnu.isextended[0])?;
        while more {
            let mut block = GnuExtSparseHeader::new();
            exact(input, block.as_mut_bytes(), "a sparse map")?;
            add(&mut map, block.sparse())?;
            more = extended(block.isextended[0])?;
        }
        Ok(Self { map, real })
    }

    /// The map by pax records; in format 1.0 it stands before the content, in decimal lines, and fills whole blocks.
    pub fn pax(keys: &SparseKeys, stored: &mut io::Take<&mut dyn Read>) -> Result<Self, Fault> {
        let real = keys.real.ok_or_else(|| corrupt("it states no size"))?;
        let flat = match (keys.major, keys.minor) {
            (None | Some(0), _) => keys.map.clone(),
            (Some(1), Some(0)) => lines(stored)?,
            (major, minor) => {
                let part = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
                return Err(Reason::unsupported(format!("sparse format {}.{}", part(major), part(minor))).into());
            }
        };
        if !flat.len().is_multiple_of(2) || keys.blocks.is_some_and(|blocks| blocks != flat.len() as u64 / 2) {
            return Err(corrupt("its map has another length than stated"));
        }
        Ok(Self { map: flat.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(), real })
    }

    /// Checks the map against the `stored` bytes, and gives the size of the file.
    pub fn check(&self, stored: u64, limit: u64) -> Result<u64, Fault> {
        let mut end = 0;
        let mut sum = 0;
        for (offset, length) in &self.map {
            if *offset < end {
                return Err(corrupt("pieces of its map overlap or are out of order"));
            }
            end = offset.checked_add(*length).ok_or_else(|| corrupt("a piece ends beyond all sizes"))?;
            sum += length;
        }
        if end > self.real {
            return Err(corrupt("a piece ends behind the end of the file"));
        }
        if sum != stored {
            return Err(corrupt(format!("its map names {sum} bytes, and {stored} are stored")));
        }
        if self.real > limit {
            return Err(Reason::TooManyBytes { limit }.into());
        }
        Ok(self.real)
    }

    /// The whole file, read from its stored bytes.
    pub fn expand<'a>(self, stored: &'a mut dyn Read) -> Expand<'a> {
        Expand { map: self.map, real: self.real, stored, piece: 0, at: 0 }
    }
}

fn extended(flag: u8) -> Result<bool, Fault> {
    match flag {
        0 | b'0' => Ok(false),
        1 | b'1' => Ok(true),
        flag => Err(corrupt(format!("flag {flag} for more of its map"))),
    }
}

fn add(map: &mut Vec<(u64, u64)>, fields: &[GnuSparseHeader]) -> Result<(), Fault> {
    for field in fields {
        let pair = (number(&field.offset, "sparse offset")?, number(&field.numbytes, "sparse length")?);
        match pair {
            (Some(offset), Some(length)) => map.push((offset, length)),
            (None, None) => {}
            _ => return Err(corrupt("half a piece in its map")),
        }
    }
    if map.len() > PIECES { Err(corrupt("too many pieces")) } else { Ok(()) }
}

/// The decimal lines at the start of a file in format 1.0.
fn lines(stored: &mut io::Take<&mut dyn Read>) -> Result<Vec<u64>, Fault> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut line = Vec::new();
    let mut wanted = None;
    while wanted.is_none_or(|wanted| numbers.len() < wanted) {
        let mut block = [0; 512];
        exact(stored, &mut block, "a sparse map")?;
        for byte in block {
            if byte == b'\n' {
                let number = decimal("sparse map", &line)?;
                line.clear();
                match wanted {
                    None => {
                        let pieces = usize::try_from(number).ok().filter(|pieces| *pieces <= PIECES);
                        wanted = Some(pieces.ok_or_else(|| corrupt("too many pieces"))? * 2);
                    }
                    Some(_) => numbers.push(number),
                }
                if wanted == Some(numbers.len()) {
                    // What is left of this block is padding.
                    break;
                }
            } else if line.len() >= 20 {
                return Err(corrupt("its map has a number without end"));
            } else {
                line.push(byte);
            }
        }
    }
    Ok(numbers)
}

/// See [`Sparse::expand`].
pub(super) struct Expand<'a> {
    map: Vec<(u64, u64)>,
    real: u64,
    stored: &'a mut dyn Read,
    /// The piece that ends behind `at`.
    piece: usize,
    at: u64,
}

impl Read for Expand<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.map.get(self.piece).is_some_and(|(offset, length)| offset + length <= self.at) {
            self.piece += 1;
        }
        let (data, end) = match self.map.get(self.piece) {
            Some((offset, length)) if *offset <= self.at => (true, offset + length),
            Some((offset, _)) => (false, *offset),
            None => (false, self.real),
        };
        let left = end - self.at;
        let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = match data {
            true => self.stored.read(&mut buffer[..count])?,
            false => {
                buffer[..count].fill(0);
                count
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}
