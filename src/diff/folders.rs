//! Two folders, in the store or of this machine: their entries by name, at every level.

use std::collections::BTreeMap;
use std::path::Path;

use super::compare::{Comparison, Error, Place};
use super::entries;
use super::model::{Difference, Fact, Side};
use crate::container::{About, Field, Subject, Value};
use crate::digest::Digest;
use crate::digest::reapi::Directory;
use crate::fs::{self, Content, Dir};
use crate::store::{self, Store};

/// A folder whose entries can be listed.
pub(super) enum Folder {
    /// A tree of the store.
    Tree(Store, Digest),
    /// A directory of this machine, and the file system that it lies in.
    Dir(Dir, u64),
}

/// Something in a folder.
struct Child {
    name: String,
    what: What,
    mode: Option<u32>,
    owner: Option<u32>,
    modified: Option<i128>,
}

enum What {
    Folder(Folder),
    File(File),
    Symlink(String),
    Special(&'static str),
}

enum File {
    Blob(Store, Digest),
    /// Where it lies, with device and inode.
    Inode {
        path: std::path::PathBuf,
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
                Ok(Self::Dir(dir, device))
            }
            Subject::File { path, file } => Err(Content::of_file(file, &path)?),
        })
    }

    /// Its entries, sorted by name.
    fn list(&self) -> Result<Vec<Child>, Error> {
        match self {
            Self::Tree(store, digest) => of_tree(store, *digest, &store.directory(*digest)?),
            Self::Dir(dir, device) => of_dir(dir, *device),
        }
    }

    fn digest(&self) -> Option<Digest> {
        if let Self::Tree(_, digest) = self { Some(*digest) } else { None }
    }
}

fn of_tree(store: &Store, tree: Digest, directory: &Directory) -> Result<Vec<Child>, Error> {
    let malformed = |reason| store::Error::NotDirectory { digest: tree, reason };
    let child = |name: &str, what, mode| Child { name: name.to_owned(), what, mode, owner: None, modified: None };
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
        children.push(child(&link.name, What::Symlink(link.target.clone()), None));
    }
    children.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(children)
}

fn of_dir(dir: &Dir, device: u64) -> Result<Vec<Child>, Error> {
    let mut children = Vec::new();
    for entry in dir.list()? {
        // What is gone by now was not there.
        let Some(meta) = dir.stat(&entry.name)? else { continue };
        let what = match meta.kind {
            fs::Kind::Directory if meta.device != device => What::Special("mounted file system"),
            fs::Kind::Directory => What::Folder(Folder::Dir(dir.dir(&entry.name)?, device)),
            fs::Kind::Symlink => What::Symlink(String::from_utf8_lossy(&dir.read_link(&entry.name)?).into_owned()),
            fs::Kind::File => {
                let inode = (meta.device, meta.inode);
                What::File(File::Inode { path: dir.join(&entry.name), size: meta.size, inode })
            }
            other => What::Special(other.name()),
        };
        children.push(Child {
            name: Value::text(entry.name.as_encoded_bytes()).to_string(),
            what,
            mode: Some(meta.mode),
            owner: Some(meta.uid),
            modified: Some(meta.modified),
        });
    }
    children.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(children)
}

impl File {
    fn size(&self) -> u64 {
        match self {
            Self::Blob(_, digest) => digest.size,
            Self::Inode { size, .. } => *size,
        }
    }

    /// Whether both are known to be equal without a look.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Blob(_, a), Self::Blob(_, b)) => a == b,
            (Self::Inode { inode: a, .. }, Self::Inode { inode: b, .. }) => a == b,
            _ => false,
        }
    }

    fn open(&self) -> Result<Content, Error> {
        match self {
            Self::Blob(store, digest) => {
                Ok(Content::of_file(store.open_blob(*digest)?, Path::new(&digest.to_string()))?)
            }
            Self::Inode { path, .. } => Ok(Content::open(path)?),
        }
    }
}

impl Child {
    fn size(&self) -> Option<u64> {
        if let What::File(file) = &self.what { Some(file.size()) } else { None }
    }

    fn kind(&self) -> &'static str {
        match self.what {
            What::Folder(_) => "directory",
            What::File(_) => "file",
            What::Symlink(_) => "symbolic link",
            What::Special(kind) => kind,
        }
    }

    /// What is said of it, as far as both sides can say it.
    fn fields(&self, other: &Self, times: bool) -> Vec<Field> {
        let mut fields = Vec::new();
        let is_link = matches!(self.what, What::Symlink(_));
        if let (Some(mode), Some(_), false) = (self.mode, other.mode, is_link) {
            fields.push(Field::metadata("mode", Value::Mode(mode)));
        }
        if let (Some(owner), Some(_)) = (self.owner, other.owner) {
            fields.push(Field::metadata("uid", Value::Number(owner.into())));
        }
        if let (Some(time), Some(_), true) = (self.modified, other.modified, times) {
            let seconds = i64::try_from(time.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
            let nanos = u32::try_from(time.rem_euclid(1_000_000_000)).unwrap_or(0);
            fields.push(Field::metadata("mtime", Value::Time(seconds, nanos)));
        }
        fields
    }
}

