//! Makes a lockfile from definitions, and tells whether one still fits them.
//!
//! [`resolve`] keeps what still fits: a source keeps its digest as long as one of its places stays (all places of a
//! source hold the same bytes), a sysroot keeps its packages as long as its definition stays the same and no other
//! sysroot of its archive has to be resolved: one lockfile has one state of each archive. Only [`Update::All`] moves
//! packages that nobody touched.
//!
//! A source without a known digest is believed at first use: what the first place gives is hashed and pinned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::time::Duration;

use liblzma::read::XzDecoder;

use super::debian::closure::{self, Unsatisfied};
use super::debian::index::Index;
use super::debian::openpgp::{self, SignatureError};
use super::debian::release::{Release, ReleaseError};
use super::{Fetcher, Pin, join};
use crate::digest::{Digest, ParseDigestError};
use crate::lockfile::{ArchivePin, Lockfile, PackagePin, SourcePin, SysrootPin};
use crate::store;

/// An `InRelease` is some 150 kB.
const INRELEASE_LIMIT: u64 = 16 << 20;

/// A package archive to resolve against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveRequest {
    /// Suite or code name, such as `bookworm`.
    pub suite: String,
    /// The one component that is read, such as `main`.
    pub component: String,
    /// Architecture in the archive's own terms, such as `amd64`.
    pub architecture: String,
    /// Where it is, such as `mirror://debian/`.
    pub base: String,
    /// The public keys that may sign it, ASCII-armoured.
    pub keys: String,
}

/// A sysroot whose packages are wanted, with what it extends already taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysrootRequest {
    /// Its name.
    pub name: String,
    /// The name of its archive.
    pub archive: String,
    /// Packages that it is to have, with all that they depend on.
    pub packages: Vec<String>,
    /// Packages to leave out, also when others depend on them.
    pub exclude: Vec<String>,
}

impl SysrootRequest {
    /// The digest of all that decides what it is resolved to, besides the archive's state: the order of the names and
    /// repetitions do not count.
    pub fn definition(&self, archive: &ArchiveRequest) -> Digest {
        let ArchiveRequest { suite, component, architecture, .. } = archive;
        let mut text = format!("sysroot 1\narchive {}\n{suite} {component} {architecture}\n", self.archive);
        for (word, names) in [("package", &self.packages), ("exclude", &self.exclude)] {
            for name in names.iter().collect::<BTreeSet<_>>() {
                text.push_str(&format!("{word} {name}\n"));
            }
        }
        Digest::of(text.as_bytes())
    }
}

/// All that a lockfile is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Archives by name.
    pub archives: BTreeMap<String, ArchiveRequest>,
    /// Sysroots, in any order.
    pub sysroots: Vec<SysrootRequest>,
    /// Places of each source, by its name.
    pub sources: BTreeMap<String, Vec<String>>,
}

/// What to resolve again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Update {
    /// What is missing or no longer fits.
    #[default]
    Needed,
    /// All sysroots, against the archives as they are now.
    All,
}

