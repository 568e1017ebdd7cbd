//! Inodes, and the extended attributes that they refer to.

use std::ops::Range;
use std::sync::Arc;

use super::super::attribute::attribute;
use super::super::fault::Fault;
use super::super::image::{Image, LARGEST};
use super::super::listing::{Data, Field, Value, What, text};
use super::super::raw::{Keep, Part, Shape, describe, device, le_u16, le_u32, le_u64, special};
use super::data::{Packed, Tail};
use super::table::{Indexed, Reader, Table};
use super::{NONE, Squashfs, number, xattr_prefix};
use crate::fs::Content;

/// What an inode has instead of a fragment or of extended attributes.
const NOTHING: u32 = u32::MAX;

/// An inode.
pub(super) struct Node {
    pub what: What,
    pub fields: Vec<Field>,
    /// Of a directory: where its list lies, and its size.
    pub list: (u64, usize),
}

const HEADER: [Part; 3] = [("inode type", 0, Shape::Le16), ("mtime", 8, Shape::Time), ("inode", 12, Shape::Le32)];

impl Squashfs<'_> {
    pub(super) fn is_folder(&self, at: usize) -> bool {
        matches!(le_u16(&self.shared.inodes, at), Some(1 | 8))
    }

    /// Reads the inode at a place of the table.
    pub(super) fn inode(&mut self, at: usize) -> Result<Node, Fault> {
        let shared = Arc::clone(&self.shared);
        let bad = || Fault::malformed(format!("the inode at {at:#x} of the inode table is cut off"));
        let bytes = shared.inodes.get(at..).filter(|bytes| bytes.len() >= 20).ok_or_else(bad)?;
        let kind = le_u16(bytes, 0).ok_or_else(bad)?;
        let mode = le_u16(bytes, 2).ok_or_else(bad)?;
        let word = |at: usize| le_u32(bytes, at).ok_or_else(bad);
        let id = |at: usize| -> Result<u32, Fault> {
            let index = usize::from(le_u16(bytes, at).ok_or_else(bad)?);
            le_u32(&self.ids, index * 4).ok_or_else(|| Fault::malformed(format!("there is no id {index}")))
        };
        let mut fields = vec![Field::metadata("mode", Value::Mode(mode.into()))];
        fields.extend([number("uid", id(4)?), number("gid", id(6)?)]);
        fields.extend(describe(&bytes[..16], &HEADER, Keep::All, &[(2, 6)]));
        self.inodes.take(at as u64, 16);
        let mut list = (0, 0);
        // What the fields below show of the rest, and where the number of its extended attributes is.
        let mut shown: Vec<Range<usize>> = Vec::new();
        let mut xattrs = None;
        let what = match kind {
            1 => {
                list = (u64::from(word(16)?) << 16 | u64::from(le_u16(bytes, 26).ok_or_else(bad)?), 0);
                list.1 = usize::from(le_u16(bytes, 24).ok_or_else(bad)?);
                fields.extend([number("nlink", word(20)?), number("parent inode", word(28)?)]);
                shown.extend([20..24, 28..32]);
                What::Directory
            }
            8 => {
                list = (u64::from(word(24)?) << 16 | u64::from(le_u16(bytes, 34).ok_or_else(bad)?), 0);
                list.1 = word(20)? as usize;
                fields.extend([number("nlink", word(16)?), number("parent inode", word(28)?)]);
                shown.extend([16..20, 28..32]);
                xattrs = Some(36);
                What::Directory
            }
            2 => {
                let file =
                    File { start: word(16)?.into(), size: word(28)?.into(), fragment: word(20)?, offset: word(24)? };
                shown.extend([16..20, 28..32]);
                self.file(&file, at + 32, &mut fields)?
            }
            9 => {
                let long = |at: usize| le_u64(bytes, at).ok_or_else(bad);
                let file = File { start: long(16)?, size: long(24)?, fragment: word(44)?, offset: word(48)? };
                fields.extend([number("sparse bytes", long(32)?), number("nlink", word(40)?)]);
                shown.push(16..44);
                xattrs = Some(52);
                self.file(&file, at + 56, &mut fields)?
            }
            3 | 10 => {
                let size = word(20)? as usize;
                let target = bytes.get(24..24_usize.saturating_add(size)).ok_or_else(bad)?;
                fields.push(number("nlink", word(16)?));
                shown.push(16..24 + size);
                xattrs = (kind == 10).then_some(24 + size);
                What::Symlink { target: text(target) }
            }
            4 | 5 | 11 | 12 => {
                let number_of = word(20)?;
                fields.push(number("nlink", word(16)?));
                fields.push(number("device number", number_of));
                shown.push(16..24);
                xattrs = (kind > 10).then_some(24);
                let mode = if matches!(kind, 4 | 11) { 0o060_000 } else { 0o020_000 };
                What::Special { kind: special(mode, Some(device(number_of))) }
            }
            6 | 7 | 13 | 14 => {
                fields.push(number("nlink", word(16)?));
                shown.push(16..20);
                xattrs = (kind > 10).then_some(20);
                let mode = if matches!(kind, 6 | 13) { 0o010_000 } else { 0o140_000 };
                What::Special { kind: special(mode, None) }
            }
            other => return Err(Fault::malformed(format!("an inode of type {other}"))),
        };
        for range in shown {
            self.inodes.take((at + range.start) as u64, range.len() as u64);
        }
        if let Some(index) = xattrs.map(word).transpose()?.filter(|index| *index != NOTHING) {
            self.xattrs.of(index, &mut self.image, &mut fields)?;
        }
        Ok(Node { what, fields, list })
    }

    /// A file whose blocks' sizes begin at `list`.
    fn file(&mut self, file: &File, list: usize, fields: &mut Vec<Field>) -> Result<What, Fault> {
        let File { start, size, fragment, offset } = *file;
        let block = u64::from(self.shared.block);
        if size > LARGEST {
            return Err(Fault::TooMuch { what: "bytes in a file", limit: LARGEST });
        }
        let has_tail = fragment != NOTHING;
        let blocks = if has_tail { size / block } else { size.div_ceil(block) };
        let words = usize::try_from(blocks).ok().and_then(|blocks| list.checked_add(blocks.checked_mul(4)?));
        let words = list..words.unwrap_or(usize::MAX);
        let bytes = self.shared.inodes.get(words.clone());
        let bytes = bytes.ok_or_else(|| Fault::malformed("a file's list of blocks is cut off"))?;
        let mut at = start;
        let mut pieces = Some(Vec::new());
        for (index, word) in bytes.chunks_exact(4).enumerate() {
            let word = le_u32(word, 0).unwrap_or(0);
            let stored = u64::from(word & 0xff_ffff);
            let full = block.min(size - index as u64 * block);
            self.image.part(at, stored, "a file's block")?;
            self.image.cover.take(at, stored);
            let piece = match word {
                0 => Some(Content::zeros(full)),
                _ if word & 1 << 24 != 0 && stored == full => self.image.content.part(at, stored),
                _ => None,
            };
            pieces = pieces.zip(piece).map(|(mut pieces, piece)| {
                pieces.push(piece);
                pieces
            });
            at += stored;
        }
        fields.push(number("start", start));
        fields.push(number("stored size", at - start));
        let tail = if has_tail {
            let (tail, piece) = self.tail(fragment, offset, size % block)?;
            fields.push(number("fragment", fragment));
            fields.push(number("offset in the fragment", offset));
            pieces = pieces.zip(piece).map(|(mut pieces, piece)| {
                pieces.push(piece);
                pieces
            });
            Some(tail)
        } else {
            None
        };
        Ok(What::File(match pieces {
            Some(pieces) => Data::Plain(Content::concat(pieces)),
            None => Data::Packed(Arc::new(Packed { shared: Arc::clone(&self.shared), size, start, words, tail })),
        }))
    }

    /// The end of a file within a fragment, and its bytes if that is not compressed.
    fn tail(&mut self, index: u32, offset: u32, size: u64) -> Result<(Tail, Option<Content>), Fault> {
        let (at, word) = self.shared.fragment(index)?;
        let stored = u64::from(word & 0xff_ffff);
        let fragment = self.image.part(at, stored, "a fragment")?;
        if self.fragments.insert(index) {
            self.image.cover.take(at, stored);
        }
        let plain = word & 1 << 24 != 0;
        Ok((Tail { index, offset, size }, fragment.part(offset.into(), size).filter(|_| plain)))
    }
}

