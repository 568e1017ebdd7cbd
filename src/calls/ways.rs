//! What a call does, and in which ways a process has to do with a path.

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
    /// All of them.
    pub const MASK: u32 = (1 << Self::NAMES.len()) - 1;

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
