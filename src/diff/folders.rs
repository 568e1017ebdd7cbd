//! Two folders: their entries by name, at every level.

use std::collections::BTreeMap;

use super::compare::{Comparison, Error, Place};
use super::entries;
use super::folder::{Child, File, Folder, What};
use super::model::{Difference, Fact, Side};
use super::oci::{self, Parts};
use crate::container::{About, Field, Value};

/// Compares two folders; what is only in one of them is noted in `seen`.
pub(super) fn compare(
    cx: &Comparison<'_>,
    [left, right]: [&Folder; 2],
    at: &Place,
    seen: &mut Seen,
    found: &mut Difference,
) -> Result<(), Error> {
    cx.check()?;
    if left.digest().is_some() && left.digest() == right.digest() {
        return Ok(());
    }
    let mut lists = [left.list()?, right.list()?];
    seen.layout(&mut lists, at)?;
    let [mut left, mut right] = lists.map(|list| list.into_iter().peekable());
    loop {
        let side = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(_), None) => Some(Side::Left),
            (None, Some(_)) => Some(Side::Right),
            (Some(a), Some(b)) if a.raw < b.raw => Some(Side::Left),
            (Some(a), Some(b)) if a.raw > b.raw => Some(Side::Right),
            _ => None,
        };
        match side {
            None => {
                let (Some(a), Some(b)) = (left.next(), right.next()) else { break };
                let place = at.join(&a.name);
                if !cx.is_excluded(&place) {
                    found.inside.extend(child(cx, [&a, &b], &place, seen)?);
                }
            }
            Some(side) => {
                let next = if side == Side::Left { left.next() } else { right.next() };
                let Some(one) = next else { break };
                let place = at.join(&one.name);
                if !cx.is_excluded(&place) {
                    found.inside.push(only(cx, one, side, &place, seen)?);
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
    seen: &mut Seen,
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
        (What::Folder(a), What::Folder(b)) => compare(cx, [a, b], at, seen, &mut found)?,
        (What::Symlink(a), What::Symlink(b)) => {
            let target = |target: &Vec<u8>| [Field::content("target", Value::words(target))];
            entries::fields([&target(a), &target(b)], &mut found);
        }
        _ if left.kind() != right.kind() => {
            found.facts.push(Fact::Kind { values: [left.kind().to_owned(), right.kind().to_owned()] });
        }
        _ => {}
    }
    let mut said = Difference::new("", "", [None, None]);
    let times = cx.options.times;
    entries::fields([&left.fields(right, times), &right.fields(left, times)], &mut said);
    let links = [seen.link(Side::Left, left, &at.path), seen.link(Side::Right, right, &at.path)];
    if left.inode.is_some() && right.inode.is_some() && links[0] != links[1] {
        said.field("hard link to", links, About::Metadata);
    }
    said.facts.append(&mut found.facts);
    found.facts = said.facts;
    Ok((!found.is_empty()).then_some(found))
}

/// Something that the other side has not, with all that lies in it.
fn only(cx: &Comparison<'_>, one: Child, side: Side, at: &Place, seen: &mut Seen) -> Result<Difference, Error> {
    cx.check()?;
    let mut sizes = [None, None];
    sizes[side as usize] = one.size();
    let mut found = Difference::new(&one.name, one.kind(), sizes);
    found.facts.push(Fact::Only { side, elsewhere: None });
    seen.link(side, &one, &at.path);
    match one.what {
        What::Folder(folder) => {
            for inner in folder.list()? {
                let place = at.join(&inner.name);
                if !cx.is_excluded(&place) {
                    found.inside.push(only(cx, inner, side, &place, seen)?);
                }
            }
        }
        What::File(file) if file.size() > 0 => seen.files[side as usize].push((at.path.clone(), file)),
        _ => {}
    }
    Ok(found)
}

/// What was met on the way through both sides.
#[derive(Default)]
pub(super) struct Seen {
    /// Files that one side alone has, to find those that only have another name.
    files: [Vec<(String, File)>; 2],
    /// The first name of each inode that has several.
    links: [BTreeMap<(u64, u64), String>; 2],
    /// The image layout that the way is in, and what its blobs are.
    layout: Option<(String, [Parts; 2])>,
}

/// Files of one size that are tried as the same file under another name.
const TRIED: usize = 32;

impl Seen {
    /// Lets blobs of two image layouts have the names of what they are to the images.
    fn layout(&mut self, lists: &mut [Vec<Child>; 2], at: &Place) -> Result<(), Error> {
        if let [Some(left), Some(right)] = [oci::parts(&lists[0])?, oci::parts(&lists[1])?] {
            self.layout = Some((at.path.clone(), [left, right]));
        }
        if let Some((root, parts)) = &self.layout
            && let Some(below) = at.path.strip_prefix(root.as_str())
        {
            for (list, parts) in lists.iter_mut().zip(parts) {
                oci::rename(list, parts, below.trim_start_matches('/'));
            }
        }
        Ok(())
    }

    /// The name that the same inode had before, if it had one.
    fn link(&mut self, side: Side, child: &Child, path: &str) -> Option<String> {
        let inode = child.inode.as_ref()?.shared?;
        let first = self.links[side as usize].entry(inode).or_insert_with(|| path.to_owned());
        (first != path).then(|| first.clone())
    }

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
