//! An archive or an image, and a folder: what the one lists and what lies in the other, by their paths.
//!
//! Both are compared in what both can tell. What cannot be compared is said ([`Comparison::notes`]), and is no difference:
//! the order of entries and how they are packed, properties that the archive does not state, owners where one user unpacked
//! all of it.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Comparison, Place, Stop, of};
use super::entries;
use super::folder::{Child, Folder, What as Lying, moment};
use super::model::{Difference, Fact, Side};
use crate::container::{self, About, Data, Entry, Fault, Field, Kind, Listing, Value, What};
use crate::fs::Content;

/// Links that lead on to links.
const LINKS: usize = 16;

/// Compares a file with a folder; the file is on `side`. None: what is in it cannot be in a folder.
pub(super) fn compare(
    cx: &Comparison<'_>,
    file: &Content,
    folder: &Folder,
    side: Side,
    found: &mut Difference,
) -> Result<Option<()>, Stop> {
    let Some((kind, listing)) = opened(cx, file).map_err(of(side))? else { return Ok(None) };
    found.kind = format!("{kind} and directory");
    let archive = Archive::new(&listing, kind);
    let mut walk = Walk { cx, archive, side, met: BTreeSet::new(), links: BTreeMap::new(), owners: BTreeSet::new() };
    let mut pairs = Vec::new();
    walk.folder(folder, &Place::top(), &mut pairs, found)?;
    let by_user = walk.by_user(&pairs);
    for pair in &pairs {
        found.inside.extend(walk.pair(pair, by_user.is_none())?);
    }
    for (name, entry) in &walk.archive.entries {
        let place = Place::top().join(name);
        if !walk.met.contains(name) && !walk.archive.is_own(name) && !cx.is_excluded(&place) {
            found.inside.push(entries::only(entry, side, None));
        }
    }
    found.inside.sort_by(|a, b| a.name.cmp(&b.name));
    walk.note(by_user);
    Ok(Some(()))
}

/// What lies in a file, compressed or not, if that is something that unpacks to a folder.
fn opened(cx: &Comparison<'_>, file: &Content) -> Result<Option<(Kind, Listing)>, Fault> {
    let mut content = file.clone();
    for _ in 0..cx.options.max_depth {
        match container::detect(&content)? {
            None | Some(Kind::Disk) => break,
            Some(kind @ Kind::Compressed(_)) => {
                let mut inner = kind.list(&content, &cx.spool)?.entries;
                content = match inner.pop().map(|entry| entry.what) {
                    Some(What::File(Data::Plain(plain))) => plain,
                    Some(What::File(Data::Packed(packed))) => packed.unpack(&cx.spool)?,
                    _ => break,
                };
            }
            Some(kind) => return Ok(Some((kind, kind.list(&content, &cx.spool)?))),
        }
    }
    Ok(None)
}

/// What an archive has at each path.
struct Archive<'a> {
    kind: Kind,
    usual: &'a [Field],
    /// By name; of several of one name the last, as whoever unpacks it has.
    entries: BTreeMap<&'a str, &'a Entry>,
    /// Directories that it has no entry for.
    implied: BTreeSet<&'a str>,
    /// Whether it states extended attributes at all.
    attributes: bool,
    /// Of the files of a cpio archive that are one inode, the one with the bytes.
    inodes: BTreeMap<String, &'a str>,
}

