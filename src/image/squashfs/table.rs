//! Tables in metadata blocks: two bytes say how many follow, and whether they are compressed; 8 KiB come out.

use std::io;

use super::super::error::Error;
use super::super::output::Output;
use super::pool::Packer;

/// Bytes of a metadata block, unpacked.
pub(super) const BLOCK: usize = 8192;
/// Set in a metadata block's size when it is not compressed.
const PLAIN: u16 = 1 << 15;

/// An output that fails.
pub(super) fn failed(source: io::Error) -> Error {
    Error::Write { source }
}

/// A table that grows.
#[derive(Debug)]
pub(super) struct Table {
    packer: Packer,
    /// The blocks that are full, as they are stored.
    packed: Vec<u8>,
    /// Where each of them begins.
    starts: Vec<u64>,
    /// What has not filled a block yet: always less than one.
    rest: Vec<u8>,
}

impl Table {
    pub fn new(packer: Packer) -> Self {
        Self { packer, packed: Vec::new(), starts: Vec::new(), rest: Vec::new() }
    }

    /// The place of what comes next: where its block begins among the packed ones, and the offset in it unpacked.
    pub fn place(&self) -> (u64, u16) {
        (self.packed.len() as u64, u16::try_from(self.rest.len()).unwrap_or(u16::MAX))
    }

    /// The place in one number, as other tables refer to it.
    pub fn reference(&self) -> u64 {
        let (start, offset) = self.place();
        start << 16 | u64::from(offset)
    }

    /// Bytes in the table, unpacked.
    pub fn len(&self) -> u64 {
        self.starts.len() as u64 * BLOCK as u64 + self.rest.len() as u64
    }

    pub fn add(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.rest.len()));
            self.rest.extend(now);
            bytes = later;
            if self.rest.len() == BLOCK {
                self.close()?;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let packed = self.packer.pack(std::mem::take(&mut self.rest)).map_err(failed)?;
        let size = u16::try_from(packed.bytes.len()).unwrap_or(u16::MAX) | if packed.smaller { 0 } else { PLAIN };
        self.starts.push(self.packed.len() as u64);
        self.packed.extend(size.to_le_bytes());
        self.packed.extend(packed.bytes);
        Ok(())
    }

    /// Writes it at `at`; gives where each block begins.
    pub fn write<W: Output>(mut self, out: &mut W, at: &mut u64) -> Result<Vec<u64>, Error> {
        if !self.rest.is_empty() {
            self.close()?;
        }
        let start = *at;
        put(out, at, &self.packed)?;
        self.starts.iter_mut().for_each(|block| *block += start);
        Ok(self.starts)
    }

    /// Writes it at `at`, and an index of its blocks behind it; gives where that begins.
    pub fn write_indexed<W: Output>(self, out: &mut W, at: &mut u64) -> Result<u64, Error> {
        let starts = self.write(out, at)?;
        let index = *at;
        let bytes: Vec<u8> = starts.iter().flat_map(|start| start.to_le_bytes()).collect();
        put(out, at, &bytes)?;
        Ok(index)
    }
}

/// Writes bytes at `at`, where the output is.
pub(super) fn put<W: Output>(out: &mut W, at: &mut u64, bytes: &[u8]) -> Result<(), Error> {
    out.write_all(bytes).map_err(failed)?;
    *at += bytes.len() as u64;
    Ok(())
}
