//! Which package of a sysroot a path is of, and under which licences a package stands.

use std::collections::{BTreeMap, BTreeSet};

use super::copyright;
use super::error::Error;
use crate::digest::Digest;
use crate::lockfile::{Lockfile, PackagePin};
use crate::store::{self, Store};
use crate::sysroot;

/// Most bytes of a copyright file that are looked at.
const LONGEST: u64 = 4 << 20;
/// Where packages have their copyright files.
const DOCUMENTS: &str = "usr/share/doc";

/// The files of packages, as far as their trees are still known.
pub(super) struct Contents<'a> {
    store: &'a Store,
    lockfile: &'a Lockfile,
    /// By sysroot: the package that each path is of; none when the tree of some package is not known.
    places: BTreeMap<String, Option<BTreeMap<String, String>>>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(store: &'a Store, lockfile: &'a Lockfile) -> Self {
        Self { store, lockfile, places: BTreeMap::new() }
    }

    fn pins(&self, sysroot: &str) -> &'a [PackagePin] {
        self.lockfile.sysroots.get(sysroot).map_or(&[], |pin| pin.packages.as_slice())
    }

    fn places(&mut self, sysroot: &str) -> Result<Option<&BTreeMap<String, String>>, Error> {
        if !self.places.contains_key(sysroot) {
            let mut places = Some(BTreeMap::new());
            for pin in self.pins(sysroot) {
                match (sysroot::known_package(self.store, pin)?, &mut places) {
                    (Some(tree), Some(places)) => files(self.store, tree, &pin.name, places)?,
                    _ => places = None,
                }
            }
            self.places.insert(sysroot.to_owned(), places);
        }
        Ok(self.places[sysroot].as_ref())
    }

    /// How many of these paths of a sysroot each package has; nothing when that is not known.
    pub(super) fn count(
        &mut self,
        sysroot: &str,
        paths: Option<&BTreeSet<String>>,
    ) -> Result<Option<BTreeMap<String, u64>>, Error> {
        let Some(places) = self.places(sysroot)? else { return Ok(None) };
        let mut counts = BTreeMap::new();
        for package in paths.into_iter().flatten().filter_map(|path| places.get(path)) {
            *counts.entry(package.clone()).or_insert(0) += 1;
        }
        Ok(Some(counts))
    }

    /// The names of licences in a package's copyright file.
    pub(super) fn licenses(&self, sysroot: &str, package: &str) -> Result<BTreeSet<String>, Error> {
        // Packages of one source share their documents by links to the folder of one of them.
        let mut name = package.to_owned();
        for _ in 0..4 {
            let Some(pin) = self.pins(sysroot).iter().find(|pin| pin.name == name) else { break };
            let Some(tree) = sysroot::known_package(self.store, pin)? else { break };
            let Some(documents) = self.store.subtree(tree, DOCUMENTS)? else { break };
            let directory = self.store.directory(documents)?;
            if let Some(link) = directory.symlinks.iter().find(|link| link.name == name) {
                name = link.target.trim_start_matches("./").trim_end_matches('/').to_owned();
                continue;
            }
            let Some(folder) = self.store.subtree(documents, &name)? else { break };
            let directory = self.store.directory(folder)?;
            let Some(file) = directory.files.iter().find(|file| file.name == "copyright") else { break };
            let digest = file.content().map_err(|reason| store::Error::NotDirectory { digest: folder, reason })?;
            if digest.size > LONGEST {
                break;
            }
            return Ok(copyright::licenses(&String::from_utf8_lossy(&self.store.get_bytes(digest)?)));
        }
        Ok(BTreeSet::new())
    }
}

/// Notes all files of a package's tree. What several packages have is of the first.
fn files(store: &Store, tree: Digest, package: &str, places: &mut BTreeMap<String, String>) -> Result<(), Error> {
    let mut waiting = vec![(String::new(), tree)];
    while let Some((folder, tree)) = waiting.pop() {
        let directory = store.directory(tree)?;
        for node in &directory.files {
            places.entry(format!("{folder}{}", node.name)).or_insert_with(|| package.to_owned());
        }
        for node in &directory.directories {
            let content = node.content().map_err(|reason| store::Error::NotDirectory { digest: tree, reason })?;
            waiting.push((format!("{folder}{}/", node.name), content));
        }
    }
    Ok(())
}
