//! Why a sysroot or source tree could not be made.

use crate::{format, store};

/// An error of this module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("use the store for {what}")]
    Store {
        /// What was being made.
        what: String,
        /// The store's error.
        source: store::Error,
    },
    /// A package or source archive is refused.
    #[error("unpack {what}")]
    Unpack {
        /// Which package or source.
        what: String,
        /// The archive's fault.
        source: Box<format::Error>,
    },
    /// Two names of a package become one when `bin`, `lib`... are taken for what lies below `usr`.
    #[error(
        "unpack package `{package}`: it carries both `{first}` and `{second}`, which are one path in a merged `usr`"
    )]
    Doubled {
        /// The package.
        package: String,
        /// The name that came first.
        first: String,
        /// The other name.
        second: String,
    },
    /// A package has something else than a directory where a merged `usr` has a link.
    #[error("unpack package `{package}`: `{path}` is no directory, and must be one for a merged `usr`")]
    NotMerged {
        /// The package.
        package: String,
        /// The path at the root.
        path: String,
    },
    /// Packages disagree on paths.
    #[error("assemble sysroot `{sysroot}`: packages disagree on {}", shown(.conflicts))]
    Conflicts {
        /// The sysroot.
        sysroot: String,
        /// Path, and the two packages, sorted by path.
        conflicts: Vec<(String, String, String)>,
    },
    /// A rule of the definition changes nothing.
    #[error("assemble sysroot `{sysroot}`: the rule `{rule}` changes nothing")]
    NoEffect {
        /// The sysroot.
        sysroot: String,
        /// The rule, as in the definition.
        rule: String,
    },
    /// A rule of the definition makes something where something is.
    #[error("assemble sysroot `{sysroot}`: the rule `{rule}` makes what a package or another rule has made already")]
    Occupied {
        /// The sysroot.
        sysroot: String,
        /// The rule, as in the definition.
        rule: String,
    },
    /// A glob cannot be read.
    #[error("assemble sysroot `{sysroot}`: `{glob}` is no glob: {reason}")]
    Glob {
        /// The sysroot.
        sysroot: String,
        /// The glob.
        glob: String,
        /// Why not.
        reason: String,
    },
    /// A package is pinned twice.
    #[error("assemble sysroot `{sysroot}`: package `{package}` is pinned twice")]
    PinnedTwice {
        /// The sysroot.
        sysroot: String,
        /// The package.
        package: String,
    },
    /// The archive that a source should hold is not there, or several are.
    #[error("unpack source `{archive}`: it holds {} archives named `{inner}`", .found.len())]
    Inner {
        /// The outer archive.
        archive: String,
        /// The name asked for.
        inner: String,
        /// The paths that match.
        found: Vec<String>,
    },
}

impl Error {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Store { source, .. } => return source.hint(),
            Self::Unpack { source, .. } => return source.hint(),
            Self::Conflicts { conflicts, .. } => {
                let (path, _, package) = conflicts.first()?;
                format!("decide each by a rule such as wins = [{{ path = \"{path}\", package = \"{package}\" }}]")
            }
            Self::NoEffect { .. } => "take the rule out, or correct its spelling".to_owned(),
            Self::Occupied { .. } => "name the path in `remove` first, if it is to be replaced".to_owned(),
            Self::Inner { found, .. } if found.is_empty() => {
                "`inner` is a path in the source archive, or the last components of one".to_owned()
            }
            Self::Inner { found, .. } => format!("write more of its path: {}", found.join(", ")),
            Self::PinnedTwice { .. } => "run `repro lock` again".to_owned(),
            Self::Doubled { .. } | Self::NotMerged { .. } => {
                "leave the package out: it was not made for a merged `usr`".to_owned()
            }
            Self::Glob { .. } => return None,
        })
    }

    /// A merge of a sysroot's packages that failed.
    pub(super) fn merge(sysroot: &str, error: store::MergeError) -> Self {
        match error {
            store::MergeError::Store(source) => Self::Store { what: format!("sysroot `{sysroot}`"), source },
            store::MergeError::Conflicts { conflicts } => Self::Conflicts {
                sysroot: sysroot.to_owned(),
                conflicts: conflicts.into_iter().map(|conflict| (conflict.path, conflict.a, conflict.b)).collect(),
            },
        }
    }

    /// Names what was being made when the store failed.
    pub(super) fn store(what: impl Into<String>) -> impl FnOnce(store::Error) -> Self {
        let what = what.into();
        move |source| Self::Store { what, source }
    }
}

/// The first few conflicts, and how many more there are.
fn shown(all: &[(String, String, String)]) -> String {
    const SHOWN: usize = 10;
    let one = |(path, a, b): &(String, String, String)| format!("`{path}` ({a}, {b})");
    let mut text = all.iter().take(SHOWN).map(one).collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN {
        text.push_str(&format!(" and {} more", all.len() - SHOWN));
    }
    text
}
