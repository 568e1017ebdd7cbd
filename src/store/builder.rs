//! Trees built in memory, their contents straight into the store.

use std::collections::BTreeMap;
use std::io::Read;

use crate::digest::reapi::{Directory, DirectoryNode, FileNode, SymlinkNode, check_name};
use crate::digest::{Canonical, Digest};

use super::objects::Variant;
use super::{Error, Result, Store};

/// What a path of a tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Digest of its content.
        digest: Digest,
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// Its target, as text.
        target: String,
    },
}

#[derive(Debug)]
enum Node {
    /// A directory that was looked into.
    Open(BTreeMap<String, Node>),
    /// A directory of which only the digest is known.
    Tree(Digest),
    File {
        digest: Digest,
        mode: u32,
    },
    Symlink(String),
}

/// Builds a tree path by path.
///
/// Paths are relative; empty parts and `.` count for nothing, `..` is refused. Directories on the way are made as
/// needed. A later file or link replaces an earlier one; a directory and something else are a conflict. Grafted trees
/// are read only where a path leads into them.
///
/// With [`TreeBuilder::follow_links`] a directory on the way may be a symbolic link within the tree, and a directory
/// that is put where a link to one stands leaves the link: as when packages are unpacked over `bin -> usr/bin`.
#[derive(Debug)]
pub struct TreeBuilder {
    store: Store,
    root: Node,
    follow: bool,
}

/// As the kernel: more links than this on the way are a loop.
const LINKS: usize = 40;

fn wrong<T>(path: &str, reason: impl Into<String>) -> Result<T> {
    Err(Error::Tree { path: path.to_owned(), reason: reason.into() })
}

