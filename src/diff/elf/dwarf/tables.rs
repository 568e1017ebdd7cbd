//! Tables that debugging information and exceptions refer to, written out in their order: abbreviations, lists of ranges,
//! call sites with their handlers. (Lists of locations have views between them that only units tell of.)
//!
//! Sources: DWARF 4, sections 2.17.3 and 7.5.3; DWARF 5, section 7.28; for `.gcc_except_table` the C++ ABI for
//! Itanium, "Exception Handling Tables", and the encodings of the Linux Standard Base, 10.5.

use gimli::{DwAt, DwForm, DwRle, DwTag, EndianSlice, Reader as _, ReaderOffset as _};

use super::super::read::{Elf, whole};
use super::super::sections::Pair;
use super::load::Bytes;
use crate::diff::bytes::hex;
use crate::diff::compare::Stop;
use crate::diff::lines;
use crate::diff::model::Difference;
use crate::fs::Content;

/// Larger tables are compared as bytes, and so are those of more lines.
const LARGEST: u64 = 16 << 20;
const LINES: usize = 1 << 20;

/// Compares two sections if they are tables that can be read here, and says so.
pub(in crate::diff::elf) fn compare(
    pair: Pair<'_>,
    contents: [&Content; 2],
    found: &mut Difference,
) -> Result<bool, Stop> {
    let name = pair.sections[0].name.replacen(".zdebug_", ".debug_", 1);
    let Some((what, read)) = reader(&name) else { return Ok(false) };
    if contents.iter().any(|content| content.size() > LARGEST) {
        return Ok(false);
    }
    let mut both = Vec::new();
    for (file, content) in pair.files.into_iter().zip(contents) {
        let Ok(bytes) = whole(content) else { return Ok(false) };
        let endian = if file.encoding.little { gimli::RunTimeEndian::Little } else { gimli::RunTimeEndian::Big };
        let mut table = Table { lines: Vec::new(), address: address_size(file) };
        // What cannot be read to its end is left to a comparison of bytes.
        if read(&mut table, EndianSlice::new(&bytes, endian)).is_err() || table.lines.len() > LINES {
            return Ok(false);
        }
        both.push(table.lines);
    }
    let fact = lines::compare(what, &both[0], &both[1], &|_| String::new());
    let any = fact.is_some();
    found.facts.extend(fact);
    Ok(any)
}

