//! Several trees as one.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::digest::reapi::{Directory, DirectoryNode, FileNode, SymlinkNode};

use super::{Error, Result, Store};

/// A path that two inputs give different contents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The path.
    pub path: String,
    /// Name of the first input that has it.
    pub a: String,
    /// Name of the first input that differs from `a`.
    pub b: String,
}

/// Trees that could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Paths with more than one content, none of which wins. Sorted by path.
    #[error("merge trees: {}", show(conflicts))]
    Conflicts {
        /// All of them.
        conflicts: Vec<Conflict>,
    },
    /// A tree could not be read, or the result not stored.
    #[error(transparent)]
    Store(#[from] Error),
}

impl MergeError {
    /// The conflicts; none for an error of the store.
    pub fn conflicts(&self) -> &[Conflict] {
        match self {
            Self::Conflicts { conflicts } => conflicts,
            Self::Store(_) => &[],
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Conflicts { conflicts } => conflicts.first().map(|conflict| {
                format!("say which input wins, e.g. `[[wins]] path = \"{}\" input = \"{}\"`", conflict.path, conflict.a)
            }),
            Self::Store(error) => error.hint(),
        }
    }
}

fn show(conflicts: &[Conflict]) -> String {
    const SHOWN: usize = 20;
    let mut text = match conflicts.len() {
        1 => "one path has different contents:".to_owned(),
        count => format!("{count} paths have different contents:"),
    };
    for Conflict { path, a, b } in conflicts.iter().take(SHOWN) {
        text.push_str(&format!("\n  `{path}` in `{a}` and `{b}`"));
    }
    if conflicts.len() > SHOWN {
        text.push_str(&format!("\n  and {} more", conflicts.len() - SHOWN));
    }
    text
}

/// One entry of a directory.
#[derive(Clone, PartialEq)]
enum Item {
    Directory(Digest),
    File(FileNode),
    Symlink(SymlinkNode),
}

/// Merges trees into one that has all their paths.
///
/// Equal contents never conflict; directories that are equal are taken whole, unread. For a path with different
/// contents `wins` names the input whose content is taken; without an answer, or with the name of an input that does
/// not have the path, it is a conflict. All conflicts are found before the error is returned.
///
/// # Errors
/// [`MergeError`].
pub fn merge(
    store: &Store,
    inputs: &[(String, Digest)],
    wins: &dyn Fn(&str) -> Option<String>,
) -> Result<Digest, MergeError> {
    let mut merge = Merge { store, inputs, wins, conflicts: Vec::new() };
    let all: Vec<_> = inputs.iter().enumerate().map(|(index, (_, digest))| (index, *digest)).collect();
    let digest = merge.directories("", &all)?;
    if merge.conflicts.is_empty() {
        Ok(digest)
    } else {
        merge.conflicts.sort();
        Err(MergeError::Conflicts { conflicts: merge.conflicts })
    }
}

struct Merge<'a> {
    store: &'a Store,
    inputs: &'a [(String, Digest)],
    wins: &'a dyn Fn(&str) -> Option<String>,
    conflicts: Vec<Conflict>,
}

impl Merge<'_> {
    /// Merges directories of inputs (by index) that all have the same path.
    fn directories(&mut self, path: &str, sources: &[(usize, Digest)]) -> Result<Digest> {
        if let Some(&(_, first)) = sources.first()
            && sources.iter().all(|&(_, digest)| digest == first)
        {
            return Ok(first);
        }
        let mut names: BTreeMap<String, Vec<(usize, Item)>> = BTreeMap::new();
        for &(index, digest) in sources {
            let directory = self.store.directory(digest)?;
            let malformed = |reason| Error::NotDirectory { digest, reason };
            for child in directory.directories {
                let item = Item::Directory(child.content().map_err(malformed)?);
                names.entry(child.name).or_default().push((index, item));
            }
            for file in directory.files {
                names.entry(file.name.clone()).or_default().push((index, Item::File(file)));
            }
            for link in directory.symlinks {
                names.entry(link.name.clone()).or_default().push((index, Item::Symlink(link)));
            }
        }
        let mut merged = Directory::default();
        for (name, items) in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            match self.items(&path, items)? {
                Item::Directory(digest) => merged.directories.push(DirectoryNode::new(name, digest)),
                Item::File(file) => merged.files.push(file),
                Item::Symlink(link) => merged.symlinks.push(link),
            }
        }
        self.store.put_directory(&merged)
    }

    /// Merges what the inputs have at one path.
    fn items(&mut self, path: &str, items: Vec<(usize, Item)>) -> Result<Item> {
        let (first, item) = &items[0];
        let Some((other, _)) = items.iter().find(|(_, other)| other != item) else { return Ok(item.clone()) };
        let directories = |items: &[(usize, Item)]| -> Vec<(usize, Digest)> {
            let digest = |(index, item): &(usize, Item)| match item {
                Item::Directory(digest) => Some((*index, *digest)),
                _ => None,
            };
            items.iter().filter_map(digest).collect()
        };
        let dirs = directories(&items);
        if dirs.len() == items.len() {
            return Ok(Item::Directory(self.directories(path, &dirs)?));
        }
        let winner = (self.wins)(path);
        let winner = winner.and_then(|name| items.iter().find(|(index, _)| self.inputs[*index].0 == name));
        match winner {
            // A directory that wins over a file is still merged with the other directories.
            Some((_, Item::Directory(_))) => Ok(Item::Directory(self.directories(path, &dirs)?)),
            Some((_, item)) => Ok(item.clone()),
            None => {
                let name = |index: usize| self.inputs[index].0.clone();
                self.conflicts.push(Conflict { path: path.to_owned(), a: name(*first), b: name(*other) });
                Ok(item.clone())
            }
        }
    }
}
