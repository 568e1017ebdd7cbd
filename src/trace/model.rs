//! What a trace says, as plain data.

use std::collections::BTreeMap;

use crate::calls::{CallKind, Ways};

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
    /// How many calls were told of, by what they do.
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
    /// It was not seen to end: it was killed with the stage.
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

    /// How many calls were told of.
    pub fn told(&self) -> u64 {
        self.calls.values().sum()
    }
}
