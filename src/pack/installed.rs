//! Holds what is installed against the table that it was made by.
//!
//! A root that is mounted somewhere, or the running system's own, is walked like the table: what is listed has to be there
//! with its type, mode, owner and bytes, and what is there has to be listed. Other file systems that are mounted in it are
//! not entered: what the kernel shows there is not what was delivered. Times are not looked at, nor is `lost+found`, which
//! each ext4 has for fsck.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::error::Error;
use super::header::{Header, MANIFEST};
use super::table::{Line, Listed, lines, refuse, shown};
use crate::digest::HashWriter;
use crate::fs::{self, Dir, Kind, Meta};

/// A path that is not as the table says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Deviation {
    /// The path, as the running system has it.
    pub path: String,
    /// In what.
    #[serde(flatten)]
    pub what: Deviant,
}

/// In what a path is not as the table says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "deviation", rename_all = "kebab-case")]
pub enum Deviant {
    /// It is listed, and not there.
    Absent,
    /// It is there, and not listed.
    Unlisted,
    /// It is something else.
    Type {
        /// What is there.
        found: String,
    },
    /// Its mode is another, both octal.
    Mode {
        /// As listed.
        listed: String,
        /// As found.
        found: String,
    },
    /// It belongs to others, as `UID:GID`.
    Owner {
        /// As listed.
        listed: String,
        /// As found.
        found: String,
    },
    /// Its bytes are others.
    Content {
        /// The SHA-256 that is listed.
        listed: String,
        /// That of what is there.
        found: String,
    },
    /// It leads elsewhere.
    Target {
        /// As listed.
        listed: String,
        /// As found.
        found: String,
    },
    /// It is another device, as `MAJOR:MINOR`.
    Device {
        /// As listed.
        listed: String,
        /// As found.
        found: String,
    },
    /// The lines of the table are not those that its head is for, or not those of the root that was asked for.
    MerkleRoot {
        /// As its head has it, or as was asked for.
        listed: String,
        /// That of its lines.
        found: String,
    },
    /// It has other extended attributes.
    Attributes {
        /// The names of those that differ.
        names: Vec<String>,
    },
}

impl fmt::Display for Deviant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("is not there"),
            Self::Unlisted => f.write_str("is not listed"),
            Self::Type { found } => write!(f, "is a {found}"),
            Self::Mode { listed, found } => write!(f, "mode {listed}, found {found}"),
            Self::Owner { listed, found } => write!(f, "owner {listed}, found {found}"),
            Self::Content { listed, found } => write!(f, "SHA-256 {listed}, found {found}"),
            Self::Target { listed, found } => write!(f, "leads to `{listed}`, found `{found}`"),
            Self::Device { listed, found } => write!(f, "device {listed}, found {found}"),
            Self::MerkleRoot { listed, found } => write!(f, "Merkle root {listed}, found {found}"),
            Self::Attributes { names } => write!(f, "attributes differ: {}", names.join(", ")),
        }
    }
}

/// What was looked at, and what is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Installed {
    /// Version of this form.
    pub schema: u32,
    /// Digest of what the image was made from, if the table says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// Root of the Merkle tree over the table's lines.
    pub merkle_root: String,
    /// How many paths are listed.
    pub listed: usize,
    /// How many bytes of files were read.
    pub bytes: u64,
    /// What differs, sorted by path.
    pub deviations: Vec<Deviation>,
}

/// The JSON Schema of [`Installed`].
pub fn installed_schema() -> Schema {
    schemars::schema_for!(Installed)
}

/// Walks `root` and holds it against `table`. `exempt` says of a path, without a slash before it, that it and all below it
/// may be as it likes. `expected` is the Merkle root that the table has to have: whoever changes a system can change the table
/// in it as well.
///
/// # Errors
/// The table is none, or something cannot be read.
pub fn installed(
    root: &Dir,
    table: &[u8],
    expected: Option<&str>,
    exempt: &dyn Fn(&[u8]) -> bool,
) -> Result<Installed, Error> {
    let (mut lines, faults) = lines(table, 0);
    refuse(faults)?;
    let (header, merkle_root) = (Header::read(table), Header::merkle_root_of(table));
    let inputs = header.as_ref().map(|header| header.inputs.clone());
    let mut it = Installed { schema: 1, inputs, merkle_root, listed: lines.len(), bytes: 0, deviations: Vec::new() };
    let head = header.map(|header| header.merkle_root);
    for listed in [head.as_deref(), expected].into_iter().flatten().filter(|root| *root != it.merkle_root) {
        let (listed, found) = (listed.to_owned(), it.merkle_root.clone());
        let what = Deviant::MerkleRoot { listed, found };
        it.deviations.push(Deviation { path: format!("/{MANIFEST}"), what });
    }
    let missing = || Error::Missing { what: "root", path: root.path().display().to_string() };
    let top = root.stat(".")?.ok_or_else(missing)?;
    if let Some(line) = lines.remove(b"".as_slice()) {
        it.compare(root, b".", b"", &top, &line)?;
    }
    it.folder(root, b"", top.device, &mut lines, exempt)?;
    let left = lines.into_keys().filter(|path| !is_exempt(path, exempt));
    it.deviations.extend(left.map(|path| Deviation { path: shown(&path), what: Deviant::Absent }));
    it.deviations.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(it)
}

