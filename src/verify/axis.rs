//! The axes: what of a stage's surroundings is varied, and how.

use schemars::JsonSchema;
use serde::Serialize;

use crate::sandbox::{Clock, Order, Random, Variation};

/// Something that a stage can notice and that must not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// The time of day.
    Time,
    /// `TZ`.
    TimeZone,
    /// `LC_ALL` and the like.
    Locale,
    /// Other variables of the environment.
    Environment,
    /// `HOME`.
    Home,
    /// User and group id.
    Owner,
    /// The file mode creation mask.
    Umask,
    /// Host and domain name.
    HostName,
    /// The path of the working directory.
    BuildPath,
    /// How many jobs make may run.
    Jobs,
    /// How many processors there are.
    Processors,
    /// The file system that is written to, and with it inode numbers and the order of directories.
    FileSystem,
    /// The order of directories.
    Order,
    /// Release and version of the kernel.
    Kernel,
    /// Random numbers.
    Randomness,
    /// Whether addresses are randomised.
    Addresses,
    /// Process ids.
    ProcessIds,
    /// How busy the machine is.
    Load,
}

/// No axis has that name.
#[derive(Debug, thiserror::Error)]
#[error("find axis `{name}`")]
pub struct UnknownAxis {
    /// What was named.
    pub name: String,
}

impl UnknownAxis {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        let names: Vec<&str> = Axis::ALL.iter().map(|axis| axis.name()).collect();
        Some(format!("there are all, {}", names.join(", ")))
    }
}

/// A run's surroundings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// What the sandbox has otherwise.
    pub variation: Variation,
    /// Whether the stage gets one job only.
    pub one_job: bool,
    /// Whether what it writes goes to the disk.
    pub disk: bool,
    /// Whether the machine is kept busy.
    pub load: bool,
}

