//! What the readers of images have in common: which bytes are accounted for, which names lead to the same inode, and how
//! much a hostile image may ask for.
//!
//! A reader tells of each byte that it made a field or a file's data of ([`Cover::take`]). What it has not taken is compared
//! as it lies: under a name where the reader knows one ([`Cover::name`]), else as [`UNUSED`]. That is the whole image with
//! zeros where something was taken, so that offsets in it are those of the image, and no byte is in no listing.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::listing::{Entry, Field, Listing, Rest, Value, What};
use super::spool::Spool;
use crate::fs::Content;

/// What the bytes are called that nothing refers to.
const UNUSED: &str = "bytes that nothing refers to";
/// Entries of one image.
const ENTRIES: u64 = 10_000_000;
/// Bytes of names and fields of one image, at most and in proportion to its size: what is compressed, or refers to the same
/// thing often, must not cost much more than it is large.
const DESCRIBED: u64 = 4 << 30;
const DESCRIBED_ANYWAY: u64 = 256 << 20;
const DESCRIBED_PER_BYTE: u64 = 256;
/// Directories within each other.
pub(super) const DEPTH: usize = 1024;
/// Bytes of one file: a hole costs an image nothing, and who compares it much.
pub(super) const LARGEST: u64 = 1 << 44;

/// Which bytes are accounted for.
#[derive(Debug)]
pub(super) struct Cover {
    content: Content,
    /// What was taken, as first byte and the one after the last.
    taken: Vec<(u64, u64)>,
    named: Vec<(String, Vec<(u64, u64)>)>,
}

impl Cover {
    pub fn new(content: &Content) -> Self {
        Self { content: content.clone(), taken: Vec::new(), named: Vec::new() }
    }

    /// Notes that some bytes are in a field or in a file's data.
    pub fn take(&mut self, at: u64, size: u64) {
        let end = at.saturating_add(size).min(self.content.size());
        match self.taken.last_mut() {
            _ if end <= at => {}
            Some(last) if last.1 == at => last.1 = end,
            _ => self.taken.push((at, end)),
        }
    }

    /// Names what remains of some ranges, each a place and a size.
    pub fn name(&mut self, name: String, ranges: &[(u64, u64)]) {
        let size = self.content.size();
        let ranges = ranges.iter().map(|(at, count)| (*at.min(&size), at.saturating_add(*count).min(size)));
        self.named.push((name, ranges.collect()));
    }

    /// Whether anything was taken of a range.
    pub fn has(&self, at: u64, size: u64) -> bool {
        self.taken.iter().any(|(start, end)| *start < at.saturating_add(size) && at < *end)
    }

    /// What remains: under names, and what has none as `unused`.
    pub fn finish(self, unused: &str, rest: &mut Vec<Rest>) {
        let Self { content, mut taken, named } = self;
        merge(&mut taken);
        for (name, ranges) in &named {
            let pieces = ranges.iter().flat_map(|range| masked(&content, *range, &taken)).collect();
            rest.push(Rest { name: name.clone(), bytes: Content::concat(pieces) });
        }
        taken.extend(named.into_iter().flat_map(|(_, ranges)| ranges));
        merge(&mut taken);
        let whole = (0, content.size());
        if content.size() > 0 {
            // Images of different sizes are mostly compared place by place too: their sizes are fields.
            let filler = content.size().checked_next_power_of_two().map_or(0, |size| size - content.size());
            let mut pieces = masked(&content, whole, &taken);
            pieces.push(Content::zeros(filler));
            rest.push(Rest { name: unused.to_owned(), bytes: Content::concat(pieces) });
        }
    }
}

/// Sorts ranges and joins those that touch.
fn merge(ranges: &mut Vec<(u64, u64)>) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let joined = next.0 <= last.1;
        if joined {
            last.1 = last.1.max(next.1);
        }
        joined
    });
}

/// A range with zeros for what was taken; `taken` is sorted and its ranges do not touch.
fn masked(content: &Content, (start, end): (u64, u64), taken: &[(u64, u64)]) -> Vec<Content> {
    let mut pieces = Vec::new();
    let mut at = start;
    let first = taken.partition_point(|(_, end)| *end <= start);
    for (from, to) in taken.iter().skip(first).take_while(|(from, _)| *from < end) {
        let (from, to) = ((*from).max(at), (*to).min(end));
        pieces.extend(content.part(at, from.saturating_sub(at)));
        pieces.push(Content::zeros(to.saturating_sub(from)));
        at = to;
    }
    pieces.extend(content.part(at, end.saturating_sub(at)));
    pieces
}

/// An image while it is read.
pub(super) struct Image<'a> {
    pub content: &'a Content,
    pub spool: &'a Spool<'a>,
    pub listing: Listing,
    pub cover: Cover,
    /// Inodes: where their entries stand, and what they are once that is known.
    inodes: BTreeMap<u64, Inode>,
    described: u64,
}

#[derive(Default)]
struct Inode {
    entries: Vec<usize>,
    known: Option<(What, Vec<Field>)>,
}

