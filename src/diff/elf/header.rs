//! The ELF header and the program headers, as fields.

use std::collections::{BTreeMap, BTreeSet};

use object::elf;

use super::names;
use super::read::{Elf, Segment};
use crate::container::About;
use crate::diff::model::Difference;

/// Compares the headers. `moved`: sections lie elsewhere, so that what says where they lie has to differ.
pub(super) fn compare(files: [&Elf; 2], moved: bool, found: &mut Difference) {
    ident(files, found);
    let [a, b] = files.map(|file| &file.header);
    let mut field = |name: &str, values: [String; 2], about: About| {
        if values[0] != values[1] {
            found.field(name, values.map(Some), about);
        }
    };
    let machine = files.map(|file| names::of(file.header.machine));
    let kind = |side: usize| {
        let kind = files[side].header.kind;
        names::or_number(machine[side].et.name(elf::FileType(kind)), kind.into())
    };
    field("e_type", [kind(0), kind(1)], About::Content);
    field("e_machine", [a, b].map(|header| elf::Machine(header.machine)).map(|it| it.to_string()), About::Content);
    field("e_version", [a.version, b.version].map(|it| it.to_string()), About::Content);
    field("e_flags", [a.flags, b.flags].map(|it| format!("{it:#x}")), About::Content);
    // An entry that is the same function at another address was moved, and is no other.
    let places = files.map(|file| file.name_of(file.header.entry));
    let about = if moved && places[0] == places[1] && places[0].is_some() { About::Metadata } else { About::Content };
    let entry = |side: usize| match &places[side] {
        Some(name) => format!("{:#x} ({name})", files[side].header.entry),
        None => format!("{:#x}", files[side].header.entry),
    };
    if a.entry != b.entry {
        field("e_entry", [entry(0), entry(1)], about);
    }
    for (name, values) in [
        ("e_ehsize", [a.ehsize, b.ehsize]),
        ("e_phentsize", [a.phentsize, b.phentsize]),
        ("e_shentsize", [a.shentsize, b.shentsize]),
    ] {
        field(name, values.map(|it| it.to_string()), About::Metadata);
    }
    let mut at = |name: &str, values: [u64; 2]| field(name, values.map(|it| format!("{it:#x}")), About::Metadata);
    at("e_phoff", [a.phoff, b.phoff]);
    if !moved {
        at("e_shoff", [a.shoff, b.shoff]);
    }
    // Other counts are other headers, which are told by themselves, unless there is no table to count.
    if files[0].segments.len() == files[1].segments.len() {
        at("e_phnum", [a.phnum.into(), b.phnum.into()]);
    }
    if files[0].sections.len() == files[1].sections.len() {
        at("e_shnum", [a.shnum.into(), b.shnum.into()]);
        let name = |file: &Elf| file.section(file.header.shstrndx.into()).map(|section| section.name.clone());
        if name(files[0]) != name(files[1]) || !moved {
            at("e_shstrndx", [a.shstrndx.into(), b.shstrndx.into()]);
        }
    }
    segments(files, moved, found);
}

fn ident(files: [&Elf; 2], found: &mut Difference) {
    let [a, b] = files.map(|file| &file.ident);
    for (index, name) in [(4, "EI_CLASS"), (5, "EI_DATA"), (6, "EI_VERSION"), (7, "EI_OSABI"), (8, "EI_ABIVERSION")] {
        if a[index] != b[index] {
            let show = |value: u8| match (index, value) {
                (4, 1) => "32 bits".to_owned(),
                (4, 2) => "64 bits".to_owned(),
                (5, 1) => "little-endian".to_owned(),
                (5, 2) => "big-endian".to_owned(),
                (7, value) => elf::OsAbi(value).to_string(),
                (_, value) => value.to_string(),
            };
            found.field(name, [Some(show(a[index])), Some(show(b[index]))], About::Content);
        }
    }
    if a[9..] != b[9..] {
        let show = |ident: &[u8; 16]| Some(crate::diff::bytes::hex(&ident[9..]));
        found.field("EI_PAD", [show(a), show(b)], About::Metadata);
    }
}

/// Program headers, the n-th of a type against the n-th.
fn segments(files: [&Elf; 2], moved: bool, found: &mut Difference) {
    let keys = files.map(|file| {
        let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
        let nth = |segment: &Segment| {
            let count = seen.entry(segment.kind).or_default();
            *count += 1;
            (segment.kind, *count)
        };
        file.segments.iter().map(nth).collect::<Vec<_>>()
    });
    let several: BTreeSet<u32> = keys.iter().flatten().filter(|(_, nth)| *nth > 1).map(|(kind, _)| *kind).collect();
    let name = |side: usize, key: &(u32, usize)| {
        let name = names::segment_type(files[side].header.machine, key.0);
        if several.contains(&key.0) { format!("{name} {}", key.1) } else { name }
    };
    let right: BTreeMap<(u32, usize), &Segment> = keys[1].iter().copied().zip(&files[1].segments).collect();
    let left: BTreeSet<&(u32, usize)> = keys[0].iter().collect();
    let mut places = Vec::new();
    for (key, a) in keys[0].iter().zip(&files[0].segments) {
        let name = name(0, key);
        let Some(b) = right.get(key) else {
            found.field(format!("program header {name}"), [Some(describe(files[0], a)), None], About::Content);
            continue;
        };
        if a.flags != b.flags {
            let show = |side: usize, flags| Some(names::segment_flags(files[side].header.machine, flags));
            found.field(format!("{name} p_flags"), [show(0, a.flags), show(1, b.flags)], About::Content);
        }
        if a.align != b.align {
            let values = [a, b].map(|segment| Some(format!("{:#x}", segment.align)));
            found.field(format!("{name} p_align"), values, About::Content);
        }
        for (field, values) in [
            ("p_offset", [a.offset, b.offset]),
            ("p_vaddr", [a.vaddr, b.vaddr]),
            ("p_paddr", [a.paddr, b.paddr]),
            ("p_filesz", [a.filesz, b.filesz]),
            ("p_memsz", [a.memsz, b.memsz]),
        ] {
            if values[0] != values[1] {
                places.push((format!("{name} {field}"), values.map(|value| Some(format!("{value:#x}")))));
            }
        }
    }
    for (key, segment) in keys[1].iter().zip(&files[1].segments) {
        if !left.contains(key) {
            let name = name(1, key);
            found.field(format!("program header {name}"), [None, Some(describe(files[1], segment))], About::Content);
        }
    }
    // The same headers in another order.
    if keys[0] != keys[1] && keys[0].len() == keys[1].len() {
        let order = |side: usize| Some(keys[side].iter().map(|key| name(side, key)).collect::<Vec<_>>().join(", "));
        found.field("program headers", [order(0), order(1)], About::Metadata);
    }
    // Where segments lie follows from where their sections do.
    let shown = if moved { 1 } else { 16 };
    let more = places.len().saturating_sub(shown);
    for (index, (mut name, values)) in places.into_iter().take(shown).enumerate() {
        if index + 1 == shown && more > 0 {
            name += &format!(" and {more} more of the places and sizes of segments");
        }
        found.field(name, values, About::Metadata);
    }
}

fn describe(file: &Elf, segment: &Segment) -> String {
    format!(
        "{}, offset {:#x}, address {:#x}, {:#x} bytes, {:#x} in memory, alignment {:#x}",
        names::segment_flags(file.header.machine, segment.flags),
        segment.offset,
        segment.vaddr,
        segment.filesz,
        segment.memsz,
        segment.align
    )
}
