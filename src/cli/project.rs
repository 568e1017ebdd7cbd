//! What the commands on one stage share: the project, its store, and a stage resolved without building anything.

use super::context::Context;
use super::failure::Failure;
use super::pins;
use crate::build::{Engine, Last, Preview, Records};
use crate::fetch::Fetcher;
use crate::lockfile::Lockfile;
use crate::stage::{Graph, Stage};
use crate::store::Store;

/// A project with its store.
pub struct Project {
    /// The definitions.
    pub graph: Graph,
    /// The pins.
    pub lockfile: Lockfile,
    /// The store.
    pub store: Store,
}

impl Project {
    /// Loads it.
    ///
    /// # Errors
    /// A definition or the lockfile is wrong, or the store cannot be opened.
    pub fn load(context: &Context) -> Result<Self, Failure> {
        Ok(Self { graph: context.graph()?, lockfile: context.lockfile()?, store: context.open_store()? })
    }

    /// The stage of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn stage(&self, name: &str) -> Result<&Stage, Failure> {
        Ok(self.graph.find(name)?)
    }

    /// The records of earlier builds.
    pub fn records(&self) -> Records<'_> {
        Records::new(&self.store, self.graph.root())
    }

    /// The lockfile's name of a stage's target.
    pub fn target(&self, stage: &Stage) -> String {
        self.graph.target(stage)
    }

    /// The record of a stage's last build.
    ///
    /// # Errors
    /// There is no such stage.
    pub fn last(&self, stage: &str) -> Result<Option<Last>, Failure> {
        let stage = self.stage(stage)?;
        Ok(self.records().load(&stage.name, &self.target(stage)))
    }

    /// A stage with all that it would see now.
    ///
    /// # Errors
    /// Something that it needs is not built, or a pin cannot be had.
    pub fn preview(&self, stage: &str, context: &Context) -> Result<Preview<'_>, Failure> {
        let last = self.previews(stage, context)?.pop();
        Ok(last.expect("the closure of a stage holds the stage, after all that it needs"))
    }

    /// The same of all that a stage needs; the stage itself comes last.
    ///
    /// # Errors
    /// As [`Project::preview`].
    pub fn previews(&self, stage: &str, context: &Context) -> Result<Vec<Preview<'_>>, Failure> {
        let reporter = context.reporter();
        let progress = pins::FetchEvents::new(&*reporter);
        let fetcher = Fetcher::new(&self.store, pins::config(context), &progress);
        let engine = Engine {
            store: &self.store,
            graph: &self.graph,
            lockfile: &self.lockfile,
            fetcher: &fetcher,
            gate: &(),
            events: &*reporter,
            cancel: &context.cancel,
        };
        let own = |preview: Preview<'_>| {
            let Preview { stage, inputs, files, key, output } = preview;
            Ok(Preview { stage: self.stage(&stage.name)?, inputs, files, key, output })
        };
        engine.previews(stage)?.into_iter().map(own).collect()
    }
}
