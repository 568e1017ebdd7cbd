//! A ready queue over a graph, served by worker threads.
//!
//! Of the nodes whose needs are done, the one at the head of the longest remaining chain (by weight) runs first;
//! equal chains go by index. What starts first is therefore a function of the graph alone; what finishes first is
//! not, and nothing kept may depend on it.
//!
//! One lock guards the state. It is held for microseconds, and a worker that finishes a node takes its next one in
//! the same critical section: a node costs one lock round, whatever the size of the graph.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::sys::{CancelError, CancelToken};

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// For messages.
    pub name: String,
    /// Indices of the nodes that must succeed first.
    pub needs: Vec<usize>,
    /// How long it is expected to take, in any unit; 1 when nothing is known.
    pub weight: u64,
}

/// Does the work.
pub trait Work: Sync {
    /// Why a node failed.
    type Error: Send;

    /// Does node `index`, on a worker thread. `cancel` is stopped with the run.
    ///
    /// # Errors
    /// The node failed: what depends on it will be skipped.
    fn run(&self, index: usize, cancel: &CancelToken) -> Result<(), Self::Error>;

    /// All that node `index` needs is done. Called before it runs, in no particular order.
    fn ready(&self, _index: usize) {}

    /// Node `index` will not run because node `because` failed.
    fn skipped(&self, _index: usize, _because: usize) {}
}

/// What a failure means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Start nothing more, let what runs come to its end.
    #[default]
    FinishRunning,
    /// Start nothing more, and stop what runs.
    CancelRunning,
    /// Run all that does not depend on the failure.
    KeepGoing,
}

/// What became of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<E> {
    /// It ran and succeeded.
    Done,
    /// It ran and failed.
    Failed(E),
    /// It needs, possibly by way of others, this node, which failed.
    Skipped {
        /// The node that failed.
        because: usize,
    },
    /// The run was stopped before its turn came.
    NotStarted,
}

/// What became of all nodes, by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<E> {
    /// One for each node.
    pub outcomes: Vec<Outcome<E>>,
}

impl<E> Report<E> {
    /// Whether every node ran and succeeded.
    pub fn is_complete(&self) -> bool {
        self.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done))
    }
}

/// The graph cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A need that is not in the graph.
    #[error("order the graph: `{node}` needs node number {index}, and there are {count}")]
    Missing {
        /// Who needs it.
        node: String,
        /// What it needs.
        index: usize,
        /// Nodes in the graph.
        count: usize,
    },
    /// Needs that go round in a circle.
    #[error("order the graph: {} need each other in a circle", .names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
    Cycle {
        /// The nodes of one circle, in order.
        names: Vec<String>,
    },
    /// No token for the run.
    #[error(transparent)]
    Cancel(#[from] CancelError),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => None,
            Self::Cycle { .. } => Some("remove one of these needs".into()),
            Self::Cancel(error) => error.hint(),
        }
    }
}

/// For each node the weight of the longest chain that begins with it, ends included; and a check of the graph.
fn chains(nodes: &[Node], dependents: &[Vec<usize>]) -> Result<Vec<u64>, Error> {
    let mut left: Vec<usize> = dependents.iter().map(Vec::len).collect();
    let mut chain: Vec<u64> = nodes.iter().map(|node| node.weight.max(1)).collect();
    let mut ready: Vec<usize> = (0..nodes.len()).filter(|&index| left[index] == 0).collect();
    let mut seen = 0;
    while let Some(index) = ready.pop() {
        seen += 1;
        for &need in &nodes[index].needs {
            chain[need] = chain[need].max(nodes[need].weight.max(1).saturating_add(chain[index]));
            left[need] -= 1;
            if left[need] == 0 {
                ready.push(need);
            }
        }
    }
    if seen == nodes.len() { Ok(chain) } else { Err(Error::Cycle { names: circle(nodes, &left) }) }
}

/// One circle among the nodes that have dependents left. Each such node has a dependent among them, so walking from
/// dependent to dependent must come back.
fn circle(nodes: &[Node], left: &[usize]) -> Vec<String> {
    let in_trouble = |index: usize| left[index] > 0;
    let mut path = Vec::new();
    let mut next = (0..nodes.len()).find(|&index| in_trouble(index));
    while let Some(index) = next {
        if let Some(start) = path.iter().position(|&seen| seen == index) {
            // The walk went from a node to those that need it; told the other way round it reads "a needs b".
            return path[start..].iter().rev().map(|&index: &usize| nodes[index].name.clone()).collect();
        }
        path.push(index);
        next = (0..nodes.len()).find(|&user| in_trouble(user) && nodes[user].needs.contains(&index));
    }
    path.iter().map(|&index| nodes[index].name.clone()).collect()
}

struct State<E> {
    ready: BinaryHeap<(u64, Reverse<usize>)>,
    waits_for: Vec<usize>,
    outcomes: Vec<Outcome<E>>,
    running: usize,
    /// Nodes neither done nor failed nor skipped.
    open: usize,
    stop: bool,
}

