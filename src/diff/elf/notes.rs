//! Notes, each by its name; and the links to files with debugging information.

use std::collections::BTreeMap;

use object::elf;

use super::compare::limit;
use super::names;
use super::read::{Elf, Encoding, Numbers, Section};
use crate::container::{About, Fault};
use crate::diff::bytes::hex;
use crate::diff::compare::{Stop, of};
use crate::diff::model::{Difference, Side};

/// Bytes of a note that are shown, if it has no known form.
const SHOWN: usize = 64;

struct Note {
    name: String,
    value: String,
}

fn read(file: &Elf, section: &Section, bytes: &[u8]) -> Result<Vec<Note>, Fault> {
    let cut = || Fault::malformed(format!("a note in `{}` is cut off", section.name));
    // Only notes of properties are aligned to more than 4 bytes, and say so.
    let align = if section.align == 8 { 8 } else { 4 };
    let padded = |size: u32| (size as usize).checked_next_multiple_of(align);
    let mut n = Numbers::new(bytes, file.encoding);
    let mut notes = Vec::new();
    while let Some(name_size) = n.word() {
        let (desc_size, kind) = (n.word().ok_or_else(cut)?, n.word().ok_or_else(cut)?);
        // The three words of the header count for the alignment of what follows.
        let name_room = (12 + name_size as usize).checked_next_multiple_of(align).ok_or_else(cut)? - 12;
        let name = n.bytes(name_room).and_then(|room| room.get(..name_size as usize)).ok_or_else(cut)?;
        let desc = match n.bytes(padded(desc_size).ok_or_else(cut)?) {
            Some(room) => room.get(..desc_size as usize).ok_or_else(cut)?,
            // The last one may lack its padding.
            None => n.bytes(desc_size as usize).ok_or_else(cut)?,
        };
        let name = name.strip_suffix(b"\0").unwrap_or(name);
        notes.push(Note { name: title(name, kind), value: value(file.encoding, name, kind, desc) });
    }
    Ok(notes)
}

fn title(name: &[u8], kind: u32) -> String {
    match (name, kind) {
        (b"GNU", 1) => "ABI tag".to_owned(),
        (b"GNU", 3) => "build ID".to_owned(),
        (b"GNU", 4) => "linker".to_owned(),
        (b"GNU", 5) => "GNU property".to_owned(),
        (b"Go", 4) => "Go build ID".to_owned(),
        (b"FDO", 0xcafe_1a7e) => "package".to_owned(),
        (b"FDO", 0x407c_0c0a) => "dlopen".to_owned(),
        (b"stapsdt", 3) => "probe".to_owned(),
        _ => {
            let kind = names::or_number(elf::NoteType::names(name).name(elf::NoteType(kind)), kind.into());
            format!("note {} {kind}", names::text(name))
        }
    }
}

fn value(encoding: Encoding, name: &[u8], kind: u32, desc: &[u8]) -> String {
    let shown = match (name, kind) {
        (b"GNU", 1) => abi(encoding, desc),
        (b"GNU", 5) => properties(encoding, desc),
        (b"GNU", 3) => None,
        _ => {
            let text = desc.strip_suffix(b"\0").unwrap_or(desc);
            let printable = !text.is_empty() && text.iter().all(|byte| (b' '..=b'~').contains(byte));
            printable.then(|| names::text(text))
        }
    };
    shown.unwrap_or_else(|| {
        let more = if desc.len() > SHOWN { format!("… ({} bytes)", desc.len()) } else { String::new() };
        hex(&desc[..desc.len().min(SHOWN)]) + &more
    })
}

fn abi(encoding: Encoding, desc: &[u8]) -> Option<String> {
    let mut n = Numbers::new(desc, encoding);
    let system = match n.word()? {
        0 => "Linux".to_owned(),
        1 => "Hurd".to_owned(),
        other => format!("system {other}"),
    };
    (desc.len() == 16).then_some(())?;
    Some(format!("{system} {}.{}.{}", n.word()?, n.word()?, n.word()?))
}

