//! A folder, in the store or of this machine: what lies in it, and what is said of that.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compare::Error;
use crate::container::{self, Field, Subject, Value};
use crate::digest::Digest;
use crate::digest::reapi::Directory;
use crate::fs::{self, Content, Dir};
use crate::store::{self, Store};

/// What says where a file lies, and not what it is: the machine's policy labels files by their paths.
const LABEL: &[u8] = b"security.selinux";

/// A folder whose entries can be listed.
pub(super) enum Folder {
    /// A tree of the store.
    Tree(Store, Digest),
    /// A directory of this machine, and the file system that it lies in.
    Dir(Arc<Dir>, u64),
    /// A directory in such a one. It is opened when it is listed: a process has few descriptors.
    Below(Arc<Dir>, OsString, u64),
}

/// Something in a folder.
pub(super) struct Child {
    /// Its name as text, and in the bytes that count.
    pub name: String,
    pub raw: Vec<u8>,
    pub what: What,
    pub mode: Option<u32>,
    /// User and group.
    pub owner: Option<[u32; 2]>,
    pub modified: Option<i128>,
    /// Extended attributes, and which inode it is if that has other names too; none for what has neither.
    pub inode: Option<Inode>,
}

/// What an inode of this machine is besides.
pub(super) struct Inode {
    pub attributes: Vec<Field>,
    pub shared: Option<(u64, u64)>,
}

pub(super) enum What {
    Folder(Folder),
    File(File),
    /// What it points to.
    Symlink(Vec<u8>),
    Special(String),
}

pub(super) enum File {
    Blob(Store, Digest),
    /// Where it lies, with device and inode.
    Inode {
        path: PathBuf,
        size: u64,
        inode: (u64, u64),
    },
}

impl Folder {
    /// A subject as a folder; its content, if it is a file.
    pub fn of(subject: Subject) -> Result<Result<Self, Content>, Error> {
        Ok(match subject {
            Subject::Tree { store, digest } => Ok(Self::Tree(store, digest)),
            Subject::Folder(dir) => {
                let device = dir.stat(".")?.map_or(0, |meta| meta.device);
                Ok(Self::Dir(Arc::new(dir), device))
            }
            Subject::File { path, file } => Err(Content::of_file(file, &path)?),
        })
    }

    /// Its entries, sorted by name.
    pub fn list(&self) -> Result<Vec<Child>, Error> {
        let mut children = match self {
            Self::Tree(store, digest) => of_tree(store, *digest, &store.directory(*digest)?)?,
            Self::Dir(dir, device) => of_dir(dir, *device)?,
            Self::Below(parent, name, device) => of_dir(&Arc::new(parent.dir(name)?), *device)?,
        };
        children.sort_by(|a, b| a.raw.cmp(&b.raw));
        Ok(children)
    }

    pub fn digest(&self) -> Option<Digest> {
        if let Self::Tree(_, digest) = self { Some(*digest) } else { None }
    }
}

fn of_tree(store: &Store, tree: Digest, directory: &Directory) -> Result<Vec<Child>, Error> {
    let malformed = |reason| store::Error::NotDirectory { digest: tree, reason };
    let child = |name: &str, what, mode| Child {
        name: name.to_owned(),
        raw: name.as_bytes().to_vec(),
        what,
        mode,
        owner: None,
        modified: None,
        inode: None,
    };
    let mut children = Vec::new();
    for file in &directory.files {
        let what = What::File(File::Blob(store.clone(), file.content().map_err(malformed)?));
        children.push(child(&file.name, what, Some(file.mode())));
    }
    for folder in &directory.directories {
        let what = What::Folder(Folder::Tree(store.clone(), folder.content().map_err(malformed)?));
        children.push(child(&folder.name, what, None));
    }
    for link in &directory.symlinks {
        children.push(child(&link.name, What::Symlink(link.target.clone().into_bytes()), None));
    }
    Ok(children)
}

