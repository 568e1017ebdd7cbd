//! Inodes.

use super::super::fault::Fault;
use super::super::image::{LARGEST, extents};
use super::super::listing::{Data, Field, Value, What, text};
use super::super::raw::{Keep, Part, Shape, describe, device, le_u16, le_u32, runs, special};
use super::Ext;
use super::blocks::Map;
use crate::fs::Content;

/// Flags that say what the 60 bytes of the block map are.
const EXTENTS: u32 = 0x8_0000;
const INLINE: u32 = 0x1000_0000;

/// Where the block map lies in an inode, and its size.
const MAP: usize = 0x28;
const MAP_SIZE: usize = 60;

const LAYOUT: [Part; 14] = [
    ("dtime", 0x14, Shape::Time),
    ("nlink", 0x1a, Shape::Le16),
    ("blocks", 0x1c, Shape::Le32),
    ("flags", 0x20, Shape::Flags(4)),
    ("version", 0x24, Shape::Le32),
    ("generation", 0x64, Shape::Le32),
    ("extended attribute block", 0x68, Shape::Le32),
    ("blocks, high part", 0x74, Shape::Le16),
    ("extended attribute block, high part", 0x76, Shape::Le16),
    ("checksum", 0x7c, Shape::Flags(2)),
    ("extra isize", 0x80, Shape::Le16),
    ("checksum, high part", 0x82, Shape::Flags(2)),
    ("version, high part", 0x98, Shape::Le32),
    ("project", 0x9c, Shape::Le32),
];

/// Times: where the seconds are, and where the rest is.
const TIMES: [(&str, usize, usize); 4] =
    [("atime", 0x08, 0x8c), ("ctime", 0x0c, 0x84), ("mtime", 0x10, 0x88), ("crtime", 0x90, 0x94)];

/// An inode as it lies in its table.
#[derive(Clone)]
pub(super) struct Inode {
    pub number: u32,
    /// Where it lies in the image.
    pub at: u64,
    pub bytes: Vec<u8>,
}

impl Inode {
    fn word(&self, at: usize) -> u32 {
        le_u32(&self.bytes, at).unwrap_or(0)
    }

    fn short(&self, at: usize) -> u32 {
        le_u16(&self.bytes, at).unwrap_or(0).into()
    }

    pub fn mode(&self) -> u32 {
        self.short(0)
    }

    fn kind(&self) -> u32 {
        self.mode() & 0o170_000
    }

    /// Bad blocks, and blocks that group descriptors may grow into: these are lists, and no files.
    fn is_list(&self) -> bool {
        matches!(self.number, 1 | 7)
    }

    pub fn is_folder(&self) -> bool {
        self.kind() == 0o040_000
    }

    pub fn size(&self) -> u64 {
        u64::from(self.word(0x6c)) << 32 | u64::from(self.word(0x04))
    }

    pub fn has_extents(&self) -> bool {
        self.word(0x20) & EXTENTS != 0
    }

    pub fn is_inline(&self) -> bool {
        self.word(0x20) & INLINE != 0
    }

    /// The block map: pointers, a tree of extents, or the file itself.
    pub fn map(&self) -> &[u8] {
        self.bytes.get(MAP..MAP + MAP_SIZE).unwrap_or_default()
    }

    /// Where the map lies in the image.
    pub fn map_at(&self) -> u64 {
        self.at + MAP as u64
    }

    /// Where the bytes end that fields have their places in; extended attributes follow.
    pub fn fixed(&self) -> usize {
        if self.bytes.len() <= 0x80 {
            self.bytes.len()
        } else {
            (0x80 + self.short(0x80) as usize).min(self.bytes.len())
        }
    }

    pub fn attribute_block(&self) -> u64 {
        u64::from(self.short(0x76)) << 32 | u64::from(self.word(0x68))
    }

    fn is_fast_symlink(&self) -> bool {
        self.kind() == 0o120_000 && self.size() < MAP_SIZE as u64 && !self.has_extents() && !self.is_inline()
    }

    fn times(&self, known: &mut Vec<(usize, usize)>) -> Vec<Field> {
        let mut fields = Vec::new();
        for (name, at, extra) in TIMES {
            let has_extra = extra + 4 <= self.fixed();
            if at >= 0x80 && !has_extra {
                continue;
            }
            let extra_word = if has_extra { self.word(extra) } else { 0 };
            let seconds = i64::from(self.word(at).cast_signed()) + (i64::from(extra_word & 3) << 32);
            fields.push(Field::metadata(name, Value::Time(seconds, extra_word >> 2)));
            known.push((at, 4));
            if has_extra {
                known.push((extra, 4));
            }
        }
        fields
    }
}

