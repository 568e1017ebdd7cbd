//! What lies at an address: so that code and tables that only moved read the same.

use std::collections::BTreeMap;

use object::elf;

use super::read::{Elf, Section};
use super::symbols::Symbol;
use super::{code, relocations};

/// Bits of a biased address that are not the section's number.
const BIAS: u32 = 32;
/// Bytes of a string that stand for it.
const STRING: usize = 48;

/// Symbols by section and address.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Sorted by section and beginning.
    symbols: Vec<Place>,
    /// Words that the loader fills in with the address of a symbol, and stubs that jump to one.
    linked: BTreeMap<u64, String>,
    /// Sections in memory: number, beginning, size; sorted by the beginning.
    memory: Vec<(u32, u64, u64)>,
}

/// A named range of a section. Addresses are the section's own: in files that are not linked, from its beginning.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub section: u32,
    pub start: u64,
    pub size: u64,
    pub kind: u8,
    pub name: Box<str>,
}

impl Places {
    pub fn new(file: &Elf) -> Self {
        let mut found: Vec<(Place, u8)> = Vec::new();
        for (index, section) in file.sections.iter().enumerate() {
            if section.kind != elf::SHT_SYMTAB.0 && section.kind != elf::SHT_DYNSYM.0 {
                continue;
            }
            // A table that cannot be read is told where it is compared.
            let Ok(table) = file.symbols(index) else { continue };
            found.extend(table.iter().filter(|symbol| names_a_place(symbol)).map(|symbol| {
                let place = Place {
                    section: symbol.section,
                    start: symbol.value,
                    size: symbol.size,
                    kind: symbol.kind(),
                    name: symbol.name.clone(),
                };
                (place, rank(symbol))
            }));
        }
        // Of several names for one place the same has to be taken on both sides, whatever their order.
        found.sort_by(|(a, rank_a), (b, rank_b)| {
            (a.section, a.start, rank_a, &a.name).cmp(&(b.section, b.start, rank_b, &b.name))
        });
        let mut symbols: Vec<Place> = Vec::with_capacity(found.len());
        for (place, _) in found {
            match symbols.last_mut() {
                Some(last) if last.section == place.section && last.start == place.start => {
                    last.size = last.size.max(place.size);
                }
                _ => symbols.push(place),
            }
        }
        Self { symbols, linked: linked(file), memory: memory(file) }
    }

    /// The symbols of a section, by their beginnings.
    pub fn of_section(&self, section: u32) -> &[Place] {
        let from = self.symbols.partition_point(|place| place.section < section);
        let to = self.symbols.partition_point(|place| place.section <= section);
        &self.symbols[from..to]
    }

    /// The symbol in whose range an address of a section lies; of symbols without a size, the nearest before it.
    pub fn symbol(&self, section: u32, address: u64) -> Option<(&str, u64)> {
        let symbols = self.of_section(section);
        let index = symbols.partition_point(|place| place.start <= address).checked_sub(1)?;
        let place = &symbols[index];
        let offset = address - place.start;
        (offset == 0 || place.size == 0 || offset < place.size).then_some((&*place.name, offset))
    }
}

fn names_a_place(symbol: &Symbol) -> bool {
    let kind = elf::SymbolType(symbol.kind());
    symbol.is_placed()
        && !symbol.name.is_empty()
        // Mapping symbols of ARM and RISC-V, and labels of the assembler.
        && !symbol.name.starts_with('$')
        && !symbol.name.starts_with(".L")
        && matches!(kind, elf::STT_FUNC | elf::STT_OBJECT | elf::STT_NOTYPE | elf::STT_GNU_IFUNC)
}

fn rank(symbol: &Symbol) -> u8 {
    let by_kind = if elf::SymbolType(symbol.kind()) == elf::STT_NOTYPE { 4 } else { 0 };
    by_kind
        + match elf::SymbolBind(symbol.bind()) {
            elf::STB_GLOBAL => 0,
            elf::STB_WEAK => 1,
            _ => 2,
        }
}

impl Elf {
    /// The section that holds an address in memory.
    pub fn section_at(&self, address: u64) -> Option<(u32, &Section)> {
        let memory = &self.places().memory;
        let (index, start, size) = memory[memory.partition_point(|(_, start, _)| *start <= address).checked_sub(1)?];
        (address - start < size).then_some(())?;
        Some((index, self.section(index)?))
    }

