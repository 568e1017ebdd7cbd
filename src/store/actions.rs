//! The action cache, and the locks that let one process execute an action while others wait for its result.

use std::sync::PoisonError;

use crate::digest::reapi::ActionResult;
use crate::digest::{Canonical, Digest};
use crate::fs::{self, NumberLock};

use super::{Error, Guard, Inner, Result, Store, record};

const KIND: &str = "action";

/// Path of a result below `actions/`.
pub(super) fn path(key: Digest) -> String {
    let mut path = key.hex();
    path.insert(2, '/');
    path
}

/// The result in a record's bytes, if they are whole.
pub(super) fn decode(key: &str, bytes: &[u8]) -> Option<(Digest, ActionResult)> {
    // The hash is the file's name; the size stands in the record's own name.
    let name = bytes.split(|&byte| byte == b'\n').nth(1).and_then(|line| std::str::from_utf8(line).ok())?;
    let digest: Digest = name.parse().ok()?;
    let result = ActionResult::decode_canonical(record::decode(KIND, name, bytes)?).ok()?;
    (digest.hex() == key).then_some((digest, result))
}

/// The trees and blobs that a result is made of; `None` when a digest in it is malformed.
pub(super) fn outputs(result: &ActionResult) -> Option<(Vec<Digest>, Vec<Digest>)> {
    let mut trees = Vec::new();
    for directory in &result.output_directories {
        trees.push(directory.root_directory_digest.as_ref()?.get().ok()?);
    }
    let mut blobs = Vec::new();
    if let Some(log) = &result.stdout_digest {
        blobs.push(log.get().ok()?);
    }
    Some((trees, blobs))
}

impl Inner {
    /// The first object of a tree that is missing or damaged. Each file costs one `stat`, each directory is read;
    /// trees that were whole once in this process are not looked at again.
    pub(super) fn hole(&self, tree: Digest) -> Result<Option<Digest>> {
        if self.whole.lock().unwrap_or_else(PoisonError::into_inner).contains(&tree) {
            return Ok(None);
        }
        let directory = match self.directory(tree) {
            Ok(directory) => directory,
            Err(Error::Missing { .. } | Error::Damaged { .. } | Error::NotDirectory { .. }) => return Ok(Some(tree)),
            Err(error) => return Err(error),
        };
        let malformed = |reason| Error::NotDirectory { digest: tree, reason };
        for file in &directory.files {
            let digest = file.content().map_err(malformed)?;
            // The variant that is most likely there comes first.
            let first = if file.is_executable { super::Variant::EXECUTABLE } else { super::Variant::PLAIN };
            if !self.has(digest, first)? && !self.has_content(digest)? {
                return Ok(Some(digest));
            }
        }
        for child in &directory.directories {
            if let Some(hole) = self.hole(child.content().map_err(malformed)?)? {
                return Ok(Some(hole));
            }
        }
        self.whole.lock().unwrap_or_else(PoisonError::into_inner).insert(tree);
        Ok(None)
    }

    /// The first object that a result is made of and the store does not have.
    pub(super) fn missing_output(&self, key: Digest, result: &ActionResult) -> Result<Option<Digest>> {
        let Some((trees, blobs)) = outputs(result) else { return Ok(Some(key)) };
        for tree in trees {
            if let Some(hole) = self.hole(tree)? {
                return Ok(Some(hole));
            }
        }
        for blob in blobs {
            if !self.has_content(blob)? {
                return Ok(Some(blob));
            }
        }
        Ok(None)
    }

    /// The trace that a result names, if the store does not have it. The result is as good without.
    fn missing_trace(&self, key: Digest, result: &ActionResult) -> Result<Option<Digest>> {
        match result.trace() {
            Ok(Some(trace)) => Ok((!self.has_content(trace)?).then_some(trace)),
            Ok(None) => Ok(None),
            Err(_) => Ok(Some(key)),
        }
    }
}

impl Store {
    /// The recorded result of an action. `None` when there is none, when its record is damaged, or when any object
    /// that it is made of is missing or visibly damaged: executing the action again heals all of these. A trace that is
    /// missing or visibly damaged counts as never made.
    ///
    /// # Errors
    /// The disk's errors; a damaged object is no error.
    pub fn action(&self, key: Digest) -> Result<Option<ActionResult>> {
        let path = path(key);
        let Some(bytes) = self.inner.dirs.actions.read(&path)? else { return Ok(None) };
        match decode(&key.hex(), &bytes) {
            Some((digest, result)) if digest == key => {
                if self.inner.missing_output(key, &result)?.is_some() {
                    return Ok(None);
                }
                let untraced = self.inner.missing_trace(key, &result)?.is_some();
                Ok(Some(if untraced { result.without_trace() } else { result }))
            }
            _ => {
                let moved = format!("action-{}", key.hex());
                match self.inner.dirs.actions.rename(&path, &self.inner.dirs.damaged, moved) {
                    Err(error) if !error.is_missing() => Err(error.into()),
                    _ => Ok(None),
                }
            }
        }
    }

