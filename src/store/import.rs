//! From a folder that may be hostile to a tree in the store.
//!
//! One thread lists directories, in order, and hands out batches of files; all threads read, hash and store them.
//! Everything goes by descriptor, and no link is followed: what a stage has left cannot lead out of its folder.
//! Each file is looked at before and after it is read: one that changes in between is refused.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::digest::reapi::{Directory, DirectoryNode, FileNode, SymlinkNode};
use crate::digest::{Canonical, Digest};
use crate::fs::{self, Dir, Kind, Meta};

use super::absent::Absent;
use super::error::LISTED;
use super::objects::{IN_MEMORY, Variant, hash_reader};
use super::rules::is_bookkeeping;
use super::{Error, ImportRules, Inner, Offence, Result, Store};

/// Files that a thread takes at once.
const BATCH: usize = 64;
/// Batches that wait. Each keeps a directory open.
const WAITING: usize = 32;

/// A directory of the tree. Parents come before children.
struct Node {
    name: String,
    parent: usize,
    directory: Directory,
}

/// Files of one directory.
struct Batch {
    dir: Arc<Dir>,
    path: PathBuf,
    node: usize,
    names: Vec<String>,
}

#[derive(Default)]
struct Queue {
    batches: VecDeque<Batch>,
    closed: bool,
}

/// What the threads of one import share.
struct Import<'a> {
    store: &'a Inner,
    rules: &'a ImportRules,
    root: PathBuf,
    absent: Absent,
    queue: Mutex<Queue>,
    ready: Condvar,
    stop: AtomicBool,
    bytes: AtomicU64,
    entries: AtomicU64,
    offences: Mutex<Vec<Offence>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Stores the tree below an open directory.
    ///
    /// Directories and files that their owner cannot read are made readable first. Objects that are there already are
    /// not written again. The tree is durable after the next [`Store::flush`], which recording a result implies.
    ///
    /// # Errors
    /// Entries that `rules` refuse, all of them in one error ([`Error::Refused`]); a limit ([`Error::Limit`]); a file
    /// that changes ([`Error::Changed`]); the disk's errors. They call the directory `label`.
    pub fn import(&self, dir: BorrowedFd<'_>, label: &Path, rules: &ImportRules) -> Result<Digest> {
        let root = dir.try_clone_to_owned().map_err(|source| fs::Error::Io {
            operation: "open",
            path: label.to_owned(),
            source,
        })?;
        let import = Import {
            store: &self.inner,
            rules,
            root: label.to_owned(),
            absent: Absent::default(),
            queue: Mutex::default(),
            ready: Condvar::new(),
            stop: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            offences: Mutex::default(),
        };
        import.run(Dir::from_fd(root, label))
    }
}

/// What one thread brings home: the files it has stored, by node.
type Stored = Vec<(usize, FileNode)>;

