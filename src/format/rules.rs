//! What a caller may choose about unpacking, and what it is told afterwards.

use std::collections::BTreeMap;

/// How to unpack. [`Rules::default`] strips nothing, normalises modes and refuses everything doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Leading components to take off every name. All entries must share them.
    pub strip: usize,
    /// Bounds on what comes out.
    pub limits: Limits,
    /// What becomes of permission bits.
    pub modes: Modes,
    /// How names that are not UTF-8 are read.
    pub names: Names,
    /// What becomes of a leading `/`.
    pub absolute: Absolute,
    /// Leave out devices, fifos and sockets (listed in [`Summary::devices`]) where they are refused otherwise.
    pub skip_devices: bool,
}

/// Bounds on what comes out of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes: of the decompressed archive, and of all files together.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
    /// Components of a name.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 30, entries: 2_000_000, depth: 512 }
    }
}

/// What becomes of permission bits. Setuid, setgid and sticky bits are counted, and dropped but under [`Modes::All`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Modes {
    /// 0755 for directories and what its owner may execute, 0644 for other files.
    #[default]
    Normalise,
    /// The nine permission bits as they are.
    Keep,
    /// All twelve bits as they are: for who looks at an archive and lays out nothing of it.
    All,
}

/// How names that are not UTF-8 are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// They are refused.
    #[default]
    Utf8,
    /// They are taken for ISO 8859-1, and counted.
    Latin1,
}

/// What becomes of a leading `/` in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Absolute {
    /// The entry is refused.
    #[default]
    Refuse,
    /// It is taken off, and counted.
    Strip,
}

/// What an archive held, and what of it the sink was not given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Entries read, the left-out ones included.
    pub entries: u64,
    /// Directories that had an entry.
    pub directories: u64,
    /// Regular files, replaced ones included.
    pub files: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Hard links.
    pub hardlinks: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Names that a later entry of the same type replaced, in the archive's order.
    pub replaced: Vec<String>,
    /// Devices, fifos and sockets left out under [`Rules::skip_devices`].
    pub devices: Vec<String>,
    /// Names with a setuid, setgid or sticky bit.
    pub special_modes: Vec<String>,
    /// Entries that belong to another user or group than 0.
    pub owners: u64,
    /// Entries with a time of modification.
    pub times: u64,
    /// What else was not represented, by what it is: extended attributes, volume labels, renamed paths...
    pub other: BTreeMap<String, u64>,
}
