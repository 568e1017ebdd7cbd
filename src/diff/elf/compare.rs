//! The way through two files.

use super::read::Elf;
use super::{header, layout, rest, sections};
use crate::diff::compare::{Comparison, Place, Stop, of};
use crate::diff::model::{Difference, Side};
use crate::fs::{self, Content};

/// Whether a content begins as ELF files do.
pub(in crate::diff) fn is_elf(content: &Content) -> fs::Result<bool> {
    Ok(content.bytes_at(0, 4)? == b"\x7fELF")
}

/// Compares two ELF files.
pub(in crate::diff) fn compare(
    cx: &Comparison<'_>,
    pair: [&Content; 2],
    at: &Place,
    found: &mut Difference,
) -> Result<(), Stop> {
    found.kind = "ELF file".to_owned();
    let left = Elf::read(pair[0]).map_err(of(Side::Left))?;
    let right = Elf::read(pair[1]).map_err(of(Side::Right))?;
    let files = [&left, &right];
    let matched = sections::matching(files);
    let moved = layout::is_changed(files, &matched);
    header::compare(files, moved, found);
    layout::compare(files, &matched, found);
    sections::compare(cx, files, &matched, at, found)?;
    rest::compare(files, found)
}
