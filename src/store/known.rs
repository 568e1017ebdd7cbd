//! Which inodes this process has seen to hold the bytes that they should.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::digest::Digest;
use crate::fs::Meta;

/// What an inode looked like when its bytes were last hashed. A write changes at least the time of change, which no
/// system call can set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    digest: Digest,
    size: u64,
    modified: i128,
    changed: i128,
}

const SHARDS: usize = 16;

/// Inodes of the store's file system that are known to be good.
#[derive(Debug, Default)]
pub(super) struct Known {
    shards: [Mutex<BTreeMap<u64, Stamp>>; SHARDS],
}

impl Known {
    fn shard(&self, inode: u64) -> &Mutex<BTreeMap<u64, Stamp>> {
        &self.shards[(inode % SHARDS as u64) as usize]
    }

    /// Notes that the inode holds the bytes of `digest`.
    pub(super) fn insert(&self, meta: &Meta, digest: Digest) {
        let stamp = Stamp { digest, size: meta.size, modified: meta.modified, changed: meta.changed };
        self.shard(meta.inode).lock().unwrap_or_else(PoisonError::into_inner).insert(meta.inode, stamp);
    }

    /// Whether the inode was seen with the bytes of `digest` and has not changed since.
    pub(super) fn holds(&self, meta: &Meta, digest: Digest) -> bool {
        let stamp = Stamp { digest, size: meta.size, modified: meta.modified, changed: meta.changed };
        self.shard(meta.inode).lock().unwrap_or_else(PoisonError::into_inner).get(&meta.inode) == Some(&stamp)
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
