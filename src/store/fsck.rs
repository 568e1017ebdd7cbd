//! Reading everything and telling what is wrong.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;
use serde::Serialize;

use crate::digest::reapi::Directory;
use crate::digest::{Canonical, Digest};
use crate::fs::Kind;

use super::objects::{Name, Shard, Variant};
use super::{Error, Inner, Result, Store};

/// How far [`Store::fsck`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Folders of objects that are done.
    pub done: u64,
    /// Folders of objects in all.
    pub total: u64,
    /// Objects hashed so far.
    pub objects: u64,
    /// Bytes hashed so far.
    pub bytes: u64,
}

/// Something that names what is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Dangling {
    /// The reference's name, or the action's key in hex.
    pub name: String,
    /// The first object that is missing or damaged.
    pub missing: Digest,
}

/// What [`Store::fsck`] has found. All lists are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FsckReport {
    /// Objects hashed.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Hashes in hex of objects whose bytes are not theirs; set aside in `damaged/`.
    pub damaged: Vec<String>,
    /// Files that the disk cannot read, with its answer; left where they are.
    pub unreadable: Vec<String>,
    /// Files among the objects that are no objects; left where they are.
    pub foreign: Vec<PathBuf>,
    /// Keys in hex of results whose record was damaged; set aside.
    pub damaged_actions: Vec<String>,
    /// Results that name what is not there; removed, since executing the action again is what heals them.
    pub dangling_actions: Vec<Dangling>,
    /// References whose file is damaged; set aside.
    pub damaged_refs: Vec<String>,
    /// References to what is not there, or not whole; left, since building it again heals them.
    pub dangling_refs: Vec<Dangling>,
    /// Checkouts, by their tree's hash in hex, that were not as they should be; removed, and made anew when needed.
    pub bad_checkouts: Vec<String>,
}

impl FsckReport {
    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        let found = Self { objects: 0, bytes: 0, ..self.clone() };
        found == Self::default()
    }
}

impl Store {
    /// Hashes every object, in parallel, and checks that all results, references and checkouts are whole. What is
    /// damaged is set aside, so that it is made anew when it is needed. `progress` is called from several threads.
    ///
    /// # Errors
    /// The disk's errors, but not those of reading one object, which are a part of the report.
    pub fn fsck(&self, progress: &(dyn Fn(Progress) + Sync)) -> Result<FsckReport> {
        let inner = &*self.inner;
        let shards = inner.shards()?;
        let counts = [const { AtomicU64::new(0) }; 3];
        let [done, objects, bytes] = &counts;
        let parts = super::spread(&shards, |shard| {
            let part = inner.check_shard(shard)?;
            progress(Progress {
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                total: shards.len() as u64,
                objects: objects.fetch_add(part.objects, Ordering::Relaxed) + part.objects,
                bytes: bytes.fetch_add(part.bytes, Ordering::Relaxed) + part.bytes,
            });
            Ok(part)
        })?;
        let mut report = FsckReport::default();
        for part in parts {
            report.objects += part.objects;
            report.bytes += part.bytes;
            report.damaged.extend(part.damaged);
            report.unreadable.extend(part.unreadable);
            report.foreign.extend(part.foreign);
        }
        inner.forget();
        self.check_actions(&mut report)?;
        self.check_refs(&mut report)?;
        self.check_checkouts(&mut report)?;
        Ok(report)
    }

    fn check_actions(&self, report: &mut FsckReport) -> Result<()> {
        let inner = &*self.inner;
        for (_, key) in inner.recorded()? {
            let path = format!("{}/{}", &key[..2], &key[2..]);
            let Some((digest, result)) = inner.recorded_result(&key)? else {
                inner.dirs.actions.rename(&path, &inner.dirs.damaged, format!("action-{key}"))?;
                report.damaged_actions.push(key);
                continue;
            };
            if let Some(missing) = inner.missing_output(digest, &result)? {
                inner.dirs.actions.remove(&path)?;
                report.dangling_actions.push(Dangling { name: key, missing });
            }
        }
        report.damaged_actions.sort();
        report.dangling_actions.sort();
        Ok(())
    }

    fn check_refs(&self, report: &mut FsckReport) -> Result<()> {
        let inner = &*self.inner;
        let found = self.find_refs()?;
        for name in found.damaged {
            let aside = format!("ref-{}", name.replace('/', "-"));
            inner.dirs.damaged.remove_tree(&aside)?;
            inner.dirs.refs.rename(&name, &inner.dirs.damaged, aside)?;
            report.damaged_refs.push(name);
        }
        for (name, digest) in found.refs {
            if let Some(missing) = inner.hole_below(digest)? {
                report.dangling_refs.push(Dangling { name, missing });
            }
        }
        Ok(())
    }

    fn check_checkouts(&self, report: &mut FsckReport) -> Result<()> {
        let inner = &*self.inner;
        for entry in inner.dirs.checkouts.list()? {
            let name = entry.name.to_string_lossy().into_owned();
            if name.ends_with(".record") {
                continue;
            }
            let _lock = self.named_lock(&format!("checkout-{name}"))?;
            // The name holds the tree's hash; the tree itself knows the size.
            let digest = match Digest::from_hex(&name, 0) {
                Ok(digest) => {
                    let object = inner.dirs.objects.stat(Name::new(digest, Variant::PLAIN).path())?;
                    object.map(|meta| Digest { size: meta.size, ..digest })
                }
                Err(_) => None,
            };
            let good = match digest {
                Some(digest) => inner.confirm_tree(digest)?,
                None => false,
            };
            if !good {
                inner.dirs.checkouts.remove(format!("{name}.record"))?;
                inner.dirs.checkouts.remove_tree(&entry.name)?;
                report.bad_checkouts.push(name);
            }
        }
        Ok(())
    }
}

impl Inner {
    fn check_shard(&self, shard: &Shard) -> Result<FsckReport> {
        let mut report = FsckReport::default();
        for entry in shard.dir.list()? {
            let path = shard.dir.join(&entry.name);
            let Some(name) = entry.name.to_str().and_then(|name| Name::parse(&shard.name, name)) else {
                report.foreign.push(path);
                continue;
            };
            let Some(meta) = shard.dir.stat(&entry.name)? else { continue };
            let digest = Digest { hash: name.hash, size: meta.size };
            report.objects += 1;
            report.bytes += if meta.kind == Kind::File { meta.size } else { 0 };
            match self.hash_object(&shard.dir, &entry.name, &name) {
                Ok(true) => {
                    // Times and mode are mended on the way.
                    match self.verified(digest, name.variant) {
                        Ok(_) => {}
                        Err(Error::Damaged { .. }) => report.damaged.push(digest.hex()),
                        Err(error) => return Err(error),
                    }
                }
                Ok(false) => {
                    self.set_aside(digest, &name.path())?;
                    report.damaged.push(digest.hex());
                }
                Err(Error::Fs(error)) if error.is(Errno::IO) => {
                    report.unreadable.push(format!("{error}: {}", error.io()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    /// The first object missing below whatever a digest stands for.
    fn hole_below(&self, digest: Digest) -> Result<Option<Digest>> {
        if let Some((key, result)) = self.recorded_result(&digest.hex())? {
            return self.missing_output(key, &result);
        }
        match self.bytes(digest) {
            Ok(bytes) if Directory::decode_canonical(&bytes).is_ok() => self.hole(digest),
            Ok(_) => Ok(None),
            Err(Error::Missing { .. } | Error::Damaged { .. }) => Ok(Some(digest)),
            Err(error) => Err(error),
        }
    }
}