/// A failure to make a lockfile. Reads after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A sysroot names an archive that is not defined.
    #[error("resolve the sysroot `{sysroot}`: there is no archive `{archive}`")]
    NoArchive {
        /// The sysroot.
        sysroot: String,
        /// The name.
        archive: String,
    },
    /// Something could not be downloaded.
    #[error(transparent)]
    Fetch(#[from] super::Error),
    /// What was just downloaded could not be read back.
    #[error("read `{what}` from the store")]
    Store {
        /// What it is.
        what: String,
        /// The store's reason.
        source: store::Error,
    },
    /// The archive's index is not signed as it should be.
    #[error("verify the index of the archive `{archive}`")]
    Signature {
        /// The archive.
        archive: String,
        /// What is wrong with the signature.
        source: SignatureError,
    },
    /// The archive's index is not the wanted one.
    #[error("accept the index of the archive `{archive}`")]
    Release {
        /// The archive.
        archive: String,
        /// What is wrong with it.
        source: ReleaseError,
    },
    /// The package index cannot be read although it has the right digest.
    #[error("read the package index of the archive `{archive}`: {reason}")]
    Index {
        /// The archive.
        archive: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Packages are missing.
    #[error("resolve the sysroot `{sysroot}`:{}", problems.iter().map(|p| format!("\n  {p}")).collect::<String>())]
    Unsatisfied {
        /// The sysroot.
        sysroot: String,
        /// All wishes that the archive cannot fulfil.
        problems: Vec<Unsatisfied>,
    },
    /// A package's entry in the index has no proper digest.
    #[error("pin the package `{package}`")]
    Package {
        /// The package.
        package: String,
        /// What is wrong with the digest.
        source: ParseDigestError,
    },
}

impl Error {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoArchive { .. } => Some("define it in `sysroots/archives.toml`".to_owned()),
            Self::Fetch(source) => source.hint(),
            Self::Signature { source, .. } => source.hint(),
            Self::Release { source, .. } => source.hint(),
            Self::Unsatisfied { .. } => Some(
                "a package that the sysroot can do without goes into its `exclude`; the archive may also have renamed it"
                    .to_owned(),
            ),
            Self::Store { source, .. } => source.hint(),
            Self::Index { .. } | Self::Package { .. } => None,
        }
    }
}

/// Makes the lockfile that fits `request`; `old` is the one before, `now` the time since 1970.
///
/// What the outputs are known to be is taken over from `old` as it is: it is for the caller to build and record anew.
/// With nothing to resolve, nothing is downloaded.
///
/// # Errors
/// Something cannot be had, verified or satisfied; nothing is half resolved then.
pub fn resolve(
    fetcher: &Fetcher<'_>,
    request: &Request,
    old: Option<&Lockfile>,
    update: Update,
    now: Duration,
) -> Result<Lockfile, Error> {
    let none = Lockfile::new();
    let old = old.unwrap_or(&none);
    let mut new = Lockfile { outputs: old.outputs.clone(), ..Lockfile::new() };
    new.sources = sources(fetcher, &request.sources, old)?;
    let mut by_archive: BTreeMap<&str, Vec<&SysrootRequest>> = BTreeMap::new();
    for sysroot in &request.sysroots {
        by_archive.entry(&sysroot.archive).or_default().push(sysroot);
    }
    for (name, sysroots) in by_archive {
        let archive = request
            .archives
            .get(name)
            .ok_or_else(|| Error::NoArchive { sysroot: sysroots[0].name.clone(), archive: name.to_owned() })?;
        let known = old.archives.get(name).filter(|known| known.suite == archive.suite);
        let fits = |sysroot: &&SysrootRequest| {
            let pin = old.sysroots.get(&sysroot.name);
            pin.is_some_and(|pin| pin.definition == sysroot.definition(archive))
        };
        match known {
            Some(known) if update == Update::Needed && sysroots.iter().all(fits) => {
                new.archives.insert(name.to_owned(), known.clone());
                for sysroot in sysroots {
                    if let Some(pin) = old.sysroots.get(&sysroot.name) {
                        new.sysroots.insert(sysroot.name.clone(), pin.clone());
                    }
                }
            }
            _ => {
                let state = State::read(fetcher, name, archive, known, now)?;
                let index = state.index(archive)?;
                for sysroot in sysroots {
                    let packages = packages(&index, sysroot)?;
                    let pin = SysrootPin { definition: sysroot.definition(archive), packages };
                    new.sysroots.insert(sysroot.name.clone(), pin);
                }
                new.archives.insert(name.to_owned(), state.pin);
            }
        }
    }
    Ok(new)
}

