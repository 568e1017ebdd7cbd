//! What an image holds.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::error::{Error, Problem};
use crate::digest::Digest;

/// Extended attributes by their whole names (`security.capability`), with their values.
pub type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// Gives the bytes of files.
pub trait Contents: Sync {
    /// The bytes with this digest, from the first.
    ///
    /// # Errors
    /// There are none, or they cannot be read.
    fn open(&self, content: &Digest) -> io::Result<Box<dyn Read + '_>>;
}

/// What belongs to any inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits with set-user-id, set-group-id and sticky: at most 0o7777.
    pub mode: u32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of modification, in seconds since 1970. Writers use it for every time that a format has.
    pub time: u32,
    /// Extended attributes.
    pub attributes: Attributes,
}

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A folder: names and inodes, sorted by the bytes of the names. Without `.` and `..`.
    Folder(Vec<(Vec<u8>, usize)>),
    /// A file.
    File(Digest),
    /// A symbolic link, with its target: 1 to 4095 bytes.
    Symlink(Vec<u8>),
    /// A character device: major, minor.
    Character(u32, u32),
    /// A block device: major, minor.
    Block(u32, u32),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// A file system object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inode {
    /// The first path that leads to it, without a leading slash; empty for the root.
    pub path: Vec<u8>,
    /// The folder that this path is in; the root's own for the root.
    pub parent: usize,
    /// How many names it has; of a folder, two and one for each folder in it, as stat(2) tells.
    pub links: u32,
    /// Mode, owner and so on.
    pub meta: Meta,
    /// What it is.
    pub kind: Kind,
}

/// What an image holds: inodes in the order of a walk that takes the names of a folder in the order of their bytes, and
/// what is in a folder right after it. The first is the root. A hard link is a second name of one inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The inodes.
    pub inodes: Vec<Inode>,
}

/// An entry on its way into a tree.
#[derive(Debug)]
enum Entry {
    New(Meta, New),
    Link(Vec<u8>),
}

#[derive(Debug)]
enum New {
    Folder,
    Other(Kind),
}

/// Makes a tree, from entries in any order.
#[derive(Debug, Default)]
pub struct Builder {
    /// By path as names, so that a folder comes right before what is in it.
    entries: BTreeMap<Vec<Vec<u8>>, Entry>,
}

/// Most bytes of a name (`NAME_MAX`).
const NAME_MAX: usize = 255;
/// Most bytes of a path or a link's target, with the zero at its end (`PATH_MAX`).
const PATH_MAX: usize = 4096;

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

fn bad(path: &[u8], problem: Problem) -> Error {
    Error::Entry { path: shown(path), problem }
}

fn names(path: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let plain =
        |name: &[u8]| !name.is_empty() && name != b"." && name != b".." && name.len() <= NAME_MAX && !name.contains(&0);
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    if path.len() >= PATH_MAX || !names.iter().all(|name| plain(name)) {
        return Err(bad(path, Problem::Path));
    }
    Ok(names.into_iter().map(<[u8]>::to_vec).collect())
}

impl Builder {
    /// Adds a folder; the path of the root is empty.
    ///
    /// # Errors
    /// The path is not plain, or was there before; the mode is too large.
    pub fn folder(&mut self, path: &[u8], meta: Meta) -> Result<(), Error> {
        self.add(path, meta, New::Folder)
    }

    /// Adds anything but a folder.
    ///
    /// # Errors
    /// The same; or a symbolic link's target is empty or too long.
    pub fn add_other(&mut self, path: &[u8], meta: Meta, kind: Kind) -> Result<(), Error> {
        match &kind {
            Kind::Folder(_) => return self.folder(path, meta),
            Kind::Symlink(to) if to.is_empty() || to.len() >= PATH_MAX || to.contains(&0) => {
                let (value, most) = (to.len() as u64, PATH_MAX as u64 - 1);
                return Err(bad(path, Problem::TooLarge { what: "a link's target of", value, most }));
            }
            _ => {}
        }
        self.add(path, meta, New::Other(kind))
    }

    /// Adds another name of what is, or will be, at `to`.
    ///
    /// # Errors
    /// A path is not plain, or was there before.
    pub fn link(&mut self, path: &[u8], to: &[u8]) -> Result<(), Error> {
        names(to)?;
        self.insert(path, Entry::Link(to.to_vec()))
    }

    fn add(&mut self, path: &[u8], meta: Meta, new: New) -> Result<(), Error> {
        if meta.mode > 0o7777 {
            let (value, most) = (meta.mode.into(), 0o7777);
            return Err(bad(path, Problem::TooLarge { what: "a mode of", value, most }));
        }
        self.insert(path, Entry::New(meta, new))
    }

    fn insert(&mut self, path: &[u8], entry: Entry) -> Result<(), Error> {
        match self.entries.insert(names(path)?, entry) {
            None => Ok(()),
            Some(_) => Err(bad(path, Problem::Twice)),
        }
    }

