//! Blobs: `objects/ab/cdef…`, one inode for each mode that a checkout needs.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::digest::reapi::Directory;
use crate::digest::{Canonical, Digest, HashReader};
use crate::fs::{self, Dir, Kind, Meta};

use super::absent::Absent;
use super::temporary::Temporary;
use super::{EPOCH, Error, Inner, Result, Store};

/// Larger contents are not held in memory. Less in tests, so that they need no large files to come by both ways.
pub(super) const IN_MEMORY: u64 = if cfg!(test) { 64 << 10 } else { 4 << 20 };

const EPOCH_NANOS: i128 = EPOCH as i128 * 1_000_000_000;

/// Which inode of an object: its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variant(u32);

impl Variant {
    pub(super) const PLAIN: Self = Self(0o644);
    pub(super) const EXECUTABLE: Self = Self(0o755);
    /// The variants that contents are stored as; others are copies that checkouts need.
    const PRIMARY: [Self; 2] = [Self::PLAIN, Self::EXECUTABLE];

    pub(super) fn of_mode(mode: u32) -> Self {
        Self(mode & 0o7777)
    }

    pub(super) fn mode(self) -> u32 {
        self.0
    }

    /// Stored as it is, or only as a copy of one that is.
    pub(super) fn is_primary(self) -> bool {
        Self::PRIMARY.contains(&self)
    }
}

/// The name of an object's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) hash: [u8; 32],
    pub(super) variant: Variant,
}

impl Name {
    pub(super) fn new(digest: Digest, variant: Variant) -> Self {
        Self { hash: digest.hash, variant }
    }

    /// Path below `objects/`: `ab/cdef…`, with `.x` for executables and `.m<octal>` for other modes.
    pub(super) fn path(&self) -> String {
        let mut path = Digest { hash: self.hash, size: 0 }.hex();
        path.insert(2, '/');
        match self.variant {
            Variant::PLAIN => {}
            Variant::EXECUTABLE => path.push_str(".x"),
            Variant(mode) => path.push_str(&format!(".m{mode:04o}")),
        }
        path
    }

    /// The name from a shard's name and that of a file in it.
    pub(super) fn parse(shard: &str, file: &str) -> Option<Self> {
        let (rest, variant) = match file.split_once('.') {
            None => (file, Variant::PLAIN),
            Some((rest, "x")) => (rest, Variant::EXECUTABLE),
            Some((rest, suffix)) => (rest, Variant(u32::from_str_radix(suffix.strip_prefix('m')?, 8).ok()?)),
        };
        let name = Self { hash: Digest::from_hex(&format!("{shard}{rest}"), 0).ok()?.hash, variant };
        (name.path() == format!("{shard}/{file}")).then_some(name)
    }
}

/// A folder of objects whose hashes begin alike.
pub(super) struct Shard {
    /// Two hex digits.
    pub(super) name: String,
    pub(super) dir: Dir,
}

/// Whether an inode looks as the store made it. Cheap: one `stat`. A write leaves a new time of change.
fn looks_good(meta: &Meta, digest: Digest, variant: Variant) -> bool {
    meta.kind == Kind::File && meta.size == digest.size && meta.modified == EPOCH_NANOS && meta.mode == variant.mode()
}

impl Inner {
    /// The shards that exist, sorted.
    pub(super) fn shards(&self) -> Result<Vec<Shard>> {
        let mut shards = Vec::new();
        for entry in self.dirs.objects.list()? {
            if let Some(name) = entry.name.to_str().filter(|name| is_shard(name)) {
                shards.push(Shard { name: name.to_owned(), dir: self.dirs.objects.dir(name)? });
            }
        }
        Ok(shards)
    }

