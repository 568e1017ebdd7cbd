//! Two containers: their fields, their entries, their order, and what remains.

use std::collections::{BTreeMap, VecDeque};

use super::bytes;
use super::compare::{Comparison, Error, Place, Stop, of};
use super::model::{Difference, Fact, Moved, Side};
use crate::container::{About, Data, Entry, Field, Listing, Rest, Value, What};
use crate::fs::Content;

/// Entries whose positions are shown.
const EXAMPLES: usize = 16;
/// Files of one size that are tried as the same file under another name.
const TRIED: usize = 32;
/// Properties of one name among which an equal one is looked for.
const NEXT: usize = 256;

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
        let shown: Vec<[usize; 2]> =
            common.iter().filter(|[a, _]| !cx.is_excluded(&at.join(&left.entries[*a].name))).copied().collect();
        found.facts.extend(order(&shown, &left.entries));
    }
    for [a, b] in &common {
        cx.check()?;
        let (a, b) = (&left.entries[*a], &right.entries[*b]);
        let place = at.join(&a.name);
        if !cx.is_excluded(&place) {
            // How a compressed stream is packed is about the stream itself, and no wonder when they are of two kinds.
            let mut packing = Vec::new();
            found.inside.extend(entry(cx, [a, b], [&left.usual, &right.usual], &place, &mut packing)?);
            if !found.facts.iter().any(|fact| matches!(fact, Fact::Kind { .. })) {
                found.facts.append(&mut packing);
            }
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
    // A million entries have none of their own.
    if left != right {
        properties([left.iter().collect(), right.iter().collect()], found);
    }
}

/// Compares the properties of two entries; what is usual in a container is a property of each.
fn own_fields(usual: [&[Field]; 2], [left, right]: [&[Field]; 2], found: &mut Difference) {
    if usual[0] == usual[1] && left == right {
        return;
    }
    let all = |usual: &'_ [Field], own: &'_ [Field]| -> Vec<Field> {
        let usual = usual.iter().filter(|usual| own.iter().all(|own| own.name != usual.name));
        usual.chain(own).filter(|field| field.value != Value::Absent).cloned().collect()
    };
    let (left, right) = (all(usual[0], left), all(usual[1], right));
    properties([left.iter().collect(), right.iter().collect()], found);
}

/// What stands before the name of a property when it is stated once more elsewhere.
const COPIES: [&str; 2] = ["pax header ", "local "];

/// Several properties of one name are compared in their order; of those that are equal somewhere nothing is said.
fn properties([left, right]: [Vec<&Field>; 2], found: &mut Difference) {
    let mut others: BTreeMap<&str, VecDeque<&Field>> = BTreeMap::new();
    for field in &right {
        others.entry(&field.name).or_default().push_back(field);
    }
    let mut unequal = Vec::new();
    for field in left {
        let same = others.get_mut(&*field.name);
        let same_value = |same: &VecDeque<&Field>| same.iter().take(NEXT).position(|other| other.value == field.value);
        let at = same.as_deref().and_then(same_value);
        match (same, at) {
            (Some(same), Some(at)) => drop(same.remove(at)),
            _ => unequal.push(field),
        }
    }
    let mut pairs: Vec<[Option<&Field>; 2]> = Vec::new();
    for field in unequal {
        pairs.push([Some(field), others.get_mut(&*field.name).and_then(VecDeque::pop_front)]);
    }
    for field in right {
        if let Some(rest) = others.get_mut(&*field.name)
            && rest.front().is_some_and(|rest| std::ptr::eq(*rest, field))
        {
            rest.pop_front();
            pairs.push([None, Some(field)]);
        }
    }
    let named = pairs.iter().rev().filter_map(|pair| pair[0].or(pair[1]).map(|field| (&*field.name, *pair)));
    let first: BTreeMap<&str, [Option<&Field>; 2]> = named.collect();
    for pair in &pairs {
        let Some(field) = pair[0].or(pair[1]) else { continue };
        // What is stated twice and differs alike in both places is one difference.
        let original = COPIES.iter().find_map(|front| field.name.strip_prefix(front));
        let original = original.and_then(|name| first.get(name));
        if !original.is_some_and(|original| (0..2).all(|side| is_alike(pair[side], original[side]))) {
            found.field(&*field.name, shown(*pair), field.about);
        }
    }
}

/// Whether two places state the same, one of them perhaps without fractions of a second.
fn is_alike(copy: Option<&Field>, original: Option<&Field>) -> bool {
    match (copy.map(|field| &field.value), original.map(|field| &field.value)) {
        (Some(Value::Time(a, 0)), Some(Value::Time(b, _))) => a == b,
        (a, b) => a == b,
    }
}

/// Two values as text. Those that differ are shown differently, also where only their beginnings are shown, or where they
/// are of two kinds.
fn shown([left, right]: [Option<&Field>; 2]) -> [Option<String>; 2] {
    let values = [left, right].map(|field| field.map(|field| field.value.to_string()));
    let (Some(left), Some(right)) = (left, right) else { return values };
    if values[0] != values[1] {
        return values;
    }
    let more = match (&left.value, &right.value) {
        (Value::Bytes(x), Value::Bytes(y)) => {
            let at = x.iter().zip(y).take_while(|(x, y)| x == y).count();
            let from =
                |bytes: &[u8]| format!(", from byte {at} on {}", bytes::hex(&bytes[at..bytes.len().min(at + 16)]));
            [from(x), from(y)]
        }
        (x, y) => [x, y].map(|value| format!(" ({})", value.kind())),
    };
    let mut more = more.into_iter();
    values.map(|value| value.map(|value| value + &more.next().unwrap_or_default()))
}

/// Compares two entries of one name.
fn entry(
    cx: &Comparison<'_>,
    [left, right]: [&Entry; 2],
    usual: [&[Field]; 2],
    at: &Place,
    packing: &mut Vec<Fact>,
) -> Result<Option<Difference>, Stop> {
    let mut found = match (&left.what, &right.what) {
        (What::File(a), What::File(b)) => data(cx, &left.name, [a, b], at, packing)?,
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
    own_fields(usual, [&left.fields, &right.fields], &mut here);
    if !left.name.is_empty() {
        here.facts.append(packing);
    }
    if here.facts.is_empty() {
        return Ok(found);
    }
    let found = found.get_or_insert_with(own);
    // What is said of an entry comes before what is in it.
    here.facts.append(&mut found.facts);
    found.facts = here.facts;
    Ok(Some(std::mem::replace(found, own())))
}

/// Compares the bytes of two files. How they are packed, when they are equal otherwise, goes to `packing`.
fn data(
    cx: &Comparison<'_>,
    name: &str,
    pair: [&Data; 2],
    at: &Place,
    packing: &mut Vec<Fact>,
) -> Result<Option<Difference>, Stop> {
    if let [Data::Packed(a), Data::Packed(b)] = pair
        && a.size() == b.size()
        && a.tag() == b.tag()
        && a.packed().differs_at(&b.packed())?.is_none()
    {
        return Ok(None);
    }
    let sides = [content(cx, pair[0], Side::Left), content(cx, pair[1], Side::Right)];
    let [left, right] = match sides {
        [Ok(left), Ok(right)] => [left, right],
        sides => {
            let mut found = Difference::new(name, "file", [pair[0].size(), pair[1].size()]);
            for side in sides {
                match side {
                    Ok(_) => {}
                    Err(Stop::Unreadable(side, fault)) => {
                        let kind = "packed file".to_owned();
                        found.facts.push(Fact::Unreadable { side, kind, reason: fault.to_string() });
                    }
                    Err(stop) => return Err(stop),
                }
            }
            let raw = pair.map(packed);
            found.facts.extend(bytes::compare([&raw[0], &raw[1]], About::Content)?);
            return Ok(Some(found));
        }
    };
    if left.differs_at(&right)?.is_some() {
        return Ok(cx.contents(name, [&left, &right], at)?);
    }
    if let [Data::Packed(a), Data::Packed(b)] = pair {
        let [a, b] = [a.packed(), b.packed()];
        if let Some(fact) = bytes::compare([&a, &b], About::Metadata)? {
            let values =
                [format!("{} bytes", a.size()), format!("{} bytes, the same content compressed otherwise", b.size())];
            packing.push(Fact::Field { name: "compressed bytes".to_owned(), values: values.map(Some), metadata: true });
            packing.push(fact);
        }
    }
    Ok(None)
}

/// The bytes as they lie in the container.
fn packed(data: &Data) -> Content {
    match data {
        Data::Plain(content) => content.clone(),
        Data::Packed(packed) => packed.packed(),
    }
}

/// The bytes, unpacked.
pub(super) fn content(cx: &Comparison<'_>, data: &Data, side: Side) -> Result<Content, Stop> {
    match data {
        Data::Plain(content) => Ok(content.clone()),
        Data::Packed(packed) => packed.unpack(&cx.spool).map_err(of(side)),
    }
}

/// An entry that the other side has not.
pub(super) fn only(entry: &Entry, side: Side, elsewhere: Option<String>) -> Difference {
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
    let file = |side: usize, index: usize| match &sides[side][index].what {
        What::File(data) if data.size().is_some_and(|size| size > 0) => Some(data),
        _ => None,
    };
    let mut sizes: BTreeMap<Option<u64>, Vec<usize>> = BTreeMap::new();
    for index in &alone[1] {
        if let Some(data) = file(1, *index) {
            sizes.entry(data.size()).or_default().push(*index);
        }
    }
    for index in &alone[0] {
        let Some(data) = file(0, *index) else { continue };
        let Some(others) = sizes.get_mut(&data.size()) else { continue };
        cx.check()?;
        for at in 0..others.len().min(TRIED) {
            let other = others[at];
            if file(1, other).is_some_and(|other| is_same(data, other)) {
                names[0].insert(*index, sides[1][other].name.clone());
                names[1].insert(other, sides[0][*index].name.clone());
                others.remove(at);
                break;
            }
        }
    }
    Ok(names)
}

/// Whether two files of equal size are equal, as far as can be told without unpacking.
fn is_same(left: &Data, right: &Data) -> bool {
    let equal = |a: &Content, b: &Content| matches!(a.differs_at(b), Ok(None));
    match (left, right) {
        (Data::Plain(a), Data::Plain(b)) => equal(a, b),
        (Data::Packed(a), Data::Packed(b)) => a.tag() == b.tag() && equal(&a.packed(), &b.packed()),
        _ => false,
    }
}

/// How the order of what both have differs.
pub(super) fn order(common: &[[usize; 2]], entries: &[Entry]) -> Option<Fact> {
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
    // Several may have one name.
    let mut others: BTreeMap<&str, VecDeque<&Rest>> = BTreeMap::new();
    for rest in right {
        others.entry(&rest.name).or_default().push_back(rest);
    }
    let mut one = |name: &str, pair: [&Content; 2]| -> Result<(), Stop> {
        if let Some(fact) = bytes::compare(pair, About::Metadata)? {
            let mut inside = Difference::new(name, "bytes", pair.map(|content| Some(content.size())));
            inside.facts.push(fact);
            found.inside.push(inside);
        }
        Ok(())
    };
    for rest in left {
        let other = others.get_mut(rest.name.as_str()).and_then(VecDeque::pop_front);
        one(&rest.name, [&rest.bytes, other.map_or(&empty, |other| &other.bytes)])?;
    }
    for rest in others.into_values().flatten() {
        one(&rest.name, [&empty, &rest.bytes])?;
    }
    Ok(())
}
