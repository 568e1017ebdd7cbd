//! Traces made by hand, chains of stages in a store, and a real compilation.

mod chain;
mod lineage;
mod made;
mod real;

use std::collections::BTreeMap;

use super::class::Class;
use super::index::Index;
use super::walk::Walk;
use crate::trace::{Access, Move, MoveKind, NAMELESS, PathEntry, PathId, Process, Program, ROOT, Trace, Ways};

/// A trace in the making; each act has the next order number.
struct Hand {
    trace: Trace,
    order: u32,
    ids: BTreeMap<(PathId, Vec<u8>), PathId>,
}

impl Default for Hand {
    fn default() -> Self {
        let root = PathEntry { parent: ROOT, name: Vec::new() };
        Self { trace: Trace { paths: vec![root.clone(), root], ..Trace::default() }, order: 0, ids: BTreeMap::new() }
    }
}

impl Hand {
    fn next(&mut self) -> u32 {
        self.order += 1;
        self.order
    }

    /// So long that what comes surely comes later.
    fn pause(&mut self) {
        self.order += 10 * super::versions::SLACK;
    }

    fn id(&mut self, path: &str) -> PathId {
        let mut at = if path.starts_with('/') { ROOT } else { NAMELESS };
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let key = (at, name.as_bytes().to_vec());
            let paths = &mut self.trace.paths;
            at = *self.ids.entry(key).or_insert_with(|| {
                paths.push(PathEntry { parent: at, name: name.as_bytes().to_vec() });
                paths.len() as PathId - 1
            });
        }
        at
    }

    /// The number of a path that was named before.
    fn path(&self, path: &str) -> PathId {
        path.split('/').filter(|name| !name.is_empty()).fold(ROOT, |at, name| self.ids[&(at, name.as_bytes().to_vec())])
    }

    /// A process that executes this, in `/build`.
    fn process(&mut self, parent: u32, command: &str) -> u32 {
        let order = self.next();
        let arguments: Vec<Vec<u8>> = command.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let path = self.id(&String::from_utf8_lossy(&arguments[0]));
        let directory = self.id("/build");
        let program = Program { order, path, directory, arguments, cut: false };
        let process = Process { parent, start: order, programs: vec![program], ..Process::default() };
        self.trace.processes.push(process);
        let number = self.trace.processes.len() as u32;
        let name =
            String::from_utf8_lossy(&self.trace.processes[number as usize - 1].programs[0].arguments[0]).into_owned();
        self.has(number, &name, Ways::EXECUTED);
        number
    }

    fn has(&mut self, process: u32, path: &str, ways: Ways) {
        let (order, path) = (self.next(), self.id(path));
        let accesses = &mut self.trace.processes[process as usize - 1].accesses;
        let at = accesses.binary_search_by_key(&path, |access| access.path).unwrap_or_else(|at| {
            accesses.insert(at, Access { path, ways: Ways::default(), read: None, written: None });
            at
        });
        let access = &mut accesses[at];
        access.ways = access.ways.and(ways);
        let note = |span: &mut Option<(u32, u32)>| *span = Some((span.map_or(order, |span| span.0), order));
        if ways.any(Ways::CHANGING) {
            note(&mut access.written);
        }
        if ways.any(Ways(!Ways::CHANGING.0).and(Ways::MOVED_FROM)) {
            note(&mut access.read);
        }
    }

    fn moves(&mut self, process: u32, kind: MoveKind, from: &str, to: &str) {
        self.has(process, from, Ways::MOVED_FROM);
        self.has(process, to, Ways::MOVED_TO);
        let (order, from, to) = (self.order, self.id(from), self.id(to));
        self.trace.moves.push(Move { order, process, kind, from, to });
    }

    /// The trace: order numbers only of paths that were changed, and each process's end.
    fn finish(&self) -> Trace {
        let mut trace = self.trace.clone();
        let mut changed = vec![false; trace.paths.len()];
        for access in trace.processes.iter().flat_map(|process| &process.accesses) {
            changed[access.path as usize] |= access.ways.any(Ways::CHANGING);
        }
        for process in &mut trace.processes {
            process.end = Some(self.order + 1);
            for access in process.accesses.iter_mut().filter(|access| !changed[access.path as usize]) {
                (access.read, access.written) = (None, None);
            }
        }
        trace
    }

    fn index(&self) -> Index {
        Index::new(&self.finish().encode()).expect("it is a trace")
    }

    /// The paths that reach another as data, but for those where the stage makes its own files.
    fn data(&mut self, path: &str) -> Vec<String> {
        self.id(path);
        let own = |path: &String| ["/build/", "/tmp/", "/out/"].iter().any(|folder| path.starts_with(folder));
        let found = reached(self, path).into_iter();
        found.filter(|(path, class)| *class == Class::Data && !own(path)).map(|(path, _)| path).collect()
    }
}

/// All paths that reach another.
fn reached(hand: &Hand, path: &str) -> BTreeMap<String, Class> {
    let mut index = hand.index();
    index.reach(path).into_iter().map(|reach| (reach.path, reach.class)).collect()
}
