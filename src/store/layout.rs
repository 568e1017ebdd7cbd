//! The folders of a store, and whether a folder is one.

use std::path::Path;

use crate::fs::{self, Dir, Lock};

use super::objects::is_shard;
use super::scratch::Owned;
use super::{Error, Result};

/// The version of the layout that this program reads and writes.
pub(super) const VERSION: u64 = 1;

/// What gc gives back before it starts. Less in tests, which make many stores.
const RESERVE: u64 = if cfg!(test) { 64 << 10 } else { 8 << 20 };

/// `logs` and `partial` belong to builds and downloads; here they are only known.
const FOLDERS: [&str; 10] =
    ["objects", "actions", "refs", "notes", "checkouts", "locks", "tmp", "damaged", "logs", "partial"];
const FILES: [&str; 4] = ["format", "lock", "gate", "reserve"];

/// The folders, opened.
#[derive(Debug)]
pub(super) struct Dirs {
    pub(super) root: Dir,
    pub(super) objects: Dir,
    pub(super) actions: Dir,
    pub(super) refs: Dir,
    pub(super) notes: Dir,
    pub(super) checkouts: Dir,
    pub(super) locks: Dir,
    pub(super) tmp: Dir,
    pub(super) damaged: Dir,
}

/// Opens or makes a store and takes its lock, shared.
pub(super) fn open(path: &Path) -> Result<(Dirs, Lock, Lock)> {
    fs::create_dir_all(path)?;
    let root = Dir::open(path)?;
    let version = version(&root)?;
    match version {
        Some(VERSION) => {}
        Some(found) => return Err(Error::Version { path: path.to_owned(), found, expected: VERSION }),
        None => adopt(&root)?,
    }
    let gate = Lock::open(&root, "gate")?;
    let lock = Lock::open(&root, "lock")?;
    // gc holds the gate while it waits for the lock: without it, users who come and go would keep gc out for ever.
    gate.shared()?;
    lock.shared()?;
    gate.unlock()?;
    let dirs = Dirs {
        objects: root.ensure_dir("objects")?,
        actions: root.ensure_dir("actions")?,
        refs: root.ensure_dir("refs")?,
        notes: root.ensure_dir("notes")?,
        checkouts: root.ensure_dir("checkouts")?,
        locks: root.ensure_dir("locks")?,
        tmp: root.ensure_dir("tmp")?,
        damaged: root.ensure_dir("damaged")?,
        root,
    };
    if version.is_none() {
        let scratch = Owned::new(&dirs.tmp, "format")?;
        let published =
            dirs.root.publish("format", format!("repro store {VERSION}\n").as_bytes(), scratch.dir(), "format");
        scratch.remove(&dirs.tmp)?;
        published?;
    }
    reserve(&dirs.root)?;
    Ok((dirs, gate, lock))
}

/// The version that the `format` file names; `None` when there is none, or no sense in it.
fn version(root: &Dir) -> Result<Option<u64>> {
    let Some(bytes) = root.read("format")? else { return Ok(None) };
    // Whatever a later version writes after the number, it stays a later version.
    let number = bytes.strip_prefix(b"repro store ").map(|rest| rest.split(u8::is_ascii_whitespace).next());
    Ok(number.flatten().and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()))
}

/// Whether a folder without a format may be made a store: it is empty, or all that it holds is what a store holds (one
/// whose format was lost, or whose making was interrupted).
fn adopt(root: &Dir) -> Result<()> {
    let foreign = |entry: String| Err(Error::Foreign { path: root.path().to_owned(), entry });
    let entries = root.list()?;
    for entry in &entries {
        let name = entry.name.to_string_lossy();
        let kind = match root.stat(&entry.name)? {
            Some(meta) => meta.kind,
            None => continue,
        };
        let known = match kind {
            fs::Kind::Directory => FOLDERS.contains(&&*name),
            fs::Kind::File => FILES.contains(&&*name),
            _ => false,
        };
        if !known {
            return foreign(name.into_owned());
        }
    }
    // Others use such names too ("tmp", "lock"); what is in the folders tells.
    for folder in ["objects", "actions"] {
        if entries.iter().any(|entry| entry.name == folder) {
            for entry in root.dir(folder)?.list()? {
                let name = entry.name.to_string_lossy();
                if !is_shard(&name) {
                    return foreign(format!("{folder}/{name}"));
                }
            }
        }
    }
    if let Some(entry) = entries.first()
        && !entries.iter().any(|entry| entry.name == "gate" || entry.name == "objects")
    {
        return foreign(entry.name.to_string_lossy().into_owned());
    }
    Ok(())
}

/// Makes the reserve, if there is none and room for it.
pub(super) fn reserve(root: &Dir) -> Result<()> {
    if root.stat("reserve")?.is_some_and(|meta| meta.size == RESERVE) {
        return Ok(());
    }
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    let result = root.open_or_create("reserve", 0o644).and_then(|file| {
        let allocate = || fallocate(&file, FallocateFlags::empty(), 0, RESERVE);
        root.on(fs::fault::Class::Write, "allocate", Path::new("reserve"), allocate)
    });
    match result {
        Ok(()) => Ok(()),
        // A nearly full disk, or a file system that cannot: gc has to do without.
        Err(error) if [Errno::NOSPC, Errno::DQUOT, Errno::OPNOTSUPP].iter().any(|&errno| error.is(errno)) => {
            root.remove("reserve")?;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
