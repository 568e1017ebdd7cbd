//! Numbers for paths, and what is known of what lies at them.

use super::model::{NAMELESS, PathEntry, PathId, ROOT};
use super::table::{Table, hash};

/// What is at a path, without following a symbolic link at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// Whether anybody may execute it.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link; its target is [`Paths::target`].
    Link,
    /// A device, fifo or socket.
    Other,
    /// It could not be found out.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    kind: Kind,
    /// Value of [`Paths::epoch`] when it was found.
    epoch: u32,
    /// Whether a call of the stage may have changed it: then it is looked at each time.
    changing: bool,
    /// Number of a target in `targets`.
    target: u32,
}

/// All paths that came up, by number.
#[derive(Debug)]
pub(super) struct Paths {
    entries: Vec<PathEntry>,
    known: Vec<Known>,
    table: Table,
    targets: Vec<Vec<u8>>,
    epoch: u32,
}

impl Paths {
    pub(super) fn new() -> Self {
        let mut paths =
            Self { entries: Vec::new(), known: Vec::new(), table: Table::default(), targets: Vec::new(), epoch: 1 };
        paths.push(ROOT, b"");
        paths.push(ROOT, b"");
        paths.known[ROOT as usize] = Known { kind: Kind::Directory, epoch: u32::MAX, changing: false, target: 0 };
        paths
    }

    fn push(&mut self, parent: PathId, name: &[u8]) -> PathId {
        let id = self.entries.len() as PathId;
        self.entries.push(PathEntry { parent, name: name.to_vec() });
        self.known.push(Known { kind: Kind::Unknown, epoch: 0, changing: false, target: 0 });
        id
    }

    /// The number of a name in a directory.
    pub(super) fn child(&mut self, parent: PathId, name: &[u8]) -> PathId {
        let entries = &self.entries;
        let same = |id: u32| {
            let entry = &entries[id as usize];
            entry.parent == parent && entry.name == name
        };
        if let Some(id) = self.table.find(hash(parent.into(), name), same) {
            return id;
        }
        let id = self.push(parent, name);
        let entries = &self.entries;
        self.table.insert(id, |id| {
            let entry = &entries[id as usize];
            hash(entry.parent.into(), &entry.name)
        });
        id
    }

    /// The name of a path in its directory.
    pub(super) fn name(&self, id: PathId) -> &[u8] {
        &self.entries[id as usize].name
    }

    pub(super) fn parent(&self, id: PathId) -> PathId {
        self.entries[id as usize].parent
    }

    /// The number of an absolute path that has no symbolic link, `.` or `..` in it.
    pub(super) fn plain(&mut self, path: &[u8]) -> PathId {
        let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        names.fold(ROOT, |at, name| self.child(at, name))
    }

    /// The number of something without a path.
    pub(super) fn nameless(&mut self, name: &[u8]) -> PathId {
        self.child(NAMELESS, name)
    }

    /// Writes the path without its first slash; `.` for the root.
    pub(super) fn write(&self, id: PathId, out: &mut Vec<u8>) {
        out.clear();
        let mut ids = [0; 64];
        let mut depth = 0;
        let mut at = id;
        while at > NAMELESS && depth < ids.len() {
            ids[depth] = at;
            depth += 1;
            at = self.entries[at as usize].parent;
        }
        if at > NAMELESS {
            // Deeper than any ordinary path: first what is above.
            self.write(at, out);
        }
        for id in ids[..depth].iter().rev() {
            if !out.is_empty() {
                out.push(b'/');
            }
            out.extend_from_slice(&self.entries[*id as usize].name);
        }
        if out.is_empty() {
            out.push(b'.');
        }
    }

    /// What was found here, if that still holds.
    pub(super) fn known(&self, id: PathId) -> Option<Kind> {
        let known = &self.known[id as usize];
        (known.epoch == u32::MAX || known.epoch == self.epoch && !known.changing).then_some(known.kind)
    }

    /// Notes what was found.
    pub(super) fn learn(&mut self, id: PathId, kind: Kind, target: Option<Vec<u8>>) {
        let at = target.map(|target| {
            self.targets.push(target);
            (self.targets.len() - 1) as u32
        });
        let known = &mut self.known[id as usize];
        known.kind = kind;
        known.epoch = self.epoch;
        known.target = at.unwrap_or(0);
    }

    /// Where the symbolic link that was found here points to.
    pub(super) fn target(&self, id: PathId) -> &[u8] {
        self.targets.get(self.known[id as usize].target as usize).map_or(b"", Vec::as_slice)
    }

    /// A call may change what is here, from now on.
    pub(super) fn changes(&mut self, id: PathId) {
        if id > NAMELESS {
            self.known[id as usize].changing = true;
        }
    }

    /// Whether what is here may have been changed by the stage.
    pub(super) fn is_changing(&self, id: PathId) -> bool {
        self.known[id as usize].changing
    }

    /// What was found anywhere may be elsewhere: a directory has moved.
    pub(super) fn forget(&mut self) {
        self.epoch += 1;
    }

    pub(super) fn into_entries(self) -> Vec<PathEntry> {
        self.entries
    }
}