    /// The tree.
    ///
    /// # Errors
    /// There is no root, an entry's folder is missing or none, or a hard link leads nowhere.
    pub fn finish(mut self) -> Result<Tree, Error> {
        // Hard links become names of what they lead to; the first name in the order of the walk is the inode's path.
        let mut same: BTreeMap<Vec<Vec<u8>>, Vec<Vec<Vec<u8>>>> = BTreeMap::new();
        for (path, entry) in &self.entries {
            if let Entry::Link(to) = entry {
                let target = names(to)?;
                let (here, to) = (path.join(&b'/'), shown(to));
                match self.entries.get(&target) {
                    Some(Entry::New(_, New::Other(_))) => same.entry(target).or_default().push(path.clone()),
                    _ => return Err(bad(&here, Problem::Link { to })),
                }
            }
        }
        for (target, others) in &same {
            let first = others.iter().min().filter(|first| *first < target);
            if let Some(first) = first
                && let Some(entry) = self.entries.remove(target)
            {
                self.entries.insert(target.clone(), Entry::Link(first.join(&b'/')));
                self.entries.insert(first.clone(), entry);
            }
            let to = first.unwrap_or(target).join(&b'/');
            for other in others.iter().filter(|other| Some(*other) != first) {
                self.entries.insert(other.clone(), Entry::Link(to.clone()));
            }
        }
        let mut tree = Tree { inodes: Vec::with_capacity(self.entries.len()) };
        let mut numbers: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        for (names, entry) in self.entries {
            tree.enter(&names, entry, &mut numbers)?;
        }
        if tree.inodes.is_empty() {
            return Err(bad(b"", Problem::Orphan));
        }
        Ok(tree)
    }
}

impl Tree {
    fn enter(&mut self, names: &[Vec<u8>], entry: Entry, numbers: &mut BTreeMap<Vec<u8>, usize>) -> Result<(), Error> {
        let path = names.join(&b'/');
        let number = match &entry {
            Entry::New(..) => self.inodes.len(),
            Entry::Link(to) => match numbers.get(to) {
                Some(number) => *number,
                None => return Err(bad(&path, Problem::Link { to: shown(to) })),
            },
        };
        let mut parent = 0;
        if let Some((name, folder)) = names.split_last() {
            parent = *numbers.get(&folder.join(&b'/')).ok_or_else(|| bad(&path, Problem::Orphan))?;
            let Some(Inode { kind: Kind::Folder(entries), links, .. }) = self.inodes.get_mut(parent) else {
                return Err(bad(&path, Problem::NotAFolder));
            };
            entries.push((name.clone(), number));
            if matches!(entry, Entry::New(_, New::Folder)) {
                *links += 1;
            }
        }
        match entry {
            Entry::Link(_) => self.inodes[number].links += 1,
            Entry::New(meta, new) => {
                let (kind, links) = match new {
                    New::Folder => (Kind::Folder(Vec::new()), 2),
                    New::Other(_) if names.is_empty() => return Err(bad(&path, Problem::NotAFolder)),
                    New::Other(kind) => (kind, 1),
                };
                numbers.insert(path.clone(), number);
                self.inodes.push(Inode { path, parent, links, meta, kind });
            }
        }
        Ok(())
    }

    /// All names but the root's, in the order of the walk: path, inode, and whether it is the inode's first.
    pub fn names(&self) -> impl Iterator<Item = (Vec<u8>, usize, bool)> + '_ {
        let mut open: Vec<(usize, usize)> = vec![(0, 0)];
        std::iter::from_fn(move || {
            loop {
                let (folder, next) = open.last_mut()?;
                let inode = &self.inodes[*folder];
                let Kind::Folder(entries) = &inode.kind else {
                    open.pop();
                    continue;
                };
                let Some((name, number)) = entries.get(*next) else {
                    open.pop();
                    continue;
                };
                *next += 1;
                let mut path = inode.path.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend(name);
                let first = self.inodes[*number].path == path;
                if matches!(self.inodes[*number].kind, Kind::Folder(_)) {
                    open.push((*number, 0));
                }
                return Some((path, *number, first));
            }
        })
    }

    /// 16 bytes that follow from all that the tree holds and from `purpose`, as a UUID (RFC 9562, version 8): equal
    /// contents have equal identifiers, and one tree has others for other purposes.
    pub fn identifier(&self, purpose: &str) -> [u8; 16] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(purpose.as_bytes());
        for inode in &self.inodes {
            let Meta { mode, uid, gid, time, attributes } = &inode.meta;
            part(&inode.path);
            for number in [mode, uid, gid, time] {
                part(&number.to_le_bytes());
            }
            for (name, value) in attributes {
                part(name);
                part(value);
            }
            match &inode.kind {
                Kind::Folder(entries) => {
                    part(b"folder");
                    for (name, number) in entries {
                        part(name);
                        part(&(*number as u64).to_le_bytes());
                    }
                }
                Kind::File(content) => {
                    part(b"file");
                    part(&content.hash);
                }
                Kind::Symlink(to) => {
                    part(b"symlink");
                    part(to);
                }
                Kind::Character(major, minor) => part(format!("c{major}:{minor}").as_bytes()),
                Kind::Block(major, minor) => part(format!("b{major}:{minor}").as_bytes()),
                Kind::Fifo => part(b"fifo"),
                Kind::Socket => part(b"socket"),
            }
        }
        let hash: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        id
    }
}
