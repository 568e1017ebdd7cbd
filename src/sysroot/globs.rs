//! Globs over the paths of a tree, and the removal of what they match.

use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use crate::digest::Digest;
use crate::store::{self, Store};

use super::error::Error;

/// Several globs of one definition.
pub(super) struct Globs {
    set: GlobSet,
}

fn one(sysroot: &str, glob: &str) -> Result<globset::Glob, Error> {
    GlobBuilder::new(glob).literal_separator(true).build().map_err(|error| Error::Glob {
        sysroot: sysroot.to_owned(),
        glob: glob.to_owned(),
        reason: error.kind().to_string(),
    })
}

/// One glob, compiled.
pub(super) fn matcher(sysroot: &str, glob: &str) -> Result<GlobMatcher, Error> {
    Ok(one(sysroot, glob)?.compile_matcher())
}

impl Globs {
    pub fn new(sysroot: &str, globs: &[String]) -> Result<Self, Error> {
        let mut builder = GlobSetBuilder::new();
        for glob in globs {
            // `X/**` is X with all that it holds.
            builder.add(one(sysroot, glob.strip_suffix("/**").unwrap_or(glob))?);
        }
        let set = builder.build().map_err(|error| Error::Glob {
            sysroot: sysroot.to_owned(),
            glob: globs.join(", "),
            reason: error.kind().to_string(),
        })?;
        Ok(Self { set })
    }

    /// Removes what matches from the tree; counts for each glob what it matched.
    pub fn remove(&self, store: &Store, tree: Digest, hits: &mut [usize]) -> store::Result<Digest> {
        self.directory(store, tree, "", hits, false)
    }

    /// Within what is removed anyway (`gone`), matches are only counted.
    fn directory(
        &self,
        store: &Store,
        tree: Digest,
        path: &str,
        hits: &mut [usize],
        gone: bool,
    ) -> store::Result<Digest> {
        let mut directory = store.directory(tree)?;
        let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let hit = |name: &str, hits: &mut [usize]| {
            let matches = self.set.matches(join(name));
            for index in &matches {
                hits[*index] += 1;
            }
            !matches.is_empty()
        };
        directory.files.retain(|file| !hit(&file.name, hits));
        directory.symlinks.retain(|link| !hit(&link.name, hits));
        let below = std::mem::take(&mut directory.directories);
        for mut node in below {
            let remove = hit(&node.name, hits);
            let content = node.content().map_err(|reason| store::Error::NotDirectory { digest: tree, reason })?;
            let pruned = self.directory(store, content, &join(&node.name), hits, gone || remove)?;
            if !remove {
                node.digest = Some(pruned.into());
                directory.directories.push(node);
            }
        }
        if gone { Ok(tree) } else { store.put_directory(&directory) }
    }
}
