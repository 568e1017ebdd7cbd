//! What a trace says, as plain data.

use std::collections::BTreeMap;

/// Number of a path in [`Trace::paths`].
pub type PathId = u32;

/// The root directory.
pub const ROOT: PathId = 0;
/// The parent of what has no path: `pipe:1`, `socket:2`, `memfd:NAME`.
pub const NAMELESS: PathId = 1;

/// What a stage's processes did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// All paths, parents first. The first two are [`ROOT`] and [`NAMELESS`].
    pub paths: Vec<PathEntry>,
    /// All processes, in the order in which they were first seen; process 1 is the first one here.
    pub processes: Vec<Process>,
    /// Renames and links, in order.
    pub moves: Vec<Move>,
    /// How many calls were observed, by what they do.
    pub calls: BTreeMap<CallKind, u64>,
}

/// A path: a name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathEntry {
    /// The directory.
    pub parent: PathId,
    /// The name: any bytes but `/` and NUL.
    pub name: Vec<u8>,
}

/// A process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Number of its parent, from 1; 0 for the stage's first process, and for one whose parent is not known.
    pub parent: u32,
    /// Order number of its first call.
    pub start: u32,
    /// Order number of its end, if that was seen.
    pub end: Option<u32>,
    /// How it ended.
    pub exit: Exit,
    /// The programs that it executed, in order. One that executed none runs what its parent ran.
    pub programs: Vec<Program>,
    /// What it did to paths, sorted by path.
    pub accesses: Vec<Access>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exit {
    /// It was not seen to end: it was killed with the stage, or by a signal while it was observed from outside.
    #[default]
    Unknown,
    /// By this signal.
    Signal(u8),
    /// By itself, with this code.
    Code(u8),
}

/// The execution of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// When.
    pub order: u32,
    /// The file, or the script.
    pub path: PathId,
    /// The working directory.
    pub directory: PathId,
    /// The arguments, the program's name first.
    pub arguments: Vec<Vec<u8>>,
    /// Whether there were more arguments, or longer ones, than are kept.
    pub cut: bool,
}

/// What a process did to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The path.
    pub path: PathId,
    /// In which ways.
    pub ways: Ways,
    /// Order numbers of the first and the last time that it was read, executed or looked for. Known only of paths that
    /// some process of the stage changed.
    pub read: Option<(u32, u32)>,
    /// The same for writing, making, moving and removing.
    pub written: Option<(u32, u32)>,
}

/// A rename or a link: what was at one path is, or is also, at another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// When.
    pub order: u32,
    /// Number of the process, from 1.
    pub process: u32,
    /// What.
    pub kind: MoveKind,
    /// The old path.
    pub from: PathId,
    /// The new path.
    pub to: PathId,
}

/// See [`Move`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MoveKind {
    /// Only at the new path.
    Rename,
    /// At both.
    Link,
    /// Each is where the other was.
    Exchange,
}

impl MoveKind {
    pub(super) const ALL: [Self; 3] = [Self::Rename, Self::Link, Self::Exchange];
}

macro_rules! ways {
    ($( $(#[$doc:meta])* $name:ident $word:literal = $bit:literal ),* $(,)?) => {
        /// Ways in which a process had to do with a path: a set.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct Ways(pub u32);

        impl Ways {
            $( $(#[$doc])* pub const $name: Self = Self(1 << $bit); )*
            /// All ways with their names.
            pub const NAMES: &'static [(Self, &'static str)] = &[ $( (Self::$name, $word) ),* ];
        }
    };
}

ways! {
    /// Opened for reading, or had as standard input.
    READ "read" = 0,
    /// Opened for writing, truncated, or had as standard output or error.
    WRITTEN "written" = 1,
    /// Made: a file that was not there, a directory, a symbolic link, a node.
    CREATED "created" = 2,
    /// Executed, as program or script.
    EXECUTED "executed" = 3,
    /// Executed by the kernel on the way: a script's interpreter, a program's dynamic loader.
    LOADER "loader" = 4,
    /// Asked about, without opening: stat, access, readlink and the like.
    LOOKED "looked" = 5,
    /// Was not there when it was looked for. Where another process made it at that very time, it may have been.
    ABSENT "absent" = 6,
    /// A directory that was opened, and so may have been listed.
    LISTED "listed" = 7,
    /// Removed.
    REMOVED "removed" = 8,
    /// Renamed, or given another name, from here.
    MOVED_FROM "moved-from" = 9,
    /// Renamed, or given another name, to here.
    MOVED_TO "moved-to" = 10,
    /// A symbolic link that was followed.
    FOLLOWED "followed" = 11,
    /// Mode, owner, times or extended attributes were set.
    CHANGED "changed" = 12,
    /// Became a working directory.
    ENTERED "entered" = 13,
    /// Was standard input, output or error.
    STANDARD "standard" = 14,
}

impl Ways {
    /// Those that change what is at the path.
    pub const CHANGING: Self = Self::WRITTEN
        .and(Self::CREATED)
        .and(Self::REMOVED)
        .and(Self::MOVED_FROM)
        .and(Self::MOVED_TO)
        .and(Self::CHANGED);
    pub(super) const MASK: u32 = (1 << Self::NAMES.len()) - 1;

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any way is in both.
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(way, _)| self.any(*way)).map(|(_, name)| *name)
    }
}

/// What a call does: for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// Opens a file or directory.
    Open,
    /// Asks about a path.
    Look,
    /// Reads a symbolic link.
    ReadLink,
    /// Executes.
    Execute,
    /// Makes a directory, link or node.
    Make,
    /// Renames or links.
    Move,
    /// Removes.
    Remove,
    /// Sets attributes, or truncates.
    Change,
    /// Changes the working directory.
    Enter,
    /// Ends a process or thread.
    End,
    /// Could not be read: the memory or the descriptor that says which path is meant is not there, and the call fails,
    /// too. What a process was killed in never happens and is not counted.
    Unread,
}

impl CallKind {
    /// All, in their order.
    pub const ALL: [Self; 11] = [
        Self::Open,
        Self::Look,
        Self::ReadLink,
        Self::Execute,
        Self::Make,
        Self::Move,
        Self::Remove,
        Self::Change,
        Self::Enter,
        Self::End,
        Self::Unread,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Look => "look",
            Self::ReadLink => "readlink",
            Self::Execute => "execute",
            Self::Make => "make",
            Self::Move => "move",
            Self::Remove => "remove",
            Self::Change => "change",
            Self::Enter => "enter",
            Self::End => "end",
            Self::Unread => "unread",
        }
    }
}

impl Trace {
    /// A path's bytes: absolute, or without a slash for what has no path.
    pub fn path(&self, id: PathId) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = id;
        while at > NAMELESS
            && let Some(entry) = self.paths.get(at as usize)
        {
            names.push(entry.name.as_slice());
            at = entry.parent;
        }
        let mut out = Vec::new();
        for name in names.iter().rev() {
            out.extend_from_slice(if at == ROOT || !out.is_empty() { b"/" } else { b"" });
            out.extend_from_slice(name);
        }
        if id == ROOT { b"/".to_vec() } else { out }
    }

    /// How many calls were observed.
    pub fn observed(&self) -> u64 {
        self.calls.values().sum()
    }
}
