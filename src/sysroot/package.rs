//! Packages to trees, several at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::digest::Digest;
use crate::format::{self, Kind, Rules, unpack};
use crate::fs::{parallel, workers};
use crate::lockfile::PackagePin;
use crate::store::Store;

use super::assemble::Progress;
use super::error::Error;
use super::sink::{Merging, TreeSink, Unmerged};
use super::{VERSION, cache};

fn key(pin: &PackagePin) -> Digest {
    Digest::of(format!("{VERSION}\npackage {}\n", pin.digest).as_bytes())
}

fn what(pin: &PackagePin) -> String {
    format!("package `{}` {}", pin.name, pin.version)
}

/// The tree of a package, and whether it was remembered.
type Made = Result<(Digest, bool), Error>;

/// The tree of one package, whose file is in the store.
///
/// # Errors
/// The file is not in the store, is refused, or was not made for a merged `usr`.
pub fn package_tree(store: &Store, pin: &PackagePin) -> Result<Digest, Error> {
    cache::tree(store, key(pin), &what(pin), || make(store, pin))
}

/// The tree of a package, if it is remembered and whole.
///
/// # Errors
/// The store fails.
pub fn known_package(store: &Store, pin: &PackagePin) -> Result<Option<Digest>, Error> {
    cache::find(store, key(pin), &what(pin))
}

/// The trees of packages, in their order.
///
/// # Errors
/// As [`package_tree`], of the first package in the order that failed.
pub fn package_trees(
    store: &Store,
    pins: &[PackagePin],
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Vec<Digest>, Error> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // The largest first, so that no thread is left with one at the end.
    let mut order: Vec<usize> = (0..pins.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(pins[*index].digest.size));
    let results: Mutex<Vec<Option<Made>>> = Mutex::new(pins.iter().map(|_| None).collect());
    let failed = AtomicUsize::new(0);
    parallel(workers().min(pins.len()), |_| {
        while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let pin = &pins[*index];
            if failed.load(Ordering::Relaxed) > 0 {
                return;
            }
            let outcome = match cache::find(store, key(pin), &what(pin)) {
                Ok(Some(tree)) => Ok((tree, true)),
                Ok(None) => make(store, pin).map(|tree| (tree, false)),
                Err(error) => Err(error),
            };
            failed.fetch_add(usize::from(outcome.is_err()), Ordering::Relaxed);
            let cached = matches!(outcome, Ok((_, true)));
            let count = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(Progress::Package { name: &pin.name, cached, done: count, total: pins.len() });
            results.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[*index] = Some(outcome);
        }
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut trees = Vec::new();
    let mut fresh = Vec::new();
    let mut first = None;
    for (pin, outcome) in pins.iter().zip(results) {
        match outcome {
            Some(Ok((tree, cached))) => {
                fresh.extend((!cached).then_some((pin, tree)));
                trees.push(tree);
            }
            Some(Err(error)) => first = first.or(Some(error)),
            // Not begun, as another had failed by then.
            None => {}
        }
    }
    // Recorded together: the first record makes all objects durable, and the others find that done.
    for (pin, tree) in fresh {
        cache::remember(store, key(pin), tree, &what(pin))?;
    }
    first.map_or(Ok(trees), Err)
}

fn make(store: &Store, pin: &PackagePin) -> Result<Digest, Error> {
    let blob = store.open_blob(pin.digest).map_err(Error::store(what(pin)))?;
    let mut sink = Merging::new(TreeSink::new(store));
    let name = pin.path.rsplit('/').next().unwrap_or(&pin.path);
    match unpack(name, blob, Some(Kind::Deb), &Rules::default(), &mut sink) {
        Ok(_) => sink.inner.finish().map_err(Error::store(what(pin))),
        Err(error) => Err(translate(pin, error)),
    }
}

/// The sink's own refusals are errors of this module.
fn translate(pin: &PackagePin, error: format::Error) -> Error {
    let package = pin.name.clone();
    if let format::Error::Sink { source, .. } = &error {
        match source.downcast_ref::<Unmerged>() {
            Some(Unmerged::Doubled { first, second }) => {
                return Error::Doubled { package, first: first.clone(), second: second.clone() };
            }
            Some(Unmerged::NotDirectory { path }) => return Error::NotMerged { package, path: path.clone() },
            None => {}
        }
    }
    Error::Unpack { what: what(pin), source: Box::new(error) }
}
