//! Whole files by path.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::fault::{self, Class, call};
use super::{Dir, Error, Result};

/// Splits a path into its directory, opened, and its last component.
fn parent(path: &Path) -> Result<(Dir, &Path)> {
    let name = path.file_name().ok_or_else(|| Error::new("open", path, Errno::INVAL))?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok((Dir::open(parent)?, Path::new(name)))
}

/// Writes all of `bytes`; `path` is for the error.
///
/// # Errors
/// A write fails.
pub fn write_all(file: impl AsFd, bytes: &[u8], path: &Path) -> Result<()> {
    write_all_to(file, bytes, || path.to_owned())
}

pub(super) fn write_all_to(file: impl AsFd, mut bytes: &[u8], path: impl Fn() -> PathBuf) -> Result<()> {
    while !bytes.is_empty() {
        let part = &bytes[..fault::length(bytes.len())];
        let count = call(Class::Write, "write", &path, || rustix::io::write(&file, part))
            .and_then(|count| if count == 0 { Err(Errno::IO) } else { Ok(count) })
            .map_err(|errno| Error::new("write", path(), errno))?;
        bytes = &bytes[count..];
    }
    Ok(())
}

/// Reads what is left of an open file.
pub(crate) fn read_rest(mut file: &File, size: u64, path: &Path) -> Result<Vec<u8>> {
    // The size is a promise of the file system that may be wrong or huge: it only sets how much to reserve at first.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(usize::MAX).min(1 << 24) + 1);
    call(Class::Observe, "read", || path.to_owned(), || Ok(()))
        .map_err(std::io::Error::from)
        .and_then(|()| file.read_to_end(&mut bytes))
        .map_err(|source| Error::Io { operation: "read", path: path.to_owned(), source })?;
    Ok(bytes)
}

/// Opens a file for reading.
///
/// # Errors
/// It cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    open_with(Class::Open, "open", path, OFlags::RDONLY)
}

/// Makes a file, or empties the one that is there. Mode 0644 less the umask.
///
/// # Errors
/// It cannot be made or opened.
pub fn create(path: &Path) -> Result<File> {
    open_with(Class::Change, "create", path, OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC)
}

fn open_with(class: Class, operation: &'static str, path: &Path, flags: OFlags) -> Result<File> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
    let open = || rustix::fs::openat(CWD, path, flags, Mode::from_raw_mode(0o644));
    let file = call(class, operation, || path.to_owned(), open);
    Ok(file.map_err(|errno| Error::new(operation, path, errno))?.into())
}

/// Reads a file.
///
/// # Errors
/// It cannot be opened or read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    read_rest(&open(path)?, 0, path)
}

/// Reads a file as UTF-8.
///
/// # Errors
/// It cannot be opened or read, or is not UTF-8.
pub fn read_to_string(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::Io {
        operation: "read",
        path: path.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8 text"),
    })
}

/// Replaces the content of `path`, or makes it, in one step that survives a power cut. Mode 0644 less the umask.
///
/// # Errors
/// Nothing has changed then, except when only the last step, making the new name durable, failed.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let (dir, name) = parent(path)?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    dir.publish(name, bytes, &dir, &temporary)
}

/// Whether something has this name; a symbolic link counts as itself.
///
/// # Errors
/// It cannot be told: a directory on the way cannot be searched.
pub fn exists(path: &Path) -> Result<bool> {
    use rustix::fs::{AtFlags, CWD, statat};
    match call(Class::Observe, "stat", || path.to_owned(), || statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(errno) => Err(Error::new("stat", path, errno)),
    }
}

/// Makes a directory and those above it, mode 0755 less the umask. What exists is left as it is.
///
/// # Errors
/// One cannot be made, or something that is no directory has its name.
pub fn create_dir_all(path: &Path) -> Result<()> {
    use rustix::fs::{CWD, Mode, mkdirat};
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    let make = || call(Class::Change, "create", || path.to_owned(), || mkdirat(CWD, path, Mode::from_raw_mode(0o755)));
    let result = match make() {
        Err(Errno::NOENT) => {
            path.parent().map_or(Ok(()), create_dir_all)?;
            make()
        }
        result => result,
    };
    match result {
        Ok(()) => Ok(()),
        // Someone else's directory is as good as ours; anything else with that name is not.
        Err(Errno::EXIST) => Dir::open(path).map(drop),
        Err(errno) => Err(Error::new("create", path, errno)),
    }
}

/// Removes a file or a symbolic link; fine when there is none.
///
/// # Errors
/// It exists and cannot be removed.
pub fn remove_file(path: &Path) -> Result<()> {
    use rustix::fs::{AtFlags, CWD, unlinkat};
    match call(Class::Change, "remove", || path.to_owned(), || unlinkat(CWD, path, AtFlags::empty())) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(Error::new("remove", path, errno)),
    }
}
