//! The package index: `Packages`.

use std::collections::BTreeMap;

use super::control;
use super::relation::{self, Alternative, Operator, RelationError};
use super::version;
use crate::digest::{Digest, ParseDigestError};
use crate::lockfile::PackagePin;

/// One package of the index. Texts are slices of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package<'a> {
    /// Name.
    pub name: &'a str,
    /// Version.
    pub version: &'a str,
    /// `Pre-Depends`.
    pub pre_depends: &'a str,
    /// `Depends`.
    pub depends: &'a str,
    /// Path below the archive's base.
    pub path: &'a str,
    size: &'a str,
    sha256: &'a str,
}

impl Package<'_> {
    /// The pin of the package.
    ///
    /// # Errors
    /// Its size or hash is malformed.
    pub fn pin(&self) -> Result<PackagePin, ParseDigestError> {
        let digest = format!("{}/{}", self.sha256, self.size).parse::<Digest>()?;
        let (name, version, path) = (self.name.to_owned(), self.version.to_owned(), self.path.to_owned());
        Ok(PackagePin { name, version, path, digest })
    }
}

/// The packages of one component for one architecture.
#[derive(Debug, Default)]
pub struct Index<'a> {
    /// The latest version of each package.
    packages: BTreeMap<&'a str, Package<'a>>,
    /// For each provided name, the packages that provide it and the version that they claim, sorted by package.
    provided: BTreeMap<&'a str, Vec<(&'a str, Option<&'a str>)>>,
    architecture: &'a str,
}

impl<'a> Index<'a> {
    /// Reads the text of a `Packages` file. Packages of other architectures, and stanzas without a file, are left out.
    ///
    /// # Errors
    /// A `Provides` field is malformed.
    pub fn parse(text: &'a str, architecture: &'a str) -> Result<Self, RelationError> {
        let mut packages: BTreeMap<&str, Package<'_>> = BTreeMap::new();
        let mut provides = BTreeMap::new();
        for stanza in control::stanzas(text) {
            let field = |name| stanza.get(name).unwrap_or_default();
            if !matches!(field("Architecture"), "all") && field("Architecture") != architecture {
                continue;
            }
            let package = Package {
                name: field("Package"),
                version: field("Version"),
                pre_depends: field("Pre-Depends"),
                depends: field("Depends"),
                path: field("Filename"),
                size: field("Size"),
                sha256: field("SHA256"),
            };
            if [package.name, package.version, package.path].contains(&"") {
                continue;
            }
            let newer = |known: &Package<'_>| version::compare(package.version, known.version).is_gt();
            if packages.get(package.name).is_none_or(newer) {
                provides.insert(package.name, field("Provides"));
                packages.insert(package.name, package);
            }
        }
        let mut provided: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (name, field) in provides {
            for relation in relation::parse(field)? {
                for alternative in relation.alternatives {
                    let claimed = alternative.constraint.and_then(|(op, v)| (op == Operator::Equal).then_some(v));
                    provided.entry(alternative.name).or_default().push((name, claimed));
                }
            }
        }
        Ok(Self { packages, provided, architecture })
    }

    /// A package by its name.
    pub fn get(&self, name: &str) -> Option<&Package<'a>> {
        self.packages.get(name)
    }

    /// How many packages there are.
    pub fn len(&self) -> usize {
        self.packages.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// The packages that satisfy `alternative`: the one of that name, then those that provide it, by name.
    pub fn satisfying<'s>(&'s self, alternative: &Alternative<'s>) -> Vec<&'s Package<'a>> {
        let ours = |qualifier: &str| matches!(qualifier, "any" | "native") || qualifier == self.architecture;
        if !alternative.qualifier.is_none_or(ours) {
            return Vec::new();
        }
        let fits =
            |version: &str| alternative.constraint.is_none_or(|(operator, bound)| operator.holds(version, bound));
        let real = self.get(alternative.name).filter(|package| fits(package.version));
        // A provision without a version satisfies no constraint (Policy 7.5).
        let claimed = |claim: Option<&str>| claim.map_or(alternative.constraint.is_none(), fits);
        let providers = self.provided.get(alternative.name).map_or(&[][..], Vec::as_slice);
        let providers = providers.iter().filter(|(_, claim)| claimed(*claim)).filter_map(|(name, _)| self.get(name));
        let mut found: Vec<_> = real.into_iter().chain(providers).collect();
        let mut names = Vec::new();
        found.retain(|package| {
            let new = !names.contains(&package.name);
            names.push(package.name);
            new
        });
        found
    }
}
