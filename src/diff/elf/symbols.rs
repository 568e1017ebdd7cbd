//! Symbol tables, by symbol.

use std::collections::BTreeMap;

use object::elf;

use super::names;
use super::read::{Elf, Numbers, Section};
use crate::container::{About, Fault};
use crate::diff::compare::{Stop, of};
use crate::diff::lines;
use crate::diff::model::{Difference, Side};

/// Bytes of names of one table.
const NAMES: usize = 256 << 20;

/// A symbol.
#[derive(Debug, Clone)]
pub(super) struct Symbol {
    pub name: Box<str>,
    pub value: u64,
    pub size: u64,
    pub info: u8,
    pub other: u8,
    /// The section's number, with the extended ones resolved; or what `shndx` says instead.
    pub section: u32,
    pub shndx: u16,
}

impl Symbol {
    pub fn kind(&self) -> u8 {
        self.info & 15
    }

    pub fn bind(&self) -> u8 {
        self.info >> 4
    }

    /// Whether it lies in a section.
    pub fn is_placed(&self) -> bool {
        self.section != 0 && (self.shndx < elf::SHN_LORESERVE || self.shndx == elf::SHN_XINDEX.0)
    }
}

/// Reads a table of symbols.
pub(super) fn read(file: &Elf, index: usize) -> Result<Vec<Symbol>, Fault> {
    let none = || Fault::malformed(format!("section {index} should hold symbols and is not there"));
    let section = file.sections.get(index).ok_or_else(none)?;
    let bytes = section.whole()?;
    let names = match file.section(section.link) {
        Some(strings) => strings.whole()?,
        None => Vec::new(),
    };
    // Numbers of sections that need more than 16 bits stand in a table of their own.
    let extended = file
        .sections
        .iter()
        .find(|other| other.kind == elf::SHT_SYMTAB_SHNDX.0 && usize::try_from(other.link) == Ok(index));
    let extended = extended.map_or(Ok(Vec::new()), Section::whole)?;
    let size = if file.encoding.wide { 24 } else { 16 };
    if !bytes.len().is_multiple_of(size) {
        return Err(Fault::malformed(format!("`{}` is no table of symbols of {size} bytes", section.name)));
    }
    let mut left = NAMES;
    let mut symbols = Vec::with_capacity(bytes.len() / size);
    for (number, entry) in bytes.chunks_exact(size).enumerate() {
        let mut symbol = one(file, entry, &names).ok_or_else(none)?;
        if symbol.shndx == elf::SHN_XINDEX.0 {
            let word = extended.get(number * 4..number * 4 + 4);
            symbol.section = word.map_or(0, |word| file.encoding.number(word) as u32);
        }
        left = left
            .checked_sub(symbol.name.len())
            .ok_or(Fault::TooMuch { what: "bytes of names", limit: NAMES as u64 })?;
        symbols.push(symbol);
    }
    Ok(symbols)
}

fn one(file: &Elf, entry: &[u8], names: &[u8]) -> Option<Symbol> {
    let mut n = Numbers::new(entry, file.encoding);
    let name = n.word()?;
    let byte = |n: &mut Numbers<'_>| n.next(1).map(|byte| byte as u8);
    let (value, size, info, other, shndx);
    if file.encoding.wide {
        (info, other, shndx) = (byte(&mut n)?, byte(&mut n)?, n.half()?);
        (value, size) = (n.address()?, n.address()?);
    } else {
        (value, size) = (n.address()?, n.address()?);
        (info, other, shndx) = (byte(&mut n)?, byte(&mut n)?, n.half()?);
    }
    let mut name = names::string_at(names, name.into()).unwrap_or_else(|| format!("\\name at {name:#x}"));
    // Symbols of sections have no names of their own.
    if name.is_empty()
        && info & 15 == elf::STT_SECTION.0
        && let Some(section) = file.section(shndx.into())
    {
        name = section.name.clone();
    }
    Some(Symbol { name: name.into(), value, size, info, other, section: shndx.into(), shndx })
}

