//! One function over many items, on a few threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::fs;

use super::Result;

/// Items that a thread takes at once.
const CHUNK: usize = 16;

/// Applies `work` to each item and returns the results in the order of the items. After an error no more items are
/// begun; of several errors the one of the earliest item is returned.
pub(super) fn spread<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    if items.len() <= CHUNK {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let parts = fs::parallel(fs::workers().min(items.len().div_ceil(CHUNK)), |_| {
        let mut done = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            if start >= items.len() {
                break;
            }
            for (index, item) in items.iter().enumerate().skip(start).take(CHUNK) {
                let result = work(item);
                if result.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
                done.push((index, result));
            }
        }
        done
    });
    let mut results: Vec<_> = parts.into_iter().flatten().collect();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
