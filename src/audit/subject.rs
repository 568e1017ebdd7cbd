//! What is audited, and how its files are handed out to threads.
//!
//! One thread lists or unpacks, the others look at files; a budget of bytes bounds what all of them hold at once. Results
//! are put together by the numbers of the files, so that the order in which threads finish shows nowhere.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Scope};

use rustix::fs::OFlags;

use super::Error;
use super::finding::{Evidence, Finding};
use super::nested::{self, Entries};
use super::rules;
use super::scan::{Scanner, WHOLE};
use super::tree::{Node, Root, Scanned, Shape, What};
use crate::container::Subject;
use crate::digest::Digest;
use crate::format::{Codec, Kind, SinkError, detect};
use crate::fs::{self, Dir};
use crate::store::{self, Store};

/// Bytes of files that all threads hold at once.
const BUDGET: u64 = 2 * WHOLE;
/// What has no more files and bytes than this is looked at without threads: they cost more than they save.
const FEW: usize = 16;
const LITTLE: u64 = 1 << 20;

/// Where a file's bytes come from.
enum Load {
    Bytes(Vec<u8>),
    Dir(Arc<Dir>, PathBuf),
    Blob(Store, Digest),
}

struct Job {
    number: usize,
    object: String,
    path: String,
    size: u64,
    load: Load,
}

/// Looks at everything in a subject.
pub(super) fn collect(scanner: &Scanner<'_>, subject: Subject) -> Result<Root, Error> {
    match subject {
        Subject::Tree { store, digest } => in_parallel(scanner, |pool| {
            let mut list = Listing { pool, entries: Entries::new(""), known: BTreeMap::new() };
            list.tree(&store, digest, "")?;
            Ok(list.entries)
        }),
        Subject::Folder(dir) => in_parallel(scanner, |pool| {
            let device = dir.stat(".")?.map_or(0, |meta| meta.device);
            let mut list = Listing { pool, entries: Entries::new(""), known: BTreeMap::new() };
            list.folder(&Arc::new(Dir::open(dir.path())?), &dir, "", device)?;
            Ok(list.entries)
        }),
        Subject::File { path, mut file } => {
            let name = path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned());
            if is_archive(&mut file) { archive(scanner, &name, file) } else { Ok(lone(scanner, &path, &name, file)) }
        }
    }
}

/// Whether a file is an archive of paths, and so a system or a part of one.
fn is_archive(file: &mut File) -> bool {
    use std::io::{Seek, SeekFrom};
    let mut prefix = Vec::new();
    let read = file.take(512).read_to_end(&mut prefix).is_ok();
    let (codec, kind) = detect(&prefix);
    let inner = codec.and_then(|codec: Codec| {
        file.seek(SeekFrom::Start(0)).ok()?;
        let mut prefix = Vec::new();
        crate::format::Decoder::new(codec, &*file, 1 << 20).ok()?.take(512).read_to_end(&mut prefix).ok()?;
        detect(&prefix).1
    });
    let back = file.seek(SeekFrom::Start(0)).is_ok();
    let paths = |kind| kind != Kind::Ar && prefix.iter().any(|byte| *byte != 0);
    read && back && kind.or(inner).is_some_and(paths)
}

fn lone(scanner: &Scanner<'_>, path: &Path, name: &str, mut file: File) -> Root {
    let digest = scanner.digest(&mut file);
    let scanned = Scanned { digest, ..scanner.scan(name, &path.to_string_lossy(), &mut file, 0) };
    let node = Node { object: name.to_owned(), mode: 0o644, what: What::File(Arc::new(scanned)) };
    Root { label: String::new(), shape: Shape::Tree, nodes: BTreeMap::from([(name.to_owned(), node)]) }
}

fn archive(scanner: &Scanner<'_>, name: &str, mut file: File) -> Result<Root, Error> {
    in_parallel(scanner, |pool| {
        let mut take = |object: &str, path: &str, size: u64, data: &mut dyn Read| -> Result<usize, SinkError> {
            if size > WHOLE {
                // Too large for a thread of its own: searched on the way.
                let mut one = Scanned { files: 1, ..Scanned::default() };
                pool.shared.scanner.read(object, data, &mut one)?;
                return Ok(pool.done(one));
            }
            pool.shared.budget.take(size);
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
            if let Err(error) = data.read_to_end(&mut bytes) {
                pool.shared.budget.give(size);
                return Err(error.into());
            }
            Ok(pool.send(object, path, size, Load::Bytes(bytes)))
        };
        let (entries, outcome) = nested::unpack(name, &mut file, &mut take);
        match outcome {
            Ok(_) => Ok(entries),
            Err(error) => Err(error.into()),
        }
    })
}

