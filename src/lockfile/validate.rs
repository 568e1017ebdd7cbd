//! What a lockfile must hold beyond its shape.

use super::error::{Error, Problem};
use super::model::Lockfile;

impl Lockfile {
    /// Checks what the types cannot say: names that become parts of paths, places that may be asked for bytes, sorted
    /// and unique packages.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every problem found.
    pub fn validate(&self) -> Result<(), Error> {
        let mut problems = Vec::new();
        let mut wrong = |place: String, reason: String| problems.push(Problem { place, reason });
        for (name, archive) in &self.archives {
            check_name(&format!("archives.{name}"), name, &mut wrong);
            if !is_timestamp(&archive.timestamp) {
                let reason = format!("want a time such as `20261101T000000Z`, not `{}`", archive.timestamp);
                wrong(format!("archives.{name}.timestamp"), reason);
            }
            check_name(&format!("archives.{name}.suite"), &archive.suite, &mut wrong);
        }
        for (name, source) in &self.sources {
            check_name(&format!("sources.{name}"), name, &mut wrong);
            let place = format!("sources.{name}.urls");
            if source.urls.is_empty() {
                wrong(place.clone(), "want at least one place to get it from".to_owned());
            }
            for url in &source.urls {
                if let Err(reason) = check_url(url) {
                    wrong(place.clone(), format!("`{url}`: {reason}"));
                }
            }
        }
        for (name, sysroot) in &self.sysroots {
            check_name(&format!("sysroots.{name}"), name, &mut wrong);
            for package in &sysroot.packages {
                let place = format!("sysroots.{name}.packages.{}", package.name);
                check_name(&place, &package.name, &mut wrong);
                if package.version.is_empty() {
                    wrong(place.clone(), "want a version".to_owned());
                }
                if let Err(reason) = check_path(&package.path) {
                    wrong(place, format!("`{}`: {reason}", package.path));
                }
            }
            for pair in sysroot.packages.windows(2) {
                if pair[0].name >= pair[1].name {
                    let reason = format!("`{}` must come before `{}`, once", pair[1].name, pair[0].name);
                    wrong(format!("sysroots.{name}.packages"), reason);
                }
            }
        }
        for (stage, targets) in &self.outputs {
            check_name(&format!("outputs.{stage}"), stage, &mut wrong);
            for target in targets.keys() {
                check_name(&format!("outputs.{stage}.{target}"), target, &mut wrong);
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Invalid { problems }) }
    }
}

/// A name may become a file name: one plain component, printable.
fn check_name(place: &str, name: &str, wrong: &mut dyn FnMut(String, String)) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+~:".contains(&byte);
    if name.is_empty() || name.starts_with('.') || name.starts_with('-') || !name.bytes().all(plain) {
        wrong(place.to_owned(), format!("`{}` is not a plain name", name.escape_debug()));
    }
}

/// The rule for a relative path: plain components, none of them `.` or `..`.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.starts_with('/') {
        return Err("want a relative path");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("want a path without empty parts, `.` and `..`");
    }
    if path.bytes().any(|byte| byte.is_ascii_control() || byte == b' ' || byte == b'\\' || !byte.is_ascii()) {
        return Err("want plain printable ASCII");
    }
    Ok(())
}

/// The rule for a place: `http(s)://…` or `mirror://NAME/path`.
pub(super) fn check_url(url: &str) -> Result<(), &'static str> {
    if let Some(rest) = url.strip_prefix("mirror://") {
        let (name, path) = rest.split_once('/').ok_or("want `mirror://NAME/path`")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err("a mirror's name has lower-case letters, digits and `-` only");
        }
        return check_path(path);
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let rest = rest.ok_or("want `https://…`, `http://…` or `mirror://NAME/path`")?;
    if rest.is_empty() || rest.starts_with('/') {
        return Err("want a host name");
    }
    if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
        return Err("a lockfile is no place for credentials");
    }
    if url.bytes().any(|byte| byte.is_ascii_control() || byte == b' ' || !byte.is_ascii()) {
        return Err("want plain printable ASCII");
    }
    Ok(())
}

/// `YYYYMMDDThhmmssZ`.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 16
        && bytes[8] == b'T'
        && bytes[15] == b'Z'
        && bytes.iter().enumerate().all(|(at, byte)| at == 8 || at == 15 || byte.is_ascii_digit())
}
