//! What of a file differs, place by place, as far as it tells a cause.

use std::collections::BTreeSet;

use super::looks::{Look, looks};
use crate::diff::{Difference, Fact, Range, Side};

/// A place that differs in itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// What it lies in, the outermost first: `ELF file`, `section .rodata`, `tar archive`.
    pub within: Vec<String>,
    /// What differs.
    pub what: What,
    /// The changed text of both sides.
    pub texts: [Vec<String>; 2],
    /// What it looks like.
    pub looks: BTreeSet<Look>,
}

/// What differs at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum What {
    /// A property.
    Field(String),
    /// The order of entries.
    Order,
    /// Lines.
    Lines,
    /// Bytes; whether all that differ lie in the upper halves of words.
    Bytes {
        /// See above.
        upper: bool,
    },
    /// Names: something is there on one side only.
    Names,
    /// Something else.
    #[default]
    Other,
}

impl Mark {
    /// Whether it lies in something of this kind.
    pub(super) fn is_in(&self, kind: &str) -> bool {
        self.within.iter().any(|one| one == kind)
    }

    /// The name of the section that it lies in.
    pub(super) fn section(&self) -> Option<&str> {
        self.within.iter().rev().find_map(|one| one.strip_prefix("section "))
    }

    /// Whether either side has this text.
    pub(super) fn says(&self, text: &str) -> bool {
        self.texts.iter().flatten().any(|line| line.contains(text))
    }
}

/// The marks of a difference. What follows from others (sizes, checksums, build IDs) is only told when there is nothing else.
pub(super) fn marks(difference: &Difference) -> Vec<Mark> {
    let mut found = Vec::new();
    collect(difference, &mut Vec::new(), &mut found);
    let (follows, own): (Vec<Mark>, Vec<Mark>) = found.into_iter().partition(follows);
    if own.is_empty() { follows } else { own }
}

/// Those of the names that a folder has on one side only.
pub(super) fn name_marks(difference: &Difference) -> Vec<Mark> {
    let mut texts = [Vec::new(), Vec::new()];
    for inside in &difference.inside {
        for fact in &inside.facts {
            if let Fact::Only { side, .. } = fact {
                texts[usize::from(*side == Side::Right)].push(inside.name.clone());
            }
        }
    }
    let looks = looks(&texts);
    vec![Mark { within: vec!["directory".to_owned()], what: What::Names, texts, looks }]
}

fn collect(place: &Difference, within: &mut Vec<String>, found: &mut Vec<Mark>) {
    let depth = within.len();
    within.push(match place.kind.as_str() {
        "section" => format!("section {}", place.name),
        kind => kind.to_owned(),
    });
    if place.name.ends_with(".pyc") {
        within.push("python bytecode".to_owned());
    }
    for fact in &place.facts {
        let mut mark = Mark { within: within.clone(), ..Mark::default() };
        match fact {
            Fact::Only { side, .. } => {
                mark.what = What::Names;
                mark.texts[usize::from(*side == Side::Right)].push(place.name.clone());
            }
            Fact::Field { name, values, .. } => {
                mark.what = What::Field(name.clone());
                mark.texts = values.clone().map(|value| value.into_iter().collect());
            }
            Fact::Order { .. } => mark.what = What::Order,
            Fact::Lines { hunks, .. } => {
                mark.what = What::Lines;
                for line in hunks.iter().flat_map(|hunk| &hunk.lines) {
                    if let Some(side) = line.side {
                        mark.texts[usize::from(side == Side::Right)].push(line.text.clone());
                    }
                }
            }
            Fact::Bytes { ranges, .. } => mark.what = What::Bytes { upper: ranges.iter().all(is_upper) },
            Fact::Kind { .. } | Fact::Unreadable { .. } | Fact::Unsearched { .. } => {}
        }
        mark.looks = looks(&mark.texts);
        // What an ELF file's tables say of places follows from what lies there.
        let layout = mark.is_in("ELF file") && fact.is_metadata();
        if !layout {
            found.push(mark);
        }
    }
    place.inside.iter().for_each(|inside| collect(inside, within, found));
    within.truncate(depth);
}

fn follows(mark: &Mark) -> bool {
    const FIELDS: [&str; 16] = [
        "size",
        "stored size",
        "filesize",
        "compressed size",
        "uncompressed size",
        "checksum",
        "CRC-32",
        "CRC32",
        "check",
        "chksum",
        "adler",
        "blocks",
        "size of the image",
        "position of the local header",
        "size as it is written",
        "ISIZE",
    ];
    match &mark.what {
        What::Field(name) => name == "build ID" || FIELDS.contains(&name.as_str()),
        What::Bytes { .. } => mark.section().is_some_and(|name| name == ".gnu_debuglink"),
        _ => false,
    }
}

/// Whether the differing bytes of a range all lie in the upper halves of words of 8 bytes.
fn is_upper(range: &Range) -> bool {
    let [a, b] =
        range.bytes.each_ref().map(|digits| digits.as_bytes().chunks(2).map(<[u8]>::to_vec).collect::<Vec<_>>());
    let begin = range.offsets[0].saturating_sub(range.before);
    range.offsets[0] == range.offsets[1]
        && range.lengths[0] == range.lengths[1]
        && (begin..).zip(a.iter().zip(&b)).filter(|(_, (a, b))| a != b).all(|(at, _)| at % 8 >= 4)
}
