//! From files that a stage left back to what went into them.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::class::{Class, Judge, Kind};
use super::index::{END, Index, Touch, Writer};
use super::versions::During;
use crate::trace::{PathId, ROOT, Ways};

/// A path that something was read from, or executed, and that may be an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf {
    /// How it reached the output; the strongest way.
    pub(super) class: Class,
    /// How many processes did so, in that way.
    pub(super) readers: u32,
    /// One of them.
    pub(super) reader: u32,
    /// The one that was counted last.
    last: u32,
    /// Whether the stage changed the path before, maybe.
    pub(super) changed: bool,
    /// Whether it was executed, by a process or as its loader.
    pub(super) executed: bool,
}

/// A process on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) class: Class,
    /// The process that read what this one wrote; 0: it wrote what was asked for.
    pub(super) via: u32,
    /// What it wrote that counts here.
    pub(super) wrote: BTreeSet<PathId>,
    /// How far its reads were followed.
    until: u32,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// By path.
    pub(super) leaves: BTreeMap<PathId, Leaf>,
    /// By number.
    pub(super) steps: BTreeMap<u32, Step>,
    /// Of programs that copy: where what they wrote was read, and how far that was followed.
    copies: BTreeMap<(u32, PathId), u32>,
    /// Programs that were executed, with the process that did, and when.
    tools: BTreeMap<PathId, (u32, u32)>,
    /// For paths whose writers were followed: the first of them in the list of all, and until when.
    sought: BTreeMap<PathId, (usize, u32)>,
}

/// A path that something was read from, or executed, on the way to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The path.
    pub path: String,
    /// How it reached the file; the strongest way.
    pub class: Class,
    /// How many processes read or executed it so.
    pub readers: u32,
    /// The number of one of them.
    pub reader: u32,
}

impl Index {
    /// What reached a path of the sandbox, as it is when the stage has ended: all that the stage did not surely make
    /// itself, by path. Whether an input has it is not asked.
    pub fn reach(&mut self, path: &str) -> Vec<Reach> {
        let id = self.names.find(ROOT, path.as_bytes());
        let walk = Walk::new(self, &[id]);
        let reach = |(path, leaf): (&PathId, &Leaf)| Reach {
            path: self.names.text(*path),
            class: leaf.class,
            readers: leaf.readers,
            reader: leaf.reader,
        };
        walk.leaves.iter().map(reach).collect()
    }
}

/// A process whose reads are still to be followed. The latest is taken first: what it read was written earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    until: u32,
    process: u32,
    wrote: PathId,
    /// Where what it wrote was when it was read.
    name: PathId,
    via: u32,
}

/// A path whose writers are looked for.
#[derive(Debug, Clone, Copy)]
struct Sought {
    path: PathId,
    /// When it was read.
    during: During,
    /// By whom; 0 after the end.
    via: u32,
    /// How it counts.
    class: Class,
}

impl Walk {
    /// Follows these paths as they are when the stage has ended.
    pub(super) fn new(index: &mut Index, wanted: &[PathId]) -> Self {
        let mut this = Self::default();
        let mut heap = BinaryHeap::new();
        for path in wanted {
            let sought = Sought { path: *path, during: During::AFTER, via: 0, class: Class::Data };
            this.seek(index, sought, &mut heap);
        }
        this.follow(index, heap, Class::Data);
        let makers: Vec<u32> = this.steps.keys().copied().collect();
        this.follow_tools(index);
        this.control(index, &makers);
        this
    }

