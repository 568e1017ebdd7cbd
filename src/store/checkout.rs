//! Trees laid out as folders of hard links to the objects, to be lower layers of overlays.
//!
//! `checkouts/HEX/` appears whole, by rename. Beside it `HEX.record` keeps what `stat` said of each entry, in the order of
//! [`Plan`]. A process that wants to use a checkout compares each entry with the record: what is unchanged is good;
//! files whose inode has changed (a new link changes it too) are hashed again; anything else that differs, and the
//! checkout is made anew. Small ones have no record: their files are hashed as fast as it is read. Nothing here is made
//! durable: after a power cut the comparison finds what is missing.

use std::path::PathBuf;
use std::sync::PoisonError;

use rustix::io::Errno;

use crate::digest::Digest;
use crate::fs::{Dir, Kind, Meta};

use super::objects::{Name, Variant};
use super::{EPOCH, Error, Guard, Inner, Result, Store, record};

const KIND: &str = "checkout";

/// A tree laid out as a folder, read-only by agreement: its files are the store's own. It stays as long as this value
/// lives.
#[derive(Debug)]
pub struct Checkout {
    /// Absolute path of the folder.
    pub path: PathBuf,
    digest: Digest,
    _guard: Guard,
}

impl Checkout {
    /// The tree.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// What a checkout is to hold, each directory before its entries. Paths are relative; the root's is empty.
#[derive(Default)]
struct Plan {
    entries: Vec<(String, What)>,
}

enum What {
    Directory { entries: usize },
    File { digest: Digest, variant: Variant },
    Symlink { target: String },
}

/// A checkout without a record has no more entries and bytes than this.
const FEW: usize = 4;
const LITTLE: u64 = 16 << 10;

impl Plan {
    fn has_record(&self) -> bool {
        let sizes =
            self.entries.iter().map(|(_, what)| if let What::File { digest, .. } = what { digest.size } else { 0 });
        self.entries.len() > FEW || sizes.fold(0, u64::saturating_add) > LITTLE
    }

    fn add(&mut self, store: &Inner, path: String, tree: Digest) -> Result<()> {
        let directory = store.directory(tree)?;
        let malformed = |reason| Error::NotDirectory { digest: tree, reason };
        let entries = directory.files.len() + directory.directories.len() + directory.symlinks.len();
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        self.entries.push((path.clone(), What::Directory { entries }));
        for file in &directory.files {
            let what =
                What::File { digest: file.content().map_err(malformed)?, variant: Variant::of_mode(file.mode()) };
            self.entries.push((at(&file.name), what));
        }
        for link in directory.symlinks {
            self.entries.push((at(&link.name), What::Symlink { target: link.target }));
        }
        for child in &directory.directories {
            self.add(store, at(&child.name), child.content().map_err(malformed)?)?;
        }
        Ok(())
    }
}

/// What `stat` said of an entry, as a line of the record.
fn stamp(meta: &Meta) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&meta.inode.to_le_bytes());
    bytes[8..16].copy_from_slice(&meta.size.to_le_bytes());
    // Nanoseconds since 1970 fit 64 bits until the year 2554.
    bytes[16..24].copy_from_slice(&(meta.modified as u64).to_le_bytes());
    bytes[24..].copy_from_slice(&(meta.changed as u64).to_le_bytes());
    bytes
}

