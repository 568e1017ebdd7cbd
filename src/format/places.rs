//! Where the files of a tar lie in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};

use super::error::{Error, SinkError};
use super::gate::Gate;
use super::rules::Rules;
use super::tar;
use super::unpack::{Sink, name};

/// Where the files of a tar, which is not compressed, lie in it: offset and size by name. A name that occurs twice has no
/// place, since readers differ on which one counts; neither have links.
///
/// Who reads there later has to know what should lie there, by a digest: a sparse file is not what it seems to be.
///
/// # Errors
/// As [`unpack`](super::unpack()).
pub fn tar_places(archive: &str, input: impl Read, rules: &Rules) -> Result<BTreeMap<String, (u64, u64)>, Error> {
    let at = Cell::new(0);
    let mut sink = Places { at: &at, found: BTreeMap::new() };
    let mut gate = Gate::new(rules, &mut sink);
    let mut input = Counted { inner: input, at: &at };
    let outcome = tar::read(&mut input, &mut gate);
    let (current, replaced) = (gate.current.take(), std::mem::take(&mut gate.summary.replaced));
    outcome.map_err(|fault| name(archive, current, fault))?;
    sink.found.retain(|name, _| !replaced.contains(name));
    Ok(sink.found)
}

/// Counts what was read.
struct Counted<'a, R> {
    inner: R,
    at: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.at.set(self.at.get() + count as u64);
        Ok(count)
    }
}

struct Places<'a> {
    at: &'a Cell<u64>,
    found: BTreeMap<String, (u64, u64)>,
}

impl Sink for Places<'_> {
    fn directory(&mut self, _: &str, _: u32) -> Result<(), SinkError> {
        Ok(())
    }

    fn file(&mut self, path: &str, _: u32, size: u64, _: &mut dyn Read) -> Result<(), SinkError> {
        self.found.insert(path.to_owned(), (self.at.get(), size));
        Ok(())
    }

    fn symlink(&mut self, _: &str, _: &str) -> Result<(), SinkError> {
        Ok(())
    }

    fn hardlink(&mut self, _: &str, _: &str) -> Result<(), SinkError> {
        Ok(())
    }
}
