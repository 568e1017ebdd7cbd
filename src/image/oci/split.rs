//! One tree as several layers.
//!
//! What changes seldom goes below what changes often: whoever has the lower layers takes the upper ones only. A layer has
//! what its glob matches and no earlier one does, with the folders above it; what no glob matches is the last layer. A folder
//! that some layer has already is not stated again, so laid over each other the layers are the tree, and nothing is in two.
//!
//! A file of several names is in one layer with all of them, the lowest that has any: a layer cannot link to what lies
//! below it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::difference::{no_whiteouts, parent};
use crate::image::{Builder, Error, Kind, Tree};

/// The layers of a tree, from the lowest on: one for each glob, and one for what is left, if anything is.
///
/// A glob is over whole paths without a leading slash, `*` matches within one name, and a folder is matched with all that is
/// in it: `lib` and `lib/**` are the same.
///
/// # Errors
/// A glob is none, or matches nothing that no earlier one does; a name begins with `.wh.`, which would hide others.
pub fn split(tree: &Tree, globs: &[String]) -> Result<Vec<Tree>, Error> {
    no_whiteouts(tree)?;
    let set = compiled(globs)?;
    let names: Vec<(Vec<u8>, usize, bool)> = tree.names().collect();
    // A folder's layer is that of what is in it, unless an earlier one takes that.
    let mut folders: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut layer_of = vec![globs.len(); tree.inodes.len()];
    for (path, number, _) in &names {
        let above = folders.get(parent(path)).copied().unwrap_or(globs.len());
        let own = set.matches(OsStr::from_bytes(path)).into_iter().min().unwrap_or(globs.len());
        let layer = own.min(above);
        layer_of[*number] = layer_of[*number].min(layer);
        if matches!(tree.inodes[*number].kind, Kind::Folder(_)) {
            folders.insert(path, layer);
        }
    }
    let numbers: BTreeMap<&[u8], usize> = names.iter().map(|(path, number, _)| (path.as_slice(), *number)).collect();
    // Folders that a layer has already.
    let mut stated = vec![false; tree.inodes.len()];
    let mut layers = Vec::new();
    for at in 0..=globs.len() {
        let mut builder = Builder::default();
        let root = &tree.inodes[0];
        builder.folder(b"", root.meta.clone())?;
        let mut anything = false;
        // Those of this layer: a tar needs them before what is in them.
        let mut here = vec![false; tree.inodes.len()];
        for (path, number, first) in names.iter().filter(|(_, number, _)| layer_of[*number] == at) {
            let inode = &tree.inodes[*number];
            let is_folder = matches!(inode.kind, Kind::Folder(_));
            if is_folder && stated[*number] {
                continue;
            }
            anything = true;
            let mut folder = if is_folder { path.as_slice() } else { parent(path) };
            while !folder.is_empty() {
                let number = numbers[folder];
                if !here[number] {
                    builder.folder(folder, tree.inodes[number].meta.clone())?;
                    (here[number], stated[number]) = (true, true);
                }
                folder = parent(folder);
            }
            match is_folder {
                true => {}
                false if *first => builder.add_other(path, inode.meta.clone(), inode.kind.clone())?,
                false => builder.link(path, &inode.path)?,
            }
        }
        match globs.get(at) {
            Some(glob) if !anything => {
                let matched = names.iter().any(|(path, ..)| set.matches(OsStr::from_bytes(path)).contains(&at));
                let reason = if matched { "all that it matches is in lower layers" } else { "it matches nothing" };
                return Err(Error::Layer { glob: glob.clone(), reason: reason.to_owned() });
            }
            None if !anything && at > 0 => {}
            _ => layers.push(builder.finish()?),
        }
    }
    Ok(layers)
}

fn compiled(globs: &[String]) -> Result<GlobSet, Error> {
    let wrong = |glob: &str, error: globset::Error| Error::Layer {
        glob: glob.to_owned(),
        reason: format!("it is no glob: {}", error.kind()),
    };
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        // A folder is matched with all that is in it anyway.
        let top = glob.strip_suffix("/**").unwrap_or(glob);
        set.add(GlobBuilder::new(top).literal_separator(true).build().map_err(|error| wrong(glob, error))?);
    }
    set.build().map_err(|error| wrong(&globs.join(", "), error))
}
