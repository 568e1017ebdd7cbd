//! Where functions lie.

use imara_diff::{Algorithm, Diff, InternedInput};
use object::elf;

use super::super::pieces::{Piece, Pieces, cover, cut};
use super::super::read::{Elf, Section};
use super::super::sections::Pair;
use super::x86;

/// What a symbol of code may be.
const KINDS: [elf::SymbolType; 3] = [elf::STT_FUNC, elf::STT_NOTYPE, elf::STT_GNU_IFUNC];
/// Parts that code without any known function is cut into.
const PART: usize = 16 * 1024;

/// The functions of two sections, which belong together, and whether their names are their own.
pub(super) fn find(pair: Pair<'_>, code: [&[u8]; 2], x86: bool) -> ([Vec<Piece>; 2], Pieces, bool) {
    let Pair { files, index, sections } = pair;
    let named = [0, 1].map(|side| cut(files[side], index[side], sections[side], code[side].len(), &KINDS));
    if named.iter().all(|pieces| !pieces.is_empty()) {
        let pieces = Pieces::by_name([&named[0], &named[1]]);
        return (named, pieces, true);
    }
    let unnamed = [0, 1].map(|side| frames(files[side], sections[side], code[side].len()));
    if unnamed.iter().all(|pieces| !pieces.is_empty()) {
        let pieces = in_order([&unnamed[0], &unnamed[1]], code, pair, x86);
        return (unnamed, pieces, false);
    }
    let parts = code.map(|code| parts(code.len()));
    let parts = if code[0].len() == code[1].len() { parts } else { code.map(|code| one(code.len())) };
    let pieces = Pieces::by_name([&parts[0], &parts[1]]);
    (parts, pieces, true)
}

fn one(size: usize) -> Vec<Piece> {
    vec![Piece { name: "code".to_owned(), start: 0, end: size, between: false }]
}

/// Pieces of equal length; the last may be shorter.
fn parts(size: usize) -> Vec<Piece> {
    let part = |start: usize| Piece {
        name: format!("code from {start:#x}"),
        start,
        end: size.min(start + PART),
        between: false,
    };
    (0..size).step_by(PART).map(part).collect()
}

/// The functions that `.eh_frame` has entries for.
fn frames(file: &Elf, section: &Section, size: usize) -> Vec<Piece> {
    let all = file.frames();
    let end = section.address.saturating_add(size as u64);
    let from = all.partition_point(|(start, _)| *start < section.address);
    let to = all.partition_point(|(start, _)| *start < end);
    let here = all.get(from..to).unwrap_or_default();
    let names: Vec<String> = here.iter().map(|(start, _)| format!("function at {start:#x}")).collect();
    let offset = |address: u64| usize::try_from(address - section.address).unwrap_or(size).min(size);
    let named = here.iter().zip(&names).map(|((start, end), name)| (offset(*start), Some(offset(*end)), name.as_str()));
    cover(named.collect(), size)
}

/// Matches pieces without names: one by one if there are as many, otherwise by what they do, addresses left out.
fn in_order(sides: [&[Piece]; 2], code: [&[u8]; 2], pair: Pair<'_>, x86: bool) -> Pieces {
    let between = |side: &[Piece]| side.iter().map(|piece| piece.between).collect::<Vec<_>>();
    if between(sides[0]) == between(sides[1]) {
        return Pieces { both: (0..sides[0].len()).map(|index| [index, index]).collect(), alone: Default::default() };
    }
    let tokens = [0, 1].map(|side| {
        let plain = |piece: &Piece| piece.of(code[side]).to_vec();
        let bits = if pair.files[side].encoding.wide { 64 } else { 32 };
        let masked = |piece: &Piece| if x86 { x86::masked(piece.of(code[side]), bits) } else { plain(piece) };
        sides[side].iter().map(masked).collect::<Vec<_>>()
    });
    let mut input: InternedInput<&[u8]> = InternedInput::default();
    input.update_before(tokens[0].iter().map(Vec::as_slice));
    input.update_after(tokens[1].iter().map(Vec::as_slice));
    let diff = Diff::compute(Algorithm::Histogram, &input);
    let mut found = Pieces::default();
    let (mut a, mut b) = (0, 0);
    let end = (sides[0].len(), sides[1].len());
    let hunks = diff.hunks().map(|hunk| {
        let range = |range: std::ops::Range<u32>| range.start as usize..range.end as usize;
        (range(hunk.before), range(hunk.after))
    });
    for (before, after) in hunks.chain([(end.0..end.0, end.1..end.1)]) {
        while a < before.start && b < after.start {
            found.both.push([a, b]);
            (a, b) = (a + 1, b + 1);
        }
        // Within a change, what stands at the same place is most likely the same function in two versions.
        let wanted = |side: usize, range: std::ops::Range<usize>, between: bool| {
            range.filter(|index| sides[side][*index].between == between).collect::<Vec<_>>()
        };
        for kind in [false, true] {
            let (left, right) = (wanted(0, before.clone(), kind), wanted(1, after.clone(), kind));
            let common = left.len().min(right.len());
            found.both.extend(left.iter().zip(&right).map(|(a, b)| [*a, *b]));
            found.alone[0].extend(&left[common..]);
            found.alone[1].extend(&right[common..]);
        }
        (a, b) = (before.end, after.end);
    }
    found.both.sort_unstable();
    found.alone.iter_mut().for_each(|alone| alone.sort_unstable());
    found
}
