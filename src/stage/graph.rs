//! The build graph.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::files::{FilesError, StageFile, stage_tree_files};
use super::mistake::did_you_mean;
use super::model::{InputRef, SourceDef, Stage};
use super::params::ParamValues;
use super::root::{COMPOSER, COMPOSER_VERSION};
use super::sysroot::{ArchiveDef, SysrootDef};
use crate::image;

/// All definitions of a project, checked: every name resolves, and there is no cycle.
#[derive(Debug, Clone)]
pub struct Graph {
    parts: Parts,
    /// For each stage a bit for each parameter, in the order of their names, that it or what it needs depends on.
    depends: Vec<u32>,
}

/// What a graph is made of.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub root: PathBuf,
    pub params: ParamValues,
    /// Sorted by name.
    pub stages: Vec<Stage>,
    /// Why there are no stages of these names for these parameters.
    pub excluded: BTreeMap<String, String>,
    /// For each stage the numbers of the stages that it needs, sorted.
    pub needs: Vec<Vec<usize>>,
    /// Numbers of the stages, each after all that it needs.
    pub order: Vec<usize>,
    pub sources: BTreeMap<String, SourceDef>,
    pub sysroots: BTreeMap<String, SysrootDef>,
    pub archives: BTreeMap<String, ArchiveDef>,
}

/// A stage was asked for that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("find stage `{name}`: there is no such stage")]
pub struct UnknownStage {
    /// As asked for.
    pub name: String,
    /// What was probably meant, as a hint.
    pub help: Option<String>,
}

impl UnknownStage {
    /// The cure.
    pub fn hint(&self) -> Option<String> {
        self.help.clone().or_else(|| Some("`repro graph` shows all stages".to_owned()))
    }
}

impl Graph {
    pub(super) fn from_parts(parts: Parts) -> Self {
        let mut depends = vec![0; parts.stages.len()];
        for at in &parts.order {
            let stage = &parts.stages[*at];
            let own =
                parts.params.iter().enumerate().filter(|(_, (name, _))| stage.params.iter().any(|own| own == name));
            let own = own.fold(0, |bits, (at, _)| bits | 1 << at);
            depends[*at] = parts.needs[*at].iter().fold(own, |bits, need| bits | depends[*need]);
        }
        Self { parts, depends }
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.parts.root
    }

    /// The parameters that the graph was loaded with.
    pub fn params(&self) -> &ParamValues {
        &self.parts.params
    }

    /// All stages, sorted by name.
    pub fn stages(&self) -> &[Stage] {
        &self.parts.stages
    }

    /// All source definitions.
    pub fn sources(&self) -> &BTreeMap<String, SourceDef> {
        &self.parts.sources
    }

    /// All sysroot definitions, `extends` resolved.
    pub fn sysroots(&self) -> &BTreeMap<String, SysrootDef> {
        &self.parts.sysroots
    }

    /// All package archives.
    pub fn archives(&self) -> &BTreeMap<String, ArchiveDef> {
        &self.parts.archives
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.parts.stages.binary_search_by(|stage| stage.name.as_str().cmp(name)).ok()
    }

