//! Sections: which belong together, and what each is compared as.

use std::collections::BTreeMap;

use object::elf;

use super::read::{Elf, Section, whole};
use super::{code, dwarf, dynamic, frames, names, notes, packed, pieces, relocations, strings, symbols, versions};
use crate::container::{self, About, Fault};
use crate::diff::bytes;
use crate::diff::compare::{Comparison, Place, Stop, of};
use crate::diff::lines;
use crate::diff::model::{Difference, Fact, Side};
use crate::fs::Content;

/// Sections of one side only that are shown.
const SHOWN: usize = 256;
/// Sections that differ and are shown.
const DIFFERING: usize = 4096;
/// Sections that are larger are not written out as lists.
const LISTED: u64 = 64 << 20;
/// Larger sections of data are not searched for strings.
const SEARCHED: u64 = 64 << 20;

/// Which sections belong together, by number.
#[derive(Debug)]
pub(super) struct Matched {
    pub both: Vec<[usize; 2]>,
    pub alone: [Vec<usize>; 2],
}

/// Matches the n-th section of a name with the n-th.
pub(super) fn matching(files: [&Elf; 2]) -> Matched {
    let mut places: BTreeMap<(&str, u32), usize> = BTreeMap::new();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for (index, section) in files[1].sections.iter().enumerate() {
        let count = seen.entry(&section.name).or_default();
        places.insert((&section.name, *count), index);
        *count += 1;
    }
    seen.clear();
    let (mut both, mut alone) = (Vec::new(), [Vec::new(), Vec::new()]);
    for (index, section) in files[0].sections.iter().enumerate() {
        let count = seen.entry(&section.name).or_default();
        match places.remove(&(section.name.as_str(), *count)) {
            Some(other) => both.push([index, other]),
            None => alone[0].push(index),
        }
        *count += 1;
    }
    alone[1] = places.into_values().collect();
    alone[1].sort_unstable();
    Matched { both, alone }
}

/// Compares all sections.
pub(super) fn compare(
    cx: &Comparison<'_>,
    files: [&Elf; 2],
    matched: &Matched,
    at: &Place,
    found: &mut Difference,
) -> Result<(), Stop> {
    let mut debug = dwarf::Units::new(cx, files);
    let mut more = 0_usize;
    for index in &matched.both {
        cx.check()?;
        match one(cx, files, *index, &mut debug, at)? {
            Some(_) if found.inside.len() == DIFFERING => more += 1,
            inside => found.inside.extend(inside),
        }
    }
    if more > 0 {
        found.facts.push(Fact::Unsearched { reason: format!("{more} further sections differ") });
    }
    for (side, alone) in [(Side::Left, &matched.alone[0]), (Side::Right, &matched.alone[1])] {
        for index in alone.iter().take(SHOWN) {
            let section = &files[side as usize].sections[*index];
            let mut sizes = [None, None];
            sizes[side as usize] = Some(section.size);
            let mut inside = Difference::new(&section.name, "section", sizes);
            inside.facts.push(Fact::Only { side, elsewhere: None });
            found.inside.push(inside);
        }
        if let Some(more @ 1..) = alone.len().checked_sub(SHOWN) {
            let side = if side == Side::Left { "left" } else { "right" };
            found
                .facts
                .push(Fact::Unsearched { reason: format!("{more} further sections are on the {side} side only") });
        }
    }
    Ok(())
}

/// Two sections of one name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub files: [&'a Elf; 2],
    pub index: [usize; 2],
    pub sections: [&'a Section; 2],
}

fn one(
    cx: &Comparison<'_>,
    files: [&Elf; 2],
    index: [usize; 2],
    debug: &mut dwarf::Units<'_>,
    at: &Place,
) -> Result<Option<Difference>, Stop> {
    let sections = [&files[0].sections[index[0]], &files[1].sections[index[1]]];
    let name = if index == [0, 0] { "section header 0" } else { &sections[0].name };
    let mut found = Difference::new(name, "section", sections.map(|section| Some(section.size)));
    fields(files, sections, &mut found);
    match [&sections[0].bytes, &sections[1].bytes] {
        [Some(a), Some(b)] => {
            if a.differs_at(b)?.is_some() {
                let pair = Pair { files, index, sections };
                let place = at.join(&sections[0].name);
                let before = (found.facts.len(), found.inside.len());
                match contents(cx, pair, debug, &place, &mut found) {
                    Ok(()) if (found.facts.len(), found.inside.len()) == before => {
                        // What has a structure and differs in nothing of it differs in what the structure is built of.
                        found.facts.extend(bytes::compare([a, b], About::Metadata)?);
                    }
                    Ok(()) => {}
                    Err(Stop::Unreadable(side, fault)) => {
                        let kind = "section".to_owned();
                        found.facts.push(Fact::Unreadable { side, kind, reason: fault.to_string() });
                        found.facts.extend(bytes::compare([a, b], About::Content)?);
                    }
                    Err(stop) => return Err(stop),
                }
            }
        }
        sides => {
            for (side, bytes) in [Side::Left, Side::Right].into_iter().zip(sides) {
                if bytes.is_none() {
                    let (from, size) = (sections[side as usize].offset, sections[side as usize].size);
                    let reason = format!("{size} bytes at offset {from:#x} do not lie within the file");
                    found.facts.push(Fact::Unreadable { side, kind: "section".to_owned(), reason });
                }
            }
        }
    }
    Ok((!found.is_empty()).then_some(found))
}

