//! Inodes: compact ones of 32 bytes, and extended ones of 64.

use std::sync::Arc;

use super::super::fault::Fault;
use super::super::image::{LARGEST, cut_off};
use super::super::listing::{Data, Field, Value, What, text};
use super::super::raw::{Keep, Part, Shape, describe, device, le_u16, le_u32, le_u64, special};
use super::Erofs;
use crate::fs::Content;

/// How a file's data lies.
const PLAIN: u8 = 0;
const COMPRESSED_FULL: u8 = 1;
const INLINE: u8 = 2;
const COMPRESSED_COMPACT: u8 = 3;
pub(super) const CHUNKS: u8 = 4;

const COMPACT: [Part; 4] = [
    ("format", 0, Shape::Flags(2)),
    ("nlink", 6, Shape::Le16),
    ("inode", 20, Shape::Le32),
    ("time or reserved", 12, Shape::Le32),
];
const EXTENDED: [Part; 3] = [("format", 0, Shape::Flags(2)), ("nlink", 44, Shape::Le32), ("inode", 20, Shape::Le32)];

/// Where some bytes of a file lie, each a start and a size.
pub(super) type Places = Vec<(u64, u64)>;

/// An inode.
pub(super) struct Inode {
    /// Where it lies in the image, and its own bytes.
    pub at: u64,
    pub bytes: Vec<u8>,
    pub mode: u32,
    pub size: u64,
    /// Bytes of its extended attributes.
    pub attributes: u64,
    /// Where its data is: a block, a chunk format, a device number.
    pub start: u32,
}

impl Inode {
    pub fn is_folder(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    pub fn layout(&self) -> u8 {
        self.bytes[0] >> 1 & 7
    }

    /// Where what follows the extended attributes begins.
    pub fn behind(&self) -> u64 {
        self.at + self.bytes.len() as u64 + self.attributes
    }
}

impl Erofs<'_> {
    pub(super) fn inode(&self, number: u64) -> Result<Inode, Fault> {
        let at = number.checked_mul(32).and_then(|at| at.checked_add(self.metadata));
        let at = at.ok_or_else(|| Fault::malformed(format!("there is no inode {number}")))?;
        let head = self.image.bytes(at, 32, "an inode")?;
        let extended = head[0] & 1 != 0;
        let bytes = if extended { self.image.bytes(at, 64, "an inode")? } else { head };
        let count = u64::from(le_u16(&bytes, 2).unwrap_or(0));
        let size = if extended { le_u64(&bytes, 8) } else { le_u32(&bytes, 8).map(u64::from) };
        let size = size.unwrap_or(0);
        if size > LARGEST {
            return Err(Fault::TooMuch { what: "bytes in a file", limit: LARGEST });
        }
        Ok(Inode {
            at,
            mode: le_u16(&bytes, 4).unwrap_or(0).into(),
            size,
            attributes: if count == 0 { 0 } else { 12 + 4 * (count - 1) },
            start: le_u32(&bytes, 16).unwrap_or(0),
            bytes,
        })
    }

    /// What an inode is, and its fields.
    pub(super) fn describe(&mut self, path: &str, inode: &Inode) -> Result<(What, Vec<Field>), Fault> {
        let bytes = &inode.bytes;
        self.image.cover.take(inode.at, bytes.len() as u64);
        let extended = bytes.len() == 64;
        let word = |at: usize| u64::from(le_u32(bytes, at).unwrap_or(0));
        let short = |at: usize| u64::from(le_u16(bytes, at).unwrap_or(0));
        let (uid, gid) = if extended { (word(24), word(28)) } else { (short(24), short(26)) };
        let (seconds, nanos) =
            if extended { (le_u64(bytes, 32).unwrap_or(0), le_u32(bytes, 40).unwrap_or(0)) } else { self.build };
        let mut fields = vec![
            Field::metadata("mode", Value::Mode(inode.mode & 0o7777)),
            Field::metadata("uid", Value::Number(uid)),
            Field::metadata("gid", Value::Number(gid)),
            Field::metadata("mtime", Value::Time(seconds.cast_signed(), nanos)),
        ];
        // The rest of these is shown by who reads them.
        let mut known = vec![(2, 4), (8, if extended { 8 } else { 4 }), (16, 4)];
        if extended {
            known.extend([(24, 8), (32, 12)]);
            fields.extend(describe(bytes, &EXTENDED, Keep::Set, &known));
        } else {
            known.push((24, 4));
            fields.extend(describe(bytes, &COMPACT, Keep::Set, &known));
        }
        self.attributes_of(inode, &mut fields)?;
        let kind = inode.mode & 0o170_000;
        if !matches!(kind, 0o040_000 | 0o100_000 | 0o120_000) {
            fields.push(Field::metadata("device number", Value::Number(inode.start.into())));
            fields.push(Field::metadata("size", Value::Number(inode.size)));
            let number = matches!(kind, 0o020_000 | 0o060_000).then(|| device(inode.start));
            return Ok((What::Special { kind: special(inode.mode, number) }, fields));
        }
        fields.push(Field::metadata("start", Value::Number(inode.start.into())));
        let Some((data, places)) = self.plain(inode)? else {
            if kind == 0o120_000 {
                return Err(Fault::unsupported("a compressed symbolic link"));
            }
            let what = What::File(Data::Packed(Arc::new(self.packed(path, inode, &mut fields)?)));
            return Ok((what, fields));
        };
        let what = match kind {
            0o040_000 => return Ok((What::Directory, fields)),
            0o120_000 => What::Symlink { target: text(&data.bytes_at(0, 1 << 16)?) },
            _ => What::File(Data::Plain(data)),
        };
        for (at, size) in places {
            self.image.cover.take(at, size);
        }
        Ok((what, fields))
    }

