//! The archive's signed index of indices: the contents of `InRelease`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::control;
pub use super::date::Date;
use crate::digest::Digest;

/// How far an index may be ahead of this machine's clock.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// What of an `InRelease` matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `Suite`, such as `stable`.
    pub suite: String,
    /// `Codename`, such as `bookworm`.
    pub codename: String,
    /// When it was made.
    pub date: Date,
    /// When it ceases to be good, if ever.
    pub valid_until: Option<Date>,
    /// Indices can be asked for by their hash.
    pub by_hash: bool,
    /// Indices by path below `dists/SUITE/`.
    pub files: BTreeMap<String, Digest>,
}

/// An index that is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// A field is missing or cannot be read.
    #[error("read its field `{field}`")]
    Field {
        /// The field.
        field: &'static str,
    },
    /// A line of the list of files cannot be read.
    #[error("read its line `{line}`")]
    Line {
        /// The line.
        line: String,
    },
    /// It is of another suite.
    #[error("find suite `{wanted}`: it is of suite `{suite}`, codename `{codename}`")]
    Suite {
        /// What was asked for.
        wanted: String,
        /// Its suite.
        suite: String,
        /// Its codename.
        codename: String,
    },
    /// It claims to be made in the future.
    #[error("believe its date `{date}`, which is in the future")]
    Future {
        /// Its date.
        date: String,
    },
    /// It is no longer good.
    #[error("use it after its `Valid-Until`, `{until}`")]
    Expired {
        /// The last moment.
        until: String,
    },
    /// It is older than the one that the lockfile was made from.
    #[error("go back from the index of `{known}` to that of `{date}`")]
    Rollback {
        /// Its date.
        date: String,
        /// The lockfile's.
        known: String,
    },
    /// It does not have the wanted index.
    #[error("find `{path}` in it")]
    NoIndex {
        /// The path below `dists/SUITE/`.
        path: String,
    },
}

impl ReleaseError {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Future { .. } => "set this machine's clock".to_owned(),
            Self::Expired { .. } => "the mirror is out of date, or kept so on purpose: use another one".to_owned(),
            Self::Rollback { .. } => {
                "the mirror is out of date: use another one; if you mean to go back, remove the archive from \
                 `lockfile.json` first"
                    .to_owned()
            }
            Self::NoIndex { .. } => "check component and architecture in `sysroots/archives.toml`".to_owned(),
            Self::Field { .. } | Self::Line { .. } | Self::Suite { .. } => return None,
        })
    }
}

impl Release {
    /// Reads the signed text.
    ///
    /// # Errors
    /// A field that matters is missing or malformed.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let stanza = control::stanzas(text).next().unwrap_or_default();
        let field = |field| stanza.get(field).ok_or(ReleaseError::Field { field });
        let date = Date::parse(field("Date")?).ok_or(ReleaseError::Field { field: "Date" })?;
        let valid_until = match stanza.get("Valid-Until") {
            None => None,
            Some(text) => Some(Date::parse(text).ok_or(ReleaseError::Field { field: "Valid-Until" })?),
        };
        let mut files = BTreeMap::new();
        for line in field("SHA256")?.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let wrong = || ReleaseError::Line { line: line.to_owned() };
            let words: Vec<&str> = line.split_whitespace().collect();
            let [hex, size, path] = words[..] else { return Err(wrong()) };
            let digest = Digest::from_hex(hex, size.parse().map_err(|_| wrong())?).map_err(|_| wrong())?;
            files.insert(path.to_owned(), digest);
        }
        Ok(Self {
            suite: stanza.get("Suite").unwrap_or_default().to_owned(),
            codename: stanza.get("Codename").unwrap_or_default().to_owned(),
            date,
            valid_until,
            by_hash: stanza.get("Acquire-By-Hash").is_some_and(|text| text.eq_ignore_ascii_case("yes")),
            files,
        })
    }

    /// Checks that it is the index of `suite`, good at `now` (since 1970) and no older than `known`, the timestamp of
    /// the lockfile.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self, suite: &str, now: Duration, known: Option<&str>) -> Result<(), ReleaseError> {
        if suite.is_empty() || (suite != self.suite && suite != self.codename) {
            return Err(ReleaseError::Suite {
                wanted: suite.to_owned(),
                suite: self.suite.clone(),
                codename: self.codename.clone(),
            });
        }
        let date = self.date.timestamp();
        if self.date.seconds() > (now + AHEAD).as_secs() {
            return Err(ReleaseError::Future { date });
        }
        if let Some(until) = self.valid_until.filter(|until| until.seconds() < now.as_secs()) {
            return Err(ReleaseError::Expired { until: until.timestamp() });
        }
        // Both have the one form, in which the order of the texts is that of the times.
        if let Some(known) = known.filter(|known| *known > date.as_str()) {
            return Err(ReleaseError::Rollback { date, known: known.to_owned() });
        }
        Ok(())
    }

    /// The digest of the index at `path`.
    ///
    /// # Errors
    /// It is not listed.
    pub fn file(&self, path: &str) -> Result<Digest, ReleaseError> {
        self.files.get(path).copied().ok_or_else(|| ReleaseError::NoIndex { path: path.to_owned() })
    }
}
