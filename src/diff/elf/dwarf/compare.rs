//! Which sections are compared here, and what units and line programs have in common.

use std::collections::BTreeMap;

use super::super::read::{Elf, WHOLE};
use super::super::sections::Pair;
use super::load::{Loaded, load};
use super::{lines, units};
use crate::container::{About, Fault};
use crate::diff::bytes;
use crate::diff::compare::{Comparison, Stop, of};
use crate::diff::model::{Difference, Fact, Side};
use crate::fs::Content;

/// Units of one section that are looked at.
pub(super) const UNITS: usize = 1 << 13;
/// Units that differ only in offsets that are shown.
const EXAMPLES: usize = 2;
/// Units that are shown.
pub(super) const SHOWN: usize = 48;

/// The debugging information of two files, read when it is needed.
pub(in crate::diff::elf) struct Units<'a> {
    cx: &'a Comparison<'a>,
    files: [&'a Elf; 2],
    loaded: Option<[Loaded; 2]>,
}

impl<'a> Units<'a> {
    pub fn new(cx: &'a Comparison<'a>, files: [&'a Elf; 2]) -> Self {
        Self { cx, files, loaded: None }
    }

    /// Compares two sections if they are of those that are read here, and says so.
    pub fn compare(&mut self, pair: Pair<'_>, contents: [&Content; 2], found: &mut Difference) -> Result<bool, Stop> {
        let name = pair.sections[0].name.replacen(".zdebug_", ".debug_", 1);
        if name != ".debug_info" && name != ".debug_line" {
            return Ok(false);
        }
        for (side, content) in [Side::Left, Side::Right].into_iter().zip(contents) {
            // Whether it may be read as a whole is to be told of this section, and not passed over.
            if content.size() > WHOLE {
                return Err(Stop::Unreadable(side, Fault::TooMuch { what: "bytes", limit: WHOLE }));
            }
        }
        let loaded = match self.loaded.take() {
            Some(loaded) => loaded,
            None => [
                load(self.cx, self.files[0]).map_err(of(Side::Left))?,
                load(self.cx, self.files[1]).map_err(of(Side::Right))?,
            ],
        };
        let result = if name == ".debug_info" {
            units::compare(self.cx, self.files, &loaded, found)
        } else {
            lines::compare(self.cx, self.files, &loaded, found)
        };
        self.loaded = Some(loaded);
        result.map(|()| true)
    }
}

/// Units that read the same and are not: in offsets into other sections, or in how something is encoded.
pub(super) struct Shifted {
    what: &'static str,
    count: usize,
}

impl Shifted {
    pub fn new(what: &'static str) -> Self {
        Self { what, count: 0 }
    }

    /// Notes one. The first are shown as bytes.
    pub fn add(&mut self, mut inside: Difference, bytes: [&[u8]; 2], found: &mut Difference) -> Result<(), Stop> {
        self.count += 1;
        if self.count <= EXAMPLES {
            let bytes = bytes.map(Content::of_bytes);
            inside.facts.extend(bytes::compare([&bytes[0], &bytes[1]], About::Metadata)?);
            found.inside.push(inside);
        }
        Ok(())
    }

    pub fn tell(self, found: &mut Difference) {
        if let Some(more @ 1..) = self.count.checked_sub(EXAMPLES) {
            let reason = format!("{more} further {}s differ in offsets only", self.what);
            found.facts.push(Fact::Unsearched { reason });
        }
    }
}

/// An error of `gimli` as one of a side.
pub(super) fn malformed(side: Side) -> impl Fn(gimli::Error) -> Stop {
    move |error| Stop::Unreadable(side, Fault::malformed(error.to_string()))
}

/// Pairs what has names: the n-th of a name with the n-th, then what is left by the last part of its path, then in order.
pub(super) fn pair_up([left, right]: [&[String]; 2]) -> (Vec<[usize; 2]>, [Vec<usize>; 2]) {
    let mut pairs = Vec::new();
    let mut rest = [(0..left.len()).collect::<Vec<_>>(), (0..right.len()).collect::<Vec<_>>()];
    let whole = |name: &'_ String| name.clone();
    let last = |name: &'_ String| name.rsplit('/').next().unwrap_or_default().to_owned();
    for key in [&whole as &dyn Fn(&String) -> String, &last] {
        let mut others: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for index in rest[1].iter().rev() {
            others.entry(key(&right[*index])).or_default().push(*index);
        }
        rest[0].retain(|index| match others.get_mut(&key(&left[*index])).and_then(Vec::pop) {
            Some(other) => {
                pairs.push([*index, other]);
                false
            }
            None => true,
        });
        rest[1] = others.into_values().flatten().collect();
        rest[1].sort_unstable();
    }
    if rest[0].len() == rest[1].len() {
        let [a, b] = std::mem::take(&mut rest);
        pairs.extend(a.into_iter().zip(b).map(|(a, b)| [a, b]));
    }
    pairs.sort_unstable();
    (pairs, rest)
}
