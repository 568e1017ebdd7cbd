//! Adding calls up: what a process did to a path is one entry, however often it did so.

use std::collections::BTreeMap;

use super::model::{Access, Move, PathEntry, PathId, Process, Trace};
use super::table::{Table, hash};
use crate::calls::{CallKind, Ways};

/// One entry.
#[derive(Debug, Clone, Copy)]
struct Entry {
    process: u32,
    path: PathId,
    ways: Ways,
    /// First and last order number; the first is 0 when there is none.
    read: (u32, u32),
    written: (u32, u32),
}

/// All entries.
#[derive(Debug, Default)]
pub(super) struct Record {
    entries: Vec<Entry>,
    table: Table,
    pub(super) moves: Vec<Move>,
    calls: [u64; CallKind::ALL.len()],
}

fn key(process: u32, path: PathId) -> u64 {
    hash(u64::from(process) << 32 | u64::from(path), b"")
}

impl Record {
    /// A process has to do with a path in these ways.
    pub(super) fn add(&mut self, order: u32, process: u32, path: PathId, ways: Ways) {
        let entries = &self.entries;
        let same = |at: u32| entries[at as usize].process == process && entries[at as usize].path == path;
        let at = self.table.find(key(process, path), same).unwrap_or_else(|| {
            let at = self.entries.len() as u32;
            self.entries.push(Entry { process, path, ways: Ways::default(), read: (0, 0), written: (0, 0) });
            let entries = &self.entries;
            self.table.insert(at, |at| key(entries[at as usize].process, entries[at as usize].path));
            at
        });
        let entry = &mut self.entries[at as usize];
        entry.ways = entry.ways.and(ways);
        let note = |span: &mut (u32, u32)| *span = (if span.0 == 0 { order } else { span.0 }, order);
        if ways.any(Ways::CHANGING) {
            note(&mut entry.written);
        }
        // A file that is moved takes its content along.
        if ways.any(Ways(!Ways::CHANGING.0).and(Ways::MOVED_FROM)) {
            note(&mut entry.read);
        }
    }

    pub(super) fn count(&mut self, kind: CallKind) {
        self.calls[kind as usize] += 1;
    }

    /// The trace. Order numbers of paths that nobody changed say nothing, and are left out.
    pub(super) fn finish(mut self, paths: Vec<PathEntry>, mut processes: Vec<Process>) -> Trace {
        let mut changed = vec![false; paths.len()];
        for entry in &self.entries {
            changed[entry.path as usize] |= entry.ways.any(Ways::CHANGING);
        }
        self.entries.sort_unstable_by_key(|entry| (entry.process, entry.path));
        for entry in self.entries {
            let span = |span: (u32, u32)| (changed[entry.path as usize] && span.0 > 0).then_some(span);
            let access =
                Access { path: entry.path, ways: entry.ways, read: span(entry.read), written: span(entry.written) };
            if let Some(process) = processes.get_mut(entry.process as usize - 1) {
                process.accesses.push(access);
            }
        }
        let counted = CallKind::ALL.into_iter().zip(self.calls).filter(|(_, count)| *count > 0);
        let calls: BTreeMap<CallKind, u64> = counted.collect();
        Trace { paths, processes, moves: self.moves, calls }
    }
}
