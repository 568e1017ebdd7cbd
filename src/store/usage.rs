//! Measuring what the store holds.

use serde::Serialize;

use crate::fs::Kind;

use super::objects::Name;
use super::{Result, Store};

/// How much a part of the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Files.
    pub entries: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// What the store holds, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Objects as plain files.
    pub objects: Count,
    /// Objects as executable files.
    pub executables: Count,
    /// Objects with other modes.
    pub other_modes: Count,
    /// Results of actions.
    pub actions: Count,
    /// References.
    pub refs: Count,
    /// Notes.
    pub notes: Count,
    /// Folders, links and copies of checkouts, and their records; files that are shared with objects take nothing.
    pub checkouts: Count,
    /// Temporary files, logs of stages that run or failed, downloads that are not complete.
    pub temporary: Count,
    /// What was damaged and set aside.
    pub damaged: Count,
    /// What gc gives back on a full disk.
    pub reserve: Count,
}

impl Usage {
    /// Bytes of all kinds.
    pub fn total(&self) -> u64 {
        let objects = [self.objects, self.executables, self.other_modes];
        let others = [self.actions, self.refs, self.notes, self.checkouts, self.temporary, self.damaged, self.reserve];
        objects.iter().chain(&others).map(|count| count.bytes).sum()
    }
}

impl Store {
    /// Measures what the store holds, by looking at every file.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn usage(&self) -> Result<Usage> {
        let dirs = &self.inner.dirs;
        let mut usage = Usage::default();
        let parts = super::spread(&self.inner.shards()?, |shard| {
            let mut part = Usage::default();
            for entry in shard.dir.list()? {
                let Some(meta) = shard.dir.stat(&entry.name)? else { continue };
                let name = entry.name.to_str().and_then(|name| Name::parse(&shard.name, name));
                let count = match name.map(|name| name.variant) {
                    Some(super::Variant::PLAIN) => &mut part.objects,
                    Some(super::Variant::EXECUTABLE) => &mut part.executables,
                    _ => &mut part.other_modes,
                };
                count.entries += 1;
                count.bytes += meta.allocated;
            }
            Ok(part)
        })?;
        for part in parts {
            for (sum, some) in [
                (&mut usage.objects, part.objects),
                (&mut usage.executables, part.executables),
                (&mut usage.other_modes, part.other_modes),
            ] {
                sum.entries += some.entries;
                sum.bytes += some.bytes;
            }
        }
        // Made by others when they need them.
        for name in ["logs", "partial"] {
            if dirs.root.stat(name)?.is_some() {
                dirs.root.dir(name)?.total(&mut |meta| {
                    usage.temporary.entries += 1;
                    usage.temporary.bytes += meta.allocated;
                })?;
            }
        }
        for (dir, count) in [
            (&dirs.actions, &mut usage.actions),
            (&dirs.refs, &mut usage.refs),
            (&dirs.notes, &mut usage.notes),
            (&dirs.checkouts, &mut usage.checkouts),
            (&dirs.tmp, &mut usage.temporary),
            (&dirs.damaged, &mut usage.damaged),
        ] {
            dir.total(&mut |meta| {
                // A file with several names is an object; folders have several links by nature.
                let own = meta.kind == Kind::Directory || meta.links == 1;
                count.entries += u64::from(meta.kind != Kind::Directory);
                count.bytes += if own { meta.allocated } else { 0 };
            })?;
        }
        if let Some(meta) = dirs.root.stat("reserve")? {
            usage.reserve = Count { entries: 1, bytes: meta.allocated };
        }
        Ok(usage)
    }
}