impl TreeBuilder {
    /// An empty tree.
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), root: Node::Open(BTreeMap::new()), follow: false }
    }

    /// Whether symbolic links within the tree are followed on the way to a path (not its last part).
    #[must_use]
    pub fn follow_links(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// The parts of a path without links on the way. The last part is not followed.
    fn resolve(&mut self, path: &str) -> Result<Vec<String>> {
        let mut todo: Vec<String> = parts(path)?.into_iter().rev().collect();
        let mut done: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                // Only link targets bring these; `..` at the root stays there, as for the kernel.
                done.pop();
                continue;
            }
            done.push(part);
            if todo.is_empty() || !self.follow {
                continue;
            }
            if let Some(Node::Symlink(target)) = self.find(&done)? {
                links += 1;
                if links > LINKS {
                    return wrong(path, "there is a loop of symbolic links on the way");
                }
                let target = target.clone();
                done.pop();
                if target.starts_with('/') {
                    done.clear();
                }
                let back = target.split('/').filter(|part| !part.is_empty() && *part != ".").rev();
                todo.extend(back.map(str::to_owned));
            }
        }
        Ok(done)
    }

    /// The node at resolved parts; grafted trees on the way are opened.
    fn find(&mut self, parts: &[String]) -> Result<Option<&mut Node>> {
        let mut node = &mut self.root;
        for part in parts {
            let Some(children) = open(&self.store, node)? else { return Ok(None) };
            match children.get_mut(part) {
                Some(child) => node = child,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// The children of the directory at resolved parts, which is made if need be.
    fn make(&mut self, parts: &[String], path: &str) -> Result<&mut BTreeMap<String, Node>> {
        let mut node = &mut self.root;
        for part in parts {
            let Some(children) = open(&self.store, node)? else { return wrong(path, "a part of it is no directory") };
            node = children.entry(part.clone()).or_insert_with(|| Node::Open(BTreeMap::new()));
        }
        match open(&self.store, node)? {
            Some(children) => Ok(children),
            None => wrong(path, "a file or a link has that name, or a part of it"),
        }
    }

    /// Puts something that is no directory at `path`.
    fn put(&mut self, path: &str, node: Node) -> Result<()> {
        let parts = self.resolve(path)?;
        let Some((name, parents)) = parts.split_last() else { return wrong(path, "it is the tree's own root") };
        let children = self.make(parents, path)?;
        if matches!(children.get(name), Some(Node::Open(_) | Node::Tree(_))) {
            return wrong(path, "a directory has that name");
        }
        children.insert(name.clone(), node);
        Ok(())
    }

    /// Puts a directory.
    ///
    /// # Errors
    /// Something else has the name, or a part of it.
    pub fn mkdir(&mut self, path: &str) -> Result<()> {
        let mut parts = self.resolve(path)?;
        if self.follow && matches!(self.find(&parts)?, Some(Node::Symlink(_))) {
            // As if one more part followed: the link itself is followed then.
            parts = self.resolve(&format!("{path}/x"))?;
            parts.pop();
        }
        self.make(&parts, path).map(drop)
    }

    /// Puts a file whose content a reader gives; `mode` is its permission bits.
    ///
    /// # Errors
    /// A directory has the name, a part of the path is none, the mode is more than permission bits; the reader's errors
    /// and the disk's.
    pub fn file(&mut self, path: &str, mode: u32, data: &mut dyn Read) -> Result<()> {
        let variant = if mode & 0o777 == 0o755 { Variant::EXECUTABLE } else { Variant::PLAIN };
        let digest = self.store.inner.put_stream(data, variant, None)?;
        self.blob(path, mode, digest)
    }

    /// Puts a file whose content the store has.
    ///
    /// # Errors
    /// As [`TreeBuilder::file`].
    pub fn blob(&mut self, path: &str, mode: u32, digest: Digest) -> Result<()> {
        if mode > 0o7777 {
            return wrong(path, format!("its mode {mode:o} is more than permission bits"));
        }
        self.put(path, Node::File { digest, mode })
    }

    /// Puts a symbolic link.
    ///
    /// # Errors
    /// A directory has the name, a part of the path is none, or the target is empty or holds NUL.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<()> {
        if target.is_empty() || target.contains('\0') {
            return wrong(path, "the target of a symbolic link is empty or holds NUL");
        }
        self.put(path, Node::Symlink(target.to_owned()))
    }

    /// Puts the file that `existing` is at `path` too: an equal file, for trees know no hard links.
    ///
    /// # Errors
    /// `existing` is no file or link of this tree; else as [`TreeBuilder::file`].
    pub fn hardlink(&mut self, path: &str, existing: &str) -> Result<()> {
        let parts = self.resolve(existing)?;
        let node = match self.find(&parts)? {
            Some(Node::File { digest, mode }) => Node::File { digest: *digest, mode: *mode },
            Some(Node::Symlink(target)) => Node::Symlink(target.clone()),
            Some(_) => return wrong(path, format!("it is a hard link to the directory `{existing}`")),
            None => return wrong(path, format!("it is a hard link to `{existing}`, which is not there (yet)")),
        };
        self.put(path, node)
    }

    /// Grafts a tree of the store at `path`, over an empty directory or nothing.
    ///
    /// # Errors
    /// Something has the name; a part of the path is no directory.
    pub fn tree(&mut self, path: &str, digest: Digest) -> Result<()> {
        let parts = self.resolve(path)?;
        let empty = |node: &Node| match node {
            Node::Open(children) => children.is_empty(),
            Node::Tree(tree) => *tree == Directory::default().digest() || *tree == digest,
            _ => false,
        };
        let Some((name, parents)) = parts.split_last() else {
            if !empty(&self.root) {
                return wrong(path, "the tree is not empty");
            }
            self.root = Node::Tree(digest);
            return Ok(());
        };
        let children = self.make(parents, path)?;
        if children.get(name).is_some_and(|node| !empty(node)) {
            return wrong(path, "something has that name already");
        }
        children.insert(name.clone(), Node::Tree(digest));
        Ok(())
    }

    /// Removes what is at `path`, with all below it; `false` when there is nothing.
    ///
    /// # Errors
    /// The path cannot be one, or a grafted tree cannot be read.
    pub fn remove(&mut self, path: &str) -> Result<bool> {
        let parts = self.resolve(path)?;
        let Some((name, parents)) = parts.split_last() else {
            self.root = Node::Open(BTreeMap::new());
            return Ok(true);
        };
        let store = self.store.clone();
        let Some(parent) = self.find(parents)? else { return Ok(false) };
        Ok(open(&store, parent)?.is_some_and(|children| children.remove(name).is_some()))
    }

    /// What is at `path`; the last part is not followed.
    ///
    /// # Errors
    /// The path cannot be one, or a grafted tree cannot be read.
    pub fn get(&mut self, path: &str) -> Result<Option<Entry>> {
        let parts = self.resolve(path)?;
        Ok(self.find(&parts)?.map(|node| node.entry()))
    }

    /// The names in the directory at `path` and what they are, sorted; `None` when there is no such directory.
    ///
    /// # Errors
    /// The path cannot be one, or a grafted tree cannot be read.
    pub fn list(&mut self, path: &str) -> Result<Option<Vec<(String, Entry)>>> {
        let parts = self.resolve(path)?;
        let store = self.store.clone();
        let Some(node) = self.find(&parts)? else { return Ok(None) };
        let Some(children) = open(&store, node)? else { return Ok(None) };
        Ok(Some(children.iter().map(|(name, node)| (name.clone(), node.entry())).collect()))
    }

    /// Visits every path, each directory before what it holds, in order. Grafted trees are read.
    ///
    /// # Errors
    /// A grafted tree cannot be read.
    pub fn each(&mut self, visit: &mut dyn FnMut(&str, &Entry)) -> Result<()> {
        each(&self.store, &mut self.root, "", visit)
    }

    /// Stores the directories and returns the tree's digest.
    ///
    /// # Errors
    /// The disk's errors.
    pub fn finish(self) -> Result<Digest> {
        let mut encoded = Vec::new();
        let digest = encode(self.root, &mut encoded)?;
        let inner = &self.store.inner;
        super::spread(&encoded, |(digest, bytes)| inner.put(*digest, bytes, Variant::PLAIN))?;
        Ok(digest)
    }
}

impl Node {
    fn entry(&self) -> Entry {
        match self {
            Self::Open(_) | Self::Tree(_) => Entry::Directory,
            Self::File { digest, mode } => Entry::File { digest: *digest, mode: *mode },
            Self::Symlink(target) => Entry::Symlink { target: target.clone() },
        }
    }
}

/// The children of a directory, read if need be; `None` when the node is none.
fn open<'a>(store: &Store, node: &'a mut Node) -> Result<Option<&'a mut BTreeMap<String, Node>>> {
    if let Node::Tree(digest) = *node {
        let directory = store.directory(digest)?;
        let malformed = |reason| Error::NotDirectory { digest, reason };
        let mut children = BTreeMap::new();
        for file in &directory.files {
            let node = Node::File { digest: file.content().map_err(malformed)?, mode: file.mode() };
            children.insert(file.name.clone(), node);
        }
        for child in &directory.directories {
            children.insert(child.name.clone(), Node::Tree(child.content().map_err(malformed)?));
        }
        for link in directory.symlinks {
            children.insert(link.name, Node::Symlink(link.target));
        }
        *node = Node::Open(children);
    }
    match node {
        Node::Open(children) => Ok(Some(children)),
        _ => Ok(None),
    }
}

