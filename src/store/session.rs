//! What one process leaves behind when it is stopped, and how the next one makes up for it.
//!
//! Before its first object a process makes a folder `tmp/session-…`, whose lock file holds the machine's boot id and
//! is durable. Objects are not synced one by one, so after a power cut those written since the last [`Store::flush`]
//! may be cut short. The next start finds the session of the machine's earlier life and hashes each object that is as
//! young as that session; those that are not whole are removed (nothing durable names them). A process that was only
//! killed has left whole objects in the kernel's memory: one `syncfs(2)` makes them durable.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::fs::{self, Meta};

use super::objects::{Name, Shard};
use super::scratch::{self, Owned};
use super::{Inner, Result, Store};

const LABEL: &str = "session";

/// The clock that stamps inodes may be a tick behind, and file systems round.
const SLACK: i128 = 2_000_000_000;

fn boot_id() -> Vec<u8> {
    // Where it cannot be read no two ids are equal, and the careful way is taken.
    fs::read(Path::new("/proc/sys/kernel/random/boot_id")).unwrap_or_default()
}

impl Inner {
    /// This process's session, made at first use.
    pub(super) fn session(&self) -> Result<Arc<Owned>> {
        let mut session = self.session.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(session) = session.as_ref() {
            return Ok(Arc::clone(session));
        }
        let owned = Owned::new(&self.dirs.tmp, LABEL)?;
        let name = self.dirs.tmp.join("session lock");
        let written = fs::write_all(owned.lock().file(), &boot_id(), &name)
            .and_then(|()| self.dirs.tmp.sync_file(owned.lock().file(), "session lock"))
            .and_then(|()| self.dirs.tmp.sync());
        if let Err(error) = written {
            let _ = owned.remove(&self.dirs.tmp);
            return Err(error.into());
        }
        let owned = Arc::new(owned);
        *session = Some(Arc::clone(&owned));
        self.has_session.store(true, Ordering::Release);
        Ok(owned)
    }

    /// Makes sure that there is a session, at the cost of one load when there is.
    pub(super) fn begin(&self) -> Result<()> {
        if !self.has_session.load(Ordering::Acquire) {
            self.session()?;
        }
        Ok(())
    }

    /// Sweeps `tmp/` and recovers from sessions that did not end well.
    pub(super) fn sweep(&self) -> Result<()> {
        let boot = boot_id();
        let mut synced = false;
        scratch::sweep(&self.dirs.tmp, &mut |name, lock| {
            if !name.starts_with(LABEL) {
                return Ok(());
            }
            let meta = self.dirs.tmp.stat_file(lock.file(), format!("{name}.lock"))?;
            let theirs = self.dirs.tmp.read(format!("{name}.lock"))?.unwrap_or_default();
            if theirs == boot && !boot.is_empty() {
                if !synced {
                    self.dirs.root.sync_file_system()?;
                    synced = true;
                }
                return Ok(());
            }
            // A session whose lock file is empty died before its first object: there is nothing to recover, unless
            // the power cut emptied it. Both are told apart by nothing, so both are recovered.
            self.recover(meta.changed - SLACK)
        })
    }

    /// Hashes each object that changed since `since` and removes those that are not whole.
    fn recover(&self, since: i128) -> Result<()> {
        let shards = self.shards()?;
        let work = |Shard { name: shard, dir }: &Shard| -> Result<()> {
            for entry in dir.list()? {
                let young = |meta: &Meta| meta.changed >= since;
                if !dir.stat(&entry.name)?.as_ref().is_some_and(young) {
                    continue;
                }
                let whole = match entry.name.to_str().and_then(|name| Name::parse(shard, name)) {
                    Some(name) => self.hash_object(dir, &entry.name, &name)?,
                    None => false,
                };
                if !whole {
                    dir.remove_tree(&entry.name)?;
                }
            }
            Ok(())
        };
        super::spread(&shards, work)?;
        self.dirs.root.sync_file_system()?;
        Ok(())
    }
}

/// Whether files do not get the mode that they are created with, because the umask takes bits away.
pub(super) fn umask_strips() -> bool {
    // Linux shows the umask there; asking with umask(2) would change it for all threads.
    let status = fs::read_to_string(Path::new("/proc/self/status")).unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:")).map(str::trim);
    umask.and_then(|text| u32::from_str_radix(text, 8).ok()).is_none_or(|umask| umask & 0o755 != 0)
}

impl Store {
    /// Makes all objects that this process has stored durable, together with what others have stored on the same file
    /// system: one `syncfs(2)`, none when nothing was stored since the last.
    ///
    /// # Errors
    /// The disk refuses, or has lost an earlier write. Nothing may be recorded about the objects then.
    pub fn flush(&self) -> Result<()> {
        self.inner.flush()
    }
}

impl Inner {
    pub(super) fn flush(&self) -> Result<()> {
        let wanted = self.stored.load(Ordering::Acquire);
        let is_done = || self.flushed.load(Ordering::Acquire) >= wanted;
        if is_done() {
            return Ok(());
        }
        let _one = self.flushing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Whoever synced while we waited may have begun after our last object: one sync serves all who wait.
        if !is_done() {
            let stored = self.stored.load(Ordering::Acquire);
            self.dirs.root.sync_file_system()?;
            self.flushed.fetch_max(stored, Ordering::AcqRel);
        }
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let session = self.session.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(session) = session else { return };
        // If this fails the session's folder stays, without its lock: the next start recovers.
        if self.flush().is_ok() {
            let _ = session.remove(&self.dirs.tmp);
        }
    }
}
