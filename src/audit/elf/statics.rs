//! Functions of the C library that a static program calls.
//!
//! glibc links some of them into every static program, for its own use: that a symbol is there says nothing. What counts is
//! a call of the public name, which on x86 is an opcode and a distance. Stripped programs do not tell.

use std::collections::{BTreeMap, BTreeSet};

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionTable, Sym};

/// Functions that load objects of the C library's own version when they are called.
const LOADERS: [&str; 4] = ["dlopen", "__dlopen", "___dlopen", "dlmopen"];
/// A function that is linked only where it is called.
const ICONV: &str = "iconv_open";

pub(super) fn calls<'d, H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    data: &'d [u8],
    header: &H,
    segments: &'d [H::ProgramHeader],
    sections: &SectionTable<'d, H>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(table) = sections.symbols(endian, data, elf::SHT_SYMTAB) else { return found };
    let mut addresses: BTreeMap<u64, &str> = BTreeMap::new();
    for symbol in table.iter() {
        let name = symbol.name(endian, table.strings()).ok().and_then(|name| std::str::from_utf8(name).ok());
        match name {
            Some(ICONV) => drop(found.insert(ICONV.to_owned())),
            Some(name) if LOADERS.contains(&name) => drop(addresses.insert(symbol.st_value(endian).into(), "dlopen")),
            _ => {}
        }
    }
    let x86 = matches!(header.e_machine(endian), elf::EM_X86_64 | elf::EM_386);
    for segment in segments.iter().filter(|segment| x86 && segment.p_flags(endian).0 & elf::PF_X.0 != 0) {
        let base: u64 = segment.p_vaddr(endian).into();
        let Ok(code) = segment.data(endian, data) else { continue };
        // CALL rel32 and JMP rel32 (Intel SDM, volume 2): the distance counts from the end of the instruction.
        for at in memchr::memchr2_iter(0xe8, 0xe9, code) {
            let Some(distance) = code.get(at + 1..at + 5).and_then(|bytes| bytes.try_into().ok()) else { continue };
            let next = base.wrapping_add(at as u64 + 5);
            let target = next.wrapping_add_signed(i32::from_le_bytes(distance).into());
            found.extend(addresses.get(&target).map(|name| (*name).to_owned()));
        }
    }
    found
}
