//! What a stage sees, by the paths at which it sees it: which input a file came from, and its digest.

use std::collections::{BTreeMap, BTreeSet};

use globset::{Glob, GlobMatcher};
use schemars::JsonSchema;
use serde::Serialize;

use super::error::Error;
use crate::digest::Digest;
use crate::digest::reapi::Directory;
use crate::stage::{ActionInputs, InputRef, Stage};
use crate::store::Store;

/// Links that are followed on the way to a file.
const MOST_LINKS: usize = 40;

/// What an input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Compiled against: below `/target`.
    Target,
    /// An upstream archive: below `/src`.
    Sources,
    /// Taken as data: below `/in`.
    Inputs,
    /// The stage's own folder, `/stage`.
    Stage,
    /// What runs: below `/`.
    Tools,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Sources => "sources",
            Self::Inputs => "inputs",
            Self::Stage => "stage",
            Self::Tools => "tools",
        }
    }
}

/// A tree that a stage sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) role: Role,
    /// As `stage.toml` has it: `sysroot:seed`, `stage:musl/dev`, `source:zlib`; `stage` for the own folder.
    pub(super) name: String,
    /// Where it is mounted, without a slash at the end.
    at: String,
    pub(super) tree: Digest,
    /// The stage that left it, and where in its output it lies.
    pub(super) from: Option<(String, String)>,
}

/// What is at a path of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    File(Digest),
    Symlink(String),
    Directory(Digest),
}

/// A file that a stage sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Number of the input in [`Inputs::roots`].
    pub(super) root: usize,
    /// Path in it, without a leading slash.
    pub(super) place: String,
    pub(super) item: Item,
}

/// Directories of trees, each read once.
pub(super) struct Trees<'a> {
    store: &'a Store,
    read: BTreeMap<Digest, Directory>,
}

impl<'a> Trees<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, read: BTreeMap::new() }
    }

    fn directory(&mut self, digest: Digest) -> Result<&Directory, Error> {
        if !self.read.contains_key(&digest) {
            let directory = self.store.directory(digest)?;
            self.read.insert(digest, directory);
        }
        Ok(&self.read[&digest])
    }

    /// What has a name in a directory.
    fn entry(&mut self, tree: Digest, name: &str) -> Result<Option<Item>, Error> {
        let malformed = |reason| crate::store::Error::NotDirectory { digest: tree, reason };
        let directory = self.directory(tree)?;
        if let Ok(at) = directory.files.binary_search_by(|node| node.name.as_str().cmp(name)) {
            return Ok(Some(Item::File(directory.files[at].content().map_err(malformed)?)));
        }
        if let Ok(at) = directory.directories.binary_search_by(|node| node.name.as_str().cmp(name)) {
            return Ok(Some(Item::Directory(directory.directories[at].content().map_err(malformed)?)));
        }
        let link = directory.symlinks.binary_search_by(|node| node.name.as_str().cmp(name));
        Ok(link.ok().map(|at| Item::Symlink(directory.symlinks[at].target.clone())))
    }

    /// What is at a path of a tree; links on the way lead nowhere.
    pub(super) fn item(&mut self, tree: Digest, path: &str) -> Result<Option<Item>, Error> {
        let mut item = Item::Directory(tree);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Item::Directory(tree) = item else { return Ok(None) };
            match self.entry(tree, name)? {
                Some(next) => item = next,
                None => return Ok(None),
            }
        }
        Ok(Some(item))
    }

    /// The first path in a tree, folder by folder, at which something has this name.
    pub(super) fn named(&mut self, tree: Digest, name: &str) -> Result<Option<String>, Error> {
        let mut waiting = std::collections::VecDeque::from([(tree, String::new())]);
        while let Some((tree, path)) = waiting.pop_front() {
            if self.entry(tree, name)?.is_some() {
                return Ok(Some(format!("{path}/{name}")));
            }
            let malformed = |reason| crate::store::Error::NotDirectory { digest: tree, reason };
            for folder in &self.directory(tree)?.directories {
                waiting.push_back((folder.content().map_err(malformed)?, format!("{path}/{}", folder.name)));
            }
        }
        Ok(None)
    }

    /// The paths of all files below a folder.
    pub(super) fn files(&mut self, tree: Digest, path: &str, found: &mut BTreeSet<String>) -> Result<(), Error> {
        let malformed = |reason| crate::store::Error::NotDirectory { digest: tree, reason };
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let directory = self.directory(tree)?;
        found.extend(directory.files.iter().map(|file| below(&file.name)));
        let folders = directory.directories.iter();
        let folders = folders.map(|folder| Ok((below(&folder.name), folder.content().map_err(malformed)?)));
        for (path, tree) in folders.collect::<Result<Vec<_>, Error>>()? {
            self.files(tree, &path, found)?;
        }
        Ok(())
    }

    /// Follows links within a tree, which is the root that absolute ones begin at: where a path leads, and the links on
    /// the way.
    pub(super) fn resolve(&mut self, tree: Digest, path: &str) -> Result<Resolved, Error> {
        follow(path, |path| self.item(tree, path))
    }
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Without a leading slash.
    pub(super) path: String,
    /// Nothing when it leads nowhere.
    pub(super) item: Option<Item>,
    /// The links on the way, with where they point.
    pub(super) links: Vec<(String, String)>,
}

