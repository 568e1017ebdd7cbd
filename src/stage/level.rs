//! How much of what is not the same in each run a stage is kept from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A level of isolation: what holds still while a stage runs. Each one has all of those before it. None covers clocks that
/// measure durations, process ids, the order in which processes and threads run, `rdtsc`, `rdrand` and `cpuid`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Files, network, environment, user, names, addresses.
    #[default]
    Isolated,
    /// Random numbers, the kernel's release, processors and memory as well.
    Steady,
    /// The time of day, the order of directories and stat data as well.
    Strict,
}

impl Level {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Isolated, Self::Steady, Self::Strict];

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            Self::Steady => "steady",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
