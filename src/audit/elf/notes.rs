//! Notes, comments and what kernel modules say.

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable};

use super::facts::{Elf, Module};

pub(super) fn read<'d, H: FileHeader<Endian = Endianness>>(
    elf: &mut Elf,
    endian: Endianness,
    data: &'d [u8],
    segments: &'d [H::ProgramHeader],
    sections: &SectionTable<'d, H>,
) {
    for segment in segments {
        let Ok(Some(mut notes)) = segment.notes(endian, data) else { continue };
        while let Ok(Some(note)) = notes.next() {
            if note.name() == b"GNU" && note.n_type(endian).0 == elf::NT_GNU_ABI_TAG.0 {
                elf.kernel = elf.kernel.or_else(|| abi_tag(endian, note.desc()));
            }
        }
    }
    let section = |name: &[u8]| {
        let (_, section) = sections.section_by_name(endian, name)?;
        section.data(endian, data).ok()
    };
    elf.compilers.extend(section(b".comment").into_iter().flat_map(strings));
    if let (true, Some(info)) = (elf.is_relocatable(), section(b".modinfo")) {
        let value =
            |key: &str| strings(info).find_map(|line| line.strip_prefix(key).map(str::to_owned)).unwrap_or_default();
        let depends = value("depends=").split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        elf.module = Some(Module { vermagic: value("vermagic="), depends });
    }
}

/// NUL-terminated strings.
fn strings(bytes: &[u8]) -> impl Iterator<Item = String> {
    bytes
        .split(|byte| *byte == 0)
        .filter(|text| !text.is_empty())
        .map(|text| String::from_utf8_lossy(text).trim().to_owned())
}

/// The oldest kernel in a `.note.ABI-tag`: the operating system (0 is Linux) and three numbers.
fn abi_tag(endian: Endianness, desc: &[u8]) -> Option<[u32; 3]> {
    let word = |index: usize| {
        let bytes: [u8; 4] = desc.get(4 * index..4 * index + 4)?.try_into().ok()?;
        Some(if endian == Endianness::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    (word(0)? == 0).then_some([word(1)?, word(2)?, word(3)?])
}
