//! Locks on files (flock(2)) and on numbers (open file description locks, fcntl_locking(2)).

use std::fs::File;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::fault::{Class, call};
use super::{Dir, Error, Meta, Result};

/// A lock on a file, held until it is dropped or its process ends, however it ends.
///
/// The lock goes with the open file: a child that inherits the descriptor and does not close it holds the lock too.
/// Descriptors are opened close-on-exec. Two locks taken in one process exclude each other like those of two
/// processes.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Opens (and makes, if need be) the file `name` without locking it yet.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(dir: &Dir, name: impl AsRef<Path>) -> Result<Self> {
        let path = dir.join(&name);
        Ok(Self { file: dir.open_or_create(name, 0o644)?, path })
    }

    /// Waits until no other lock is held on the file, then holds it alone.
    ///
    /// # Errors
    /// The system refuses: out of lock memory, or a file system without locks.
    pub fn exclusive(&self) -> Result<()> {
        self.operate(FlockOperation::LockExclusive).map(|_| ())
    }

    /// Waits until no one holds the file alone, then holds it together with others.
    ///
    /// # Errors
    /// As [`Lock::exclusive`].
    pub fn shared(&self) -> Result<()> {
        self.operate(FlockOperation::LockShared).map(|_| ())
    }

    /// Like [`Lock::exclusive`], without waiting: `false` means that someone else holds it.
    ///
    /// # Errors
    /// As [`Lock::exclusive`].
    pub fn try_exclusive(&self) -> Result<bool> {
        self.operate(FlockOperation::NonBlockingLockExclusive)
    }

    /// Like [`Lock::shared`], without waiting: `false` means that someone else holds it alone.
    ///
    /// # Errors
    /// As [`Lock::exclusive`].
    pub fn try_shared(&self) -> Result<bool> {
        self.operate(FlockOperation::NonBlockingLockShared)
    }

    /// Lets go of the lock and keeps the file open.
    ///
    /// # Errors
    /// As [`Lock::exclusive`].
    pub fn unlock(&self) -> Result<()> {
        self.operate(FlockOperation::Unlock).map(|_| ())
    }

    /// Whether the name still leads to the locked file. A file that was removed while we waited for its lock locks
    /// nothing.
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn is_current(&self, dir: &Dir, name: impl AsRef<Path>) -> Result<bool> {
        let ours = self.meta()?;
        Ok(dir.stat(name)?.is_some_and(|now| (now.device, now.inode) == (ours.device, ours.inode)))
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    fn meta(&self) -> Result<Meta> {
        call(Class::Observe, "stat", || self.path.clone(), || rustix::fs::fstat(&self.file))
            .map(Meta::from)
            .map_err(|errno| Error::new("stat", &self.path, errno))
    }

    fn operate(&self, operation: FlockOperation) -> Result<bool> {
        match call(Class::Observe, "lock", || self.path.clone(), || flock(&self.file, operation)) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(errno) => Err(Error::new("lock", &self.path, errno)),
        }
    }
}

/// A lock on a number, held alone until it is dropped or its process ends, however it ends.
///
/// It is one byte of a file that all who lock such numbers open: nothing is made, and nothing has to be cleared away. Like
/// [`Lock`] it goes with the open file, and excludes others of the same process, too.
#[derive(Debug)]
pub struct NumberLock {
    file: File,
    number: u64,
}

impl NumberLock {
    /// Waits until no one holds the lock on a number of the file `name`, which is made if need be, then holds it. Numbers that
    /// differ in the two highest bits only are the same.
    ///
    /// # Errors
    /// The file cannot be opened, or its file system has no locks.
    pub fn take(dir: &Dir, name: impl AsRef<Path>, number: u64) -> Result<Self> {
        let (lock, path) = Self::open(dir, name, number)?;
        lock.operate(|byte| FcntlArg::F_OFD_SETLKW(byte), &path).map_err(|errno| Error::new("lock", &path, errno))?;
        Ok(lock)
    }

    /// Like [`NumberLock::take`], without waiting: `None` means that someone else holds it.
    ///
    /// # Errors
    /// As [`NumberLock::take`].
    pub fn try_take(dir: &Dir, name: impl AsRef<Path>, number: u64) -> Result<Option<Self>> {
        let (lock, path) = Self::open(dir, name, number)?;
        match lock.operate(|byte| FcntlArg::F_OFD_SETLK(byte), &path) {
            Ok(()) => Ok(Some(lock)),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(None),
            Err(errno) => Err(Error::new("lock", &path, errno)),
        }
    }

    fn open(dir: &Dir, name: impl AsRef<Path>, number: u64) -> Result<(Self, PathBuf)> {
        let path = dir.join(&name);
        Ok((Self { file: dir.open_or_create(name, 0o644)?, number }, path))
    }

    fn operate(&self, how: impl Fn(&libc::flock) -> FcntlArg<'_>, path: &Path) -> std::result::Result<(), Errno> {
        let byte = self.byte(libc::F_WRLCK);
        let lock = || fcntl(&self.file, how(&byte)).map_err(|errno| Errno::from_raw_os_error(errno as i32));
        call(Class::Observe, "lock", || path.to_owned(), lock).map(|_| ())
    }

    /// Another descriptor of the open file, as a child has it.
    #[cfg(test)]
    pub(super) fn try_clone(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }

    fn byte(&self, kind: i32) -> libc::flock {
        // A file's offsets have 63 bits, and so has the end of the byte.
        let start = self.number & (u64::MAX >> 2);
        libc::flock { l_type: kind as i16, l_whence: libc::SEEK_SET as i16, l_start: start as i64, l_len: 1, l_pid: 0 }
    }
}

impl Drop for NumberLock {
    fn drop(&mut self) {
        // A child that was cloned a moment ago may have the file open still.
        let _ = fcntl(&self.file, FcntlArg::F_OFD_SETLK(&self.byte(libc::F_UNLCK)));
    }
}
