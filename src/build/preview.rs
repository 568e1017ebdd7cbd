//! What a stage would see if it were built now, without building anything.

use std::collections::BTreeMap;

use super::engine::Engine;
use super::error::Error;
use super::resolve::Resolver;
use crate::digest::Digest;
use crate::exec;
use crate::stage::{ActionInputs, FolderEntry, Stage, compose};

/// A stage with all that it sees resolved.
pub struct Preview<'a> {
    /// The stage.
    pub stage: &'a Stage,
    /// Everything that it sees.
    pub inputs: ActionInputs,
    /// The files of its folder.
    pub files: BTreeMap<String, FolderEntry>,
    /// Its action.
    pub key: Digest,
    /// Its output tree, if the store knows it.
    pub output: Option<Digest>,
}

impl<'a> Engine<'a> {
    /// Resolves `name` and all that it needs from what the store knows; fetches pins that are missing.
    ///
    /// # Errors
    /// The stage is unknown, a pin cannot be had, or a stage that it needs has not been built.
    pub fn preview(&self, name: &str) -> Result<Preview<'a>, Error> {
        let last = self.previews(name)?.pop();
        Ok(last.expect("the closure of a stage holds the stage, after all that it needs"))
    }

    /// The same of all that `name` needs, each after all that it needs itself; `name` comes last.
    ///
    /// # Errors
    /// As [`Engine::preview`].
    pub fn previews(&self, name: &str) -> Result<Vec<Preview<'a>>, Error> {
        let stages = self.graph.closure(&[name])?;
        let resolver = Resolver::new(self.store, self.graph, self.lockfile);
        let pins = resolver.missing(&stages)?;
        if !pins.is_empty() {
            self.fetcher.fetch(&pins)?;
        }
        let mut outputs: BTreeMap<&str, Digest> = BTreeMap::new();
        let mut previews = Vec::new();
        for stage in stages {
            let (inputs, files) = resolver.inputs(stage, &|need| outputs[need])?;
            let key = compose(&inputs)?.key;
            let output = exec::known(self.store, key)?.map(|done| done.output);
            if stage.name != name {
                let missing = || Error::NotBuilt { stage: name.to_owned(), needs: stage.name.clone() };
                outputs.insert(&stage.name, output.ok_or_else(missing)?);
            }
            previews.push(Preview { stage, inputs, files, key, output });
        }
        Ok(previews)
    }
}
