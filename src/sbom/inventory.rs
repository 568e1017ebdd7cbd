//! What a result holds and was made from, as plain lists.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;

/// Everything at and below one or more stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// What it is about, sorted.
    pub products: Vec<String>,
    /// Upstream archives, sorted by name.
    pub sources: Vec<Source>,
    /// Packages, sorted by archive, name and version; what several sysroots have is there once.
    pub packages: Vec<Package>,
    /// The stages, each after all that it needs.
    pub steps: Vec<Step>,
    /// Stages of which it is not known what went into their outputs.
    pub untraced: BTreeSet<String>,
}

/// An upstream archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name here.
    pub name: String,
    /// The upstream version.
    pub version: String,
    /// As `sources.toml` has it.
    pub license: String,
    /// The archive's file name.
    pub file: String,
    /// Its bytes.
    pub digest: Digest,
    /// Where it is to be had, in the order of preference.
    pub places: Vec<String>,
    /// Stages that take it.
    pub stages: BTreeSet<String>,
    /// Whether any of it reached a product as data.
    pub held: bool,
}

/// A package of a sysroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The archive, by its name in `archives.toml`.
    pub archive: String,
    /// The archive's suite.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// Its version in the archive's notation.
    pub version: String,
    /// What it is for: `amd64`, `all`.
    pub architecture: String,
    /// Its bytes.
    pub digest: Digest,
    /// Where it is to be had.
    pub place: String,
    /// Names of licences in its copyright file, as they stand there; empty when it has none that a program can read.
    pub licenses: BTreeSet<String>,
    /// Sysroots that have it.
    pub sysroots: BTreeSet<String>,
    /// Stages that have it within reach, with the number of its files that they executed or read, where that is known.
    pub stages: BTreeMap<String, Option<u64>>,
    /// Whether any of it reached a product as data.
    pub held: bool,
}

impl Package {
    /// Whether a stage executed or read any of it; none when that is not known.
    pub fn is_used(&self) -> Option<bool> {
        if self.stages.values().any(|files| files.is_some_and(|files| files > 0)) {
            return Some(true);
        }
        self.stages.values().all(Option::is_some).then_some(false)
    }

    /// Stages that executed or read any of it, as far as that is known.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        let used = self.stages.iter().filter(|(_, files)| files.is_some_and(|files| files > 0));
        used.map(|(stage, _)| stage.as_str())
    }
}

/// A stage as a step of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The stage.
    pub stage: String,
    /// What it makes.
    pub summary: String,
    /// What is executed.
    pub command: Vec<String>,
    /// The values of its parameters.
    pub target: String,
    /// The SOURCE_DATE_EPOCH that it sees.
    pub epoch: String,
    /// Its action and the tree that it left, if it was built.
    pub built: Option<(Digest, Digest)>,
    /// Trees that it takes, sorted.
    pub takes: BTreeSet<Taken>,
    /// Sources that it takes.
    pub sources: BTreeSet<String>,
    /// Whether anything that it left reached a product as data.
    pub held: bool,
}

/// A tree that a stage takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// What for.
    pub role: Role,
    /// Whether it is a sysroot, and not what a stage left.
    pub sysroot: bool,
    /// The sysroot or stage.
    pub name: String,
}

/// What a tree is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It runs.
    Tools,
    /// It is compiled against.
    Target,
    /// It is taken as data.
    Inputs,
}

/// A file of a product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivered {
    /// Its path.
    pub path: String,
    /// Its content.
    pub digest: Digest,
    /// SHA-1 of the same bytes, which SPDX asks for.
    pub sha1: String,
}

impl Inventory {
    /// The step of a stage.
    pub fn step(&self, stage: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.stage == stage)
    }

    /// How many of the packages a stage is known to have executed or read.
    pub fn packages_used(&self) -> usize {
        self.packages.iter().filter(|package| package.is_used() == Some(true)).count()
    }

    /// Names of the sysroots that the stages take.
    pub fn sysroots(&self) -> BTreeSet<&str> {
        let taken = self.steps.iter().flat_map(|step| &step.takes).filter(|taken| taken.sysroot);
        taken.map(|taken| taken.name.as_str()).collect()
    }
}
