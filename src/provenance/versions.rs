//! Who made what a path held at some time.

use std::ops::Range;

use crate::trace::{NAMELESS, PathId, ROOT};

use super::index::{Arrival, END, Index, Writer};

/// Order numbers of two processes that differ by no more than this may be in the wrong order: events of several
/// processors are numbered as they arrive. Nothing surely came before another that is so near.
pub(super) const SLACK: u32 = 128;

/// Whether one event came before another, whatever the order of near ones was.
fn surely_before(a: u32, b: u32) -> bool {
    a.saturating_add(SLACK) < b
}

/// A time in which a path was looked at: order numbers of the first and the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct During {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl During {
    /// After the stage has ended.
    pub(super) const AFTER: Self = Self { first: END, last: END };
}

/// Where the content of a path came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Those who may have written to it, in the list of all writers; see [`Origin::has`].
    pub(super) writers: Range<usize>,
    /// When it was surely replaced last.
    floor: Option<u32>,
    /// Paths that were moved here, and when.
    pub(super) moved: Vec<(PathId, u32)>,
    /// Whether it may still hold what was there before the stage began.
    pub(super) original: bool,
}

impl Origin {
    /// Whether something that was done last at this time may still have to do with it.
    fn is_later(&self, last: u32) -> bool {
        self.floor.is_none_or(|floor| !surely_before(last, floor))
    }

    /// Whether this one of its writers has to do with it.
    pub(super) fn has(&self, writer: &Writer) -> bool {
        self.is_later(writer.last)
    }
}

impl Index {
    /// Where that came from which was at a path during a time.
    ///
    /// When a file was surely replaced (made where there was none, or renamed to there), whoever wrote before has nothing
    /// to do with it. A link does not count for that: it fails where something is. Several who wrote to the same file are
    /// all given: whether the last one appended or began anew, a trace does not tell.
    pub(super) fn origin(&mut self, path: PathId, during: During) -> Origin {
        let possible = |at: u32| at <= during.last.saturating_add(SLACK);
        let mut writers = self.writers_of(path);
        writers.end = partition(writers.clone(), |at| possible(self.writer(at).first));
        let mut origin = Origin { writers, ..Origin::default() };
        if self.names.is_nameless(path) {
            return origin;
        }
        let surely = |at: u32| surely_before(at, during.first);
        let mut arrivals: Vec<(PathId, Arrival)> = Vec::new();
        let mut at = path;
        while at > NAMELESS {
            arrivals.extend(self.arrivals(at).filter(|arrival| possible(arrival.order)).map(|arrival| (at, arrival)));
            at = self.names.parent(at);
        }
        let renamed = arrivals.iter().filter(|(_, arrival)| !arrival.link).map(|(_, arrival)| arrival.order);
        origin.floor = renamed.filter(|order| surely(*order)).max();
        for at in origin.writers.clone().rev() {
            let writer = self.writer(at);
            if writer.created && surely(writer.first) {
                origin.floor = origin.floor.max(Some(writer.first));
            }
            if !origin.is_later(self.last_so_far(at)) {
                origin.writers.start = at + 1;
                break;
            }
        }
        origin.original = origin.floor.is_none();
        let arrivals: Vec<_> = arrivals.into_iter().filter(|(_, arrival)| origin.is_later(arrival.order)).collect();
        for (to, Arrival { order, from, .. }) in arrivals {
            origin.moved.push((self.names.rebase(path, to, from), order));
        }
        origin.moved.sort_unstable();
        origin.moved.dedup();
        // A folder that is moved to below itself leads nowhere.
        origin.moved.retain(|(from, _)| *from != path && *from != ROOT);
        origin
    }
}

/// The first number of a range of which `holds` does not, when it holds of those before and not of those after.
fn partition(range: Range<usize>, holds: impl Fn(usize) -> bool) -> usize {
    let Range { start: mut from, end: mut to } = range;
    while from < to {
        let middle = from + (to - from) / 2;
        if holds(middle) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}