impl Import<'_> {
    fn run(&self, root: Dir) -> Result<Digest> {
        let mut nodes = vec![Node { name: String::new(), parent: 0, directory: Directory::default() }];
        let mut stored = Vec::new();
        let top = self.scan(0, Arc::new(root), Path::new(""), &mut nodes, &mut stored, &mut Vec::new())?;
        // A few files are stored before another thread has started.
        let few = top.names.is_empty() && lock(&self.queue).batches.len() <= 1;
        let workers = if few { 1 } else { fs::workers() };
        let begun = Mutex::new(Some((nodes, stored, top)));
        let results = fs::parallel(workers, |index| {
            let mut nodes = Vec::new();
            let mut stored = Vec::new();
            let mut work = || -> Result<()> {
                let mut buffer = Vec::new();
                if index == 0 {
                    let walked = match lock(&begun).take() {
                        Some((some, few, top)) => {
                            (nodes, stored) = (some, few);
                            self.list(top, &mut nodes, &mut stored, &mut buffer)
                        }
                        None => Ok(()),
                    };
                    lock(&self.queue).closed = true;
                    self.ready.notify_all();
                    walked?;
                }
                while let Some(batch) = self.next() {
                    self.store_batch(batch, &mut buffer, &mut stored)?;
                }
                Ok(())
            };
            let result = work();
            if result.is_err() {
                self.stop.store(true, Ordering::Release);
                self.ready.notify_all();
            }
            result.map(|()| (nodes, stored))
        });
        let mut nodes = Vec::new();
        let mut files: Stored = Vec::new();
        for result in results {
            let (some, stored) = result?;
            nodes.extend(some);
            files.extend(stored);
        }
        let mut offences = std::mem::take(&mut *lock(&self.offences));
        if !offences.is_empty() {
            offences.sort();
            let count = offences.len();
            offences.truncate(LISTED);
            return Err(Error::Refused { path: self.root.clone(), count, offences });
        }
        for (node, file) in files {
            nodes[node].directory.files.push(file);
        }
        let tree = self.store_directories(nodes)?;
        self.store.whole.lock().unwrap_or_else(PoisonError::into_inner).insert(tree);
        Ok(tree)
    }

    /// Stores the directories, children first.
    fn store_directories(&self, mut nodes: Vec<Node>) -> Result<Digest> {
        let mut encoded = Vec::with_capacity(nodes.len());
        for index in (0..nodes.len()).rev() {
            let mut directory = std::mem::take(&mut nodes[index].directory);
            directory.sort();
            let bytes = directory.canonical();
            let digest = Digest::of(&bytes);
            directory.check().map_err(|reason| Error::NotDirectory { digest, reason })?;
            encoded.push((digest, bytes));
            if index > 0 {
                let name = std::mem::take(&mut nodes[index].name);
                let parent = nodes[index].parent;
                nodes[parent].directory.directories.push(DirectoryNode::new(name, digest));
            }
        }
        super::spread(&encoded, |(digest, bytes)| self.store.put(*digest, bytes, Variant::PLAIN))?;
        // The root is encoded last.
        encoded.last().map(|(digest, _)| *digest).ok_or(Error::Changed { path: self.root.clone() })
    }

    fn refuse(&self, path: &Path, reason: impl Into<String>) {
        let path = path.to_string_lossy().escape_debug().to_string();
        lock(&self.offences).push(Offence { path, reason: reason.into() });
    }

    fn limit<T>(&self, path: &Path, what: &'static str, limit: u64) -> Result<T> {
        Err(Error::Limit { path: self.root.join(path), what, limit })
    }

    /// Takes a batch; `None` when there will be no more.
    fn next(&self) -> Option<Batch> {
        let mut queue = lock(&self.queue);
        loop {
            if self.stop.load(Ordering::Acquire) {
                return None;
            }
            if let Some(batch) = queue.batches.pop_front() {
                return Some(batch);
            }
            if queue.closed {
                return None;
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lists all directories below the root, breadth within a directory first, and hands out their files.
    fn list(&self, top: Children, nodes: &mut Vec<Node>, stored: &mut Stored, buffer: &mut Vec<u8>) -> Result<()> {
        let mut stack = vec![Level { node: 0, children: top }];
        while let Some(level) = stack.last_mut() {
            if self.stop.load(Ordering::Acquire) {
                return Ok(());
            }
            let Some(name) = level.children.names.pop_front() else {
                stack.pop();
                continue;
            };
            let path = level.children.path.join(&name);
            let parent = level.node;
            let dir = open_dir(&level.children.dir, &name)?;
            if stack.len() as u64 > self.rules.depth {
                return self.limit(&path, "levels of directories", self.rules.depth);
            }
            let node = nodes.len();
            nodes.push(Node { name, parent, directory: Directory::default() });
            let children = self.scan(node, Arc::new(dir), &path, nodes, stored, buffer)?;
            stack.push(Level { node, children });
        }
        Ok(())
    }

    /// Lists one directory: hands out its files, keeps its links, returns its sub-directories.
    fn scan(
        &self,
        node: usize,
        dir: Arc<Dir>,
        path: &Path,
        nodes: &mut [Node],
        stored: &mut Stored,
        buffer: &mut Vec<u8>,
    ) -> Result<Children> {
        self.check_attributes(&dir, dir.as_ref(), "", || path.to_owned())?;
        let mut names = VecDeque::new();
        let mut files = Vec::new();
        let entries = match dir.list() {
            // Searchable but not readable.
            Err(error) if error.is(Errno::ACCESS) => {
                dir.set_file_mode(dir.as_ref(), "", 0o700)?;
                dir.list()?
            }
            entries => entries?,
        };
        if self.entries.fetch_add(entries.len() as u64, Ordering::Relaxed) + entries.len() as u64 > self.rules.entries {
            return self.limit(path, "entries", self.rules.entries);
        }
        for entry in entries {
            if entry.name.len() as u64 > self.rules.name {
                return self.limit(&path.join(&entry.name), "bytes of a name", self.rules.name);
            }
            let name = match entry.name.into_string() {
                Ok(name) => name,
                Err(name) => {
                    self.refuse(&path.join(name), "has a name that is not UTF-8");
                    continue;
                }
            };
            let full = || path.join(&name);
            let kind = match entry.kind {
                Kind::Unknown => dir.stat(&name)?.ok_or_else(|| self.changed(&full()))?.kind,
                kind => kind,
            };
            match kind {
                Kind::Directory => names.push_back(name),
                Kind::File => files.push(name),
                Kind::Symlink => match String::from_utf8(dir.read_link(&name)?) {
                    Ok(target) => nodes[node].directory.symlinks.push(SymlinkNode { name, target }),
                    Err(_) => self.refuse(&full(), "is a symbolic link whose target is not UTF-8"),
                },
                kind => self.refuse(&full(), format!("is a {}", kind.name())),
            }
        }
        while !files.is_empty() {
            let rest = files.split_off(files.len().min(BATCH));
            let names = std::mem::replace(&mut files, rest);
            let batch = Batch { dir: Arc::clone(&dir), path: path.to_owned(), node, names };
            let mut queue = lock(&self.queue);
            if queue.batches.len() < WAITING {
                queue.batches.push_back(batch);
                drop(queue);
                self.ready.notify_one();
            } else {
                // The others are busy: lend a hand.
                drop(queue);
                self.store_batch(batch, buffer, stored)?;
            }
        }
        Ok(Children { dir, path: path.to_owned(), names })
    }

    fn changed(&self, path: &Path) -> Error {
        Error::Changed { path: self.root.join(path) }
    }

    fn store_batch(&self, batch: Batch, buffer: &mut Vec<u8>, stored: &mut Stored) -> Result<()> {
        for name in batch.names {
            if self.stop.load(Ordering::Acquire) {
                return Ok(());
            }
            if let Some((digest, mode)) = self.store_file(&batch.dir, &name, &batch.path, buffer)? {
                stored.push((batch.node, FileNode::new(name, digest, mode)));
            }
        }
        Ok(())
    }

    /// Stores one file of the directory `parent`; `None` when it is refused.
    fn store_file(&self, dir: &Dir, name: &str, parent: &Path, buffer: &mut Vec<u8>) -> Result<Option<(Digest, u32)>> {
        // Only what goes wrong needs it.
        let path = || parent.join(name);
        let mut file = match dir.file(name) {
            Err(error) if error.is(Errno::ACCESS) => {
                let mode = dir.stat(name)?.ok_or_else(|| self.changed(&path()))?.mode;
                dir.set_mode(name, mode | 0o400)?;
                dir.file(name)?
            }
            // It was a file when it was listed.
            Err(error) if error.is_missing() || error.is(Errno::LOOP) || error.is(Errno::NXIO) => {
                return Err(self.changed(&path()));
            }
            file => file?,
        };
        let before = dir.stat_file(&file, name)?;
        if before.kind != Kind::File {
            return Err(self.changed(&path()));
        }
        if let Some(reason) = self.rules.offence(&before) {
            self.refuse(&path(), reason);
            return Ok(None);
        }
        if !self.check_attributes(dir, &file, name, path)? {
            return Ok(None);
        }
        if self.bytes.fetch_add(before.size, Ordering::Relaxed).saturating_add(before.size) > self.rules.bytes {
            return self.limit(&path(), "bytes", self.rules.bytes);
        }
        let mode = if before.mode & 0o100 != 0 { 0o755 } else { 0o644 };
        let variant = Variant::of_mode(mode);
        let read = |source| fs::Error::Io { operation: "read", path: dir.join(name), source };
        let unchanged = |size: u64| -> Result<()> {
            let after: Meta = dir.stat_file(&file, name)?;
            let same = (before.size, before.modified, before.changed) == (after.size, after.modified, after.changed);
            if same && size == before.size { Ok(()) } else { Err(self.changed(&path())) }
        };
        if before.size <= IN_MEMORY {
            let count = read_into(&file, before.size as usize, buffer).map_err(read)?;
            unchanged(count as u64)?;
            let digest = Digest::of(&buffer[..count]);
            self.store.put_of_many(&self.absent, digest, &buffer[..count], variant)?;
            return Ok(Some((digest, mode)));
        }
        // Read twice only when it has to be written, which costs more than reading.
        let digest = hash_reader(&file).map_err(read)?;
        unchanged(digest.size)?;
        if !self.store.has(digest, variant)? {
            file.rewind().map_err(read)?;
            match self.store.put_stream(&mut &file, variant, Some(digest)) {
                Err(Error::Mismatch { .. } | Error::Longer { .. }) => return Err(self.changed(&path())),
                Err(Error::Input { source }) => return Err(read(source).into()),
                result => drop(result?),
            }
        } else {
            self.store.touched();
        }
        Ok(Some((digest, mode)))
    }

    /// Refuses files with extended attributes that mean something; `false` then.
    fn check_attributes(
        &self,
        dir: &Dir,
        fd: impl std::os::fd::AsFd,
        name: &str,
        path: impl Fn() -> PathBuf,
    ) -> Result<bool> {
        let mut list = [0; 1024];
        let length = match rustix::fs::flistxattr(&fd, &mut list[..]) {
            Ok(length) => length,
            Err(Errno::OPNOTSUPP) => return Ok(true),
            Err(Errno::RANGE) => {
                self.refuse(&path(), "has many extended attributes");
                return Ok(false);
            }
            Err(errno) => return Err(fs::Error::new("list the attributes of", dir.join(name), errno).into()),
        };
        if length == 0 {
            return Ok(true);
        }
        let names: Vec<_> = list[..length]
            .split(|&byte| byte == 0)
            .filter(|name| !name.is_empty() && !is_bookkeeping(name))
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        if names.is_empty() {
            return Ok(true);
        }
        self.refuse(&path(), format!("has the extended attribute {}", names.join(", ")));
        Ok(false)
    }
}

/// Sub-directories that are still to be listed.
struct Children {
    dir: Arc<Dir>,
    path: PathBuf,
    names: VecDeque<String>,
}

struct Level {
    node: usize,
    children: Children,
}

fn open_dir(parent: &Dir, name: &str) -> Result<Dir> {
    match parent.dir(name) {
        Err(error) if error.is(Errno::ACCESS) => {
            parent.set_mode(name, 0o700)?;
            Ok(parent.dir(name)?)
        }
        dir => Ok(dir?),
    }
}

/// Reads a file of about `size` bytes into the buffer, which is reused; returns how many bytes it has.
fn read_into(mut file: &File, size: usize, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
    // One byte more, so that a file that has grown is seen, and the end is seen without growing the buffer.
    if buffer.len() < size + 1 {
        buffer.resize(size + 1, 0);
    }
    let mut count = 0;
    while count <= size {
        match file.read(&mut buffer[count..=size]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if count == size {
            break;
        }
    }
    Ok(count)
}
