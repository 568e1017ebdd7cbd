//! What a process's descriptors are open on.

use super::files::Node;
use super::model::PathId;

/// What a descriptor is open on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) path: PathId,
    /// Known of directories and files that have a name.
    pub(super) node: Option<Node>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    number: i32,
    open: Open,
    /// Whether it is closed on exec.
    closes: bool,
}

/// All descriptors of a process that matter, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Descriptors(Vec<Slot>);

impl Descriptors {
    fn find(&self, number: i32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |slot| slot.number)
    }

    pub(super) fn get(&self, number: i32) -> Option<Open> {
        self.find(number).ok().map(|at| self.0[at].open)
    }

    /// A new descriptor; what had this number before was closed.
    pub(super) fn set(&mut self, number: i32, open: Open, closes: bool) {
        let slot = Slot { number, open, closes };
        match self.find(number) {
            Ok(at) => self.0[at] = slot,
            Err(at) => self.0.insert(at, slot),
        }
    }

    /// Another number for the same; for what is not known the number is unknown from now on.
    pub(super) fn copy(&mut self, from: i32, to: i32, closes: bool) {
        match self.get(from) {
            Some(open) => self.set(to, open, closes),
            None => self.close(to, to),
        }
    }

    /// Closes all with numbers from the first to the last.
    pub(super) fn close(&mut self, first: i32, last: i32) {
        if first == last {
            if let Ok(at) = self.find(first) {
                self.0.remove(at);
            }
            return;
        }
        self.0.retain(|slot| slot.number < first || slot.number > last);
    }

    /// Sets whether those with numbers from the first to the last are closed on exec.
    pub(super) fn set_closes(&mut self, first: i32, last: i32, closes: bool) {
        self.0.iter_mut().filter(|slot| (first..=last).contains(&slot.number)).for_each(|slot| slot.closes = closes);
    }

    /// The process becomes another program.
    pub(super) fn execute(&mut self) {
        self.0.retain(|slot| !slot.closes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_live_as_descriptors_do() {
        let open = |path| Open { path, node: None };
        let mut all = Descriptors::default();
        all.set(5, open(50), true);
        all.set(3, open(30), false);
        all.copy(5, 4, false);
        all.copy(9, 3, false);
        assert_eq!([3, 4, 5, 9].map(|number| all.get(number)), [None, Some(open(50)), Some(open(50)), None]);
        let mut child = all.clone();
        child.execute();
        assert_eq!([child.get(4), child.get(5)], [Some(open(50)), None]);
        all.set_closes(0, i32::MAX, true);
        all.set_closes(4, 4, false);
        all.close(5, i32::MAX);
        all.execute();
        assert_eq!([all.get(4), all.get(5)], [Some(open(50)), None]);
    }
}
