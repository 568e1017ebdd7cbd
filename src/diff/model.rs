//! The tree of differences.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::container::About;

/// A place where two subjects differ, with the places inside it that do. What is equal is not in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// Its name within what it lies in: a path, a section, a symbol. Empty for the content of a compressed stream.
    pub name: String,
    /// What it was compared as: `tar archive`, `ELF file`, `section`, `text`, `bytes`.
    pub kind: String,
    /// Its size in bytes on the left and on the right; null where it is missing or is no file.
    pub sizes: [Option<u64>; 2],
    /// How it differs itself.
    pub facts: Vec<Fact>,
    /// What in it differs, in the order of the left side.
    pub inside: Vec<Difference>,
}

/// One of the two subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The first that was named.
    Left,
    /// The second.
    Right,
}

/// How something differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// It exists on one side only.
    Only {
        /// On which.
        side: Side,
        /// The name that the same content has on the other side, where it has no counterpart either: it was moved.
        elsewhere: Option<String>,
    },
    /// It is something else: a file and a directory, a tar archive and text.
    Kind {
        /// What it is on the left and on the right.
        values: [String; 2],
    },
    /// A property differs.
    Field {
        /// The property's standard name.
        name: String,
        /// What it is on the left and on the right; null where it is not stated.
        values: [Option<String>; 2],
        /// Whether it tells how the thing is described or packed, and not what it is.
        metadata: bool,
    },
    /// The same entries stand in another order.
    Order {
        /// How many entries stand elsewhere: the fewest that would have to move.
        moved: u64,
        /// Some of these, with their positions on the left and on the right, from 0.
        examples: Vec<Moved>,
    },
    /// Lines differ: of text, of JSON, of a list.
    Lines {
        /// What the lines are: `lines`, `strings`, `instructions`, `symbols`.
        what: String,
        /// Groups of changes with the lines around them.
        hunks: Vec<Hunk>,
        /// Changed lines in hunks that are left out here.
        left_out: u64,
    },
    /// Bytes differ.
    Bytes {
        /// How many bytes of the left and of the right side lie in ranges that differ.
        differing: [u64; 2],
        /// Where, from the beginning on. Ranges closer than 16 bytes are one.
        ranges: Vec<Range>,
        /// Whether the bytes mean nothing to who unpacks it: padding, gaps.
        metadata: bool,
        /// Further ranges that are left out here.
        left_out: u64,
    },
    /// One side cannot be read as what its beginning says it is. It was compared as bytes.
    Unreadable {
        /// Which.
        side: Side,
        /// What it should be: `tar archive`.
        kind: String,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// There is more in it that was not looked at.
    Unsearched {
        /// Why.
        reason: String,
    },
}

/// An entry that stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Moved {
    /// Its name.
    pub name: String,
    /// Its position on the left and on the right, from 0.
    pub positions: [u64; 2],
}

/// Changed lines, with those around them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hunk {
    /// Number of the first line on the left and on the right, from 1.
    pub starts: [u64; 2],
    /// What the hunk lies in, for instance a function; empty for none.
    pub within: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// The side that has it; null for both.
    pub side: Option<Side>,
    /// The line, without its end. Bytes that are not UTF-8 are written `\xNN`; long lines are cut around the change, with `…`.
    pub text: String,
}

/// Bytes that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Range {
    /// Where it begins on the left and on the right.
    pub offsets: [u64; 2],
    /// How many bytes it has on the left and on the right.
    pub lengths: [u64; 2],
    /// Some bytes of each side, in hexadecimal digits: those before the range and as much of it as is shown.
    pub bytes: [String; 2],
    /// How many of the shown bytes lie before the range.
    pub before: u64,
}

impl Difference {
    /// A place that has not been looked at yet.
    pub fn new(name: impl Into<String>, kind: impl fmt::Display, sizes: [Option<u64>; 2]) -> Self {
        Self { name: name.into(), kind: kind.to_string(), sizes, facts: Vec::new(), inside: Vec::new() }
    }

    /// Notes that a property differs.
    pub fn field(&mut self, name: impl Into<String>, values: [Option<String>; 2], about: About) {
        self.facts.push(Fact::Field { name: name.into(), values, metadata: about == About::Metadata });
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.inside.is_empty()
    }

    /// How many places differ in themselves, this one and those inside.
    pub fn places(&self) -> u64 {
        u64::from(!self.facts.is_empty()) + self.inside.iter().map(Self::places).sum::<u64>()
    }
}

impl Fact {
    /// Whether it tells how the thing is described or packed, and not what it is.
    pub fn is_metadata(&self) -> bool {
        match self {
            Self::Field { metadata, .. } | Self::Bytes { metadata, .. } => *metadata,
            Self::Order { .. } => true,
            _ => false,
        }
    }
}