fn of_dir(dir: &Arc<Dir>, device: u64) -> Result<Vec<Child>, Error> {
    let mut children = Vec::new();
    for entry in dir.list()? {
        // What is gone by now was not there.
        let Some(meta) = dir.stat(&entry.name)? else { continue };
        let what = match meta.kind {
            fs::Kind::Directory if meta.device != device => What::Special("mounted file system".to_owned()),
            fs::Kind::Directory => What::Folder(Folder::Below(dir.clone(), entry.name.clone(), device)),
            fs::Kind::Symlink => What::Symlink(dir.read_link(&entry.name)?),
            fs::Kind::File => {
                let inode = (meta.device, meta.inode);
                What::File(File::Inode { path: dir.join(&entry.name), size: meta.size, inode })
            }
            fs::Kind::CharacterDevice | fs::Kind::BlockDevice => {
                What::Special(format!("{} {}:{}", meta.kind.name(), meta.number.0, meta.number.1))
            }
            fs::Kind::Fifo => What::Special("fifo".to_owned()),
            other => What::Special(other.name().to_owned()),
        };
        let attributes = dir.attributes(&entry.name)?;
        let attributes = attributes.iter().filter(|(name, _)| name != LABEL);
        let several = meta.links > 1 && meta.kind != fs::Kind::Directory;
        let raw = entry.name.as_encoded_bytes();
        children.push(Child {
            name: Value::text(raw).to_string(),
            raw: raw.to_vec(),
            what,
            mode: Some(meta.mode),
            owner: Some([meta.uid, meta.gid]),
            modified: Some(meta.modified),
            inode: Some(Inode {
                attributes: attributes.map(|(name, value)| container::attribute(name, value)).collect(),
                shared: several.then_some((meta.device, meta.inode)),
            }),
        });
    }
    Ok(children)
}

impl File {
    pub fn size(&self) -> u64 {
        match self {
            Self::Blob(_, digest) => digest.size,
            Self::Inode { size, .. } => *size,
        }
    }

    /// Whether both are known to be equal without a look.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Blob(_, a), Self::Blob(_, b)) => a == b,
            (Self::Inode { inode: a, .. }, Self::Inode { inode: b, .. }) => a == b,
            _ => false,
        }
    }

    pub fn open(&self) -> Result<Content, Error> {
        match self {
            Self::Blob(store, digest) => {
                Ok(Content::of_file(store.open_blob(*digest)?, Path::new(&digest.to_string()))?)
            }
            Self::Inode { path, .. } => Ok(Content::open(path)?),
        }
    }
}

impl Child {
    pub fn size(&self) -> Option<u64> {
        if let What::File(file) = &self.what { Some(file.size()) } else { None }
    }

    /// What it is, in words.
    pub fn kind(&self) -> &str {
        match &self.what {
            What::Folder(_) => "directory",
            What::File(_) => "file",
            What::Symlink(_) => "symbolic link",
            What::Special(kind) => kind,
        }
    }

    /// What is said of it, as far as it can be said of `other`, too.
    pub fn fields(&self, other: &Self, times: bool) -> Vec<Field> {
        let mut fields = Vec::new();
        let is_link = matches!(self.what, What::Symlink(_));
        if let (Some(mode), Some(_), false) = (self.mode, other.mode, is_link) {
            fields.push(Field::metadata("mode", Value::Mode(mode)));
        }
        if let (Some([user, group]), Some(_)) = (self.owner, other.owner) {
            fields.push(Field::metadata("uid", Value::Number(user.into())));
            fields.push(Field::metadata("gid", Value::Number(group.into())));
        }
        if let (Some(time), Some(_), true) = (self.modified, other.modified, times) {
            fields.push(Field::metadata("mtime", moment(time)));
        }
        if let (Some(inode), Some(_)) = (&self.inode, &other.inode) {
            fields.extend(inode.attributes.iter().cloned());
        }
        fields
    }
}

/// A time in ns since 1970.
pub(super) fn moment(time: i128) -> Value {
    let seconds = i64::try_from(time.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    Value::Time(seconds, u32::try_from(time.rem_euclid(1_000_000_000)).unwrap_or(0))
}
