//! Open directories.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, CWD, Mode, OFlags, RenameFlags, ResolveFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::fault::{Class, call};
use super::file::{read_rest, write_all_to};
use super::{Entry, Error, Meta, Result, write_all};

const OPEN_DIR: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
const OPEN_FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// An open directory, with the path that it was opened by (for messages only).
///
/// Names are single components or relative paths without symbolic links that we do not trust; the last component of
/// a name is never followed when it is a symbolic link.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Dir {
    /// Opens a directory; symbolic links on the way are followed, as the user who names a path expects.
    ///
    /// # Errors
    /// It does not exist, is no directory, or may not be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let flags = OPEN_DIR.difference(OFlags::NOFOLLOW);
        let fd = call(Class::Open, "open", || path.clone(), || sys::openat(CWD, &path, flags, Mode::empty()))
            .map_err(|errno| Error::new("open", &path, errno))?;
        Ok(Self { fd, path })
    }

    /// A directory that someone else opened; `label` stands for its path in messages.
    pub fn from_fd(fd: OwnedFd, label: impl Into<PathBuf>) -> Self {
        Self { fd, path: label.into() }
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of an entry, for messages.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// One operation on the entry `name`.
    #[inline]
    pub(crate) fn on<T>(
        &self,
        class: Class,
        operation: &'static str,
        name: &Path,
        system_call: impl FnMut() -> rustix::io::Result<T>,
    ) -> Result<T> {
        call(class, operation, || self.join(name), system_call)
            .map_err(|errno| Error::new(operation, self.join(name), errno))
    }

    /// Opens a sub-directory.
    ///
    /// # Errors
    /// It does not exist, is no directory, is a symbolic link, or may not be read.
    pub fn dir(&self, name: impl AsRef<Path>) -> Result<Self> {
        let name = name.as_ref();
        let fd = self.on(Class::Open, "open", name, || sys::openat(&self.fd, name, OPEN_DIR, Mode::empty()))?;
        Ok(Self { fd, path: self.join(name) })
    }

    /// Opens a sub-directory, and makes it first if there is none (mode 0755 less the umask).
    ///
    /// # Errors
    /// It can neither be made nor opened.
    pub fn ensure_dir(&self, name: impl AsRef<Path>) -> Result<Self> {
        let name = name.as_ref();
        match self.dir(name) {
            Err(error) if error.is_missing() => {
                self.create_dir(name)?;
                self.dir(name)
            }
            result => result,
        }
    }

    /// Makes a sub-directory, mode 0755 less the umask; `false` when it exists already.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create_dir(&self, name: impl AsRef<Path>) -> Result<bool> {
        let name = name.as_ref();
        let make = || sys::mkdirat(&self.fd, name, Mode::from_raw_mode(0o755));
        match self.on(Class::Change, "create", name, make) {
            Ok(()) => Ok(true),
            Err(error) if error.is_existing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens a regular file for reading. Opening never waits (a named pipe) and never takes a terminal.
    ///
    /// # Errors
    /// It does not exist, may not be read, or is a symbolic link.
    pub fn file(&self, name: impl AsRef<Path>) -> Result<File> {
        let name = name.as_ref();
        let open = || sys::openat(&self.fd, name, OPEN_FILE, Mode::empty());
        self.on(Class::Open, "open", name, open).map(File::from)
    }

    /// Opens `path`, of several components, without ever leaving this directory or following a symbolic link:
    /// `openat2(2)` with RESOLVE_BENEATH, NO_SYMLINKS and NO_MAGICLINKS.
    ///
    /// # Errors
    /// The path leads out, through a link, or to nothing.
    pub fn open_beneath(&self, path: impl AsRef<Path>, flags: OFlags) -> Result<OwnedFd> {
        let path = path.as_ref();
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        self.on(Class::Open, "open", path, || {
            // EAGAIN: a rename somewhere raced with the resolution of `..`; the kernel asks to try again.
            loop {
                match sys::openat2(&self.fd, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                    Err(Errno::AGAIN) => {}
                    result => return result,
                }
            }
        })
    }

    /// Makes a file that does not exist, for writing.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    pub fn create(&self, name: impl AsRef<Path>, mode: u32) -> Result<File> {
        let name = name.as_ref();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || sys::openat(&self.fd, name, flags, Mode::from_raw_mode(mode));
        self.on(Class::Create, "create", name, open).map(File::from)
    }

    /// Opens a file for reading and writing, and makes it if there is none.
    ///
    /// # Errors
    /// It can neither be opened nor made.
    pub fn open_or_create(&self, name: impl AsRef<Path>, mode: u32) -> Result<File> {
        let name = name.as_ref();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let open = || sys::openat(&self.fd, name, flags, Mode::from_raw_mode(mode));
        self.on(Class::Create, "create", name, open).map(File::from)
    }

    /// A file without a name in this directory's file system (`O_TMPFILE`): gone when it is closed, unless
    /// [`Dir::link_file`] names it. `None` where the file system has no such files.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn unnamed(&self, mode: u32) -> Result<Option<File>> {
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        let open = || sys::openat(&self.fd, ".", flags, Mode::from_raw_mode(mode));
        match self.on(Class::Create, "create a file in", Path::new(""), open) {
            Ok(fd) => Ok(Some(File::from(fd))),
            Err(error) if error.is(Errno::OPNOTSUPP) || error.is(Errno::ISDIR) || error.is(Errno::INVAL) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives an open file the name `name`; `false` when the name is taken.
    ///
    /// # Errors
    /// It cannot be linked: too many names (`EMLINK`), another file system.
    pub fn link_file(&self, file: &File, name: impl AsRef<Path>) -> Result<bool> {
        use std::os::fd::AsRawFd;
        let name = name.as_ref();
        let link = || match sys::linkat(file, "", &self.fd, name, AtFlags::EMPTY_PATH) {
            // Before Linux 6.10 an empty path needs a capability; the way through /proc does not.
            Err(Errno::NOENT) => {
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                sys::linkat(CWD, path, &self.fd, name, AtFlags::SYMLINK_FOLLOW)
            }
            result => result,
        };
        match self.on(Class::Change, "link", name, link) {
            Ok(()) => Ok(true),
            Err(error) if error.is_existing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a file a second name; `false` when the name is taken.
    ///
    /// # Errors
    /// It cannot be linked: too many names (`EMLINK`), another file system.
    pub fn link(&self, name: impl AsRef<Path>, to: &Dir, new: impl AsRef<Path>) -> Result<bool> {
        let (name, new) = (name.as_ref(), new.as_ref());
        let link = || sys::linkat(&self.fd, name, &to.fd, new, AtFlags::empty());
        match call(Class::Change, "link", || to.join(new), link) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(self.moving("link", name, to, new, errno)),
        }
    }

    /// Renames, replacing what has the new name.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn rename(&self, name: impl AsRef<Path>, to: &Dir, new: impl AsRef<Path>) -> Result<()> {
        let (name, new) = (name.as_ref(), new.as_ref());
        call(Class::Change, "rename", || to.join(new), || sys::renameat(&self.fd, name, &to.fd, new))
            .map_err(|errno| self.moving("rename", name, to, new, errno))
    }

    /// Renames unless the new name is taken (`false` then).
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn rename_new(&self, name: impl AsRef<Path>, to: &Dir, new: impl AsRef<Path>) -> Result<bool> {
        let (name, new) = (name.as_ref(), new.as_ref());
        let rename = || sys::renameat_with(&self.fd, name, &to.fd, new, RenameFlags::NOREPLACE);
        match call(Class::Change, "rename", || to.join(new), rename) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(self.moving("rename", name, to, new, errno)),
        }
    }

    fn moving(&self, operation: &'static str, name: &Path, to: &Dir, new: &Path, errno: Errno) -> Error {
        Error::Move { operation, from: self.join(name), to: to.join(new), source: errno.into() }
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// The name is taken, or it cannot be made.
    pub fn symlink(&self, target: impl AsRef<Path>, name: impl AsRef<Path>) -> Result<()> {
        let name = name.as_ref();
        self.on(Class::Change, "create", name, || sys::symlinkat(target.as_ref(), &self.fd, name))
    }

    /// The target of a symbolic link, in the bytes that the file system holds.
    ///
    /// # Errors
    /// It is no symbolic link or cannot be read.
    pub fn read_link(&self, name: impl AsRef<Path>) -> Result<Vec<u8>> {
        let name = name.as_ref();
        let read = || sys::readlinkat(&self.fd, name, Vec::new());
        self.on(Class::Observe, "read", name, read).map(std::ffi::CString::into_bytes)
    }

    /// What is known of an entry; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn stat(&self, name: impl AsRef<Path>) -> Result<Option<Meta>> {
        let name = name.as_ref();
        let stat = || sys::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW);
        match call(Class::Observe, "stat", || self.join(name), stat) {
            Ok(stat) => Ok(Some(stat.into())),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(Error::new("stat", self.join(name), errno)),
        }
    }

    /// The extended attributes of an entry, a symbolic link's own, sorted by name. None where the file system has none, or
    /// where the entry is gone.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn attributes(&self, name: impl AsRef<Path>) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        // There is no such call with a directory's descriptor, before Linux 6.13.
        let (name, path) = (name.as_ref(), self.join(&name));
        let none = |error: &Error| error.is_missing() || error.is(Errno::OPNOTSUPP) || error.is(Errno::NODATA);
        let whole = |read: &mut dyn FnMut(&mut Vec<u8>) -> rustix::io::Result<()>| loop {
            let mut bytes = Vec::new();
            match self.on(Class::Observe, "read the attributes of", name, || read(&mut bytes)) {
                // It grew between the question for its length and the one for itself.
                Err(error) if error.is(Errno::RANGE) => {}
                outcome => break outcome.map(|()| bytes),
            }
        };
        let names = whole(&mut |bytes| {
            bytes.resize(sys::llistxattr_query(&path)?, 0);
            let length = if bytes.is_empty() { 0 } else { sys::llistxattr(&path, &mut bytes[..])? };
            bytes.truncate(length);
            Ok(())
        });
        let names = match names {
            Err(error) if none(&error) => return Ok(Vec::new()),
            names => names?,
        };
        let mut found = Vec::new();
        for attribute in names.split(|byte| *byte == 0).filter(|attribute| !attribute.is_empty()) {
            let value = whole(&mut |bytes| {
                bytes.resize(sys::lgetxattr_query(&path, attribute)?, 0);
                let length = if bytes.is_empty() { 0 } else { sys::lgetxattr(&path, attribute, &mut bytes[..])? };
                bytes.truncate(length);
                Ok(())
            });
            match value {
                Err(error) if none(&error) => {}
                value => found.push((attribute.to_vec(), value?)),
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// What is known of an open file; `name` is for the error.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn stat_file(&self, file: impl AsFd, name: impl AsRef<Path>) -> Result<Meta> {
        self.on(Class::Observe, "stat", name.as_ref(), || sys::fstat(&file)).map(Meta::from)
    }

    /// Writes all of `bytes` to an open file; `name` is for the error.
    ///
    /// # Errors
    /// A write fails.
    pub fn write_file(&self, file: impl AsFd, name: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
        write_all_to(file, bytes, || self.join(&name))
    }

    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// It exists and cannot be read.
    pub fn read(&self, name: impl AsRef<Path>) -> Result<Option<Vec<u8>>> {
        let name = name.as_ref();
        match self.file(name) {
            Ok(file) => {
                let size = self.stat_file(&file, name)?.size;
                read_rest(&file, size, &self.join(name)).map(Some)
            }
            Err(error) if error.is_missing() || error.is(Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a file or a symbolic link; `false` when there is none.
    ///
    /// # Errors
    /// It exists and cannot be removed.
    pub fn remove(&self, name: impl AsRef<Path>) -> Result<bool> {
        self.unlink(name.as_ref(), AtFlags::empty())
    }

    /// Removes an empty directory; `false` when there is none.
    ///
    /// # Errors
    /// It exists and cannot be removed.
    pub fn remove_dir(&self, name: impl AsRef<Path>) -> Result<bool> {
        self.unlink(name.as_ref(), AtFlags::REMOVEDIR)
    }

    fn unlink(&self, name: &Path, flags: AtFlags) -> Result<bool> {
        match self.on(Class::Change, "remove", name, || sys::unlinkat(&self.fd, name, flags)) {
            Ok(()) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The entries, sorted by name, without `.` and `..`.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>> {
        use std::os::unix::ffi::OsStrExt;
        let here = Path::new("");
        // A descriptor of its own: the reading position belongs to the open file.
        let fd = self.on(Class::Open, "open", here, || sys::openat(&self.fd, ".", OPEN_DIR, Mode::empty()))?;
        let mut buffer = Vec::with_capacity(32 << 10);
        let mut reader = sys::RawDir::new(fd, buffer.spare_capacity_mut());
        let mut entries = Vec::new();
        self.on(Class::Observe, "list", here, || Ok(()))?;
        while let Some(entry) = reader.next() {
            let entry = match entry {
                Err(Errno::INTR) => continue,
                entry => entry.map_err(|errno| Error::new("list", &self.path, errno))?,
            };
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let name = std::ffi::OsStr::from_bytes(name).to_owned();
                entries.push(Entry { name, kind: entry.file_type().into() });
            }
        }
        entries.sort_unstable();
        Ok(entries)
    }

    /// Sets the times of access and of change of an entry, in seconds since 1970; a symbolic link's own.
    ///
    /// # Errors
    /// They cannot be set.
    pub fn set_times(&self, name: impl AsRef<Path>, seconds: i64) -> Result<()> {
        let name = name.as_ref();
        let set = || sys::utimensat(&self.fd, name, &times(seconds), AtFlags::SYMLINK_NOFOLLOW);
        self.on(Class::Change, "set the times of", name, set)
    }

    /// Like [`Dir::set_times`], of an open file; `name` is for the error.
    ///
    /// # Errors
    /// They cannot be set.
    pub fn set_file_times(&self, file: impl AsFd, name: impl AsRef<Path>, seconds: i64) -> Result<()> {
        let set = || sys::futimens(&file, &times(seconds));
        self.on(Class::Change, "set the times of", name.as_ref(), set)
    }

    /// Sets the permission bits of an open file; `name` is for the error.
    ///
    /// # Errors
    /// They cannot be set.
    pub fn set_file_mode(&self, file: impl AsFd, name: impl AsRef<Path>, mode: u32) -> Result<()> {
        let set = || sys::fchmod(&file, Mode::from_raw_mode(mode));
        self.on(Class::Change, "set the mode of", name.as_ref(), set)
    }

    /// Sets the permission bits of a file or directory that may not be opened; a symbolic link is refused.
    ///
    /// # Errors
    /// They cannot be set.
    pub fn set_mode(&self, name: impl AsRef<Path>, mode: u32) -> Result<()> {
        use std::os::fd::AsRawFd;
        let name = name.as_ref();
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.on(Class::Open, "open", name, || sys::openat(&self.fd, name, flags, Mode::empty()))?;
        // fchmod refuses O_PATH descriptors, fchmodat2 is of Linux 6.6: /proc works everywhere.
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let set = || sys::chmodat(CWD, &*path, Mode::from_raw_mode(mode), AtFlags::empty());
        self.on(Class::Change, "set the mode of", name, set)
    }

    /// Makes the names in this directory durable (`fsync(2)`).
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sync(&self) -> Result<()> {
        self.on(Class::Change, "sync", Path::new(""), || sys::fsync(&self.fd))
    }

    /// Makes all that was written to this directory's file system durable (`syncfs(2)`).
    ///
    /// # Errors
    /// The disk refuses, or an earlier write could not be completed.
    pub fn sync_file_system(&self) -> Result<()> {
        self.on(Class::Change, "sync the file system of", Path::new(""), || sys::syncfs(&self.fd))
    }

    /// Makes an open file's content durable; `name` is for the error.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sync_file(&self, file: impl AsFd, name: impl AsRef<Path>) -> Result<()> {
        self.on(Class::Change, "sync", name.as_ref(), || sys::fsync(&file))
    }

    /// Puts `bytes` under `name`, replacing what is there, in one step that survives a power cut: written to
    /// `temporary` in `scratch`, made durable, renamed, and the rename made durable.
    ///
    /// # Errors
    /// `name` is as it was then, except when only the last step failed. The temporary file is gone.
    pub fn publish(
        &self,
        name: impl AsRef<Path>,
        bytes: &[u8],
        scratch: &Dir,
        temporary: impl AsRef<Path>,
    ) -> Result<()> {
        let temporary = temporary.as_ref();
        // A leftover of a process that died, with our number: no one else uses it.
        scratch.remove(temporary)?;
        let file = scratch.create(temporary, 0o644)?;
        let written = write_all(&file, bytes, &scratch.join(temporary))
            .and_then(|()| scratch.sync_file(&file, temporary))
            .and_then(|()| scratch.rename(temporary, self, name));
        if let Err(error) = written {
            // The first error is the one to tell; the leftover is swept later if this fails too.
            let _ = scratch.remove(temporary);
            return Err(error);
        }
        self.sync()
    }
}

fn times(seconds: i64) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}
