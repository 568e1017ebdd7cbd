//! How a run is made, and what it came to.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::place::Departure;
use crate::digest::Digest;
use crate::sandbox::Source;
use crate::stage::Level;
use crate::verify::Axis;

/// What of a run can be held fast: then each run sees the same of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    /// What clocks say.
    Clock,
    /// Random numbers, those of hash tables among them.
    Random,
    /// The order in which directories are listed.
    Order,
    /// Times and numbers of files that the stage itself made.
    Stat,
    /// The kernel's name and release.
    Kernel,
    /// How many processors there are.
    Processors,
    /// How much memory there is.
    Memory,
    /// What runs beside what: one job and one processor.
    Sequence,
}

impl Pin {
    /// All of them, those first that are told best by what they leave.
    pub const ALL: [Self; 8] = [
        Self::Clock,
        Self::Random,
        Self::Order,
        Self::Stat,
        Self::Kernel,
        Self::Processors,
        Self::Memory,
        Self::Sequence,
    ];

    /// What is answered in place of the kernel; nothing is for what is no question.
    pub fn source(self) -> Option<Source> {
        Some(match self {
            Self::Clock => Source::Clock,
            Self::Random => Source::Random,
            Self::Order => Source::Order,
            Self::Stat => Source::Stat,
            Self::Kernel => Source::Kernel,
            Self::Processors => Source::Processors,
            Self::Memory => Source::Memory,
            Self::Sequence => return None,
        })
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Random => "random numbers",
            Self::Order => "directory order",
            Self::Stat => "file times and numbers",
            Self::Kernel => "kernel",
            Self::Processors => "processors",
            Self::Memory => "memory size",
            Self::Sequence => "one job on one processor",
        }
    }
}

/// How a run is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// What is varied.
    pub axes: Vec<Axis>,
    /// Picks the values of what is varied.
    pub run: u32,
    /// What is held fast.
    pub pins: BTreeSet<Pin>,
    /// Whether what it consumes of clocks and the like is recorded.
    pub watched: bool,
    /// The level that keeps it from its surroundings; none: it gets whatever they are.
    pub level: Option<Level>,
}

/// What a run left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The tree.
    pub output: Digest,
    /// What its processes did.
    pub trace: Option<Digest>,
    /// What lay in the working directory at the end, if that was kept.
    pub build: Option<Digest>,
    /// How the tree departs from the known one.
    pub departure: Departure,
}

/// A run; nothing is left when it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How it was made.
    pub setting: Setting,
    /// What it left.
    pub left: Option<Left>,
}

impl Ran {
    /// What it left at a place; `Some(None)` is what is known. None: it failed.
    pub fn at(&self, place: &str) -> Option<Option<&str>> {
        Some(self.left.as_ref()?.departure.get(place).map(String::as_str))
    }
}

/// Who makes runs.
pub trait Runs {
    /// Why one cannot be made.
    type Error;

    /// Makes one.
    ///
    /// # Errors
    /// It cannot be made, which is not the stage's fault.
    fn run(&mut self, setting: &Setting) -> Result<Ran, Self::Error>;

    /// What may have to be held fast so that a place is alike in these two runs; the most likely first.
    ///
    /// # Errors
    /// What they left cannot be read.
    fn suspects(&mut self, place: &str, pair: [&Ran; 2]) -> Result<Vec<Pin>, Self::Error>;
}
