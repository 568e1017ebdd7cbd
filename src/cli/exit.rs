//! The codes that the process ends with: part of the interface, documented in the manual.

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// 0: done, or the answer is yes.
    Done,
    /// 1: the answer is no.
    No,
    /// 2: the command line or a file of the project is wrong.
    Usage,
    /// 3: a stage failed.
    Stage,
    /// 4: this host cannot give the promised isolation.
    Host,
    /// 5: a pinned input could not be had, or did not match.
    Pin,
    /// 70: a bug in `repro`, or the machine failed it (`EX_SOFTWARE` of sysexits.h).
    Bug,
    /// 128+n: ended by signal n.
    Signal(i32),
}

/// Code and meaning, for the manual.
pub const TABLE: [(&str, &str); 8] = [
    ("0", "done, or the answer is yes"),
    ("1", "the answer is no: builds differ, a lockfile is out of date, a store is damaged, an audit finds errors"),
    ("2", "the command line or a file of the project is wrong"),
    ("3", "a stage failed"),
    ("4", "this host cannot give the promised isolation"),
    ("5", "a pinned input could not be had or did not match its pin"),
    ("70", "a bug in repro, or the machine failed it (no space, no memory, an I/O error)"),
    ("128+n", "ended by signal n; 141 is a reader that went away"),
];

impl ExitCode {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Stage => 3,
            Self::Host => 4,
            Self::Pin => 5,
            Self::Bug => 70,
            Self::Signal(signal) => u8::try_from(signal).map_or(u8::MAX, |signal| signal.saturating_add(128)),
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}
