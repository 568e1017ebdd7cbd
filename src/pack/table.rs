//! The table of owners: what a tree of the store does not know of its files.
//!
//! A line for each path: `TYPE MODE UID GID SHA256 EXTRA PATH`, then any number of `NAME=HEX`, separated by single spaces.
//! TYPE is `d`, `f`, `l`, `c`, `b` or `p`; MODE is octal; SHA256 is `-` for all but files; EXTRA is a file's size, a link's
//! target, a device's `MAJOR:MINOR`, or `-`; PATH begins with a slash; NAME=HEX are extended attributes. In PATH and EXTRA a
//! backslash and three octal digits are a byte, so that white space can be in them. A file whose digest and size are both `-`
//! may hold anything: a table inside the tree cannot know its own. The order does not matter.
//!
//! The table is checked both ways: a path that it lists has to be in the tree as it says, but for devices and pipes, which
//! a tree cannot hold; and a path of the tree has to be in the table.

use std::collections::BTreeMap;

use super::error::{Error, Fault};
use crate::digest::Digest;
use crate::image::{Attributes, Builder, Kind, Meta, Tree};
use crate::store::{Entry, Store, TreeBuilder};

/// More faults than these are only counted.
const SHOWN: usize = 20;

/// What a line says of its path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) meta: Meta,
    pub(super) kind: Listed,
}

/// What shall be at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Folder,
    /// With the digest's hex digits and the size, where they are known.
    File(Option<(String, u64)>),
    Link(Vec<u8>),
    Character(u32, u32),
    Block(u32, u32),
    Fifo,
}

/// What `tree` holds, with owner and group 0 and the modes that the store knows. All times are `time`, in seconds since 1970.
///
/// # Errors
/// The store fails, or a path is too long.
pub fn plain(store: &Store, tree: Digest, time: u32) -> Result<Tree, Error> {
    let mut builder = Builder::default();
    let meta = |mode| Meta { mode, uid: 0, gid: 0, time, attributes: Attributes::new() };
    builder.folder(b"", meta(0o755))?;
    for (path, there) in paths(store, tree)? {
        match there {
            Entry::Directory => builder.folder(&path, meta(0o755))?,
            Entry::File { digest, mode } => builder.add_other(&path, meta(mode), Kind::File(digest))?,
            Entry::Symlink { target } => builder.add_other(&path, meta(0o777), Kind::Symlink(target.into_bytes()))?,
        }
    }
    Ok(builder.finish()?)
}

/// What `tree` holds, with modes, owners and devices as `table` says.
///
/// # Errors
/// The store fails, or the table is not one of this tree: all faults together.
pub fn owned(store: &Store, tree: Digest, table: &[u8], time: u32) -> Result<Tree, Error> {
    let (lines, mut faults) = lines(table, time);
    let mut there = paths(store, tree)?;
    there.insert(Vec::new(), Entry::Directory);
    let mut builder = Builder::default();
    for (path, Line { meta, kind }) in lines {
        let found = there.remove(&path);
        let fault = |fault: fn(String) -> Fault| fault(shown(&path));
        match (kind, found) {
            (Listed::Folder, Some(Entry::Directory)) => builder.folder(&path, meta)?,
            (Listed::File(stated), Some(Entry::File { digest: content, .. })) => {
                if stated.is_some_and(|(hex, size)| content.hex() != hex || content.size != size) {
                    faults.push(fault(|path| Fault::Content { path }));
                }
                builder.add_other(&path, meta, Kind::File(content))?;
            }
            (Listed::Link(target), Some(Entry::Symlink { target: to })) => {
                if to.as_bytes() != target {
                    faults.push(fault(|path| Fault::Target { path }));
                }
                builder.add_other(&path, meta, Kind::Symlink(target))?;
            }
            (Listed::Character(major, minor), None) => {
                builder.add_other(&path, meta, Kind::Character(major, minor))?;
            }
            (Listed::Block(major, minor), None) => builder.add_other(&path, meta, Kind::Block(major, minor))?,
            (Listed::Fifo, None) => builder.add_other(&path, meta, Kind::Fifo)?,
            (_, None) => faults.push(fault(|path| Fault::Absent { path })),
            (_, Some(_)) => faults.push(fault(|path| Fault::Type { path })),
        }
    }
    faults.extend(there.into_keys().map(|path| Fault::Unlisted { path: shown(&path) }));
    refuse(faults)?;
    Ok(builder.finish()?)
}

