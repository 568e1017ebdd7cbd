//! What a word on the command line names: a stage's output, a tree of the store, or a path.

use std::path::Path;

use super::Context;
use crate::digest::Digest;
use crate::fs;

/// What a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    /// A stage, and a folder or file of its output; empty for all of it.
    Stage {
        /// The stage.
        name: &'a str,
        /// The part.
        part: &'a str,
    },
    /// A tree of the store.
    Tree(Digest),
    /// Anything else is a path.
    Path(&'a Path),
}

impl<'a> Named<'a> {
    /// Tells what `word` names. Who means a path that is called like a stage writes `./NAME`.
    pub fn of(word: &'a str, context: &Context) -> Self {
        if let Ok(digest) = word.parse::<Digest>() {
            return Self::Tree(digest);
        }
        let (name, part) = word.split_once('/').unwrap_or((word, ""));
        let is_stage = fs::exists(&context.project.join("stages").join(name).join("stage.toml")).unwrap_or(false);
        let plain = !name.is_empty() && name != "." && name != "..";
        if plain && is_stage && (part.is_empty() || !fs::exists(Path::new(word)).unwrap_or(true)) {
            return Self::Stage { name, part };
        }
        Self::Path(Path::new(word))
    }
}
