//! Functions, one against the other.

use super::super::pieces::{Addresses, More, Piece, SHOWN, is_filling};
use super::super::read::{Elf, Section, whole};
use super::super::sections::Pair;
use super::{functions, x86};
use crate::container::About;
use crate::diff::compare::{Stop, of};
use crate::diff::model::{Difference, Side};
use crate::diff::{bytes, lines};
use crate::fs::Content;

/// Functions that are larger are compared as bytes.
const LARGEST: usize = 1 << 20;

/// Compares two sections of code.
pub(in crate::diff::elf) fn compare(
    pair: Pair<'_>,
    contents: [&Content; 2],
    found: &mut Difference,
) -> Result<(), Stop> {
    let [left, right] = [whole(contents[0]).map_err(of(Side::Left))?, whole(contents[1]).map_err(of(Side::Right))?];
    let code = [left.as_slice(), right.as_slice()];
    let mut x86 = x86::Reader::new(pair);
    let (sides, pieces, named) = functions::find(pair, code, x86.is_some());
    if let (false, Some(x86)) = (named, &mut x86) {
        x86.call([&sides[0], &sides[1]], &pieces);
    }
    let mut view = View { code, x86, moved: Addresses::default(), more: More::default(), shown: 0 };
    for [a, b] in &pieces.both {
        view.function([&sides[0][*a], &sides[1][*b]], found)?;
    }
    pieces.tell("function", [&sides[0], &sides[1]], found);
    view.more.tell("function", found);
    view.moved.tell(found);
    Ok(())
}

struct View<'a> {
    code: [&'a [u8]; 2],
    x86: Option<x86::Reader<'a>>,
    moved: Addresses,
    more: More,
    shown: usize,
}

impl View<'_> {
    fn function(&mut self, pieces: [&Piece; 2], found: &mut Difference) -> Result<(), Stop> {
        let code = [pieces[0].of(self.code[0]), pieces[1].of(self.code[1])];
        let name = &pieces[0].name;
        if code[0] == code[1] || is_filling(pieces[0], code) {
            return Ok(());
        }
        if let Some(x86) = &mut self.x86 {
            // How much is filled up follows from the size of what comes before.
            if pieces[0].between
                && code[0].len() != code[1].len()
                && x86::is_filling(code[0])
                && x86::is_filling(code[1])
            {
                return Ok(());
            }
            if let Some(values) = x86.only_moved(pieces, code) {
                self.moved.add(name, values);
                return Ok(());
            }
        }
        self.shown += 1;
        if self.shown > SHOWN {
            self.more.add(name);
            return Ok(());
        }
        let mut inside = Difference::new(name, "function", code.map(|code| Some(code.len() as u64)));
        if let Some(x86) = &mut self.x86
            && code.iter().all(|code| code.len() <= LARGEST)
        {
            let [left, right] = x86.lines(pieces, code);
            inside.facts.extend(lines::compare("instructions", &left, &right, &|_| String::new()));
        }
        if inside.facts.is_empty() {
            // The same instructions in another encoding, or none that can be read.
            let part = |side: usize| Content::of_bytes(code[side]);
            inside.facts.extend(bytes::compare([&part(0), &part(1)], About::Content)?);
        }
        found.inside.push(inside);
        Ok(())
    }
}

/// The stubs of a procedure linkage table: where each begins, and where the address that it jumps to is kept.
pub(in crate::diff::elf) fn stubs(file: &Elf, section: &Section) -> Vec<(u64, u64)> {
    let (Some(bits), Ok(bytes)) = (x86::bits(file), section.whole()) else { return Vec::new() };
    let size = if section.entsize == 8 { 8 } else { 16 };
    let stub = |(index, code): (usize, &[u8])| {
        let start = section.address.wrapping_add((index * size) as u64);
        Some((start, x86::slot(bits, code, start)?))
    };
    bytes.chunks(size).enumerate().filter_map(stub).collect()
}
