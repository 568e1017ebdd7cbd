//! What the readers of images have in common: which bytes are accounted for, which names lead to the same inode, and how
//! much a hostile image may ask for.
//!
//! A reader tells of each byte that it made a field or a file's data of ([`Cover::take`]). What it has not taken is compared
//! as it lies: under a name where the reader knows one ([`Cover::name`]), else as [`UNUSED`]. That is the whole image with
//! zeros where something was taken, so that offsets in it are those of the image, and no byte is in no listing.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::listing::{Data, Entry, Field, Listing, Rest, Value, What};
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
/// So often may an image's bytes be in directories: none of those that are made are in two.
const FOLDERS: u64 = 4;
/// So often may a byte be of what is compared under a name.
const NAMED: u64 = 8;
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
    /// Bytes that may still have names.
    left: u64,
}

impl Cover {
    pub fn new(content: &Content) -> Self {
        Self {
            content: content.clone(),
            taken: Vec::new(),
            named: Vec::new(),
            left: content.size().saturating_mul(NAMED),
        }
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
        let ranges: Vec<(u64, u64)> = ranges.collect();
        let bytes = ranges.iter().map(|(start, end)| end - start).fold(0, u64::saturating_add);
        // Each byte has one name, or a few. What an image would name more often remains without.
        if let Some(left) = self.left.checked_sub(bytes) {
            self.left = left;
            self.named.push((name, ranges));
        }
    }

    /// Whether anything was taken of a range.
    pub fn has(&self, at: u64, size: u64) -> bool {
        self.taken.iter().any(|(start, end)| *start < at.saturating_add(size) && at < *end)
    }

    /// What remains: under names, and what has none as `unused`.
    pub fn finish(self, unused: &str, rest: &mut Vec<Rest>) {
        let Self { content, mut taken, named, .. } = self;
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
    /// Bytes of directories, and of files that lie in the image as they are.
    folders: u64,
    files: u64,
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
        Self {
            content,
            spool,
            listing,
            cover: Cover::new(content),
            inodes: BTreeMap::new(),
            described: 0,
            folders: 0,
            files: 0,
        }
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
        self.weigh(&what)?;
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
        self.weigh(&what)?;
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

    /// Counts the bytes of a directory that is about to be read.
    pub fn folder(&mut self, bytes: u64) -> Result<(), Fault> {
        self.folders = self.folders.saturating_add(bytes);
        if self.folders > self.content.size().saturating_mul(FOLDERS) {
            return Err(Fault::malformed("its directories have more bytes than the image"));
        }
        Ok(())
    }

    /// Counts what an entry is: a target is a description, and bytes that are in more files than one are so many more to
    /// compare.
    fn weigh(&mut self, what: &What) -> Result<(), Fault> {
        match what {
            What::Symlink { target: text } | What::HardLink { target: text } | What::Special { kind: text } => {
                self.spend(text.len() as u64)
            }
            What::File(Data::Plain(bytes)) => {
                let beyond = |bytes: u64| bytes.saturating_sub(self.content.size());
                let before = beyond(self.files);
                self.files = self.files.saturating_add(bytes.stored());
                self.spool.take(beyond(self.files) - before)
            }
            What::File(Data::Packed(_)) | What::Directory => Ok(()),
        }
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
    pub fn finish(mut self) -> Result<Listing, Fault> {
        for inode in std::mem::take(&mut self.inodes).into_values() {
            let entries = &self.listing.entries;
            let Some((what, fields)) = inode.known else { continue };
            let Some(first) = inode.entries.iter().copied().min_by(|a, b| entries[*a].name.cmp(&entries[*b].name))
            else {
                continue;
            };
            // Few bytes can be many names of a file whose first one is long.
            self.spend((inode.entries.len() as u64 - 1).saturating_mul(self.listing.entries[first].name.len() as u64))?;
            let entries = &mut self.listing.entries;
            for at in inode.entries.iter().filter(|at| **at != first) {
                entries[*at].what = What::HardLink { target: entries[first].name.clone() };
            }
            entries[first].what = what;
            entries[first].fields.extend(fields);
        }
        self.listing.fields.push(Field::metadata("size of the image", Value::Number(self.content.size())));
        self.cover.finish(UNUSED, &mut self.listing.rest);
        Ok(self.listing)
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
    use super::{Cover, Image};
    use crate::container::{Data, Fault, Spool, What};
    use crate::fs::{Content, Dir};

    /// Fills an image of 100 bytes, of which 1000 may be unpacked.
    fn filled(fill: impl Fn(&mut Image<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let scratch = tempfile::tempdir().expect("a folder");
        let scratch = Dir::open(scratch.path()).expect("it opens");
        let (content, spool) = (Content::of_bytes([b'x'; 100]), Spool::new(&scratch, 1000, None));
        let mut image = Image::new(&content, &spool);
        fill(&mut image)?;
        image.finish().map(drop)
    }

    fn is_too_much(outcome: Result<(), Fault>) -> bool {
        matches!(outcome, Err(Fault::TooMuch { .. }))
    }

    #[test]
    fn bytes_that_are_in_many_files_count_as_unpacked() {
        let files = |count: u64| {
            filled(|image| {
                for index in 0..count {
                    let bytes = image.part(0, 100, "a file")?;
                    image.push(index.to_string(), What::File(Data::Plain(bytes)), Vec::new())?;
                }
                Ok(())
            })
        };
        assert!(files(11).is_ok() && is_too_much(files(12)));
    }

    #[test]
    fn many_names_of_one_long_name_are_too_much() {
        let names = |count: usize| {
            filled(|image| {
                image.link(7, "a".repeat(1 << 20), Vec::new())?;
                image.define(7, What::Directory, Vec::new())?;
                (0..count).try_for_each(|index| image.link(7, format!("b{index}"), Vec::new()).map(drop))
            })
        };
        assert!(names(3).is_ok() && is_too_much(names(300)));
    }

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

    #[test]
    fn a_byte_has_not_any_number_of_names() {
        let mut cover = Cover::new(&Content::of_bytes(*b"abcdefgh"));
        for name in 0..1000 {
            cover.name(name.to_string(), &[(0, u64::MAX)]);
        }
        let mut rest = Vec::new();
        cover.finish("unused", &mut rest);
        assert_eq!(rest.len(), 9);
        assert!(rest[..8].iter().all(|rest| rest.bytes.size() == 8));
    }
}
