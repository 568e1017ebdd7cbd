//! Where `mirror://NAME/path` leads.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::apt::AptConfig;

/// The bases of each mirror name, in the order in which they are tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors {
    bases: BTreeMap<String, Vec<String>>,
    /// Proxy by host, for hosts that apt reaches by one.
    proxies: BTreeMap<String, String>,
}

impl Mirrors {
    /// Mirrors from the user's configuration: for each name its bases (`https://…`, `http://…`, `file:///dir` or the
    /// absolute path of a directory), several ones separated by white space.
    pub fn new(configured: &BTreeMap<String, String>) -> Self {
        let bases = configured
            .iter()
            .map(|(name, text)| (name.clone(), text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()))
            .filter(|(_, bases)| !bases.is_empty())
            .collect();
        Self { bases, proxies: BTreeMap::new() }
    }

    /// Adds what the machine's own apt uses for `debian`, unless the user configured that name.
    #[must_use]
    pub fn with_apt(mut self, apt: &AptConfig) -> Self {
        if self.bases.contains_key("debian") || apt.debian.is_empty() {
            return self;
        }
        for base in &apt.debian {
            let Ok(url) = Url::parse(base) else { continue };
            let proxy = if url.scheme() == "https" { &apt.https_proxy } else { &apt.http_proxy };
            if let (Some(host), Some(proxy)) = (url.host_str(), proxy) {
                self.proxies.insert(host.to_owned(), proxy.clone());
            }
        }
        self.bases.insert("debian".to_owned(), apt.debian.clone());
        self
    }

    /// The bases of `name`.
    pub fn bases(&self, name: &str) -> &[String] {
        self.bases.get(name).map_or(&[], Vec::as_slice)
    }

    /// The proxy by which `host` is reached, if any.
    pub fn proxy(&self, host: &str) -> Option<&str> {
        self.proxies.get(host).map(String::as_str)
    }

    /// The places that `url` stands for, in order.
    ///
    /// # Errors
    /// The text is not a place, or it is on a mirror that has no base.
    pub fn places(&self, url: &str) -> Result<Vec<Place>, MirrorError> {
        let Some(rest) = url.strip_prefix("mirror://") else {
            return Ok(vec![Place::Web(web(url)?)]);
        };
        let wrong = |reason| MirrorError::Url { url: url.to_owned(), reason };
        let (name, path) = rest.split_once('/').ok_or_else(|| wrong("want `mirror://NAME/path`"))?;
        if path.is_empty() || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(wrong("want a path without empty parts, `.` and `..`"));
        }
        let bases = self.bases(name);
        if bases.is_empty() {
            return Err(MirrorError::NoBase { name: name.to_owned() });
        }
        bases
            .iter()
            .map(|base| match base.strip_prefix("file://").or(base.starts_with('/').then_some(base.as_str())) {
                Some(folder) if folder.starts_with('/') => Ok(Place::Folder(Path::new(folder).join(path))),
                Some(_) => Err(MirrorError::Url { url: base.clone(), reason: "want an absolute path" }),
                None => web(&super::join(base, path)).map(Place::Web),
            })
            .collect()
    }
}

fn web(text: &str) -> Result<Url, MirrorError> {
    let wrong = |reason| MirrorError::Url { url: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|_| wrong("not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("want `https:`, `http:` or `mirror:`"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("want a host name"));
    }
    Ok(url)
}

/// One place to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Over http or https.
    Web(Url),
    /// A file of a local mirror.
    Folder(PathBuf),
}

impl Place {
    /// What connections are counted by: the host, or nothing for local files.
    pub fn host(&self) -> &str {
        match self {
            Self::Web(url) => url.host_str().unwrap_or_default(),
            Self::Folder(_) => "",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => f.write_str(url.as_str()),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A place that cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// Not a place.
    #[error("take `{url}` as a place: {reason}")]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody said where this mirror is.
    #[error("find a base for the mirror `{name}`")]
    NoBase {
        /// The mirror.
        name: String,
    },
}

impl MirrorError {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Url { .. } => None,
            Self::NoBase { name } => {
                let variable = name.to_ascii_uppercase().replace('-', "_");
                Some(format!("set REPRO_MIRROR_{variable} to the address of a mirror, or to a local directory"))
            }
        }
    }
}