/// Compares two folders; what is only in one of them is noted in `alone`.
pub(super) fn compare(
    cx: &Comparison<'_>,
    [left, right]: [&Folder; 2],
    at: &Place,
    alone: &mut Alone,
    found: &mut Difference,
) -> Result<(), Error> {
    cx.check()?;
    if left.digest().is_some() && left.digest() == right.digest() {
        return Ok(());
    }
    let [mut left, mut right] = [left.list()?.into_iter().peekable(), right.list()?.into_iter().peekable()];
    loop {
        let side = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(_), None) => Some(Side::Left),
            (None, Some(_)) => Some(Side::Right),
            (Some(a), Some(b)) if a.name < b.name => Some(Side::Left),
            (Some(a), Some(b)) if a.name > b.name => Some(Side::Right),
            _ => None,
        };
        match side {
            None => {
                let (Some(a), Some(b)) = (left.next(), right.next()) else { break };
                let place = at.join(&a.name);
                if !cx.is_excluded(&place) {
                    found.inside.extend(child(cx, [&a, &b], &place, alone)?);
                }
            }
            Some(side) => {
                let next = if side == Side::Left { left.next() } else { right.next() };
                let Some(one) = next else { break };
                let place = at.join(&one.name);
                if !cx.is_excluded(&place) {
                    found.inside.push(only(cx, one, side, &place, alone)?);
                }
            }
        }
    }
    Ok(())
}

fn child(
    cx: &Comparison<'_>,
    [left, right]: [&Child; 2],
    at: &Place,
    alone: &mut Alone,
) -> Result<Option<Difference>, Error> {
    let mut found = Difference::new(&left.name, left.kind(), [left.size(), right.size()]);
    match (&left.what, &right.what) {
        (What::File(a), What::File(b)) => {
            if !a.is(b)
                && let Some(inner) = cx.contents(&left.name, [&a.open()?, &b.open()?], at)?
            {
                found = inner;
            }
        }
        (What::Folder(a), What::Folder(b)) => compare(cx, [a, b], at, alone, &mut found)?,
        (What::Symlink(a), What::Symlink(b)) if a != b => {
            found.field("target", [Some(a.clone()), Some(b.clone())], About::Content);
        }
        _ if left.kind() != right.kind() => {
            found.facts.push(Fact::Kind { values: [left.kind().to_owned(), right.kind().to_owned()] });
        }
        _ => {}
    }
    let mut said = Difference::new("", "", [None, None]);
    let times = cx.options.times;
    entries::fields([&left.fields(right, times), &right.fields(left, times)], &mut said);
    said.facts.append(&mut found.facts);
    found.facts = said.facts;
    Ok((!found.is_empty()).then_some(found))
}

/// Something that the other side has not, with all that lies in it.
fn only(cx: &Comparison<'_>, one: Child, side: Side, at: &Place, alone: &mut Alone) -> Result<Difference, Error> {
    cx.check()?;
    let mut sizes = [None, None];
    sizes[side as usize] = one.size();
    let mut found = Difference::new(&one.name, one.kind(), sizes);
    found.facts.push(Fact::Only { side, elsewhere: None });
    match one.what {
        What::Folder(folder) => {
            for inner in folder.list()? {
                let place = at.join(&inner.name);
                if !cx.is_excluded(&place) {
                    found.inside.push(only(cx, inner, side, &place, alone)?);
                }
            }
        }
        What::File(file) if file.size() > 0 => alone.files[side as usize].push((at.path.clone(), file)),
        _ => {}
    }
    Ok(found)
}

/// Files that one side alone has, to find those that only have another name.
#[derive(Default)]
pub(super) struct Alone {
    files: [Vec<(String, File)>; 2],
}

/// Files of one size that are tried as the same file under another name.
const TRIED: usize = 32;

impl Alone {
    /// Notes in `found` which files were moved.
    pub fn settle(self, cx: &Comparison<'_>, found: &mut Difference) -> Result<(), Error> {
        let [left, right] = self.files;
        let mut sizes: BTreeMap<u64, Vec<(String, File)>> = BTreeMap::new();
        for (path, file) in right {
            sizes.entry(file.size()).or_default().push((path, file));
        }
        let mut moved: [BTreeMap<String, String>; 2] = Default::default();
        for (path, file) in left {
            cx.check()?;
            let Some(others) = sizes.get_mut(&file.size()) else { continue };
            for at in 0..others.len().min(TRIED) {
                let same = match (&file, &others[at].1) {
                    (File::Blob(_, a), File::Blob(_, b)) => a == b,
                    (a, b) => a.is(b) || a.open()?.differs_at(&b.open()?)?.is_none(),
                };
                if same {
                    let (other, _) = others.remove(at);
                    moved[1].insert(other.clone(), path.clone());
                    moved[0].insert(path, other);
                    break;
                }
            }
        }
        if !moved[0].is_empty() {
            tell(found, &Place::top(), &moved);
        }
        Ok(())
    }
}

fn tell(found: &mut Difference, at: &Place, moved: &[BTreeMap<String, String>; 2]) {
    for inner in &mut found.inside {
        let place = at.join(&inner.name);
        if let Some(Fact::Only { side, elsewhere }) = inner.facts.first_mut() {
            *elsewhere = moved[*side as usize].get(&place.path).cloned();
        }
        tell(inner, &place, moved);
    }
}