    /// One stage.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.number(name).map(|at| &self.parts.stages[at])
    }

    /// One stage, or an error that says which was probably meant.
    ///
    /// # Errors
    /// There is no such stage.
    pub fn find(&self, name: &str) -> Result<&Stage, UnknownStage> {
        self.stage(name).ok_or_else(|| UnknownStage {
            name: name.to_owned(),
            help: match self.parts.excluded.get(name) {
                Some(reason) => Some(reason.clone()),
                None => did_you_mean(name, self.parts.stages.iter().map(|stage| stage.name.as_str())),
            },
        })
    }

    /// The name of a stage's target: the values of the parameters that it or anything that it needs depends on, in the
    /// order of their names, joined by `-`; `any` without any.
    pub fn target(&self, stage: &Stage) -> String {
        let depends = self.number(&stage.name).map_or(0, |at| self.depends[at]);
        let chosen = self.params().iter().enumerate().filter(|(at, _)| depends & (1 << at) != 0);
        let values: Vec<&str> = chosen.map(|(_, (_, value))| value).collect();
        if values.is_empty() { "any".to_owned() } else { values.join("-") }
    }

    /// All stages, each after all that it needs; among those that are ready the first by name first.
    pub fn order(&self) -> impl Iterator<Item = &Stage> {
        self.parts.order.iter().map(|at| &self.parts.stages[*at])
    }

    /// The stages whose output `name` takes, sorted by name; none for an unknown name.
    pub fn needs(&self, name: &str) -> impl Iterator<Item = &Stage> {
        let list = self.number(name).map_or(&[][..], |at| &self.parts.needs[at]);
        list.iter().map(|at| &self.parts.stages[*at])
    }

    /// The stages that take the output of another one, by that one's name. Stages that nobody takes are missing.
    pub fn users(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (stage, needs) in self.parts.stages.iter().zip(&self.parts.needs) {
            for need in needs {
                users.entry(&self.parts.stages[*need].name).or_default().push(&stage.name);
            }
        }
        users
    }

    /// `targets` and all that they need, directly or not, in the order of [`Graph::order`].
    ///
    /// # Errors
    /// A target is no stage.
    pub fn closure<S: AsRef<str>>(&self, targets: &[S]) -> Result<Vec<&Stage>, UnknownStage> {
        let mut wanted = vec![false; self.parts.stages.len()];
        let mut open = Vec::new();
        for target in targets {
            self.find(target.as_ref())?;
            open.extend(self.number(target.as_ref()));
        }
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut wanted[at], true) {
                open.extend(&self.parts.needs[at]);
            }
        }
        Ok(self.parts.order.iter().filter(|at| wanted[**at]).map(|at| &self.parts.stages[*at]).collect())
    }

    /// What to build when nothing is named: the test stages, whose closure holds what they test; in a project without
    /// tests, the stages that no other one takes. Without those that are built on demand. Sorted by name.
    pub fn default_targets(&self) -> Vec<&str> {
        let unasked: Vec<&Stage> = self.parts.stages.iter().filter(|stage| !stage.on_demand).collect();
        let tests: Vec<&str> = unasked.iter().filter(|s| s.test).map(|s| s.name.as_str()).collect();
        if !tests.is_empty() {
            return tests;
        }
        let users = self.users();
        unasked.iter().map(|s| s.name.as_str()).filter(|name| !users.contains_key(name)).collect()
    }

    /// What these targets deliver: the stages themselves, and instead of a test what it tests.
    pub fn products<S: AsRef<str>>(&self, targets: &[S]) -> BTreeSet<&str> {
        let mut products = BTreeSet::new();
        for stage in targets.iter().filter_map(|name| self.stage(name.as_ref())) {
            if stage.test {
                products.extend(stage.inputs.iter().filter_map(InputRef::stage));
            } else {
                products.insert(&stage.name);
            }
        }
        products
    }

    /// What the project delivers: what the default targets do, and each stage whose output nothing but tests takes.
    pub fn delivered(&self) -> BTreeSet<&str> {
        let mut delivered = self.products(&self.default_targets());
        let users = self.users();
        let is_test = |name: &&str| self.stage(name).is_some_and(|stage| stage.test);
        let ends = self.parts.stages.iter().filter(|stage| !stage.on_demand).map(|stage| stage.name.as_str());
        delivered.extend(ends.filter(|name| users.get(name).is_none_or(|users| users.iter().all(is_test))));
        delivered.retain(|name| !is_test(name));
        delivered
    }

    /// Names of the sysroots that these stages take.
    pub fn sysroots_of<'a>(&self, stages: impl IntoIterator<Item = &'a Stage>) -> BTreeSet<&'a str> {
        let layers = stages.into_iter().flat_map(|stage| stage.tools.iter().chain(&stage.target).chain(&stage.inputs));
        layers.filter(|layer| matches!(layer, InputRef::Sysroot(_))).map(InputRef::name).collect()
    }

    /// Names of the sources that these stages take.
    pub fn sources_of<'a>(&self, stages: impl IntoIterator<Item = &'a Stage>) -> BTreeSet<&'a str> {
        stages.into_iter().flat_map(|stage| stage.sources.keys().map(String::as_str)).collect()
    }

    /// The folder of a stage.
    pub fn folder(&self, stage: &str) -> PathBuf {
        self.parts.root.join("stages").join(stage)
    }

    /// What the stage sees at `/stage`; see [`stage_tree_files`].
    ///
    /// # Errors
    /// As [`stage_tree_files`].
    pub fn stage_tree_files(&self, stage: &str) -> Result<Vec<StageFile>, FilesError> {
        stage_tree_files(&self.folder(stage))
    }
}

impl Stage {
    /// What is run: the shell with its options, then the script's path inside the stage. Of images, [`WRITER`], the version
    /// of what it writes, and the recipes as JSON with sorted names. Of a root file system, [`COMPOSER`], its version and the
    /// definition as JSON.
    pub fn argv(&self) -> Vec<String> {
        if !self.images.is_empty() {
            let recipes = serde_json::to_string(&self.images).expect("recipes are strings, numbers and lists of them");
            return vec![WRITER.to_owned(), image::VERSION.to_owned(), recipes];
        }
        if let Some(root) = &self.root {
            let root = serde_json::to_string(root).expect("a definition is strings, numbers and lists of them");
            return vec![COMPOSER.to_owned(), COMPOSER_VERSION.to_owned(), root];
        }
        let mut argv = self.shell.clone();
        argv.push(format!("/stage/{}", self.script));
        argv
    }

    /// The whole environment that the script sees: the fixed part, then `[env]`, then `REPRO_<PARAM>` for each
    /// declared parameter.
    pub fn environment(&self, params: &ParamValues) -> BTreeMap<String, String> {
        let mut env: BTreeMap<String, String> =
            FIXED_ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        env.extend(self.env.clone());
        for name in &self.params {
            let value = params.get(name).unwrap_or_default();
            env.insert(format!("REPRO_{}", name.to_ascii_uppercase()), value.to_owned());
        }
        env
    }
}

/// Stands in place of a program where `repro` itself writes images. No script can be run by it: a `shell` is an absolute path.
pub const WRITER: &str = "repro-image";

/// The environment of every stage. A stage's `[env]` may replace all but `MAKEFLAGS`, which tells make of the
/// jobserver's pipes and says nothing of how many jobs there are: that differs between machines.
pub const FIXED_ENVIRONMENT: &[(&str, &str)] = &[
    ("HOME", "/build"),
    ("LC_ALL", "C"),
    ("MAKEFLAGS", "-j --jobserver-auth=3,4"),
    ("PATH", "/usr/bin:/usr/sbin"),
    ("SOURCE_DATE_EPOCH", "315532800"),
    ("TMPDIR", "/tmp"),
    ("TZ", "UTC"),
];
