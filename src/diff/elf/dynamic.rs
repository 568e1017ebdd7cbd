//! The dynamic section, as fields.

use std::collections::{BTreeMap, BTreeSet};

use object::elf;

use super::compare::limit;
use super::names;
use super::read::{Elf, Numbers, Section};
use crate::container::{About, Fault};
use crate::diff::compare::{Stop, of};
use crate::diff::model::{Difference, Side};

/// Tags whose value is a string's place in the string table.
const STRINGS: [elf::DynamicTag; 8] = [
    elf::DT_NEEDED,
    elf::DT_SONAME,
    elf::DT_RPATH,
    elf::DT_RUNPATH,
    elf::DT_AUXILIARY,
    elf::DT_FILTER,
    elf::DT_CONFIG,
    elf::DT_DEPAUDIT,
];

/// Tags that tell where something lies or how large it is, which follows from the sections.
const PLACES: [elf::DynamicTag; 27] = [
    elf::DT_INIT,
    elf::DT_FINI,
    elf::DT_INIT_ARRAY,
    elf::DT_INIT_ARRAYSZ,
    elf::DT_FINI_ARRAY,
    elf::DT_FINI_ARRAYSZ,
    elf::DT_PREINIT_ARRAY,
    elf::DT_PREINIT_ARRAYSZ,
    elf::DT_HASH,
    elf::DT_GNU_HASH,
    elf::DT_STRTAB,
    elf::DT_STRSZ,
    elf::DT_SYMTAB,
    elf::DT_PLTGOT,
    elf::DT_JMPREL,
    elf::DT_PLTRELSZ,
    elf::DT_REL,
    elf::DT_RELSZ,
    elf::DT_RELCOUNT,
    elf::DT_RELA,
    elf::DT_RELASZ,
    elf::DT_RELACOUNT,
    elf::DT_RELR,
    elf::DT_RELRSZ,
    elf::DT_VERSYM,
    elf::DT_VERNEED,
    elf::DT_VERDEF,
];

struct Entry {
    tag: i64,
    value: u64,
    shown: String,
}

fn read(file: &Elf, section: &Section, bytes: &[u8]) -> Result<Vec<Entry>, Fault> {
    let strings = file.section(section.link).map_or(Ok(Vec::new()), Section::whole)?;
    let mut n = Numbers::new(bytes, file.encoding);
    let mut entries = Vec::new();
    while let (Some(tag), Some(value)) = (n.address(), n.address()) {
        let tag = if file.encoding.wide { tag as i64 } else { i64::from(tag as i32) };
        let shown = if STRINGS.iter().any(|known| known.0 == tag) {
            names::string_at(&strings, value).unwrap_or_else(|| format!("{value:#x}, outside of its strings"))
        } else {
            format!("{value:#x}")
        };
        entries.push(Entry { tag, value, shown });
    }
    Ok(entries)
}

/// Compares two dynamic sections.
pub(super) fn compare(
    files: [&Elf; 2],
    sections: [&Section; 2],
    bytes: [&[u8]; 2],
    found: &mut Difference,
) -> Result<(), Stop> {
    let left = read(files[0], sections[0], bytes[0]).map_err(of(Side::Left))?;
    let right = read(files[1], sections[1], bytes[1]).map_err(of(Side::Right))?;
    let mut tags: Vec<i64> = Vec::new();
    let mut by_tag: BTreeMap<i64, [Vec<&Entry>; 2]> = BTreeMap::new();
    for (side, entries) in [&left, &right].into_iter().enumerate() {
        for entry in entries {
            by_tag.entry(entry.tag).or_insert_with(|| {
                tags.push(entry.tag);
                Default::default()
            })[side]
                .push(entry);
        }
    }
    let name = |tag: i64| {
        let name = names::of(files[0].header.machine).dt.name(elf::DynamicTag(tag));
        names::or_number(name, tag as u64)
    };
    let mut places = Vec::new();
    for tag in tags {
        let Some([a, b]) = by_tag.get(&tag) else { continue };
        let shown = |entries: &[&Entry]| entries.iter().map(|entry| entry.shown.clone()).collect::<Vec<_>>();
        let (a_shown, b_shown) = (shown(a), shown(b));
        if a_shown == b_shown {
            continue;
        }
        if tag == elf::DT_NULL.0 {
            let count = |entries: &[String]| Some(format!("{} entries", entries.len()));
            found.field("DT_NULL", [count(&a_shown), count(&b_shown)], About::Metadata);
        } else if a.len() == 1 && b.len() == 1 {
            let place = PLACES.iter().any(|known| known.0 == tag);
            let values = [Some(a_shown[0].clone()), Some(b_shown[0].clone())];
            if place && a[0].value != 0 && b[0].value != 0 {
                places.push((name(tag), values));
            } else {
                found.field(name(tag), values, About::Content);
            }
        } else {
            several(&name(tag), [&a_shown, &b_shown], found);
        }
    }
    let more = places.len().saturating_sub(1);
    if let Some((name, values)) = places.into_iter().next() {
        let name = if more > 0 { format!("{name} and {more} more of the places and sizes") } else { name };
        found.field(name, values, About::Metadata);
    }
    limit(found);
    Ok(())
}

/// Values of a tag that may occur several times: what only one side has; the order, if it is only that.
fn several(name: &str, [left, right]: [&[String]; 2], found: &mut Difference) {
    let before = found.facts.len();
    let sets = [left, right].map(|list| list.iter().collect::<BTreeSet<_>>());
    for value in left.iter().filter(|value| !sets[1].contains(value)) {
        found.field(name, [Some(value.clone()), None], About::Content);
    }
    for value in right.iter().filter(|value| !sets[0].contains(value)) {
        found.field(name, [None, Some(value.clone())], About::Content);
    }
    if found.facts.len() == before {
        found.field(name, [left, right].map(|list| Some(list.join(", "))), About::Content);
    }
}
