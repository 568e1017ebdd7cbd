//! Instructions of x86, by names instead of addresses.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use iced_x86::{
    ConstantOffsets, Decoder, DecoderOptions, Formatter, GasFormatter, Instruction, OpKind, Register, SymbolResolver,
    SymbolResult,
};
use object::elf;

use super::super::pieces::{Piece, Pieces, base};
use super::super::read::{Elf, Section};
use super::super::relocations;
use super::super::sections::Pair;
use crate::diff::bytes::hex;

/// Pairs of addresses that are remembered to be the same by name.
const KNOWN: usize = 1 << 20;

/// Reads the code of two sections.
pub(super) struct Reader<'a> {
    sides: [Side<'a>; 2],
    known: BTreeMap<[u64; 2], bool>,
    formatter: GasFormatter,
    /// Addresses of the instruction that is formatted, with what they are called.
    names: Rc<RefCell<Vec<(u64, String)>>>,
}

struct Side<'a> {
    file: &'a Elf,
    bits: u32,
    /// Address of the section's first byte.
    base: u64,
    /// Numbers within instructions may be addresses: the program is not position-independent.
    absolute: bool,
    /// Where the linker will put what, in files that are not linked.
    relocations: BTreeMap<u64, String>,
    index: u32,
    section: &'a Section,
    /// Names of functions that have none of their own: beginning, end, name.
    functions: Vec<(u64, u64, String)>,
}

impl Side<'_> {
    /// What the linker will put into an instruction.
    fn relocated(&self, instruction: &Instruction) -> impl Iterator<Item = &String> {
        let offset = instruction.ip().wrapping_sub(self.base);
        self.relocations.range(offset..offset.saturating_add(instruction.len() as u64)).map(|(_, text)| text)
    }

    /// What an address is called.
    fn name_of(&self, address: u64) -> Option<String> {
        let at = self.functions.partition_point(|(start, ..)| *start <= address);
        if let Some((start, end, name)) = at.checked_sub(1).and_then(|at| self.functions.get(at))
            && address < *end
        {
            let offset = address - start;
            return Some(if offset == 0 { name.clone() } else { format!("{name}+{offset:#x}") });
        }
        if self.file.is_relocatable() {
            // What needs no linker lies in the same section.
            return (address < self.section.size)
                .then(|| self.file.name_in(self.index, self.section, address, address));
        }
        self.file.name_of(address)
    }
}

struct Names(Rc<RefCell<Vec<(u64, String)>>>);

impl SymbolResolver for Names {
    fn symbol(&mut self, _: &Instruction, _: u32, _: Option<u32>, address: u64, _: u32) -> Option<SymbolResult<'_>> {
        let names = self.0.borrow();
        let (_, name) = names.iter().find(|(known, _)| *known == address)?;
        Some(SymbolResult::with_string(address, name.clone()))
    }
}

pub(super) fn bits(file: &Elf) -> Option<u32> {
    match elf::Machine(file.header.machine) {
        elf::EM_X86_64 => Some(64),
        elf::EM_386 => Some(32),
        _ => None,
    }
}

impl<'a> Reader<'a> {
    /// None if one side is of another machine.
    pub fn new(pair: Pair<'a>) -> Option<Self> {
        let [left, right] = [side(pair, 0)?, side(pair, 1)?];
        let names = Rc::new(RefCell::default());
        let mut formatter = GasFormatter::with_options(Some(Box::new(Names(Rc::clone(&names)))), None);
        let options = formatter.options_mut();
        options.set_uppercase_hex(false);
        options.set_space_after_operand_separator(true);
        Some(Self { sides: [left, right], known: BTreeMap::new(), formatter, names })
    }

