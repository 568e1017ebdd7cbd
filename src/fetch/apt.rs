//! Which Debian mirror and proxy the machine's own apt is configured with: sources.list(5), apt.conf(5).

use std::path::{Path, PathBuf};

use crate::fs::{self, Dir};

/// What of apt's configuration matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptConfig {
    /// Bases of Debian's main archive, in the order of the files, each once.
    pub debian: Vec<String>,
    /// `Acquire::http::Proxy`.
    pub http_proxy: Option<String>,
    /// `Acquire::https::Proxy`.
    pub https_proxy: Option<String>,
}

impl AptConfig {
    /// Reads the configuration below `root` (`/` for this machine). What is not there or cannot be read is left out:
    /// this is a fallback, and the error for a missing mirror names its cure.
    pub fn read(root: &Path) -> Self {
        let folder = root.join("etc/apt");
        let mut apt = Self::default();
        let mut sources = vec![folder.join("sources.list")];
        sources.extend(parts(&folder.join("sources.list.d"), &["list", "sources"]));
        for path in sources {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let found =
                if path.extension().is_some_and(|e| e == "sources") { deb822_uris(&text) } else { list_uris(&text) };
            for uri in found {
                if is_main_archive(&uri) && !apt.debian.contains(&uri) {
                    apt.debian.push(uri);
                }
            }
        }
        // apt reads the folder first, then apt.conf; the last value wins.
        let mut files = parts(&folder.join("apt.conf.d"), &["", "conf"]);
        files.push(folder.join("apt.conf"));
        for path in files {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            for (key, value) in conf_values(&text) {
                let value = (!value.is_empty() && !value.eq_ignore_ascii_case("DIRECT")).then_some(value);
                match key.to_ascii_lowercase().as_str() {
                    "acquire::http::proxy" => apt.http_proxy = value,
                    "acquire::https::proxy" => apt.https_proxy = value,
                    _ => {}
                }
            }
        }
        // apt's https method uses the http proxy when it has none of its own.
        if apt.https_proxy.is_none() {
            apt.https_proxy.clone_from(&apt.http_proxy);
        }
        apt
    }
}

/// The files of a `.d` folder that apt reads: sorted (as listed), with one of these extensions.
fn parts(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = Dir::open(folder).and_then(|dir| dir.list()) else { return Vec::new() };
    entries
        .iter()
        .map(|entry| folder.join(&entry.name))
        .filter(|path| extensions.contains(&path.extension().unwrap_or_default().to_str().unwrap_or("\0")))
        .collect()
}

/// Debian's own archive ends in `/debian`; the security archive, ports and other vendors do not.
fn is_main_archive(uri: &str) -> bool {
    let web = uri.starts_with("http://") || uri.starts_with("https://");
    web && uri.trim_end_matches('/').ends_with("/debian")
}

/// URIs of the `deb` lines: `deb [options] URI suite component…`.
fn list_uris(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default().trim();
            let rest = line.strip_prefix("deb")?;
            let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
            let rest = if rest.starts_with('[') { rest.split_once(']')?.1 } else { rest };
            rest.split_whitespace().next().map(str::to_owned)
        })
        .collect()
}

/// URIs of the enabled stanzas whose types have `deb`.
fn deb822_uris(text: &str) -> Vec<String> {
    // Comment lines may stand anywhere, also between a field and its continuation.
    let text: String = text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let mut uris = Vec::new();
    for stanza in super::debian::control::stanzas(&text) {
        let words = |field: &str| stanza.get(field).unwrap_or_default().split_whitespace().map(str::to_owned);
        let enabled = !words("Enabled").any(|word| matches!(word.to_ascii_lowercase().as_str(), "no" | "false" | "0"));
        if enabled && words("Types").any(|word| word == "deb") {
            uris.extend(words("URIs"));
        }
    }
    uris
}

/// The `name value` pairs of an apt.conf, with the scopes joined by `::`.
fn conf_values(text: &str) -> Vec<(String, String)> {
    let mut values = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") || first == '#' {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, rest)| rest);
        } else if first == '"' {
            let (word, after) = rest[1..].split_once('"').unwrap_or((&rest[1..], ""));
            words.push(word.to_owned());
            rest = after;
        } else if matches!(first, '{' | '}' | ';') {
            match first {
                '{' => scopes.push(words.concat()),
                '}' => drop(scopes.pop()),
                _ => {
                    if let [name, value] = words.as_slice() {
                        let name = scopes.iter().chain([name]).cloned().collect::<Vec<_>>().join("::");
                        values.push((name, value.clone()));
                    }
                }
            }
            words.clear();
            rest = &rest[1..];
        } else if first.is_whitespace() {
            rest = rest.trim_start();
        } else {
            let end =
                rest.find(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"')).unwrap_or(rest.len());
            words.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join("etc/apt").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn finds_the_main_archive_in_both_formats() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(
            root,
            "sources.list",
            "# deb http://commented.example/debian x main\n\
             deb [arch=amd64 signed-by=/k] http://one.example/debian/ bookworm main # note\n\
             deb-src http://source.example/debian bookworm main\n\
             deb http://one.example/debian-security bookworm-security main\n\
             deb cdrom:[Debian]/ bookworm main\n",
        );
        write(
            root,
            "sources.list.d/debian.sources",
            "Types: deb deb-src\n# a comment\nURIs: http://two.example/debian\n https://three.example/mirrors/debian/\n\
             Suites: bookworm\n\nTypes: deb\nEnabled: no\nURIs: http://off.example/debian\n\n\
             Types: deb-src\nURIs: http://src.example/debian\n",
        );
        write(root, "sources.list.d/other.list", "deb https://vendor.example/apt stable main\n");
        write(root, "sources.list.d/old.sources.disabled", "Types: deb\nURIs: http://old.example/debian\n");
        assert_eq!(
            AptConfig::read(root).debian,
            ["http://one.example/debian/", "http://two.example/debian", "https://three.example/mirrors/debian/"]
        );
    }

    #[test]
    fn finds_the_proxy_in_both_spellings() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "apt.conf.d/01a", "Acquire::http::Proxy \"http://first.example:3128\"; // old\n");
        write(
            root,
            "apt.conf.d/02b",
            "/* why { */ Acquire { http { Proxy \"http://proxy.example:3142/\"; Timeout \"9\"; }; };\n",
        );
        write(root, "apt.conf.d/03c.bak", "Acquire::http::Proxy \"http://ignored.example\";");
        let apt = AptConfig::read(root);
        assert_eq!(apt.http_proxy.as_deref(), Some("http://proxy.example:3142/"));
        assert_eq!(apt.https_proxy, apt.http_proxy);
        write(root, "apt.conf", "Acquire::http::Proxy \"DIRECT\"; Acquire::https::proxy \"http://tls.example\";");
        let apt = AptConfig::read(root);
        assert_eq!((apt.http_proxy, apt.https_proxy.as_deref()), (None, Some("http://tls.example")));
        assert_eq!(AptConfig::read(Path::new("/nonexistent")), AptConfig::default());
    }

    #[test]
    fn broken_files_do_no_harm() {
        for text in ["{{{", "\"open", "/* open", "Acquire::http::Proxy", "}};;", "a b c d;"] {
            assert!(conf_values(text).is_empty(), "{text}");
        }
    }
}
