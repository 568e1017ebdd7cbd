//! Compressed files.

use super::super::block;
use super::super::fault::Fault;
use super::super::image::cut_off;
use super::super::listing::{Field, Unpack, Value};
use super::super::raw::le_u16;
use super::super::spool::Spool;
use super::Erofs;
use super::compact::{self, Cluster, Packs};
use super::inode::Inode;
use crate::fs::Content;

/// Bits of what a compressed file's header advises.
const SMALL_PACKS: u16 = 0x01;
const LARGE: u16 = 0x06;
const INLINE: u16 = 0x08;
const INTERLACED: u16 = 0x10;
const FRAGMENT: u16 = 0x20;

/// Bytes of one physical cluster.
const LARGEST_CLUSTER: u64 = 1 << 20;

/// A physical cluster.
#[derive(Debug, Clone, Copy)]
struct Extent {
    logical: u64,
    length: u64,
    at: u64,
    size: u64,
    plain: bool,
}

/// A compressed file.
#[derive(Debug)]
pub(super) struct Packed {
    content: Content,
    size: u64,
    block: u64,
    header: Vec<u8>,
    extents: Vec<Extent>,
    interlaced: bool,
    /// What of it is not read here.
    unsupported: Option<String>,
}

impl Erofs<'_> {
    /// Reads where a compressed file's clusters lie.
    pub(super) fn packed(&mut self, path: &str, inode: &Inode, fields: &mut Vec<Field>) -> Result<Packed, Fault> {
        let at = inode.behind().next_multiple_of(8);
        let header = self.image.bytes(at, 8, "the header of a compressed file")?;
        self.image.cover.take(at, 8);
        fields.push(Field::metadata("compression header", Value::Bytes(header.as_slice().into())));
        let advise = le_u16(&header, 4).unwrap_or(0);
        let whole = header[7] & 0x80 != 0;
        let unsupported = match header[6] & 15 {
            _ if whole || advise & FRAGMENT != 0 => Some("a file in fragments"),
            0 => None,
            1 => Some("lzma in EROFS"),
            2 => Some("deflate in EROFS"),
            3 => Some("zstd in EROFS"),
            _ => Some("an unknown algorithm"),
        };
        let bits = self.block.trailing_zeros() + u32::from(header[7] & 7);
        let mut packed = Packed {
            content: self.image.content.clone(),
            size: inode.size,
            block: self.block,
            header: header.clone(),
            extents: Vec::new(),
            interlaced: advise & INTERLACED != 0,
            unsupported: unsupported.map(str::to_owned),
        };
        if whole {
            return Ok(packed);
        }
        let count = usize::try_from(inode.size.div_ceil(1 << bits)).unwrap_or(usize::MAX);
        // The full form leaves eight bytes free.
        let full = inode.layout() == 1;
        let start = if full { at + 16 } else { at + 8 };
        let packs = Packs::new(start, count, bits, advise & SMALL_PACKS != 0, advise & LARGE != 0)?;
        let size = if full { count.checked_mul(8) } else { Some(packs.size(count)) };
        let size = size.filter(|size| *size as u64 <= self.image.content.size());
        let size = size.ok_or_else(|| cut_off("the index of a compressed file", start))?;
        let bytes = self.image.bytes(start, size, "the index of a compressed file")?;
        self.image.spend(count as u64 * 40)?;
        let clusters = if full {
            compact::full(&bytes, count).ok_or_else(|| cut_off("the index of a compressed file", start))?
        } else {
            packs.read(&bytes, count)?
        };
        self.image.cover.name(format!("block index of {path}"), &[(at + 8, start + size as u64 - at - 8)]);
        let inline = (advise & INLINE != 0).then(|| (start + size as u64, u64::from(le_u16(&header, 2).unwrap_or(0))));
        packed.extents = self.extents(&clusters, inode.size, bits, inline)?;
        for extent in &packed.extents {
            self.image.cover.take(extent.at, extent.size);
        }
        let stored = packed.extents.iter().map(|extent| extent.size).sum();
        fields.push(Field::metadata("stored size", Value::Number(stored)));
        Ok(packed)
    }

    fn extents(
        &self,
        clusters: &[Cluster],
        size: u64,
        bits: u32,
        inline: Option<(u64, u64)>,
    ) -> Result<Vec<Extent>, Fault> {
        let mut extents: Vec<Extent> = Vec::new();
        for (index, cluster) in clusters.iter().enumerate() {
            let Cluster::Head { kind, offset, block } = *cluster else { continue };
            let logical = ((index as u64) << bits) + u64::from(offset);
            // What begins at the end only says where that is.
            if logical >= size {
                continue;
            }
            if let Some(last) = extents.last_mut() {
                last.length = logical.saturating_sub(last.logical);
            }
            let blocks = match clusters.get(index + 1) {
                Some(Cluster::Within { blocks: Some(blocks) }) => u64::from(*blocks),
                _ => 1,
            };
            let at = block.checked_mul(self.block).ok_or_else(|| cut_off("a compressed cluster", block))?;
            extents.push(Extent { logical, length: size - logical, at, size: blocks * self.block, plain: kind == 0 });
        }
        if let Some((last, (at, size))) = extents.last_mut().zip(inline) {
            (last.at, last.size) = (at, size);
        }
        let begins = extents.first().is_some_and(|first| first.logical == 0) || size == 0;
        if !begins || extents.iter().any(|extent| extent.size > LARGEST_CLUSTER) {
            return Err(Fault::malformed("the index of a compressed file is broken"));
        }
        for extent in &extents {
            self.image.part(extent.at, extent.size, "a compressed cluster")?;
        }
        Ok(extents)
    }
}