/// Follows the links of a path, as the kernel would (path_resolution(7)).
fn follow(path: &str, mut item: impl FnMut(&str) -> Result<Option<Item>, Error>) -> Result<Resolved, Error> {
    let split = |text: &str| -> Vec<String> { text.split('/').rev().map(str::to_owned).collect() };
    let mut waiting = split(path);
    let mut done: Vec<String> = Vec::new();
    let mut links = Vec::new();
    while let Some(name) = waiting.pop() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                done.pop();
                continue;
            }
            _ => done.push(name),
        }
        let path = done.join("/");
        match item(&path)? {
            Some(Item::Symlink(target)) if links.len() < MOST_LINKS => {
                done.pop();
                if target.starts_with('/') {
                    done.clear();
                }
                waiting.extend(split(&target));
                links.push((path, target));
            }
            Some(Item::Directory(_)) => {}
            Some(item) if waiting.iter().all(String::is_empty) => {
                return Ok(Resolved { path, item: Some(item), links });
            }
            _ => return Ok(Resolved { path, item: None, links }),
        }
    }
    let path = done.join("/");
    let item = item(&path)?;
    Ok(Resolved { path, item, links })
}

/// All that a stage sees.
pub(super) struct Inputs {
    pub(super) roots: Vec<Root>,
    wins: Vec<(GlobMatcher, String)>,
}

impl Inputs {
    pub(super) fn new(stage: &Stage, inputs: &ActionInputs) -> Result<Self, Error> {
        let layers = |role, at: &str, layers: &[crate::stage::Layer]| -> Vec<Root> {
            let root = |layer: &crate::stage::Layer| Root {
                role,
                name: layer.label.clone(),
                at: at.to_owned(),
                tree: layer.tree,
                from: from_label(&layer.label),
            };
            layers.iter().map(root).collect()
        };
        let mut roots = layers(Role::Tools, "", &inputs.tools);
        roots.extend(layers(Role::Target, "/target", &inputs.target));
        for source in &inputs.sources {
            let (name, at) = (format!("source:{}", source.name), format!("/src/{}", source.name));
            roots.push(Root { role: Role::Sources, name, at, tree: source.tree, from: None });
        }
        for input in &inputs.inputs {
            // Only the name is in the action: the definition says which part of the stage's output it is.
            let given = stage.inputs.iter().find(|given| given.name() == input.label);
            let name = given.map_or_else(|| input.label.clone(), InputRef::to_string);
            let from = from_label(&name);
            roots.push(Root { role: Role::Inputs, name, at: format!("/in/{}", input.label), tree: input.tree, from });
        }
        let (name, at) = ("stage".to_owned(), "/stage".to_owned());
        roots.push(Root { role: Role::Stage, name, at, tree: inputs.stage_dir, from: None });
        let wins = inputs.wins.iter().map(|win| {
            let wrong =
                |error: globset::Error| Error::Glob { glob: win.path.clone(), reason: error.kind().to_string() };
            Ok((Glob::new(&win.path).map_err(wrong)?.compile_matcher(), win.layer.clone()))
        });
        Ok(Self { roots, wins: wins.collect::<Result<_, Error>>()? })
    }

    /// What the inputs have at a path; links on the way lead nowhere, since a trace's paths have none.
    pub(super) fn find(&self, trees: &mut Trees<'_>, path: &str) -> Result<Option<Found>, Error> {
        // The mount that the path is in is the one with the longest name.
        let inside = |root: &Root| {
            let rest = path.strip_prefix(root.at.as_str())?;
            if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
        };
        let mounted = self.roots.iter().filter(|root| inside(root).is_some()).map(|root| root.at.as_str());
        let Some(at) = mounted.max_by_key(|at| at.len()) else { return Ok(None) };
        let mut all: Vec<Found> = Vec::new();
        for (number, root) in self.roots.iter().enumerate().filter(|(_, root)| root.at == at) {
            let Some(place) = inside(root) else { continue };
            if let Some(item) = trees.item(root.tree, place)? {
                all.push(Found { root: number, place: place.to_owned(), item });
            }
        }
        let Some(first) = all.first() else { return Ok(None) };
        if all.iter().any(|found| found.item != first.item)
            && let Some((_, layer)) = self.wins.iter().find(|(glob, _)| glob.is_match(&first.place))
            && let Some(winner) = all.iter().find(|found| self.roots[found.root].name == *layer)
        {
            return Ok(Some(winner.clone()));
        }
        Ok(all.into_iter().next())
    }

    /// What one of the inputs has at a path of the sandbox, whatever others have there.
    pub(super) fn item_of(&self, trees: &mut Trees<'_>, number: usize, path: &str) -> Result<Option<Item>, Error> {
        let root = &self.roots[number];
        let Some(rest) = path.strip_prefix(root.at.as_str()) else { return Ok(None) };
        if rest.is_empty() || rest.starts_with('/') { trees.item(root.tree, rest) } else { Ok(None) }
    }

    /// Where a path leads, links followed.
    pub(super) fn resolve(&self, trees: &mut Trees<'_>, path: &str) -> Result<Option<(String, Found)>, Error> {
        let resolved = follow(path, |path| Ok(self.find(trees, &format!("/{path}"))?.map(|found| found.item)))?;
        let path = format!("/{}", resolved.path);
        Ok(self.find(trees, &path)?.map(|found| (path, found)))
    }
}

/// The stage and the path in its output that a label means.
fn from_label(label: &str) -> Option<(String, String)> {
    let rest = label.strip_prefix("stage:")?;
    let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
    Some((name.to_owned(), path.to_owned()))
}