fn each(store: &Store, node: &mut Node, path: &str, visit: &mut dyn FnMut(&str, &Entry)) -> Result<()> {
    let Some(children) = open(store, node)? else { return Ok(()) };
    for (name, child) in children {
        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        visit(&path, &child.entry());
        each(store, child, &path, visit)?;
    }
    Ok(())
}

/// Splits a path into its parts.
fn parts(path: &str) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if let Err(reason) = check_name(part) {
            return wrong(path, reason);
        }
        parts.push(part.to_owned());
    }
    Ok(parts)
}

/// Encodes a directory and those below it.
fn encode(node: Node, encoded: &mut Vec<(Digest, Vec<u8>)>) -> Result<Digest> {
    let children = match node {
        Node::Open(children) => children,
        Node::Tree(digest) => return Ok(digest),
        Node::File { .. } | Node::Symlink(_) => return wrong("", "the root of a tree is a directory"),
    };
    let mut directory = Directory::default();
    for (name, child) in children {
        match child {
            Node::File { digest, mode } => directory.files.push(FileNode::new(name, digest, mode)),
            Node::Symlink(target) => directory.symlinks.push(SymlinkNode { name, target }),
            child => directory.directories.push(DirectoryNode::new(name, encode(child, encoded)?)),
        }
    }
    let bytes = directory.canonical();
    let digest = Digest::of(&bytes);
    encoded.push((digest, bytes));
    Ok(digest)
}
