//! The bytes of files: blocks that are compressed one by one, and an end that several files have together in a fragment.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::block::{self, Packing};
use super::super::fault::Fault;
use super::super::listing::Unpack;
use super::super::raw::{le_u32, le_u64};
use super::super::spool::Spool;
use crate::fs::Content;

/// Unpacked fragments that are kept: files that share one mostly follow each other.
const KEPT: usize = 8;

/// What the files of an image have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub content: Content,
    pub packing: Packing,
    pub block: u32,
    /// The unpacked inode table, for the lists of blocks in it.
    pub inodes: Vec<u8>,
    pub fragments: Vec<u8>,
    pub cache: Mutex<VecDeque<(u32, Arc<Vec<u8>>)>>,
}

/// The end of a file.
#[derive(Debug)]
pub(super) struct Tail {
    pub index: u32,
    pub offset: u32,
    pub size: u64,
}

/// A file.
#[derive(Debug)]
pub(super) struct Packed {
    pub shared: Arc<Shared>,
    pub size: u64,
    pub start: u64,
    /// Where the sizes of its blocks stand in the inode table.
    pub words: Range<usize>,
    pub tail: Option<Tail>,
}

impl Shared {
    /// Where a fragment lies, and its size with the bit that says whether it is compressed.
    pub fn fragment(&self, index: u32) -> Result<(u64, u32), Fault> {
        let at = index as usize * 16;
        let found = le_u64(&self.fragments, at).zip(le_u32(&self.fragments, at + 8));
        found.ok_or_else(|| Fault::malformed(format!("there is no fragment {index}")))
    }

    /// Unpacks a block of which at most `most` bytes may come out.
    fn block(&self, at: u64, word: u32, most: usize) -> Result<Vec<u8>, Fault> {
        let size = (word & 0xff_ffff) as usize;
        let packed = self.content.bytes_at(at, size)?;
        if packed.len() < size {
            return Err(super::super::image::cut_off("a block", at));
        }
        if word & 1 << 24 == 0 { self.packing.unpack(&packed, most) } else { Ok(packed) }
    }

    fn unpacked_fragment(&self, index: u32) -> Result<Arc<Vec<u8>>, Fault> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = cache.iter().find(|(known, _)| *known == index) {
            return Ok(Arc::clone(bytes));
        }
        let (at, word) = self.fragment(index)?;
        let bytes = Arc::new(self.block(at, word, self.block as usize)?);
        if cache.len() == KEPT {
            cache.pop_front();
        }
        cache.push_back((index, Arc::clone(&bytes)));
        Ok(bytes)
    }
}

impl Packed {
    fn words(&self) -> &[u8] {
        self.shared.inodes.get(self.words.clone()).unwrap_or_default()
    }
}

impl Unpack for Packed {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn packed(&self) -> Content {
        let mut head = format!("{:?} {} {}", self.shared.packing, self.shared.block, self.size).into_bytes();
        head.extend(self.words());
        let stored = self.words().chunks_exact(4).map(|word| u64::from(le_u32(word, 0).unwrap_or(0) & 0xff_ffff)).sum();
        let blocks = self.shared.content.part(self.start, stored).unwrap_or(Content::zeros(0));
        let mut fragment = None;
        if let Some(tail) = &self.tail
            && let Ok((at, word)) = self.shared.fragment(tail.index)
        {
            head.extend(format!("{} {} {word}", tail.offset, tail.size).into_bytes());
            fragment = self.shared.content.part(at, u64::from(word & 0xff_ffff));
        }
        let mut pieces = vec![Content::of_bytes(head), blocks];
        pieces.extend(fragment);
        Content::concat(pieces)
    }

    fn unpack(&self, spool: &Spool) -> Result<Content, Fault> {
        let mut blocks = Blocks { file: self, next: 0, at: self.start };
        spool.keep(block::reader(|| blocks.advance()))
    }
}

/// Unpacks a file block by block.
struct Blocks<'a> {
    file: &'a Packed,
    next: usize,
    at: u64,
}

impl Blocks<'_> {
    /// Unpacks the next block; none after the last.
    fn advance(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let Packed { shared, size, tail, .. } = self.file;
        let index = self.next;
        self.next += 1;
        let words = self.file.words();
        if let Some(word) = le_u32(words, index * 4) {
            let left = size - index as u64 * u64::from(shared.block);
            let full = usize::try_from(left).unwrap_or(usize::MAX).min(shared.block as usize);
            let bytes = if word == 0 { vec![0; full] } else { shared.block(self.at, word, full)? };
            if bytes.len() != full {
                return Err(Fault::malformed(format!("block {index} has {} bytes and not {full}", bytes.len())));
            }
            self.at += u64::from(word & 0xff_ffff);
            return Ok(Some(bytes));
        }
        match tail {
            Some(tail) if index * 4 == words.len() => {
                let fragment = shared.unpacked_fragment(tail.index)?;
                let start = tail.offset as usize;
                let end = usize::try_from(tail.size).ok().and_then(|size| start.checked_add(size));
                let bytes = end.and_then(|end| fragment.get(start..end));
                let bytes = bytes.ok_or_else(|| Fault::malformed(format!("fragment {} is too short", tail.index)))?;
                Ok(Some(bytes.to_vec()))
            }
            _ => Ok(None),
        }
    }
}
