//! What lies at an address: so that code and tables that only moved read the same.

use object::elf;

use super::read::{Elf, Section};
use super::symbols::Symbol;

/// Bytes of a string that stand for it.
const STRING: usize = 48;

/// Symbols by section and address.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Sorted by section and beginning.
    symbols: Vec<Place>,
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
        Self { symbols }
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
        let holds = |section: &Section| {
            // Thread-local data without bytes takes no room among the others.
            let nowhere = section.has(elf::SHF_TLS) && section.kind == elf::SHT_NOBITS.0;
            section.has(elf::SHF_ALLOC)
                && !nowhere
                && address.checked_sub(section.address).is_some_and(|offset| offset < section.size)
        };
        let (index, section) = self.sections.iter().enumerate().skip(1).find(|(_, section)| holds(section))?;
        Some((u32::try_from(index).ok()?, section))
    }

    /// An address in memory by name: `symbol+0x10`, `"a string"`, `.section+0x10`; none outside of all sections.
    pub fn name_of(&self, address: u64) -> Option<String> {
        if self.is_relocatable() {
            return None;
        }
        let (index, section) = self.section_at(address)?;
        Some(self.name_in(index, section, address, address - section.address))
    }

    /// A place in a section by name. `address` as its symbols count, `offset` from its beginning.
    pub fn name_in(&self, index: u32, section: &Section, address: u64, offset: u64) -> String {
        if let Some((name, offset)) = self.places().symbol(index, address) {
            return if offset == 0 { name.to_owned() } else { format!("{name}+{offset:#x}") };
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
