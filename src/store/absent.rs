//! Which objects a store does not have, told from lists of its folders.
//!
//! An import of many new files would look up each object's name only to hear that there is none, which costs as much
//! as giving the name. Once enough look-ups in a folder have found nothing, the folder is listed, and its further names
//! are told from memory. A list lasts as long as one import. What others store meanwhile is written once more and found
//! to be there when it is to get its name; what is in the list is looked up as ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::digest::Digest;
use crate::fs::Dir;

use super::Result;

/// Look-ups that find nothing in a folder before it may be listed.
const FIRST: u64 = 4;
/// Bytes of a folder that may be read for each of them: about sixteen entries.
const PAID: u64 = 1024;

/// The beginnings of the names in folders below `objects/`, by the folder's number.
#[derive(Default)]
pub(super) struct Absent {
    shards: Mutex<BTreeMap<u8, Shard>>,
}

#[derive(Default)]
struct Shard {
    missed: u64,
    names: Option<BTreeSet<u64>>,
}

impl Absent {
    /// Whether an object is certainly not there, as any variant. It is about to be stored then: the next answer will be
    /// that it may be there.
    pub(super) fn claim(&self, digest: Digest) -> bool {
        let (number, start) = split(digest);
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        shards.get_mut(&number).and_then(|shard| shard.names.as_mut()).is_some_and(|names| names.insert(start))
    }

    /// Notes that a look-up has found nothing.
    pub(super) fn missed(&self, objects: &Dir, digest: Digest) -> Result<()> {
        let (number, _) = split(digest);
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let shard = shards.entry(number).or_default();
        shard.missed += 1;
        if shard.names.is_none() && shard.missed >= FIRST && shard.missed.is_power_of_two() {
            shard.names = list(objects, &format!("{number:02x}"), shard.missed * PAID)?;
        }
        Ok(())
    }
}

/// The number of a digest's folder, and the beginning of its name there.
fn split(digest: Digest) -> (u8, u64) {
    let [number, rest @ ..] = &digest.hash;
    (*number, rest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}

/// The beginnings of the names in a folder; `None` when the folder has more than `limit` bytes.
fn list(objects: &Dir, shard: &str, limit: u64) -> Result<Option<BTreeSet<u64>>> {
    match objects.stat(shard)? {
        None => return Ok(Some(BTreeSet::new())),
        Some(meta) if meta.size > limit => return Ok(None),
        Some(_) => {}
    }
    let entries = objects.dir(shard)?.list()?;
    let start = |name: &str| u64::from_str_radix(name.get(..16)?, 16).ok();
    Ok(Some(entries.iter().filter_map(|entry| start(entry.name.to_str()?)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_list_lacks_is_certainly_absent() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let objects = Dir::open(folder.path()).expect("opens");
        let digest = |last: u8| Digest { hash: std::array::from_fn(|i| if i == 8 { last } else { 0xab }), size: 1 };
        objects.create_dir("ab").expect("made");
        let name = |last: u8| format!("ab/{}.x", &digest(last).hex()[2..]);
        objects.create(name(1), 0o755).expect("made");
        let absent = Absent::default();
        for _ in 1..FIRST {
            absent.missed(&objects, digest(2)).expect("no list yet");
            assert!(!absent.claim(digest(2)));
        }
        absent.missed(&objects, digest(2)).expect("lists");
        assert!(!absent.claim(digest(1)), "it is there, if only as another variant");
        assert!(absent.claim(digest(2)), "the list lacks it");
        assert!(!absent.claim(digest(2)), "someone is storing it");
        let elsewhere = Digest { hash: [7; 32], size: 1 };
        assert!(!absent.claim(elsewhere), "its folder was not listed");
    }

    #[test]
    fn a_long_folder_is_listed_when_that_has_paid_off() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let objects = Dir::open(folder.path()).expect("opens");
        objects.create_dir("00").expect("made");
        objects.create("00/x", 0o644).expect("made");
        assert!(list(&objects, "00", 0).expect("asks").is_none(), "it has some bytes");
        assert_eq!(list(&objects, "00", 1 << 20).expect("lists"), Some(BTreeSet::new()));
        assert_eq!(list(&objects, "01", 0).expect("asks"), Some(BTreeSet::new()), "no folder, no objects");
    }
}
