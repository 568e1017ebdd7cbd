//! A stage as its trace shows it, for those who judge what it did.

use std::collections::{BTreeMap, BTreeSet};

use super::class::{Class, Judge, Kind};
use super::error::Error;
use super::explain::Built;
use super::index::Index;
use super::inputs::{Inputs, Item, Role, Trees};
use super::walk::{Leaf, Walk};
use super::what::What;
use crate::digest::Digest;
use crate::exec;
use crate::store::{self, Store};
use crate::trace::{PathId, ROOT, Ways};

/// A stage with its trace.
pub struct Observed<'a> {
    built: Built<'a>,
    index: Index,
    inputs: Inputs,
    trees: Trees<'a>,
}

/// What is at a path that a stage was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// What the input is for.
    pub role: Role,
    /// The input, as `stage.toml` names it.
    pub input: String,
    /// Path in that input.
    pub place: String,
    /// The stage that left it, and the path in that stage's output.
    pub from: Option<(String, String)>,
    /// Its content; none for folders and links.
    pub digest: Option<Digest>,
}

/// A file that was given and that went into an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Path in the sandbox.
    pub path: String,
    /// What it is.
    pub what: What,
    /// Where it is from.
    pub given: Given,
    /// Number of a process that read it.
    pub reader: u32,
    /// Path of a file of the output that it went into.
    pub output: String,
}

/// A process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// Its number in the trace.
    pub number: u32,
    /// The file that it executed; of one that executed none, what its parent did.
    pub program: String,
    /// Its command line.
    pub arguments: Vec<String>,
    /// Its working directory when the program began.
    pub directory: String,
}

/// An input of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// What it is for.
    pub role: Role,
    /// As `stage.toml` names it.
    pub input: String,
}

impl<'a> Observed<'a> {
    /// Reads a stage's trace; nothing without one.
    ///
    /// # Errors
    /// The trace or an input cannot be read.
    pub fn open(store: &'a Store, built: Built<'a>) -> Result<Option<Self>, Error> {
        let Some(trace) = exec::known(store, built.action)?.and_then(|done| done.trace) else { return Ok(None) };
        let bytes = match store.get_bytes(trace) {
            Err(store::Error::Missing { .. }) => return Ok(None),
            bytes => bytes?,
        };
        let index = Index::new(&bytes)?;
        let inputs = Inputs::new(built.stage, &built.inputs)?;
        Ok(Some(Self { built, index, inputs, trees: Trees::new(store) }))
    }