fn sources(
    fetcher: &Fetcher<'_>,
    wanted: &BTreeMap<String, Vec<String>>,
    old: &Lockfile,
) -> Result<BTreeMap<String, SourcePin>, Error> {
    let known = |name: &str, urls: &[String]| {
        let pin = old.sources.get(name)?;
        pin.urls.iter().any(|url| urls.contains(url)).then_some(pin.digest)
    };
    let pin = |(name, urls): (&String, &Vec<String>)| Pin { name: name.clone(), urls: urls.clone(), digest: None };
    let first: Vec<Pin> = wanted.iter().filter(|(name, urls)| known(name, urls).is_none()).map(pin).collect();
    let digests = fetcher.fetch(&first)?;
    let mut fetched: BTreeMap<String, Digest> = first.into_iter().map(|pin| pin.name).zip(digests).collect();
    let digest = |name: &String, urls: &[String]| known(name, urls).or_else(|| fetched.remove(name));
    let mut digest = digest;
    Ok(wanted
        .iter()
        .filter_map(|(name, urls)| Some((name.clone(), SourcePin { urls: urls.clone(), digest: digest(name, urls)? })))
        .collect())
}

fn packages(index: &Index<'_>, sysroot: &SysrootRequest) -> Result<Vec<PackagePin>, Error> {
    let wanted = closure::resolve(index, &sysroot.packages, &sysroot.exclude)
        .map_err(|problems| Error::Unsatisfied { sysroot: sysroot.name.clone(), problems })?;
    wanted
        .into_iter()
        .map(|package| package.pin().map_err(|source| Error::Package { package: package.name.to_owned(), source }))
        .collect()
}

/// An archive as it is now: its pin and the text of its package index.
struct State {
    name: String,
    pin: ArchivePin,
    text: String,
}

impl State {
    fn read(
        fetcher: &Fetcher<'_>,
        name: &str,
        archive: &ArchiveRequest,
        known: Option<&ArchivePin>,
        now: Duration,
    ) -> Result<Self, Error> {
        let get = |what: &str, digest: Digest| {
            fetcher.store().get_bytes(digest).map_err(|source| Error::Store { what: what.to_owned(), source })
        };
        let top = join(&archive.base, &format!("dists/{}", archive.suite));
        let pin = Pin { name: format!("{name}: InRelease"), urls: vec![join(&top, "InRelease")], digest: None };
        let inrelease = fetcher.fetch_first(&pin, INRELEASE_LIMIT)?;
        let message = String::from_utf8_lossy(&get(&pin.name, inrelease)?).into_owned();
        let text = openpgp::verify(&message, &archive.keys, now)
            .map_err(|source| Error::Signature { archive: name.to_owned(), source })?;
        let failed = |source| Error::Release { archive: name.to_owned(), source };
        let release = Release::parse(&text).map_err(failed)?;
        let known = known.map(|known| known.timestamp.as_str());
        release.check(&archive.suite, now, known).map_err(failed)?;

        let folder = format!("{}/binary-{}", archive.component, archive.architecture);
        let plain = release.file(&format!("{folder}/Packages")).map_err(failed)?;
        let packed = release.file(&format!("{folder}/Packages.xz")).map_err(failed)?;
        let mut urls = vec![join(&top, &format!("{folder}/Packages.xz"))];
        if release.by_hash {
            // While a mirror is updated, only the address by hash is sure to go with the InRelease.
            urls.insert(0, join(&top, &format!("{folder}/by-hash/SHA256/{}", packed.hex())));
        }
        let pin = Pin { name: format!("{name}: Packages.xz"), urls, digest: Some(packed) };
        fetcher.fetch(std::slice::from_ref(&pin))?;
        let text = unpack(&get(&pin.name, packed)?, plain)
            .map_err(|reason| Error::Index { archive: name.to_owned(), reason })?;
        let pin = ArchivePin { suite: archive.suite.clone(), timestamp: release.date.timestamp(), inrelease };
        Ok(Self { name: name.to_owned(), pin, text })
    }

