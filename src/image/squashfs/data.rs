//! The bytes of files: whole blocks, and ends in fragments.

use std::collections::{BTreeMap, VecDeque};
use std::thread;

use super::super::content::{Content, is_zero};
use super::super::error::Error;
use super::super::output::Output;
use super::super::tree::{Contents, Kind, Tree};
use super::pool::{Packer, Pool, Ticket};
use super::table::failed;
use crate::digest::Digest;

/// Set in a block's size when it is not compressed.
const PLAIN: u32 = 1 << 24;

/// Where a file's bytes are.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub start: u64,
    /// The size of each whole block as it is stored; zero where it is a hole.
    pub sizes: Vec<u32>,
    /// Bytes of holes.
    pub holes: u64,
    /// Fragment and offset of the end.
    pub end: Option<(u32, u32)>,
}

/// What has been written.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub places: BTreeMap<Digest, Place>,
    /// Where each fragment lies, and its size.
    pub fragments: Vec<(u64, u32)>,
    /// Where the last block ends.
    pub end: u64,
}

/// Writes the bytes of all files from `start` on.
pub(super) fn write<W: Output>(
    tree: &Tree,
    contents: &dyn Contents,
    packer: Packer,
    threads: usize,
    start: u64,
    out: &mut W,
) -> Result<Data, Error> {
    thread::scope(|scope| {
        let mut queue = Queue {
            pool: Pool::start(scope, packer, threads),
            most: threads * 2 + 2,
            due: VecDeque::new(),
            fragment: Vec::new(),
            fragments: 0,
            data: Data { end: start, ..Data::default() },
            out,
        };
        for inode in &tree.inodes {
            let Kind::File(digest) = &inode.kind else { continue };
            if queue.data.places.contains_key(digest) {
                continue;
            }
            queue.data.places.insert(*digest, Place::default());
            let mut content = Content::open(contents, &inode.path, digest)?;
            queue.file(&mut content, digest, packer.block as usize)?;
            content.end()?;
        }
        queue.end()
    })
}

/// What is to be written next.
enum Due {
    Hole(Digest),
    Block(Digest, Ticket),
    Fragment(Ticket),
}

struct Queue<'a, W> {
    pool: Pool,
    /// How many may be due.
    most: usize,
    due: VecDeque<Due>,
    /// The fragment that is being filled.
    fragment: Vec<u8>,
    /// How many fragments were filled before.
    fragments: u32,
    data: Data,
    out: &'a mut W,
}

impl<W: Output> Queue<'_, W> {
    fn file(&mut self, content: &mut Content<'_>, digest: &Digest, block: usize) -> Result<(), Error> {
        while content.left() >= block as u64 {
            let mut bytes = Vec::with_capacity(block);
            content.read(block, &mut bytes)?;
            let due = if is_zero(&bytes) { Due::Hole(*digest) } else { Due::Block(*digest, self.pool.give(bytes)) };
            self.put(due)?;
        }
        let left = usize::try_from(content.left()).unwrap_or(block);
        if left == 0 {
            return Ok(());
        }
        if self.fragment.len() + left > block {
            self.close()?;
        }
        // An end is less than a block, so that the offset fits.
        let offset = u32::try_from(self.fragment.len()).unwrap_or(u32::MAX);
        content.read(left, &mut self.fragment)?;
        if let Some(place) = self.data.places.get_mut(digest) {
            place.end = Some((self.fragments, offset));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let bytes = std::mem::take(&mut self.fragment);
        self.fragments += 1;
        self.put(Due::Fragment(self.pool.give(bytes)))
    }

    fn put(&mut self, due: Due) -> Result<(), Error> {
        self.due.push_back(due);
        while self.due.len() > self.most {
            self.next()?;
        }
        Ok(())
    }

    /// Writes what is due first.
    fn next(&mut self) -> Result<(), Error> {
        let (file, ticket) = match self.due.pop_front() {
            None => return Ok(()),
            Some(Due::Hole(digest)) => (Some(digest), None),
            Some(Due::Block(digest, ticket)) => (Some(digest), Some(ticket)),
            Some(Due::Fragment(ticket)) => (None, Some(ticket)),
        };
        let start = self.data.end;
        let mut word = 0;
        if let Some(ticket) = ticket {
            let packed = ticket.wait().map_err(failed)?;
            self.out.write_all(&packed.bytes).map_err(failed)?;
            self.data.end += packed.bytes.len() as u64;
            // A block has at most 1 MiB.
            word = u32::try_from(packed.bytes.len()).unwrap_or(u32::MAX) | if packed.smaller { 0 } else { PLAIN };
        }
        let Some(digest) = file else {
            self.data.fragments.push((start, word));
            return Ok(());
        };
        if let Some(place) = self.data.places.get_mut(&digest) {
            if place.sizes.is_empty() {
                place.start = start;
            }
            place.sizes.push(word);
            if word == 0 {
                place.holes += u64::from(self.pool.packer.block);
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<Data, Error> {
        if !self.fragment.is_empty() {
            self.close()?;
        }
        while !self.due.is_empty() {
            self.next()?;
        }
        Ok(self.data)
    }
}
