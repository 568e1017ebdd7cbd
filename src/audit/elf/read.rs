//! From bytes to facts.

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable};

use super::facts::{Elf, Machine, Stack};
use super::{compressed, dwarf, dynamic, notes, statics};
use crate::loader::opened_names;

/// Bounds on the work for one object.
#[derive(Debug, Clone, Copy)]
pub(in crate::audit) struct Limits {
    /// Bytes of decompressed sections.
    pub bytes: u64,
}

/// An object with what else was seen in reading it.
#[derive(Debug)]
pub(in crate::audit) struct Parsed {
    pub elf: Elf,
    /// Name and file range of each section with bytes in the file.
    pub sections: Vec<(String, std::ops::Range<usize>)>,
    /// Sections that were compressed.
    pub unpacked: Vec<(String, Vec<u8>)>,
    /// Sections that could not be decompressed, with the reason.
    pub refused: Vec<(String, String)>,
}

impl Parsed {
    /// The section that holds a byte of the file.
    pub fn section_at(&self, at: usize) -> &str {
        self.sections.iter().find(|(_, range)| range.contains(&at)).map_or("no section", |(name, _)| name.as_str())
    }
}

/// Whether bytes begin as an object does.
pub(in crate::audit) fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&elf::ELFMAG)
}

/// Reads an object; the reason if it is none.
pub(in crate::audit) fn read(bytes: &[u8], limits: Limits) -> Result<Parsed, String> {
    let text = |error: object::read::Error| error.to_string();
    match bytes.get(4) {
        Some(1) => parse(FileHeader32::<Endianness>::parse(bytes).map_err(text)?, bytes, limits),
        Some(2) => parse(FileHeader64::<Endianness>::parse(bytes).map_err(text)?, bytes, limits),
        _ => Err("its class is neither 32 nor 64 bits".to_owned()),
    }
}

fn parse<H: FileHeader<Endian = Endianness>>(header: &H, data: &[u8], limits: Limits) -> Result<Parsed, String> {
    let text = |error: object::read::Error| error.to_string();
    let endian = header.endian().map_err(text)?;
    let segments = header.program_headers(endian, data).map_err(text)?;
    let sections = header.sections(endian, data).map_err(text)?;
    let machine = Machine {
        machine: header.e_machine(endian).0,
        bits: if header.is_class_64() { 64 } else { 32 },
        little: header.is_little_endian(),
    };
    let mut elf = blank(machine, header.e_type(endian).0);
    for segment in segments {
        let flags = segment.p_flags(endian).0;
        match segment.p_type(endian) {
            elf::PT_GNU_STACK => {
                elf.stack = if flags & elf::PF_X.0 != 0 { Stack::Executable } else { Stack::Plain };
            }
            elf::PT_LOAD => elf.writable_code |= flags & elf::PF_X.0 != 0 && flags & elf::PF_W.0 != 0,
            elf::PT_INTERP => {
                let path = segment.interpreter(endian, data).map_err(text)?;
                elf.interpreter = path.map(|path| String::from_utf8_lossy(path).into_owned());
            }
            _ => {}
        }
    }
    dynamic::read(&mut elf, endian, data, segments, &sections)?;
    if elf.is_static() {
        elf.static_calls = statics::calls(endian, data, header, segments, &sections);
    }
    if elf.undefined.iter().any(|symbol| symbol.name == "dlopen") {
        elf.loads = opened_names(data);
        // What it needs by name is among its strings, too.
        elf.loads.retain(|name| !elf.needed.contains(name) && elf.soname.as_ref() != Some(name));
    }
    let mut parsed = Parsed { elf, sections: Vec::new(), unpacked: Vec::new(), refused: Vec::new() };
    list(&mut parsed, endian, data, &sections, limits);
    notes::read(&mut parsed.elf, endian, data, segments, &sections);
    if !parsed.elf.is_relocatable() {
        // In objects that are not linked, references into string sections still wait for their relocations.
        dwarf::read(&mut parsed, data, machine.little);
    }
    Ok(parsed)
}

fn blank(machine: Machine, kind: u16) -> Elf {
    Elf {
        machine,
        kind,
        interpreter: None,
        soname: None,
        needed: Vec::new(),
        rpath: None,
        runpath: None,
        pie: false,
        no_default: false,
        dynamic: false,
        text_relocations: false,
        stack: Stack::Unsaid,
        writable_code: false,
        wanted: Vec::new(),
        versions: Default::default(),
        undefined: Vec::new(),
        exports: Vec::new(),
        kernel: None,
        compilers: Default::default(),
        directories: Default::default(),
        module: None,
        loads: Default::default(),
        static_calls: Default::default(),
    }
}

/// The sections' places, and what is compressed in them.
fn list<'d, H: FileHeader<Endian = Endianness>>(
    parsed: &mut Parsed,
    endian: Endianness,
    data: &'d [u8],
    sections: &SectionTable<'d, H>,
    limits: Limits,
) {
    let mut left = limits.bytes;
    for section in sections.iter() {
        let name = sections.section_name(endian, section).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let Some((offset, size)) = section.file_range(endian) else { continue };
        let (Ok(from), Ok(size)) = (usize::try_from(offset), usize::try_from(size)) else { continue };
        let Some(range) = from.checked_add(size).map(|to| from..to).filter(|range| data.get(range.clone()).is_some())
        else {
            continue;
        };
        if parsed.elf.is_relocatable() && name == ".note.GNU-stack" {
            let executable = section.sh_flags(endian).contains(elf::SHF_EXECINSTR);
            parsed.elf.stack = if executable { Stack::Executable } else { Stack::Plain };
        }
        match compressed::unpack::<H>(endian, data, section, &name, &data[range.clone()], &mut left) {
            Ok(None) => {}
            Ok(Some(bytes)) => parsed.unpacked.push((name.clone(), bytes)),
            Err(reason) => parsed.refused.push((name.clone(), reason)),
        }
        parsed.sections.push((name, range));
    }
}
