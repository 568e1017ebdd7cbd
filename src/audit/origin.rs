//! Where the output of a stage comes from: the stages behind it, what flowed between them, and how much of what they did
//! is known.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Error;
use crate::digest::Digest;
use crate::exec;
use crate::stage::{ActionInputs, InputRef, Layer, Stage};
use crate::store::{self, Store};
use crate::trace::Reader;

/// A stage as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Its definition.
    pub stage: &'a Stage,
    /// What it sees.
    pub inputs: &'a ActionInputs,
    /// Its action.
    pub key: Digest,
    /// What it left, if that is known.
    pub output: Option<Digest>,
}

/// The stages behind something, and what flowed between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Origin {
    /// Stages, each after all that it needs, then sysroots and sources by name.
    pub nodes: Vec<Node>,
    /// What each stage was given, in the order of the stages.
    pub flows: Vec<Flow>,
}

/// What trees come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Node {
    /// `stage:NAME`, `sysroot:NAME` or `source:NAME`.
    pub name: String,
    /// What the stage left; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Tree>,
    /// What the stage's trace holds; absent when it has none, and for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Traced>,
}

/// A tree, with all that is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tree {
    /// Its name.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// How many files it has.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How much a trace tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Traced {
    /// Calls that were told of.
    pub calls: u64,
    /// Processes.
    pub processes: u64,
    /// Different paths.
    pub paths: u64,
}

/// What an input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It runs.
    Tools,
    /// It is compiled against.
    Target,
    /// It is compiled.
    Source,
    /// It is data.
    Input,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Target, Self::Source, Self::Input];

    /// Its name, as in `stage.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Target => "target",
            Self::Source => "source",
            Self::Input => "input",
        }
    }
}

/// A tree that a stage was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Flow {
    /// Name of the node that it is of.
    pub from: String,
    /// The folder of that node's tree, if it is not all of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// Name of the stage's node.
    pub to: String,
    /// What it is for.
    pub role: Role,
    /// The tree.
    pub tree: Tree,
}

impl Origin {
    /// Of these stages: one, and all that it needs.
    ///
    /// # Errors
    /// The store fails, or a tree in it is damaged. A trace that cannot be read counts as none.
    pub fn new(store: &Store, steps: &[Step<'_>]) -> Result<Self, Error> {
        let mut sizes = Sizes { store, known: BTreeMap::new() };
        let mut origin = Self::default();
        let mut others: BTreeMap<String, Node> = BTreeMap::new();
        for step in steps {
            let Step { stage, inputs, key, output } = *step;
            let name = format!("stage:{}", stage.name);
            let output = output.map(|output| sizes.tree(output)).transpose()?;
            let trace = exec::known(store, key).ok().flatten().and_then(|done| traced(store, done.trace?));
            origin.nodes.push(Node { name: name.clone(), output, trace });
            let mut add = |from: String, part: &str, role, tree| -> Result<(), Error> {
                if !from.starts_with("stage:") {
                    others.entry(from.clone()).or_insert_with(|| Node {
                        name: from.clone(),
                        output: None,
                        trace: None,
                    });
                }
                let tree = sizes.tree(tree)?;
                origin.flows.push(Flow { from, part: part.to_owned(), to: name.clone(), role, tree });
                Ok(())
            };
            let roles: [(Role, &[InputRef], &[Layer]); 3] = [
                (Role::Tools, &stage.tools, &inputs.tools),
                (Role::Target, &stage.target, &inputs.target),
                (Role::Input, &stage.inputs, &inputs.inputs),
            ];
            for source in &inputs.sources {
                add(format!("source:{}", source.name), "", Role::Source, source.tree)?;
            }
            for (role, references, layers) in roles {
                for (reference, layer) in references.iter().zip(layers) {
                    match reference {
                        InputRef::Sysroot(name) => add(format!("sysroot:{name}"), "", role, layer.tree)?,
                        InputRef::Stage { name, path } => add(format!("stage:{name}"), path, role, layer.tree)?,
                    }
                }
            }
        }
        origin.nodes.extend(others.into_values());
        Ok(origin)
    }

    /// The stages.
    pub fn stages(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.name.starts_with("stage:"))
    }

    /// Names of the stages without a trace.
    pub fn untraced(&self) -> impl Iterator<Item = &str> {
        self.stages().filter(|node| node.trace.is_none()).map(|node| node.name.trim_start_matches("stage:"))
    }

    /// How much the traces tell, all together.
    pub fn traced(&self) -> Traced {
        self.stages().filter_map(|node| node.trace).fold(Traced::default(), |all, one| Traced {
            calls: all.calls + one.calls,
            processes: all.processes + one.processes,
            paths: all.paths + one.paths,
        })
    }
}

/// What a trace begins with: its end is not needed.
fn traced(store: &Store, digest: Digest) -> Option<Traced> {
    let bytes = store.get_bytes(digest).ok()?;
    let reader = Reader::new(&bytes).ok()?;
    // Two paths are always there: the root, and what has none.
    let paths = (reader.paths.len() as u64).saturating_sub(2);
    Some(Traced { calls: reader.calls.values().sum(), processes: reader.processes().into(), paths })
}

/// Sizes of trees; equal directories are measured once.
struct Sizes<'a> {
    store: &'a Store,
    known: BTreeMap<Digest, (u64, u64)>,
}

impl Sizes<'_> {
    fn tree(&mut self, digest: Digest) -> Result<Tree, Error> {
        let (files, bytes) = self.size(digest)?;
        Ok(Tree { digest, files, bytes })
    }

    fn size(&mut self, tree: Digest) -> Result<(u64, u64), Error> {
        if let Some(known) = self.known.get(&tree) {
            return Ok(*known);
        }
        let malformed = |reason| Error::Store(store::Error::NotDirectory { digest: tree, reason });
        let directory = self.store.directory(tree)?;
        let (mut files, mut bytes) = (directory.files.len() as u64, 0_u64);
        for file in &directory.files {
            bytes = bytes.saturating_add(file.content().map_err(malformed)?.size);
        }
        for child in &directory.directories {
            let (more, size) = self.size(child.content().map_err(malformed)?)?;
            files = files.saturating_add(more);
            bytes = bytes.saturating_add(size);
        }
        self.known.insert(tree, (files, bytes));
        Ok((files, bytes))
    }
}
