//! Layer upon layer: what is at each path, and who gives it.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};

use super::error::{Error, Problem};
use super::report::Shadowed;
use crate::digest::Digest;
use crate::digest::reapi::Directory;
use crate::loader;
use crate::stage::RootWin;
use crate::store::Store;

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Folder,
    File { content: Digest, executable: bool },
    Link(String),
}

impl What {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Folder => "dir",
            Self::File { .. } => "file",
            Self::Link(_) => "link",
        }
    }
}

/// Who gives a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// A component, by its number.
    Component(usize),
    /// An overlay.
    Overlay(String),
    /// A template.
    Template(String),
    /// The definition itself.
    Stated,
    /// This program.
    Made,
}

/// A path of the root.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub what: What,
    pub from: From,
    /// Components that have this very entry, besides the one that gives it.
    pub also: Vec<usize>,
}

impl Entry {
    /// Whether a component has this entry.
    pub fn is_of(&self, component: usize) -> bool {
        self.from == From::Component(component) || self.also.contains(&component)
    }
}

/// All paths of the root, without a slash before them; the root itself is empty.
pub(super) struct Layers<'a> {
    store: &'a Store,
    names: &'a [String],
    wins: Vec<(GlobMatcher, usize)>,
    pub entries: BTreeMap<String, Entry>,
    pub shadowed: Vec<Shadowed>,
    pub problems: Vec<Problem>,
}

/// A glob as stage files have it: `*` stays within a name. The definition was checked when it was read.
pub(super) fn matcher(glob: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(glob).literal_separator(true).build().ok().map(|glob| glob.compile_matcher())
}

impl<'a> Layers<'a> {
    pub fn new(store: &'a Store, names: &'a [String], wins: &[RootWin]) -> Self {
        let number = |name: &str| names.iter().position(|known| known == name);
        let wins = wins.iter().filter_map(|win| Some((matcher(&win.path)?, number(&win.component)?))).collect();
        let top = Entry { what: What::Folder, from: From::Stated, also: Vec::new() };
        let entries = BTreeMap::from([(String::new(), top)]);
        Self { store, names, wins, entries, shadowed: Vec::new(), problems: Vec::new() }
    }

    /// The name of a layer, as messages have it.
    pub fn layer(&self, from: &From) -> String {
        layer(from, self.names)
    }

    /// Lays a tree over the root, with all that is in it.
    pub fn tree(&mut self, tree: Digest, from: &From) -> Result<(), Error> {
        let name = self.layer(from);
        let mut open = vec![(String::new(), tree)];
        while let Some((folder, digest)) = open.pop() {
            let damaged = |_| Error::Damaged { layer: name.clone() };
            let Directory { files, directories, symlinks, .. } = self.store.directory(digest)?;
            let path = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let mut found = Vec::new();
            for file in &files {
                let content = file.content().map_err(damaged)?;
                found.push((path(&file.name), What::File { content, executable: file.mode() & 0o100 != 0 }));
            }
            found.extend(symlinks.into_iter().map(|link| (path(&link.name), What::Link(link.target))));
            for below in &directories {
                let content = below.content().map_err(damaged)?;
                // What is below something that is no directory has no place: that was told already.
                if self.put(path(&below.name), What::Folder, from) {
                    open.push((path(&below.name), content));
                }
            }
            for (path, what) in found {
                self.put(path, what, from);
            }
        }
        Ok(())
    }

    /// Puts something where the definition says, with the directories that it lies in.
    pub fn state(&mut self, path: &str, what: What, from: &From) {
        for (at, _) in path.match_indices('/') {
            let folder = &path[..at];
            if !matches!(self.entries.get(folder), Some(Entry { what: What::Folder, .. }))
                && !self.put(folder.to_owned(), What::Folder, from)
            {
                return;
            }
        }
        self.put(path.to_owned(), what, from);
    }

    /// Puts an entry over what is there. `false`: it has no place.
    fn put(&mut self, path: String, what: What, from: &From) -> bool {
        let Some(there) = self.entries.get(&path) else {
            self.entries.insert(path, Entry { what, from: from.clone(), also: Vec::new() });
            return true;
        };
        if there.what == what {
            if let (From::Component(number), Some(entry)) = (from, self.entries.get_mut(&path)) {
                entry.also.push(*number);
            }
            return true;
        }
        let (old, new) = (self.layer(&there.from), self.layer(from));
        if there.what == What::Folder || what == What::Folder {
            let (folder, other) = if what == What::Folder { (new, old) } else { (old, new) };
            self.problems.push(Problem::Kind { path, folder, other });
            return false;
        }
        let winner = match (&there.from, from) {
            (From::Component(old), From::Component(new)) => {
                let rule = self.wins.iter().find(|(glob, _)| glob.is_match(&path)).map(|(_, winner)| *winner);
                rule.filter(|winner| winner == old || winner == new).map(|winner| winner == *new)
            }
            _ => Some(true),
        };
        let Some(replaces) = winner else {
            self.problems.push(Problem::Conflict { path, first: old, second: new });
            return false;
        };
        let (counts, hidden) = if replaces { (from, &there.from) } else { (&there.from, from) };
        let place = |from: &From| place(from, self.names, &path);
        self.shadowed.push(Shadowed {
            path: format!("/{path}"),
            by: self.layer(counts),
            by_source: place(counts),
            hidden: self.layer(hidden),
            hidden_source: place(hidden),
        });
        if replaces {
            self.entries.insert(path, Entry { what, from: from.clone(), also: Vec::new() });
        }
        true
    }
}

/// The name of a layer.
pub(super) fn layer(from: &From, names: &[String]) -> String {
    match from {
        From::Component(number) => names[*number].clone(),
        From::Overlay(folder) => format!("overlay {folder}"),
        From::Template(file) => format!("template {file}"),
        From::Stated => "stage.toml".to_owned(),
        From::Made => "repro".to_owned(),
    }
}

/// Where the bytes of a path come from, as a stage sees it.
pub(super) fn place(from: &From, names: &[String], path: &str) -> String {
    match from {
        From::Component(number) => format!("/in/{}/{path}", names[*number]),
        From::Overlay(folder) => format!("/stage/{folder}/{path}"),
        From::Template(file) => format!("/stage/{file}"),
        From::Stated => "stage.toml".to_owned(),
        From::Made => "repro".to_owned(),
    }
}

impl loader::Tree for BTreeMap<String, Entry> {
    fn kind(&self, path: &str) -> Option<loader::Kind<'_>> {
        Some(match &self.get(path)?.what {
            What::Folder => loader::Kind::Folder,
            What::File { .. } => loader::Kind::File,
            What::Link(target) => loader::Kind::Link(target),
        })
    }
}
