//! Where unpacked bytes wait to be read: in memory while they are few, then in a file without a name.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault::Fault;
use crate::format;
use crate::fs::{self, Content, Dir};
use crate::sys::CancelToken;

/// What is not larger than this stays in memory.
const SMALL: u64 = 4 << 20;
/// Bytes that are copied at once.
const CHUNK: usize = 256 * 1024;

/// A place for unpacked bytes, and bounds on how many there may be.
#[derive(Debug)]
pub struct Spool<'a> {
    folder: &'a Dir,
    cancel: Option<&'a CancelToken>,
    limit: u64,
    left: AtomicU64,
}

impl<'a> Spool<'a> {
    /// A spool whose files lie, without names, in the file system of `folder`. It takes `limit` bytes in all.
    pub fn new(folder: &'a Dir, limit: u64, cancel: Option<&'a CancelToken>) -> Self {
        Self { folder, cancel, limit, left: AtomicU64::new(limit) }
    }

    /// Takes `limit` bytes in all from now on.
    pub fn limit(&mut self, limit: u64) {
        (self.limit, self.left) = (limit, AtomicU64::new(limit));
    }

    /// Fails once the user has asked to stop.
    ///
    /// # Errors
    /// [`Fault::Cancelled`].
    pub fn check(&self) -> Result<(), Fault> {
        if self.cancel.is_some_and(CancelToken::is_cancelled) { Err(Fault::Cancelled) } else { Ok(()) }
    }

    /// Reads all of `input`.
    ///
    /// # Errors
    /// It cannot be read, there is too much of it, or the disk is full.
    pub fn keep(&self, mut input: impl Read) -> Result<Content, Fault> {
        let mut bytes = Vec::new();
        (&mut input).take(SMALL + 1).read_to_end(&mut bytes).map_err(unpacking)?;
        self.take(bytes.len() as u64)?;
        if bytes.len() as u64 <= SMALL {
            return Ok(Content::of_bytes(bytes));
        }
        let mut file = self.file()?;
        let path = self.folder.path();
        let mut write = |bytes: &[u8]| {
            file.write_all(bytes).map_err(|source| fs::Error::Io { operation: "write", path: path.to_owned(), source })
        };
        write(&bytes)?;
        bytes.resize(CHUNK, 0);
        loop {
            self.check()?;
            match input.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => {
                    self.take(count as u64)?;
                    write(&bytes[..count])?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unpacking(error)),
            }
        }
        Ok(Content::of_file(file, path)?)
    }

    /// Counts bytes that lie nowhere, such as holes, against the limit.
    pub(super) fn take(&self, count: u64) -> Result<(), Fault> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count));
        taken.map(drop).map_err(|_| Fault::TooMuch { what: "bytes when unpacked", limit: self.limit })
    }

    /// How many bytes were taken.
    pub fn taken(&self) -> u64 {
        self.limit - self.left.load(Ordering::Relaxed)
    }

    fn file(&self) -> Result<File, Fault> {
        let none = || fs::Error::new("make a file without a name in", self.folder.path(), rustix::io::Errno::OPNOTSUPP);
        Ok(self.folder.unnamed(0o600)?.ok_or_else(none)?)
    }

    /// For messages.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A decoder's error: what is wrong with its input, or the machine's answer below it.
fn unpacking(error: io::Error) -> Fault {
    match error.downcast::<fs::Error>() {
        Ok(error) => Fault::Io(error),
        Err(error) => match error.downcast::<format::Reason>() {
            Ok(reason) => Fault::malformed(reason.to_string()),
            Err(error) => Fault::malformed(error.to_string()),
        },
    }
}