struct Run<'a, W: Work> {
    dependents: Vec<Vec<usize>>,
    chain: Vec<u64>,
    work: &'a W,
    cancel: CancelToken,
    on_failure: OnFailure,
    state: Mutex<State<W::Error>>,
    changed: Condvar,
}

/// Runs the graph on `workers` threads and says what became of each node.
///
/// # Errors
/// The graph has a circle or a need outside itself: nothing was run.
///
/// # Panics
/// When `work` panics: after the other workers came to rest, with the same panic.
pub fn run<W: Work>(
    nodes: &[Node],
    workers: usize,
    work: &W,
    on_failure: OnFailure,
    cancel: &CancelToken,
) -> Result<Report<W::Error>, Error> {
    let mut dependents = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        for &need in &node.needs {
            dependents.get_mut(need).ok_or_else(|| missing(node, need, nodes.len()))?.push(index);
        }
    }
    let chain = chains(nodes, &dependents)?;
    let waits_for: Vec<usize> = nodes.iter().map(|node| node.needs.len()).collect();
    let ready = (0..nodes.len()).filter(|&i| waits_for[i] == 0).map(|i| (chain[i], Reverse(i))).collect();
    let outcomes = std::iter::repeat_with(|| Outcome::NotStarted).take(nodes.len()).collect();
    let state = State { ready, waits_for, outcomes, running: 0, open: nodes.len(), stop: false };
    let run = Run {
        dependents,
        chain,
        work,
        cancel: cancel.child()?,
        on_failure,
        state: Mutex::new(state),
        changed: Condvar::new(),
    };
    for (index, node) in nodes.iter().enumerate() {
        if node.needs.is_empty() {
            work.ready(index);
        }
    }
    // None on this thread: its heap is full of gaps that loading has left. A thread has a heap of its own, whose few
    // pages are what is copied after each fork.
    std::thread::scope(|scope| {
        for _ in 0..workers.clamp(1, nodes.len().max(1)) {
            scope.spawn(|| run.serve());
        }
    });
    let state = run.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Report { outcomes: state.outcomes })
}

fn missing(node: &Node, index: usize, count: usize) -> Error {
    Error::Missing { node: node.name.clone(), index, count }
}

impl<W: Work> Run<'_, W> {
    fn lock(&self) -> MutexGuard<'_, State<W::Error>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a worker.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if self.cancel.is_cancelled() {
                state.stop = true;
            }
            if state.stop || state.open == 0 {
                self.changed.notify_all();
                return;
            }
            let Some((_, Reverse(index))) = state.ready.pop() else {
                if state.running == 0 {
                    return;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.running += 1;
            drop(state);
            let guard = OnPanic { run: self };
            let result = self.work.run(index, &self.cancel);
            std::mem::forget(guard);
            state = self.lock();
            state.running -= 1;
            state.open -= 1;
            match result {
                Ok(()) => state = self.succeeded(state, index),
                Err(error) => state = self.failed(state, index, error),
            }
        }
    }

    fn succeeded<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<W::Error>>,
        index: usize,
    ) -> MutexGuard<'a, State<W::Error>> {
        state.outcomes[index] = Outcome::Done;
        let mut found = 0;
        for &user in &self.dependents[index] {
            state.waits_for[user] -= 1;
            if state.waits_for[user] == 0 && matches!(state.outcomes[user], Outcome::NotStarted) {
                self.work.ready(user);
                state.ready.push((self.chain[user], Reverse(user)));
                found += 1;
            }
        }
        // This worker takes one of them itself.
        for _ in 1..found {
            self.changed.notify_one();
        }
        state
    }

    fn failed<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<W::Error>>,
        index: usize,
        error: W::Error,
    ) -> MutexGuard<'a, State<W::Error>> {
        state.outcomes[index] = Outcome::Failed(error);
        let mut doomed = self.dependents[index].clone();
        let mut skipped = Vec::new();
        while let Some(user) = doomed.pop() {
            if matches!(state.outcomes[user], Outcome::NotStarted) {
                state.outcomes[user] = Outcome::Skipped { because: index };
                state.open -= 1;
                skipped.push(user);
                doomed.extend(&self.dependents[user]);
            }
        }
        skipped.sort_unstable();
        for user in skipped {
            self.work.skipped(user, index);
        }
        match self.on_failure {
            OnFailure::KeepGoing => {}
            OnFailure::FinishRunning => state.stop = true,
            OnFailure::CancelRunning => {
                state.stop = true;
                self.cancel.cancel();
            }
        }
        self.changed.notify_all();
        state
    }
}

/// Lets the other workers go home when the work of one of them panics.
struct OnPanic<'a, 'b, W: Work> {
    run: &'a Run<'b, W>,
}

impl<W: Work> Drop for OnPanic<'_, '_, W> {
    fn drop(&mut self) {
        let mut state = self.run.lock();
        state.running -= 1;
        state.stop = true;
        drop(state);
        self.run.cancel.cancel();
        self.run.changed.notify_all();
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