/// Bytes that may be held.
struct Budget {
    left: Mutex<u64>,
    given: Condvar,
}

impl Budget {
    fn take(&self, count: u64) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        while *left < count.min(BUDGET) {
            left = self.given.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
        *left -= count.min(BUDGET);
    }

    fn give(&self, count: u64) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) += count.min(BUDGET);
        self.given.notify_all();
    }
}

/// What all threads share.
struct Shared<'s> {
    scanner: &'s Scanner<'s>,
    budget: Budget,
    jobs: Mutex<Receiver<Job>>,
    /// What was looked at, by number.
    done: Mutex<BTreeMap<usize, Scanned>>,
}

impl Shared<'_> {
    fn work(&self, job: Job) {
        let number = job.number;
        let scanned = work(self.scanner, &self.budget, job);
        self.done(number, scanned);
    }

    fn done(&self, number: usize, scanned: Scanned) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, scanned);
    }
}

/// The side of the thread that hands out files.
struct Pool<'p, 'scope, 'env> {
    shared: &'scope Shared<'scope>,
    scope: &'scope Scope<'scope, 'env>,
    jobs: &'p SyncSender<Job>,
    next: usize,
    /// Files that nobody has been told of, until it is worth to have threads.
    waiting: Vec<Job>,
    bytes: u64,
    threads: bool,
}

impl Pool<'_, '_, '_> {
    fn send(&mut self, object: &str, path: &str, size: u64, load: Load) -> usize {
        let number = self.number();
        let job = Job { number, object: object.to_owned(), path: path.to_owned(), size, load };
        self.bytes = self.bytes.saturating_add(size);
        if !self.threads && self.waiting.len() < FEW && self.bytes < LITTLE {
            self.waiting.push(job);
            return number;
        }
        self.start();
        // The threads end after this one: someone takes it.
        let _ = self.jobs.send(job);
        number
    }

    /// Threads take what was waiting.
    fn start(&mut self) {
        if std::mem::replace(&mut self.threads, true) {
            return;
        }
        for _ in 0..fs::workers() {
            let shared = self.shared;
            self.scope.spawn(move || {
                while let Some(job) = next(&shared.jobs) {
                    shared.work(job);
                }
            });
        }
        for job in self.waiting.drain(..) {
            let _ = self.jobs.send(job);
        }
    }

    fn done(&mut self, scanned: Scanned) -> usize {
        let number = self.number();
        self.shared.done(number, scanned);
        number
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }
}

