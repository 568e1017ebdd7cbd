//! The paths of a trace: packed, and found by folder and name.

use std::collections::BTreeMap;

use super::class::Place;
use crate::trace::{NAMELESS, PathEntry, PathId, ROOT};

/// All paths of a trace, and those that a question adds.
#[derive(Debug, Default)]
pub(super) struct Names {
    parents: Vec<PathId>,
    /// Where the name of each path ends in `bytes`.
    ends: Vec<u64>,
    bytes: Vec<u8>,
    places: Vec<Place>,
    /// Hash of folder and name, and the path; sorted. Only of the paths that the trace has.
    by_name: Vec<(u64, PathId)>,
    /// Paths that came later.
    later: BTreeMap<(PathId, Vec<u8>), PathId>,
}

/// FNV-1a: few names collide, and those that do are compared.
fn hash(parent: PathId, name: &[u8]) -> u64 {
    let step = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    name.iter().fold(parent.to_le_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step), step)
}

impl Names {
    /// The paths of a trace, parents first.
    pub(super) fn new(entries: &[PathEntry]) -> Self {
        let mut this = Self::default();
        this.bytes.reserve(entries.iter().map(|entry| entry.name.len()).sum());
        for entry in entries {
            this.push(entry.parent, &entry.name);
        }
        // The first two have no name.
        this.by_name = (2..entries.len() as PathId).map(|id| (hash(this.parent(id), this.name(id)), id)).collect();
        this.by_name.sort_unstable();
        this
    }

    fn push(&mut self, parent: PathId, name: &[u8]) -> PathId {
        // The first two have no place, and are no names.
        let place = match self.places.len() as PathId {
            id if id <= NAMELESS => Place::default(),
            _ if parent == ROOT => Place::at_top(name),
            _ if parent == NAMELESS => Place::nameless(name),
            _ => self.place(parent).below(name),
        };
        self.places.push(place);
        self.parents.push(parent);
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len() as u64);
        self.parents.len() as PathId - 1
    }

    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// The folder; that of the root is the root.
    pub(super) fn parent(&self, id: PathId) -> PathId {
        self.parents.get(id as usize).copied().unwrap_or(ROOT)
    }

    /// The last part.
    pub(super) fn name(&self, id: PathId) -> &[u8] {
        let end = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
        let at = id as usize;
        let start = at.checked_sub(1).map_or(0, end);
        self.bytes.get(start..end(at)).unwrap_or_default()
    }

    /// What its path says.
    pub(super) fn place(&self, id: PathId) -> Place {
        self.places.get(id as usize).copied().unwrap_or_default()
    }

    /// Whether it has no path: a pipe, a socket.
    pub(super) fn is_nameless(&self, id: PathId) -> bool {
        id == NAMELESS || self.parent(id) == NAMELESS
    }

    /// The path's bytes.
    pub(super) fn path(&self, id: PathId) -> Vec<u8> {
        if id == ROOT {
            return b"/".to_vec();
        }
        let mut parts = Vec::new();
        let mut at = id;
        while at > NAMELESS {
            parts.push(self.name(at));
            at = self.parent(at);
        }
        let mut out = Vec::new();
        for part in parts.iter().rev() {
            if at == ROOT || !out.is_empty() {
                out.push(b'/');
            }
            out.extend_from_slice(part);
        }
        out
    }

    /// The path as text.
    pub(super) fn text(&self, id: PathId) -> String {
        String::from_utf8_lossy(&self.path(id)).into_owned()
    }

    /// What has this name in a folder, if the trace knows of it.
    pub(super) fn child(&self, parent: PathId, name: &[u8]) -> Option<PathId> {
        let wanted = hash(parent, name);
        let from = self.by_name.partition_point(|(hash, _)| *hash < wanted);
        let same = self.by_name[from..].iter().take_while(|(hash, _)| *hash == wanted).map(|(_, id)| *id);
        let mut known = same.filter(|id| self.parent(*id) == parent && self.name(*id) == name);
        known.next().or_else(|| self.later.get(&(parent, name.to_vec())).copied())
    }

    /// What has this name in a folder; new if need be.
    fn child_or_new(&mut self, parent: PathId, name: &[u8]) -> PathId {
        self.child(parent, name).unwrap_or_else(|| {
            let id = self.push(parent, name);
            self.later.insert((parent, name.to_vec()), id);
            id
        })
    }

    /// The path with these bytes, from a folder if they do not begin with `/`; new if need be. `..` is the folder
    /// above, as it is without symbolic links.
    pub(super) fn find(&mut self, from: PathId, path: &[u8]) -> PathId {
        let mut at = if path.first() == Some(&b'/') { ROOT } else { from };
        for part in path.split(|byte| *byte == b'/') {
            at = match part {
                b"" | b"." => at,
                b".." => self.parent(at),
                name => self.child_or_new(at, name),
            };
        }
        at
    }

    /// The path that lies below `to` as `id` lies below `above`.
    pub(super) fn rebase(&mut self, id: PathId, above: PathId, to: PathId) -> PathId {
        let mut parts = Vec::new();
        let mut at = id;
        while at != above && at > NAMELESS {
            parts.push(self.name(at).to_vec());
            at = self.parent(at);
        }
        parts.iter().rev().fold(to, |at, name| self.child_or_new(at, name))
    }

    /// How many parts at the end two paths share.
    pub(super) fn shared_end(&self, a: PathId, b: PathId) -> usize {
        let (mut a, mut b, mut count) = (a, b, 0);
        while a > NAMELESS && b > NAMELESS && self.name(a) == self.name(b) {
            (a, b, count) = (self.parent(a), self.parent(b), count + 1);
        }
        count
    }

    /// The folder so many parts above.
    pub(super) fn above(&self, id: PathId, parts: usize) -> PathId {
        (0..parts).fold(id, |at, _| self.parent(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[(PathId, &str)]) -> Names {
        let mut entries =
            vec![PathEntry { parent: ROOT, name: Vec::new() }, PathEntry { parent: ROOT, name: Vec::new() }];
        entries
            .extend(paths.iter().map(|(parent, name)| PathEntry { parent: *parent, name: name.as_bytes().to_vec() }));
        Names::new(&entries)
    }

    #[test]
    fn found_by_folder_and_name() {
        let mut names = names(&[(ROOT, "usr"), (2, "lib"), (NAMELESS, "pipe:1"), (ROOT, "lib")]);
        assert_eq!(
            (names.child(ROOT, b"usr"), names.child(2, b"lib"), names.child(ROOT, b"lib")),
            (Some(2), Some(3), Some(5))
        );
        assert_eq!((names.child(3, b"lib"), names.child(NAMELESS, b"pipe:1")), (None, Some(4)));
        assert_eq!(
            (names.text(3).as_str(), names.text(4).as_str(), names.text(ROOT).as_str()),
            ("/usr/lib", "pipe:1", "/")
        );
        assert!(names.is_nameless(4) && !names.is_nameless(5));
        // What the trace does not know comes on top, once.
        let new = names.find(2, b"./share/../lib//a/b");
        assert_eq!((names.text(new).as_str(), names.len()), ("/usr/lib/a/b", 9));
        assert_eq!(names.find(ROOT, b"/usr/lib/a/b"), new);
        assert_eq!(names.find(5, b"../../.."), ROOT);
        let moved = names.rebase(new, 2, 5);
        assert_eq!(names.text(moved), "/lib/lib/a/b");
        assert_eq!((names.shared_end(moved, new), names.shared_end(new, new), names.above(new, 2)), (3, 4, 3));
    }
}
