//! The dynamic section, symbols and versions.

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, SectionTable, Sym};

use super::facts::{Elf, Undefined, WantedVersion, symbol_hash};
use crate::loader::{self, Dynamic};

pub(super) fn read<'d, H: FileHeader<Endian = Endianness>>(
    elf: &mut Elf,
    endian: Endianness,
    data: &'d [u8],
    segments: &'d [H::ProgramHeader],
    sections: &SectionTable<'d, H>,
) -> Result<(), String> {
    if let Some(found) = loader::dynamic::<H>(endian, data, segments)? {
        let Dynamic { soname, needed, rpath, runpath, pie, no_default, text_relocations } = found;
        elf.dynamic = true;
        (elf.soname, elf.needed, elf.rpath, elf.runpath) = (soname, needed, rpath, runpath);
        (elf.pie, elf.no_default, elf.text_relocations) = (pie, no_default, text_relocations);
    }
    symbols(elf, endian, data, sections)
}

fn symbols<'d, H: FileHeader<Endian = Endianness>>(
    elf: &mut Elf,
    endian: Endianness,
    data: &'d [u8],
    sections: &SectionTable<'d, H>,
) -> Result<(), String> {
    let text = |error: object::read::Error| error.to_string();
    let table = sections.symbols(endian, data, elf::SHT_DYNSYM).map_err(text)?;
    for symbol in table.iter().skip(1) {
        let global = matches!(symbol.st_bind(), elf::STB_GLOBAL | elf::STB_WEAK | elf::STB_GNU_UNIQUE);
        let hidden = matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL);
        let Ok(name) = symbol.name(endian, table.strings()) else { continue };
        if !global || hidden || name.is_empty() {
            continue;
        }
        if symbol.is_undefined(endian) {
            let weak = symbol.st_bind() == elf::STB_WEAK;
            elf.undefined.push(Undefined { name: String::from_utf8_lossy(name).into_owned(), weak });
        } else {
            elf.exports.push(symbol_hash(name));
        }
    }
    elf.exports.sort_unstable();
    elf.exports.dedup();
    versions(elf, endian, data, sections).map_err(text)
}

fn versions<'d, H: FileHeader<Endian = Endianness>>(
    elf: &mut Elf,
    endian: Endianness,
    data: &'d [u8],
    sections: &SectionTable<'d, H>,
) -> object::read::Result<()> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Some((mut entries, link)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        while let Some((need, mut each)) = entries.next()? {
            let library = lossy(need.file(endian, strings)?);
            while let Some(one) = each.next()? {
                let weak = one.vna_flags.get(endian).0 & elf::VER_FLG_WEAK.0 != 0;
                let version = lossy(one.name(endian, strings)?);
                elf.wanted.push(WantedVersion { library: library.clone(), version, weak });
            }
        }
    }
    if let Some((mut entries, link)) = sections.gnu_verdef(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        while let Some((_, mut each)) = entries.next()? {
            // The first name is the version, those after it are what it inherits from.
            if let Some(first) = each.next()? {
                elf.versions.insert(lossy(first.name(endian, strings)?));
            }
        }
    }
    Ok(())
}