type Read = fn(&mut Table, Bytes<'_>) -> gimli::Result<()>;

fn reader(name: &str) -> Option<(&'static str, Read)> {
    Some(match name {
        ".debug_abbrev" => ("abbreviations", Table::abbreviations),
        ".debug_ranges" => ("ranges", Table::ranges),
        ".debug_rnglists" => ("ranges", Table::range_lists),
        ".gcc_except_table" => ("call sites", Table::call_sites),
        _ => return None,
    })
}

fn address_size(file: &Elf) -> u8 {
    if file.encoding.wide { 8 } else { 4 }
}

struct Table {
    lines: Vec<String>,
    address: u8,
}

impl Table {
    fn say(&mut self, line: String) -> gimli::Result<()> {
        self.lines.push(line);
        // Each line has taken at least a byte; this only keeps hostile tables from being held.
        if self.lines.len() > LINES { Err(gimli::Error::UnsupportedOffset) } else { Ok(()) }
    }

    fn abbreviations(&mut self, mut input: Bytes<'_>) -> gimli::Result<()> {
        while !input.is_empty() {
            let code = input.read_uleb128()?;
            if code == 0 {
                self.say("end of the unit's".to_owned())?;
                continue;
            }
            let tag = DwTag(input.read_uleb128_u16()?);
            let children = if input.read_u8()? == 0 { "" } else { " with children" };
            self.say(format!("{code}: {tag}{children}"))?;
            loop {
                let (name, form) = (input.read_uleb128_u16()?, input.read_uleb128_u16()?);
                if (name, form) == (0, 0) {
                    break;
                }
                let (name, form) = (DwAt(name), DwForm(form));
                let value = match form {
                    gimli::DW_FORM_implicit_const => format!(" {}", input.read_sleb128()?),
                    _ => String::new(),
                };
                self.say(format!("  {name} {form}{value}"))?;
            }
        }
        Ok(())
    }

    /// Lists of addresses from and to, of DWARF 4: the largest first address says that a base follows.
    fn ranges(&mut self, mut input: Bytes<'_>) -> gimli::Result<()> {
        let last = if self.address == 8 { u64::MAX } else { u32::MAX.into() };
        while !input.is_empty() {
            let line = match (input.read_address(self.address)?, input.read_address(self.address)?) {
                (0, 0) => "end of the list".to_owned(),
                (from, to) if from == last => format!("from {to:#x} on"),
                (from, to) => format!("{from:#x} to {to:#x}"),
            };
            self.say(line)?;
        }
        Ok(())
    }

    /// Tables of DWARF 5: each has a head, offsets of its lists, and the lists.
    fn range_lists(&mut self, mut input: Bytes<'_>) -> gimli::Result<()> {
        while !input.is_empty() {
            let (length, format) = input.read_initial_length()?;
            let mut table = input.split(length)?;
            let version = table.read_u16()?;
            if version != 5 {
                return Err(gimli::Error::UnknownVersion(version.into()));
            }
            let address = table.read_address_size()?;
            let segment = table.read_u8()?;
            let count = table.read_u32()?;
            self.say(format!("table of {count} offsets, addresses of {address} bytes, segments of {segment}"))?;
            for _ in 0..count {
                let offset = table.read_offset(format)?.into_u64();
                self.say(format!("  list at {offset:#x}"))?;
            }
            while !table.is_empty() {
                let line = range(&mut table, address)?;
                self.say(line)?;
            }
        }
        Ok(())
    }

    /// The tables of all functions that catch or clean up, one after the other.
    fn call_sites(&mut self, mut input: Bytes<'_>) -> gimli::Result<()> {
        while !input.is_empty() {
            let start = input.read_u8()?;
            if start != OMITTED {
                let start = encoded(&mut input, start, self.address)?;
                self.say(format!("landing pads from {start:#x} on"))?;
            }
            let types = input.read_u8()?;
            let behind = if types == OMITTED { None } else { Some(input.read_uleb128()?) };
            let before = input.len();
            let encoding = input.read_u8()?;
            let length = input.read_uleb128()?;
            let mut sites = input.split(usize::from_u64(length)?)?;
            self.say(format!("function: call sites encoded {encoding:#x}, types encoded {types:#x}"))?;
            while !sites.is_empty() {
                let mut next = || encoded(&mut sites, encoding, self.address);
                let (from, size, pad) = (next()?, next()?, next()?);
                let action = sites.read_uleb128()?;
                self.say(format!("  {from:#x} + {size:#x}: landing pad {pad:#x}, action {action}"))?;
            }
            // Actions, and types behind them, end where the types' place was said to be.
            if let Some(behind) = behind {
                let taken = (before - input.len()) as u64;
                let rest =
                    input.split(usize::from_u64(behind.checked_sub(taken).ok_or(gimli::Error::UnsupportedOffset)?)?)?;
                self.say(format!("  actions and types {}", hex(rest.slice())))?;
            }
            // The next begins at a multiple of four.
            while !input.is_empty() && input.slice()[0] == 0 {
                input.read_u8()?;
            }
        }
        Ok(())
    }
}

/// An encoding that says that nothing is there.
const OMITTED: u8 = 0xff;

/// A number in one of the encodings of frames; what it is relative to is not added.
fn encoded(input: &mut Bytes<'_>, encoding: u8, address: u8) -> gimli::Result<u64> {
    match encoding & 0x0f {
        0x00 => input.read_address(address),
        0x01 => input.read_uleb128(),
        0x02 | 0x0a => input.read_u16().map(u64::from),
        0x03 | 0x0b => input.read_u32().map(u64::from),
        0x04 | 0x0c => input.read_u64(),
        0x09 => input.read_sleb128().map(i64::cast_unsigned),
        _ => Err(gimli::Error::UnknownPointerEncoding(gimli::DwEhPe(encoding))),
    }
}

/// An entry of a list of ranges.
fn range(input: &mut Bytes<'_>, address: u8) -> gimli::Result<String> {
    let kind = DwRle(input.read_u8()?);
    let (addresses, numbers) = match kind {
        gimli::DW_RLE_end_of_list => (0, 0),
        gimli::DW_RLE_base_addressx => (0, 1),
        gimli::DW_RLE_startx_endx | gimli::DW_RLE_startx_length | gimli::DW_RLE_offset_pair => (0, 2),
        gimli::DW_RLE_base_address => (1, 0),
        gimli::DW_RLE_start_end => (2, 0),
        gimli::DW_RLE_start_length => (1, 1),
        other => return Err(gimli::Error::UnknownRangeListsEntry(other)),
    };
    let mut shown = format!("  {kind}");
    for _ in 0..addresses {
        shown.push_str(&format!(" {:#x}", input.read_address(address)?));
    }
    for _ in 0..numbers {
        shown.push_str(&format!(" {:#x}", input.read_uleb128()?));
    }
    Ok(shown)
}
