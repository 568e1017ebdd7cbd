//! Temporary folders that do not outlive their owner for long.
//!
//! `tmp/NAME` belongs to whoever holds the lock on `tmp/NAME.lock`. The lock file is made before the folder and
//! removed after it, so a name without a living owner can always be told: whoever gets its lock may remove it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::fs::{self, Dir, Lock};

use super::{Guard, Result, Store};

/// Numbers the names of one process; together with the process's number they rarely meet others, and a name that is
/// taken is passed over.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder in `tmp/` with the lock that says it is in use.
#[derive(Debug)]
pub(super) struct Owned {
    name: String,
    dir: Dir,
    lock: Lock,
}

impl Owned {
    /// Makes a folder whose name begins with `label`.
    pub(super) fn new(tmp: &Dir, label: &str) -> Result<Self> {
        loop {
            let name = format!("{label}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let lock_name = lock_name(&name);
            match tmp.create(&lock_name, 0o644) {
                Ok(file) => drop(file),
                Err(error) if error.is_existing() => continue,
                Err(error) => return Err(error.into()),
            }
            // A sweeper may come between making and locking: the name is lost then, and the next one is tried.
            let lock = Lock::open(tmp, &lock_name)?;
            if !lock.try_exclusive()? || !lock.is_current(tmp, &lock_name)? {
                continue;
            }
            let made = tmp.create_dir(&name).and_then(|_| tmp.dir(&name));
            match made {
                Ok(dir) => return Ok(Self { name, dir, lock }),
                Err(error) => {
                    let _ = tmp.remove_dir(&name).and_then(|_| tmp.remove(&lock_name));
                    return Err(error.into());
                }
            }
        }
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(super) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Removes the folder and its lock.
    pub(super) fn remove(&self, tmp: &Dir) -> fs::Result<()> {
        tmp.remove_tree(&self.name)?;
        tmp.remove(lock_name(&self.name)).map(|_| ())
    }
}

fn lock_name(name: &str) -> String {
    format!("{name}.lock")
}

/// Removes the folders whose owners are gone. `inspect` sees the label and lock file of each before.
pub(super) fn sweep(tmp: &Dir, inspect: &mut dyn FnMut(&str, &Lock) -> Result<()>) -> Result<()> {
    let names: BTreeSet<String> = tmp
        .list()?
        .into_iter()
        .filter_map(|entry| entry.name.into_string().ok())
        .map(|name| name.strip_suffix(".lock").map(str::to_owned).unwrap_or(name))
        .collect();
    for name in names {
        let lock_name = lock_name(&name);
        let lock = match Lock::open(tmp, &lock_name) {
            Ok(lock) => lock,
            // Another user's: that user's next start sweeps it.
            Err(error) if error.is(rustix::io::Errno::ACCESS) || error.is(rustix::io::Errno::PERM) => continue,
            Err(error) => return Err(error.into()),
        };
        if !lock.try_exclusive()? || !lock.is_current(tmp, &lock_name)? {
            continue;
        }
        inspect(&name, &lock)?;
        tmp.remove_tree(&name)?;
        tmp.remove(&lock_name)?;
    }
    Ok(())
}

/// A temporary folder on the store's file system, removed when it is dropped, or at the next [`Store::open`] if this
/// process dies.
#[derive(Debug)]
pub struct Scratch {
    owned: Owned,
    path: PathBuf,
    guard: Guard,
}

impl Scratch {
    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder, opened.
    pub fn dir(&self) -> &Dir {
        self.owned.dir()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now has lost its lock, and is swept at the next start.
        let _ = self.owned.remove(&self.guard.store().dirs.tmp);
    }
}

impl Store {
    /// Makes a temporary folder; `label` (letters, digits, `-`, `_`, `.`) shows in its name.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn scratch(&self, label: &str) -> Result<Scratch> {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
        // `session` is the name of the store's own folders.
        let label: String = format!("scratch-{label}").chars().map(plain).take(100).collect();
        let owned = Owned::new(&self.inner.dirs.tmp, &label)?;
        let path = self.root().join("tmp").join(&owned.name);
        Ok(Scratch { owned, path, guard: Guard::new(self) })
    }
}
