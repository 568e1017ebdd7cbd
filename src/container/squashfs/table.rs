//! Tables in metadata blocks: two bytes say how many follow, and whether they are compressed; 8 KiB come out.

use std::collections::BTreeMap;

use super::super::block::Packing;
use super::super::fault::Fault;
use super::super::image::{Cover, Image};
use super::super::listing::Rest;
use super::super::raw::{le_u16, le_u64};
use super::NONE;
use crate::fs::Content;

/// Bytes of a block when unpacked.
const BLOCK: usize = 8192;
/// Bytes of all tables of an image when unpacked.
pub(super) const LARGEST: u64 = 1 << 30;

/// Where blocks begin in the unpacked table, by where they begin in the packed one.
pub(super) type Starts = BTreeMap<u64, usize>;

/// A table that is read as a whole.
pub(super) struct Table {
    pub bytes: Vec<u8>,
    pub starts: Starts,
    pub cover: Cover,
}

/// A table whose blocks an index has.
pub(super) struct Indexed {
    pub bytes: Vec<u8>,
    /// Where the first of its blocks begins, before which other tables end.
    pub end: u64,
}

pub(super) struct Reader {
    pub packing: Packing,
    /// Bytes that may still come out.
    pub left: u64,
}

impl Reader {
    /// A table from one place to another.
    pub fn whole(&mut self, image: &mut Image<'_>, name: &str, start: u64, end: u64) -> Result<Table, Fault> {
        let (mut bytes, mut starts, mut sizes) = (Vec::new(), Starts::new(), Vec::new());
        let mut at = start;
        while at < end {
            starts.insert(at - start, bytes.len());
            at = self.block(image, name, at, &mut bytes, &mut sizes)?;
        }
        image
            .listing
            .rest
            .push(Rest { name: format!("sizes of the {name}'s blocks"), bytes: Content::of_bytes(sizes) });
        let cover = Cover::new(&Content::of_bytes(bytes.clone()));
        Ok(Table { bytes, starts, cover })
    }

    /// A table of `size` bytes whose index lies at `start`. It is compared as it is: what it has is in no other field.
    pub fn indexed(&mut self, image: &mut Image<'_>, name: &str, start: u64, size: u64) -> Result<Indexed, Fault> {
        let mut table = Indexed { bytes: Vec::new(), end: NONE };
        if start == NONE || size == 0 {
            return Ok(table);
        }
        let blocks = size.div_ceil(BLOCK as u64);
        image.part(start, blocks * 8, name)?;
        image.cover.name(format!("index of the {name}"), &[(start, blocks * 8)]);
        let mut sizes = Vec::new();
        for index in 0..blocks {
            let pointer = image.bytes(start + index * 8, 8, name)?;
            let at = le_u64(&pointer, 0).unwrap_or(NONE);
            table.end = table.end.min(at);
            self.block(image, name, at, &mut table.bytes, &mut sizes)?;
        }
        if table.bytes.len() as u64 != size {
            return Err(Fault::malformed(format!("the {name} has {} bytes and not {size}", table.bytes.len())));
        }
        let rest = &mut image.listing.rest;
        rest.push(Rest { name: format!("sizes of the {name}'s blocks"), bytes: Content::of_bytes(sizes) });
        rest.push(Rest { name: name.to_owned(), bytes: Content::of_bytes(table.bytes.clone()) });
        Ok(table)
    }

    /// Unpacks a block; gives where the next begins.
    fn block(
        &mut self,
        image: &mut Image<'_>,
        name: &str,
        at: u64,
        out: &mut Vec<u8>,
        sizes: &mut Vec<u8>,
    ) -> Result<u64, Fault> {
        image.spool.check()?;
        let header = image.bytes(at, 2, name)?;
        let word = le_u16(&header, 0).unwrap_or(0);
        let size = usize::from(word & 0x7fff);
        if size == 0 || size > BLOCK {
            return Err(Fault::malformed(format!("the {name} has a block of {size} bytes")));
        }
        let packed = image.bytes(at.saturating_add(2), size, name)?;
        let bytes = if word & 0x8000 == 0 { self.packing.unpack(&packed, BLOCK)? } else { packed };
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or(Fault::TooMuch { what: "bytes of tables", limit: LARGEST })?;
        out.extend(bytes);
        sizes.extend(header);
        image.cover.take(at, 2 + size as u64);
        Ok(at + 2 + size as u64)
    }
}
