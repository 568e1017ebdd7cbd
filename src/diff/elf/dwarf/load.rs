//! The sections of DWARF, ready to be read.

use std::collections::BTreeMap;

use gimli::{EndianSlice, RunTimeEndian, Section as _};

use super::super::packed;
use super::super::read::{Elf, whole};
use super::relocate;
use crate::container::Fault;
use crate::diff::compare::Comparison;

/// What `gimli` reads from.
pub(super) type Bytes<'a> = EndianSlice<'a, RunTimeEndian>;
pub(super) type Dwarf<'a> = gimli::Dwarf<Bytes<'a>>;

/// The sections of one side, ready to be read.
pub(super) struct Loaded {
    endian: RunTimeEndian,
    sections: BTreeMap<&'static str, Vec<u8>>,
}

/// Reads the sections that units and line programs need.
pub(super) fn load(cx: &Comparison<'_>, file: &Elf) -> Result<Loaded, Fault> {
    let mut sections = BTreeMap::new();
    for id in [
        gimli::SectionId::DebugAbbrev,
        gimli::SectionId::DebugAddr,
        gimli::SectionId::DebugInfo,
        gimli::SectionId::DebugLine,
        gimli::SectionId::DebugLineStr,
        gimli::SectionId::DebugStr,
        gimli::SectionId::DebugStrOffsets,
    ] {
        let old = id.name().replacen(".debug_", ".zdebug_", 1);
        let Some((index, section)) = file.named(id.name()).or_else(|| file.named(&old)) else { continue };
        let bytes = packed::unpack(file, section, &cx.spool).and_then(|unpacked| whole(&unpacked.bytes));
        match bytes {
            Ok(mut bytes) => {
                relocate::apply(file, index, &mut bytes);
                sections.insert(id.name(), bytes);
            }
            // What cannot be read is told where that section is compared.
            Err(fault) if fault.is_containers() => {}
            Err(fault) => return Err(fault),
        }
    }
    let endian = if file.encoding.little { RunTimeEndian::Little } else { RunTimeEndian::Big };
    Ok(Loaded { endian, sections })
}

impl Loaded {
    /// A section's bytes; none if it is not there.
    pub fn section(&self, name: &str) -> &[u8] {
        self.sections.get(name).map_or(&[], Vec::as_slice)
    }

    /// All of them, for `gimli`.
    pub fn dwarf(&self) -> Dwarf<'_> {
        let section = |id: gimli::SectionId| {
            Ok::<_, std::convert::Infallible>(EndianSlice::new(self.section(id.name()), self.endian))
        };
        match Dwarf::load(section) {
            Ok(dwarf) => dwarf,
            Err(never) => match never {},
        }
    }

    /// The line program at a place.
    pub fn line_program(&self, at: usize, address_size: u8) -> gimli::Result<LineProgram<'_>> {
        let line = gimli::DebugLine::from(EndianSlice::new(
            self.section(gimli::DebugLine::<Bytes<'_>>::section_name()),
            self.endian,
        ));
        line.program(gimli::DebugLineOffset(at), address_size, None, None)
    }
}

pub(super) type LineProgram<'a> = gimli::IncompleteLineProgram<Bytes<'a>>;