    /// Finds out who wrote what was at a path that `via` read. Gives whether it may have been an input.
    fn seek(&mut self, index: &mut Index, sought: Sought, heap: &mut BinaryHeap<Next>) -> bool {
        let Sought { path, during, via, class } = sought;
        // With the moves that led to each: none can have happened twice on one way.
        let mut waiting = vec![(path, during, Vec::new())];
        let mut seen = BTreeSet::new();
        let mut original = false;
        while let Some((at, during, moves)) = waiting.pop() {
            if !seen.insert((at, during.last)) {
                continue;
            }
            let origin = index.origin(at, during);
            original |= origin.original && at == path;
            if origin.original && at != path {
                // What was moved may have been an input, too.
                self.leaf(at, class, via, true);
            }
            for (from, order) in origin.moved.iter().filter(|(_, order)| !moves.contains(order)) {
                let during = During { first: *order, last: *order };
                waiting.push((*from, during, [moves.as_slice(), &[*order]].concat()));
            }
            let next = |process| Next { until: during.last, process, wrote: at, name: path, via };
            if origin.writers.is_empty() {
                // Make gives those whom it starts a pipe that nobody writes to.
                let feeders = index.feeders(at).filter(|feeder| *feeder != via);
                let feeders: Vec<u32> = feeders.filter(|it| index.judge(*it).kind != Kind::Make).collect();
                heap.extend(feeders.into_iter().map(next));
            }
            // Whoever read it later followed all of these, and further.
            let last = during.last;
            let known = |before: &(usize, u32)| before.0 <= origin.writers.start && before.1 >= last;
            if via > 0 && self.sought.get(&at).is_some_and(known) {
                continue;
            }
            self.sought.insert(at, (origin.writers.start, during.last));
            let several = origin.writers.len() > 1;
            for number in origin.writers.clone() {
                let writer = index.writer(number);
                if writer.process != via && origin.has(&writer) && !(several && for_child(index, &writer, at)) {
                    heap.push(next(writer.process));
                }
            }
        }
        original
    }

    fn leaf(&mut self, path: PathId, class: Class, reader: u32, changed: bool) {
        let new = Leaf { class, readers: 0, reader, last: 0, changed, executed: false };
        let leaf = self.leaves.entry(path).or_insert(new);
        if class < leaf.class {
            *leaf = Leaf { executed: leaf.executed, ..new };
        }
        // A process that is followed further than before reads the same again.
        if class == leaf.class && leaf.last != reader {
            leaf.readers += 1;
            leaf.last = reader;
            leaf.changed |= changed;
        }
    }

    fn follow(&mut self, index: &mut Index, mut heap: BinaryHeap<Next>, class: Class) {
        while let Some(Next { until, process, wrote, name, via }) = heap.pop() {
            let judge = index.judge(process);
            let copies = judge.kind == Kind::Copier;
            let step = self.steps.entry(process).or_insert(Step { class, via, wrote: BTreeSet::new(), until: 0 });
            step.wrote.insert(wrote);
            if step.class < class || step.until >= until.max(1) && !copies {
                continue;
            }
            step.until = step.until.max(until.max(1));
            if copies && self.copies.insert((process, name), until).is_some_and(|before| before >= until) {
                continue;
            }
            self.executed(index, process);
            let reads = if copies { index.copier(process).reads(index, name) } else { reads(index, process, &judge) };
            for (touch, read_class) in reads {
                if read_class != Class::Data {
                    self.leaf(touch.path, read_class.max(class), process, index.is_timed(touch));
                    continue;
                }
                let (first, last) = index.read(touch).unwrap_or((0, END));
                if first > until.saturating_add(super::versions::SLACK) {
                    continue;
                }
                if index.names.is_nameless(touch.path) && inherits(index, process, touch.path) {
                    continue;
                }
                let nameless = index.names.is_nameless(touch.path);
                if !nameless && !index.is_timed(touch) {
                    self.leaf(touch.path, class, process, false);
                    continue;
                }
                // A pipe is read until its reader ends; when it was opened says nothing.
                let last = if nameless { index.end(process) } else { last };
                let during = During { first, last: last.min(until) };
                let sought = Sought { path: touch.path, during, via: process, class };
                if self.seek(index, sought, &mut heap) && !nameless {
                    self.leaf(touch.path, class, process, true);
                }
            }
        }
    }

