//! From a file of a stage's output through the stages that it came from.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Answer, Archive, Beyond, Copied, File, Input, Link, Made, Maker, SCHEMA};
use super::class::Class;
use super::error::Error;
use super::index::Index;
use super::inputs::{Found, Inputs, Item, Trees};
use super::search::search;
use super::walk::{Leaf, Walk};
use super::what::What;
use crate::digest::Digest;
use crate::exec;
use crate::stage::{ActionInputs, Stage};
use crate::store::{self, Store};
use crate::trace::{PathId, ROOT};

/// A stage as it was built.
#[derive(Debug, Clone)]
pub struct Built<'a> {
    /// Its definition.
    pub stage: &'a Stage,
    /// What it saw.
    pub inputs: ActionInputs,
    /// Its action.
    pub action: Digest,
    /// The tree that it left.
    pub output: Digest,
    /// The upstream archives of its sources, as far as they are known.
    pub archives: Vec<Archive>,
}

/// A question about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// In the user's words.
    pub asked: String,
    /// The stage whose output the path is in; none: the first of the stages that has it, at its top or in one of the
    /// folders there.
    pub stage: Option<String>,
    /// The path, with a slash in front.
    pub path: String,
    /// Through how many stages it is followed, beginning with the one that made it.
    pub depth: u32,
}

/// What a question is answered from: the stages, those that others need first, and how each was built last.
pub struct Stages<'a> {
    /// Where trees and traces are.
    pub store: &'a Store,
    /// All stages that may be asked about.
    pub order: Vec<&'a Stage>,
    /// How a stage was built last.
    pub built: &'a dyn Fn(&Stage) -> Option<Built<'a>>,
}

/// A file of a stage's output that is asked about, by how deep the question goes there.
pub(super) type Wants = BTreeMap<usize, BTreeMap<String, u32>>;

pub(super) struct Explainer<'a, 'b> {
    stages: &'b Stages<'a>,
    pub(super) trees: Trees<'a>,
    built: BTreeMap<String, Built<'a>>,
    depth: u32,
    pub(super) wants: Wants,
    beyond: BTreeMap<String, BTreeSet<String>>,
    untraced: BTreeSet<String>,
    /// Stages that were built anew since others took what they left, where that is no error.
    pub(super) changed: Option<BTreeSet<String>>,
}

/// A stage with its trace.
pub(super) struct Opened<'a> {
    built: Built<'a>,
    trace: Digest,
    index: Index,
    inputs: Inputs,
}

/// Says what went into a file.
///
/// # Errors
/// No stage has the file, a stage was not built or has no trace, or the store fails.
pub fn explain(stages: &Stages<'_>, question: &Question) -> Result<Answer, Error> {
    let mut this = Explainer::new(stages, question.depth);
    let place = this.locate(question)?;
    let at = this.rank(&place.stage).ok_or_else(|| Error::NotBuilt { stage: place.stage.clone() })?;
    this.wants.entry(at).or_default().insert(place.path.clone(), 1);
    let mut made: Vec<Made> = Vec::new();
    while let Some((at, files)) = this.wants.pop_last() {
        let stage = stages.order[at];
        let first = made.iter().all(|made| made.files.is_empty());
        match this.open(stage)? {
            Some(mut opened) => made.push(this.made(&mut opened, &files)?),
            None if first => {
                let path = files.keys().next().cloned().unwrap_or_default();
                return Err(Error::NoTrace { stage: stage.name.clone(), path });
            }
            None => {
                this.beyond.entry(stage.name.clone()).or_default().extend(files.into_keys());
                this.untraced.insert(stage.name.clone());
            }
        }
    }
    let untraced = &this.untraced;
    let beyond = this.beyond.iter().map(|(stage, files)| Beyond {
        stage: stage.clone(),
        files: files.len() as u64,
        untraced: untraced.contains(stage),
    });
    Ok(Answer {
        schema: SCHEMA,
        asked: question.asked.clone(),
        stage: place.stage,
        path: place.path,
        digest: place.digest,
        links: place.links,
        beyond: beyond.collect(),
        stages: made,
    })
}