    /// Calls functions without names the same on both sides, if they belong together.
    pub fn call(&mut self, sides: [&[Piece]; 2], pieces: &Pieces) {
        let mut names = sides.map(|side| side.iter().map(|piece| piece.name.clone()).collect::<Vec<_>>());
        for [a, b] in &pieces.both {
            names[1][*b] = names[0][*a].clone();
        }
        for (number, names) in names.into_iter().enumerate() {
            let side = &mut self.sides[number];
            let place = |(piece, name): (&Piece, String)| {
                (side.base.wrapping_add(piece.start as u64), side.base.wrapping_add(piece.end as u64), name)
            };
            side.functions = sides[number].iter().zip(names).filter(|(piece, _)| !piece.between).map(place).collect();
        }
    }

    /// Whether two functions differ in addresses only, and these lead to the same by name. If so, the first of these.
    pub fn only_moved(&mut self, pieces: [&Piece; 2], code: [&[u8]; 2]) -> Option<[u64; 2]> {
        if code[0].len() != code[1].len() || self.sides[0].bits != self.sides[1].bits {
            return None;
        }
        let starts = [0, 1].map(|side| self.sides[side].base.wrapping_add(pieces[side].start as u64));
        let mut left = decoder(self.sides[0].bits, code[0], starts[0]);
        let mut right = decoder(self.sides[1].bits, code[1], starts[1]);
        let (mut a, mut b) = (Instruction::default(), Instruction::default());
        let mut first = None;
        while left.can_decode() && right.can_decode() {
            let at = left.position();
            left.decode_out(&mut a);
            right.decode_out(&mut b);
            if a.len() != b.len() || a.code() != b.code() {
                return None;
            }
            let ranges = [0, 1].map(|side| &code[side][at..at + a.len()]);
            let addresses = [addresses(&self.sides[0], &a), addresses(&self.sides[1], &b)];
            if ranges[0] != ranges[1] {
                let offsets = [left.get_constant_offsets(&a), right.get_constant_offsets(&b)];
                let plain = addresses.iter().any(|list| list.iter().all(Option::is_none));
                if plain || !same_but_for_addresses(ranges, &offsets, &a) {
                    return None;
                }
            }
            for (a, b) in addresses[0].iter().zip(&addresses[1]) {
                let values = match (a, b) {
                    (None, None) => continue,
                    (Some(a), Some(b)) => [*a, *b],
                    _ => return None,
                };
                let inner = [0, 1].map(|side| values[side].wrapping_sub(starts[side]));
                let within = inner[0] == inner[1] && inner[0] <= code[0].len() as u64;
                if !within && !self.same(values) {
                    return None;
                }
                if values[0] != values[1] {
                    first.get_or_insert(values);
                }
            }
        }
        Some(first.unwrap_or(starts))
    }

    fn same(&mut self, values: [u64; 2]) -> bool {
        if let Some(known) = self.known.get(&values) {
            return *known;
        }
        let names = [0, 1].map(|side| self.sides[side].name_of(values[side]));
        let same = match &names {
            [Some(a), Some(b)] => a == b,
            [None, None] => values[0] == values[1],
            _ => false,
        };
        if self.known.len() < KNOWN {
            self.known.insert(values, same);
        }
        same
    }

    /// Both functions as lists of instructions.
    pub fn lines(&mut self, pieces: [&Piece; 2], code: [&[u8]; 2]) -> [Vec<String>; 2] {
        [self.list(0, pieces[0], code[0]), self.list(1, pieces[1], code[1])]
    }