    /// Notes the programs of a process, and of the compiler's driver that started it.
    fn executed(&mut self, index: &Index, process: u32) {
        let mut at = process;
        loop {
            let when = index.programs(at).last().map_or(END, |program| program.order);
            let mut note = |touch: &Touch| {
                self.tools.entry(touch.path).or_insert((at, when));
            };
            if index.judge(at).kind == Kind::Copier {
                index.copier(at).tools.iter().for_each(&mut note);
            } else {
                let tool = |touch: &&Touch| touch.any(Ways::EXECUTED.and(Ways::LOADER));
                index.touches(at).iter().filter(tool).for_each(&mut note);
            }
            at = index.parent(at);
            if at == 0 || !matches!(index.judge(at).kind, Kind::Driver | Kind::Linker) {
                break;
            }
        }
    }

    /// Follows programs that the stage made itself.
    fn follow_tools(&mut self, index: &mut Index) {
        let mut done = BTreeSet::new();
        while let Some((path, (process, when))) =
            self.tools.iter().find(|(path, _)| !done.contains(*path)).map(|(p, w)| (*p, *w))
        {
            done.insert(path);
            let touch = index.touch(process, path);
            let changed = touch.is_some_and(|touch| index.is_timed(touch));
            let mut heap = BinaryHeap::new();
            let during = During { first: when, last: when };
            let sought = Sought { path, during, via: process, class: Class::Tool };
            let original = !changed || self.seek(index, sought, &mut heap);
            if original {
                self.leaf(path, Class::Tool, process, changed);
                if let Some(leaf) = self.leaves.get_mut(&path) {
                    leaf.executed = true;
                }
            }
            self.follow(index, heap, Class::Tool);
        }
    }

    /// What those read who started the processes that made the output, and what all of these asked commands for.
    fn control(&mut self, index: &mut Index, makers: &[u32]) {
        let mut all = BTreeSet::new();
        for process in makers {
            let mut at = *process;
            while at > 0 && all.insert(at) {
                at = index.parent(at);
            }
        }
        let mut readers = all.clone();
        for process in &all {
            for pipe in index.substitutions(*process) {
                readers.extend(index.writers_of(pipe).map(|at| index.writer(at).process));
            }
        }
        readers.retain(|process| !self.is_data(*process));
        for process in readers {
            let judge = index.judge(process);
            for (touch, class) in reads(index, process, &judge) {
                if class != Class::Tool && !index.names.is_nameless(touch.path) {
                    self.leaf(touch.path, Class::Control, process, index.is_timed(touch));
                }
            }
        }
    }

    fn is_data(&self, process: u32) -> bool {
        self.steps.get(&process).is_some_and(|step| step.class == Class::Data)
    }
}

/// What a process read, judged.
pub(super) fn reads(index: &Index, process: u32, judge: &Judge) -> Vec<(Touch, Class)> {
    // What a shell opened for a child is the child's.
    let for_child = |touch: &Touch| judge.kind == Kind::Shell && index.handed(process, touch.path);
    let own = index.touches(process).iter().filter(|touch| touch.any(Ways::READ) && !for_child(touch));
    own.filter_map(|touch| Some((*touch, judge.class(index, *touch)?))).collect()
}

/// Whether a process only opened a file for those whom it started: a shell for a command that has it as standard
/// output, a compiler's driver for the compiler.
pub(super) fn for_child(index: &Index, writer: &Writer, path: PathId) -> bool {
    !writer.standard && index.handed(writer.process, path) || index.judge(writer.process).kind == Kind::Driver
}

/// Whether a process has a pipe as standard input only because make hands its own to all that it starts.
pub(super) fn inherits(index: &Index, process: u32, pipe: PathId) -> bool {
    let mut at = index.parent(process);
    while at > 0 && index.touch(at, pipe).is_some_and(|touch| touch.any(Ways::READ)) {
        if index.judge(at).kind == Kind::Make {
            return true;
        }
        at = index.parent(at);
    }
    false
}
