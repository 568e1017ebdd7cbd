//! A trace, sorted once so that questions walk only what they need.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use crate::trace::{Error, Move, MoveKind, PathId, Process, Program, ROOT, Reader, Ways};

use super::class::Judge;
use super::copier::Copier;
use super::names::Names;

/// A process that could not have seen the end of the stage: later than everything.
pub(super) const END: u32 = u32::MAX;

/// What a process did to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touch {
    pub(super) path: PathId,
    /// Number of its order numbers in [`Index::spans`] plus one; 0 without any.
    span: u32,
    pub(super) ways: u16,
}

const _: () = assert!(Ways::NAMES.len() <= 16, "ways fit into a touch");

impl Touch {
    pub(super) fn any(&self, ways: Ways) -> bool {
        Ways(self.ways.into()).any(ways)
    }
}

/// First and last order number of reads, and of writes; the first is above the last when there are none.
#[derive(Debug, Clone, Copy)]
struct Span {
    read: (u32, u32),
    written: (u32, u32),
}

const NONE: (u32, u32) = (END, 0);

/// A process: where its touches and programs begin. They end where those of the next begin.
#[derive(Debug, Clone, Copy)]
struct Start {
    parent: u32,
    start: u32,
    end: u32,
    touches: u32,
    programs: u32,
}

/// A process that wrote to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writer {
    /// Its number, from 1.
    pub(super) process: u32,
    /// First and last time that it did so.
    pub(super) first: u32,
    pub(super) last: u32,
    /// Whether the file was not there before.
    pub(super) created: bool,
    /// Whether it had it as standard output or error, and nothing more.
    pub(super) standard: bool,
}

/// A rename or link to a path. Sorted by path, then by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival {
    pub(super) to: PathId,
    pub(super) order: u32,
    pub(super) from: PathId,
    pub(super) process: u32,
    /// Whether it is at the old path, too.
    pub(super) link: bool,
}

/// The trace of a stage, ready for questions.
///
/// Memory: 12 bytes for what a process did to a path, 16 more where the stage changed that path, 8 for each writing, 33
/// and the name for each path.
#[derive(Debug)]
pub struct Index {
    pub(super) names: Names,
    starts: Vec<Start>,
    programs: Vec<Program>,
    touches: Vec<Touch>,
    spans: Vec<Span>,
    /// Touches that write, by path, then by the first write.
    writers: Vec<u32>,
    /// For each of these the last write of all up to it that are of the same path.
    last_so_far: Vec<u32>,
    /// For each path where its writers begin.
    writers_of: Vec<u32>,
    /// Sorted.
    arrivals: Vec<Arrival>,
    /// Files that a child has as standard descriptor: parent and path, sorted. The parent opened them for the child.
    handed: Vec<(u32, PathId)>,
    /// Pipes that nobody reads as standard input: whoever reads, and the pipe; sorted. A shell that reads what a command
    /// says.
    substitutions: Vec<(u32, PathId)>,
    /// Pipes that nobody writes as standard output: the pipe, and whoever writes.
    fed: Vec<(PathId, u32)>,
    /// What questions found out so far, for those that follow.
    judges: RefCell<BTreeMap<u32, Rc<Judge>>>,
    copiers: RefCell<BTreeMap<u32, Rc<Copier>>>,
}

/// What is known of a process, found out when it is asked for first. Finding out may ask for others.
fn once<T>(known: &RefCell<BTreeMap<u32, Rc<T>>>, process: u32, find: impl FnOnce() -> T) -> Rc<T> {
    if let Some(found) = known.borrow().get(&process) {
        return Rc::clone(found);
    }
    let found = Rc::new(find());
    known.borrow_mut().insert(process, Rc::clone(&found));
    found
}

const WRITES: Ways = Ways::WRITTEN.and(Ways::CREATED);

