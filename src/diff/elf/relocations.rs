//! Relocations as lines: what is put where, by names.

use object::elf;

use super::names;
use super::read::{Elf, Numbers, Section};
use super::symbols::Symbol;
use crate::container::{About, Fault};
use crate::diff::compare::{Stop, of};
use crate::diff::lines;
use crate::diff::model::{Difference, Side};

/// A relocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relocation {
    pub offset: u64,
    pub kind: u32,
    pub symbol: u32,
    pub addend: Option<i64>,
}

/// The entries of a section of type SHT_REL or SHT_RELA.
pub(super) fn read(file: &Elf, section: &Section, bytes: &[u8]) -> Result<Vec<Relocation>, Fault> {
    let rela = section.kind == elf::SHT_RELA.0;
    let size = file.encoding.address() * if rela { 3 } else { 2 };
    if !bytes.len().is_multiple_of(size) {
        return Err(Fault::malformed(format!("`{}` is no list of relocations of {size} bytes", section.name)));
    }
    let one = |entry: &[u8]| {
        let mut n = Numbers::new(entry, file.encoding);
        let (offset, info) = (n.address()?, n.address()?);
        let addend = if rela { Some(n.address()?) } else { None };
        let addend = addend.map(|addend| if file.encoding.wide { addend as i64 } else { i64::from(addend as i32) });
        let (symbol, kind) =
            if file.encoding.wide { (info >> 32, info & 0xffff_ffff) } else { (info >> 8, info & 255) };
        Some(Relocation { offset, kind: kind as u32, symbol: symbol as u32, addend })
    };
    Ok(bytes.chunks_exact(size).filter_map(one).collect())
}

/// What a relocation refers to: `R_X86_64_PLT32 puts-4`.
pub(super) fn target(file: &Elf, symbols: &[Symbol], relocation: &Relocation) -> String {
    let kind = names::of(file.header.machine).r.name(elf::RelocationType(relocation.kind));
    let kind = names::or_number(kind, relocation.kind.into());
    let addend = relocation.addend.unwrap_or(0);
    let symbol = (relocation.symbol != 0).then(|| symbols.get(relocation.symbol as usize));
    match symbol {
        None if addend == 0 => kind,
        None => match file.name_of(addend as u64) {
            Some(name) => format!("{kind} {name}"),
            None => format!("{kind} {addend:#x}"),
        },
        Some(None) => format!("{kind} symbol {}{}", relocation.symbol, signed(addend)),
        Some(Some(symbol)) => {
            // Sections stand for what lies in them; a name says more than an offset.
            if elf::SymbolType(symbol.kind()) == elf::STT_SECTION
                && let (Some(section), Ok(offset)) = (file.section(symbol.section), u64::try_from(addend))
                && section.has(elf::SHF_STRINGS)
            {
                return format!("{kind} {}", file.name_in(symbol.section, section, offset, offset));
            }
            if elf::SymbolType(symbol.kind()) == elf::STT_SECTION
                && let (Some(section), Ok(offset)) = (file.section(symbol.section), u64::try_from(addend))
            {
                // Debugging information is compared with what it refers to, wherever that stands.
                if !section.has(elf::SHF_ALLOC) {
                    return format!("{kind} {}", section.name);
                }
                if section.has(elf::SHF_EXECINSTR)
                    && let Some((name, offset)) = file.places().symbol(symbol.section, offset)
                {
                    return format!("{kind} {name}{}", signed(offset as i64));
                }
            }
            format!("{kind} {}{}", symbol.name, signed(addend))
        }
    }
}

fn signed(addend: i64) -> String {
    match addend {
        0 => String::new(),
        1.. => format!("+{addend:#x}"),
        _ => format!("-{:#x}", addend.unsigned_abs()),
    }
}

fn lines_of(file: &Elf, section: &Section, bytes: &[u8]) -> Result<Vec<String>, Fault> {
    let entries = read(file, section, bytes)?;
    let symbols = match section.link {
        0 => Default::default(),
        link => file.symbols(link as usize)?,
    };
    let into = if file.is_relocatable() { file.section(section.info) } else { None };
    let place = |offset: u64| match into {
        // Names of strings are what is there, and not what it is called.
        Some(section_into) => match file.places().symbol(section.info, offset) {
            Some((name, 0)) => name.to_owned(),
            Some((name, offset)) => format!("{name}+{offset:#x}"),
            None => format!("{}+{offset:#x}", section_into.name),
        },
        None => file.name_of(offset).unwrap_or_else(|| format!("{offset:#x}")),
    };
    let line = |entry: &Relocation| match into {
        // Where something stands in debugging information follows from what stands before it.
        Some(into) if !into.has(elf::SHF_ALLOC) => target(file, &symbols, entry),
        _ => format!("{}: {}", place(entry.offset), target(file, &symbols, entry)),
    };
    Ok(entries.iter().map(line).collect())
}

/// Compares two sections of relocations.
pub(super) fn compare(
    files: [&Elf; 2],
    sections: [&Section; 2],
    bytes: [&[u8]; 2],
    found: &mut Difference,
) -> Result<(), Stop> {
    let left = lines_of(files[0], sections[0], bytes[0]).map_err(of(Side::Left))?;
    let right = lines_of(files[1], sections[1], bytes[1]).map_err(of(Side::Right))?;
    let fact = lines::compare("relocations", &left, &right, &|_| String::new());
    if fact.is_none() {
        // The same by name: all that is left are addresses.
        let size = bytes[0].len().checked_div(left.len()).unwrap_or(1).max(1);
        let pairs = bytes[0].chunks(size).zip(bytes[1].chunks(size));
        let moved = left.iter().zip(pairs).filter(|(_, (a, b))| a != b).map(|(line, _)| line);
        let mut moved = moved.map(String::as_str);
        if let Some(first) = moved.next() {
            let more = match moved.count() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let at = left.iter().position(|line| line == first).unwrap_or(0) * size;
            let entry = |side: usize| {
                let entry = read(files[side], sections[side], bytes[side].get(at..at + size)?).ok()?;
                let entry = entry.first()?;
                Some(format!("{:#x}, addend {:#x}", entry.offset, entry.addend.unwrap_or(0)))
            };
            found.field(format!("addresses in {first}{more}"), [entry(0), entry(1)], About::Metadata);
        }
    }
    found.facts.extend(fact);
    Ok(())
}

/// Compares two SHT_RELR: addresses of words that are moved with the program, packed as bits.
///
/// Source: System V gABI, "Relative Relocation Table".
pub(super) fn relative(files: [&Elf; 2], bytes: [&[u8]; 2], found: &mut Difference) {
    let list = |side: usize| {
        let (file, size) = (files[side], files[side].encoding.address());
        let mut places: Vec<String> = Vec::new();
        let mut add = |address: u64| places.push(file.name_of(address).unwrap_or_else(|| format!("{address:#x}")));
        let mut next = 0_u64;
        for entry in bytes[side].chunks_exact(size).map(|entry| file.encoding.number(entry)) {
            if entry & 1 == 0 {
                add(entry);
                next = entry.wrapping_add(size as u64);
            } else {
                let bits = size as u64 * 8 - 1;
                (0..bits).filter(|bit| entry >> (bit + 1) & 1 != 0).for_each(|bit| {
                    add(next.wrapping_add(bit * size as u64));
                });
                next = next.wrapping_add(bits * size as u64);
            }
        }
        places
    };
    found.facts.extend(lines::compare("relocations", &list(0), &list(1), &|_| String::new()));
}