    fn index<'a>(&'a self, archive: &'a ArchiveRequest) -> Result<Index<'a>, Error> {
        Index::parse(&self.text, &archive.architecture)
            .map_err(|error| Error::Index { archive: self.name.clone(), reason: error.to_string() })
    }
}

/// Unpacks an xz file that is known to hold `want`, and no more of it than that.
fn unpack(packed: &[u8], want: Digest) -> Result<String, String> {
    let mut bytes = Vec::new();
    XzDecoder::new_multi_decoder(packed)
        .take(want.size.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| format!("it is not proper xz: {error}"))?;
    let got = Digest::of(&bytes);
    if got != want {
        return Err(format!("expected {want} unpacked, got {got}"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// One way in which a lockfile does not fit the definitions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Disagreement {
    /// An archive is not pinned, or in another suite.
    Archive {
        /// The archive.
        name: String,
    },
    /// A source is defined and not pinned.
    SourceMissing {
        /// The source.
        name: String,
    },
    /// A source is pinned with other places than defined.
    SourceUrls {
        /// The source.
        name: String,
    },
    /// A source is pinned and not defined.
    SourceUnused {
        /// The source.
        name: String,
    },
    /// A sysroot is defined and not pinned.
    SysrootMissing {
        /// The sysroot.
        name: String,
    },
    /// A sysroot was resolved from another definition.
    SysrootChanged {
        /// The sysroot.
        name: String,
    },
    /// A sysroot is pinned and not defined.
    SysrootUnused {
        /// The sysroot.
        name: String,
    },
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive { name } => write!(f, "archive `{name}` is not pinned in the defined suite"),
            Self::SourceMissing { name } => write!(f, "source `{name}` is not pinned"),
            Self::SourceUrls { name } => write!(f, "source `{name}` is pinned with other places"),
            Self::SourceUnused { name } => write!(f, "source `{name}` is pinned and no longer defined"),
            Self::SysrootMissing { name } => write!(f, "sysroot `{name}` is not pinned"),
            Self::SysrootChanged { name } => write!(f, "sysroot `{name}` was resolved from another definition"),
            Self::SysrootUnused { name } => write!(f, "sysroot `{name}` is pinned and no longer defined"),
        }
    }
}

/// All ways in which `lockfile` does not fit `request`; none when `repro lock` would leave it as it is. Asks nobody.
pub fn check(request: &Request, lockfile: &Lockfile) -> Vec<Disagreement> {
    let mut found = Vec::new();
    for (name, urls) in &request.sources {
        match lockfile.sources.get(name) {
            None => found.push(Disagreement::SourceMissing { name: name.clone() }),
            Some(pin) if pin.urls != *urls => found.push(Disagreement::SourceUrls { name: name.clone() }),
            Some(_) => {}
        }
    }
    for name in lockfile.sources.keys().filter(|name| !request.sources.contains_key(*name)) {
        found.push(Disagreement::SourceUnused { name: name.clone() });
    }
    for sysroot in &request.sysroots {
        let name = sysroot.name.clone();
        let archive = request.archives.get(&sysroot.archive);
        let pinned = lockfile.archives.get(&sysroot.archive);
        if archive.zip(pinned).is_none_or(|(archive, pin)| archive.suite != pin.suite) {
            found.push(Disagreement::Archive { name: sysroot.archive.clone() });
        }
        match lockfile.sysroots.get(&name) {
            None => found.push(Disagreement::SysrootMissing { name }),
            Some(pin) if archive.is_none_or(|archive| pin.definition != sysroot.definition(archive)) => {
                found.push(Disagreement::SysrootChanged { name });
            }
            Some(_) => {}
        }
    }
    let defined: BTreeSet<&String> = request.sysroots.iter().map(|sysroot| &sysroot.name).collect();
    for name in lockfile.sysroots.keys().filter(|name| !defined.contains(name)) {
        found.push(Disagreement::SysrootUnused { name: name.clone() });
    }
    found.sort();
    found.dedup();
    found
}
