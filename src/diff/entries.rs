//! Two containers: their fields, their entries, their order, and what remains.

use std::collections::BTreeMap;

use super::bytes;
use super::compare::{Comparison, Error, Place, Stop, of};
use super::model::{Difference, Fact, Moved, Side};
use crate::container::{About, Data, Entry, Field, Listing, Rest, What};
use crate::fs::Content;

/// Entries whose positions are shown.
const EXAMPLES: usize = 16;
/// Files of one size that are tried as the same file under another name.
const TRIED: usize = 32;

/// Compares two listings.
pub(super) fn compare(
    cx: &Comparison<'_>,
    [left, right]: [&Listing; 2],
    at: &Place,
    found: &mut Difference,
) -> Result<(), Stop> {
    fields([&left.fields, &right.fields], found);
    let names = [keys(&left.entries), keys(&right.entries)];
    let places: BTreeMap<(&str, u32), usize> = names[1].iter().enumerate().map(|(index, key)| (*key, index)).collect();
    let mut common: Vec<[usize; 2]> = Vec::new();
    let mut alone = [Vec::new(), Vec::new()];
    let mut taken = vec![false; right.entries.len()];
    for (index, key) in names[0].iter().enumerate() {
        match places.get(key) {
            Some(other) => {
                taken[*other] = true;
                common.push([index, *other]);
            }
            None => alone[0].push(index),
        }
    }
    alone[1] = taken.iter().enumerate().filter(|(_, taken)| !**taken).map(|(index, _)| index).collect();
    if left.ordered || right.ordered {
        found.facts.extend(order(&common, &left.entries));
    }
    for [a, b] in &common {
        let (a, b) = (&left.entries[*a], &right.entries[*b]);
        let place = at.join(&a.name);
        if !cx.is_excluded(&place) {
            found.inside.extend(entry(cx, [a, b], &place)?);
        }
    }
    let sides = [&left.entries, &right.entries];
    let moved = moved(cx, sides, &alone)?;
    for (side, alone) in [(Side::Left, &alone[0]), (Side::Right, &alone[1])] {
        for index in alone {
            let entry = &sides[side as usize][*index];
            if !cx.is_excluded(&at.join(&entry.name)) {
                let elsewhere = moved[side as usize].get(index).cloned();
                found.inside.push(only(entry, side, elsewhere));
            }
        }
    }
    rest([&left.rest, &right.rest], found)
}

/// The names, each with how many entries before it have the same.
fn keys(entries: &[Entry]) -> Vec<(&str, u32)> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut keys = Vec::with_capacity(entries.len());
    for entry in entries {
        let count = seen.entry(&entry.name).or_default();
        keys.push((entry.name.as_str(), *count));
        *count += 1;
    }
    keys
}

/// Compares properties.
pub(super) fn fields([left, right]: [&[Field]; 2], found: &mut Difference) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut taken = vec![false; right.len()];
    for field in left {
        // The next one of the same name: a format may state one several times.
        let from = seen.get(field.name).copied().unwrap_or(0);
        let other = right.iter().enumerate().skip(from).find(|(_, other)| other.name == field.name);
        if let Some((index, _)) = other {
            taken[index] = true;
            seen.insert(field.name, index + 1);
        } else {
            seen.insert(field.name, right.len());
        }
        let other = other.map(|(_, other)| &other.value);
        if other != Some(&field.value) {
            found.field(field.name, [Some(field.value.to_string()), other.map(ToString::to_string)], field.about);
        }
    }
    for (field, _) in right.iter().zip(taken).filter(|(_, taken)| !taken) {
        found.field(field.name, [None, Some(field.value.to_string())], field.about);
    }
}

/// Compares two entries of one name.
fn entry(cx: &Comparison<'_>, [left, right]: [&Entry; 2], at: &Place) -> Result<Option<Difference>, Stop> {
    let mut found = match (&left.what, &right.what) {
        (What::File(a), What::File(b)) => data(cx, &left.name, [a, b], at)?,
        _ => None,
    };
    let size = |what: &What| if let What::File(data) = what { data.size() } else { None };
    let kind = left.what.name();
    let own = || Difference::new(&left.name, kind, [size(&left.what), size(&right.what)]);
    let mut here = own();
    match (&left.what, &right.what) {
        (What::Symlink { target: a }, What::Symlink { target: b })
        | (What::HardLink { target: a }, What::HardLink { target: b })
        | (What::Special { kind: a }, What::Special { kind: b })
            if a != b =>
        {
            let name = if let What::Special { .. } = left.what { "kind" } else { "target" };
            here.field(name, [Some(a.clone()), Some(b.clone())], About::Content);
        }
        (a, b) if a.name() != b.name() => {
            here.facts.push(Fact::Kind { values: [a.name().to_owned(), b.name().to_owned()] });
        }
        _ => {}
    }
    fields([&left.fields, &right.fields], &mut here);
    if here.facts.is_empty() {
        return Ok(found);
    }
    let found = found.get_or_insert_with(own);
    // What is said of an entry comes before what is in it.
    here.facts.append(&mut found.facts);
    found.facts = here.facts;
    Ok(Some(std::mem::replace(found, own())))
}

