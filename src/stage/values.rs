//! The small languages inside strings: durations, sizes, paths, names, parameters.
//!
//! Each parser takes text and gives a value or the message of a mistake with, where there is one, the cure.

use std::time::Duration;

use super::model::InputRef;

/// What is wrong with a value, and the cure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub message: String,
    pub help: Option<String>,
}

impl Wrong {
    /// Message and cure as one text.
    pub(super) fn said(self) -> String {
        [Some(self.message), self.help].into_iter().flatten().collect::<Vec<_>>().join(": ")
    }

    pub(super) fn new<T>(message: impl Into<String>, help: Option<&str>) -> Result<T, Self> {
        Err(Self { message: message.into(), help: help.map(str::to_owned) })
    }
}

/// `90s`, `15m`, `1h30m`, `500ms`: whole numbers, each with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, Wrong> {
    let bad = || Wrong {
        message: format!("`{text}` is no duration"),
        help: Some("write whole numbers with their units (ms, s, m, h), such as `90s` or `1h30m`".to_owned()),
    };
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(|byte| !byte.is_ascii_digit()).count();
        let milliseconds = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(bad()),
        };
        rest = &rest[letters..];
        let part = number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(bad)?;
        total = total.checked_add(part).ok_or_else(bad)?;
    }
    if total.is_zero() { Err(bad()) } else { Ok(total) }
}

/// `512MiB`, `8GiB`, `4096B`: a whole number of bytes.
pub(super) fn size(text: &str) -> Result<u64, Wrong> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[digits..].trim_start();
    let bad = |help: String| Wrong { message: format!("`{text}` is no size"), help: Some(help) };
    let plain = || bad("write a whole number with its unit (B, KiB, MiB, GiB, TiB), such as `8GiB`".to_owned());
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => {
            let letter = unit.chars().next().map(|c| c.to_ascii_uppercase()).filter(|c| "KMGT".contains(*c));
            return Err(match letter {
                Some(letter) if digits > 0 => bad(format!("sizes are binary: `{}{letter}iB`", &text[..digits])),
                _ => plain(),
            });
        }
    };
    let number: u64 = text[..digits].parse().map_err(|_| plain())?;
    match number.checked_mul(1 << shift) {
        None | Some(0) => Err(plain()),
        Some(bytes) => Ok(bytes),
    }
}

/// A name of a stage, source, sysroot, archive or parameter.
pub(super) fn name(text: &str) -> Result<(), Wrong> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+._-".contains(&byte);
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if first && text.len() <= 100 && text.bytes().all(good) {
        return Ok(());
    }
    Wrong::new(
        format!("`{}` is no name", text.escape_debug()),
        Some("at most 100 of: lower-case letters, digits, `+`, `.`, `_`, `-`; a letter or digit first"),
    )
}

/// A path below some folder: relative, no `.`, `..` or empty part.
pub(super) fn relative_path(text: &str) -> Result<(), Wrong> {
    let shown = text.escape_debug();
    if text.starts_with('/') {
        let cure = text.trim_start_matches('/');
        let help = (!cure.is_empty()).then(|| format!("write it without the leading slash: `{cure}`"));
        return Err(Wrong { message: format!("path `{shown}` is absolute"), help });
    }
    if text.split('/').any(|part| part == "..") {
        return Wrong::new(format!("path `{shown}` leaves its folder by `..`"), Some("paths go down only"));
    }
    if text.is_empty() || text.contains('\0') || text.split('/').any(|part| part.is_empty() || part == ".") {
        return Wrong::new(format!("path `{shown}` has an empty part, a `.` or a NUL"), None);
    }
    Ok(())
}