    /// The bytes of a file that is not compressed, and where they lie.
    pub(super) fn plain(&mut self, inode: &Inode) -> Result<Option<(Content, Places)>, Fault> {
        let (size, block) = (inode.size, self.block);
        let start = u64::from(inode.start) * block;
        let mut places: Places = Vec::new();
        match inode.layout() {
            PLAIN => places.push((start, size)),
            INLINE => {
                // The last block follows the inode, and is never full unless the file ends there.
                let before = size.div_ceil(block).saturating_sub(1) * block;
                places.push((start, before));
                places.push((inode.behind(), size - before));
            }
            CHUNKS => return self.chunks(inode).map(Some),
            COMPRESSED_FULL | COMPRESSED_COMPACT => return Ok(None),
            other => return Err(Fault::malformed(format!("data of layout {other}"))),
        }
        places.retain(|(_, size)| *size > 0);
        let mut pieces = Vec::new();
        for (at, size) in &places {
            pieces.push(self.image.part(*at, *size, "a file's data")?);
        }
        Ok(Some((Content::concat(pieces), places)))
    }

    /// A file in chunks, of which each may lie anywhere, or be a hole.
    fn chunks(&mut self, inode: &Inode) -> Result<(Content, Places), Fault> {
        let format = inode.start & 0xffff;
        let indexed = format & 0x20 != 0;
        let chunk = self.block.checked_shl(format & 0x1f).filter(|chunk| *chunk <= LARGEST);
        let chunk = chunk.ok_or_else(|| Fault::malformed("a file's chunks are too large"))?;
        let unit: u64 = if indexed { 8 } else { 4 };
        let map = inode.behind().next_multiple_of(unit);
        // Where the chunks lie remains: it is in no field.
        let count = inode.size.div_ceil(chunk);
        self.image.part(map, count * unit, "a list of chunks")?;
        let (mut pieces, mut places) = (Vec::new(), Vec::new());
        for index in 0..count {
            self.image.spool.check()?;
            self.image.spend(64)?;
            let entry = self.image.bytes(map + index * unit, usize::try_from(unit).unwrap_or(0), "a list of chunks")?;
            let at = if indexed { le_u32(&entry, 4) } else { le_u32(&entry, 0) }.unwrap_or(u32::MAX);
            let high = if indexed { le_u16(&entry, 0).unwrap_or(0) } else { 0 };
            if indexed && le_u16(&entry, 2) != Some(0) {
                return Err(Fault::unsupported("data on a further device"));
            }
            let size = chunk.min(inode.size - index * chunk);
            if at == u32::MAX {
                pieces.push(Content::zeros(size));
                continue;
            }
            // Only images of more than 2^32 blocks have the high half.
            let at = if self.features & 0x80 == 0 { u64::from(at) } else { u64::from(high) << 32 | u64::from(at) };
            let at = at.checked_mul(self.block).ok_or_else(|| cut_off("a chunk", at))?;
            pieces.push(self.image.part(at, size, "a chunk")?);
            places.push((at, size));
        }
        Ok((Content::concat(pieces), places))
    }
}
