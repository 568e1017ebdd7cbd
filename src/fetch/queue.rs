//! Which pin is next: fair over hosts.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Jobs waiting for a connection. A free worker takes the first job of the host with the fewest running ones, so that
/// many files of one slow host do not keep those of the others waiting.
pub(super) struct Queue {
    inner: Mutex<Inner>,
}

struct Inner {
    /// Index of the job and its host, in order.
    waiting: Vec<(usize, String)>,
    running: BTreeMap<String, usize>,
}

impl Queue {
    pub(super) fn new(jobs: impl IntoIterator<Item = (usize, String)>) -> Self {
        Self { inner: Mutex::new(Inner { waiting: jobs.into_iter().collect(), running: BTreeMap::new() }) }
    }

    /// The next job and its host; `None` when all are taken. To be ended with [`Queue::done`].
    pub(super) fn next(&self) -> Option<(usize, String)> {
        let mut inner = self.lock();
        let Inner { waiting, running } = &*inner;
        let load = |(_, (_, host)): &(usize, &(usize, String))| running.get(host).copied().unwrap_or_default();
        // min_by_key keeps the first of equals: the order of the jobs.
        let (at, _) = waiting.iter().enumerate().min_by_key(load)?;
        let (job, host) = inner.waiting.remove(at);
        *inner.running.entry(host.clone()).or_default() += 1;
        Some((job, host))
    }

    pub(super) fn done(&self, host: &str) {
        if let Some(count) = self.lock().running.get_mut(host) {
            *count = count.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is one assignment: a panic elsewhere leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_take_turns() {
        let hosts = ["a", "a", "a", "b", "a", "b"];
        let queue = Queue::new(hosts.iter().enumerate().map(|(at, host)| (at, (*host).to_owned())));
        let taken: Vec<usize> = (0..4).map(|_| queue.next().unwrap().0).collect();
        assert_eq!(taken, [0, 3, 1, 5]);
        queue.done("b");
        assert_eq!(queue.next().unwrap().0, 2);
        assert_eq!(queue.next().unwrap().0, 4);
        assert!(queue.next().is_none());
    }
}
