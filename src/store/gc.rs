//! Collecting garbage: what no reference and no recent result leads to is removed.
//!
//! Runs while no one else has the store open: the lock is held alone. Results go before checkouts and those before
//! objects, so a gc that is interrupted leaves nothing that names what is gone; the next one does the rest.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::digest::reapi::{Action, ActionResult, Directory};
use crate::digest::{Canonical, Digest};
use crate::fs::{Kind, Lock, Meta};

use super::objects::{Name, Shard, is_shard};
use super::{Error, Inner, Result, Store, actions, layout};

/// Blobs up to this size are looked into: they may be directories or actions that lead further.
const MESSAGE: u64 = 64 << 20;

/// What gc keeps and how it goes about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GcOptions {
    /// Results that were recorded last are kept, this many, with all that they name. References are always kept.
    pub keep_recent: usize,
    /// Trees, blobs and keys of actions that are kept too.
    pub keep: Vec<Digest>,
    /// Wait for others who use the store, instead of giving up.
    pub wait: bool,
    /// Only tell what would be removed.
    pub dry_run: bool,
}

/// How much of a kind was removed and kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Entries removed.
    pub removed: u64,
    /// Bytes that they took on the disk.
    pub removed_bytes: u64,
    /// Entries kept.
    pub kept: u64,
    /// Bytes that they take on the disk.
    pub kept_bytes: u64,
}

impl Swept {
    fn count(&mut self, kept: bool, bytes: u64) {
        let (entries, total) =
            if kept { (&mut self.kept, &mut self.kept_bytes) } else { (&mut self.removed, &mut self.removed_bytes) };
        *entries += 1;
        *total += bytes;
    }

    fn add(&mut self, other: Self) {
        self.removed += other.removed;
        self.removed_bytes += other.removed_bytes;
        self.kept += other.kept;
        self.kept_bytes += other.kept_bytes;
    }
}

/// What gc did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Files of objects.
    pub objects: Swept,
    /// Results of actions.
    pub actions: Swept,
    /// Checkouts. Their bytes are those of folders and of copies; files are shared with the objects.
    pub checkouts: Swept,
    /// What was damaged and set aside.
    pub damaged: Swept,
}

impl GcReport {
    /// Bytes freed (or, in a dry run, that would be).
    pub fn freed(&self) -> u64 {
        [self.objects, self.actions, self.checkouts, self.damaged].iter().map(|swept| swept.removed_bytes).sum()
    }
}