/// A symbol without its address: what it is and where it belongs.
fn line(file: &Elf, symbol: &Symbol) -> String {
    let names = names::of(file.header.machine);
    let short = |name: Option<&'static str>, number: u8| match name {
        Some(name) => name.split_once('_').map_or(name, |(_, short)| short).to_owned(),
        None => number.to_string(),
    };
    let kind = short(names.stt.name(elf::SymbolType(symbol.kind())), symbol.kind());
    let bind = short(names.stb.name(elf::SymbolBind(symbol.bind())), symbol.bind());
    let visibility = match symbol.other & 3 {
        0 => "DEFAULT",
        1 => "INTERNAL",
        2 => "HIDDEN",
        _ => "PROTECTED",
    };
    let other = match symbol.other & !3 {
        0 => String::new(),
        other => format!(", other {other:#04x}"),
    };
    let place = match elf::SymbolSection(symbol.shndx) {
        elf::SHN_UNDEF => "undefined".to_owned(),
        elf::SHN_ABS => format!("absolute {:#x}", symbol.value),
        elf::SHN_COMMON => format!("common, alignment {}", symbol.value),
        _ if symbol.is_placed() => match file.section(symbol.section) {
            Some(section) => format!("in {}", section.name),
            None => format!("in section {}", symbol.section),
        },
        other => format!("in special section {:#x}, value {:#x}", other.0, symbol.value),
    };
    format!("{}: {kind} {bind} {visibility}, size {}, {place}{other}", symbol.name, symbol.size)
}

/// Compares two tables: what symbols are as lines, in order; of those that only lie elsewhere, how many.
pub(super) fn compare(files: [&Elf; 2], index: [usize; 2], found: &mut Difference) -> Result<(), Stop> {
    let left = files[0].symbols(index[0]).map_err(of(Side::Left))?;
    let right = files[1].symbols(index[1]).map_err(of(Side::Right))?;
    let lines_of = |file: &Elf, symbols: &[Symbol]| symbols.iter().map(|symbol| line(file, symbol)).collect::<Vec<_>>();
    let (a, b) = (lines_of(files[0], &left), lines_of(files[1], &right));
    found.facts.extend(lines::compare("symbols", &a, &b, &|_| String::new()));
    moved([&left, &right], found);
    Ok(())
}

/// Symbols that both have, at other addresses.
fn moved([left, right]: [&[Symbol]; 2], found: &mut Difference) {
    let elsewhere = |a: &Symbol, b: &Symbol| a.is_placed() && b.is_placed() && a.value != b.value;
    let in_step = left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.name == b.name);
    let moved: Vec<(&Symbol, &Symbol)> = if in_step {
        left.iter().zip(right).filter(|(a, b)| elsewhere(a, b)).collect()
    } else {
        let mut known: BTreeMap<(&str, u32), &Symbol> = BTreeMap::new();
        let mut seen = [BTreeMap::new(), BTreeMap::new()];
        let mut key = |side: usize, symbol: &'_ Symbol| -> u32 {
            let count: &mut u32 = seen[side].entry(symbol.name.clone()).or_default();
            *count += 1;
            *count
        };
        for symbol in right {
            let nth = key(1, symbol);
            known.insert((&symbol.name, nth), symbol);
        }
        let mut moved = Vec::new();
        for symbol in left {
            let nth = key(0, symbol);
            if let Some(other) = known.get(&(&*symbol.name, nth))
                && elsewhere(symbol, other)
            {
                moved.push((symbol, *other));
            }
        }
        moved
    };
    if let Some((a, b)) = moved.first() {
        let more = match moved.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let values = [a, b].map(|symbol| Some(format!("{:#x}", symbol.value)));
        found.field(format!("st_value of {}{more}", a.name), values, About::Metadata);
    }
}
