//! Says of what this process made itself what a trace would: processes that read and wrote.

use std::collections::BTreeMap;

use crate::calls::Ways;
use crate::trace::{self, Access, Exit, PathEntry, PathId, Process, Program, Trace};

/// A trace on its way.
pub(super) struct Tracer {
    trace: Trace,
    known: BTreeMap<(PathId, Vec<u8>), PathId>,
    order: u32,
    program: String,
}

impl Tracer {
    /// `program` stands in place of a program.
    pub(super) fn new(program: &str) -> Self {
        let special = || PathEntry { parent: trace::ROOT, name: Vec::new() };
        let trace = Trace { paths: vec![special(), special()], ..Trace::default() };
        Self { trace, known: BTreeMap::new(), order: 0, program: program.to_owned() }
    }

    fn path(&mut self, path: &[u8]) -> PathId {
        let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        names.fold(trace::ROOT, |at, name| self.child(at, name))
    }

    fn child(&mut self, parent: PathId, name: &[u8]) -> PathId {
        let next = self.trace.paths.len() as PathId;
        *self.known.entry((parent, name.to_vec())).or_insert_with_key(|(parent, name)| {
            self.trace.paths.push(PathEntry { parent: *parent, name: name.clone() });
            next
        })
    }

    fn next(&mut self) -> u32 {
        self.order += 1;
        self.order
    }

    /// One process, with its arguments, that read these and made the file `/out/NAME`.
    pub(super) fn made<P: AsRef<[u8]>>(&mut self, arguments: &[&str], read: &[P], name: &str) {
        let (program, directory) = (self.child(trace::NAMELESS, self.program.clone().as_bytes()), self.path(b"out"));
        let start = self.next();
        let arguments = std::iter::once(self.program.as_str()).chain(arguments.iter().copied());
        let arguments = arguments.map(Into::into).collect();
        let programs = vec![Program { order: start, path: program, directory, arguments, cut: false }];
        // Times are known of what is written only: a file of this stage is read when it is there.
        let mut accesses = Vec::new();
        for path in read {
            let path = path.as_ref();
            let order = self.next();
            let made = path.starts_with(b"/out/").then_some((order, order));
            accesses.push(Access { path: self.path(path), ways: Ways::READ, read: made, written: None });
        }
        let order = self.next();
        let (path, ways) = (self.path(format!("out/{name}").as_bytes()), Ways::WRITTEN.and(Ways::CREATED));
        accesses.push(Access { path, ways, read: None, written: Some((order, order)) });
        accesses.sort_by_key(|access| access.path);
        accesses.dedup_by_key(|access| access.path);
        let end = Some(self.next());
        self.trace.processes.push(Process { parent: 0, start, end, exit: Exit::Code(0), programs, accesses });
    }

    /// The trace.
    pub(super) fn finish(self) -> Trace {
        self.trace
    }
}