impl<'a> Archive<'a> {
    fn new(listing: &'a Listing, kind: Kind) -> Self {
        // A link to itself is what tar makes of a file that it is given twice.
        let real = |entry: &&Entry| {
            let itself = matches!(&entry.what, What::HardLink { target } if *target == entry.name);
            !itself && !matches!(entry.name.as_str(), "" | ".")
        };
        let entries: BTreeMap<&str, &Entry> =
            listing.entries.iter().filter(real).map(|entry| (entry.name.as_str(), entry)).collect();
        let mut implied = BTreeSet::new();
        for name in entries.keys() {
            let above = name.match_indices('/').map(|(at, _)| &name[..at]);
            implied.extend(above.filter(|above| !entries.contains_key(above)));
        }
        let image = matches!(kind, Kind::Squashfs | Kind::Erofs | Kind::Ext);
        let stated = || listing.entries.iter().any(|entry| entry.fields.iter().any(|field| attribute(field).is_some()));
        let attributes = image || stated();
        let mut this = Self { kind, usual: &listing.usual, entries, implied, attributes, inodes: BTreeMap::new() };
        if kind == Kind::Cpio {
            let full = |entry: &Entry| matches!(&entry.what, What::File(data) if data.size() != Some(0));
            let full: Vec<&Entry> = this.entries.values().copied().filter(|entry| full(entry)).collect();
            this.inodes = full.iter().filter_map(|entry| Some((this.inode(entry)?, entry.name.as_str()))).collect();
        }
        this
    }

    /// What makes files of a cpio archive one inode.
    fn inode(&self, entry: &'a Entry) -> Option<String> {
        self.get(entry, "nlink").filter(|links| **links != Value::Number(1))?;
        let numbers = ["dev", "devmajor", "devminor", "ino"].iter().filter_map(|name| self.get(entry, name));
        Some(numbers.map(|number| format!("{number} ")).collect())
    }

    /// A property of an entry, if it is stated.
    fn get(&self, entry: &'a Entry, name: &str) -> Option<&'a Value> {
        let own = entry.fields.iter().find(|field| field.name == name);
        let field = own.or_else(|| self.usual.iter().find(|field| field.name == name));
        field.map(|field| &field.value).filter(|value| **value != Value::Absent)
    }

    /// Whether an entry is of the image's making: what else is in it besides files, and the records `.` and `..`.
    fn is_own(&self, name: &str) -> bool {
        let last = name.rsplit('/').next().unwrap_or(name);
        matches!(last, "." | "..") || matches!(self.kind, Kind::Iso | Kind::Ext | Kind::Fat) && name.starts_with('(')
    }

    fn states(&self, name: &str) -> bool {
        self.entries.values().any(|entry| self.get(entry, name).is_some())
    }

    /// The file that has the bytes of an entry, with its name.
    fn file(&self, mut name: &'a str, mut entry: &'a Entry) -> Option<(&'a str, &'a Data)> {
        for _ in 0..LINKS {
            match &entry.what {
                What::File(data) => {
                    let full = self.inode(entry).filter(|_| self.kind == Kind::Cpio);
                    let full = full.and_then(|inode| self.inodes.get(&inode)).filter(|full| **full != name);
                    let Some(full) = full else { return Some((name, data)) };
                    (name, entry) = self.entries.get_key_value(full).map(|(name, entry)| (*name, *entry))?;
                }
                What::HardLink { target } => {
                    let target = target.trim_start_matches("./").trim_start_matches('/');
                    (name, entry) = self.entries.get_key_value(target).map(|(name, entry)| (*name, *entry))?;
                }
                _ => return None,
            }
        }
        None
    }
}

/// An extended attribute as it is shown of a file on a disk.
fn attribute(field: &Field) -> Option<Field> {
    let (name, value) = match &field.value {
        _ if field.name == "xattr" => return Some(field.clone()),
        Value::Text(text) => (&*field.name, text.as_bytes()),
        Value::Bytes(bytes) => (&*field.name, &**bytes),
        _ => return None,
    };
    Some(container::attribute(name.strip_prefix("pax SCHILY.xattr.")?.as_bytes(), value))
}

/// Something that both have at a path.
struct Pair<'a> {
    entry: &'a Entry,
    child: Child,
    place: Place,
}

struct Walk<'c, 'a> {
    cx: &'c Comparison<'c>,
    archive: Archive<'a>,
    side: Side,
    /// The entries that the folder has, too.
    met: BTreeSet<&'a str>,
    /// The first name of what has several: by inode, and by the file's own name in the archive.
    links: BTreeMap<Same<'a>, String>,
    /// Users and groups that the folder's files belong to.
    owners: BTreeSet<[u32; 2]>,
}