impl<'a> Image<'a> {
    /// An image whose entries come in its own order.
    pub fn new(content: &'a Content, spool: &'a Spool<'a>) -> Self {
        let listing = Listing { ordered: true, ..Listing::default() };
        Self { content, spool, listing, cover: Cover::new(content), inodes: BTreeMap::new(), described: 0 }
    }

    /// Bytes of the image, of which `what` is too short if they are not there. They have to be few.
    pub fn bytes(&self, at: u64, size: usize, what: &str) -> Result<Vec<u8>, Fault> {
        let bytes = self.content.bytes_at(at, size)?;
        if bytes.len() < size { Err(cut_off(what, at)) } else { Ok(bytes) }
    }

    /// A part of the image.
    pub fn part(&self, at: u64, size: u64, what: &str) -> Result<Content, Fault> {
        self.content.part(at, size).ok_or_else(|| cut_off(what, at))
    }

    pub fn field(&mut self, name: &'static str, value: Value) {
        self.listing.fields.push(Field::metadata(name, value));
    }

    /// Adds an entry; says where it stands.
    pub fn push(&mut self, name: String, what: What, fields: Vec<Field>) -> Result<usize, Fault> {
        self.spool.check()?;
        self.spend(name.len() as u64 + 64)?;
        self.spend_fields(&fields)?;
        if self.listing.entries.len() as u64 >= ENTRIES {
            return Err(Fault::TooMuch { what: "entries", limit: ENTRIES });
        }
        self.listing.entries.push(Entry { name, what, fields });
        Ok(self.listing.entries.len() - 1)
    }

    /// Adds a name of an inode; says whether it is the first. What the inode is, [`Self::define`] says.
    pub fn link(&mut self, inode: u64, name: String, fields: Vec<Field>) -> Result<bool, Fault> {
        let at = self.push(name, What::Directory, fields)?;
        let inode = self.inodes.entry(inode).or_default();
        inode.entries.push(at);
        Ok(inode.entries.len() == 1)
    }

    /// Says what an inode is.
    pub fn define(&mut self, inode: u64, what: What, fields: Vec<Field>) -> Result<(), Fault> {
        self.spend_fields(&fields)?;
        self.inodes.entry(inode).or_default().known = Some((what, fields));
        Ok(())
    }

    /// Counts bytes that a description takes.
    pub fn spend(&mut self, bytes: u64) -> Result<(), Fault> {
        self.described = self.described.saturating_add(bytes);
        let limit = self.content.size().saturating_mul(DESCRIBED_PER_BYTE).clamp(DESCRIBED_ANYWAY, DESCRIBED);
        if self.described > limit {
            return Err(Fault::TooMuch { what: "bytes of names and fields", limit });
        }
        Ok(())
    }

    fn spend_fields(&mut self, fields: &[Field]) -> Result<(), Fault> {
        let mut bytes = 0;
        for field in fields {
            bytes += size_of::<Field>() as u64;
            match &field.value {
                Value::Text(text) => bytes += text.len() as u64,
                Value::Bytes(value) => bytes += value.len() as u64,
                _ => {}
            }
        }
        self.spend(bytes)
    }

    /// The listing. Of several names of an inode the first in the alphabet is the file, so that it is the same one
    /// wherever a directory has them.
    pub fn finish(mut self) -> Listing {
        let entries = &mut self.listing.entries;
        for inode in self.inodes.into_values() {
            let Some((what, fields)) = inode.known else { continue };
            let Some(first) = inode.entries.iter().copied().min_by(|a, b| entries[*a].name.cmp(&entries[*b].name))
            else {
                continue;
            };
            for at in inode.entries.iter().filter(|at| **at != first) {
                entries[*at].what = What::HardLink { target: entries[first].name.clone() };
            }
            entries[first].what = what;
            entries[first].fields.extend(fields);
        }
        self.listing.fields.push(Field::metadata("size of the image", Value::Number(self.content.size())));
        self.cover.finish(UNUSED, &mut self.listing.rest);
        self.listing
    }
}

/// A fault: the image ends before something.
pub(super) fn cut_off(what: &str, at: u64) -> Fault {
    Fault::malformed(format!("{what} at {at:#x} lies beyond the image's end"))
}

/// The path of something in a directory.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Extents as text: `0+8 at 1024, 8+4 at 4096`, in blocks.
pub(super) fn extents(list: &[(u64, u64, u64)]) -> String {
    let shown: Vec<String> = list.iter().map(|(logical, count, at)| format!("{logical}+{count} at {at}")).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::Cover;
    use crate::fs::Content;

    #[test]
    fn what_is_not_taken_remains_where_it_is() {
        let mut cover = Cover::new(&Content::of_bytes(*b"abcdefgh"));
        cover.take(1, 1);
        cover.take(2, 1);
        cover.take(6, 100);
        cover.take(u64::MAX, 5);
        cover.name("x".to_owned(), &[(5, 2), (0, 2)]);
        let mut rest = Vec::new();
        cover.finish("unused", &mut rest);
        let shown: Vec<Vec<u8>> = rest.iter().map(|rest| rest.bytes.bytes().expect("memory can be read")).collect();
        assert_eq!(shown, [b"f\0a\0".to_vec(), b"\0\0\0de\0\0\0".to_vec()]);
    }
}