    fn list(&mut self, side: usize, piece: &Piece, code: &[u8]) -> Vec<String> {
        let start = self.sides[side].base.wrapping_add(piece.start as u64);
        let bits = self.sides[side].bits;
        let labels = labels(&self.sides[side], code, start);
        let mut lines = Vec::new();
        let mut decoder = decoder(bits, code, start);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            let at = decoder.position();
            decoder.decode_out(&mut instruction);
            if let Some(label) = labels.get(&instruction.ip()) {
                lines.push(format!(".L{label}:"));
            }
            if instruction.is_invalid() {
                let end = decoder.position().max(at + 1).min(code.len());
                lines.push(format!("(bad) {}", hex(&code[at..end])));
                continue;
            }
            lines.push(self.line(side, &instruction, &labels));
        }
        lines
    }

    fn line(&mut self, side: usize, instruction: &Instruction, labels: &BTreeMap<u64, usize>) -> String {
        let here = &self.sides[side];
        let mut relocated = here.relocated(instruction);
        let relocation = relocated.next();
        let names = addresses(here, instruction).into_iter().flatten().filter_map(|address| {
            let name = match (relocation, labels.get(&address)) {
                // What the instruction holds until it is linked means nothing.
                (Some(_), _) => "0".to_owned(),
                (None, Some(label)) if is_branch(instruction) => format!(".L{label}"),
                _ => here.name_of(address)?,
            };
            Some((address, name))
        });
        *self.names.borrow_mut() = names.collect();
        let mut text = String::new();
        self.formatter.format(instruction, &mut text);
        for relocation in relocation.into_iter().chain(relocated) {
            text += "  # ";
            text += relocation;
        }
        text
    }
}

fn side<'a>(pair: Pair<'a>, number: usize) -> Option<Side<'a>> {
    let (file, index, section) = (pair.files[number], pair.index[number], pair.sections[number]);
    let bits = bits(file)?;
    let mut relocations = BTreeMap::new();
    let list = |other: &&Section| {
        (other.kind == elf::SHT_RELA.0 || other.kind == elf::SHT_REL.0) && usize::try_from(other.info) == Ok(index)
    };
    if let (true, Some(list)) = (file.is_relocatable(), file.sections.iter().find(list))
        && let Ok(bytes) = list.whole()
        && let Ok(entries) = relocations::read(file, list, &bytes)
        && let Ok(symbols) = file.symbols(list.link as usize)
    {
        relocations = entries.iter().map(|it| (it.offset, relocations::target(file, &symbols, it))).collect();
    }
    // Small numbers are no addresses, whatever lies there: shared objects begin at 0.
    let absolute = file.header.kind == elf::ET_EXEC.0 || (bits == 32 && !file.is_relocatable());
    Some(Side {
        file,
        bits,
        base: base(file, section),
        absolute,
        relocations,
        index: u32::try_from(index).ok()?,
        section,
        functions: Vec::new(),
    })
}

fn decoder(bits: u32, code: &[u8], start: u64) -> Decoder<'_> {
    Decoder::with_ip(bits, code, start, DecoderOptions::NONE)
}

fn is_branch(instruction: &Instruction) -> bool {
    matches!(instruction.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64)
}

/// The addresses that an instruction holds: what it jumps to, what it refers to, and a number that may be one.
fn addresses(side: &Side<'_>, instruction: &Instruction) -> [Option<u64>; 2] {
    let mut found = [None, None];
    if is_branch(instruction) {
        found[0] = Some(instruction.near_branch_target());
        return found;
    }
    for operand in 0..instruction.op_count() {
        match instruction.op_kind(operand) {
            OpKind::Memory if instruction.is_ip_rel_memory_operand() => {
                found[0] = Some(instruction.ip_rel_memory_address());
            }
            OpKind::Memory if side.absolute && instruction.memory_base() == Register::None => {
                found[0] = address(side, instruction.memory_displacement64());
            }
            OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64 if side.absolute => {
                found[1] = address(side, instruction.immediate(operand));
            }
            _ => {}
        }
    }
    found
}

fn address(side: &Side<'_>, value: u64) -> Option<u64> {
    side.file.section_at(value).map(|_| value)
}

