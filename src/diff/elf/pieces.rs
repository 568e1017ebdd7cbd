//! Sections cut into what their symbols name: functions, variables, and what lies between them.

use std::collections::BTreeMap;

use object::elf;

use super::places::Place;
use super::read::{Elf, Section};
use super::sections::Pair;
use crate::container::About;
use crate::diff::bytes;
use crate::diff::compare::Stop;
use crate::diff::lines;
use crate::diff::model::{Difference, Fact, Side};
use crate::fs::Content;

/// Pieces of one section that are shown in detail.
pub(super) const SHOWN: usize = 64;
/// Pieces of one side only that are named.
const ALONE: usize = 128;

/// A range of a section.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub name: String,
    pub start: usize,
    pub end: usize,
    /// It lies between two that have names: padding, mostly.
    pub between: bool,
}

impl Piece {
    pub fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start..self.end]
    }
}

/// The address of a section's first byte, as symbols count.
pub(super) fn base(file: &Elf, section: &Section) -> u64 {
    if file.is_relocatable() { 0 } else { section.address }
}

/// Cuts a section of `size` bytes by its symbols of some kinds; nothing if there are none.
pub(super) fn cut(file: &Elf, index: usize, section: &Section, size: usize, kinds: &[elf::SymbolType]) -> Vec<Piece> {
    let base = base(file, section);
    let symbols = file.places().of_section(u32::try_from(index).unwrap_or(0));
    // Variables without a size are marks: where a section begins or ends.
    let cuts = |place: &&Place| {
        kinds.iter().any(|kind| kind.0 == place.kind) && (place.size > 0 || place.kind != elf::STT_OBJECT.0)
    };
    let named = symbols.iter().filter(cuts).filter_map(|place| {
        let start = usize::try_from(place.start.checked_sub(base)?).ok().filter(|start| *start < size)?;
        let length = usize::try_from(place.size).ok().filter(|length| *length > 0);
        Some((start, length.map(|length| start.saturating_add(length).min(size)), &*place.name))
    });
    cover(named.collect(), size)
}

/// Puts ranges, sorted by their beginnings, and what lies between them after each other.
pub(super) fn cover(named: Vec<(usize, Option<usize>, &str)>, size: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::with_capacity(named.len() * 2);
    if named.is_empty() {
        return pieces;
    }
    let between = |pieces: &mut Vec<Piece>, start: usize, end: usize| {
        if start < end {
            let name = pieces.last().map_or_else(|| "beginning".to_owned(), |last| format!("after {}", last.name));
            pieces.push(Piece { name, start, end, between: true });
        }
    };
    let mut at = 0;
    for (index, (start, end, name)) in named.iter().enumerate() {
        // Names of places within another piece cut nothing.
        if *start < at {
            continue;
        }
        between(&mut pieces, at, *start);
        // What has no size ends where the next begins.
        let end = end.unwrap_or_else(|| named.get(index + 1).map_or(size, |next| next.0));
        pieces.push(Piece { name: (*name).to_owned(), start: *start, end, between: false });
        at = end;
    }
    between(&mut pieces, at, size);
    pieces
}

/// Pieces of one name, the n-th and the n-th; and those that only one side has.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub both: Vec<[usize; 2]>,
    pub alone: [Vec<usize>; 2],
}

impl Pieces {
    pub fn by_name([left, right]: [&[Piece]; 2]) -> Self {
        let mut places: BTreeMap<(&str, u32), usize> = BTreeMap::new();
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        for (index, piece) in right.iter().enumerate() {
            let count = seen.entry(&piece.name).or_default();
            places.insert((&piece.name, *count), index);
            *count += 1;
        }
        seen.clear();
        let mut found = Self::default();
        for (index, piece) in left.iter().enumerate() {
            let count = seen.entry(&piece.name).or_default();
            match places.remove(&(piece.name.as_str(), *count)) {
                Some(other) => found.both.push([index, other]),
                None => found.alone[0].push(index),
            }
            *count += 1;
        }
        found.alone[1] = places.into_values().collect();
        found.alone[1].sort_unstable();
        found
    }

    /// Tells which pieces only one side has, and whether the others have another order.
    pub fn tell(&self, what: &str, sides: [&[Piece]; 2], found: &mut Difference) {
        if self.both.windows(2).any(|pair| pair[0][1] > pair[1][1]) {
            let mut right: Vec<usize> = self.both.iter().map(|pair| pair[1]).collect();
            right.sort_unstable();
            let left: Vec<&str> = self.both.iter().map(|pair| sides[0][pair[0]].name.as_str()).collect();
            let right: Vec<&str> = right.iter().map(|index| sides[1][*index].name.as_str()).collect();
            found.facts.extend(lines::compare(&format!("order of {what}s"), &left, &right, &|_| String::new()));
        }
        for (side, alone) in [(Side::Left, &self.alone[0]), (Side::Right, &self.alone[1])] {
            for index in alone.iter().take(ALONE) {
                let piece = &sides[side as usize][*index];
                let mut sizes = [None, None];
                sizes[side as usize] = Some((piece.end - piece.start) as u64);
                let mut inside = Difference::new(&piece.name, if piece.between { "bytes" } else { what }, sizes);
                inside.facts.push(Fact::Only { side, elsewhere: None });
                found.inside.push(inside);
            }
            if let Some(more @ 1..) = alone.len().checked_sub(ALONE) {
                let side = if side == Side::Left { "left" } else { "right" };
                let reason = format!("{more} further {what}s are on the {side} side only");
                found.facts.push(Fact::Unsearched { reason });
            }
        }
    }
}

