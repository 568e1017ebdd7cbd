//! Line programs: which source files there are, and which line each instruction is of.

use gimli::{ColumnType, LineRow};

use super::super::read::Elf;
use super::compare::{SHOWN, Shifted, malformed, pair_up};
use super::load::{Bytes, Dwarf, LineProgram, Loaded};
use crate::container::{About, Fault};
use crate::diff::bytes::hex;
use crate::diff::compare::{Comparison, Stop};
use crate::diff::lines;
use crate::diff::model::{Difference, Fact, Side};

/// Programs that are larger are not run: tables of files are made as long as they say.
const LARGEST: usize = 16 << 20;
/// Programs of one section.
const PROGRAMS: usize = 1 << 16;
/// Rows of a program that are compared.
const ROWS: usize = 500_000;

struct Program<'a> {
    bytes: &'a [u8],
    program: LineProgram<'a>,
}

/// Compares two `.debug_line`.
pub(super) fn compare(
    cx: &Comparison<'_>,
    files: [&Elf; 2],
    loaded: &[Loaded; 2],
    found: &mut Difference,
) -> Result<(), Stop> {
    let left = list(cx, files[0], &loaded[0], Side::Left)?;
    let right = list(cx, files[1], &loaded[1], Side::Right)?;
    let dwarves = [loaded[0].dwarf(), loaded[1].dwarf()];
    let names = |side: usize, programs: &[Program<'_>]| -> Vec<String> {
        programs.iter().map(|program| first_file(&dwarves[side], &program.program)).collect()
    };
    let names = [names(0, &left), names(1, &right)];
    let (pairs, alone) = pair_up([&names[0], &names[1]]);
    let (mut shown, mut further) = (0, 0_usize);
    let mut shifted = Shifted::new("line program");
    for [a, b] in pairs {
        cx.check()?;
        let (a_program, b_program) = (&left[a], &right[b]);
        if a_program.bytes == b_program.bytes {
            continue;
        }
        if shown == SHOWN {
            further += 1;
            continue;
        }
        let sizes = [a_program, b_program].map(|program| Some(program.bytes.len() as u64));
        let mut inside = Difference::new(&names[0][a], "line program", sizes);
        one(files, &dwarves, [&a_program.program, &b_program.program], &mut inside)?;
        if inside.is_empty() {
            shifted.add(inside, [a_program.bytes, b_program.bytes], found)?;
        } else {
            shown += 1;
            found.inside.push(inside);
        }
    }
    for (side, alone) in [(Side::Left, &alone[0]), (Side::Right, &alone[1])] {
        for index in alone.iter().take(SHOWN) {
            let mut inside = Difference::new(&names[side as usize][*index], "line program", [None, None]);
            inside.facts.push(Fact::Only { side, elsewhere: None });
            found.inside.push(inside);
        }
        further += alone.len().saturating_sub(SHOWN);
    }
    shifted.tell(found);
    if further > 0 {
        found.facts.push(Fact::Unsearched { reason: format!("{further} further line programs differ") });
    }
    Ok(())
}

/// All programs of a section, one after the other.
fn list<'a>(cx: &Comparison<'_>, file: &Elf, loaded: &'a Loaded, side: Side) -> Result<Vec<Program<'a>>, Stop> {
    let bytes = loaded.section(".debug_line");
    let mut found = Vec::new();
    let mut at = 0;
    let too_much = |what, limit: usize| Stop::Unreadable(side, Fault::TooMuch { what, limit: limit as u64 });
    while at < bytes.len() {
        cx.check()?;
        // The length of a 64-bit program follows four bytes of 0xff (DWARF 5, 7.4).
        let word = |from: usize, count: usize| bytes.get(from..from + count).map(|it| file.encoding.number(it));
        let length = match word(at, 4) {
            Some(0xffff_ffff) => word(at + 4, 8).and_then(|length| length.checked_add(12)),
            length => length.and_then(|length| length.checked_add(4)),
        };
        let length = length.and_then(|length| usize::try_from(length).ok()).filter(|it| *it <= bytes.len() - at);
        let Some(length) = length else {
            return Err(Stop::Unreadable(side, Fault::malformed("a line program is cut off")));
        };
        if length > LARGEST {
            return Err(too_much("bytes in a line program", LARGEST));
        }
        let program = loaded.line_program(at, file.encoding.address() as u8).map_err(malformed(side))?;
        found.push(Program { bytes: &bytes[at..at + length], program });
        if found.len() > PROGRAMS {
            return Err(too_much("line programs", PROGRAMS));
        }
        at += length;
    }
    Ok(found)
}