fn in_parallel(
    scanner: &Scanner<'_>,
    list: impl FnOnce(&mut Pool<'_, '_, '_>) -> Result<Entries, Error>,
) -> Result<Root, Error> {
    let (sender, receiver) = sync_channel(64);
    let budget = Budget { left: Mutex::new(BUDGET), given: Condvar::new() };
    let shared = Shared { scanner, budget, jobs: Mutex::new(receiver), done: Mutex::new(BTreeMap::new()) };
    let entries = thread::scope(|scope| {
        // Without a sender the threads end: it goes with this closure, also when listing fails.
        let sender = sender;
        let mut pool =
            Pool { shared: &shared, scope, jobs: &sender, next: 0, waiting: Vec::new(), bytes: 0, threads: false };
        let entries = list(&mut pool);
        for job in pool.waiting {
            shared.work(job);
        }
        entries
    })?;
    let done = shared.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(entries.finish(&done.into_values().map(Arc::new).collect::<Vec<_>>()))
}

fn next(receiver: &Mutex<Receiver<Job>>) -> Option<Job> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn work(scanner: &Scanner<'_>, budget: &Budget, job: Job) -> Scanned {
    let Job { object, path, size, load, .. } = job;
    let known = if let Load::Blob(_, digest) = &load { Some(*digest) } else { None };
    let file = match load {
        Load::Bytes(_) if scanner.is_cancelled() => {
            budget.give(size);
            return Scanned::default();
        }
        _ if scanner.is_cancelled() => return Scanned::default(),
        Load::Bytes(bytes) => {
            let mut bytes = Cursor::new(bytes);
            let digest = scanner.digest(&mut bytes);
            let scanned = scanner.scan(&object, &path, &mut bytes, 0);
            budget.give(size);
            return Scanned { digest, ..scanned };
        }
        Load::Dir(dir, path) => dir
            .open_beneath(path, OFlags::RDONLY | OFlags::NOFOLLOW)
            .map(File::from)
            .map_err(|error| error.io().to_string()),
        Load::Blob(store, digest) => store.open_blob(digest).map_err(|error| error.to_string()),
    };
    match file {
        Ok(mut file) => {
            // What a thread holds of a larger file is a part of it.
            budget.take(size.min(WHOLE));
            let digest = known.or_else(|| scanner.digest(&mut file));
            let scanned = scanner.scan(&object, &path, &mut file, 0);
            budget.give(size.min(WHOLE));
            Scanned { digest, ..scanned }
        }
        Err(reason) => {
            let finding = Finding::new(&rules::FILE_UNREADABLE, object, "it could not be opened")
                .because(Evidence::value("", reason));
            Scanned { files: 1, findings: vec![finding], ..Scanned::default() }
        }
    }
}

/// Lists a tree or a directory. Equal files, as far as that is told without reading, are looked at once.
struct Listing<'l, 'p, 'scope, 'env, K> {
    pool: &'l mut Pool<'p, 'scope, 'env>,
    entries: Entries,
    known: BTreeMap<K, usize>,
}

impl Listing<'_, '_, '_, '_, Digest> {
    fn tree(&mut self, store: &Store, tree: Digest, path: &str) -> Result<(), Error> {
        let malformed = |reason| Error::Store(store::Error::NotDirectory { digest: tree, reason });
        let directory = store.directory(tree)?;
        for file in &directory.files {
            let (path, digest) = (join(path, &file.name), file.content().map_err(malformed)?);
            let number = match self.known.get(&digest) {
                Some(number) => *number,
                None => {
                    self.pool.send(&self.entries.object(&path), &path, digest.size, Load::Blob(store.clone(), digest))
                }
            };
            self.known.insert(digest, number);
            self.entries.file(&path, file.mode(), number);
        }
        for link in &directory.symlinks {
            self.entries.symlink(&join(path, &link.name), &link.target);
        }
        for child in &directory.directories {
            let path = join(path, &child.name);
            self.entries.directory(&path, 0o755);
            self.tree(store, child.content().map_err(malformed)?, &path)?;
        }
        Ok(())
    }
}

impl Listing<'_, '_, '_, '_, (u64, u64)> {
    fn folder(&mut self, root: &Arc<Dir>, dir: &Dir, path: &str, device: u64) -> Result<(), Error> {
        for entry in dir.list()? {
            let Some(meta) = dir.stat(&entry.name)? else { continue };
            let name = entry.name.to_string_lossy();
            let path = join(path, &name);
            match meta.kind {
                fs::Kind::Directory => {
                    self.entries.directory(&path, meta.mode);
                    if meta.device == device {
                        self.folder(root, &dir.dir(&entry.name)?, &path, device)?;
                    }
                }
                fs::Kind::Symlink => {
                    self.entries.symlink(&path, &String::from_utf8_lossy(&dir.read_link(&entry.name)?));
                }
                fs::Kind::File => {
                    let inode = (meta.device, meta.inode);
                    let number = match self.known.get(&inode).filter(|_| meta.links > 1) {
                        Some(number) => *number,
                        None => {
                            let full = dir.join(&entry.name);
                            let beneath = full.strip_prefix(root.path()).unwrap_or(&full).to_owned();
                            self.pool.send(
                                &self.entries.object(&path),
                                &path,
                                meta.size,
                                Load::Dir(root.clone(), beneath),
                            )
                        }
                    };
                    self.known.insert(inode, number);
                    self.entries.file(&path, meta.mode, number);
                }
                _ => self.entries.special(&path, meta.mode),
            }
        }
        Ok(())
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}
