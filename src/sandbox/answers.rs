//! What a supervised stage is told in place of what the kernel would say.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::child::EPOCH;
use crate::stage::Level;

/// The second that every file which a stage makes was written in, and that its clock begins after, where these are fixed:
/// a day after the time of all inputs.
pub const FIXED: i64 = EPOCH + 86_400;

/// Something that says another thing in each run, or on each machine, and that no namespace holds still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The time of day.
    Clock,
    /// Random numbers: getrandom(2), `/dev/urandom`, the sixteen bytes that each program starts with.
    Random,
    /// The order in which directories list their entries.
    Order,
    /// Times, numbers and blocks of files (stat(2)).
    Stat,
    /// Release and version of the kernel (uname(2)).
    Kernel,
    /// Processors (sched_getaffinity(2), getcpu(2)).
    Processors,
    /// Memory, load and uptime (sysinfo(2)).
    Memory,
    /// Process ids. They are a namespace's, and never answered.
    ProcessIds,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Clock,
        Self::Random,
        Self::Order,
        Self::Stat,
        Self::Kernel,
        Self::Processors,
        Self::Memory,
        Self::ProcessIds,
    ];

    /// Its name; in traces, that of the path that stands for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Order => "order",
            Self::Stat => "stat",
            Self::Kernel => "kernel",
            Self::Processors => "processors",
            Self::Memory => "memory",
            Self::ProcessIds => "process-ids",
        }
    }
}

/// See [`Answers::clock`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The machine's.
    #[default]
    Real,
    /// The machine's and so many seconds, in the clock and in times of files that the stage writes.
    Ahead(u32),
    /// `FIXED` and a second, and 10 us more with each reading of a process: one that waits for a later time gets there.
    Fixed,
}

/// See [`Answers::random`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Random {
    /// The kernel's.
    #[default]
    Real,
    /// The same sequence for each program, made from this number.
    Fixed(u64),
}

/// See [`Answers::order`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The file system's.
    #[default]
    Real,
    /// By the bytes of the names.
    Sorted,
    /// An arbitrary one, by this number.
    Shuffled(u64),
}

/// What a supervised stage is told. The default changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// The time of day. Other clocks (monotonic, CPU time) are real in any case: with a false one, waiting would not wait.
    pub clock: Clock,
    /// Random numbers.
    pub random: Random,
    /// The order of directories.
    pub order: Order,
    /// Whether numbers and blocks of files are made up in the order in which they are first seen, and files that the stage
    /// writes are of the second `FIXED`, in the order in which they were written.
    pub stat: bool,
    /// Release and version of the kernel.
    pub kernel: Option<String>,
    /// How many processors there are.
    pub processors: Option<u32>,
    /// Whether memory, load and uptime are those of an idle machine of 4 GiB.
    pub memory: bool,
}

impl Answers {
    /// Has this source say the same in each run and everywhere. Not so process ids.
    pub fn pin(&mut self, source: Source) {
        match source {
            Source::Clock => self.clock = Clock::Fixed,
            Source::Random => self.random = Random::Fixed(1),
            Source::Order => self.order = Order::Sorted,
            Source::Stat => self.stat = true,
            Source::Kernel => self.kernel = Some("6.6.0".to_owned()),
            Source::Processors => self.processors = Some(2),
            Source::Memory => self.memory = true,
            Source::ProcessIds => {}
        }
    }

    /// With all of these sources pinned.
    pub fn pinned(sources: impl IntoIterator<Item = Source>) -> Self {
        let mut answers = Self::default();
        sources.into_iter().for_each(|source| answers.pin(source));
        answers
    }

    /// What a stage of this level is told; none if it is not supervised.
    pub fn of(level: Level) -> Option<Self> {
        const STEADY: [Source; 4] = [Source::Random, Source::Kernel, Source::Processors, Source::Memory];
        match level {
            Level::Isolated => None,
            Level::Steady => Some(Self::pinned(STEADY)),
            Level::Strict => Some(Self::pinned(Source::ALL)),
        }
    }

    /// The sources that say something else than they would.
    pub fn answered(&self) -> impl Iterator<Item = Source> {
        Source::ALL.into_iter().filter(|source| self.answers(*source))
    }

    fn answers(&self, source: Source) -> bool {
        match source {
            Source::Clock => self.clock != Clock::Real,
            Source::Random => self.random != Random::Real,
            Source::Order => self.order != Order::Real,
            // Times of files go with the clock, their numbers are in directories as well.
            Source::Stat => self.stat || matches!(self.clock, Clock::Ahead(_)),
            Source::Kernel => self.kernel.is_some(),
            Source::Processors => self.processors.is_some(),
            Source::Memory => self.memory,
            Source::ProcessIds => false,
        }
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        match self.clock {
            Clock::Real => {}
            Clock::Ahead(seconds) => said.push(format!("the time {seconds} s ahead")),
            Clock::Fixed => said.push(format!("the time from {} on", FIXED + 1)),
        }
        match self.random {
            Random::Real => {}
            Random::Fixed(seed) => said.push(format!("random numbers of seed {seed}")),
        }
        match self.order {
            Order::Real => {}
            Order::Sorted => said.push("directories sorted".to_owned()),
            Order::Shuffled(seed) => said.push(format!("directories shuffled by {seed}")),
        }
        if self.stat {
            said.push(format!("new files of {FIXED}, file numbers from 1"));
        }
        said.extend(self.kernel.as_ref().map(|release| format!("kernel {release}")));
        said.extend(self.processors.map(|count| format!("{count} processors")));
        if self.memory {
            said.push("an idle machine of 4 GiB".to_owned());
        }
        f.write_str(if said.is_empty() { "nothing" } else { "" })?;
        f.write_str(&said.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pinned_is_answered_and_said() {
        assert_eq!(Answers::default().answered().count(), 0);
        assert_eq!(Answers::default().to_string(), "nothing");
        for source in Source::ALL {
            let answers = Answers::pinned([source]);
            let expected: Vec<_> = (source != Source::ProcessIds).then_some(source).into_iter().collect();
            assert_eq!(answers.answered().collect::<Vec<_>>(), expected);
            assert_eq!(answers == Answers::default(), expected.is_empty());
        }
        let text = serde_json::to_string(&Answers::pinned(Source::ALL)).expect("it is plain data");
        assert_eq!(serde_json::from_str::<Answers>(&text).expect("its own form"), Answers::pinned(Source::ALL));
    }
}