/// The root's own name for `*at` calls.
fn name(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

impl Store {
    /// Where a tree is, or would be, laid out.
    pub fn checkout_path(&self, digest: Digest) -> PathBuf {
        self.root().join("checkouts").join(digest.hex())
    }

    /// Whether a tree is laid out. Says nothing of how well: that is for [`Store::checkout`].
    pub fn is_checked_out(&self, digest: Digest) -> bool {
        matches!(self.inner.dirs.checkouts.stat(digest.hex()), Ok(Some(meta)) if meta.kind == Kind::Directory)
    }

    /// Lays a tree out as a folder, or finds it laid out, and makes sure that it holds what it should: once in a
    /// process.
    ///
    /// # Errors
    /// An object of the tree is missing or damaged ([`Error::Missing`], [`Error::Damaged`]: executing what made it
    /// heals it), or the disk's errors.
    pub fn checkout(&self, digest: Digest) -> Result<Checkout> {
        let guard = Guard::new(self);
        let path = self.checkout_path(digest);
        let done = |path: PathBuf, guard| Ok(Checkout { path, digest, _guard: guard });
        let known = self.inner.checked_out.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&digest);
        if known && self.inner.dirs.checkouts.stat(digest.hex())?.is_some() {
            return done(path, guard);
        }
        // One process lays it out while others wait.
        let _lock = self.named_lock(&format!("checkout-{}", digest.hex()))?;
        let mut plan = Plan::default();
        plan.add(&self.inner, String::new(), digest)?;
        if !self.inner.confirm(digest, &plan)? {
            self.inner.lay_out(digest, &plan)?;
        }
        self.inner.checked_out.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, path.clone());
        done(path, guard)
    }
}