fn string(dwarf: &Dwarf<'_>, value: gimli::AttributeValue<Bytes<'_>>) -> String {
    dwarf
        .attr_line_string(value)
        .map_or_else(|_| "a string that is not there".to_owned(), |bytes| super::super::names::text(bytes.slice()))
}

fn first_file(dwarf: &Dwarf<'_>, program: &LineProgram<'_>) -> String {
    let first = program.header().file_names().first();
    first.map_or_else(|| "program without files".to_owned(), |file| string(dwarf, file.path_name()))
}

fn one(
    files: [&Elf; 2],
    dwarves: &[Dwarf<'_>; 2],
    programs: [&LineProgram<'_>; 2],
    found: &mut Difference,
) -> Result<(), Stop> {
    let headers = programs.map(LineProgram::header);
    for (name, values) in [
        ("version", headers.map(|header| header.version().to_string())),
        ("minimum_instruction_length", headers.map(|it| it.minimum_instruction_length().to_string())),
        ("default_is_stmt", headers.map(|it| it.default_is_stmt().to_string())),
        ("line_base", headers.map(|it| it.line_base().to_string())),
        ("line_range", headers.map(|it| it.line_range().to_string())),
        ("opcode_base", headers.map(|it| it.opcode_base().to_string())),
    ] {
        if values[0] != values[1] {
            found.field(name, values.map(Some), About::Metadata);
        }
    }
    let directories = |side: usize| -> Vec<String> {
        headers[side].include_directories().iter().map(|value| string(&dwarves[side], *value)).collect()
    };
    let nothing = |_| String::new();
    found.facts.extend(lines::compare("directories", &directories(0), &directories(1), &nothing));
    let names = |side: usize| -> Vec<String> {
        let header = headers[side];
        let show = |file: &gimli::FileEntry<Bytes<'_>>| {
            let mut line =
                format!("{}, directory {}", string(&dwarves[side], file.path_name()), file.directory_index());
            if header.file_has_md5() {
                line += &format!(", MD5 {}", hex(file.md5()));
            }
            if header.version() < 5 || header.file_has_timestamp() {
                line += &format!(", time {}, size {}", file.timestamp(), file.size());
            }
            line
        };
        header.file_names().iter().map(show).collect()
    };
    found.facts.extend(lines::compare("files", &names(0), &names(1), &nothing));
    let (left, left_cut) = rows(files[0], &dwarves[0], programs[0]).map_err(malformed(Side::Left))?;
    let (right, right_cut) = rows(files[1], &dwarves[1], programs[1]).map_err(malformed(Side::Right))?;
    found.facts.extend(lines::compare("rows", &left, &right, &nothing));
    if left_cut || right_cut {
        found.facts.push(Fact::Unsearched { reason: format!("it has more than {ROWS} rows") });
    }
    Ok(())
}

/// The rows of a program, each with how far it is from the one before; and whether there are more.
fn rows(file: &Elf, dwarf: &Dwarf<'_>, program: &LineProgram<'_>) -> gimli::Result<(Vec<String>, bool)> {
    let mut found = Vec::new();
    let mut rows = program.clone().rows();
    let mut before: Option<u64> = None;
    while let Some((header, row)) = rows.next_row()? {
        if found.len() >= ROWS {
            return Ok((found, true));
        }
        if before.is_none() {
            let at = file.name_of(row.address()).unwrap_or_else(|| format!("{:#x}", row.address()));
            found.push(format!("sequence at {at}"));
        }
        let by = row.address().wrapping_sub(before.unwrap_or(row.address()));
        before = (!row.end_sequence()).then(|| row.address());
        if row.end_sequence() {
            found.push(format!("+{by} end"));
            continue;
        }
        let name = header.file(row.file_index()).map(|file| string(dwarf, file.path_name()));
        found.push(format!("+{by} {}{}", name.as_deref().unwrap_or("?"), place(row)));
    }
    Ok((found, false))
}

fn place(row: &LineRow) -> String {
    let mut out = format!(":{}", row.line().map_or(0, std::num::NonZero::get));
    if let ColumnType::Column(column) = row.column() {
        out += &format!(":{column}");
    }
    for (is, name) in [
        (!row.is_stmt(), "no statement"),
        (row.basic_block(), "basic block"),
        (row.prologue_end(), "prologue end"),
        (row.epilogue_begin(), "epilogue begin"),
    ] {
        if is {
            out += ", ";
            out += name;
        }
    }
    if row.discriminator() != 0 {
        out += &format!(", discriminator {}", row.discriminator());
    }
    out
}