/// What makes two names one file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Same<'a> {
    Inode((u64, u64)),
    Entry(&'a str),
}

impl<'a> Walk<'_, 'a> {
    /// Pairs what lies in a folder with the entries; what has no counterpart is told.
    fn folder(
        &mut self,
        folder: &Folder,
        at: &Place,
        pairs: &mut Vec<Pair<'a>>,
        found: &mut Difference,
    ) -> Result<(), Stop> {
        for mut child in folder.list()? {
            self.cx.check()?;
            let place = at.join(&child.name);
            if self.cx.is_excluded(&place) {
                continue;
            }
            self.owners.extend(child.owner);
            if let Lying::Folder(folder) = &child.what {
                self.folder(folder, &place, pairs, found)?;
                // Else its descriptor would stay open.
                child.what = Lying::Special("directory".to_owned());
            }
            match self.archive.entries.get_key_value(place.path.as_str()) {
                Some((name, entry)) => {
                    self.met.insert(name);
                    pairs.push(Pair { entry, child, place });
                }
                None if child.kind() == "directory" && self.archive.implied.contains(place.path.as_str()) => {}
                None => {
                    let side = if self.side == Side::Left { Side::Right } else { Side::Left };
                    let mut sizes = [None, None];
                    sizes[side as usize] = child.size();
                    let mut only = Difference::new(&place.path, child.kind(), sizes);
                    only.facts.push(Fact::Only { side, elsewhere: None });
                    found.inside.push(only);
                }
            }
        }
        Ok(())
    }

    /// Compares what both have at a path.
    fn pair(&mut self, pair: &Pair<'a>, owners: bool) -> Result<Option<Difference>, Stop> {
        let Pair { entry, child, place } = pair;
        let file = self.archive.file(&entry.name, entry);
        let kind = match &entry.what {
            What::HardLink { .. } if file.is_some() => "file",
            What::Special { kind } => kind,
            what => what.name(),
        };
        let mut found =
            Difference::new(&place.path, kind, self.both(file.and_then(|file| file.1.size()), child.size()));
        if kind != child.kind() {
            found.facts.push(Fact::Kind { values: self.both(kind.to_owned(), child.kind().to_owned()) });
        }
        match (&entry.what, &child.what, file) {
            (_, Lying::File(own), Some((name, data))) => {
                if let Some(inner) = self.data(data, &own.open()?, place)? {
                    (found.kind, found.sizes, found.inside) = (inner.kind, inner.sizes, inner.inside);
                    found.facts.extend(inner.facts);
                }
                let links = self.links(name, child, &place.path);
                if links[0] != links[1] {
                    found.field("hard link to", links, About::Metadata);
                }
            }
            (What::Symlink { target }, Lying::Symlink(own), _) if Value::text(own).to_string() != *target => {
                let own = Value::text(own).to_string();
                found.field("target", self.both(Some(target.clone()), Some(own)), About::Content);
            }
            _ => {}
        }
        let [archive, own] = self.fields(entry, child, owners);
        let mut said = Difference::new("", "", [None, None]);
        entries::fields(self.both(&archive, &own), &mut said);
        said.facts.append(&mut found.facts);
        found.facts = said.facts;
        Ok((!found.is_empty()).then_some(found))
    }

    /// The archive's and the folder's, in the order of the sides.
    fn both<T>(&self, archive: T, folder: T) -> [T; 2] {
        if self.side == Side::Left { [archive, folder] } else { [folder, archive] }
    }

    fn data(&self, data: &Data, own: &Content, place: &Place) -> Result<Option<Difference>, Stop> {
        match entries::content(self.cx, data, self.side) {
            Ok(content) => Ok(self.cx.contents(&place.path, self.both(&content, own), &place.opened())?),
            Err(Stop::Unreadable(side, fault)) => {
                let mut found = Difference::new("", "file", self.both(data.size(), Some(own.size())));
                let kind = "packed file".to_owned();
                found.facts.push(Fact::Unreadable { side, kind, reason: fault.to_string() });
                Ok(Some(found))
            }
            Err(stop) => Err(stop),
        }
    }

    /// The other name that each side's file had before.
    fn links(&mut self, file: &'a str, child: &Child, path: &str) -> [Option<String>; 2] {
        let told = matches!(self.archive.kind, Kind::Tar | Kind::Cpio | Kind::Squashfs | Kind::Erofs | Kind::Ext);
        let Some(inode) = child.inode.as_ref().filter(|_| told) else { return [None, None] };
        let same = [Some(Same::Entry(file)), inode.shared.map(Same::Inode)];
        let [archive, folder] = same.map(|same| {
            let first = self.links.entry(same?).or_insert_with(|| path.to_owned());
            (first != path).then(|| first.clone())
        });
        self.both(archive, folder)
    }

    /// What both can say of a file: the archive, and the folder.
    fn fields(&self, entry: &'a Entry, child: &Child, owners: bool) -> [Vec<Field>; 2] {
        let mut fields = [Vec::new(), Vec::new()];
        let mut both = |name: &'static str, archive: Value, own: Value| {
            for (fields, value) in fields.iter_mut().zip([archive, own]) {
                fields.push(Field::metadata(name, value));
            }
        };
        let is_link = matches!(entry.what, What::Symlink { .. });
        if let (Some(Value::Mode(mode)), Some(own), false) = (self.archive.get(entry, "mode"), child.mode, is_link) {
            both("mode", Value::Mode(mode & 0o7777), Value::Mode(own));
        }
        if let Some(owner) = child.owner.filter(|_| owners) {
            for (name, own) in ["uid", "gid"].into_iter().zip(owner) {
                if let Some(value @ Value::Number(_)) = self.archive.get(entry, name) {
                    both(name, value.clone(), Value::Number(own.into()));
                }
            }
        }
        if let (Some(time @ Value::Time(_, nanos)), Some(own), true) =
            (self.archive.get(entry, "mtime"), child.modified, self.cx.options.times)
        {
            // Most archives have whole seconds.
            let own = match moment(own) {
                Value::Time(seconds, _) if *nanos == 0 => Value::Time(seconds, 0),
                own => own,
            };
            both("mtime", time.clone(), own);
        }
        if let Some(inode) = child.inode.as_ref().filter(|_| self.archive.attributes) {
            fields[0].extend(entry.fields.iter().filter_map(attribute));
            fields[1].extend(inode.attributes.iter().cloned());
        }
        fields
    }

    /// The user who has unpacked all of the folder, if it is one who cannot give files away.
    fn by_user(&self, pairs: &[Pair<'a>]) -> Option<u32> {
        let [user, group] = *self.owners.first().filter(|[user, _]| self.owners.len() == 1 && *user != 0)?;
        let other = |name: &str, own: u32, entry: &'a Entry| {
            self.archive.get(entry, name).is_some_and(|value| *value != Value::Number(own.into()))
        };
        pairs.iter().any(|pair| other("uid", user, pair.entry) || other("gid", group, pair.entry)).then_some(user)
    }

    /// Says what was not compared.
    fn note(&self, by_user: Option<u32>) {
        let mut not = vec!["how the archive is packed and in which order".to_owned()];
        let owned = !self.owners.is_empty();
        for (name, what) in [("mode", "modes"), ("uid", "owners")] {
            if !self.archive.states(name) {
                not.push(format!("{what}, which the archive does not state"));
            } else if name == "uid" && !owned {
                not.push("owners, which a tree of the store does not have".to_owned());
            }
        }
        if let Some(user) = by_user {
            not.push(format!("owners: all of the directory belongs to user {user}, as when a user has unpacked it"));
        }
        if owned && !self.archive.attributes {
            not.push("extended attributes, of which the archive states none".to_owned());
        }
        if owned && !self.cx.options.times {
            not.push("times (they are with --times)".to_owned());
        }
        self.cx.note(format!("not compared: {}", not.join("; ")));
    }
}
