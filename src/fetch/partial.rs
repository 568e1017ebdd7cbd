//! Partial files: what has arrived of a pin, kept over failures and restarts.
//!
//! `partial/<key>` in the store's folder holds the first bytes of the file (not below `tmp`: what is there goes when its
//! owner does); `<key>` is the pinned hash, or for a first use the hash of the
//! places. Whoever downloads holds the file's lock, so that one process does and the others wait. `<key>.from` says
//! which address the bytes came from and the validator (RFC 9110, section 8.8) that it gave: it only saves a server from
//! sending what is no longer the same file, and may be stale or torn without harm.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;

use super::pace;
use crate::fs::{self, Dir, Error, Lock};
use crate::store::Store;

/// Where partial files are, below the store's folder.
pub(super) const FOLDER: &str = "partial";

/// Removes the partial files that no download is using; the bytes that they had.
///
/// For `repro gc`: what was begun and never asked for again would stay for good.
///
/// # Errors
/// The folder cannot be read, or a file cannot be removed.
pub fn sweep_partials(store: &Store) -> Result<u64, Error> {
    let folder = store.root().join(FOLDER);
    if !fs::exists(&folder)? {
        return Ok(0);
    }
    let dir = Dir::open(&folder)?;
    let mut freed = 0;
    for entry in dir.list()? {
        let Some(key) = entry.name.to_str().filter(|name| !name.ends_with(".from")) else { continue };
        let lock = Lock::open(&dir, key)?;
        if lock.try_exclusive()? && lock.is_current(&dir, key)? {
            freed += seek(lock.file(), SeekFrom::End(0), &dir.join(key))?;
            dir.remove(format!("{key}.from"))?;
            dir.remove(key)?;
        }
    }
    Ok(freed)
}

/// A partial file, locked.
pub(super) struct Partial {
    dir: Dir,
    key: String,
    lock: Lock,
    len: u64,
    path: PathBuf,
}

impl Partial {
    /// Waits for the partial file of `key` in the folder `dir`. `None` when `cancel` was set meanwhile.
    pub(super) fn open(dir: Dir, key: &str, cancel: &AtomicBool) -> Result<Option<Self>, Error> {
        loop {
            let lock = Lock::open(&dir, key)?;
            // Polling, not waiting: a download elsewhere may take an hour, and an interrupt should not.
            while !lock.try_exclusive()? {
                if pace::pause(Duration::from_millis(50), cancel) {
                    return Ok(None);
                }
            }
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            // Whoever finished removed the file that we waited for: its name is free or leads to another file.
            if !lock.is_current(&dir, key)? {
                continue;
            }
            let path = dir.join(key);
            let len = seek(lock.file(), SeekFrom::End(0), &path)?;
            return Ok(Some(Self { dir, key: key.to_owned(), lock, len, path }));
        }
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Adds `bytes` at the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let result = fs::write_all(self.lock.file(), bytes, &self.path);
        match result {
            Ok(()) => self.len += bytes.len() as u64,
            // Some of them may be there.
            Err(_) => self.len = seek(self.lock.file(), SeekFrom::End(0), &self.path)?,
        }
        result
    }

    /// Drops all bytes.
    pub(super) fn reset(&mut self) -> Result<(), Error> {
        let failed = |errno: Errno| Error::new("truncate", &self.path, errno);
        rustix::fs::ftruncate(self.lock.file(), 0).map_err(failed)?;
        self.len = seek(self.lock.file(), SeekFrom::Start(0), &self.path)?;
        self.dir.remove(self.place_name()).map(|_| ())
    }

    /// The file, to be read from its start.
    pub(super) fn rewound(&self) -> Result<&File, Error> {
        seek(self.lock.file(), SeekFrom::Start(0), &self.path)?;
        Ok(self.lock.file())
    }

    /// The address and the validator that the bytes came with.
    pub(super) fn origin(&self) -> Option<(String, String)> {
        let text = String::from_utf8(self.dir.read(self.place_name()).ok()??).ok()?;
        let (address, validator) = text.strip_suffix('\n')?.split_once('\n')?;
        Some((address.to_owned(), validator.to_owned()))
    }

    /// Records where the bytes come from.
    pub(super) fn set_origin(&self, address: &str, validator: Option<&str>) -> Result<(), Error> {
        let name = self.place_name();
        self.dir.remove(&name)?;
        let Some(validator) = validator else { return Ok(()) };
        let file = self.dir.create(&name, 0o644)?;
        fs::write_all(&file, format!("{address}\n{validator}\n").as_bytes(), &self.dir.join(&name))
    }

    /// Ends it: the file is gone, and whoever waits for its lock looks again.
    pub(super) fn remove(self) -> Result<(), Error> {
        self.dir.remove(self.place_name())?;
        self.dir.remove(&self.key).map(|_| ())
    }

    fn place_name(&self) -> String {
        format!("{}.from", self.key)
    }
}

fn seek(mut file: &File, to: SeekFrom, path: &std::path::Path) -> Result<u64, Error> {
    file.seek(to).map_err(|source| Error::Io { operation: "seek", path: path.to_owned(), source })
}
