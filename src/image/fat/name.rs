//! Long names and the short ones that go with them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::error::Problem;

/// A short name: eight characters and three, filled up with spaces.
pub(super) type Short = [u8; 11];

/// How a name is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub short: Short,
    /// The long name, unless the short one says it all.
    pub long: Vec<u16>,
}

/// What a short name may have besides letters and digits.
const SIGNS: &[u8] = b"$%'-_@~`!(){}^#&";
/// What no name may have.
const ILLEGAL: &[char] = &['"', '*', '/', ':', '<', '>', '?', '\\', '|'];

/// Whether a short name may have a byte.
pub(super) fn is_short(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || SIGNS.contains(&byte)
}

/// A name without the difference of upper and lower case.
fn fold(name: &str) -> String {
    let upper = |letter: char| {
        let mut upper = letter.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(one), None) => one,
            _ => letter,
        }
    };
    name.chars().map(upper).collect()
}

/// A name that FAT can have.
fn check(name: &[u8]) -> Result<&str, Problem> {
    let unsupported = |what| Err(Problem::Unsupported { what });
    let Ok(name) = std::str::from_utf8(name) else { return unsupported("names that are not UTF-8") };
    if name.chars().any(|letter| u32::from(letter) < 0x20 || ILLEGAL.contains(&letter)) {
        return unsupported("names with control characters or with one of \"*/:<>?\\|");
    }
    if name.ends_with(['.', ' ']) {
        return unsupported("names that end in a dot or a space");
    }
    Ok(name)
}

/// The name in upper case, if that is a short name.
fn exact(name: &str) -> Option<Short> {
    let upper = name.to_ascii_uppercase();
    let (base, extension) = upper.rsplit_once('.').unwrap_or((&upper, ""));
    let fits = |part: &str, most: usize| part.len() <= most && part.bytes().all(is_short);
    let dot = upper.len() > base.len();
    let whole = !base.is_empty() && fits(base, 8) && fits(extension, 3) && dot != extension.is_empty();
    whole.then(|| join(base.as_bytes(), extension.as_bytes()))
}

fn join(base: &[u8], extension: &[u8]) -> Short {
    let mut short = [b' '; 11];
    short[..base.len()].copy_from_slice(base);
    short[8..8 + extension.len()].copy_from_slice(extension);
    short
}

/// What a short name is made of: base and extension, without what it may not have.
fn basis(name: &str) -> (Vec<u8>, Vec<u8>) {
    let name = name.trim_start_matches(['.', ' ']);
    let (base, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let part = |part: &str, most: usize| {
        let kept = part.chars().filter(|letter| !matches!(letter, ' ' | '.'));
        let byte = |letter: char| u8::try_from(letter).map(|byte| byte.to_ascii_uppercase());
        kept.map(|letter| byte(letter).ok().filter(|byte| is_short(*byte)).unwrap_or(b'_')).take(most).collect()
    };
    (part(base, 8), part(extension, 3))
}

/// How the names of a folder are kept, in their order; or the place of a name that cannot be, and why.
pub(super) fn names(names: &[&[u8]]) -> Result<Vec<Name>, (usize, Problem)> {
    let mut folded: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken: BTreeSet<Short> = BTreeSet::new();
    let mut checked = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let name = check(name).map_err(|problem| (at, problem))?;
        if let Some(other) = folded.insert(fold(name), at) {
            return Err((at, Problem::Alike { other: String::from_utf8_lossy(names[other]).into_owned() }));
        }
        let exact = exact(name);
        taken.extend(exact);
        checked.push((name, exact));
    }
    let mut last: BTreeMap<(Vec<u8>, Vec<u8>), usize> = BTreeMap::new();
    let mut kept = Vec::with_capacity(names.len());
    for (name, exact) in checked {
        let short = exact.unwrap_or_else(|| {
            let (base, extension) = basis(name);
            // All names with one beginning count on from one number.
            let number = last.entry((base[..base.len().min(6)].to_vec(), extension.clone())).or_insert(0);
            loop {
                *number += 1;
                let tail = format!("~{number}");
                let base = &base[..base.len().min(8_usize.saturating_sub(tail.len()))];
                let short = join(&[base, tail.as_bytes()].concat(), &extension);
                if taken.insert(short) {
                    break short;
                }
            }
        });
        let plain = exact.is_some() && !name.bytes().any(|byte| byte.is_ascii_lowercase());
        kept.push(Name { short, long: if plain { Vec::new() } else { name.encode_utf16().collect() } });
    }
    Ok(kept)
}
