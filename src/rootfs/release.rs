//! What an image was made from: its stamp, and the file that says it to people.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::digest::Digest;
use crate::stage::{COMPOSER_VERSION, RootDef, RootSource};

/// Where the file lies in the image, without a slash before it.
pub(super) const RELEASE: &str = "usr/share/repro/release";

/// All that decides an image.
#[derive(Debug, Serialize)]
pub(super) struct Stamp<'a> {
    version: &'static str,
    definition: &'a RootDef,
    components: BTreeMap<&'a str, String>,
    folder: String,
    params: &'a BTreeMap<String, String>,
    sources: &'a [RootSource],
}

impl<'a> Stamp<'a> {
    pub fn new(
        definition: &'a RootDef,
        components: &'a BTreeMap<String, Digest>,
        folder: Digest,
        params: &'a BTreeMap<String, String>,
        sources: &'a [RootSource],
    ) -> Self {
        let components = components.iter().map(|(name, tree)| (name.as_str(), tree.to_string())).collect();
        Self { version: COMPOSER_VERSION, definition, components, folder: folder.to_string(), params, sources }
    }

    /// One digest for all of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("it is strings, numbers and lists of them"))
    }

    /// The file: a line for each thing, the words apart by single spaces, a licence last.
    pub fn text(&self) -> String {
        let mut text = format!(
            "# What this system was made from: its stamp, trees of the build's store, upstream archives with their SHA-256.\n\
             # The manifest beside this file lists every path. `repro attest` states all of it, the compilers too.\n\
             inputs {}\n",
            self.digest()
        );
        for (name, value) in self.params {
            text.push_str(&format!("param {name} {value}\n"));
        }
        for (name, tree) in &self.components {
            text.push_str(&format!("component {name} {tree}\n"));
        }
        text.push_str(&format!("folder {}\n", self.folder));
        for RootSource { name, version, license, sha256 } in self.sources {
            text.push_str(&format!("source {name} {version} {sha256} {license}\n"));
        }
        text
    }
}
