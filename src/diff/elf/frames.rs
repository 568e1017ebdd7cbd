//! `.eh_frame`: how to unwind each function, by function; and `.eh_frame_hdr`, the index of it.
//!
//! Sources: Linux Standard Base Core, "Exception Frames"; DWARF 5, 6.4.

use std::ops::Range;

use gimli::{
    BaseAddresses, CallFrameInstruction, CieOrFde, EhFrame, EhFrameHdr, EndianSlice, Pointer, RunTimeEndian,
    UnwindSection,
};
use object::elf;

use super::read::{Elf, Section};
use super::sections::Pair;
use crate::container::{About, Fault};
use crate::diff::bytes;
use crate::diff::compare::{Stop, of};
use crate::diff::lines;
use crate::diff::model::{Difference, Side};
use crate::fs::Content;

/// Larger ones are compared as bytes.
pub(super) const LARGEST: u64 = 32 << 20;

/// Lines that are made of one section.
const LINES: usize = 1 << 21;

type Bytes<'a> = EndianSlice<'a, RunTimeEndian>;

/// Bytes with their order.
pub(super) fn slice<'a>(file: &Elf, bytes: &'a [u8]) -> Bytes<'a> {
    EndianSlice::new(bytes, if file.encoding.little { RunTimeEndian::Little } else { RunTimeEndian::Big })
}

/// The frames of a file that is linked.
pub(super) fn table<'a>(file: &Elf, section: &Section, bytes: &'a [u8]) -> (EhFrame<Bytes<'a>>, BaseAddresses) {
    let mut table = EhFrame::from(slice(file, bytes));
    table.set_address_size(file.encoding.address() as u8);
    let address = |name: &str| file.named(name).map_or(0, |(_, section)| section.address);
    let bases = BaseAddresses::default()
        .set_eh_frame(section.address)
        .set_eh_frame_hdr(address(".eh_frame_hdr"))
        .set_text(address(".text"))
        .set_got(address(".got"));
    (table, bases)
}

fn malformed(error: gimli::Error) -> Fault {
    Fault::malformed(error.to_string())
}

fn name(file: &Elf, address: u64) -> String {
    file.name_of(address).unwrap_or_else(|| format!("{address:#x}"))
}

/// What a frame is of. Without a name, where it lies would only say that what lies before has grown.
fn function(file: &Elf, address: u64) -> String {
    match file.section_at(address) {
        Some((index, section)) if section.has(elf::SHF_EXECINSTR) => match file.places().symbol(index, address) {
            Some((name, 0)) => name.to_owned(),
            Some((name, offset)) => format!("{name}+{offset:#x}"),
            None => format!("function in {}", section.name),
        },
        _ => name(file, address),
    }
}

fn pointer(file: &Elf, pointer: Pointer) -> String {
    match pointer {
        Pointer::Direct(address) => name(file, address),
        Pointer::Indirect(address) => format!("at {}", name(file, address)),
    }
}

/// The functions that a file has frames for: beginning and end in memory, sorted.
pub(super) fn functions(file: &Elf) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let Some((_, section)) = file.named(".eh_frame").filter(|_| !file.is_relocatable()) else { return found };
    let Ok(bytes) = section.whole() else { return found };
    let (table, bases) = table(file, section, &bytes);
    let mut entries = table.entries(&bases);
    // An entry that cannot be read ends the list: what was read until then is enough to cut by.
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        let Ok(fde) = partial.parse(|_, bases, offset| table.cie_from_offset(bases, offset)) else { continue };
        found.push((fde.initial_address(), fde.initial_address().saturating_add(fde.len())));
    }
    found.sort_unstable();
    found.dedup_by_key(|range| range.0);
    found
}

/// Compares two sections of frames.
pub(super) fn compare(pair: Pair<'_>, bytes: [&[u8]; 2], found: &mut Difference) -> Result<(), Stop> {
    if pair.files.iter().any(|file| file.is_relocatable()) {
        // What they are of is known to the linker only.
        let contents = bytes.map(Content::of_bytes);
        found.facts.extend(bytes::compare([&contents[0], &contents[1]], About::Content)?);
        return Ok(());
    }
    let window = window(pair, bytes);
    let left = list(pair.files[0], pair.sections[0], bytes[0], &window).map_err(of(Side::Left))?;
    let right = list(pair.files[1], pair.sections[1], bytes[1], &window).map_err(of(Side::Right))?;
    let within = |at: usize| {
        let of = left.get(..=at).unwrap_or_default().iter().rev().find(|line| !line.starts_with(' '));
        of.and_then(|line| line.split(',').next()).unwrap_or_default().to_owned()
    };
    found.facts.extend(lines::compare("frames", &left, &right, &within));
    Ok(())
}