/// Properties of a program (Linux Extensions to gABI; x86-64 psABI).
fn properties(encoding: Encoding, desc: &[u8]) -> Option<String> {
    let mut n = Numbers::new(desc, encoding);
    let mut list = Vec::new();
    while let Some(kind) = n.word() {
        let size = n.word()? as usize;
        let data = n.bytes(size)?;
        n.bytes(size.checked_next_multiple_of(encoding.address())? - size)?;
        let bits = encoding.number(data.get(..4).unwrap_or_default());
        let flags = |names: &[&str]| {
            let known = names.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 != 0).map(|(_, name)| *name);
            let rest = bits >> names.len() << names.len();
            let rest = (rest != 0).then(|| format!("{rest:#x}"));
            known.map(str::to_owned).chain(rest).collect::<Vec<_>>().join(" ")
        };
        list.push(match (kind, size) {
            (1, _) => format!("stack size {}", hex(data)),
            (0xc000_0002, 4) => format!("x86 features {}", flags(&["IBT", "SHSTK", "LAM_U48", "LAM_U57"])),
            (0xc000_8002, 4) => format!("x86 ISA needed {}", flags(&["baseline", "v2", "v3", "v4"])),
            (0xc001_0002, 4) => format!("x86 ISA used {}", flags(&["baseline", "v2", "v3", "v4"])),
            (0xc001_0001, 4) => format!("x86 features used {bits:#x}"),
            _ => format!("{kind:#x} = {}", hex(&data[..data.len().min(SHOWN)])),
        });
    }
    Some(list.join(", "))
}

/// Compares two sections of notes, the n-th of a name against the n-th.
pub(super) fn compare(
    files: [&Elf; 2],
    sections: [&Section; 2],
    bytes: [&[u8]; 2],
    found: &mut Difference,
) -> Result<(), Stop> {
    let left = read(files[0], sections[0], bytes[0]).map_err(of(Side::Left))?;
    let right = read(files[1], sections[1], bytes[1]).map_err(of(Side::Right))?;
    let mut seen = [BTreeMap::new(), BTreeMap::new()];
    let mut all: BTreeMap<(&str, u32), [Option<&str>; 2]> = BTreeMap::new();
    for (side, notes) in [&left, &right].into_iter().enumerate() {
        for note in notes {
            let count: &mut u32 = seen[side].entry(note.name.as_str()).or_default();
            all.entry((&note.name, *count)).or_default()[side] = Some(&note.value);
            *count += 1;
        }
    }
    for ((name, _), values) in all.into_iter().filter(|(_, [a, b])| a != b) {
        found.field(name, values.map(|value| value.map(str::to_owned)), About::Content);
    }
    limit(found);
    Ok(())
}

/// Compares `.gnu_debuglink` (a name, padding, a CRC) or `.gnu_debugaltlink` (a name, a build ID).
pub(super) fn link(files: [&Elf; 2], bytes: [&[u8]; 2], found: &mut Difference) {
    let parts = |side: usize| {
        let end = memchr::memchr(0, bytes[side])?;
        let (name, rest) = bytes[side].split_at(end);
        let rest = &rest[1..];
        let crc =
            rest.len().checked_sub(4).filter(|padding| *padding < 4).map(|at| files[side].encoding.number(&rest[at..]));
        Some((names::text(name), crc.map_or_else(|| hex(&rest[..rest.len().min(SHOWN)]), |crc| format!("{crc:08x}"))))
    };
    if let (Some(a), Some(b)) = (parts(0), parts(1)) {
        if a.0 != b.0 {
            found.field("file name", [Some(a.0), Some(b.0)], About::Content);
        }
        if a.1 != b.1 {
            let name = if a.1.len() == 8 && b.1.len() == 8 { "CRC" } else { "build ID" };
            found.field(name, [Some(a.1), Some(b.1)], About::Content);
        }
    }
}
