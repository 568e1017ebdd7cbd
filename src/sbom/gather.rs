//! From definitions, pins and traces to an inventory.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::error::Error;
use super::inventory::{Delivered, Inventory, Package, Role, Source, Step, Taken};
use super::packages::Contents;
use super::reach;
use crate::build::budget;
use crate::digest::Digest;
use crate::fetch::Pin;
use crate::lockfile::{Lockfile, PackagePin};
use crate::provenance::{Built, Stages};
use crate::stage::{ArchiveDef, Graph, InputRef, Stage};
use crate::store::{self, Store};

/// What an inventory is made from.
pub struct Facts<'a> {
    /// The definitions.
    pub graph: &'a Graph,
    /// The pins.
    pub lockfile: &'a Lockfile,
    /// Where outputs and traces are.
    pub store: &'a Store,
    /// How each stage was built; none if it was not.
    pub built: &'a dyn Fn(&Stage) -> Option<Built<'a>>,
}

/// Everything at and below these stages.
///
/// # Errors
/// Something is not pinned, or the store fails.
pub fn gather(facts: &Facts<'_>, products: &[&str]) -> Result<Inventory, Error> {
    let Facts { graph, lockfile, store, built } = facts;
    // The caller has found them in the graph.
    let order = graph.closure(products).unwrap_or_default();
    let stages = Stages { store, order: order.clone(), built: *built };
    let held = reach::held(&stages, products)?;
    let mut inventory = Inventory {
        products: products.iter().map(|name| (*name).to_owned()).collect(),
        sources: Vec::new(),
        packages: Vec::new(),
        steps: Vec::new(),
        untraced: held.untraced.clone(),
    };
    inventory.products.sort();
    let mut sources: BTreeMap<&str, Source> = BTreeMap::new();
    let mut packages: BTreeMap<(String, String, String, Digest), Package> = BTreeMap::new();
    let mut contents = Contents::new(store, lockfile);
    for stage in &order {
        let made = (stages.built)(stage);
        for name in stage.sources.keys() {
            let one = match sources.entry(name) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(source(facts, stage, name)?),
            };
            one.stages.insert(stage.name.clone());
            one.held |= held.sources.contains(name);
        }
        let used = match &made {
            Some(made) => reach::used(store, made.clone())?,
            None => None,
        };
        for sysroot in graph.sysroots_of([*stage]) {
            let (archive, pins) = pinned(facts, stage, sysroot)?;
            let counts = match &used {
                Some(used) => contents.count(sysroot, used.get(sysroot))?,
                None => None,
            };
            let places = held.packages.get(sysroot);
            let reached = contents.count(sysroot, places)?;
            // Where a path cannot be told to be of a package, it may be of any.
            let whole = held.sysroots.contains(sysroot) || places.is_some() && reached.is_none();
            for pin in pins {
                let one = package(archive, pin);
                let key = (archive.name.clone(), pin.name.clone(), pin.version.clone(), pin.digest);
                let one = packages.entry(key).or_insert(one);
                one.sysroots.insert(sysroot.to_owned());
                let files = counts.as_ref().map(|counts| counts.get(&pin.name).copied().unwrap_or(0));
                let sum = one.stages.entry(stage.name.clone()).or_insert(files);
                *sum = sum.zip(files).map(|(a, b)| a.max(b));
                one.held |= whole || reached.as_ref().is_some_and(|reached| reached.contains_key(&pin.name));
            }
        }
        inventory.steps.push(step(facts, stage, made.as_ref(), held.stages.contains(&stage.name)));
    }
    for one in packages.values_mut() {
        let sysroot = one.sysroots.first().map_or("", String::as_str);
        one.licenses = contents.licenses(sysroot, &one.name)?;
    }
    inventory.sources = sources.into_values().collect();
    inventory.packages = packages.into_values().collect();
    Ok(inventory)
}

