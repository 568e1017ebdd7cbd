//! Names as ECMA-119 and Joliet have them.

use std::collections::{BTreeMap, BTreeSet};

use crate::image::{Error, Inode, Kind, Problem, Tree};

/// Whether a volume has names in UCS-2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Joliet {
    /// It has none.
    #[default]
    No,
    /// Of up to 64 characters.
    Standard,
    /// Of up to 103: more than the specification has, but readers take them.
    Long,
}

impl Joliet {
    /// Most characters of a name.
    pub(super) fn longest(self) -> usize {
        if self == Self::Long { 103 } else { 64 }
    }
}

/// Most characters of an ECMA-119 name, without the dot.
const LONGEST: usize = 30;
/// Most characters after the dot.
const EXTENSION: usize = 10;

/// A thing in a folder: its identifier, its own name, and its inode.
pub(super) struct Child {
    pub identifier: Vec<u8>,
    pub name: Vec<u8>,
    pub inode: usize,
}

/// The children of a folder with ECMA-119 names, in the order of these.
pub(super) fn plain(tree: &Tree, entries: &[(Vec<u8>, usize)]) -> Vec<Child> {
    let mut taken: BTreeSet<(Vec<u8>, Vec<u8>)> = BTreeSet::new();
    let mut numbers: BTreeMap<(Vec<u8>, Vec<u8>), u64> = BTreeMap::new();
    let mut found = Vec::with_capacity(entries.len());
    for (name, inode) in entries {
        let is_folder = matches!(tree.inodes[*inode].kind, Kind::Folder(_));
        let wanted = parts(name, is_folder);
        let mut key = wanted.clone();
        if taken.contains(&key) {
            let number = numbers.entry(wanted.clone()).or_default();
            while taken.contains(&key) {
                *number += 1;
                let tail = format!("_{number}");
                key = wanted.clone();
                key.0.truncate(LONGEST - key.1.len() - tail.len());
                key.0.extend(tail.into_bytes());
            }
        }
        taken.insert(key.clone());
        found.push((key, is_folder, name, *inode));
    }
    // Names are compared filled up with spaces, which sort before all that is in them: as pairs do.
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let child = |((base, extension), is_folder, name, inode): (_, _, &Vec<u8>, _)| {
        let version: &[u8] = if is_folder { b"" } else { b";1" };
        let dot: &[u8] = if is_folder { b"" } else { b"." };
        let identifier = [base, dot.to_vec(), extension, version.to_vec()].concat();
        Child { identifier, name: name.clone(), inode }
    };
    found.into_iter().map(child).collect()
}

/// What comes before the dot and after it.
fn parts(name: &[u8], is_folder: bool) -> (Vec<u8>, Vec<u8>) {
    let plain = |bytes: &[u8], most: usize| -> Vec<u8> {
        let plain = |byte: &u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_uppercase() } else { b'_' };
        bytes.iter().take(most).map(plain).collect()
    };
    // A leading dot begins no extension, and folders have none.
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0 && !is_folder);
    let (base, extension) = dot.map_or((name, b"".as_slice()), |at| (&name[..at], &name[at + 1..]));
    let extension = plain(extension, EXTENSION);
    (plain(base, LONGEST - extension.len()), extension)
}

/// The folders and files of a folder with Joliet names, in the order of these.
pub(super) fn joliet(tree: &Tree, entries: &[(Vec<u8>, usize)], longest: usize) -> Result<Vec<Child>, Error> {
    let mut children = Vec::new();
    for (name, number) in entries {
        let inode = &tree.inodes[*number];
        let version = match inode.kind {
            Kind::Folder(_) => "",
            Kind::File(_) => ";1",
            _ => continue,
        };
        let identifier = wide(inode, name, longest)?.chain(version.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        children.push(Child { identifier, name: name.clone(), inode: *number });
    }
    children.sort_by(|one, other| one.identifier.cmp(&other.identifier));
    Ok(children)
}

fn wide<'a>(inode: &Inode, name: &'a [u8], longest: usize) -> Result<impl Iterator<Item = u16> + 'a, Error> {
    let wrong = |what| Error::of(&inode.path, Problem::Unsupported { what });
    let text = std::str::from_utf8(name).map_err(|_| wrong("Joliet names that are not UTF-8"))?;
    if text.chars().any(|c| !(' '..='\u{ffff}').contains(&c) || "*/:;?\\".contains(c)) {
        return Err(wrong("Joliet names with control characters, `*`, `:`, `;`, `?`, `\\`, or characters over U+FFFF"));
    }
    let (value, most) = (text.chars().count(), longest);
    if value > most {
        let (value, most) = (value as u64, most as u64);
        return Err(Error::of(&inode.path, Problem::TooLarge { what: "a Joliet name of", value, most }));
    }
    Ok(text.encode_utf16())
}