    /// Notes that an object was stored, or found to be there already by someone who relies on it: perhaps another
    /// process wrote it a moment ago, and it is not durable yet.
    pub(super) fn touched(&self) {
        self.stored.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether this very variant is there and looks good. What does not is hashed, then mended or set aside.
    pub(super) fn has(&self, digest: Digest, variant: Variant) -> Result<bool> {
        self.has_at(&Name::new(digest, variant).path(), digest, variant)
    }

    /// [`Inner::has`], with the variant's path.
    fn has_at(&self, path: &str, digest: Digest, variant: Variant) -> Result<bool> {
        let Some(meta) = self.dirs.objects.stat(path)? else { return Ok(false) };
        if looks_good(&meta, digest, variant) {
            return Ok(true);
        }
        match self.verified(digest, variant) {
            Ok(found) => Ok(found.is_some()),
            Err(Error::Damaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the content is there, as any variant that it is stored as.
    pub(super) fn has_content(&self, digest: Digest) -> Result<bool> {
        for variant in Variant::PRIMARY {
            if self.has(digest, variant)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes sure that an object's file holds its bytes, by hashing it unless this process knows the inode to be good.
    /// `None` when there is no such file.
    ///
    /// # Errors
    /// It was damaged; it is set aside now.
    pub(super) fn verified(&self, digest: Digest, variant: Variant) -> Result<Option<Meta>> {
        let name = Name::new(digest, variant).path();
        let Some(meta) = self.dirs.objects.stat(&name)? else { return Ok(None) };
        if meta.mode == variant.mode() && self.known.holds(&meta, digest) {
            return Ok(Some(meta));
        }
        let file = match self.dirs.objects.file(&name) {
            Ok(file) => file,
            Err(error) if error.is_missing() => return Ok(None),
            // A link or a folder in the place of the object.
            Err(_) if meta.kind != Kind::File => return Err(self.set_aside(digest, &name)?),
            Err(error) => return Err(error.into()),
        };
        loop {
            let before = self.dirs.objects.stat_file(&file, &name)?;
            if before.size != digest.size || self.hash_file(&file, &name)? != digest {
                return Err(self.set_aside(digest, &name)?);
            }
            let mut after = self.dirs.objects.stat_file(&file, &name)?;
            if (before.size, before.modified) != (after.size, after.modified) {
                continue;
            }
            // The content is right; times and mode are mended, so that checkouts show the right ones.
            if after.mode != variant.mode() || after.modified != EPOCH_NANOS {
                self.dirs.objects.set_file_mode(&file, &name, variant.mode())?;
                self.dirs.objects.set_file_times(&file, &name, EPOCH)?;
                after = self.dirs.objects.stat_file(&file, &name)?;
            }
            self.known.insert(&after, digest);
            return Ok(Some(after));
        }
    }

    fn hash_file(&self, file: &File, name: &str) -> Result<Digest> {
        hash_reader(file)
            .map_err(|source| fs::Error::Io { operation: "read", path: self.dirs.objects.join(name), source }.into())
    }

    /// Whether the file in a shard holds what its name says.
    pub(super) fn hash_object(&self, dir: &Dir, file: &OsStr, name: &Name) -> Result<bool> {
        let meta = dir.stat(file)?;
        if meta.is_none_or(|meta| meta.kind != Kind::File) {
            return Ok(false);
        }
        let open = dir.file(file)?;
        let digest =
            hash_reader(&open).map_err(|source| fs::Error::Io { operation: "read", path: dir.join(file), source })?;
        Ok(digest.hash == name.hash)
    }

    /// Moves a damaged object out of the way, and forgets all that was concluded from it.
    pub(super) fn set_aside(&self, digest: Digest, name: &str) -> Result<Error> {
        let moved = name.replace('/', "");
        match self.dirs.objects.rename(name, &self.dirs.damaged, &moved) {
            Ok(()) => {}
            // Another process found it first.
            Err(error) if error.is_missing() => {}
            // Something that is no file: it cannot replace a file in `damaged`.
            Err(_) => {
                self.dirs.damaged.remove_tree(&moved)?;
                self.dirs.objects.rename(name, &self.dirs.damaged, &moved)?;
            }
        }
        self.forget();
        Ok(Error::Damaged { digest, moved: self.dirs.damaged.join(moved) })
    }

    /// Forgets which trees are whole and which checkouts are good.
    pub(super) fn forget(&self) {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.checked_out.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Stores bytes whose digest is known, unless they are there.
    pub(super) fn put(&self, digest: Digest, bytes: &[u8], variant: Variant) -> Result<()> {
        self.put_unless(|path| self.has_at(path, digest, variant), digest, bytes, variant)
    }

    /// Like [`Inner::put`], of one of many objects: names that are not there are told from lists, where that is cheaper.
    pub(super) fn put_of_many(&self, absent: &Absent, digest: Digest, bytes: &[u8], variant: Variant) -> Result<()> {
        let there = |path: &str| -> Result<bool> {
            if absent.claim(digest) {
                return Ok(false);
            }
            let there = self.has_at(path, digest, variant)?;
            if !there {
                absent.missed(&self.dirs.objects, digest)?;
            }
            Ok(there)
        };
        self.put_unless(there, digest, bytes, variant)
    }

    fn put_unless(
        &self,
        there: impl Fn(&str) -> Result<bool>,
        digest: Digest,
        bytes: &[u8],
        variant: Variant,
    ) -> Result<()> {
        let path = Name::new(digest, variant).path();
        if !there(&path)? {
            self.begin()?;
            let mut temporary = self.temporary(variant)?;
            temporary.write(bytes)?;
            temporary.publish_at(&path, digest)?;
        }
        self.touched();
        Ok(())
    }

    /// Stores what a reader gives; `want` refuses anything else.
    pub(super) fn put_stream(&self, reader: &mut dyn Read, variant: Variant, want: Option<Digest>) -> Result<Digest> {
        let input = |source| Error::Input { source };
        let check = |actual: Digest| match want {
            Some(expected) if expected != actual => Err(Error::Mismatch { expected, actual }),
            _ => Ok(()),
        };
        let limit = want.map_or(u64::MAX - 1, |want| want.size);
        // One byte more than is wanted, to see that there is one; never an endless stream.
        let mut reader = reader.take(limit + 1);
        let mut first = Vec::new();
        (&mut reader).take(IN_MEMORY).read_to_end(&mut first).map_err(input)?;
        let longer = |size: u64| match want {
            Some(expected) if size > expected.size => Err(Error::Longer { expected }),
            _ => Ok(()),
        };
        longer(first.len() as u64)?;
        if (first.len() as u64) < IN_MEMORY {
            let digest = Digest::of(&first);
            check(digest)?;
            self.put(digest, &first, variant)?;
            return Ok(digest);
        }
        self.begin()?;
        let mut temporary = self.temporary(variant)?;
        let mut hashed = HashReader::new(io::Cursor::new(first).chain(reader));
        let mut buffer = vec![0; 256 << 10];
        loop {
            match hashed.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => temporary.write(&buffer[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(input(source)),
            }
        }
        let digest = hashed.finish();
        longer(digest.size)?;
        check(digest)?;
        if !self.has(digest, variant)? {
            temporary.publish(digest, variant)?;
        }
        self.touched();
        Ok(digest)
    }

    /// Makes sure that a variant is there and good, if need be by copying another one.
    ///
    /// # Errors
    /// The content is missing, or all of its variants are damaged.
    pub(super) fn ensure(&self, digest: Digest, variant: Variant) -> Result<Meta> {
        loop {
            let damage = match self.verified(digest, variant) {
                Ok(Some(meta)) => return Ok(meta),
                Ok(None) => None,
                Err(error @ Error::Damaged { .. }) => Some(error),
                Err(error) => return Err(error),
            };
            // Another variant may be whole.
            let source = match (self.open(digest), damage) {
                (Err(Error::Missing { .. }), Some(damage)) => return Err(damage),
                (source, _) => source?,
            };
            // Damaged between the check and here: the next round sees it.
            if let Some(temporary) = self.copy(&source, digest, variant)? {
                temporary.publish(digest, variant)?;
            }
        }
    }

    /// Replaces an object's inode by a copy.
    pub(super) fn renew(&self, digest: Digest, variant: Variant) -> Result<()> {
        let source = self.open(digest)?;
        if let Some(temporary) = self.copy(&source, digest, variant)? {
            temporary.replace(digest, variant)?;
        }
        Ok(())
    }

    /// A copy of an object that is not published yet; `None` when its bytes are not the right ones.
    fn copy(&self, source: &File, digest: Digest, variant: Variant) -> Result<Option<Temporary<'_>>> {
        self.begin()?;
        let mut temporary = self.temporary(variant)?;
        let mut hashed = HashReader::new(source);
        let mut buffer = vec![0; 256 << 10];
        loop {
            match hashed.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => temporary.write(&buffer[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let path = self.dirs.objects.join(Name::new(digest, Variant::PLAIN).path());
                    return Err(fs::Error::Io { operation: "read", path, source }.into());
                }
            }
        }
        Ok((hashed.finish() == digest).then_some(temporary))
    }

    /// Opens an object, whichever variant is good.
    pub(super) fn open(&self, digest: Digest) -> Result<File> {
        let mut damage = None;
        for variant in Variant::PRIMARY {
            match self.verified(digest, variant) {
                Ok(None) => {}
                Ok(Some(_)) => match self.dirs.objects.file(Name::new(digest, variant).path()) {
                    Ok(file) => return Ok(file),
                    Err(error) if error.is_missing() => {}
                    Err(error) => return Err(error.into()),
                },
                Err(error @ Error::Damaged { .. }) => damage = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(damage.unwrap_or(Error::Missing { digest }))
    }

    /// Reads an object; the bytes returned are those that were hashed.
    pub(super) fn bytes(&self, digest: Digest) -> Result<Vec<u8>> {
        let mut damage = None;
        for variant in Variant::PRIMARY {
            let name = Name::new(digest, variant).path();
            let file = match self.dirs.objects.file(&name) {
                Ok(file) => file,
                Err(error) if error.is_missing() => continue,
                // Not a regular file: `verified` sets it aside.
                Err(error) => match self.verified(digest, variant) {
                    Err(found @ Error::Damaged { .. }) => {
                        damage = Some(found);
                        continue;
                    }
                    _ => return Err(error.into()),
                },
            };
            let meta = self.dirs.objects.stat_file(&file, &name)?;
            if meta.kind == Kind::File && meta.size == digest.size {
                let bytes = fs::read_rest(&file, meta.size, &self.dirs.objects.join(&name))?;
                if Digest::of(&bytes) == digest {
                    return Ok(bytes);
                }
            }
            damage = Some(self.set_aside(digest, &name)?);
        }
        Err(damage.unwrap_or(Error::Missing { digest }))
    }
}

/// Whether a name is that of a folder below `objects/` or `actions/`.
pub(super) fn is_shard(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Hashes a file from where it stands to its end.
pub(super) fn hash_reader(reader: impl Read) -> io::Result<Digest> {
    let mut hashed = HashReader::new(reader);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match hashed.read(&mut buffer) {
            Ok(0) => return Ok(hashed.finish()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Store {
    /// Stores bytes; nothing is written when they are there.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        self.inner.put(digest, bytes, Variant::PLAIN)?;
        Ok(digest)
    }

    /// Stores all that a reader gives. More than 4 MiB are spooled to the disk, not held in memory.
    ///
    /// # Errors
    /// The reader fails, or the bytes cannot be written.
    pub fn put_reader(&self, reader: &mut dyn Read) -> Result<Digest> {
        self.inner.put_stream(reader, Variant::PLAIN, None)
    }

    /// Stores what a reader gives if it is `want`. Nothing is read when the store has it.
    ///
    /// # Errors
    /// The bytes are others ([`Error::Mismatch`]), or more ([`Error::Longer`], after at most `want.size + 1` bytes);
    /// nothing is stored then. Or the reader fails, or the bytes cannot be written.
    pub fn put_expecting(&self, reader: &mut dyn Read, want: Digest) -> Result<()> {
        if self.inner.has_content(want)? {
            self.inner.touched();
            return Ok(());
        }
        self.inner.put_stream(reader, Variant::PLAIN, Some(want)).map(|_| ())
    }

    /// Whether the store has an object: one `stat`, two when it is not there as a plain file. An object whose time of
    /// change or size is wrong is hashed, and set aside if it is damaged. An error counts as no.
    pub fn contains(&self, digest: Digest) -> bool {
        self.inner.has_content(digest).unwrap_or(false)
    }

    /// An object's bytes, hashed as they are read.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], or the disk's errors.
    pub fn get_bytes(&self, digest: Digest) -> Result<Vec<u8>> {
        self.inner.bytes(digest)
    }

    /// Opens an object for reading. It was hashed before, by this process, unless the inode has not changed since it
    /// last was.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], or the disk's errors.
    pub fn open_blob(&self, digest: Digest) -> Result<File> {
        self.inner.open(digest)
    }

    /// The path of an object's file, for messages and tools; what reads it there does not verify it.
    ///
    /// # Errors
    /// [`Error::Missing`], or the disk's errors.
    pub fn blob_path(&self, digest: Digest) -> Result<PathBuf> {
        for variant in Variant::PRIMARY {
            let name = Name::new(digest, variant).path();
            if self.inner.dirs.objects.stat(&name)?.is_some() {
                return Ok(self.root().join("objects").join(Path::new(&name)));
            }
        }
        Err(Error::Missing { digest })
    }

    /// Stores a directory of a tree.
    ///
    /// # Errors
    /// It breaks a rule of [`Directory`] ([`Error::NotDirectory`]), or cannot be written.
    pub fn put_directory(&self, directory: &Directory) -> Result<Digest> {
        let bytes = directory.canonical();
        let digest = Digest::of(&bytes);
        directory.check().map_err(|reason| Error::NotDirectory { digest, reason })?;
        self.inner.put(digest, &bytes, Variant::PLAIN)?;
        Ok(digest)
    }

    /// A directory of a tree.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], [`Error::NotDirectory`], or the disk's errors.
    pub fn directory(&self, digest: Digest) -> Result<Directory> {
        self.inner.directory(digest)
    }

    /// The digest of the directory at `path` (relative, `/` between names; empty for the tree itself) below a tree;
    /// `None` when there is none.
    ///
    /// # Errors
    /// As [`Store::directory`].
    pub fn subtree(&self, digest: Digest, path: &str) -> Result<Option<Digest>> {
        let mut digest = digest;
        for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
            let directory = self.directory(digest)?;
            let Ok(index) = directory.directories.binary_search_by(|node| node.name.as_str().cmp(name)) else {
                return Ok(None);
            };
            digest = directory.directories[index].content().map_err(|reason| Error::NotDirectory { digest, reason })?;
        }
        Ok(Some(digest))
    }
}

impl Inner {
    pub(super) fn directory(&self, digest: Digest) -> Result<Directory> {
        Directory::decode_canonical(&self.bytes(digest)?)
            .map_err(|error| Error::NotDirectory { digest, reason: error.reason })
    }
}