fn source(facts: &Facts<'_>, stage: &Stage, name: &str) -> Result<Source, Error> {
    let unpinned = || Error::Unpinned { stage: stage.name.clone(), what: format!("source `{name}`") };
    let pin = facts.lockfile.sources.get(name).ok_or_else(unpinned)?;
    let definition = facts.graph.sources().get(name).ok_or_else(unpinned)?;
    Ok(Source {
        name: name.to_owned(),
        version: definition.version.clone(),
        license: definition.license.clone(),
        file: definition.file_name().to_owned(),
        digest: pin.digest,
        places: pin.urls.clone(),
        stages: BTreeSet::new(),
        held: false,
    })
}

fn pinned<'a>(facts: &Facts<'a>, stage: &Stage, sysroot: &str) -> Result<(&'a ArchiveDef, &'a [PackagePin]), Error> {
    let unpinned = || Error::Unpinned { stage: stage.name.clone(), what: format!("sysroot `{sysroot}`") };
    let pin = facts.lockfile.sysroots.get(sysroot).ok_or_else(unpinned)?;
    let definition = facts.graph.sysroots().get(sysroot).ok_or_else(unpinned)?;
    let archive = facts.graph.archives().get(&definition.archive).ok_or_else(unpinned)?;
    Ok((archive, &pin.packages))
}

fn package(archive: &ArchiveDef, pin: &PackagePin) -> Package {
    // deb(5): the file is NAME_VERSION_ARCHITECTURE.deb.
    let stem = pin.path.rsplit('/').next().and_then(|file| file.strip_suffix(".deb"));
    let architecture = stem.and_then(|stem| stem.rsplit_once('_')).map_or(archive.architecture.as_str(), |two| two.1);
    Package {
        archive: archive.name.clone(),
        suite: archive.suite.clone(),
        name: pin.name.clone(),
        version: pin.version.clone(),
        architecture: architecture.to_owned(),
        digest: pin.digest,
        place: Pin::of_package(&archive.base, pin).urls.into_iter().next().unwrap_or_default(),
        licenses: BTreeSet::new(),
        sysroots: BTreeSet::new(),
        stages: BTreeMap::new(),
        held: false,
    }
}

fn step(facts: &Facts<'_>, stage: &Stage, made: Option<&Built<'_>>, held: bool) -> Step {
    let lists = [(Role::Tools, &stage.tools), (Role::Target, &stage.target), (Role::Inputs, &stage.inputs)];
    let taken = |role, input: &InputRef| Taken {
        role,
        sysroot: matches!(input, InputRef::Sysroot(_)),
        name: input.name().to_owned(),
    };
    let environment = stage.environment(facts.graph.params());
    Step {
        stage: stage.name.clone(),
        summary: stage.summary.clone(),
        command: stage.argv(),
        target: facts.graph.target(stage),
        epoch: environment.get("SOURCE_DATE_EPOCH").cloned().unwrap_or_default(),
        built: made.map(|made| (made.action, made.output)),
        takes: lists.into_iter().flat_map(|(role, list)| list.iter().map(move |input| taken(role, input))).collect(),
        sources: stage.sources.keys().cloned().collect(),
        held,
    }
}

/// The files of a tree with their digests, sorted by path.
///
/// # Errors
/// The store fails.
pub fn delivered(store: &Store, tree: Digest) -> Result<Vec<Delivered>, Error> {
    let files = budget::files(store, tree)?;
    files
        .into_iter()
        .map(|file| Ok(Delivered { sha1: sha1(store, file.digest)?, path: file.path, digest: file.digest }))
        .collect()
}

fn sha1(store: &Store, digest: Digest) -> Result<String, Error> {
    let mut file = store.open_blob(digest)?;
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = std::io::Read::read(&mut file, &mut buffer).map_err(|source| store::Error::Input { source })?;
        if read == 0 {
            break;
        }
        context.update(&buffer[..read]);
    }
    Ok(hex(context.finish().as_ref()))
}

/// SHA-1 of some bytes, in hexadecimal digits.
pub(super) fn sha1_of(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
