//! From names to digests: what a stage asks for, as trees in the store.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::memo::Memo;
use crate::digest::Digest;
use crate::fetch::Pin;
use crate::lockfile::{Lockfile, PackagePin};
use crate::stage::{
    ActionInputs, FileKind, FolderEntry, Graph, InputRef, Layer, RootSource, SourceInput, SourceUse, Stage, WinInput,
    stage_directory,
};
use crate::store::Store;
use crate::sysroot;

/// Upstream archives hold one folder, named for the version: what is in it is the source.
const STRIP: usize = 1;

/// Resolves what stages ask for. Each sysroot and source is assembled once, whoever asks first.
pub struct Resolver<'a> {
    store: &'a Store,
    graph: &'a Graph,
    lockfile: &'a Lockfile,
    sysroots: Memo<String, Digest>,
    sources: Memo<(String, Option<String>, bool), Digest>,
}

impl<'a> Resolver<'a> {
    /// A resolver for one graph and the lockfile that pins it; `isolation` is the sandbox's own name of what it gives.
    pub fn new(store: &'a Store, graph: &'a Graph, lockfile: &'a Lockfile) -> Self {
        Self { store, graph, lockfile, sysroots: Memo::default(), sources: Memo::default() }
    }

    /// The pins that have to be fetched before `stages` can be resolved: those whose bytes are not in the store and
    /// that were not made into a tree before. Sorted by name, each once.
    ///
    /// # Errors
    /// The lockfile does not pin something, or the store fails.
    pub fn missing(&self, stages: &[&Stage]) -> Result<Vec<Pin>, Error> {
        let sysroots: Vec<&str> = self.graph.sysroots_of(stages.iter().copied()).into_iter().collect();
        let mut pins: BTreeMap<(&str, Digest), Pin> = self.packages_missing(&sysroots)?;
        let uses: BTreeSet<_> = stages
            .iter()
            .flat_map(|stage| &stage.sources)
            .map(|(name, used)| (name, used.unpack, used.inner.as_deref()))
            .collect();
        for (name, unpack, inner) in uses {
            let source = self.source_pin(name)?;
            let known = unpack && sysroot::known_source(self.store, source.digest, inner, STRIP)?.is_some();
            if !known && !self.store.contains(source.digest) {
                pins.insert((name, source.digest), Pin::of_source(name, source));
            }
        }
        Ok(pins.into_values().collect())
    }

    /// The same for these sysroots alone.
    ///
    /// # Errors
    /// The lockfile does not pin one, or the store fails.
    pub fn missing_of(&self, sysroots: &[&str]) -> Result<Vec<Pin>, Error> {
        Ok(self.packages_missing(sysroots)?.into_values().collect())
    }

    fn packages_missing(&self, sysroots: &[&str]) -> Result<BTreeMap<(&'a str, Digest), Pin>, Error> {
        let mut pins = BTreeMap::new();
        for name in sysroots {
            let packages = self.packages(name)?;
            if sysroot::known(self.store, &self.graph.sysroots()[*name], packages)?.is_some() {
                continue;
            }
            let base = &self.archive(name).base;
            for package in packages.iter().filter(|package| !self.store.contains(package.digest)) {
                pins.insert((package.name.as_str(), package.digest), Pin::of_package(base, package));
            }
        }
        Ok(pins)
    }