/// Whether two encodings of one instruction are equal but for the fields that hold addresses.
fn same_but_for_addresses(code: [&[u8]; 2], offsets: &[ConstantOffsets; 2], instruction: &Instruction) -> bool {
    let mask = |side: usize| {
        let mut bytes = code[side].to_vec();
        let it = &offsets[side];
        let mut clear = |at: usize, size: usize| {
            // Smaller fields hold no address, but for short branches.
            if size >= 4 || is_branch(instruction) {
                bytes.iter_mut().skip(at).take(size).for_each(|byte| *byte = 0);
            }
        };
        if it.has_displacement() {
            clear(it.displacement_offset(), it.displacement_size());
        }
        if it.has_immediate() {
            clear(it.immediate_offset(), it.immediate_size());
        }
        bytes
    };
    let plain = |side: usize| {
        // What is no address of its own must be equal: the number of an instruction that refers to memory, too.
        let it = &offsets[side];
        let field = |has: bool, at: usize, size: usize| if has { code[side].get(at..at + size) } else { None };
        [
            field(it.has_displacement(), it.displacement_offset(), it.displacement_size()).map(<[u8]>::to_vec),
            field(it.has_immediate(), it.immediate_offset(), it.immediate_size()).map(<[u8]>::to_vec),
        ]
    };
    if mask(0) != mask(1) {
        return false;
    }
    if is_branch(instruction) {
        return true;
    }
    let (a, b) = (plain(0), plain(1));
    let referring = instruction.is_ip_rel_memory_operand();
    // Relative to the instruction, only the displacement is an address.
    !referring || a[1] == b[1]
}

/// Where branches within a function lead, numbered by their places.
fn labels(side: &Side<'_>, code: &[u8], start: u64) -> BTreeMap<u64, usize> {
    let mut begins = BTreeSet::new();
    let mut targets = BTreeSet::new();
    for instruction in &mut decoder(side.bits, code, start) {
        begins.insert(instruction.ip());
        // Where the linker has a say, the instruction itself says nothing yet.
        if is_branch(&instruction) && side.relocated(&instruction).next().is_none() {
            targets.insert(instruction.near_branch_target());
        }
    }
    targets.retain(|target| *target != start && begins.contains(target));
    targets.into_iter().enumerate().map(|(index, target)| (target, index + 1)).collect()
}

/// A function's code with all addresses left out.
pub(super) fn masked(code: &[u8], bits: u32) -> Vec<u8> {
    let mut out = code.to_vec();
    let mut decoder = decoder(bits, code, 0);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let at = decoder.position();
        decoder.decode_out(&mut instruction);
        let offsets = decoder.get_constant_offsets(&instruction);
        for (has, from, size) in [
            (offsets.has_displacement(), offsets.displacement_offset(), offsets.displacement_size()),
            (offsets.has_immediate(), offsets.immediate_offset(), offsets.immediate_size()),
        ] {
            if has && size >= 4 {
                out.iter_mut().skip(at + from).take(size).for_each(|byte| *byte = 0);
            }
        }
    }
    out
}

/// Whether code is nothing but what fills up the room before the next function: `nop` in its forms, `int3`, zeros.
pub(super) fn is_filling(code: &[u8]) -> bool {
    if code.iter().all(|byte| *byte == 0) {
        return true;
    }
    let filling = |instruction: Instruction| {
        matches!(instruction.mnemonic(), iced_x86::Mnemonic::Nop | iced_x86::Mnemonic::Int3 | iced_x86::Mnemonic::Fnop)
            || (instruction.mnemonic() == iced_x86::Mnemonic::Xchg
                && instruction.op0_register() == instruction.op1_register())
            || (instruction.mnemonic() == iced_x86::Mnemonic::Lea && instruction.memory_displacement64() == 0)
    };
    (&mut decoder(64, code, 0)).into_iter().all(filling)
}

/// Where the first indirect jump of a stub reads its target from.
pub(super) fn slot(bits: u32, code: &[u8], start: u64) -> Option<u64> {
    let mut decoder = decoder(bits, code, start);
    let jump = (&mut decoder).into_iter().take(3).find(|it| it.mnemonic() == iced_x86::Mnemonic::Jmp)?;
    match jump.op0_kind() {
        OpKind::Memory if jump.is_ip_rel_memory_operand() => Some(jump.ip_rel_memory_address()),
        OpKind::Memory if jump.memory_base() == Register::None => Some(jump.memory_displacement64()),
        _ => None,
    }
}
