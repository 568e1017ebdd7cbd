//! Source archives to trees.

use std::io::Read;

use crate::digest::Digest;
use crate::format::{Rules, Sink, SinkError, unpack};
use crate::store::{Store, TreeBuilder};

use super::error::Error;
use super::sink::TreeSink;
use super::{VERSION, cache};

/// The tree of a source archive whose blob is in the store.
///
/// `archive` is its file name, for messages. With `inner`, the archive of that name within it is unpacked instead: a
/// whole path in the archive, or the last components of one that no other shares. `strip` leading components, which
/// all entries must share, are taken off.
///
/// # Errors
/// The blob is not in the store; an archive is refused; `inner` names none or several.
pub fn source_tree(
    store: &Store,
    blob: Digest,
    archive: &str,
    inner: Option<&str>,
    strip: usize,
) -> Result<Digest, Error> {
    let what = format!("source `{archive}`");
    cache::tree(store, key(blob, inner, strip), &what, || {
        let (blob, name) = match inner {
            None => (blob, archive.to_owned()),
            Some(inner) => (pick(store, blob, archive, inner)?, format!("{archive}: {inner}")),
        };
        let file = store.open_blob(blob).map_err(Error::store(&what))?;
        let mut sink = TreeSink::new(store);
        let rules = Rules { strip, ..Rules::default() };
        unpack(&name, file, None, &rules, &mut sink)
            .map_err(|source| Error::Unpack { what: what.clone(), source: Box::new(source) })?;
        sink.finish().map_err(Error::store(&what))
    })
}

/// The tree that [`source_tree`] gave for the same archive, if that is remembered.
///
/// # Errors
/// The store fails.
pub fn known_source(store: &Store, blob: Digest, inner: Option<&str>, strip: usize) -> Result<Option<Digest>, Error> {
    cache::find(store, key(blob, inner, strip), "source")
}

/// The tree that [`source_tree`] gave for the same archive once, whether or not it is still whole.
///
/// # Errors
/// The store fails.
pub fn former_source(store: &Store, blob: Digest, inner: Option<&str>, strip: usize) -> Result<Option<Digest>, Error> {
    cache::was(store, key(blob, inner, strip), "source")
}

/// A tree with one file: the blob itself, under the name `file`.
///
/// # Errors
/// The blob is not in the store, or the name cannot be a file's.
pub fn single_file(store: &Store, blob: Digest, file: &str) -> Result<Digest, Error> {
    let what = format!("source `{file}`");
    let mut tree = TreeBuilder::new(store);
    tree.blob(file, 0o644, blob).map_err(Error::store(&what))?;
    tree.finish().map_err(Error::store(&what))
}

fn key(blob: Digest, inner: Option<&str>, strip: usize) -> Digest {
    Digest::of(format!("{VERSION}\nsource {blob}\ninner {}\nstrip {strip}\n", inner.unwrap_or_default()).as_bytes())
}

/// Puts the archive within an archive into the store.
fn pick(store: &Store, blob: Digest, archive: &str, inner: &str) -> Result<Digest, Error> {
    let what = format!("source `{archive}`");
    let file = store.open_blob(blob).map_err(Error::store(&what))?;
    let mut sink = Pick { store, inner, found: Vec::new() };
    unpack(archive, file, None, &Rules::default(), &mut sink)
        .map_err(|source| Error::Unpack { what, source: Box::new(source) })?;
    match sink.found.as_slice() {
        [(_, digest)] => Ok(*digest),
        found => Err(Error::Inner {
            archive: archive.to_owned(),
            inner: inner.to_owned(),
            found: found.iter().map(|(path, _)| path.clone()).collect(),
        }),
    }
}

/// Keeps the files of one name.
struct Pick<'a> {
    store: &'a Store,
    inner: &'a str,
    found: Vec<(String, Digest)>,
}

impl Sink for Pick<'_> {
    fn directory(&mut self, _path: &str, _mode: u32) -> Result<(), SinkError> {
        Ok(())
    }

    fn file(&mut self, path: &str, _mode: u32, _size: u64, data: &mut dyn Read) -> Result<(), SinkError> {
        let rest = path.strip_suffix(self.inner);
        if rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/')) {
            let digest = self.store.put_reader(data)?;
            self.found.retain(|(other, _)| other != path);
            self.found.push((path.to_owned(), digest));
        }
        Ok(())
    }

    fn symlink(&mut self, _path: &str, _target: &str) -> Result<(), SinkError> {
        Ok(())
    }

    fn hardlink(&mut self, _path: &str, _target: &str) -> Result<(), SinkError> {
        Ok(())
    }
}