    fn archive(&self, sysroot: &str) -> &'a crate::stage::ArchiveDef {
        // The graph was checked when it was loaded: each sysroot is there, and so is its archive.
        &self.graph.archives()[&self.graph.sysroots()[sysroot].archive]
    }

    fn packages(&self, sysroot: &str) -> Result<&'a [PackagePin], Error> {
        let pin = self.lockfile.sysroots.get(sysroot);
        pin.map(|pin| pin.packages.as_slice()).ok_or_else(|| Error::Unpinned { what: format!("sysroot `{sysroot}`") })
    }

    fn source_pin(&self, name: &str) -> Result<&'a crate::lockfile::SourcePin, Error> {
        self.lockfile.sources.get(name).ok_or_else(|| Error::Unpinned { what: format!("source `{name}`") })
    }

    /// The tree of a sysroot.
    ///
    /// # Errors
    /// It is not pinned, or its packages do not make a tree.
    pub fn sysroot(&self, name: &str) -> Result<Digest, Error> {
        self.sysroots.get(&name.to_owned(), || {
            Ok(sysroot::assemble(self.store, &self.graph.sysroots()[name], self.packages(name)?, &|_| {})?)
        })
    }

    /// The tree of a source, as `used` asks for it.
    ///
    /// # Errors
    /// It is not pinned, or its archive does not make a tree.
    pub fn source(&self, name: &str, used: &SourceUse) -> Result<Digest, Error> {
        self.sources.get(&(name.to_owned(), used.inner.clone(), used.unpack), || {
            let pin = self.source_pin(name)?;
            let file = self.graph.sources()[name].file_name();
            if used.unpack {
                return Ok(sysroot::source_tree(self.store, pin.digest, file, used.inner.as_deref(), STRIP)?);
            }
            Ok(sysroot::single_file(self.store, pin.digest, file)?)
        })
    }

    /// The pin of a source, if its archive gives this tree, as `used` asks for it; none when the tree is of another pin.
    ///
    /// # Errors
    /// The store fails.
    pub fn pin_of(
        store: &Store,
        lockfile: &'a Lockfile,
        name: &str,
        used: &SourceUse,
        tree: Digest,
    ) -> Result<Option<&'a crate::lockfile::SourcePin>, Error> {
        let Some(pin) = lockfile.sources.get(name) else { return Ok(None) };
        let former = sysroot::former_source(store, pin.digest, used.inner.as_deref(), STRIP)?;
        Ok(Some(pin).filter(|_| former == Some(tree)))
    }

    /// Everything that `stage` can see, and the files of its folder; `output` gives the trees of the stages it needs.
    ///
    /// # Errors
    /// Something is not pinned or cannot be made into a tree, or a named part of a stage's output does not exist.
    pub fn inputs(
        &self,
        stage: &Stage,
        output: &dyn Fn(&str) -> Digest,
    ) -> Result<(ActionInputs, BTreeMap<String, FolderEntry>), Error> {
        let tree = |input: &InputRef| match input {
            InputRef::Sysroot(name) => self.sysroot(name),
            InputRef::Stage { name, path } if path.is_empty() => Ok(output(name)),
            InputRef::Stage { name, path } => self
                .store
                .subtree(output(name), path)?
                .ok_or_else(|| Error::NoSubtree { stage: stage.name.clone(), input: input.to_string() }),
        };
        let layers = |inputs: &[InputRef]| {
            inputs.iter().map(|i| Ok(Layer { label: i.to_string(), tree: tree(i)? })).collect::<Result<Vec<_>, Error>>()
        };
        let named = |inputs: &[InputRef]| {
            inputs
                .iter()
                .map(|i| Ok(Layer { label: i.name().to_owned(), tree: tree(i)? }))
                .collect::<Result<_, Error>>()
        };
        let sources = stage.sources.iter().map(|(name, used)| {
            Ok(SourceInput { name: name.clone(), tree: self.source(name, used)?, writable: used.writable })
        });
        let (stage_dir, files) = self.folder(&stage.name)?;
        let wins = stage.wins.iter().map(|win| WinInput { path: win.path.clone(), layer: win.input.to_string() });
        let inputs = ActionInputs {
            tools: layers(&stage.tools)?,
            target: layers(&stage.target)?,
            wins: wins.collect(),
            sources: sources.collect::<Result<_, Error>>()?,
            inputs: named(&stage.inputs)?,
            stage_dir,
            argv: self.argv(stage)?,
            env: stage.environment(self.graph.params()),
            platform: BTreeMap::from([
                ("arch".to_owned(), "x86_64".to_owned()),
                ("isolation".to_owned(), crate::sandbox::isolation_id(stage.level)),
            ]),
        };
        Ok((inputs, files))
    }

    /// What is run; of a root file system, with the sources that it says to be made from.
    fn argv(&self, stage: &Stage) -> Result<Vec<String>, Error> {
        let mut argv = stage.argv();
        if stage.root.is_some() {
            let sources = serde_json::to_string(&self.held(stage)?).expect("sources are strings");
            argv.push(sources);
        }
        Ok(argv)
    }

    /// The upstream archives of all that a stage holds: its own, and those of what it takes as data or links against. What
    /// only ran, a compiler, is not among them.
    fn held(&self, stage: &Stage) -> Result<Vec<RootSource>, Error> {
        let mut names = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![stage];
        while let Some(stage) = open.pop() {
            names.extend(stage.sources.keys());
            let below = stage.inputs.iter().chain(&stage.target).filter_map(InputRef::stage);
            open.extend(below.filter(|name| seen.insert(*name)).filter_map(|name| self.graph.stage(name)));
        }
        let held = names.into_iter().map(|name| {
            let definition = &self.graph.sources()[name];
            Ok(RootSource {
                name: name.clone(),
                version: definition.version.clone(),
                license: definition.license.clone(),
                sha256: self.source_pin(name)?.digest.hex(),
            })
        });
        held.collect()
    }

    /// The tree of a stage's own folder, and its files.
    fn folder(&self, stage: &str) -> Result<(Digest, BTreeMap<String, FolderEntry>), Error> {
        let folder = self.graph.folder(stage);
        let mut files = BTreeMap::new();
        for file in self.graph.stage_tree_files(stage)? {
            let entry = match &file.kind {
                FileKind::File { mode } => {
                    let bytes = crate::fs::read(&folder.join(&file.path))?;
                    FolderEntry::File { mode: *mode, content: self.store.put_bytes(&bytes)? }
                }
                FileKind::Symlink { target } => FolderEntry::Symlink { target: target.clone() },
            };
            files.insert(file.path, entry);
        }
        let (digest, directories) = stage_directory(&files)?;
        for bytes in directories {
            self.store.put_bytes(&bytes)?;
        }
        Ok((digest, files))
    }
}