/// `sysroot:NAME`, `stage:NAME`, `stage:NAME/sub/tree`.
pub(super) fn input_ref(text: &str) -> Result<InputRef, Wrong> {
    if let Some(sysroot) = text.strip_prefix("sysroot:") {
        if let Some((head, _)) = sysroot.split_once('/') {
            let help = format!("a sysroot is taken whole: `sysroot:{head}`");
            return Err(Wrong { message: format!("`{text}` names a part of a sysroot"), help: Some(help) });
        }
        name(sysroot)?;
        return Ok(InputRef::Sysroot(sysroot.to_owned()));
    }
    let Some(rest) = text.strip_prefix("stage:") else {
        let word = text.split_once(':').map_or(text, |(_, word)| word);
        let help = match name(word.split('/').next().unwrap_or(word)) {
            Ok(()) => format!("write `stage:{word}` or `sysroot:{word}`"),
            Err(_) => "write `stage:NAME`, `stage:NAME/sub/tree` or `sysroot:NAME`".to_owned(),
        };
        return Err(Wrong { message: format!("`{}` names no input", text.escape_debug()), help: Some(help) });
    };
    let (stage, path) = rest.split_once('/').map_or((rest, None), |(stage, path)| (stage, Some(path)));
    name(stage)?;
    path.map_or(Ok(()), relative_path)?;
    Ok(InputRef::Stage { name: stage.to_owned(), path: path.unwrap_or_default().to_owned() })
}

/// A place to fetch from.
pub(super) fn url(text: &str) -> Result<(), Wrong> {
    let rest = ["mirror://", "https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let help = Some("write `mirror://NAME/path`, `https://…` or `http://…`, down to the file's name");
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    match rest.and_then(|rest| rest.split_once('/')) {
        Some((host, path)) if clean && !host.is_empty() && !path.is_empty() && !path.ends_with('/') => Ok(()),
        _ => Wrong::new(format!("`{}` is no place of a source", text.escape_debug()), help),
    }
}

/// Root of a package archive.
pub(super) fn base_url(text: &str) -> Result<(), Wrong> {
    let rest = ["mirror://", "https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    match rest {
        Some(rest) if clean && rest.len() > 1 && rest.ends_with('/') && !rest.starts_with('/') => Ok(()),
        _ => Wrong::new(
            format!("`{}` is no root of an archive", text.escape_debug()),
            Some("write `mirror://NAME/` or a URL that ends in `/`"),
        ),
    }
}

/// A glob over relative paths.
pub(super) fn glob(text: &str) -> Result<(), Wrong> {
    if text.is_empty() || text.starts_with('/') {
        return Wrong::new(
            format!("glob `{}` matches no path", text.escape_debug()),
            Some("paths in trees have no leading slash"),
        );
    }
    match globset::GlobBuilder::new(text).literal_separator(true).build() {
        Ok(_) => Ok(()),
        Err(error) => Err(Wrong { message: format!("glob `{text}` is wrong: {}", error.kind()), help: None }),
    }
}

/// Name of an environment variable.
pub(super) fn variable(text: &str) -> Result<(), Wrong> {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if first && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Wrong::new(
        format!("`{}` is no name of an environment variable", text.escape_debug()),
        Some("letters, digits and `_`; no digit first"),
    )
}

/// `0644` or `0755`.
pub(super) fn mode(text: &str) -> Result<u32, Wrong> {
    match text {
        "0644" => Ok(0o644),
        "0755" => Ok(0o755),
        _ => Wrong::new(format!("mode `{}` is not plain", text.escape_debug()), Some("write \"0644\" or \"0755\"")),
    }
}

/// [`expand`] for text that is no definition: the first name without a value ends it.
pub(crate) fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut unknown = None;
    let filled = expand(text, |name| {
        value(name).ok_or_else(|| {
            unknown = Some(name.to_owned());
            Wrong { message: String::new(), help: None }
        })
    });
    filled.map_err(|_| unknown.unwrap_or_default())
}

/// Replaces each `{name}` in `text` by `value(name)`; a name is lower-case letters, digits and `_`, a letter first.
/// `${name}` is the shell's and stays, as does every other brace. The first error of `value` ends it.
pub(super) fn expand(text: &str, mut value: impl FnMut(&str) -> Result<String, Wrong>) -> Result<String, Wrong> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let after = &rest[open + 1..];
        let inner = after.split_once('}').map(|(inner, _)| inner).filter(|_| !rest[..open].ends_with('$'));
        let is_name = |name: &&str| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        match inner.filter(is_name) {
            Some(name) => {
                result.push_str(&rest[..open]);
                result.push_str(&value(name)?);
                rest = &after[name.len() + 1..];
            }
            None => {
                result.push_str(&rest[..=open]);
                rest = after;
            }
        }
    }
    result.push_str(rest);
    Ok(result)
}