impl Inner {
    /// Whether a tree is laid out, and rightly.
    pub(super) fn confirm_tree(&self, digest: Digest) -> Result<bool> {
        let mut plan = Plan::default();
        match plan.add(self, String::new(), digest) {
            Ok(()) => self.confirm(digest, &plan),
            Err(Error::Missing { .. } | Error::Damaged { .. } | Error::NotDirectory { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a checkout is there and holds what it should.
    fn confirm(&self, digest: Digest, plan: &Plan) -> Result<bool> {
        let hex = digest.hex();
        let root = match self.dirs.checkouts.dir(&hex) {
            Ok(root) => root,
            Err(error) if error.is_missing() || error.is(Errno::NOTDIR) || error.is(Errno::LOOP) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let bytes = if plan.has_record() { self.dirs.checkouts.read(format!("{hex}.record"))? } else { None };
        let bytes = bytes.unwrap_or_default();
        let stamps = record::decode(KIND, &digest.to_string(), &bytes).unwrap_or_default();
        let mut stamps = stamps.chunks_exact(32);
        let mut doubtful = Vec::new();
        let mut stale = stamps.len() != plan.entries.len();
        for (path, what) in &plan.entries {
            let Some(meta) = root.stat(name(path))? else { return Ok(false) };
            let unchanged = stamps.next().is_some_and(|line| line == stamp(&meta));
            stale |= !unchanged;
            let shape = match what {
                What::Directory { entries } => {
                    (meta.kind, meta.mode) == (Kind::Directory, 0o755)
                        && (unchanged || root.dir(name(path))?.list()?.len() == *entries)
                }
                What::File { digest, variant } => {
                    let shape = (meta.kind, meta.mode, meta.size) == (Kind::File, variant.mode(), digest.size);
                    if shape && unchanged {
                        self.known.insert(&meta, *digest);
                    } else if shape && !self.known.holds(&meta, *digest) {
                        doubtful.push((path, *digest));
                    }
                    shape
                }
                What::Symlink { target } => {
                    meta.kind == Kind::Symlink && (unchanged || root.read_link(path)? == target.as_bytes())
                }
            };
            if !shape || meta.modified != i128::from(EPOCH) * 1_000_000_000 {
                return Ok(false);
            }
        }
        let good = super::spread(&doubtful, |(path, digest)| {
            let file = root.file(path)?;
            let before = root.stat_file(&file, path)?;
            let actual = super::objects::hash_reader(&file).map_err(|source| crate::fs::Error::Io {
                operation: "read",
                path: root.join(path),
                source,
            })?;
            let good = actual == *digest;
            if good {
                self.known.insert(&before, *digest);
            }
            Ok(good)
        })?;
        if good.contains(&false) {
            return Ok(false);
        }
        if stale {
            self.write_record(digest, plan, &root)?;
        }
        Ok(true)
    }

    /// Makes a checkout in the session's folder and moves it to its place.
    fn lay_out(&self, digest: Digest, plan: &Plan) -> Result<()> {
        let hex = digest.hex();
        let session = self.session()?;
        let name = format!("checkout-{}", self.unique());
        if let Err(error) = self.fill(digest, plan, session.dir(), &name) {
            // The first error is the one to tell; what stays goes with the session.
            let _ = session.dir().remove_tree(&name);
            return Err(error);
        }
        let root = self.dirs.checkouts.dir(&hex)?;
        self.write_record(digest, plan, &root)
    }

    fn fill(&self, digest: Digest, plan: &Plan, scratch: &Dir, temporary: &str) -> Result<()> {
        let hex = digest.hex();
        if plan.has_record() {
            self.dirs.checkouts.remove(format!("{hex}.record"))?;
        }
        // Whatever is there is not right: out of the way with it.
        let old = format!("{temporary}-old");
        match self.dirs.checkouts.rename(&hex, scratch, &old) {
            Err(error) if error.is_missing() => {}
            result => {
                result?;
                scratch.remove_tree(&old)?;
            }
        }
        scratch.create_dir(temporary)?;
        let new = scratch.dir(temporary)?;
        let mut files = Vec::new();
        for (path, what) in &plan.entries {
            match what {
                What::Directory { .. } if path.is_empty() => {}
                What::Directory { .. } => drop(new.create_dir(path)?),
                What::File { digest, variant } => files.push((path, *digest, *variant)),
                What::Symlink { target } => {
                    new.symlink(target, path)?;
                    new.set_times(path, EPOCH)?;
                }
            }
        }
        super::spread(&files, |(path, digest, variant)| self.place(*digest, *variant, &new, path))?;
        // Children before parents: an entry that is added gives its directory a new time.
        for (path, what) in plan.entries.iter().rev() {
            if let What::Directory { .. } = what {
                if self.umask_strips {
                    new.set_mode(name(path), 0o755)?;
                }
                new.set_times(name(path), EPOCH)?;
            }
        }
        Ok(scratch.rename(temporary, &self.dirs.checkouts, &hex)?)
    }

    /// Puts one object into a folder, as a hard link; as a copy when it has as many links as a file can have.
    fn place(&self, digest: Digest, variant: Variant, dir: &Dir, path: &str) -> Result<()> {
        let object = Name::new(digest, variant).path();
        loop {
            self.ensure(digest, variant)?;
            match self.dirs.objects.link(&object, dir, path) {
                Ok(_) => return Ok(()),
                Err(error) if error.is(Errno::MLINK) => {
                    // The full inode lives on in its checkouts; the next links go to a new one.
                    self.renew(digest, variant)?;
                }
                // Collected or set aside by someone in between.
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes what `stat` says now. Also what this process knows of the files: linking has changed their inodes.
    fn write_record(&self, digest: Digest, plan: &Plan, root: &Dir) -> Result<()> {
        let mut stamps = Vec::with_capacity(plan.entries.len() * 32);
        for (path, what) in &plan.entries {
            let Some(meta) = root.stat(name(path))? else { return Err(Error::Missing { digest }) };
            if let What::File { digest, .. } = what {
                self.known.insert(&meta, *digest);
            }
            stamps.extend_from_slice(&stamp(&meta));
        }
        if !plan.has_record() {
            return Ok(());
        }
        let bytes = record::encode(KIND, &digest.to_string(), &stamps);
        let session = self.session()?;
        let temporary = format!("record-{}", self.unique());
        let file = session.dir().create(&temporary, 0o644)?;
        let name = format!("{}.record", digest.hex());
        crate::fs::write_all(&file, &bytes, &self.dirs.checkouts.join(&name))?;
        Ok(session.dir().rename(&temporary, &self.dirs.checkouts, &name)?)
    }
}