/// All faults, if there are any.
pub(super) fn refuse(mut faults: Vec<Fault>) -> Result<(), Error> {
    if faults.is_empty() {
        return Ok(());
    }
    let count = faults.len();
    faults.truncate(SHOWN);
    Err(Error::Table { faults, count })
}

/// The lines of a table by path, without the slash, and what is wrong with them.
pub(super) fn lines(table: &[u8], time: u32) -> (BTreeMap<Vec<u8>, Line>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut lines = BTreeMap::new();
    for (number, line) in
        (1..).zip(table.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
    {
        match parse(line, time) {
            Ok((path, line)) => {
                if lines.insert(path.clone(), line).is_some() {
                    faults.push(Fault::Twice { line: number, path: shown(&path) });
                }
            }
            Err(reason) => faults.push(Fault::Line { line: number, reason }),
        }
    }
    (lines, faults)
}

pub(super) fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path))
}

/// All paths below the root.
fn paths(store: &Store, tree: Digest) -> Result<BTreeMap<Vec<u8>, Entry>, Error> {
    let mut found = BTreeMap::new();
    let mut paths = TreeBuilder::new(store);
    paths.tree("", tree)?;
    paths.each(&mut |path, entry| drop(found.insert(path.as_bytes().to_vec(), entry.clone())))?;
    Ok(found)
}

/// A line's path, without the slash, and what it says.
fn parse(line: &[u8], time: u32) -> Result<(Vec<u8>, Line), &'static str> {
    let text = std::str::from_utf8(line).map_err(|_| "not UTF-8")?;
    let fields: Vec<&str> = text.split(' ').collect();
    let [kind, mode, uid, gid, hash, extra, path, attributes @ ..] = fields.as_slice() else {
        return Err("not TYPE MODE UID GID SHA256 EXTRA PATH");
    };
    let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777).ok_or("no mode")?;
    let uid = uid.parse().map_err(|_| "no user's number")?;
    let gid = gid.parse().map_err(|_| "no group's number")?;
    let attributes: Attributes =
        attributes.iter().map(|field| attribute(field)).collect::<Option<_>>().ok_or("no NAME=HEX")?;
    let path = unescape(path).ok_or("a wrong escape in the path")?;
    let path = path.strip_prefix(b"/").ok_or("a path without a slash before it")?.to_vec();
    if *kind != "f" && *hash != "-" {
        return Err("only files have a digest");
    }
    let device = || -> Option<(u32, u32)> {
        let (major, minor) = extra.split_once(':')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let kind = match *kind {
        "d" | "p" if *extra != "-" => return Err("neither size nor target"),
        "d" => Listed::Folder,
        "p" => Listed::Fifo,
        "f" if *hash == "-" && *extra == "-" => Listed::File(None),
        "f" => Listed::File(Some(((*hash).to_owned(), extra.parse().map_err(|_| "no size")?))),
        "l" => Listed::Link(unescape(extra).ok_or("a wrong escape in the target")?),
        "c" => device().map(|(major, minor)| Listed::Character(major, minor)).ok_or("no MAJOR:MINOR")?,
        "b" => device().map(|(major, minor)| Listed::Block(major, minor)).ok_or("no MAJOR:MINOR")?,
        _ => return Err("TYPE is none of d f l c b p"),
    };
    Ok((path, Line { meta: Meta { mode, uid, gid, time, attributes }, kind }))
}

fn attribute(field: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (name, hex) = field.split_once('=')?;
    let digits = hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let value = digits.collect::<Option<_>>()?;
    (!name.is_empty() && hex.len().is_multiple_of(2)).then(|| (name.as_bytes().to_vec(), value))
}

/// Text with `\OOO` for bytes.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..3)?).ok()?;
        out.push(u8::from_str_radix(digits, 8).ok()?);
        rest = &after[3..];
    }
    Some(out)
}