    /// What is added to a symbol's value in a file that is not linked, whose sections all begin at 0.
    pub fn bias(&self, section: u32) -> u64 {
        let has_memory = self.section(section).is_some_and(|section| section.has(elf::SHF_ALLOC));
        if self.is_relocatable() && self.encoding.wide && has_memory { u64::from(section) << BIAS } else { 0 }
    }

    /// An address in memory by name: `symbol+0x10`, `"a string"`, `.section+0x10`; none outside of all sections. In files
    /// that are not linked, it is one with its section's [`bias`](Self::bias).
    pub fn name_of(&self, address: u64) -> Option<String> {
        if self.is_relocatable() {
            let index = u32::try_from(address >> BIAS).ok()?;
            let section = self.section(index).filter(|section| section.has(elf::SHF_ALLOC))?;
            let offset = address & ((1 << BIAS) - 1);
            return Some(self.name_in(index, section, offset, offset));
        }
        let (index, section) = self.section_at(address)?;
        Some(self.name_in(index, section, address, address - section.address))
    }

    /// A place in a section by name. `address` as its symbols count, `offset` from its beginning.
    pub fn name_in(&self, index: u32, section: &Section, address: u64, offset: u64) -> String {
        if let Some((name, offset)) = self.places().symbol(index, address) {
            return if offset == 0 { name.to_owned() } else { format!("{name}+{offset:#x}") };
        }
        if let Some(name) = self.places().linked.get(&address).filter(|_| !self.is_relocatable()) {
            return name.clone();
        }
        if !section.has(elf::SHF_EXECINSTR)
            && !section.has(elf::SHF_WRITE)
            && let Some(text) = string(section, offset)
        {
            return text;
        }
        if offset == 0 { section.name.clone() } else { format!("{}+{offset:#x}", section.name) }
    }
}

/// The text at a place of constants, if it looks like some.
fn string(section: &Section, offset: u64) -> Option<String> {
    let bytes = section.bytes.as_ref()?.bytes_at(offset, STRING).ok()?;
    let end = memchr::memchr(0, &bytes);
    let text = std::str::from_utf8(&bytes[..end.unwrap_or(bytes.len())]).ok()?;
    let printable = |character: char| !character.is_control() || matches!(character, '\n' | '\t' | '\r');
    if text.chars().count() < 2 || !text.chars().all(printable) {
        return None;
    }
    let more = if end.is_none() { "…" } else { "" };
    Some(format!("{text:?}{more}"))
}

/// Names for what the loader fills in: `puts@got`, and `puts@plt` for the stub that goes there.
fn linked(file: &Elf) -> BTreeMap<u64, String> {
    let mut found = BTreeMap::new();
    if file.is_relocatable() {
        return found;
    }
    let mut slots: BTreeMap<u64, Box<str>> = BTreeMap::new();
    for list in file.sections.iter().filter(|it| it.kind == elf::SHT_RELA.0 || it.kind == elf::SHT_REL.0) {
        let (Ok(bytes), Ok(symbols)) = (list.whole(), file.symbols(list.link as usize)) else { continue };
        for entry in relocations::read(file, list, &bytes).unwrap_or_default() {
            let symbol = symbols.get(entry.symbol as usize).filter(|symbol| !symbol.name.is_empty());
            if let (1.., Some(symbol), 0) = (entry.symbol, symbol, entry.addend.unwrap_or(0)) {
                slots.insert(entry.offset, symbol.name.clone());
            }
        }
    }
    for section in file.sections.iter().filter(|section| section.name.starts_with(".plt")) {
        let stubs = code::stubs(file, section).into_iter();
        found.extend(stubs.filter_map(|(stub, slot)| Some((stub, format!("{}@plt", slots.get(&slot)?)))));
    }
    found.extend(slots.into_iter().map(|(slot, name)| (slot, format!("{name}@got"))));
    found
}

/// Where sections lie in memory.
fn memory(file: &Elf) -> Vec<(u32, u64, u64)> {
    let place = |(index, section): (usize, &Section)| {
        // Thread-local data without bytes takes no room among the others.
        let nowhere = section.has(elf::SHF_TLS) && section.kind == elf::SHT_NOBITS.0;
        let is = section.has(elf::SHF_ALLOC) && !nowhere && section.size > 0;
        is.then_some((u32::try_from(index).ok()?, section.address, section.size))
    };
    let mut memory: Vec<(u32, u64, u64)> = file.sections.iter().enumerate().skip(1).filter_map(place).collect();
    memory.sort_unstable_by_key(|(index, start, _)| (*start, *index));
    memory
}