/// The part of the sections that has to be looked at. What lies at one place on both sides and has equal bytes is equal.
fn window(pair: Pair<'_>, [left, right]: [&[u8]; 2]) -> Range<usize> {
    if left.len() != right.len() || pair.sections[0].address != pair.sections[1].address {
        return 0..usize::MAX;
    }
    let differs = |(a, b): (&u8, &u8)| a != b;
    let first = left.iter().zip(right).position(differs).unwrap_or(0);
    let last = left.iter().zip(right).rposition(differs).unwrap_or(left.len());
    first..last + 1
}

/// Entries that lie in a window, as lines.
fn list(file: &Elf, section: &Section, bytes: &[u8], window: &Range<usize>) -> Result<Vec<String>, Fault> {
    let (table, bases) = table(file, section, bytes);
    let mut entries = table.entries(&bases);
    let mut found = Vec::new();
    while let Some(entry) = entries.next().map_err(malformed)? {
        let (start, length) = match &entry {
            CieOrFde::Cie(cie) => (cie.offset(), cie.entry_len()),
            CieOrFde::Fde(fde) => (fde.offset(), fde.entry_len()),
        };
        // The length does not count itself.
        if start >= window.end || start.saturating_add(length).saturating_add(12) <= window.start {
            continue;
        }
        let mut instructions = match entry {
            CieOrFde::Cie(cie) => {
                let mut line = format!(
                    "CIE, version {}, code alignment {}, data alignment {}, return address in {}",
                    cie.version(),
                    cie.code_alignment_factor(),
                    cie.data_alignment_factor(),
                    cie.return_address_register().0
                );
                if let Some(personality) = cie.personality() {
                    line += &format!(", personality {}", pointer(file, personality));
                }
                if cie.is_signal_trampoline() {
                    line += ", signal frame";
                }
                found.push(line);
                cie.instructions(&table, &bases)
            }
            CieOrFde::Fde(partial) => {
                let fde = partial.parse(|_, bases, offset| table.cie_from_offset(bases, offset)).map_err(malformed)?;
                let mut line = format!("{}, {} bytes", function(file, fde.initial_address()), fde.len());
                if let Some(lsda) = fde.lsda() {
                    // Where the tables for exceptions lie follows from their sizes; what they say is compared there.
                    line += match lsda {
                        Pointer::Direct(_) => ", exceptions",
                        Pointer::Indirect(_) => ", exceptions at another place",
                    };
                }
                found.push(line);
                fde.instructions(&table, &bases)
            }
        };
        while let Some(instruction) = instructions.next().map_err(malformed)? {
            // They fill up the entry.
            if instruction != CallFrameInstruction::Nop {
                found.push(step(&table, &instruction));
            }
            if found.len() > LINES {
                return Err(Fault::TooMuch { what: "instructions in frames", limit: LINES as u64 });
            }
        }
    }
    Ok(found)
}

/// An instruction of a frame. Expressions are shown themselves, and not by where they stand.
fn step(table: &EhFrame<Bytes<'_>>, instruction: &CallFrameInstruction<usize>) -> String {
    let (name, register, expression) = match instruction {
        CallFrameInstruction::DefCfaExpression { expression } => ("DefCfaExpression", None, expression),
        CallFrameInstruction::Expression { register, expression } => ("Expression", Some(register), expression),
        CallFrameInstruction::ValExpression { register, expression } => ("ValExpression", Some(register), expression),
        other => return format!("  {other:?}"),
    };
    let bytes = expression.get(table).map_or_else(|_| "cut off".to_owned(), |it| bytes::hex(it.0.slice()));
    match register {
        Some(register) => format!("  {name} {{ register: {}, {bytes} }}", register.0),
        None => format!("  {name} {{ {bytes} }}"),
    }
}

/// Compares two indices of frames: which functions there are.
pub(super) fn index(pair: Pair<'_>, bytes: [&[u8]; 2], found: &mut Difference) -> Result<(), Stop> {
    let list = |side: usize| -> Result<Vec<String>, Fault> {
        let file = pair.files[side];
        let address = |name: &str| file.named(name).map_or(0, |(_, section)| section.address);
        let bases = BaseAddresses::default()
            .set_eh_frame_hdr(pair.sections[side].address)
            .set_eh_frame(address(".eh_frame"))
            .set_text(address(".text"));
        let header = EhFrameHdr::from(slice(file, bytes[side]))
            .parse(&bases, file.encoding.address() as u8)
            .map_err(malformed)?;
        let mut names = Vec::new();
        if let Some(table) = header.table() {
            let mut entries = table.iter(&bases);
            while let Some((function, _)) = entries.next().map_err(malformed)? {
                names.push(match function {
                    Pointer::Direct(address) => self::function(file, address),
                    other => pointer(file, other),
                });
            }
        }
        Ok(names)
    };
    let (left, right) = (list(0).map_err(of(Side::Left))?, list(1).map_err(of(Side::Right))?);
    found.facts.extend(lines::compare("functions", &left, &right, &|_| String::new()));
    Ok(())
}
