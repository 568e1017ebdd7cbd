//! The layer that turns one tree into another.
//!
//! What is new or other in the upper tree is in the layer, with the folders that it is in; what is gone is an empty file with
//! `.wh.` before its name. A file of several names is in the layer with all of them as soon as one of them changes, since
//! a layer cannot link to what lies below it. Folders that take the place of something else hide it by being there, and so
//! does what takes the place of a folder.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::image::{Attributes, Builder, Error, Kind, Meta, Problem, Tree};

/// What hides one name.
const WHITEOUT: &[u8] = b".wh.";
/// What hides all that a folder has in the layers below.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// How a layer hides all that a folder held, when nothing of it is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Whiteouts {
    /// By one whiteout a name, as the specification recommends.
    #[default]
    Explicit,
    /// By one opaque whiteout for the folder.
    Opaque,
}

fn joined(folder: &[u8], prefix: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
    [folder, slash, prefix, name].concat()
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// The folder that a path is in; of what is at the top, and of the root, the root.
pub(super) fn parent(path: &[u8]) -> &[u8] {
    split(path).0
}

/// Complains of names that would hide others.
pub(super) fn no_whiteouts(tree: &Tree) -> Result<(), Error> {
    match tree.names().find(|(path, ..)| split(path).1.starts_with(WHITEOUT)) {
        Some((path, ..)) => Err(Error::of(&path, Problem::Unsupported { what: "names that begin with `.wh.`" })),
        None => Ok(()),
    }
}

/// A tree with all of its names.
struct Named<'a> {
    tree: &'a Tree,
    by_path: BTreeMap<Vec<u8>, usize>,
    /// The names of each inode.
    names: Vec<BTreeSet<Vec<u8>>>,
}

impl<'a> Named<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut named = Self { tree, by_path: BTreeMap::new(), names: vec![BTreeSet::new(); tree.inodes.len()] };
        if !tree.inodes.is_empty() {
            named.by_path.insert(Vec::new(), 0);
        }
        for (path, number, _) in tree.names() {
            named.names[number].insert(path.clone());
            named.by_path.insert(path, number);
        }
        named
    }

    fn is_folder(&self, path: &[u8]) -> bool {
        let inode = self.by_path.get(path).map(|number| &self.tree.inodes[*number]);
        inode.is_some_and(|inode| matches!(inode.kind, Kind::Folder(_)))
    }

    /// Whether an inode of another tree is here too, under the same names.
    fn has(&self, other: &Named, number: usize) -> bool {
        let theirs = &other.tree.inodes[number];
        let Some(found) = self.by_path.get(&theirs.path) else { return false };
        let ours = &self.tree.inodes[*found];
        let same_kind = match (&ours.kind, &theirs.kind) {
            (Kind::Folder(_), Kind::Folder(_)) => true,
            (ours, theirs) => ours == theirs,
        };
        same_kind && ours.meta == theirs.meta && self.names[*found] == other.names[number]
    }
}

/// The layer that makes `upper` of `lower`.
///
/// # Errors
/// A name begins with `.wh.`, or is so long that none with this before it is possible.
pub fn difference(lower: &Tree, upper: &Tree, whiteouts: Whiteouts) -> Result<Tree, Error> {
    no_whiteouts(upper)?;
    let (lower, upper) = (Named::new(lower), Named::new(upper));
    let mut builder = Builder::default();
    // Folders that are in the layer; the root always is.
    let mut folders: BTreeSet<Vec<u8>> = [Vec::new()].into();
    let mut with_folders = |mut path: &[u8]| {
        while let (folder, name) = split(path)
            && !name.is_empty()
        {
            folders.insert(folder.to_vec());
            path = folder;
        }
    };
    for (number, inode) in upper.tree.inodes.iter().enumerate().skip(1) {
        if lower.has(&upper, number) {
            continue;
        }
        if matches!(inode.kind, Kind::Folder(_)) {
            with_folders(&joined(&inode.path, b"", b"."));
            continue;
        }
        builder.add_other(&inode.path, inode.meta.clone(), inode.kind.clone())?;
        for name in &upper.names[number] {
            with_folders(name);
            if *name != inode.path {
                builder.link(name, &inode.path)?;
            }
        }
    }
    for inode in &lower.tree.inodes {
        let Kind::Folder(entries) = &inode.kind else { continue };
        if !upper.is_folder(&inode.path) {
            continue;
        }
        let gone = |name: &&[u8]| !upper.by_path.contains_key(&joined(&inode.path, b"", name));
        let names: Vec<&[u8]> = entries.iter().map(|(name, _)| name.as_slice()).filter(gone).collect();
        let above = &upper.tree.inodes[upper.by_path[&inode.path]].meta;
        let hide = Meta { mode: 0o644, uid: 0, gid: 0, time: above.time, attributes: Attributes::new() };
        let nothing = Kind::File(Digest::of(b""));
        let mut add = |prefix: &[u8], name: &[u8]| {
            if prefix.len() + name.len() > 255 {
                let (value, most) = (name.len() as u64, 251);
                let problem = Problem::TooLarge { what: "a name to be hidden of", value, most };
                return Err(Error::of(&joined(&inode.path, b"", name), problem));
            }
            let path = joined(&inode.path, prefix, name);
            with_folders(&path);
            builder.add_other(&path, hide.clone(), nothing.clone())
        };
        if whiteouts == Whiteouts::Opaque && !names.is_empty() && names.len() == entries.len() {
            add(b"", OPAQUE)?;
        } else {
            names.iter().try_for_each(|name| add(WHITEOUT, name))?;
        }
    }
    for path in folders {
        if let Some(number) = upper.by_path.get(&path) {
            builder.folder(&path, upper.tree.inodes[*number].meta.clone())?;
        }
    }
    builder.finish()
}