impl Packed {
    fn cluster(&self, extent: &Extent) -> Result<Vec<u8>, Fault> {
        let length = usize::try_from(extent.length).unwrap_or(usize::MAX);
        let stored = self.content.bytes_at(extent.at, usize::try_from(extent.size).unwrap_or(0))?;
        let short = || Fault::malformed(format!("the cluster at {:#x} has not {length} bytes", extent.at));
        if extent.plain {
            let skip = if self.interlaced { usize::try_from(extent.logical % self.block).unwrap_or(0) } else { 0 };
            // What does not fit behind the place that it has in its block, is at the block's beginning.
            let (before, behind) = stored.split_at_checked(skip).ok_or_else(short)?;
            let bytes = [behind, before].concat();
            return bytes.get(..length).map(<[u8]>::to_vec).ok_or_else(short);
        }
        // Clusters are filled up in front.
        let start = stored.iter().position(|byte| *byte != 0).unwrap_or(stored.len());
        // What the next cluster has once more is left out.
        let bytes = block::lz4(&stored[start..], length, false)?;
        if bytes.len() == length { Ok(bytes) } else { Err(short()) }
    }
}

impl Unpack for Packed {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn packed(&self) -> Content {
        let mut head = self.header.clone();
        head.extend(format!("{} {}", self.block, self.size).into_bytes());
        for extent in &self.extents {
            head.extend(format!(" {} {} {}", extent.logical, extent.size, extent.plain).into_bytes());
            // An interlaced cluster depends on where it lies in the file, which is told.
        }
        let stored = self.extents.iter().filter_map(|extent| self.content.part(extent.at, extent.size));
        Content::concat([Content::of_bytes(head)].into_iter().chain(stored).collect())
    }

    fn unpack(&self, spool: &Spool) -> Result<Content, Fault> {
        if let Some(what) = &self.unsupported {
            return Err(Fault::unsupported(what.as_str()));
        }
        let mut extents = self.extents.iter();
        spool.keep(block::reader(|| extents.next().map(|extent| self.cluster(extent)).transpose()))
    }
}
