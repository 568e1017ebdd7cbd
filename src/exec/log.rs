//! The log of a running job: a file, its lines for whoever watches, and its last lines for a failure.
//!
//! The file is made when the first byte comes: most stages of a large project say nothing.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::digest::Digest;
use crate::fs;
use crate::store::Store;

/// How many of the last lines of a log a failure carries.
const TAIL: usize = 20;
/// A line longer than this is shown in parts: a stage may write gigabytes without a newline.
const LONGEST_LINE: usize = 8192;

/// A log that is being written.
pub(super) struct Log<'p, 'h> {
    file: Option<File>,
    path: &'p Path,
    line: Vec<u8>,
    tail: VecDeque<String>,
    hear: &'h mut dyn FnMut(&str),
    failed: Option<Error>,
}

impl<'p, 'h> Log<'p, 'h> {
    /// Begins a log; that of an earlier run is gone.
    pub(super) fn begin(path: &'p Path, hear: &'h mut dyn FnMut(&str)) -> Result<Self, Error> {
        match fs::remove_file(path) {
            Err(error) if !error.is_missing() => return Err(error.into()),
            _ => {}
        }
        Ok(Self { file: None, path, line: Vec::new(), tail: VecDeque::new(), hear, failed: None })
    }

    /// Writes to the file, and shows the lines that are complete.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            // Kept for the end: a full disk must not go unsaid, and must not kill the stage half-way either.
            self.failed = self.write(bytes).err();
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() >= LONGEST_LINE {
                self.end_line();
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(self.path)?),
        };
        file.write_all(bytes).map_err(|source| Error::Log { path: self.path.to_owned(), source })
    }

    fn end_line(&mut self) {
        let text = String::from_utf8_lossy(&self.line);
        let text = text.trim_end_matches(['\n', '\r']).to_owned();
        self.line.clear();
        (self.hear)(&text);
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(text);
    }

    /// The job has ended.
    pub(super) fn finish(mut self) -> Result<Told<'p>, Error> {
        if !self.line.is_empty() {
            self.end_line();
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Told { path: self.path, any: self.file.is_some(), tail: self.tail.into() }),
        }
    }
}

/// A log that is complete.
pub(super) struct Told<'p> {
    path: &'p Path,
    /// Whether there is a file.
    any: bool,
    tail: Vec<String>,
}

impl Told<'_> {
    /// Leaves the file, also an empty one, for whoever wants to know why the job failed: its path, and its last lines.
    pub(super) fn keep(self) -> Result<(PathBuf, Vec<String>), Error> {
        if !self.any {
            create(self.path)?;
        }
        Ok((self.path.to_owned(), self.tail))
    }

    /// Moves it to the store.
    pub(super) fn store(self, store: &Store) -> Result<Digest, Error> {
        if !self.any {
            return Ok(store.put_bytes(&[])?);
        }
        let digest = store.put_reader(&mut fs::open(self.path)?)?;
        fs::remove_file(self.path)?;
        Ok(digest)
    }
}

fn create(path: &Path) -> Result<File, Error> {
    match fs::create(path) {
        Err(error) if error.is_missing() => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            Ok(fs::create(path)?)
        }
        file => Ok(file?),
    }
}