/// What the headers say besides the place.
fn fields(files: [&Elf; 2], [a, b]: [&Section; 2], found: &mut Difference) {
    let machine = files.map(|file| file.header.machine);
    let mut field = |name: &str, values: [String; 2], about: About| {
        if values[0] != values[1] {
            found.field(name, values.map(Some), about);
        }
    };
    field(
        "sh_type",
        [names::section_type(machine[0], a.kind), names::section_type(machine[1], b.kind)],
        About::Content,
    );
    // Compression changes flags and alignment, and nothing of what the section is.
    let packed = a.flags ^ b.flags == elf::SHF_COMPRESSED.0;
    let about = if packed { About::Metadata } else { About::Content };
    field("sh_flags", [names::section_flags(machine[0], a.flags), names::section_flags(machine[1], b.flags)], about);
    field("sh_addralign", [a.align, b.align].map(|it| it.to_string()), about);
    field("sh_entsize", [a.entsize, b.entsize].map(|it| it.to_string()), About::Metadata);
    let link = |file: &Elf, number: u32| match file.section(number) {
        Some(section) => section.name.clone(),
        None => number.to_string(),
    };
    field("sh_link", [link(files[0], a.link), link(files[1], b.link)], About::Metadata);
    let refers = |section: &Section| {
        section.has(elf::SHF_INFO_LINK) || section.kind == elf::SHT_REL.0 || section.kind == elf::SHT_RELA.0
    };
    let info = |file: &Elf, section: &Section| {
        if refers(section) { link(file, section.info) } else { section.info.to_string() }
    };
    field("sh_info", [info(files[0], a), info(files[1], b)], About::Metadata);
    // Without bytes, the size is all that there is.
    let sizes = [a, b].map(|section| section.bytes.as_ref().map_or(0, Content::size));
    if a.size != b.size && sizes[0] == sizes[1] {
        field("sh_size", [a.size, b.size].map(|it| format!("{it:#x}")), About::Content);
    }
}