#[derive(Clone, Copy)]
struct File {
    start: u64,
    size: u64,
    fragment: u32,
    offset: u32,
}

/// The extended attributes of an image.
pub(super) struct Xattrs {
    ids: Vec<u8>,
    pub table: Table,
    /// Before which other tables end.
    pub end: u64,
}

impl Xattrs {
    pub fn read(image: &mut Image<'_>, tables: &mut Reader, start: u64) -> Result<Self, Fault> {
        if start == NONE {
            let table = tables.whole(image, "extended attribute table", 0, 0)?;
            return Ok(Self { ids: Vec::new(), table, end: NONE });
        }
        let name = "extended attribute table";
        let head = image.bytes(start, 16, name)?;
        let first = le_u64(&head, 0).unwrap_or(NONE);
        let count = u64::from(le_u32(&head, 8).unwrap_or(0));
        image.cover.name("header of the extended attribute ids".to_owned(), &[(start, 16)]);
        let Indexed { bytes, end } =
            tables.indexed(image, "extended attribute ids", start.saturating_add(16), count * 16)?;
        let table = tables.whole(image, name, first, end.min(start))?;
        Ok(Self { ids: bytes, table, end: first })
    }

    /// Adds the attributes that a number stands for.
    fn of(&mut self, index: u32, image: &mut Image<'_>, fields: &mut Vec<Field>) -> Result<(), Fault> {
        let bad = || Fault::malformed(format!("the extended attributes {index} are cut off"));
        let id = index as usize * 16;
        let mut at = self.place(le_u64(&self.ids, id).ok_or_else(bad)?).ok_or_else(bad)?;
        for _ in 0..le_u32(&self.ids, id + 8).ok_or_else(bad)? {
            let bytes = &self.table.bytes;
            let kind = le_u16(bytes, at).ok_or_else(bad)?;
            let size = usize::from(le_u16(bytes, at + 2).ok_or_else(bad)?);
            let name = bytes.get(at + 4..at + 4 + size).ok_or_else(bad)?;
            let own = at + 4 + size;
            let length = le_u32(bytes, own).ok_or_else(bad)? as usize;
            // The value, or where it is.
            let value = if kind & 0x100 == 0 {
                own
            } else {
                le_u64(bytes, own + 4).and_then(|place| self.place(place)).ok_or_else(bad)?
            };
            let size = if value == own { length } else { le_u32(bytes, value).ok_or_else(bad)? as usize };
            let shown = bytes.get(value + 4..(value + 4).saturating_add(size)).ok_or_else(bad)?;
            // A table of a few bytes may be in many inodes, and have many attributes with one large value.
            image.spend(64 + 2 * shown.len() as u64)?;
            fields.push(attribute(&[xattr_prefix(kind).as_bytes(), name].concat(), shown));
            if fields.len() > 1 << 16 {
                return Err(Fault::TooMuch { what: "extended attributes of a file", limit: 1 << 16 });
            }
            let cover = &mut self.table.cover;
            // Whether a value lies elsewhere, and where, remains.
            cover.take(at as u64 + 4, (own - at - 4) as u64);
            cover.take(value as u64, 4 + size as u64);
            at = (own + 4).saturating_add(length);
        }
        Ok(())
    }

    fn place(&self, reference: u64) -> Option<usize> {
        self.table.starts.get(&(reference >> 16)).map(|start| start + (reference & 0xffff) as usize)
    }
}
