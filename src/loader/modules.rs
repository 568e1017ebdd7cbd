//! The modules of one kernel: what is in its folder, and what is built in.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::parent;
use super::search::Objects;

/// Where modules lie, by release.
const PLACES: [&str; 2] = ["lib/modules/", "usr/lib/modules/"];

/// A folder of modules.
#[derive(Debug, Default)]
pub(super) struct Release {
    /// Paths by the names that modules have for each other.
    pub modules: BTreeMap<String, String>,
    /// Names of what is built in.
    pub built_in: BTreeSet<String>,
    /// What modprobe(8) reads to find them.
    pub indices: Vec<String>,
}

impl Release {
    /// What a folder has.
    pub fn of<T: Objects + ?Sized>(tree: &T, folder: &str) -> Self {
        let indices = format!("{folder}/modules.");
        let mut release = Self::default();
        for path in tree.starting(&format!("{folder}/")) {
            if path.starts_with(&indices) {
                release.indices.push(path.to_owned());
            }
            if let Some(name) = name(path) {
                release.modules.insert(name, path.to_owned());
            }
        }
        let built_in = tree.text(&format!("{indices}builtin")).unwrap_or_default();
        release.built_in = built_in.lines().filter_map(name).collect();
        release
    }
}

/// The folder of a module's release; the one that it lies in, if it lies elsewhere.
pub(super) fn folder(path: &str) -> String {
    let release = PLACES.iter().find_map(|place| {
        let release = path.strip_prefix(place)?.split('/').next()?;
        Some(format!("{place}{release}"))
    });
    release.unwrap_or_else(|| parent(path).to_owned())
}

/// A module's name as others name it.
fn name(path: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"].iter().find_map(|end| name.strip_suffix(end))?;
    Some(stem.replace('-', "_"))
}