/// Takes a lock alone, if nobody holds it for longer than a moment: a process that this one has just forked has its
/// locks, too, until it executes its program.
fn patiently(lock: &Lock) -> Result<bool> {
    for _ in 0..20 {
        if lock.try_exclusive()? {
            return Ok(true);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Ok(false)
}

impl Store {
    /// Removes all that is not kept. Needs no free space.
    ///
    /// No other thread may use this store meanwhile: what it has stored and not recorded is garbage.
    ///
    /// # Errors
    /// Someone else has the store open, or this process has a checkout, scratch folder or lock ([`Error::InUse`]); the
    /// disk's errors.
    pub fn gc(&self, options: &GcOptions) -> Result<GcReport> {
        let inner = &*self.inner;
        if options.dry_run {
            return self.collect(options);
        }
        let in_use = |by| Error::InUse { path: inner.root.clone(), by };
        if inner.guards.load(Ordering::Acquire) > 0 {
            return Err(in_use("this process is using a part of it"));
        }
        // Let go of the shared lock before waiting for the gate: two that collect would wait for each other's else.
        inner.lock.unlock()?;
        let result = (|| {
            let alone = if options.wait {
                inner.gate.exclusive()?;
                inner.lock.exclusive()?;
                true
            } else {
                patiently(&inner.gate)? && patiently(&inner.lock)?
            };
            if !alone {
                return Err(in_use("another process is using it"));
            }
            // 8 MiB of air for file systems that need room to remove.
            inner.dirs.root.remove("reserve")?;
            let report = self.collect(options)?;
            layout::reserve(&inner.dirs.root)?;
            Ok(report)
        })();
        // Others may have removed what we knew while we had no lock.
        inner.known.clear();
        inner.forget();
        inner.gate.unlock()?;
        inner.lock.shared()?;
        result
    }

    fn collect(&self, options: &GcOptions) -> Result<GcReport> {
        let inner = &*self.inner;
        if !options.dry_run {
            inner.sweep()?;
        }
        let mut marks = Marks { store: inner, objects: BTreeSet::new(), actions: BTreeSet::new() };
        for digest in self.refs()?.values().chain(&options.keep) {
            marks.any(*digest)?;
        }
        let mut recent = inner.recorded()?;
        recent.sort_by_key(|(modified, key)| (std::cmp::Reverse(*modified), key.clone()));
        for (_, key) in recent.iter().take(options.keep_recent) {
            marks.action(key)?;
        }
        let mut report = GcReport::default();
        let remove = !options.dry_run;
        inner.sweep_actions(&marks, remove, &mut report.actions)?;
        inner.sweep_checkouts(&marks, remove, &mut report.checkouts)?;
        let swept = super::spread(&inner.shards()?, |shard| inner.sweep_shard(shard, &marks.objects, remove))?;
        swept.into_iter().for_each(|some| report.objects.add(some));
        inner.dirs.damaged.total(&mut |meta| report.damaged.count(false, meta.allocated))?;
        if remove {
            inner.dirs.damaged.clear()?;
            // No one executes anything: these are left by processes that were killed.
            inner.dirs.locks.clear()?;
        }
        Ok(report)
    }
}

/// What is reachable.
struct Marks<'a> {
    store: &'a Inner,
    objects: BTreeSet<[u8; 32]>,
    /// Keys in hex.
    actions: BTreeSet<String>,
}

impl Marks<'_> {
    /// Marks whatever a digest may stand for.
    fn any(&mut self, digest: Digest) -> Result<()> {
        self.action(&digest.hex())?;
        if digest.size > MESSAGE {
            self.objects.insert(digest.hash);
            return Ok(());
        }
        let Some(bytes) = self.bytes(digest)? else { return Ok(()) };
        if Directory::decode_canonical(&bytes).is_ok() {
            self.tree(digest)?;
        }
        self.objects.insert(digest.hash);
        if let Ok(action) = Action::decode_canonical(&bytes) {
            if let Some(Ok(command)) = action.command_digest.map(|message| message.get()) {
                self.objects.insert(command.hash);
            }
            if let Some(Ok(root)) = action.input_root_digest.map(|message| message.get()) {
                self.tree(root)?;
            }
        }
        Ok(())
    }

    /// An object's bytes; `None` when it is missing or damaged, which is not for gc to tell.
    fn bytes(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        match self.store.bytes(digest) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::Missing { .. } | Error::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn tree(&mut self, digest: Digest) -> Result<()> {
        if !self.objects.insert(digest.hash) {
            return Ok(());
        }
        let directory = match self.store.directory(digest) {
            Ok(directory) => directory,
            // A hole is `fsck`'s to tell; what is beyond it cannot be found.
            Err(Error::Missing { .. } | Error::Damaged { .. } | Error::NotDirectory { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        for file in &directory.files {
            if let Ok(digest) = file.content() {
                self.objects.insert(digest.hash);
            }
        }
        for child in &directory.directories {
            if let Ok(digest) = child.content() {
                self.tree(digest)?;
            }
        }
        Ok(())
    }

    /// Marks a result, what it names, and what the action itself says (but not its input tree).
    fn action(&mut self, key: &str) -> Result<()> {
        let Some((digest, result)) = self.store.recorded_result(key)? else { return Ok(()) };
        if !self.actions.insert(key.to_owned()) {
            return Ok(());
        }
        self.objects.insert(digest.hash);
        if let Some(bytes) = self.bytes(digest)?
            && let Ok(action) = Action::decode_canonical(&bytes)
            && let Some(Ok(command)) = action.command_digest.map(|message| message.get())
        {
            self.objects.insert(command.hash);
        }
        let Some((trees, blobs)) = actions::outputs(&result) else { return Ok(()) };
        let trace = result.trace().ok().flatten();
        self.objects.extend(blobs.iter().chain(&trace).map(|blob| blob.hash));
        trees.into_iter().try_for_each(|tree| self.tree(tree))
    }
}

impl Inner {
    /// A result by its key in hex; `None` when there is none, or it is damaged.
    pub(super) fn recorded_result(&self, key: &str) -> Result<Option<(Digest, ActionResult)>> {
        let bytes = self.dirs.actions.read(format!("{}/{}", &key[..2], &key[2..]))?;
        Ok(bytes.and_then(|bytes| actions::decode(key, &bytes)))
    }

    /// All results: when they were recorded, and their keys in hex.
    pub(super) fn recorded(&self) -> Result<Vec<(i128, String)>> {
        let mut found = Vec::new();
        for shard in self.dirs.actions.list()? {
            let Some(first) = shard.name.to_str().filter(|name| is_shard(name)) else { continue };
            let dir = self.dirs.actions.dir(first)?;
            for entry in dir.list()? {
                let Some(rest) = entry.name.to_str() else { continue };
                let key = format!("{first}{rest}");
                if Digest::from_hex(&key, 0).is_ok()
                    && let Some(meta) = dir.stat(rest)?
                {
                    found.push((meta.modified, key));
                }
            }
        }
        Ok(found)
    }

    fn sweep_actions(&self, marks: &Marks<'_>, remove: bool, swept: &mut Swept) -> Result<()> {
        for (_, key) in self.recorded()? {
            let path = format!("{}/{}", &key[..2], &key[2..]);
            let keep = marks.actions.contains(&key);
            swept.count(keep, self.dirs.actions.stat(&path)?.map_or(0, |meta| meta.allocated));
            if remove && !keep {
                self.dirs.actions.remove_tree(&path)?;
            }
        }
        Ok(())
    }

    fn sweep_checkouts(&self, marks: &Marks<'_>, remove: bool, swept: &mut Swept) -> Result<()> {
        for entry in self.dirs.checkouts.list()? {
            let name = entry.name.to_string_lossy().into_owned();
            let hex = name.strip_suffix(".record").unwrap_or(&name);
            let keep = Digest::from_hex(hex, 0).is_ok_and(|digest| marks.objects.contains(&digest.hash));
            let own = |meta: &Meta| if meta.kind == Kind::Directory || meta.links == 1 { meta.allocated } else { 0 };
            let mut bytes = self.dirs.checkouts.stat(&entry.name)?.map_or(0, |meta| own(&meta));
            if entry.kind == Kind::Directory {
                self.dirs.checkouts.dir(&entry.name)?.total(&mut |meta| bytes += own(meta))?;
            }
            if name == hex {
                swept.count(keep, bytes);
            }
            if remove && !keep {
                self.dirs.checkouts.remove_tree(&entry.name)?;
            }
        }
        Ok(())
    }

    fn sweep_shard(&self, shard: &Shard, marks: &BTreeSet<[u8; 32]>, remove: bool) -> Result<Swept> {
        let mut swept = Swept::default();
        for entry in shard.dir.list()? {
            // What is not ours is left for `fsck` to tell of.
            let Some(name) = entry.name.to_str().and_then(|name| Name::parse(&shard.name, name)) else { continue };
            let keep = marks.contains(&name.hash);
            swept.count(keep, shard.dir.stat(&entry.name)?.map_or(0, |meta| meta.allocated));
            if remove && !keep {
                shard.dir.remove_tree(&entry.name)?;
            }
        }
        Ok(swept)
    }
}