/// Whether a path, or a folder that it is in, is exempt.
fn is_exempt(path: &[u8], exempt: &dyn Fn(&[u8]) -> bool) -> bool {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    ends.chain([path.len()]).any(|end| exempt(&path[..end]))
}

impl Installed {
    fn folder(
        &mut self,
        dir: &Dir,
        path: &[u8],
        device: u64,
        lines: &mut BTreeMap<Vec<u8>, Line>,
        exempt: &dyn Fn(&[u8]) -> bool,
    ) -> Result<(), Error> {
        for entry in dir.list()? {
            let name = entry.name.as_bytes();
            let below = if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
            if exempt(&below) || (below == b"lost+found" && !lines.contains_key(&below)) {
                continue;
            }
            // Gone since it was listed: the walk of a running system is no photograph.
            let Some(meta) = dir.stat(&entry.name)? else { continue };
            let is_mount = meta.device != device;
            match lines.remove(&below) {
                // What is mounted there hides what was delivered.
                Some(_) if is_mount => {}
                Some(line) => self.compare(dir, name, &below, &meta, &line)?,
                None => self.differs(&below, Deviant::Unlisted),
            }
            if is_mount {
                lines.retain(|path, _| !path.strip_prefix(below.as_slice()).is_some_and(|rest| rest.starts_with(b"/")));
            } else if meta.kind == Kind::Directory {
                self.folder(&dir.dir(&entry.name)?, &below, device, lines, exempt)?;
            }
        }
        Ok(())
    }

    fn differs(&mut self, path: &[u8], what: Deviant) {
        self.deviations.push(Deviation { path: shown(path), what });
    }

    fn compare(&mut self, dir: &Dir, name: &[u8], path: &[u8], found: &Meta, line: &Line) -> Result<(), Error> {
        let name = std::ffi::OsStr::from_bytes(name);
        let same = match &line.kind {
            Listed::Folder => found.kind == Kind::Directory,
            Listed::File(_) => found.kind == Kind::File,
            Listed::Link(_) => found.kind == Kind::Symlink,
            Listed::Character(..) => found.kind == Kind::CharacterDevice,
            Listed::Block(..) => found.kind == Kind::BlockDevice,
            Listed::Fifo => found.kind == Kind::Fifo,
        };
        if !same {
            self.differs(path, Deviant::Type { found: found.kind.name().to_owned() });
            return Ok(());
        }
        // The mode of a symbolic link means nothing.
        if line.meta.mode != found.mode && found.kind != Kind::Symlink {
            let octal = |mode: u32| format!("{mode:04o}");
            self.differs(path, Deviant::Mode { listed: octal(line.meta.mode), found: octal(found.mode) });
        }
        if (line.meta.uid, line.meta.gid) != (found.uid, found.gid) {
            let listed = format!("{}:{}", line.meta.uid, line.meta.gid);
            self.differs(path, Deviant::Owner { listed, found: format!("{}:{}", found.uid, found.gid) });
        }
        self.attributes(dir, name, path, line)?;
        match &line.kind {
            Listed::File(Some((hex, _))) => {
                let mut hash = HashWriter::new(io::sink());
                let copied = io::copy(&mut dir.file(name)?, &mut hash);
                let failed = |error: io::Error| {
                    let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
                    fs::Error::new("read", dir.join(name), errno)
                };
                self.bytes += copied.map_err(failed)?;
                let (_, digest) = hash.finish();
                if digest.hex() != *hex {
                    self.differs(path, Deviant::Content { listed: hex.clone(), found: digest.hex() });
                }
            }
            Listed::Link(target) => {
                let to = dir.read_link(name)?;
                if to != *target {
                    let [listed, found] = [target, &to].map(|text| String::from_utf8_lossy(text).into_owned());
                    self.differs(path, Deviant::Target { listed, found });
                }
            }
            Listed::Character(major, minor) | Listed::Block(major, minor) if found.number != (*major, *minor) => {
                let listed = format!("{major}:{minor}");
                self.differs(path, Deviant::Device { listed, found: format!("{}:{}", found.number.0, found.number.1) });
            }
            _ => {}
        }
        Ok(())
    }

    /// What may be set by the system that runs it (labels, lists of access) counts as well: it decides who may do what.
    fn attributes(&mut self, dir: &Dir, name: &std::ffi::OsStr, path: &[u8], line: &Line) -> Result<(), Error> {
        let found: BTreeMap<Vec<u8>, Vec<u8>> = dir.attributes(name)?.into_iter().collect();
        if found == line.meta.attributes {
            return Ok(());
        }
        let both = line.meta.attributes.keys().chain(found.keys());
        let mut names: Vec<String> = both
            .filter(|name| found.get(*name) != line.meta.attributes.get(*name))
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        names.sort();
        names.dedup();
        self.differs(path, Deviant::Attributes { names });
        Ok(())
    }
}
