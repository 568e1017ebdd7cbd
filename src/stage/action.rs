//! The action: a stage with everything that it can see resolved to digests.
//!
//! An action is written as the Remote Execution API's `Action`. Its input root has these directories; the platform
//! property `layout` states that they are meant so, because the sandbox puts them where a stage finds them:
//!
//! | in the input root | in the sandbox |
//! |---|---|
//! | `tools/00`, `tools/01`… | merged at `/`, in this order |
//! | `target/00`… | merged at `/target`, in this order |
//! | `src/<name>` | `/src/<name>`; writable if the property `writable` lists it |
//! | `in/<name>` | `/in/<name>` |
//! | `stage` | `/stage` |
//!
//! Layers have numbers, not names: a stage cannot see what a layer was called, so equal layers under another name give
//! an equal key. Limits and the declared `outputs` are not part of the key: they decide whether a run counts, not what
//! it writes. The command's working directory is the input root's own; the sandbox starts it in `/build`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::FileKind;
use super::level::Level;
use crate::digest::reapi::{
    Action, Command, Directory, DirectoryNode, FileNode, Pair, Platform, SymlinkNode, check_name,
};
use crate::digest::{Canonical, Digest};

/// Value of the platform property `layout`: the table in this module's documentation.
pub const LAYOUT: &str = "repro-1";

/// A tree under the name by which people know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Layer {
    /// As written in `stage.toml`: `sysroot:seed`, `stage:musl/dev`. For `inputs` the name below `/in`.
    pub label: String,
    /// The tree's root directory.
    #[schemars(with = "String")]
    pub tree: Digest,
}

/// A source as a stage sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceInput {
    /// Name below `/src`.
    pub name: String,
    /// The tree's root directory.
    #[schemars(with = "String")]
    pub tree: Digest,
    /// Whether the stage may write over it.
    pub writable: bool,
}

/// A rule for a path that two layers give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WinInput {
    /// Glob over paths in the merged tree.
    pub path: String,
    /// Label of the layer that wins.
    pub layer: String,
}

/// An entry of the stage's own folder, with its content's digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FolderEntry {
    /// A file.
    File {
        /// Permission bits.
        mode: u32,
        /// Its content.
        content: Digest,
    },
    /// A symbolic link.
    Symlink {
        /// Its target.
        target: String,
    },
}

/// Everything that a stage can see, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionInputs {
    /// Merged at `/`, in this order.
    pub tools: Vec<Layer>,
    /// Merged at `/target`, in this order.
    pub target: Vec<Layer>,
    /// Rules for the two merges, the first that matches counts.
    pub wins: Vec<WinInput>,
    /// Sources; their order does not matter.
    pub sources: Vec<SourceInput>,
    /// Trees at `/in/<label>`; their order does not matter.
    pub inputs: Vec<Layer>,
    /// The tree at `/stage`; see [`stage_directory`].
    #[schemars(with = "String")]
    pub stage_dir: Digest,
    /// The program with its arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// What the machine was asked for: `arch`, `isolation`…
    pub platform: BTreeMap<String, String>,
}

impl ActionInputs {
    /// The level that its isolation is of; none if that is of another version of `repro`.
    pub fn level(&self) -> Option<Level> {
        Level::parse(self.platform.get("isolation")?.split('-').next()?)
    }
}

/// An action in its canonical bytes, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The action.
    pub action: Action,
    /// Its bytes.
    pub action_bytes: Vec<u8>,
    /// Bytes of its command.
    pub command_bytes: Vec<u8>,
    /// Bytes of the directories that are made here: the input root and the ones in the table above, sorted by digest.
    /// The trees that they refer to are in the store already.
    pub directories: Vec<Vec<u8>>,
    /// Digest of the action: the cache key.
    pub key: Digest,
}

/// Inputs that make no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A name that no directory can hold, or that stands twice.
    #[error("compose an action: {reason} in `{directory}`")]
    Name {
        /// The directory of the input root.
        directory: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A rule for a layer that is not there.
    #[error("compose an action: the rule for `{path}` names `{layer}`, which is not among the layers")]
    Win {
        /// The rule's glob.
        path: String,
        /// The layer that it names.
        layer: String,
    },
    /// A path in the stage's folder that no tree can hold.
    #[error("compose an action: `{path}` cannot be in the stage's folder: {reason}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl ComposeError {
    /// The cure.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Win { .. } => Some("name one of the stage's `tools` or `target`".to_owned()),
            Self::Name { .. } | Self::Path { .. } => None,
        }
    }
}

/// Directories made on the way, by digest.
#[derive(Default)]
struct Made(BTreeMap<Digest, Vec<u8>>);

impl Made {
    fn add(&mut self, directory: &Directory) -> Digest {
        let bytes = directory.canonical();
        let digest = Digest::of(&bytes);
        self.0.insert(digest, bytes);
        digest
    }

    fn of(&mut self, name: &'static str, entries: Vec<(String, Digest)>) -> Result<DirectoryNode, ComposeError> {
        let nodes = entries.into_iter().map(|(name, tree)| DirectoryNode::new(name, tree)).collect();
        let mut directory = Directory { directories: nodes, ..Directory::default() };
        directory.sort();
        directory.check().map_err(|reason| ComposeError::Name { directory: name, reason })?;
        Ok(DirectoryNode::new(name, self.add(&directory)))
    }
}

