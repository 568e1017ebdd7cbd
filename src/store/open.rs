//! Opening a store, and what an open one knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::digest::Digest;
use crate::fs::Lock;

use super::known::Known;
use super::layout::{self, Dirs};
use super::scratch::Owned;
use super::{Result, session};

/// A store. Clones share what it knows.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

/// An open store.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) root: PathBuf,
    pub(super) dirs: Dirs,
    /// Held shared as long as the store is open.
    pub(super) lock: Lock,
    pub(super) gate: Lock,
    pub(super) session: Mutex<Option<Arc<Owned>>>,
    pub(super) has_session: AtomicBool,
    /// Counts objects that were stored, and those of them that are durable.
    pub(super) stored: AtomicU64,
    pub(super) flushed: AtomicU64,
    /// Held while the file system is synced: who waits may find the work done.
    pub(super) flushing: Mutex<()>,
    /// Numbers temporary files in the session's folder.
    temporaries: AtomicU64,
    pub(super) known: Known,
    /// Trees all of whose objects were there.
    pub(super) whole: Mutex<BTreeSet<Digest>>,
    /// Actions whose results this process has recorded, durably.
    pub(super) recorded: Mutex<BTreeSet<Digest>>,
    /// References that were set together with a result, and not since.
    pub(super) kept: Mutex<BTreeMap<String, Digest>>,
    /// Checkouts that this process has made or verified.
    pub(super) checked_out: Mutex<BTreeMap<Digest, PathBuf>>,
    /// Checkouts, scratch folders and locks that are in use in this process.
    pub(super) guards: AtomicUsize,
    pub(super) umask_strips: bool,
}

impl Store {
    /// Opens the store at `root`, and makes it first if there is nothing (or an empty folder). Waits while garbage is
    /// collected. Removes the temporary files of processes that died.
    ///
    /// # Errors
    /// The folder holds something else ([`super::Error::Foreign`]) or a store of another version
    /// ([`super::Error::Version`]), or a file operation fails.
    pub fn open(root: &Path) -> Result<Self> {
        let root = std::path::absolute(root).map_err(|source| crate::fs::Error::Io {
            operation: "open",
            path: root.to_owned(),
            source,
        })?;
        let (dirs, gate, lock) = layout::open(&root)?;
        let inner = Inner {
            root,
            dirs,
            lock,
            gate,
            session: Mutex::default(),
            has_session: AtomicBool::new(false),
            stored: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
            flushing: Mutex::default(),
            temporaries: AtomicU64::new(0),
            known: Known::default(),
            whole: Mutex::default(),
            recorded: Mutex::default(),
            kept: Mutex::default(),
            checked_out: Mutex::default(),
            guards: AtomicUsize::new(0),
            umask_strips: session::umask_strips(),
        };
        inner.sweep()?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its absolute path.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }
}

impl Inner {
    /// A number that no other temporary file of this session has.
    pub(super) fn unique(&self) -> u64 {
        self.temporaries.fetch_add(1, Ordering::Relaxed)
    }
}

/// Keeps a store open and its garbage uncollected.
#[derive(Debug)]
pub(super) struct Guard {
    store: Store,
}

impl Guard {
    pub(super) fn new(store: &Store) -> Self {
        store.inner.guards.fetch_add(1, Ordering::AcqRel);
        Self { store: store.clone() }
    }

    pub(super) fn store(&self) -> &Inner {
        &self.store.inner
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.store.inner.guards.fetch_sub(1, Ordering::AcqRel);
    }
}
