//! A few threads for one piece of work.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::thread;

use super::fault;

/// How many threads are worth starting for work on files: one a processor, at least 2 (one waits for the disk), at
/// most 16.
pub fn workers() -> usize {
    // Finding out reads the files of control groups: a dozen system calls.
    static WORKERS: OnceLock<usize> = OnceLock::new();
    *WORKERS.get_or_init(|| thread::available_parallelism().map_or(2, NonZeroUsize::get).clamp(2, 16))
}

/// Runs `work(0)` to `work(count - 1)` at the same time, the first on the calling thread, and returns what they
/// return, in that order. A panic in one is carried on to the caller.
pub fn parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let faults = fault::inherit();
    let (work, faults) = (&work, &faults);
    thread::scope(|scope| {
        let others: Vec<_> = (1..count)
            .map(|index| {
                scope.spawn(move || {
                    faults.enter();
                    work(index)
                })
            })
            .collect();
        let mut results = vec![work(0)];
        for other in others {
            match other.join() {
                Ok(result) => results.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}