/// Where the file is that was asked for.
struct Place {
    stage: String,
    path: String,
    digest: Digest,
    links: Vec<Link>,
}

impl<'a, 'b> Explainer<'a, 'b> {
    pub(super) fn new(stages: &'b Stages<'a>, depth: u32) -> Self {
        Self {
            stages,
            trees: Trees::new(stages.store),
            built: BTreeMap::new(),
            depth,
            wants: Wants::new(),
            beyond: BTreeMap::new(),
            untraced: BTreeSet::new(),
            changed: None,
        }
    }

    pub(super) fn rank(&self, stage: &str) -> Option<usize> {
        self.stages.order.iter().position(|one| one.name == stage)
    }

    pub(super) fn built(&mut self, name: &str) -> Result<Option<Built<'a>>, Error> {
        if let Some(built) = self.built.get(name) {
            return Ok(Some(built.clone()));
        }
        let Some(stage) = self.stages.order.iter().find(|stage| stage.name == name) else { return Ok(None) };
        let built = (self.stages.built)(stage);
        if let Some(built) = &built {
            self.built.insert(name.to_owned(), built.clone());
        }
        Ok(built)
    }

    fn locate(&mut self, question: &Question) -> Result<Place, Error> {
        if let Some(stage) = &question.stage {
            let built = self.built(stage)?.ok_or_else(|| Error::NotBuilt { stage: stage.clone() })?;
            return match self.place(&built, "", &question.path)? {
                Some(found) => found,
                None => Err(self.no_file(question, &[built])?),
            };
        }
        let order: Vec<&Stage> = self.stages.order.iter().rev().copied().filter(|stage| !stage.test).collect();
        let mut other = None;
        let mut all = Vec::new();
        for stage in order {
            let Some(built) = self.built(&stage.name)? else { continue };
            all.push(built.clone());
            let mut tops = vec![String::new()];
            tops.extend(self.stages.store.directory(built.output)?.directories.into_iter().map(|folder| folder.name));
            for top in tops {
                match self.place(&built, &top, &question.path)? {
                    Some(Ok(place)) => return Ok(place),
                    Some(Err(error)) => other = other.or(Some(error)),
                    None => {}
                }
            }
        }
        Err(match other {
            Some(error) => error,
            None => self.no_file(question, &all)?,
        })
    }

    /// Says that there is no such file, and what has its name in what these stages left.
    fn no_file(&mut self, question: &Question, stages: &[Built<'_>]) -> Result<Error, Error> {
        let name = question.path.rsplit('/').next().unwrap_or_default();
        let mut similar = None;
        for built in stages {
            if let Some(path) = self.trees.named(built.output, name)? {
                similar = Some((built.stage.name.clone(), path));
                break;
            }
        }
        Ok(Error::NoFile { path: question.asked.clone(), similar })
    }

    /// Looks for a path in a folder of an output, which is its root.
    fn place(&mut self, built: &Built<'_>, top: &str, path: &str) -> Result<Option<Result<Place, Error>>, Error> {
        let Some(tree) = self.stages.store.subtree(built.output, top)? else { return Ok(None) };
        let resolved = self.trees.resolve(tree, path.trim_start_matches('/'))?;
        let whole = |path: &str| if top.is_empty() { path.to_owned() } else { format!("{top}/{path}") };
        let stage = built.stage.name.clone();
        let path = whole(&resolved.path);
        let links = resolved.links.into_iter().map(|(path, target)| Link { path: whole(&path), target }).collect();
        let wrong = |what| Error::NotAFile { stage: stage.clone(), path: format!("/{path}"), what };
        Ok(match resolved.item {
            Some(Item::File(digest)) => Some(Ok(Place { stage, path, digest, links })),
            Some(Item::Directory(_)) => Some(Err(wrong("a folder"))),
            Some(Item::Symlink(_)) => Some(Err(wrong("a link that leads nowhere"))),
            None => None,
        })
    }

    /// A stage with its trace; nothing without one.
    pub(super) fn open(&mut self, stage: &'a Stage) -> Result<Option<Opened<'a>>, Error> {
        let missing = || Error::NotBuilt { stage: stage.name.clone() };
        let built = self.built(&stage.name)?.ok_or_else(missing)?;
        let Some(trace) = exec::known(self.stages.store, built.action)?.and_then(|done| done.trace) else {
            return Ok(None);
        };
        let bytes = match self.stages.store.get_bytes(trace) {
            Err(store::Error::Missing { .. }) => return Ok(None),
            bytes => bytes?,
        };
        let (index, inputs) = (Index::new(&bytes)?, Inputs::new(stage, &built.inputs)?);
        Ok(Some(Opened { built, trace, index, inputs }))
    }

    /// What a stage did for these files of its output.
    pub(super) fn made(&mut self, opened: &mut Opened<'a>, files: &BTreeMap<String, u32>) -> Result<Made, Error> {
        let Opened { built, trace, index, inputs } = opened;
        let depth = files.values().copied().min().unwrap_or(1);
        let mut made = Made {
            stage: built.stage.name.clone(),
            action: built.action,
            trace: *trace,
            depth,
            copies: Vec::new(),
            files: Vec::new(),
            processes: Vec::new(),
            inputs: Vec::new(),
            archives: Vec::new(),
            generated: Vec::new(),
            unknown: Vec::new(),
        };
        let mut wanted = Vec::new();
        let mut walk = None;
        for (path, depth) in files {
            let Some(Item::File(digest)) = self.trees.item(built.output, path)? else { continue };
            let id = index.names.find(ROOT, format!("/out/{path}").as_bytes());
            let one = Walk::new(index, &[id]);
            if let Some((at, leaf, found)) = self.copied(index, inputs, &one, id, digest)? {
                self.want(built, inputs, &found, *depth)?;
                let of = self.input(index, inputs, at, leaf, found, digest, false)?;
                let data = one.steps.iter().rev().filter(|(_, step)| step.class == Class::Data);
                let by = data.map(|(number, _)| maker(index, &one, *number)).collect();
                made.copies.push(Copied { path: path.clone(), of, by });
            } else {
                made.files.push(File { path: path.clone(), digest });
                wanted.push(id);
                walk = Some(one);
            }
        }
        let walk = match (wanted.len(), walk) {
            (0, _) | (_, None) => return Ok(made),
            (1, Some(walk)) => walk,
            _ => Walk::new(index, &wanted),
        };
        made.processes = walk.steps.keys().map(|number| maker(index, &walk, *number)).collect();
        for (path, leaf) in &walk.leaves {
            let text = index.names.text(*path);
            match self.find(inputs, &text)? {
                Some((found, digest)) => {
                    if leaf.class != Class::Control {
                        self.want(built, inputs, &found, depth + 1)?;
                    }
                    made.inputs.push(self.input(index, inputs, *path, *leaf, found, digest, true)?);
                }
                None if leaf.changed && leaf.class == Class::Control => made.generated.push(text),
                // What the stage made itself is no input.
                None if leaf.changed => {}
                None => made.unknown.push(text),
            }
        }
        made.inputs.sort_by(|a, b| {
            (a.class, a.what, a.role, &a.input, &a.place).cmp(&(b.class, b.what, b.role, &b.input, &b.place))
        });
        made.archives = built.archives.clone();
        made.archives
            .retain(|archive| made.inputs.iter().any(|input| input.input == format!("source:{}", archive.name)));
        made.generated.sort();
        made.unknown.sort();
        Ok(made)
    }

    fn find(&mut self, inputs: &Inputs, path: &str) -> Result<Option<(Found, Digest)>, Error> {
        Ok(match inputs.find(&mut self.trees, path)? {
            Some(found) => match found.item {
                Item::File(digest) => Some((found, digest)),
                _ => None,
            },
            None => None,
        })
    }

    /// The input that a file of the output is a copy of: one of those that reached it, with the same content. Of several
    /// the one whose path is most alike.
    fn copied(
        &mut self,
        index: &mut Index,
        inputs: &Inputs,
        walk: &Walk,
        path: PathId,
        digest: Digest,
    ) -> Result<Option<(PathId, Leaf, Found)>, Error> {
        // Empty files are all alike.
        if digest.size == 0 {
            return Ok(None);
        }
        let mut best = None;
        for (id, leaf) in walk.leaves.iter().filter(|(_, leaf)| leaf.class == Class::Data) {
            let Some((found, same)) = self.find(inputs, &index.names.text(*id))? else { continue };
            let alike = index.names.shared_end(*id, path);
            if same == digest && best.as_ref().is_none_or(|(most, _)| alike > *most) {
                best = Some((alike, (*id, *leaf, found)));
            }
        }
        Ok(best.map(|(_, best)| best))
    }

    /// A file of another stage: it is followed, if the question goes so deep.
    fn want(&mut self, user: &Built<'_>, inputs: &Inputs, found: &Found, depth: u32) -> Result<(), Error> {
        let root = &inputs.roots[found.root];
        let Some((stage, part)) = &root.from else { return Ok(()) };
        let path = if part.is_empty() { found.place.clone() } else { format!("{part}/{}", found.place) };
        let Some(at) = self.rank(stage) else { return Ok(()) };
        if depth > self.depth {
            self.beyond.entry(stage.clone()).or_default().insert(path);
            return Ok(());
        }
        let built = self.built(stage)?;
        let same = |built: Option<Built<'_>>| match built {
            Some(built) => Ok(self.stages.store.subtree(built.output, part)? == Some(root.tree)),
            None if self.changed.is_some() => Ok(false),
            None => Err(Error::NotBuilt { stage: stage.clone() }),
        };
        if !same(built)? {
            if let Some(changed) = &mut self.changed {
                changed.insert(stage.clone());
                return Ok(());
            }
            return Err(Error::Changed { stage: stage.clone(), user: user.stage.name.clone() });
        }
        let before = self.wants.entry(at).or_default().entry(path).or_insert(depth);
        *before = depth.min(*before);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "they are what an input is told by")]
    fn input(
        &mut self,
        index: &mut Index,
        inputs: &Inputs,
        path: PathId,
        leaf: Leaf,
        found: Found,
        digest: Digest,
        searched: bool,
    ) -> Result<Input, Error> {
        let root = &inputs.roots[found.root];
        let text = index.names.text(path);
        let what = What::of(&text, leaf.class, leaf.executed);
        let search = if searched && leaf.class == Class::Data {
            search(index, inputs, &mut self.trees, path, leaf.reader, what)?
        } else {
            None
        };
        Ok(Input {
            class: leaf.class,
            what,
            role: root.role,
            input: root.name.clone(),
            place: found.place,
            path: text,
            digest,
            readers: leaf.readers,
            reader: leaf.reader,
            search,
        })
    }
}

/// A process of the answer.
fn maker(index: &Index, walk: &Walk, number: u32) -> Maker {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let program = index.program(number);
    let step = walk.steps.get(&number);
    Maker {
        number,
        parent: Some(index.parent(number)).filter(|parent| *parent > 0),
        class: step.map_or(Class::Data, |step| step.class),
        via: step.map(|step| step.via).filter(|via| *via > 0),
        program: program.map_or_else(String::new, |program| index.names.text(program.path)),
        arguments: program.map_or_else(Vec::new, |program| program.arguments.iter().map(|word| lossy(word)).collect()),
        cut: program.is_some_and(|program| program.cut),
        directory: program.map_or_else(String::new, |program| index.names.text(program.directory)),
        wrote: step.map_or_else(Vec::new, |step| step.wrote.iter().map(|path| index.names.text(*path)).collect()),
    }
}
