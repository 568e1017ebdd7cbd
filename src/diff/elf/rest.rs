//! Bytes that no header and no section covers: padding between sections, segments of files without sections, what
//! follows the end.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use object::elf;

use super::read::Elf;
use crate::container::About;
use crate::diff::bytes;
use crate::diff::compare::Stop;
use crate::diff::model::{Difference, Fact};
use crate::fs::{self, Content};

/// Bytes that are looked at together for being nothing but zeros.
const CHUNK: u64 = 64 * 1024;
/// Segments that are asked whether they hold a byte.
const SEGMENTS: usize = 256;
/// Gaps that are shown.
const SHOWN: usize = 256;

struct Gap {
    name: String,
    bytes: Content,
    loaded: bool,
}

/// Compares what is left.
pub(super) fn compare(files: [&Elf; 2], found: &mut Difference) -> Result<(), Stop> {
    let [left, right] = files.map(gaps);
    let mut others: BTreeMap<&str, &Gap> = right.iter().map(|gap| (gap.name.as_str(), gap)).collect();
    let empty = Content::zeros(0);
    let mut shown = 0_usize;
    let mut one = |name: &str, pair: [&Content; 2], loaded: bool| -> Result<(), Stop> {
        // How much is filled up with zeros follows from where the sections lie.
        if pair[0].size() != pair[1].size() && is_zero(pair[0])? && is_zero(pair[1])? {
            return Ok(());
        }
        let about = if loaded { About::Content } else { About::Metadata };
        if let Some(fact) = bytes::compare(pair, about)? {
            shown += 1;
            if shown > SHOWN {
                return Ok(());
            }
            let mut inside = Difference::new(name, "bytes", pair.map(|content| Some(content.size())));
            inside.facts.push(fact);
            found.inside.push(inside);
        }
        Ok(())
    };
    for gap in &left {
        let other = others.remove(gap.name.as_str());
        let loaded = gap.loaded || other.is_some_and(|other| other.loaded);
        one(&gap.name, [&gap.bytes, other.map_or(&empty, |other| &other.bytes)], loaded)?;
    }
    for gap in right.iter().filter(|gap| others.contains_key(gap.name.as_str())) {
        one(&gap.name, [&empty, &gap.bytes], gap.loaded)?;
    }
    if let Some(more @ 1..) = shown.checked_sub(SHOWN) {
        let reason = format!("{more} further parts that no section covers differ");
        found.facts.push(Fact::Unsearched { reason });
    }
    Ok(())
}

fn is_zero(content: &Content) -> fs::Result<bool> {
    let mut at = 0;
    while at < content.size() {
        let bytes = content.bytes_at(at, CHUNK as usize)?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += CHUNK;
    }
    Ok(true)
}

/// The parts of a file that nothing covers, by what they come after.
fn gaps(file: &Elf) -> Vec<Gap> {
    let header = &file.header;
    let mut covered: Vec<(u64, u64, &str)> = vec![(0, file.header_size(), "the ELF header")];
    let tables = [
        (file.segments.len(), header.phoff, header.phentsize, file.segment_size(), "the program headers"),
        (file.sections.len(), header.shoff, header.shentsize, file.section_size(), "the section headers"),
    ];
    for (count, at, stated, size, name) in tables {
        if count > 0 && u64::from(stated) == size {
            covered.push((at, at + count as u64 * size, name));
        } else {
            // Entries with room at their ends: that room is covered by nothing.
            covered
                .extend((0..count as u64).map(|index| at + index * u64::from(stated)).map(|at| (at, at + size, name)));
        }
    }
    for section in &file.sections {
        if let Some(bytes) = section.bytes.as_ref().filter(|bytes| bytes.size() > 0) {
            covered.push((section.offset, section.offset + bytes.size(), section.name.as_str()));
        }
    }
    covered.sort_unstable();
    // Without sections, segments are the parts that a file has.
    let loaded = file.segments.iter().filter(|segment| segment.kind == elf::PT_LOAD.0).take(SEGMENTS);
    let segments: Vec<Range<u64>> =
        loaded.map(|segment| segment.offset..segment.offset.saturating_add(segment.filesz)).collect();
    let mut cuts = BTreeSet::new();
    if file.sections.is_empty() {
        cuts.extend(segments.iter().flat_map(|range| [range.start, range.end]));
    }
    let mut found = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut add = |from: u64, to: u64, after: &str| {
        let Some(bytes) = file.content.part(from, to - from) else { return };
        let segment = |offset: u64| segments.iter().position(|range| range.contains(&offset));
        let number = segment(from);
        let loaded = number.or_else(|| segment(to - 1)).is_some();
        let name = match number {
            Some(number) if file.sections.is_empty() => format!("segment PT_LOAD {}", number + 1),
            _ => format!("after {after}"),
        };
        let nth = seen.entry(name.clone()).or_default();
        *nth += 1;
        let name = if *nth > 1 { format!("{name}, part {nth}") } else { name };
        found.push(Gap { name, bytes, loaded });
    };
    let (mut at, mut after) = (0, "the ELF header");
    let end = file.content.size();
    for (from, to, name) in covered.into_iter().chain([(end, end, "")]) {
        let to_here = from.min(end);
        let inner: Vec<u64> = if at < to_here { cuts.range(at + 1..to_here).copied().collect() } else { Vec::new() };
        for cut in inner.into_iter().chain([to_here]) {
            if cut > at {
                add(at, cut, after);
                at = cut;
            }
        }
        if to > at || at == 0 {
            (at, after) = (to.max(at), name);
        }
    }
    found
}
