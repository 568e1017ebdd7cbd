//! References: names for digests that gc keeps. And notes: what is worth remembering and not worth missing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;

use crate::digest::Digest;
use crate::digest::reapi::check_name;
use crate::fs::{self, Dir, Kind};

use super::{Error, Result, Store, record};

const KIND: &str = "ref";

fn check(name: &str) -> Result<()> {
    for part in name.split('/') {
        check_name(part).map_err(|reason| Error::RefName { name: name.to_owned(), reason })?;
        if part.starts_with('.') {
            let reason = "a part of it begins with a dot".to_owned();
            return Err(Error::RefName { name: name.to_owned(), reason });
        }
    }
    Ok(())
}

/// The references of a store, and the files among them that are damaged.
pub(super) struct Found {
    pub(super) refs: BTreeMap<String, Digest>,
    pub(super) damaged: Vec<String>,
}

impl Store {
    /// Lets `name` stand for `digest`: a tree, a blob, or the key of an action with a result. Durable; replaces what
    /// the name stood for. The name may have several parts with `/` between them, like a path.
    ///
    /// # Errors
    /// The name cannot be one ([`Error::RefName`]), or is a part of another or the other way round; the store has no
    /// such object ([`Error::Missing`]); the disk's errors.
    pub fn set_ref(&self, name: &str, digest: Digest) -> Result<()> {
        check(name)?;
        let known =
            self.inner.has_content(digest)? || self.inner.dirs.actions.stat(super::actions::path(digest))?.is_some();
        if !known {
            return Err(Error::Missing { digest });
        }
        let set = self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if set == Some(digest) {
            return Ok(());
        }
        // A recorded result, and with it all that it names, was made durable when it was recorded.
        if !self.inner.recorded.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest) {
            self.flush()?;
        }
        let session = self.inner.session()?;
        let (dir, last) = self.ref_folder(name)?;
        Ok(dir.publish(last, &encode(name, digest), session.dir(), format!("ref-{}", self.inner.unique()))?)
    }

    /// The folder that a reference lies in, made durably if there is none, and the last part of the name.
    pub(super) fn ref_folder<'n>(&self, name: &'n str) -> Result<(Dir, &'n str)> {
        check(name)?;
        let refs = &self.inner.dirs.refs;
        let (parents, last) = name.rsplit_once('/').unwrap_or((".", name));
        // Nearly always the folders are there.
        match refs.dir(parents) {
            Err(error) if error.is_missing() => {}
            dir => return Ok((dir?, last)),
        }
        let mut dir = refs.dir(".")?;
        for part in parents.split('/') {
            if dir.create_dir(part)? {
                dir.sync()?;
            }
            dir = dir.dir(part)?;
        }
        Ok((dir, last))
    }

    /// All references, by name. Damaged ones are left out; `fsck` tells of them.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn refs(&self) -> Result<BTreeMap<String, Digest>> {
        Ok(self.find_refs()?.refs)
    }

    pub(super) fn find_refs(&self) -> Result<Found> {
        let mut found = Found { refs: BTreeMap::new(), damaged: Vec::new() };
        fs::walk::<Error>(&self.inner.dirs.refs, &mut |walked| {
            if walked.entry.kind == Kind::Directory {
                return Ok(());
            }
            let path = walked.path.to_string_lossy().into_owned();
            let bytes = if walked.entry.kind == Kind::File { walked.dir.read(&walked.entry.name)? } else { None };
            match bytes.as_deref().and_then(|bytes| parse(&path, bytes)) {
                Some(digest) => drop(found.refs.insert(path, digest)),
                None => found.damaged.push(path),
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Removes a reference; `false` when there is none. What it kept is removed by the next gc.
    ///
    /// # Errors
    /// The name cannot be one, or the disk's errors.
    pub fn remove_ref(&self, name: &str) -> Result<bool> {
        check(name)?;
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let refs = &self.inner.dirs.refs;
        let removed = match refs.remove(name) {
            Err(error) if error.is(rustix::io::Errno::ISDIR) || error.is(rustix::io::Errno::NOTDIR) => false,
            result => result?,
        };
        if removed {
            match Path::new(name).parent() {
                Some(parent) if !parent.as_os_str().is_empty() => refs.dir(parent)?.sync()?,
                _ => refs.sync()?,
            }
        }
        // Folders that became empty go too, up to the first that is not.
        let mut parent = Path::new(name).parent();
        while let Some(path) = parent.filter(|path| !path.as_os_str().is_empty()) {
            match refs.remove_dir(path) {
                Ok(true) => parent = path.parent(),
                _ => break,
            }
        }
        Ok(removed)
    }

    /// Remembers `bytes` under a kind and a name (one path component each). Not durable, and not known to anyone when
    /// it is damaged: only for what can be had again, such as how long a stage took.
    ///
    /// # Errors
    /// A name cannot be one, or the disk's errors.
    pub fn put_note(&self, kind: &str, name: &str, bytes: &[u8]) -> Result<()> {
        check(kind)?;
        check(name)?;
        let session = self.inner.session()?;
        let dir = self.inner.dirs.notes.ensure_dir(kind)?;
        let scratch = session.dir();
        let temporary = format!("note-{}", self.inner.unique());
        let file = scratch.create(&temporary, 0o644)?;
        let written = fs::write_all(&file, &record::encode(kind, name, bytes), &dir.join(name))
            .and_then(|()| scratch.rename(&temporary, &dir, name));
        if written.is_err() {
            let _ = scratch.remove(&temporary);
        }
        Ok(written?)
    }

    /// What was remembered; `None` when it was not, or is damaged.
    ///
    /// # Errors
    /// A name cannot be one, or the disk's errors.
    pub fn note(&self, kind: &str, name: &str) -> Result<Option<Vec<u8>>> {
        check(kind)?;
        check(name)?;
        let bytes = self.inner.dirs.notes.read(Path::new(kind).join(name))?;
        Ok(bytes.and_then(|bytes| record::decode(kind, name, &bytes).map(<[u8]>::to_vec)))
    }
}

/// The bytes of a reference.
pub(super) fn encode(name: &str, digest: Digest) -> Vec<u8> {
    record::encode(KIND, name, digest.to_string().as_bytes())
}

fn parse(name: &str, bytes: &[u8]) -> Option<Digest> {
    std::str::from_utf8(record::decode(KIND, name, bytes)?).ok()?.parse().ok()
}