/// Compares the bytes of two sections by what they are.
fn contents(
    cx: &Comparison<'_>,
    pair: Pair<'_>,
    debug: &mut dwarf::Units<'_>,
    at: &Place,
    found: &mut Difference,
) -> Result<(), Stop> {
    let Pair { files, index, sections } = pair;
    let left = packed::unpack(files[0], sections[0], &cx.spool).map_err(of(Side::Left))?;
    let right = packed::unpack(files[1], sections[1], &cx.spool).map_err(of(Side::Right))?;
    if left.packing != right.packing {
        let name = |packing: Option<(&str, u64)>| Some(packing.map_or("none", |(name, _)| name).to_owned());
        let align = |packing: Option<(&str, u64)>| packing.map(|(_, align)| align.to_string());
        let packings = [left.packing, right.packing];
        if packings.map(name)[0] != packings.map(name)[1] {
            found.field("compression", packings.map(name), About::Metadata);
        } else {
            found.field("ch_addralign", packings.map(align), About::Metadata);
        }
    }
    let contents = [&left.bytes, &right.bytes];
    if contents[0].differs_at(contents[1])?.is_none() {
        // Only the packing differs.
        return Ok(());
    }
    let both = |test: &dyn Fn(&Section) -> bool| sections.iter().all(|section| test(section));
    let kind = elf::SectionType(if sections[0].kind == sections[1].kind { sections[0].kind } else { u32::MAX });
    let bytes = || -> Result<[Vec<u8>; 2], Stop> {
        let read = |content: &Content| match content.size() {
            0..=LISTED => whole(content),
            _ => Err(Fault::TooMuch { what: "bytes", limit: LISTED }),
        };
        Ok([read(contents[0]).map_err(of(Side::Left))?, read(contents[1]).map_err(of(Side::Right))?])
    };
    let name = sections[0].name.as_str();
    match kind {
        elf::SHT_SYMTAB | elf::SHT_DYNSYM if contents.iter().any(|content| content.size() > LISTED) => {}
        elf::SHT_SYMTAB | elf::SHT_DYNSYM => return symbols::compare(files, index, found),
        elf::SHT_STRTAB => {
            let [a, b] = bytes()?;
            strings::compare([&a, &b], found);
            return Ok(());
        }
        elf::SHT_REL | elf::SHT_RELA => {
            let [a, b] = bytes()?;
            return relocations::compare(files, sections, [&a, &b], found);
        }
        elf::SHT_DYNAMIC => {
            let [a, b] = bytes()?;
            return dynamic::compare(files, sections, [&a, &b], found);
        }
        elf::SHT_NOTE => {
            let [a, b] = bytes()?;
            return notes::compare(files, sections, [&a, &b], found);
        }
        elf::SHT_RELR => {
            let [a, b] = bytes()?;
            relocations::relative(files, [&a, &b], found);
            return Ok(());
        }
        elf::SHT_GROUP => {
            let [a, b] = bytes()?;
            group(files, [&a, &b], found);
            return Ok(());
        }
        // They say the same as the table of symbols, for faster search.
        elf::SHT_HASH | elf::SHT_GNU_HASH => return Ok(()),
        elf::SHT_GNU_VERNEED | elf::SHT_GNU_VERDEF | elf::SHT_GNU_VERSYM => {
            return versions::compare(files, sections, found);
        }
        _ => {}
    }
    if name == ".gnu_debuglink" || name == ".gnu_debugaltlink" {
        let [a, b] = bytes()?;
        notes::link(files, [&a, &b], found);
        return Ok(());
    }
    if both(&|section| section.has(elf::SHF_STRINGS) && section.entsize == 1)
        || matches!(name, ".comment" | ".modinfo" | ".interp" | ".debug_str" | ".debug_line_str")
    {
        let [a, b] = bytes()?;
        strings::compare([&a, &b], found);
        return Ok(());
    }
    if name == ".eh_frame" && contents.iter().all(|content| content.size() <= frames::LARGEST) {
        let [a, b] = bytes()?;
        return frames::compare(pair, [&a, &b], found);
    }
    if name == ".eh_frame_hdr" {
        let [a, b] = bytes()?;
        return frames::index(pair, [&a, &b], found);
    }
    if debug.compare(pair, contents, found)? {
        return Ok(());
    }
    if dwarf::tables(pair, contents, found)? {
        return Ok(());
    }
    if let [Some(_), Some(_)] = [container::detect(contents[0])?, container::detect(contents[1])?] {
        // A compressed image within the kernel, for instance.
        found.inside.extend(cx.contents("", contents, &at.opened())?);
        return Ok(());
    }
    if both(&|section| section.has(elf::SHF_EXECINSTR)) {
        return code::compare(pair, contents, found);
    }
    if both(&|section| section.has(elf::SHF_ALLOC)) {
        return data(pair, contents, found);
    }
    found.facts.extend(bytes::compare(contents, About::Content)?);
    Ok(())
}

/// Compares two groups: flags, and the sections that are kept or left out together.
fn group(files: [&Elf; 2], bytes: [&[u8]; 2], found: &mut Difference) {
    let list = |side: usize| {
        let file = files[side];
        let mut words = bytes[side].chunks(4).map(|word| file.encoding.number(word) as u32);
        let flags = words.next().map(|flags| format!("flags {flags:#x}"));
        let member = |index| file.section(index).map_or_else(|| format!("section {index}"), |it| it.name.clone());
        flags.into_iter().chain(words.map(member)).collect::<Vec<_>>()
    };
    found.facts.extend(lines::compare("members", &list(0), &list(1), &|_| String::new()));
}

/// Data of a program: by the variables that its symbols name, and the strings among the rest.
fn data(pair: Pair<'_>, contents: [&Content; 2], found: &mut Difference) -> Result<(), Stop> {
    if contents.iter().all(|content| content.size() <= SEARCHED) {
        let [a, b] = [contents[0].bytes()?, contents[1].bytes()?];
        found.facts.extend(strings::within([&a, &b]));
        if pieces::data(pair, [&a, &b], found)? {
            return Ok(());
        }
    }
    found.facts.extend(bytes::compare(contents, About::Content)?);
    Ok(())
}