/// Names of what differs and is not shown.
#[derive(Debug, Default)]
pub(super) struct More {
    count: usize,
    names: Vec<String>,
}

impl More {
    pub fn add(&mut self, name: &str) {
        self.count += 1;
        if self.names.len() < SHOWN {
            self.names.push(name.to_owned());
        }
    }

    pub fn tell(self, what: &str, found: &mut Difference) {
        if self.count > 0 {
            let dots = if self.count > self.names.len() { ", …" } else { "" };
            let reason = format!("{} further {what}s differ: {}{dots}", self.count, self.names.join(", "));
            found.facts.push(Fact::Unsearched { reason });
        }
    }
}

/// Compares the variables of a section of data; whether there are any.
pub(super) fn data(pair: Pair<'_>, contents: [&[u8]; 2], found: &mut Difference) -> Result<bool, Stop> {
    let Pair { files, index, sections } = pair;
    let side = |side: usize| cut(files[side], index[side], sections[side], contents[side].len(), &[elf::STT_OBJECT]);
    let (left, right) = (side(0), side(1));
    let mut moved = Addresses::default();
    if left.is_empty() || right.is_empty() {
        // A table of addresses, for instance.
        let same = moved.only(files, contents, &sections[0].name);
        moved.tell(found);
        return Ok(same);
    }
    let pieces = Pieces::by_name([&left, &right]);
    let (mut shown, mut more) = (0, More::default());
    for [a, b] in &pieces.both {
        let (a, b) = (&left[*a], &right[*b]);
        let bytes = [a.of(contents[0]), b.of(contents[1])];
        if bytes[0] == bytes[1] || moved.only(files, bytes, &a.name) || is_filling(a, bytes) {
            continue;
        }
        shown += 1;
        if shown > SHOWN {
            more.add(&a.name);
            continue;
        }
        let kind = if a.between { "bytes" } else { "object" };
        let mut inside = Difference::new(&a.name, kind, bytes.map(|bytes| Some(bytes.len() as u64)));
        let bytes = bytes.map(Content::of_bytes);
        inside.facts.extend(bytes::compare([&bytes[0], &bytes[1]], About::Content)?);
        found.inside.push(inside);
    }
    pieces.tell("object", [&left, &right], found);
    more.tell("object", found);
    moved.tell(found);
    // That nothing was found means that only the filling differs, which is shown as bytes.
    Ok(!found.is_empty())
}

/// Whether a piece is the room between two others that is filled up to where the next may begin.
pub(super) fn is_filling(piece: &Piece, bytes: [&[u8]; 2]) -> bool {
    let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    piece.between && bytes[0].len() != bytes[1].len() && zero(bytes[0]) && zero(bytes[1])
}

/// Addresses that are others and lead to the same.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    count: usize,
    first: Option<(String, [u64; 2])>,
}

impl Addresses {
    /// Notes one.
    pub fn add(&mut self, name: &str, values: [u64; 2]) {
        self.count += 1;
        self.first.get_or_insert_with(|| (name.to_owned(), values));
    }

    /// Whether two pieces of data differ in nothing else. Notes these if so.
    pub fn only(&mut self, files: [&Elf; 2], [left, right]: [&[u8]; 2], name: &str) -> bool {
        let size = files[0].encoding.address();
        if left.len() != right.len() || files[0].encoding != files[1].encoding || files[0].is_relocatable() {
            return false;
        }
        let mut first = None;
        for (a, b) in left.chunks(size).zip(right.chunks(size)).filter(|(a, b)| a != b) {
            if a.len() != size {
                return false;
            }
            let values = [files[0].encoding.number(a), files[1].encoding.number(b)];
            let names = [files[0].name_of(values[0]), files[1].name_of(values[1])];
            if names[0].is_none() || names[0] != names[1] {
                return false;
            }
            first.get_or_insert(values);
        }
        if let Some(values) = first {
            self.add(name, values);
        }
        first.is_some()
    }

    /// Tells how many there are.
    pub fn tell(self, found: &mut Difference) {
        if let Some((name, values)) = self.first {
            let more = match self.count - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let values = values.map(|value| Some(format!("{value:#x}")));
            found.field(format!("addresses in {name}{more}"), values, About::Metadata);
        }
    }
}
