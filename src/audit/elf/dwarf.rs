//! Directories and compilers that debugging information names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use gimli::{AttributeValue, Dwarf, EndianSlice, RunTimeEndian, Unit};

use super::read::Parsed;

type Bytes<'a> = EndianSlice<'a, RunTimeEndian>;

/// Reads what there is; units that cannot be read are passed over, as debuggers do.
pub(super) fn read(parsed: &mut Parsed, data: &[u8], little: bool) {
    let mut sections: BTreeMap<String, Cow<'_, [u8]>> = BTreeMap::new();
    for (name, range) in parsed.sections.iter().filter(|(name, _)| name.starts_with(".debug_")) {
        sections.insert(name.clone(), Cow::Borrowed(&data[range.clone()]));
    }
    for (name, bytes) in &parsed.unpacked {
        sections.insert(name.replacen(".zdebug_", ".debug_", 1), Cow::Borrowed(bytes));
    }
    if !sections.contains_key(".debug_info") {
        return;
    }
    let endian = if little { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let load = |id: gimli::SectionId| -> Result<Bytes<'_>, gimli::Error> {
        Ok(EndianSlice::new(sections.get(id.name()).map_or(&[], |bytes| bytes.as_ref()), endian))
    };
    let Ok(dwarf) = Dwarf::load(load) else { return };
    let (mut directories, mut compilers) = (Vec::new(), Vec::new());
    let mut units = dwarf.units();
    while let Ok(Some(header)) = units.next() {
        let Ok(unit) = dwarf.unit(header) else { continue };
        directories.extend(unit_directories(&dwarf, &unit));
        compilers.extend(producer(&dwarf, &unit));
    }
    let elf = &mut parsed.elf;
    elf.directories.extend(directories.into_iter().filter(|path| path.starts_with('/')));
    elf.compilers.extend(compilers);
}

fn text(bytes: Bytes<'_>) -> String {
    String::from_utf8_lossy(bytes.slice()).into_owned()
}

fn unit_directories(dwarf: &Dwarf<Bytes<'_>>, unit: &Unit<Bytes<'_>>) -> Vec<String> {
    let folder = |path: String| path.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default();
    let mut found: Vec<String> = unit.comp_dir.into_iter().map(text).collect();
    found.extend(unit.name.into_iter().map(text).map(folder));
    if let Some(program) = &unit.line_program {
        let header = program.header();
        let string = |value: AttributeValue<_>| dwarf.attr_string(unit, value).ok().map(text);
        found.extend(header.include_directories().iter().filter_map(|value| string(*value)));
        found.extend(header.file_names().iter().filter_map(|file| string(file.path_name())).map(folder));
    }
    found
}

fn producer(dwarf: &Dwarf<Bytes<'_>>, unit: &Unit<Bytes<'_>>) -> Option<String> {
    let mut entries = unit.entries();
    let root = entries.next_dfs().ok()??;
    let value = root.attr_value(gimli::DW_AT_producer)?;
    dwarf.attr_string(unit, value).ok().map(text)
}