    /// The stage as it was built.
    pub fn built(&self) -> &Built<'a> {
        &self.built
    }

    /// What the inputs have at a path of the sandbox; links are not followed.
    ///
    /// # Errors
    /// An input cannot be read.
    pub fn given(&mut self, path: &str) -> Result<Option<Given>, Error> {
        let Some(found) = self.inputs.find(&mut self.trees, path)? else { return Ok(None) };
        Ok(Some(self.describe(&found.place, found.root, &found.item)))
    }

    /// The same with links followed, and where they lead.
    ///
    /// # Errors
    /// An input cannot be read.
    pub fn resolved(&mut self, path: &str) -> Result<Option<(String, Given)>, Error> {
        let Some((path, found)) = self.inputs.resolve(&mut self.trees, path)? else { return Ok(None) };
        Ok(Some((path, self.describe(&found.place, found.root, &found.item))))
    }

    fn describe(&self, place: &str, root: usize, item: &Item) -> Given {
        let root = &self.inputs.roots[root];
        let whole = |part: &str| if part.is_empty() { place.to_owned() } else { format!("{part}/{place}") };
        Given {
            role: root.role,
            input: root.name.clone(),
            place: place.to_owned(),
            from: root.from.as_ref().map(|(stage, part)| (stage.clone(), whole(part))),
            digest: if let Item::File(digest) = item { Some(*digest) } else { None },
        }
    }

    /// Inputs that stages left: the stage, the path in its output, and the tree.
    pub fn stages(&self) -> Vec<(String, String, Digest)> {
        let roots = self.inputs.roots.iter();
        roots.filter_map(|root| root.from.clone().map(|(stage, part)| (stage, part, root.tree))).collect()
    }

    /// What went into these files of the output as data, by path; all of them are walked back from at once.
    ///
    /// # Errors
    /// An input cannot be read.
    pub fn reached(&mut self, outputs: &BTreeSet<String>) -> Result<Vec<Reached>, Error> {
        let wanted: BTreeMap<PathId, &String> =
            outputs.iter().map(|path| (self.index.names.find(ROOT, format!("/out/{path}").as_bytes()), path)).collect();
        let ids: Vec<PathId> = wanted.keys().copied().collect();
        let walk = Walk::new(&mut self.index, &ids);
        let mut reached = Vec::new();
        for (id, leaf) in walk.leaves.iter().filter(|(_, leaf)| leaf.class == Class::Data) {
            let path = self.index.names.text(*id);
            let Some(given) = self.given(&path)? else { continue };
            if given.digest.is_some() {
                let what = What::of(&path, leaf.class, leaf.executed);
                let output = output(&walk, &wanted, leaf).cloned().unwrap_or_default();
                reached.push(Reached { path, what, given, reader: leaf.reader, output });
            }
        }
        Ok(reached)
    }

    /// How many processes there are; they are numbered from 1.
    pub fn processes(&self) -> u32 {
        self.index.processes()
    }

    /// What a process did, by path.
    pub fn touches(&self, process: u32) -> impl Iterator<Item = (PathId, Ways)> + '_ {
        self.index.touches(process).iter().map(|touch| (touch.path, Ways(touch.ways.into())))
    }

    /// All ways in which any process had to do with each path that has a name.
    pub fn paths(&self) -> Vec<(PathId, Ways)> {
        let mut ways = vec![0_u32; self.index.names.len()];
        for process in 1..=self.processes() {
            for (path, way) in self.touches(process) {
                ways[path as usize] |= way.0;
            }
        }
        let all = ways.into_iter().enumerate().map(|(path, ways)| (path as PathId, Ways(ways)));
        all.filter(|(path, ways)| ways.0 != 0 && !self.index.names.is_nameless(*path)).collect()
    }

    /// A path as text.
    pub fn text(&self, path: PathId) -> String {
        self.index.names.text(path)
    }

    /// The last part of a path.
    pub fn name(&self, path: PathId) -> &[u8] {
        self.index.names.name(path)
    }

    /// Whether the stage itself may have put something at a path.
    pub fn is_made(&mut self, path: PathId) -> bool {
        let made = Ways::WRITTEN.and(Ways::CREATED).and(Ways::MOVED_TO);
        let wrote = !self.index.writers_of(path).is_empty();
        let came = |index: &Index, at| index.arrivals(at).next().is_some();
        let mut at = path;
        while at != ROOT {
            if came(&self.index, at) {
                return true;
            }
            at = self.index.names.parent(at);
        }
        wrote || (1..=self.processes()).any(|process| self.index.touch(process, path).is_some_and(|t| t.any(made)))
    }

    /// A process by its number.
    pub fn actor(&self, process: u32) -> Actor {
        let lossy = |words: &[Vec<u8>]| words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let Some(program) = self.index.program(process) else { return Actor { number: process, ..Actor::default() } };
        Actor {
            number: process,
            program: self.index.names.text(program.path),
            arguments: lossy(&program.arguments),
            directory: self.index.names.text(program.directory),
        }
    }

    /// How many programs a process executed, one after the other.
    pub fn executed(&self, process: u32) -> usize {
        self.index.programs(process).len()
    }

    /// The program that a process ran last, of one that executed none, what its parent did.
    pub fn program(&self, process: u32) -> Option<PathId> {
        self.index.program(process).map(|program| program.path)
    }

    /// Paths that a process read as its own libraries and modules.
    pub fn loaded(&self, process: u32) -> Vec<PathId> {
        let judge = Judge::new(&self.index, process);
        let touches = self.index.touches(process).iter();
        touches.filter(|touch| judge.class(&self.index, **touch) == Some(Class::Tool)).map(|touch| touch.path).collect()
    }

    /// Whether a process is a linker by the name of its program.
    pub fn is_linker(&self, process: u32) -> bool {
        Judge::new(&self.index, process).kind == Kind::Linker
    }

    /// Inputs that are declared and of which nothing was used: no file was read, executed, or asked about.
    ///
    /// # Errors
    /// An input cannot be read.
    pub fn unused(&mut self) -> Result<Vec<Declared>, Error> {
        let paths = self.paths();
        let used = Ways::READ.and(Ways::EXECUTED).and(Ways::LOADER).and(Ways::LOOKED).and(Ways::FOLLOWED);
        let mut left: Vec<usize> = (0..self.inputs.roots.len()).collect();
        left.retain(|number| self.inputs.roots[*number].role != Role::Stage);
        for (path, ways) in paths {
            if left.is_empty() {
                break;
            }
            if !ways.any(used.and(Ways::LISTED)) {
                continue;
            }
            let text = self.index.names.text(path);
            let mut rest = Vec::with_capacity(left.len());
            for number in left {
                let found = self.inputs.item_of(&mut self.trees, number, &text)?;
                let alone = matches!(self.inputs.roots[number].role, Role::Sources | Role::Inputs);
                let is_used = match found {
                    Some(Item::Directory(_)) => alone && ways.any(Ways::LISTED),
                    Some(_) => ways.any(used),
                    None => false,
                };
                if !is_used {
                    rest.push(number);
                }
            }
            left = rest;
        }
        let root = |number: usize| &self.inputs.roots[number];
        Ok(left.iter().map(|at| Declared { role: root(*at).role, input: root(*at).name.clone() }).collect())
    }

    /// All files of the output below one of its folders; an empty path is all of it.
    ///
    /// # Errors
    /// The output cannot be read.
    pub fn outputs(&mut self, part: &str) -> Result<BTreeSet<String>, Error> {
        let mut files = BTreeSet::new();
        match self.trees.item(self.built.output, part)? {
            Some(Item::Directory(tree)) => self.trees.files(tree, part, &mut files)?,
            Some(Item::File(_)) => drop(files.insert(part.to_owned())),
            _ => {}
        }
        Ok(files)
    }

    /// The content of a file of the output.
    ///
    /// # Errors
    /// The output cannot be read.
    pub fn output(&mut self, path: &str) -> Result<Option<Digest>, Error> {
        let item = self.trees.item(self.built.output, path)?;
        Ok(if let Some(Item::File(digest)) = item { Some(digest) } else { None })
    }
}

/// One of the wanted files that something went into: from its reader on to who wrote one of these.
fn output<'w>(walk: &Walk, wanted: &BTreeMap<PathId, &'w String>, leaf: &Leaf) -> Option<&'w String> {
    let mut at = leaf.reader;
    let mut seen = BTreeSet::new();
    while let Some(step) = walk.steps.get(&at) {
        if let Some(path) = step.wrote.iter().find_map(|path| wanted.get(path)) {
            return Some(path);
        }
        if step.via == 0 || !seen.insert(at) {
            break;
        }
        at = step.via;
    }
    wanted.values().next().copied()
}
