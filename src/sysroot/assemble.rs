//! Packages and fix-ups to a sysroot.

use std::collections::BTreeSet;

use globset::GlobMatcher;

use crate::digest::Digest;
use crate::lockfile::PackagePin;
use crate::stage::SysrootDef;
use crate::store::{Store, TreeBuilder, merge};

use super::error::Error;
use super::globs::{Globs, matcher};
use super::package::package_trees;
use super::sink::MERGED;
use super::{VERSION, cache};

/// How far [`assemble`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A package's tree is there.
    Package {
        /// Its name.
        name: &'a str,
        /// Whether it was remembered.
        cached: bool,
        /// Packages done, this one included.
        done: usize,
        /// Packages in all.
        total: usize,
    },
    /// All packages are there, and are merged now.
    Merging {
        /// The sysroot.
        sysroot: &'a str,
    },
}

/// The tree of a sysroot. The files of all packages are in the store; their order does not matter.
///
/// `progress` is called from several threads.
///
/// # Errors
/// A package is missing or refused; packages conflict; a rule of the definition changes nothing, or makes what is there.
pub fn assemble(
    store: &Store,
    def: &SysrootDef,
    pins: &[PackagePin],
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Digest, Error> {
    let pins = sorted(pins);
    if let Some(pair) = pins.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(Error::PinnedTwice { sysroot: def.name.clone(), package: pair[0].name.clone() });
    }
    let what = format!("sysroot `{}`", def.name);
    cache::tree(store, key(def, &pins), &what, || {
        let trees = package_trees(store, &pins, progress)?;
        progress(Progress::Merging { sysroot: &def.name });
        let merged = merged(store, def, &pins, &trees)?;
        let merged = linked(store, merged).map_err(Error::store(&what))?;
        let pruned = remove(store, def, merged)?;
        add(store, def, pruned)
    })
}

/// The tree that [`assemble`] gave for the same definition and packages, if that is remembered.
///
/// # Errors
/// The store fails.
pub fn known(store: &Store, def: &SysrootDef, pins: &[PackagePin]) -> Result<Option<Digest>, Error> {
    cache::find(store, key(def, &sorted(pins)), &format!("sysroot `{}`", def.name))
}

fn sorted(pins: &[PackagePin]) -> Vec<PackagePin> {
    let mut pins = pins.to_vec();
    pins.sort_by(|a, b| a.name.cmp(&b.name));
    pins
}

/// Of all that the result depends on. Lengths go before texts, so that no two definitions give one key.
fn key(def: &SysrootDef, pins: &[PackagePin]) -> Digest {
    let mut text = format!("{VERSION}\nsysroot\n");
    let mut add = |word: &str, values: &[&str]| {
        text.push_str(word);
        for value in values {
            text.push_str(&format!(" {}:{value}", value.len()));
        }
        text.push('\n');
    };
    for pin in pins {
        add("package", &[&pin.name, &pin.digest.to_string()]);
    }
    for win in &def.wins {
        add("win", &[&win.path, &win.package]);
    }
    for glob in &def.remove {
        add("remove", &[glob]);
    }
    for dir in &def.dirs {
        add("dir", &[dir]);
    }
    for file in &def.files {
        add("file", &[&file.path, &format!("{:o}", file.mode), &file.text]);
    }
    for link in &def.links {
        add("link", &[&link.path, &link.to]);
    }
    Digest::of(text.as_bytes())
}

fn merged(store: &Store, def: &SysrootDef, pins: &[PackagePin], trees: &[Digest]) -> Result<Digest, Error> {
    let inputs: Vec<(String, Digest)> = pins.iter().map(|pin| pin.name.clone()).zip(trees.iter().copied()).collect();
    let globs = def.wins.iter().map(|win| Ok((matcher(&def.name, &win.path)?, win.package.clone())));
    let globs: Vec<(GlobMatcher, String)> = globs.collect::<Result<_, Error>>()?;
    let used = std::cell::RefCell::new(BTreeSet::new());
    let wins = |path: &str| {
        let index = globs.iter().position(|(glob, _)| glob.is_match(path))?;
        used.borrow_mut().insert(index);
        Some(globs[index].1.clone())
    };
    let tree = merge(store, &inputs, &wins).map_err(|error| Error::merge(&def.name, error))?;
    let used = used.into_inner();
    match def.wins.iter().enumerate().find(|(index, _)| !used.contains(index)) {
        None => Ok(tree),
        Some((_, win)) => Err(Error::NoEffect {
            sysroot: def.name.clone(),
            rule: format!("wins = {{ path = \"{}\", package = \"{}\" }}", win.path, win.package),
        }),
    }
}

/// Adds the links of a merged `usr`: the four that every program relies on, and others where there is a directory.
fn linked(store: &Store, tree: Digest) -> crate::store::Result<Digest> {
    let mut builder = TreeBuilder::new(store);
    builder.tree("", tree)?;
    for name in MERGED {
        let place = format!("usr/{name}");
        if builder.get(&place)?.is_none() {
            if matches!(name, "lib32" | "libx32") {
                continue;
            }
            builder.mkdir(&place)?;
        }
        builder.symlink(name, &place)?;
    }
    builder.finish()
}

fn remove(store: &Store, def: &SysrootDef, tree: Digest) -> Result<Digest, Error> {
    let globs = Globs::new(&def.name, &def.remove)?;
    let mut hits = vec![0; def.remove.len()];
    let tree = globs.remove(store, tree, &mut hits).map_err(Error::store(format!("sysroot `{}`", def.name)))?;
    let idle: Vec<String> =
        def.remove.iter().zip(hits).filter(|(_, hits)| *hits == 0).map(|(glob, _)| format!("\"{glob}\"")).collect();
    if idle.is_empty() {
        return Ok(tree);
    }
    Err(Error::NoEffect { sysroot: def.name.clone(), rule: format!("remove = [{}]", idle.join(", ")) })
}

fn add(store: &Store, def: &SysrootDef, tree: Digest) -> Result<Digest, Error> {
    let fail = || Error::store(format!("sysroot `{}`", def.name));
    let mut builder = TreeBuilder::new(store);
    builder.tree("", tree).map_err(fail())?;
    for dir in &def.dirs {
        builder.mkdir(dir).map_err(fail())?;
    }
    let free = |builder: &mut TreeBuilder, path: &str, rule: String| match builder.get(path).map_err(fail())? {
        None => Ok(()),
        Some(_) => Err(Error::Occupied { sysroot: def.name.clone(), rule }),
    };
    for file in &def.files {
        free(&mut builder, &file.path, format!("files = {{ path = \"{}\", … }}", file.path))?;
        builder.file(&file.path, file.mode, &mut file.text.as_bytes()).map_err(fail())?;
    }
    for link in &def.links {
        free(&mut builder, &link.path, format!("links = {{ path = \"{}\", to = \"{}\" }}", link.path, link.to))?;
        builder.symlink(&link.path, &link.to).map_err(fail())?;
    }
    builder.finish().map_err(fail())
}
