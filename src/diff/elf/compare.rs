//! The way through two files.

use super::read::Elf;
use super::{header, layout, rest, sections};
use crate::diff::compare::{Comparison, Place, Stop, of};
use crate::diff::model::{Difference, Fact, Side};
use crate::fs::{self, Content};

/// Properties of one place that are shown.
const FIELDS: usize = 256;

/// Whether a content begins as ELF files do.
pub(in crate::diff) fn is_elf(content: &Content) -> fs::Result<bool> {
    Ok(content.bytes_at(0, 4)? == b"\x7fELF")
}

/// Leaves out properties when there are too many.
pub(super) fn limit(found: &mut Difference) {
    if let Some(more @ 1..) = found.facts.len().checked_sub(FIELDS) {
        found.facts.truncate(FIELDS);
        found.facts.push(Fact::Unsearched { reason: format!("{more} further properties differ") });
    }
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
    limit(found);
    layout::compare(files, &matched, found);
    sections::compare(cx, files, &matched, at, found)?;
    rest::compare(files, found)
}