/// The action of these inputs.
///
/// # Errors
/// A source or input has a name that cannot be a directory's, or a name stands twice; a rule names no layer.
pub fn compose(inputs: &ActionInputs) -> Result<Composed, ComposeError> {
    let mut made = Made::default();
    let number = |(at, layer): (usize, &Layer)| (format!("{at:02}"), layer.tree);
    let named = |layer: &Layer| (layer.label.clone(), layer.tree);
    let sources = inputs.sources.iter().map(|source| (source.name.clone(), source.tree)).collect();
    let mut root = Directory {
        directories: vec![
            made.of("in", inputs.inputs.iter().map(named).collect())?,
            made.of("src", sources)?,
            DirectoryNode::new("stage", inputs.stage_dir),
            made.of("target", inputs.target.iter().enumerate().map(number).collect())?,
            made.of("tools", inputs.tools.iter().enumerate().map(number).collect())?,
        ],
        ..Directory::default()
    };
    root.sort();
    let root = made.add(&root);
    let pair = |(name, value): (&String, &String)| Pair { name: name.clone(), value: value.clone() };
    let command = Command {
        arguments: inputs.argv.clone(),
        environment_variables: inputs.env.iter().map(pair).collect(),
        working_directory: String::new(),
        output_paths: vec!["out".to_owned()],
    };
    let command_bytes = command.canonical();
    let action = Action {
        command_digest: Some(Digest::of(&command_bytes).into()),
        input_root_digest: Some(root.into()),
        salt: Vec::new(),
        platform: Some(platform(inputs)?),
    };
    let action_bytes = action.canonical();
    let key = Digest::of(&action_bytes);
    Ok(Composed { action, action_bytes, command_bytes, directories: made.0.into_values().collect(), key })
}

fn platform(inputs: &ActionInputs) -> Result<Platform, ComposeError> {
    let mut properties: Vec<Pair> =
        inputs.platform.iter().map(|(name, value)| Pair { name: name.clone(), value: value.clone() }).collect();
    let mut property = |name: &str, value: String| properties.push(Pair { name: name.to_owned(), value });
    property("layout", LAYOUT.to_owned());
    for source in inputs.sources.iter().filter(|source| source.writable) {
        property("writable", source.name.clone());
    }
    for (at, win) in inputs.wins.iter().enumerate() {
        let places = [("tools", &inputs.tools), ("target", &inputs.target)].into_iter().flat_map(|(name, layers)| {
            let same = move |(_, layer): &(usize, &Layer)| layer.label == win.layer;
            layers.iter().enumerate().filter(same).map(move |(at, _)| format!("{name}/{at:02}"))
        });
        let places: Vec<String> = places.collect();
        if places.is_empty() {
            return Err(ComposeError::Win { path: win.path.clone(), layer: win.layer.clone() });
        }
        property("wins", format!("{at:02} {} {}", places.join(","), win.path));
    }
    properties.sort();
    Ok(Platform { properties })
}

/// The tree of a stage's folder: its digest and the bytes of all its directories, sorted by digest.
///
/// # Errors
/// A path cannot be in a tree, or is both a file and a directory.
pub fn stage_directory(entries: &BTreeMap<String, FolderEntry>) -> Result<(Digest, Vec<Vec<u8>>), ComposeError> {
    // Paths of folders to what they hold. Children come after their parents in this order, so it is emptied backwards.
    let mut folders: BTreeMap<Vec<&str>, Directory> = BTreeMap::from([(Vec::new(), Directory::default())]);
    for (path, entry) in entries {
        let wrong = |reason: String| ComposeError::Path { path: path.clone(), reason };
        let mut parts: Vec<&str> = path.split('/').collect();
        parts.iter().try_for_each(|part| check_name(part)).map_err(wrong)?;
        let name = parts.pop().unwrap_or_default().to_owned();
        for depth in 1..parts.len() {
            folders.entry(parts[..depth].to_vec()).or_default();
        }
        let folder = folders.entry(parts).or_default();
        match entry {
            FolderEntry::File { mode, content } => folder.files.push(FileNode::new(name, *content, *mode)),
            FolderEntry::Symlink { target } => folder.symlinks.push(SymlinkNode { name, target: target.clone() }),
        }
    }
    let mut made = Made::default();
    loop {
        let (path, mut directory) = folders.pop_last().expect("the root is taken last, and ends the loop");
        directory.sort();
        directory.check().map_err(|reason| ComposeError::Path { path: path.join("/"), reason })?;
        let digest = made.add(&directory);
        let Some((name, parent)) = path.split_last() else {
            return Ok((digest, made.0.into_values().collect()));
        };
        let parent = folders.get_mut(parent).expect("every folder's parent was entered with it, and sorts before it");
        parent.directories.push(DirectoryNode::new(*name, digest));
    }
}

impl FolderEntry {
    /// An entry from what [`super::stage_tree_files`] found and, for a file, its content's digest.
    pub fn new(kind: &FileKind, content: impl FnOnce() -> Digest) -> Self {
        match kind {
            FileKind::File { mode } => Self::File { mode: *mode, content: content() },
            FileKind::Symlink { target } => Self::Symlink { target: target.clone() },
        }
    }
}
