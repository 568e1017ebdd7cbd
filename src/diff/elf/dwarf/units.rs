//! Compile units.

use std::collections::BTreeSet;

use gimli::{Reader, UnitHeader};

use super::super::compare::limit;
use super::super::read::Elf;
use super::compare::{SHOWN, Shifted, UNITS, malformed, pair_up};
use super::entries::{self, View};
use super::load::{Bytes, Loaded};
use crate::container::About;
use crate::diff::compare::{Comparison, Stop};
use crate::diff::lines;
use crate::diff::model::{Difference, Fact, Side};

type Header<'a> = UnitHeader<Bytes<'a>>;

/// Compares two `.debug_info`.
pub(super) fn compare(
    cx: &Comparison<'_>,
    files: [&Elf; 2],
    loaded: &[Loaded; 2],
    found: &mut Difference,
) -> Result<(), Stop> {
    let left = list(&loaded[0]).map_err(malformed(Side::Left))?;
    let right = list(&loaded[1]).map_err(malformed(Side::Right))?;
    let raw = |side: usize, header: &Header<'_>| {
        let start = header.debug_info_offset().map_or(0, |offset| offset.0);
        let bytes = loaded[side].section(".debug_info");
        bytes.get(start..start + header.length_including_self()).unwrap_or_default()
    };
    // What is equal at the same place needs no name. (References between units count from the section's beginning.)
    let in_step = left.len() == right.len();
    let differs = |index: &usize| !in_step || raw(0, &left[*index]) != raw(1, &right[*index]);
    let wanted = |headers: &[Header<'_>]| (0..headers.len()).filter(differs).take(UNITS).collect::<Vec<_>>();
    let indices = [wanted(&left), wanted(&right)];
    let dwarves = [loaded[0].dwarf(), loaded[1].dwarf()];
    let views = |side: usize, headers: &[Header<'_>]| -> Result<Vec<String>, Stop> {
        let at = if side == 0 { Side::Left } else { Side::Right };
        let mut names = Vec::new();
        for index in &indices[side] {
            cx.check()?;
            let view = View::new(files[side], &dwarves[side], headers[*index]).map_err(malformed(at))?;
            names.push(view.name());
        }
        Ok(names)
    };
    let names = [views(0, &left)?, views(1, &right)?];
    let (pairs, alone) = pair_up([&names[0], &names[1]]);
    let mut shifted = Shifted::new("compile unit");
    let mut further: Vec<&str> = Vec::new();
    let mut shown = 0;
    for [a, b] in pairs {
        cx.check()?;
        let headers = [left[indices[0][a]], right[indices[1][b]]];
        let bytes = [raw(0, &headers[0]), raw(1, &headers[1])];
        if bytes[0] == bytes[1] {
            continue;
        }
        if shown == SHOWN {
            further.push(&names[0][a]);
            continue;
        }
        let a_view = View::new(files[0], &dwarves[0], headers[0]).map_err(malformed(Side::Left))?;
        let b_view = View::new(files[1], &dwarves[1], headers[1]).map_err(malformed(Side::Right))?;
        let mut inside = Difference::new(&names[0][a], "compile unit", bytes.map(|bytes| Some(bytes.len() as u64)));
        one([&a_view, &b_view], &mut inside)?;
        if inside.is_empty() {
            shifted.add(inside, bytes, found)?;
        } else {
            shown += 1;
            found.inside.push(inside);
        }
    }
    for (side, alone) in [(Side::Left, &alone[0]), (Side::Right, &alone[1])] {
        for index in alone.iter().take(SHOWN) {
            let mut inside = Difference::new(&names[side as usize][*index], "compile unit", [None, None]);
            inside.facts.push(Fact::Only { side, elsewhere: None });
            found.inside.push(inside);
        }
        further.extend(alone.iter().skip(SHOWN).map(|index| names[side as usize][*index].as_str()));
    }
    shifted.tell(found);
    let beyond = left.len().max(right.len()).saturating_sub(UNITS);
    if !further.is_empty() || beyond > 0 && indices.iter().any(|list| list.len() == UNITS) {
        let some: Vec<&str> = further.iter().take(SHOWN).copied().collect();
        let reason = format!("{} further compile units differ: {}, …", further.len(), some.join(", "));
        found.facts.push(Fact::Unsearched { reason });
    }
    Ok(())
}

fn list(loaded: &Loaded) -> gimli::Result<Vec<Header<'_>>> {
    let dwarf = loaded.dwarf();
    let mut units = dwarf.units();
    let mut headers = Vec::new();
    while let Some(header) = units.next()? {
        headers.push(header);
    }
    Ok(headers)
}

fn one(views: [&View<'_>; 2], found: &mut Difference) -> Result<(), Stop> {
    let headers = views.map(View::header);
    for (name, values) in [
        ("version", headers.map(|header| header.version().to_string())),
        ("address size", headers.map(|header| header.address_size().to_string())),
        ("unit type", headers.map(|header| format!("{:?}", header.type_()))),
    ] {
        if values[0] != values[1] {
            found.field(name, values.map(Some), About::Content);
        }
    }
    let left = views[0].attributes().map_err(malformed(Side::Left))?;
    let right = views[1].attributes().map_err(malformed(Side::Right))?;
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for name in names {
        let values = [left.get(name), right.get(name)];
        if values[0] != values[1] {
            found.field(name.as_str(), values.map(Option::<&String>::cloned), About::Content);
        }
    }
    limit(found);
    let left = views[0].entries().map_err(malformed(Side::Left))?;
    let right = views[1].entries().map_err(malformed(Side::Right))?;
    let within = |line: usize| entries::within(&left.lines, line);
    found.facts.extend(lines::compare("debugging entries", &left.lines, &right.lines, &within));
    if left.cut || right.cut {
        found.facts.push(Fact::Unsearched { reason: "it has more entries than are compared by name".to_owned() });
    }
    Ok(())
}

/// Bytes as text.
pub(super) fn text(bytes: Bytes<'_>) -> String {
    bytes.to_slice().map_or_else(|_| String::new(), |bytes| super::super::names::text(&bytes))
}
