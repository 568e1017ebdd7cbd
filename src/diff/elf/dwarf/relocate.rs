//! Debugging information of files that are not linked: what a linker would put in.
//!
//! Only the plain kinds are applied, "symbol plus addend" of four or eight bytes: they are all that the references of
//! DWARF need. Sources: the processor supplements.

use object::elf;

use super::super::read::Elf;
use super::super::relocations;

/// Width of a relocation that puts in a plain address.
fn width(machine: u16, kind: u32) -> Option<usize> {
    match (elf::Machine(machine), kind) {
        (elf::EM_X86_64, 1)
        | (elf::EM_AARCH64, 257)
        | (elf::EM_RISCV, 2)
        | (elf::EM_PPC64, 38)
        | (elf::EM_S390, 22) => Some(8),
        (elf::EM_X86_64, 10 | 11)
        | (elf::EM_386, 1)
        | (elf::EM_AARCH64, 258)
        | (elf::EM_ARM, 2)
        | (elf::EM_RISCV, 1)
        | (elf::EM_PPC64 | elf::EM_PPC, 1)
        | (elf::EM_S390, 4)
        | (elf::EM_MIPS, 2)
        | (elf::EM_LOONGARCH, 1) => Some(4),
        (elf::EM_LOONGARCH, 2) => Some(8),
        _ => None,
    }
}

/// Applies the relocations of a section to its bytes. What is not understood stays as it is.
pub(super) fn apply(file: &Elf, index: usize, bytes: &mut [u8]) {
    if !file.is_relocatable() {
        return;
    }
    for list in &file.sections {
        let relocates =
            (list.kind == elf::SHT_RELA.0 || list.kind == elf::SHT_REL.0) && usize::try_from(list.info) == Ok(index);
        if !relocates {
            continue;
        }
        let (Ok(raw), Ok(symbols)) = (list.whole(), file.symbols(list.link as usize)) else { continue };
        let Ok(entries) = relocations::read(file, list, &raw) else { continue };
        for entry in entries {
            let Some(width) = width(file.header.machine, entry.kind) else { continue };
            let Some(place) =
                usize::try_from(entry.offset).ok().and_then(|at| bytes.get_mut(at..at.checked_add(width)?))
            else {
                continue;
            };
            let addend = entry.addend.map_or_else(|| file.encoding.number(place), |addend| addend as u64);
            let symbol = symbols.get(entry.symbol as usize).filter(|symbol| symbol.is_placed());
            let value =
                symbol.map_or(0, |symbol| symbol.value.wrapping_add(file.bias(symbol.section))).wrapping_add(addend);
            if file.encoding.little {
                place.copy_from_slice(&value.to_le_bytes()[..width]);
            } else {
                place.copy_from_slice(&value.to_be_bytes()[8 - width..]);
            }
        }
    }
}
