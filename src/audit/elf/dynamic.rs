//! The dynamic section, symbols and versions.

use object::Endianness;
use object::elf;
use object::read::StringTable;
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionTable, Sym};

use super::facts::{Elf, Undefined, WantedVersion, symbol_hash};

pub(super) fn read<'d, H: FileHeader<Endian = Endianness>>(
    elf: &mut Elf,
    endian: Endianness,
    data: &'d [u8],
    segments: &'d [H::ProgramHeader],
    sections: &SectionTable<'d, H>,
) -> Result<(), String> {
    let text = |error: object::read::Error| error.to_string();
    for segment in segments {
        if let Some(dynamic) = segment.dynamic(endian, data).map_err(text)? {
            tags::<H>(elf, endian, data, segments, dynamic)?;
        }
    }
    symbols(elf, endian, data, sections)
}

/// The bytes of the file from an address on.
fn at_address<'d, P: ProgramHeader<Endian = Endianness>>(
    endian: Endianness,
    data: &'d [u8],
    segments: &[P],
    address: u64,
) -> Option<&'d [u8]> {
    segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).find_map(|segment| {
        let offset = address.checked_sub(segment.p_vaddr(endian).into())?;
        let bytes = segment.data(endian, data).ok()?;
        bytes.get(usize::try_from(offset).ok()?..).filter(|rest| !rest.is_empty())
    })
}

fn tags<'d, H: FileHeader<Endian = Endianness>>(
    elf: &mut Elf,
    endian: Endianness,
    data: &'d [u8],
    segments: &'d [H::ProgramHeader],
    dynamic: &'d [H::Dyn],
) -> Result<(), String> {
    let entries = || {
        dynamic.iter().map(|entry| (entry.tag(endian), entry.val(endian))).take_while(|(tag, _)| *tag != elf::DT_NULL)
    };
    let value = |wanted| entries().find(|(tag, _)| *tag == wanted).map(|(_, value)| value);
    elf.dynamic = true;
    let strings = match (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) {
        (Some(address), Some(size)) => {
            let bytes =
                at_address(endian, data, segments, address).ok_or("its dynamic strings lie outside of all segments")?;
            let size = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
            StringTable::new(&bytes[..size], 0, size as u64)
        }
        _ => StringTable::default(),
    };
    let string = |value: u64| {
        let found = u32::try_from(value).ok().and_then(|at| strings.get(at).ok());
        found
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .ok_or("a string of its dynamic section lies outside")
    };
    for (tag, value) in entries() {
        match tag {
            elf::DT_NEEDED => elf.needed.push(string(value)?),
            elf::DT_SONAME => elf.soname = Some(string(value)?),
            elf::DT_RPATH => elf.rpath = Some(string(value)?),
            elf::DT_RUNPATH => elf.runpath = Some(string(value)?),
            elf::DT_TEXTREL => elf.text_relocations = true,
            elf::DT_FLAGS => elf.text_relocations |= value & elf::DF_TEXTREL.0 != 0,
            elf::DT_FLAGS_1 => {
                elf.pie = value & elf::DF_1_PIE.0 != 0;
                elf.no_default = value & elf::DF_1_NODEFLIB.0 != 0;
            }
            _ => {}
        }
    }
    Ok(())
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