impl Index {
    /// Reads a trace, process by process.
    ///
    /// # Errors
    /// The bytes are no trace.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes)?;
        let mut this = Self { names: Names::new(&reader.paths), ..Self::empty() };
        let mut standard = Vec::new();
        let mut number = 0;
        while let Some(process) = reader.process()? {
            number += 1;
            this.add(number, process, &mut standard);
        }
        for Move { order, process, kind, from, to } in reader.moves()? {
            // What lies on two file systems cannot be moved: whoever tries copies it then.
            if this.mount(from) == this.mount(to) {
                this.arrivals.push(Arrival { to, order, from, process, link: kind == MoveKind::Link });
                if kind == MoveKind::Exchange {
                    this.arrivals.push(Arrival { to: from, order, from: to, process, link: false });
                }
            }
        }
        this.arrivals.sort_unstable();
        this.sort_writers();
        this.connect(standard);
        this.handed.sort_unstable();
        this.handed.dedup();
        Ok(this)
    }

    fn empty() -> Self {
        Self {
            names: Names::default(),
            starts: Vec::new(),
            programs: Vec::new(),
            touches: Vec::new(),
            spans: Vec::new(),
            writers: Vec::new(),
            last_so_far: Vec::new(),
            writers_of: Vec::new(),
            arrivals: Vec::new(),
            handed: Vec::new(),
            substitutions: Vec::new(),
            fed: Vec::new(),
            judges: RefCell::default(),
            copiers: RefCell::default(),
        }
    }

    /// The directory of a sandbox that a file system is mounted at.
    fn mount(&self, path: PathId) -> PathId {
        let (mut at, mut below) = (path, path);
        while self.names.parent(at) != ROOT {
            (at, below) = (self.names.parent(at), at);
        }
        match self.names.name(at) {
            b"build" | b"out" | b"tmp" | b"target" | b"stage" | b"dev" => at,
            b"src" | b"in" => below,
            _ => ROOT,
        }
    }

    fn add(&mut self, number: u32, process: Process, standard: &mut Vec<(PathId, u32, Ways)>) {
        let Process { parent, start, end, programs, accesses, .. } = process;
        let (touches, first) = (self.touches.len() as u32, self.programs.len() as u32);
        self.starts.push(Start { parent, start, end: end.unwrap_or(END), touches, programs: first });
        self.programs.extend(programs);
        for access in accesses {
            let span = if access.read.is_some() || access.written.is_some() {
                let span = Span { read: access.read.unwrap_or(NONE), written: access.written.unwrap_or(NONE) };
                self.spans.push(span);
                self.spans.len() as u32
            } else {
                0
            };
            self.touches.push(Touch { path: access.path, span, ways: access.ways.0 as u16 });
            if access.ways.any(Ways::STANDARD) {
                if self.names.is_nameless(access.path) {
                    standard.push((access.path, number, access.ways));
                } else if parent > 0 {
                    self.handed.push((parent, access.path));
                }
            }
        }
    }

    fn sort_writers(&mut self) {
        let mut counts = vec![0_u32; self.names.len() + 1];
        let writes = |touch: &Touch| touch.any(WRITES);
        for touch in self.touches.iter().filter(|touch| writes(touch)) {
            counts[touch.path as usize + 1] += 1;
        }
        for at in 1..counts.len() {
            counts[at] += counts[at - 1];
        }
        self.writers = vec![0; counts.last().copied().unwrap_or(0) as usize];
        let mut next = counts.clone();
        for (at, touch) in self.touches.iter().enumerate().filter(|(_, touch)| writes(touch)) {
            let place = &mut next[touch.path as usize];
            self.writers[*place as usize] = at as u32;
            *place += 1;
        }
        let (touches, spans) = (&self.touches, &self.spans);
        let first = |at: &u32| {
            let touch = &touches[*at as usize];
            (touch.span as usize).checked_sub(1).and_then(|at| spans.get(at)).map_or(0, |span| span.written.0)
        };
        for pair in counts.windows(2) {
            if let Some(of_path) = self.writers.get_mut(pair[0] as usize..pair[1] as usize) {
                of_path.sort_by_key(first);
            }
        }
        self.last_so_far = (0..self.writers.len()).map(|at| self.writer(at).last).collect();
        for pair in counts.windows(2) {
            for at in pair[0] as usize + 1..pair[1] as usize {
                self.last_so_far[at] = self.last_so_far[at].max(self.last_so_far[at - 1]);
            }
        }
        self.writers_of = counts;
    }

    /// Finds out who holds the ends of pipes that are nobody's standard descriptor: a parent of those at the other end.
    fn connect(&mut self, mut standard: Vec<(PathId, u32, Ways)>) {
        standard.sort_unstable();
        for held in standard.chunk_by(|a, b| a.0 == b.0) {
            let pipe = held[0].0;
            let of = |way: Ways| held.iter().filter(move |(_, _, ways)| ways.any(way)).map(|(_, process, _)| *process);
            // Those who have no parent at the same end.
            let tops = |way: Ways| {
                let all: Vec<u32> = of(way).collect();
                let parents = all.iter().map(|process| self.parent(*process));
                let mut tops: Vec<u32> = parents.filter(|parent| all.binary_search(parent).is_err()).collect();
                tops.sort_unstable();
                tops.dedup();
                tops
            };
            if of(Ways::READ).next().is_none() {
                // What the first process writes to as well is the stage's log.
                let readers = tops(Ways::WRITTEN);
                if !readers.contains(&0) {
                    self.substitutions.extend(readers.into_iter().map(|reader| (reader, pipe)));
                }
            } else if of(Ways::WRITTEN).next().is_none() {
                self.fed.extend(tops(Ways::READ).into_iter().filter(|feeder| *feeder > 0).map(|feeder| (pipe, feeder)));
            }
        }
        self.substitutions.sort_unstable();
        self.fed.sort_unstable();
    }

    /// How many processes there are.
    pub fn processes(&self) -> u32 {
        self.starts.len() as u32
    }

    fn at(&self, process: u32) -> Option<&Start> {
        self.starts.get((process as usize).checked_sub(1)?)
    }

    /// The parent's number, or 0.
    pub(super) fn parent(&self, process: u32) -> u32 {
        self.at(process).map_or(0, |at| at.parent)
    }

    /// Order number of its first call.
    pub(super) fn start(&self, process: u32) -> u32 {
        self.at(process).map_or(0, |at| at.start)
    }

    /// Order number of its end.
    pub(super) fn end(&self, process: u32) -> u32 {
        self.at(process).map_or(END, |at| at.end)
    }

    /// What it did, by path.
    pub(super) fn touches(&self, process: u32) -> &[Touch] {
        let Some(at) = self.at(process) else { return &[] };
        let end = self.starts.get(process as usize).map_or(self.touches.len(), |next| next.touches as usize);
        self.touches.get(at.touches as usize..end).unwrap_or_default()
    }

    /// What it did to a path.
    pub(super) fn touch(&self, process: u32, path: PathId) -> Option<Touch> {
        let touches = self.touches(process);
        touches.binary_search_by_key(&path, |touch| touch.path).ok().map(|at| touches[at])
    }

    /// The programs that it executed.
    pub(super) fn programs(&self, process: u32) -> &[Program] {
        let Some(at) = self.at(process) else { return &[] };
        let end = self.starts.get(process as usize).map_or(self.programs.len(), |next| next.programs as usize);
        self.programs.get(at.programs as usize..end).unwrap_or_default()
    }

    /// What is known of a process by its program.
    pub(super) fn judge(&self, process: u32) -> Rc<Judge> {
        once(&self.judges, process, || Judge::new(self, process))
    }

    /// What a process that copies has read.
    pub(super) fn copier(&self, process: u32) -> Rc<Copier> {
        once(&self.copiers, process, || Copier::new(self, process))
    }

    /// The program that a process ran last; of one that executed none, what its parent ran when it began.
    pub(super) fn program(&self, process: u32) -> Option<&Program> {
        let mut at = process;
        let mut until = END;
        while at > 0 {
            if let Some(program) = self.programs(at).iter().rev().find(|program| program.order <= until) {
                return Some(program);
            }
            until = self.start(at);
            // Parents have lower numbers.
            at = self.parent(at);
        }
        None
    }

    /// When a touch read: first and last.
    pub(super) fn read(&self, touch: Touch) -> Option<(u32, u32)> {
        let span = self.spans.get((touch.span as usize).checked_sub(1)?)?;
        (span.read.0 <= span.read.1).then_some(span.read)
    }

    /// Whether any order number of a path is known: some process changed it.
    pub(super) fn is_timed(&self, touch: Touch) -> bool {
        touch.span > 0
    }

    /// Where in the list of all writers those of a path are, by the first time that each wrote.
    pub(super) fn writers_of(&self, path: PathId) -> Range<usize> {
        let at = path as usize;
        match (self.writers_of.get(at), self.writers_of.get(at + 1)) {
            (Some(from), Some(to)) => *from as usize..*to as usize,
            _ => 0..0,
        }
    }

    /// One of all writers.
    pub(super) fn writer(&self, at: usize) -> Writer {
        let at = self.writers.get(at).copied().unwrap_or(0);
        let touch = self.touches[at as usize];
        let span = (touch.span as usize).checked_sub(1).and_then(|at| self.spans.get(at));
        let written = span.map(|span| span.written).filter(|(first, last)| first <= last);
        let (first, last) = written.unwrap_or((0, 0));
        let process = self.starts.partition_point(|start| start.touches <= at) as u32;
        Writer { process, first, last, created: touch.any(Ways::CREATED), standard: touch.any(Ways::STANDARD) }
    }

    /// The last write of one of all writers and of those before it that wrote to the same path.
    pub(super) fn last_so_far(&self, at: usize) -> u32 {
        self.last_so_far.get(at).copied().unwrap_or(END)
    }

    /// Renames and links to a path, in order.
    pub(super) fn arrivals(&self, path: PathId) -> impl Iterator<Item = Arrival> + '_ {
        let from = self.arrivals.partition_point(|arrival| arrival.to < path);
        self.arrivals[from..].iter().take_while(move |arrival| arrival.to == path).copied()
    }

    /// Whether a process opened a file for a child's standard descriptor.
    pub(super) fn handed(&self, process: u32, path: PathId) -> bool {
        self.handed.binary_search(&(process, path)).is_ok()
    }

    /// The pipes that a process reads what its children say from.
    pub(super) fn substitutions(&self, process: u32) -> impl Iterator<Item = PathId> + '_ {
        let from = self.substitutions.partition_point(|(reader, _)| *reader < process);
        self.substitutions[from..].iter().take_while(move |(reader, _)| *reader == process).map(|(_, pipe)| *pipe)
    }

    /// Who writes into a pipe that nobody has as standard output.
    pub(super) fn feeders(&self, pipe: PathId) -> impl Iterator<Item = u32> + '_ {
        let from = self.fed.partition_point(|(of, _)| *of < pipe);
        self.fed[from..].iter().take_while(move |(of, _)| *of == pipe).map(|(_, feeder)| *feeder)
    }
}