fn data(cx: &Comparison<'_>, name: &str, pair: [&Data; 2], at: &Place) -> Result<Option<Difference>, Stop> {
    if let [Data::Packed(a), Data::Packed(b)] = pair
        && a.size() == b.size()
        && a.packed().differs_at(&b.packed())?.is_none()
    {
        return Ok(None);
    }
    let [left, right] = [content(cx, pair[0], Side::Left), content(cx, pair[1], Side::Right)];
    let pair = match (left, right) {
        (Ok(left), Ok(right)) => [left, right],
        (Err(Stop::Unreadable(side, fault)), _) | (_, Err(Stop::Unreadable(side, fault))) => {
            let sizes = [pair[0].size(), pair[1].size()];
            let mut found = Difference::new(name, "file", sizes);
            let kind = "packed file".to_owned();
            found.facts.push(Fact::Unreadable { side, kind, reason: fault.to_string() });
            return Ok(Some(found));
        }
        (Err(stop), _) | (_, Err(stop)) => return Err(stop),
    };
    Ok(cx.contents(name, [&pair[0], &pair[1]], at)?)
}

fn content(cx: &Comparison<'_>, data: &Data, side: Side) -> Result<Content, Stop> {
    match data {
        Data::Plain(content) => Ok(content.clone()),
        Data::Packed(packed) => packed.unpack(&cx.spool).map_err(of(side)),
    }
}

fn only(entry: &Entry, side: Side, elsewhere: Option<String>) -> Difference {
    let size = if let What::File(data) = &entry.what { data.size() } else { None };
    let mut sizes = [None, None];
    sizes[side as usize] = size;
    let mut found = Difference::new(&entry.name, entry.what.name(), sizes);
    found.facts.push(Fact::Only { side, elsewhere });
    found
}

/// The files without a counterpart whose content another such file of the other side has: by index, its name.
fn moved(
    cx: &Comparison<'_>,
    sides: [&Vec<Entry>; 2],
    alone: &[Vec<usize>; 2],
) -> Result<[BTreeMap<usize, String>; 2], Error> {
    let mut names = [BTreeMap::new(), BTreeMap::new()];
    let plain = |side: usize, index: usize| match &sides[side][index].what {
        What::File(Data::Plain(content)) if content.size() > 0 => Some(content),
        _ => None,
    };
    let mut sizes: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for index in &alone[1] {
        if let Some(content) = plain(1, *index) {
            sizes.entry(content.size()).or_default().push(*index);
        }
    }
    for index in &alone[0] {
        let Some(content) = plain(0, *index) else { continue };
        let Some(others) = sizes.get_mut(&content.size()) else { continue };
        cx.check()?;
        for at in 0..others.len().min(TRIED) {
            let other = others[at];
            if plain(1, other).is_some_and(|other| matches!(content.differs_at(other), Ok(None))) {
                names[0].insert(*index, sides[1][other].name.clone());
                names[1].insert(other, sides[0][*index].name.clone());
                others.remove(at);
                break;
            }
        }
    }
    Ok(names)
}

/// How the order of what both have differs.
fn order(common: &[[usize; 2]], entries: &[Entry]) -> Option<Fact> {
    // The longest run of entries that stand in one order on both sides may stay: patience sorting.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(common.len());
    for (at, [_, right]) in common.iter().enumerate() {
        let length = tails.partition_point(|tail| common[*tail][1] < *right);
        before.push(length.checked_sub(1).map(|length| tails[length]));
        if length == tails.len() {
            tails.push(at);
        } else {
            tails[length] = at;
        }
    }
    let moved = common.len() - tails.len();
    if moved == 0 {
        return None;
    }
    let mut stays = vec![false; common.len()];
    let mut next = tails.last().copied();
    while let Some(at) = next {
        stays[at] = true;
        next = before[at];
    }
    let examples = common
        .iter()
        .enumerate()
        .filter(|(at, _)| !stays[*at])
        .take(EXAMPLES)
        .map(|(_, [a, b])| Moved { name: entries[*a].name.clone(), positions: [*a as u64, *b as u64] });
    Some(Fact::Order { moved: moved as u64, examples: examples.collect() })
}

/// Compares what no field or entry accounts for.
fn rest([left, right]: [&[Rest]; 2], found: &mut Difference) -> Result<(), Stop> {
    let empty = Content::zeros(0);
    let mut others: BTreeMap<&str, &Content> = right.iter().map(|rest| (rest.name.as_str(), &rest.bytes)).collect();
    let mut one = |name: &str, pair: [&Content; 2]| -> Result<(), Stop> {
        if let Some(fact) = bytes::compare(pair, About::Metadata)? {
            let mut inside = Difference::new(name, "bytes", pair.map(|content| Some(content.size())));
            inside.facts.push(fact);
            found.inside.push(inside);
        }
        Ok(())
    };
    for rest in left {
        one(&rest.name, [&rest.bytes, others.remove(rest.name.as_str()).unwrap_or(&empty)])?;
    }
    for (name, bytes) in others {
        one(name, [&empty, bytes])?;
    }
    Ok(())
}
