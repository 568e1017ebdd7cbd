//! How a root file system is composed: the words of `[root]` in a stage file as Rust types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stands in place of a program where `repro` itself composes a root file system; see [`super::WRITER`].
pub const COMPOSER: &str = "repro-root";

/// Version of what is composed. Part of the key of every action that composes: another version may give another tree for the
/// same definition. Golden digests of module `rootfs` hold it.
pub const COMPOSER_VERSION: &str = "1";

/// What a stage that composes a root file system leaves, sorted.
pub const COMPOSED: [&str; 4] = ["manifest", "pack-log.jsonl", "report.json", "root"];

/// What of the components gets into the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// Everything; a path that no line of a manifest decides is an error.
    #[default]
    All,
    /// What lines of manifests decide; the rest is left out, and reported.
    Manifest,
    /// What the roots need, and what is kept; the rest is left out, and reported.
    Closure,
}

impl Deliver {
    /// All.
    pub const ALL: [Self; 3] = [Self::All, Self::Manifest, Self::Closure];

    /// Its name in stage files.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Manifest => "manifest",
            Self::Closure => "closure",
        }
    }
}

/// A rule for a path that two components give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootWin {
    /// Glob over paths in the root, without a leading slash.
    pub path: String,
    /// The component that wins.
    pub component: String,
}

/// How a root file system is composed. Paths in the root have no leading slash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct RootDef {
    /// Inputs whose trees make the root, by name.
    pub components: Vec<String>,
    /// Which component counts where two give one path differently; the first rule that matches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wins: Vec<RootWin>,
    /// Directories that are empty in the image: mount points, and places for files that come and go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<String>,
    /// Symbolic links and their targets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    /// Files that are made from others, which lie in the stage's folder.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, String>,
    /// Folders of the stage's folder that are laid over all this, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<String>,
    /// Manifests in the stage's folder: the last line that matches a path decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<String>,
    /// Manifests that are for the paths of one component alone, and decide before the others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub component_manifests: BTreeMap<String, String>,
    /// What of the components gets into the image.
    pub deliver: Deliver,
    /// What has to run: globs over paths. What these need is what has to be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<String>,
    /// What nothing needs by name and is delivered all the same: globs over paths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
    /// What may be needed and not there: globs over paths and names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub may_miss: Vec<String>,
    /// Services of glibc's name service switch; those of etc/nsswitch.conf without.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nss: Vec<String>,
    /// For a component the others that it needs, no more and no fewer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, Vec<String>>,
    /// The bytes that the files of a component may have together.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub budgets: BTreeMap<String, u64>,
}

impl RootDef {
    /// Files and folders of the stage's folder that it names, each with the key that names it.
    pub fn takes(&self) -> Vec<(&'static str, &str)> {
        let overlays = self.overlays.iter().map(|path| ("overlays", path));
        let templates = self.templates.values().map(|path| ("templates", path));
        let manifests = self.manifests.iter().map(|path| ("manifests", path));
        let bound = self.component_manifests.values().map(|path| ("component-manifests", path));
        overlays.chain(templates).chain(manifests).chain(bound).map(|(key, path)| (key, path.as_str())).collect()
    }

    /// Whether what programs need is computed.
    pub fn closes(&self) -> bool {
        self.deliver == Deliver::Closure || !self.roots.is_empty()
    }
}

/// An upstream archive that something in a root file system is made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootSource {
    /// Its name in `stages/sources.toml`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, an SPDX expression.
    pub license: String,
    /// The SHA-256 of the archive.
    pub sha256: String,
}
