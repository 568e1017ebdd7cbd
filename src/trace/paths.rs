//! Numbers for paths.

use super::model::{NAMELESS, PathEntry, PathId, ROOT};
use super::table::{Table, hash};

/// All paths that came up, by number.
#[derive(Debug)]
pub(super) struct Paths {
    entries: Vec<PathEntry>,
    table: Table,
}

impl Paths {
    pub(super) fn new() -> Self {
        let root = || PathEntry { parent: ROOT, name: Vec::new() };
        Self { entries: vec![root(), root()], table: Table::default() }
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
        let id = self.entries.len() as PathId;
        self.entries.push(PathEntry { parent, name: name.to_vec() });
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

    /// The number of something without a path.
    pub(super) fn nameless(&mut self, name: &[u8]) -> PathId {
        self.child(NAMELESS, name)
    }

    pub(super) fn into_entries(self) -> Vec<PathEntry> {
        self.entries
    }
}