impl Ext<'_> {
    pub(super) fn inode(&self, number: u32) -> Result<Inode, Fault> {
        let index = number.checked_sub(1).filter(|_| number <= self.inodes);
        let table = index.and_then(|index| self.tables.get((index / self.inodes_per_group) as usize));
        let (index, table) = index.zip(table).ok_or_else(|| Fault::malformed(format!("there is no inode {number}")))?;
        let within = u64::from(index % self.inodes_per_group) * self.inode_size;
        let at = table.saturating_mul(self.block).saturating_add(within);
        let bytes = self.image.bytes(at, usize::try_from(self.inode_size).unwrap_or(0), "an inode")?;
        Ok(Inode { number, at, bytes })
    }

    /// What an inode is, and its fields. The path is for names of what remains.
    pub(super) fn describe(&mut self, path: &str, inode: &Inode) -> Result<(What, Vec<Field>), Fault> {
        self.image.cover.take(inode.at, inode.bytes.len() as u64);
        let mode = inode.mode();
        let mut fields = vec![
            Field::metadata("mode", Value::Mode(mode & 0o7777)),
            Field::metadata("uid", Value::Number((inode.short(0x78) << 16 | inode.short(0x02)).into())),
            Field::metadata("gid", Value::Number((inode.short(0x7a) << 16 | inode.short(0x18)).into())),
        ];
        if inode.is_list() || !matches!(inode.kind(), 0o100_000 | 0o120_000) {
            fields.push(Field::metadata("size", Value::Number(inode.size())));
        }
        let mut known = vec![(0, 4), (0x04, 4), (0x18, 2), (0x6c, 4), (0x78, 4)];
        fields.extend(inode.times(&mut known));
        let inline = self.attributes_of(path, inode, &mut fields, &mut known)?;
        let what = self.what(path, inode, inline, &mut fields, &mut known)?;
        // Fields beyond the fixed part are no fields: they are where attributes are.
        let fixed: Vec<Part> =
            LAYOUT.iter().copied().filter(|(_, at, _)| *at < 0x80 || *at + 4 <= inode.fixed() || *at < 0x84).collect();
        fields.extend(describe(&inode.bytes, &fixed, Keep::Set, &known));
        Ok((what, fields))
    }

    fn what(
        &mut self,
        path: &str,
        inode: &Inode,
        inline: Option<Content>,
        fields: &mut Vec<Field>,
        known: &mut Vec<(usize, usize)>,
    ) -> Result<What, Fault> {
        let kind = inode.kind();
        let has_blocks = matches!(kind, 0o040_000 | 0o100_000 | 0o120_000);
        if inode.is_list() || !has_blocks {
            known.push((MAP, MAP_SIZE));
            fields.push(Field::metadata("block map", Value::Text(runs(inode.map()).into())));
            let number = [inode.word(MAP), inode.word(MAP + 4)];
            let device = match number {
                [0, number] => device(number),
                [number, _] => (number >> 8 & 0xff, number & 0xff),
            };
            let device = matches!(kind, 0o020_000 | 0o060_000).then_some(device);
            return Ok(What::Special { kind: special(inode.mode(), device) });
        }
        if inode.is_fast_symlink() {
            let size = usize::try_from(inode.size()).unwrap_or(0).min(MAP_SIZE);
            known.push((MAP, size));
            return Ok(What::Symlink { target: text(&inode.map()[..size]) });
        }
        if inode.is_inline() {
            return self.inline(inode, inline, fields, known);
        }
        let map = self.map(path, inode, known)?;
        if !map.shown.is_empty() {
            fields.push(Field::metadata("extents", Value::Text(map.shown.as_str().into())));
        }
        Ok(match kind {
            0o040_000 => {
                self.folders.insert(inode.number, map.extents);
                What::Directory
            }
            0o120_000 => {
                let bytes = self.data(inode, &map)?.bytes_at(0, 1 << 16)?;
                What::Symlink { target: text(&bytes) }
            }
            _ => What::File(Data::Plain(self.data(inode, &map)?)),
        })
    }

    /// A file that lies in its inode, and where that does not suffice, in an extended attribute.
    fn inline(
        &mut self,
        inode: &Inode,
        rest: Option<Content>,
        fields: &mut Vec<Field>,
        known: &mut Vec<(usize, usize)>,
    ) -> Result<What, Fault> {
        known.push((MAP, MAP_SIZE));
        if inode.is_folder() {
            fields.push(Field::metadata("inline directory", Value::Bytes(inode.map().into())));
            return Ok(What::Directory);
        }
        let first = self.image.part(inode.map_at(), MAP_SIZE as u64, "an inode")?;
        let whole = Content::concat([Some(first), rest].into_iter().flatten().collect());
        let data = whole.part(0, inode.size()).ok_or_else(|| Fault::malformed("a file in an inode is cut off"))?;
        if inode.size() < MAP_SIZE as u64 {
            let behind = inode.map().get(usize::try_from(inode.size()).unwrap_or(0)..).unwrap_or_default();
            if behind.iter().any(|byte| *byte != 0) {
                fields.push(Field::metadata("padding", Value::Bytes(behind.into())));
            }
        }
        if inode.kind() == 0o120_000 {
            return Ok(What::Symlink { target: text(&data.bytes_at(0, 1 << 16)?) });
        }
        Ok(What::File(Data::Plain(data)))
    }

    /// The bytes of a file: its extents, with zeros for holes and for what was only reserved.
    pub(super) fn data(&mut self, inode: &Inode, map: &Map) -> Result<Content, Fault> {
        let size = inode.size();
        if size > LARGEST {
            return Err(Fault::TooMuch { what: "bytes in a file", limit: LARGEST });
        }
        let mut sorted: Vec<_> = map.extents.iter().collect();
        sorted.sort_unstable_by_key(|extent| extent.logical);
        let mut pieces = Vec::new();
        let mut done = 0;
        for extent in sorted {
            let start = extent.logical.saturating_mul(self.block);
            if start < done {
                let overlap = extents(&[(extent.logical, extent.count, extent.at)]);
                return Err(Fault::malformed(format!("extents of inode {} overlap: {overlap}", inode.number)));
            }
            if start >= size {
                break;
            }
            pieces.push(Content::zeros(start - done));
            let count = extent.count.saturating_mul(self.block).min(size - start);
            let at = extent.at.saturating_mul(self.block);
            if extent.written {
                pieces.push(self.image.part(at, count, "a file's data")?);
                self.image.cover.take(at, count);
            } else {
                pieces.push(Content::zeros(count));
            }
            self.image.spend(128)?;
            done = start + count;
        }
        pieces.push(Content::zeros(size.saturating_sub(done)));
        Ok(Content::concat(pieces))
    }
}
