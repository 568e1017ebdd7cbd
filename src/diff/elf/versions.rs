//! Versions of symbols: which are needed of whom, which are defined, and which symbol has which.
//!
//! Source: Linux Standard Base Core, "Symbol Versioning".

use std::collections::BTreeMap;

use object::elf;

use super::names;
use super::read::{Elf, Numbers, Section};
use crate::container::Fault;
use crate::diff::compare::{Stop, of};
use crate::diff::lines;
use crate::diff::model::{Difference, Side};

/// Entries of a chain that are followed.
const MOST: usize = 1 << 16;

/// Compares SHT_GNU_verneed, SHT_GNU_verdef or SHT_GNU_versym.
pub(super) fn compare(files: [&Elf; 2], sections: [&Section; 2], found: &mut Difference) -> Result<(), Stop> {
    let left = describe(files[0], sections[0]).map_err(of(Side::Left))?;
    let right = describe(files[1], sections[1]).map_err(of(Side::Right))?;
    found.facts.extend(lines::compare("versions", &left, &right, &|_| String::new()));
    Ok(())
}

fn describe(file: &Elf, section: &Section) -> Result<Vec<String>, Fault> {
    if section.kind != elf::SHT_GNU_VERSYM.0 {
        return Ok(entries(file, section)?.into_iter().map(|entry| entry.line).collect());
    }
    let mut known: BTreeMap<u16, String> = BTreeMap::new();
    for section in &file.sections {
        if section.kind == elf::SHT_GNU_VERNEED.0 || section.kind == elf::SHT_GNU_VERDEF.0 {
            known.extend(entries(file, section)?.into_iter().filter_map(|entry| Some((entry.index?, entry.version))));
        }
    }
    let symbols = file.symbols(section.link as usize)?;
    let bytes = section.whole()?;
    let line = |(number, entry): (usize, &[u8])| {
        let value = file.encoding.number(entry) as u16;
        let symbol = symbols.get(number).map_or("", |symbol| &symbol.name);
        let hidden = if value & 0x8000 != 0 { ", hidden" } else { "" };
        let version = match value & 0x7fff {
            0 => "local".to_owned(),
            1 => "global".to_owned(),
            other => known.get(&other).cloned().unwrap_or_else(|| format!("version {other}")),
        };
        format!("{symbol}: {version}{hidden}")
    };
    Ok(bytes.chunks(2).enumerate().map(line).collect())
}

struct Entry {
    index: Option<u16>,
    version: String,
    line: String,
}

/// The entries of a section of needed or defined versions: chains of records within chains of records.
fn entries(file: &Elf, section: &Section) -> Result<Vec<Entry>, Fault> {
    let bytes = section.whole()?;
    let strings = file.section(section.link).map_or(Ok(Vec::new()), Section::whole)?;
    let text = |at: u32| names::string_at(&strings, at.into()).unwrap_or_else(|| format!("\\name at {at:#x}"));
    let cut = || Fault::malformed(format!("`{}` is cut off", section.name));
    let at = |offset: usize| bytes.get(offset..).map(|rest| Numbers::new(rest, file.encoding)).ok_or_else(cut);
    let needed = section.kind == elf::SHT_GNU_VERNEED.0;
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut outer = 0;
    loop {
        let mut n = at(outer)?;
        let mut head = || -> Option<_> {
            // Verneed: version, count, file, first, next. Verdef: version, flags, index, count, hash, first, next.
            if needed {
                n.half()?;
                Some((n.half()?, n.word()?, 0, 0, n.word()?, n.word()?))
            } else {
                n.half()?;
                let (flags, index, count) = (n.half()?, n.half()?, n.half()?);
                n.word()?;
                Some((count, 0, flags, index, n.word()?, n.word()?))
            }
        };
        let (count, library, flags, index, first, next) = head().ok_or_else(cut)?;
        let mut inner = outer + first as usize;
        let mut parents = Vec::new();
        for _ in 0..count {
            let mut n = at(inner)?;
            let mut aux = || -> Option<_> {
                if needed {
                    n.word()?;
                    Some((n.half()?, n.half()?, n.word()?, n.word()?))
                } else {
                    Some((0, 0, n.word()?, n.word()?))
                }
            };
            let (flags, index, name, next) = aux().ok_or_else(cut)?;
            if needed {
                let version = text(name);
                let flags = if flags & 2 != 0 { ", weak" } else { "" };
                let line = format!("{}: {version}{flags}", text(library));
                found.push(Entry { index: Some(index & 0x7fff), version, line });
            } else {
                parents.push(text(name));
            }
            seen += 1;
            if seen > MOST {
                return Err(Fault::TooMuch { what: "versions", limit: MOST as u64 });
            }
            if next == 0 {
                break;
            }
            inner += next as usize;
        }
        if !needed && !parents.is_empty() {
            let version = parents.remove(0);
            let mut line = format!("defines {version}");
            if flags & 1 != 0 {
                line += ", the file itself";
            }
            if !parents.is_empty() {
                line += &format!(", after {}", parents.join(", "));
            }
            found.push(Entry { index: Some(index & 0x7fff), version, line });
        }
        seen += 1;
        if next == 0 {
            return Ok(found);
        }
        if seen > MOST {
            return Err(Fault::TooMuch { what: "versions", limit: MOST as u64 });
        }
        outer += next as usize;
    }
}
