//! What changed between two lockfiles, for a reader of a commit or of `repro lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::model::{Lockfile, PackagePin};
use crate::digest::Digest;

/// One change from the old lockfile to the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A package archive was read at another time, or for the first or last time (`None`).
    Archive {
        /// The archive.
        name: String,
        /// Suite and timestamp before.
        old: Option<String>,
        /// Suite and timestamp now.
        new: Option<String>,
    },
    /// A source appeared, went, or has other bytes.
    Source {
        /// The source.
        name: String,
        /// Its bytes before.
        old: Option<Digest>,
        /// Its bytes now.
        new: Option<Digest>,
    },
    /// A source has the same bytes from other places.
    Mirrors {
        /// The source.
        name: String,
        /// Places before.
        old: Vec<String>,
        /// Places now.
        new: Vec<String>,
    },
    /// A sysroot appeared or went.
    Sysroot {
        /// The sysroot.
        name: String,
        /// True when it is new, false when it went.
        added: bool,
        /// How many packages it has or had.
        packages: usize,
    },
    /// A package of a sysroot appeared, went, or has another version.
    Package {
        /// The sysroot.
        sysroot: String,
        /// The package.
        name: String,
        /// Version before.
        old: Option<String>,
        /// Version now.
        new: Option<String>,
    },
    /// A package has other bytes under the same version: worth a second look.
    Rebuilt {
        /// The sysroot.
        sysroot: String,
        /// The package.
        name: String,
        /// The version of both.
        version: String,
        /// Its bytes before.
        old: Digest,
        /// Its bytes now.
        new: Digest,
    },
    /// A sysroot's definition changed without changing its packages.
    Definition {
        /// The sysroot.
        name: String,
    },
    /// A stage leaves another tree, or its tree is known for the first time or no more.
    Output {
        /// The stage.
        stage: String,
        /// The target.
        target: String,
        /// The tree before.
        old: Option<Digest>,
        /// The tree now.
        new: Option<Digest>,
    },
}

/// All changes, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// Nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What must change in `old` to give `new`.
pub fn diff(old: &Lockfile, new: &Lockfile) -> Changes {
    let mut changes = Vec::new();
    for (name, old, new) in both(&old.archives, &new.archives) {
        if old != new {
            let text = |pin: &super::ArchivePin| format!("{} {}", pin.suite, pin.timestamp);
            changes.push(Change::Archive { name: name.clone(), old: old.map(text), new: new.map(text) });
        }
    }
    for (name, old, new) in both(&old.sources, &new.sources) {
        let name = name.clone();
        let (old_digest, new_digest) = (old.map(|pin| pin.digest), new.map(|pin| pin.digest));
        if old_digest != new_digest {
            changes.push(Change::Source { name, old: old_digest, new: new_digest });
        } else if let (Some(old), Some(new)) = (old, new)
            && old.urls != new.urls
        {
            changes.push(Change::Mirrors { name, old: old.urls.clone(), new: new.urls.clone() });
        }
    }
    for (name, old, new) in both(&old.sysroots, &new.sysroots) {
        match (old, new) {
            (Some(old), Some(new)) => {
                let before = changes.len();
                packages(name, &old.packages, &new.packages, &mut changes);
                if changes.len() == before && old.definition != new.definition {
                    changes.push(Change::Definition { name: name.clone() });
                }
            }
            (Some(gone), None) => {
                changes.push(Change::Sysroot { name: name.clone(), added: false, packages: gone.packages.len() });
            }
            (None, Some(added)) => {
                changes.push(Change::Sysroot { name: name.clone(), added: true, packages: added.packages.len() });
            }
            (None, None) => {}
        }
    }
    let none = BTreeMap::new();
    for (stage, old, new) in both(&old.outputs, &new.outputs) {
        for (target, old, new) in both(old.unwrap_or(&none), new.unwrap_or(&none)) {
            if old != new {
                let (stage, target) = (stage.clone(), target.clone());
                changes.push(Change::Output { stage, target, old: old.map(|o| o.tree), new: new.map(|o| o.tree) });
            }
        }
    }
    Changes(changes)
}

fn packages(sysroot: &str, old: &[PackagePin], new: &[PackagePin], changes: &mut Vec<Change>) {
    let index = |pins: &[PackagePin]| -> BTreeMap<String, PackagePin> {
        pins.iter().map(|pin| (pin.name.clone(), pin.clone())).collect()
    };
    for (name, old, new) in both(&index(old), &index(new)) {
        let (sysroot, name) = (sysroot.to_owned(), name.clone());
        match (old, new) {
            (Some(old), Some(new)) if old.version == new.version => {
                if old.digest != new.digest {
                    let version = new.version.clone();
                    changes.push(Change::Rebuilt { sysroot, name, version, old: old.digest, new: new.digest });
                }
            }
            _ => {
                let (old, new) = (old.map(|pin| pin.version.clone()), new.map(|pin| pin.version.clone()));
                changes.push(Change::Package { sysroot, name, old, new });
            }
        }
    }
}

/// Each key of either map with what both have for it.
fn both<'a, V>(
    old: &'a BTreeMap<String, V>,
    new: &'a BTreeMap<String, V>,
) -> impl Iterator<Item = (&'a String, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter().map(|key| (key, old.get(key), new.get(key)))
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// `+ what new`, `- what old` or `~ what old -> new`.
        fn line(f: &mut fmt::Formatter<'_>, what: &str, old: Option<String>, new: Option<String>) -> fmt::Result {
            match (old, new) {
                (None, Some(new)) => write!(f, "+ {what} {new}"),
                (Some(old), None) => write!(f, "- {what} {old}"),
                (Some(old), Some(new)) => write!(f, "~ {what} {old} -> {new}"),
                (None, None) => write!(f, "  {what}"),
            }
        }
        let short = |digest: &Digest| digest.short();
        match self {
            Self::Archive { name, old, new } => line(f, &format!("archive {name}"), old.clone(), new.clone()),
            Self::Source { name, old, new } => {
                line(f, &format!("source {name}"), old.as_ref().map(short), new.as_ref().map(short))
            }
            Self::Mirrors { name, old, new } => write!(f, "~ source {name}: {} -> {}", old.join(" "), new.join(" ")),
            Self::Sysroot { name, added, packages } => {
                write!(f, "{} sysroot {name} ({packages} packages)", if *added { '+' } else { '-' })
            }
            Self::Package { sysroot, name, old, new } => {
                line(f, &format!("package {sysroot}/{name}"), old.clone(), new.clone())
            }
            Self::Rebuilt { sysroot, name, version, old, new } => {
                let (old, new) = (old.short(), new.short());
                write!(f, "! package {sysroot}/{name} {version} has other bytes: {old} -> {new}")
            }
            Self::Definition { name } => write!(f, "~ sysroot {name}: definition changed, same packages"),
            Self::Output { stage, target, old, new } if old == new => {
                write!(f, "~ output {stage} {target}: same tree from another action")
            }
            Self::Output { stage, target, old, new } => {
                line(f, &format!("output {stage} {target}"), old.as_ref().map(short), new.as_ref().map(short))
            }
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.0 {
            writeln!(f, "{change}")?;
        }
        Ok(())
    }
}