impl Axis {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 18] = [
        Self::Time,
        Self::TimeZone,
        Self::Locale,
        Self::Environment,
        Self::Home,
        Self::Owner,
        Self::Umask,
        Self::HostName,
        Self::BuildPath,
        Self::Jobs,
        Self::Processors,
        Self::FileSystem,
        Self::Order,
        Self::Kernel,
        Self::Randomness,
        Self::Addresses,
        Self::ProcessIds,
        Self::Load,
    ];

    /// The axis of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(name: &str) -> Result<Self, UnknownAxis> {
        let found = Self::ALL.into_iter().find(|axis| axis.name() == name);
        found.ok_or_else(|| UnknownAxis { name: name.to_owned() })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::TimeZone => "time-zone",
            Self::Locale => "locale",
            Self::Environment => "environment",
            Self::Home => "home",
            Self::Owner => "owner",
            Self::Umask => "umask",
            Self::HostName => "host-name",
            Self::BuildPath => "build-path",
            Self::Jobs => "jobs",
            Self::Processors => "processors",
            Self::FileSystem => "file-system",
            Self::Order => "order",
            Self::Kernel => "kernel",
            Self::Randomness => "randomness",
            Self::Addresses => "addresses",
            Self::ProcessIds => "process-ids",
            Self::Load => "load",
        }
    }

    /// What it is in a build, and what instead.
    pub fn what(self) -> &'static str {
        match self {
            Self::Time => "time of day and of new files: the machine's; 400 days later, 10 years",
            Self::TimeZone => "TZ: UTC; 14 hours ahead, 12 and a half behind, with summer time",
            Self::Locale => "LC_ALL: C; C.UTF-8, Turkish, Estonian",
            Self::Environment => "variables: those of the plan; a login's, and 8 KiB more of them",
            Self::Home => "HOME: /build; /tmp, a folder that does not exist",
            Self::Owner => "user and group: 1000; 1234 and 4321, 65533, 0",
            Self::Umask => "umask: 022; 077, 002, 027",
            Self::HostName => "host and domain: repro, (none); others",
            Self::BuildPath => "working directory: /build; a longer and a shorter path, with /build the same folder",
            Self::Jobs => "make: all cores; one job",
            Self::Processors => "processors: all; one",
            Self::FileSystem => "scratch: tmpfs; the store's own file system",
            Self::Order => "directories: in the file system's order; shuffled, sorted",
            Self::Kernel => "kernel release: the machine's; others",
            Self::Randomness => "random numbers: the kernel's; the same for each program, of some seed",
            Self::Addresses => "addresses: fixed; randomised",
            Self::ProcessIds => "process ids: from 2; from 20,000 and 31,000",
            Self::Load => "the machine: as it is; busy in bursts of 7 ms",
        }
    }

    /// Adds what the axis has in run number `run`.
    pub(super) fn vary(self, run: u32, to: &mut Surroundings) {
        let pick = |choices: &[&str]| choices[run as usize % choices.len()].to_owned();
        let variation = &mut to.variation;
        let mut set = |name: &str, value: String| drop(variation.env.insert(name.to_owned(), value));
        match self {
            Self::Time => {
                variation.answers.get_or_insert_default().clock = Clock::Ahead([400, 3653][run as usize % 2] * 86_400)
            }
            Self::Order => {
                variation.answers.get_or_insert_default().order =
                    [Order::Shuffled(1), Order::Sorted, Order::Shuffled(2)][run as usize % 3]
            }
            Self::Kernel => variation.answers.get_or_insert_default().kernel = Some(pick(&["9.8.7-another", "4.4.4"])),
            Self::Randomness => variation.answers.get_or_insert_default().random = Random::Fixed(100 + u64::from(run)),
            Self::TimeZone => set("TZ", pick(&["EAST-14", "WEST+12:30", "EST5EDT,M3.2.0,M11.1.0"])),
            Self::Locale => {
                let locale = pick(&["C.UTF-8", "tr_TR.UTF-8", "et_EE.UTF-8"]);
                for name in ["LC_ALL", "LANG", "LANGUAGE"] {
                    set(name, locale.clone());
                }
            }
            Self::Environment => {
                for (name, value) in [
                    ("USER", "somebody"),
                    ("LOGNAME", "somebody"),
                    ("MAIL", "/var/mail/somebody"),
                    ("EDITOR", "vi"),
                    ("DISPLAY", ":7"),
                    ("COLUMNS", "213"),
                    ("LINES", "61"),
                    ("XDG_RUNTIME_DIR", "/run/user/1234"),
                ] {
                    set(name, value.to_owned());
                }
                // The stack begins below the environment: its length moves all that lies there.
                set("REPRO_VARIED", "x".repeat(8192 + 17 * run as usize));
            }
            Self::Home => set("HOME", pick(&["/tmp", "/home/nobody/that/exists"])),
            Self::Owner => variation.identity = Some([(1234, 4321), (65533, 65533), (0, 0)][run as usize % 3]),
            Self::Umask => variation.umask = Some([0o077, 0o002, 0o027][run as usize % 3]),
            Self::HostName => {
                let host = pick(&["another-host-with-a-long-name", "b", "localhost"]);
                variation.names = Some((host, pick(&["example.invalid", "(none)", "x"])));
            }
            Self::BuildPath => {
                let long = "/a/rather/long/path/of/the/working/directory/of/somebody-else";
                variation.build_path = Some(pick(&[long, "/b"]));
            }
            Self::Jobs => to.one_job = true,
            Self::Processors => variation.processors = Some(1),
            Self::FileSystem => to.disk = true,
            Self::Addresses => variation.addresses = true,
            Self::ProcessIds => variation.process_ids = Some([20_000, 31_000][run as usize % 2]),
            Self::Load => to.load = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Surroundings};

    #[test]
    fn each_axis_changes_something_and_is_found_by_its_name() {
        for axis in Axis::ALL {
            let mut to = Surroundings::default();
            axis.vary(0, &mut to);
            assert_ne!(to, Surroundings::default(), "{}", axis.name());
            assert_eq!(Axis::parse(axis.name()).expect("it has that name"), axis);
        }
        let hint = Axis::parse("clock").expect_err("there is none").hint().expect("a cure");
        assert!(hint.contains("all") && hint.contains("time-zone"), "{hint}");
    }
}
