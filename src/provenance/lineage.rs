//! The processes that a file's content came through, from those who wrote it last back to where it began.

use std::collections::{BTreeSet, VecDeque};

use super::class::{Class, Kind};
use super::index::{END, Index};
use super::versions::{During, SLACK};
use super::walk::{for_child, inherits, reads};
use crate::sandbox::Source;
use crate::trace::{PathId, ROOT, Ways};

/// Most processes that are told of.
const MOST: usize = 400;

/// How a process has to do with the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Passed {
    /// It wrote what that one read.
    Wrote,
    /// That one asked it: a shell's `$(…)`.
    Answered,
    /// It started that one, with arguments that the caller of [`Index::lineage`] finds odd.
    Started,
}

/// A process on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Its number.
    pub process: u32,
    /// The passage after it; none: it wrote what was asked for.
    pub to: Option<usize>,
    /// How it has to do with that.
    pub how: Passed,
    /// By which path: that of a file, or `pipe:1`; empty where there is none.
    pub by: String,
    /// What it took that is otherwise each time: `clock`, `random`, `order` (it listed a folder), `stat` and so on, as the
    /// trace calls it.
    pub took: BTreeSet<String>,
    /// Whether another process wrote to the same while it ran, without any order between the two.
    pub beside: bool,
}

/// What the caller knows of a trace's stage.
pub trait Judgement {
    /// Whether a path surely holds what is no reason to look further.
    fn is_settled(&mut self, path: &str) -> bool;
    /// Whether a process with such a command is to be followed to who started it.
    fn is_odd(&mut self, program: &str, arguments: &[String]) -> bool;
}

struct Waiting {
    process: u32,
    /// When what it wrote was read.
    until: u32,
    wrote: PathId,
    to: Option<usize>,
    how: Passed,
    beside: bool,
}

impl Index {
    /// The processes that the content of a path came through, as it is when the stage has ended; the nearest first.
    pub fn lineage(&mut self, path: &str, judgement: &mut dyn Judgement) -> Vec<Passage> {
        let id = self.names.find(ROOT, path.as_bytes());
        let mut waiting: VecDeque<Waiting> = self.wrote(id, During::AFTER, 0, None).into();
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        while let Some(next) = waiting.pop_front() {
            if found.len() == MOST || !seen.insert(next.process) {
                continue;
            }
            let at = found.len();
            let by = if next.how == Passed::Started { String::new() } else { self.names.text(next.wrote) };
            let (process, to, how, beside) = (next.process, next.to, next.how, next.beside);
            found.push(Passage { process, to, how, by, took: self.took(process), beside });
            waiting.extend(self.before(&next, at, judgement));
        }
        found
    }

    /// Who wrote to a path before that, or what was moved there.
    fn wrote(&mut self, path: PathId, during: During, via: u32, to: Option<usize>) -> Vec<Waiting> {
        let mut found: Vec<Waiting> = Vec::new();
        let mut paths = vec![(path, during)];
        let mut seen = BTreeSet::new();
        while let Some((at, during)) = paths.pop() {
            if !seen.insert((at, during.last)) {
                continue;
            }
            let origin = self.origin(at, during);
            paths.extend(origin.moved.iter().map(|(from, order)| (*from, During { first: *order, last: *order })));
            let mut writers: Vec<u32> = Vec::new();
            if origin.writers.is_empty() {
                let feeders = self.feeders(at).filter(|feeder| *feeder != via);
                writers = feeders.filter(|feeder| self.judge(*feeder).kind != Kind::Make).collect();
            }
            let several = origin.writers.len() > 1;
            for number in origin.writers.clone() {
                let writer = self.writer(number);
                if writer.process != via && origin.has(&writer) && !(several && for_child(self, &writer, at)) {
                    writers.push(writer.process);
                }
            }
            // The last one first.
            for process in writers.iter().rev().copied() {
                let beside = writers.iter().any(|other| self.is_beside(process, *other));
                found.push(Waiting { process, until: during.last, wrote: at, to, how: Passed::Wrote, beside });
            }
        }
        found
    }

    /// Whether two processes ran at the same time, and neither is above the other.
    fn is_beside(&self, a: u32, b: u32) -> bool {
        let above = |mut at: u32, other: u32| {
            while at > 0 && at != other {
                at = self.parent(at);
            }
            at == other
        };
        a != b && self.start(a).max(self.start(b)) < self.end(a).min(self.end(b)) && !above(a, b) && !above(b, a)
    }

    /// Those before a process: who wrote what it read, whom it asked, and who started it if its command is odd.
    fn before(&mut self, after: &Waiting, at: usize, judgement: &mut dyn Judgement) -> Vec<Waiting> {
        let Waiting { process, until, wrote, .. } = *after;
        let judge = self.judge(process);
        let copies = judge.kind == Kind::Copier && after.how == Passed::Wrote;
        let reads = if copies { self.copier(process).reads(self, wrote) } else { reads(self, process, &judge) };
        let mut found = Vec::new();
        // Whom it asked is told apart from whose output it read.
        let pipes: Vec<PathId> = self.substitutions(process).collect();
        for (touch, _) in reads.into_iter().filter(|(_, class)| *class == Class::Data) {
            let nameless = self.names.is_nameless(touch.path);
            let (first, last) = self.read(touch).unwrap_or((0, END));
            let late = first > until.saturating_add(SLACK);
            if touch.path == wrote
                || late
                || pipes.contains(&touch.path)
                || if nameless { inherits(self, process, touch.path) } else { !self.is_timed(touch) }
            {
                continue;
            }
            if !nameless && judgement.is_settled(&self.names.text(touch.path)) {
                continue;
            }
            let last = if nameless { self.end(process) } else { last };
            found.extend(self.wrote(touch.path, During { first, last: last.min(until) }, process, Some(at)));
        }
        let mut asked: Vec<Waiting> = Vec::new();
        for pipe in pipes {
            let mut own = self.wrote(pipe, During { first: 0, last: END }, process, Some(at));
            own.iter_mut().for_each(|one| one.how = Passed::Answered);
            asked.extend(own);
        }
        // The one that answered last before it was needed is the likeliest.
        let needed = if until == END { self.end(process) } else { until };
        asked.sort_by_key(|one| self.end(one.process).abs_diff(needed));
        found.extend(asked);
        let (program, arguments) = self.command(process);
        let parent = self.parent(process);
        if parent > 0 && judgement.is_odd(&program, &arguments) {
            let until = self.start(process);
            found.push(Waiting { process: parent, until, wrote, to: Some(at), how: Passed::Started, beside: false });
        }
        found
    }

    /// A process's program and arguments.
    pub fn command(&self, process: u32) -> (String, Vec<String>) {
        let Some(program) = self.program(process) else { return Default::default() };
        let lossy = |word: &Vec<u8>| String::from_utf8_lossy(word).into_owned();
        (self.names.text(program.path), program.arguments.iter().map(lossy).collect())
    }

    /// What a process took that is otherwise each time.
    fn took(&self, process: u32) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for touch in self.touches(process) {
            let name = self.names.name(touch.path);
            if self.names.is_nameless(touch.path) {
                if touch.any(Ways::READ) && Source::ALL.iter().any(|source| source.name().as_bytes() == name) {
                    found.insert(String::from_utf8_lossy(name).into_owned());
                }
            } else if touch.any(Ways::READ)
                && matches!(self.names.text(touch.path).as_str(), "/dev/urandom" | "/dev/random")
            {
                found.insert("random".to_owned());
            } else if touch.any(Ways::LISTED) && self.names.place(touch.path).is_own() {
                found.insert("order".to_owned());
            }
        }
        found
    }
}