    /// What was recorded as the result of an action, whether or not all that it names is still there: for questions about
    /// what was. [`Store::action`] is for results that are to be used.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn recorded(&self, key: Digest) -> Result<Option<ActionResult>> {
        let Some(bytes) = self.inner.dirs.actions.read(path(key))? else { return Ok(None) };
        Ok(decode(&key.hex(), &bytes).filter(|(digest, _)| *digest == key).map(|(_, result)| result))
    }

    /// Records the result of an action, durably, after all objects that this process has stored were made durable. An
    /// earlier result of the action is replaced.
    ///
    /// # Errors
    /// An object that it names is not in the store ([`Error::Incomplete`]), or the disk's errors.
    pub fn put_action(&self, key: Digest, result: &ActionResult) -> Result<()> {
        self.record(key, result, None)
    }

    /// Like [`Store::put_action`] and then [`Store::set_ref`] to the action, at about the price of the first. The next
    /// such [`Store::set_ref`] costs nothing.
    ///
    /// # Errors
    /// As those two.
    pub fn put_action_with_ref(&self, key: Digest, result: &ActionResult, reference: &str) -> Result<()> {
        self.record(key, result, Some(reference))
    }

    fn record(&self, key: Digest, result: &ActionResult, reference: Option<&str>) -> Result<()> {
        if let Some(digest) = self.inner.missing_output(key, result)?.or(self.inner.missing_trace(key, result)?) {
            return Err(Error::Incomplete { key, digest });
        }
        let session = self.inner.session()?;
        let scratch = session.dir();
        let path = path(key);
        let (shard, name) = path.split_at(3);
        let shard = self.inner.dirs.actions.ensure_dir(&shard[..2])?;
        let bytes = record::encode(KIND, &key.to_string(), &result.canonical());
        // In the order in which they get their names: a reference never comes before what it refers to.
        let mut files = vec![(shard, name, bytes, format!("action-{}", self.inner.unique()))];
        if let Some(reference) = reference {
            let (dir, name) = self.ref_folder(reference)?;
            let bytes = super::refs::encode(reference, key);
            files.push((dir, name, bytes, format!("ref-{}", self.inner.unique())));
        }
        // They are written before the objects are made durable, and named after: one sync serves all, and the folders'
        // names. Without their names they mean nothing.
        let write = || -> Result<()> {
            for (_, _, bytes, temporary) in &files {
                let file = scratch.create(temporary, 0o644)?;
                fs::write_all(&file, bytes, &scratch.join(temporary))?;
            }
            self.inner.touched();
            self.flush()?;
            for (dir, name, _, temporary) in &files {
                scratch.rename(temporary, dir, name)?;
            }
            Ok(())
        };
        if let Err(error) = write() {
            for (_, _, _, temporary) in &files {
                let _ = scratch.remove(temporary);
            }
            return Err(error);
        }
        for (dir, ..) in &files {
            dir.sync()?;
        }
        self.inner.recorded.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        if let Some(reference) = reference {
            self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.to_owned(), key);
        }
        Ok(())
    }

    /// Waits until no one else executes the action, in this process or another, and keeps others from it. Ask for the
    /// result again once the lock is had: the one before may have left it.
    ///
    /// # Errors
    /// The lock's file cannot be made.
    pub fn lock_action(&self, key: Digest) -> Result<ActionLock> {
        self.named_lock(&key.hex())
    }

    /// Like [`Store::lock_action`], without waiting: `None` when someone else executes the action.
    ///
    /// # Errors
    /// The lock's file cannot be made.
    pub fn try_lock_action(&self, key: Digest) -> Result<Option<ActionLock>> {
        let guard = Guard::new(self);
        let lock = NumberLock::try_take(&self.inner.dirs.locks, LOCKS, number(&key.hex()))?;
        Ok(lock.map(|lock| ActionLock { _lock: lock, _guard: guard }))
    }

    pub(super) fn named_lock(&self, name: &str) -> Result<ActionLock> {
        let guard = Guard::new(self);
        let lock = NumberLock::take(&self.inner.dirs.locks, LOCKS, number(name))?;
        Ok(ActionLock { _lock: lock, _guard: guard })
    }
}

/// The file whose bytes are locked, in `locks/`.
const LOCKS: &str = "numbers";

/// The number that stands for a name. Two names that share one, by a chance of 2^-62, wait for each other needlessly.
fn number(name: &str) -> u64 {
    let digest = Digest::of(name.as_bytes());
    u64::from_le_bytes(*digest.hash.first_chunk().expect("a digest has 32 bytes"))
}

/// The right to execute an action, until it is dropped or the process ends.
#[derive(Debug)]
pub struct ActionLock {
    _lock: NumberLock,
    _guard: Guard,
}
