//! Where two trees differ: files that both have, and folders that have other names.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::digest::reapi::Directory;
use crate::store::{Error, Store};

/// What of a tree is otherwise than in another, by place: a file's path and what it is instead, or a folder's path with a
/// slash at its end and the names that it has more and less. Equal trees have an empty one.
pub type Departure = BTreeMap<String, String>;

/// How `other` departs from `known`.
///
/// # Errors
/// A tree cannot be read.
pub(in crate::verify) fn departure(store: &Store, known: Digest, other: Digest) -> Result<Departure, Error> {
    let mut found = Departure::new();
    let mut waiting = vec![(String::new(), known, other)];
    while let Some((path, known, other)) = waiting.pop() {
        if known == other {
            continue;
        }
        let read = |digest| Ok::<_, Error>(entries(&path, &store.directory(digest)?));
        let (known, other) = (read(known)?, read(other)?);
        let mut names = Vec::new();
        for (path, entry) in &known {
            match (entry, other.get(path)) {
                (Entry::Folder(a), Some(Entry::Folder(b))) => waiting.push((format!("{path}/"), *a, *b)),
                (a, Some(b)) if a != b => drop(found.insert(path.clone(), b.to_string())),
                (_, Some(_)) => {}
                (_, None) => names.push(format!("-{path}")),
            }
        }
        names.extend(other.keys().filter(|path| !known.contains_key(*path)).map(|path| format!("+{path}")));
        if !names.is_empty() {
            let folder = if path.is_empty() { "./" } else { &path };
            found.insert(folder.to_owned(), names.join(" "));
        }
    }
    Ok(found)
}

#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Folder(Digest),
    File(String, u32),
    Link(String),
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(_) => write!(f, "folder"),
            Self::File(digest, mode) => write!(f, "{digest} {mode:o}"),
            Self::Link(target) => write!(f, "-> {target}"),
        }
    }
}

fn entries(path: &str, directory: &Directory) -> BTreeMap<String, Entry> {
    let mut found = BTreeMap::new();
    for node in &directory.directories {
        // The store has checked it.
        found.extend(node.content().ok().map(|digest| (format!("{path}{}", node.name), Entry::Folder(digest))));
    }
    for node in &directory.files {
        let digest = node.digest.as_ref().map(|digest| digest.hash.clone()).unwrap_or_default();
        found.insert(format!("{path}{}", node.name), Entry::File(digest, node.mode()));
    }
    for node in &directory.symlinks {
        found.insert(format!("{path}{}", node.name), Entry::Link(node.target.clone()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::departure;
    use crate::store::{Store, TreeBuilder};

    #[test]
    fn files_names_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let tree = |files: &[(&str, &str)]| {
            let mut tree = TreeBuilder::new(&store);
            for (path, content) in files {
                tree.file(path, 0o644, &mut content.as_bytes()).expect("it is stored");
            }
            tree.finish().expect("it is stored")
        };
        let known = tree(&[("a", "1"), ("d/b", "1"), ("d/tmp.X", "1"), ("e/f", "1")]);
        assert!(departure(&store, known, known).expect("it is read").is_empty());
        let other = tree(&[("a", "2"), ("d/b", "1"), ("d/tmp.Y", "1"), ("e/f", "1")]);
        let found = departure(&store, known, other).expect("it is read");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "d/"]);
        assert_eq!(found["d/"], "-d/tmp.X +d/tmp.Y");
        let top = departure(&store, known, tree(&[("a", "1")])).expect("it is read");
        assert_eq!(top.keys().collect::<Vec<_>>(), ["./"]);
    }
}
