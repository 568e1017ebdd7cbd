//! What had to be believed: the packages that stages run in, which nobody here compiled.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;

use super::inventory::{Inventory, Package};
use super::purl;
use crate::lockfile::ArchivePin;
use crate::stage::ArchiveDef;

/// Version of the format of the list.
pub const SEEDS_SCHEMA: u32 = 1;

/// The opaque binaries below some stages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Seeds {
    /// [`SEEDS_SCHEMA`].
    pub schema: u32,
    /// The stages that it is about.
    pub stages: Vec<String>,
    /// Where the packages are from.
    pub archives: Vec<SeedArchive>,
    /// What they are assembled to.
    pub sysroots: Vec<SeedSysroot>,
    /// The packages, sorted by archive, name and version.
    pub packages: Vec<Seed>,
    /// Stages of which it is not known what they executed and read.
    pub untraced: Vec<String>,
    /// All of them.
    pub total: Amount,
    /// Those of which a stage executed or read something.
    pub used: Amount,
    /// Those of which something is in what the stages left.
    pub held: Amount,
}

/// A signed archive of packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SeedArchive {
    /// Its name in `archives.toml`.
    pub name: String,
    /// Its suite.
    pub suite: String,
    /// Where it is.
    pub base: String,
    /// The file with the keys that its index has to be signed with.
    pub keys: String,
    /// The date of the index that was read, such as `20261101T000000Z`; none if nothing is pinned.
    pub date: Option<String>,
    /// SHA-256 of that index.
    pub inrelease: Option<String>,
}

/// A sysroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SeedSysroot {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub total: Amount,
    /// Stages that take it.
    pub stages: BTreeSet<String>,
}

/// So many packages, and the bytes of their files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Amount {
    /// How many.
    pub packages: u64,
    /// Bytes of the package files.
    pub bytes: u64,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Seed {
    /// The archive's name.
    pub archive: String,
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub architecture: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// Where it is to be had.
    pub place: String,
    /// Its package URL.
    pub purl: String,
    /// Names of licences in its copyright file; empty when no program can read that.
    pub licenses: BTreeSet<String>,
    /// Sysroots that have it.
    pub sysroots: BTreeSet<String>,
    /// Stages that have it within reach, with the number of its files that they executed or read; none where that is not
    /// known.
    pub stages: BTreeMap<String, Option<u64>>,
    /// Whether any stage executed or read some of it, where that is known.
    pub used: Option<bool>,
    /// Whether some of it is in what the stages left.
    pub held: bool,
}

impl Amount {
    fn of<'a>(packages: impl Iterator<Item = &'a Package>) -> Self {
        packages.fold(Self::default(), |sum, package| Self {
            packages: sum.packages + 1,
            bytes: sum.bytes.saturating_add(package.digest.size),
        })
    }
}

impl Seeds {
    /// The opaque part of an inventory, with the definitions and pins of archives.
    pub fn new(
        inventory: &Inventory,
        archives: &BTreeMap<String, ArchiveDef>,
        pins: &BTreeMap<String, ArchivePin>,
    ) -> Self {
        let packages = &inventory.packages;
        let names: BTreeSet<&str> = packages.iter().map(|package| package.archive.as_str()).collect();
        let origins = names.into_iter().filter_map(|name| {
            let definition = archives.get(name)?;
            let pin = pins.get(name);
            Some(SeedArchive {
                name: name.to_owned(),
                suite: definition.suite.clone(),
                base: definition.base.clone(),
                keys: definition.keys.clone(),
                date: pin.map(|pin| pin.timestamp.clone()),
                inrelease: pin.map(|pin| pin.inrelease.hex()),
            })
        });
        let sysroot = |name: &str| {
            let takes = |step: &&super::Step| step.takes.iter().any(|taken| taken.sysroot && taken.name == name);
            SeedSysroot {
                name: name.to_owned(),
                total: Amount::of(packages.iter().filter(|package| package.sysroots.contains(name))),
                stages: inventory.steps.iter().filter(takes).map(|step| step.stage.clone()).collect(),
            }
        };
        let unknown = |package: &'_ Package| {
            let stages = package.stages.iter().filter(|(_, files)| files.is_none());
            stages.map(|(stage, _)| stage.clone()).collect::<Vec<_>>()
        };
        let untraced: BTreeSet<String> = packages.iter().flat_map(unknown).collect();
        Self {
            schema: SEEDS_SCHEMA,
            stages: inventory.products.clone(),
            archives: origins.collect(),
            sysroots: inventory.sysroots().into_iter().map(sysroot).collect(),
            packages: packages.iter().map(seed).collect(),
            untraced: untraced.into_iter().collect(),
            total: Amount::of(packages.iter()),
            used: Amount::of(packages.iter().filter(|package| package.is_used() == Some(true))),
            held: Amount::of(packages.iter().filter(|package| package.held)),
        }
    }
}

fn seed(package: &Package) -> Seed {
    Seed {
        archive: package.archive.clone(),
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        sha256: package.digest.hex(),
        bytes: package.digest.size,
        place: package.place.clone(),
        purl: purl::of_package(package),
        licenses: package.licenses.clone(),
        sysroots: package.sysroots.clone(),
        stages: package.stages.clone(),
        used: package.is_used(),
        held: package.held,
    }
}

/// JSON Schema of [`Seeds`].
pub fn seeds_schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Seeds>()
}
