//! Sparse files: where their pieces belong.

use super::header::{BLOCK, Header, number};
use super::pax::{PIECES, Record, count, decimal};
use crate::container::fault::Fault;
use crate::container::listing::{Field, Rest, Value};
use crate::container::spool::Spool;
use crate::fs::Content;

/// Pieces that are told in a field; a longer map is a text of its own.
const SHORT: usize = 32;

/// A sparse file's map.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// Offset and length of each piece.
    pieces: Vec<(u64, u64)>,
    /// Size with holes.
    real: u64,
    /// Bytes that the map takes before the data.
    pub before: u64,
    /// Its format's name.
    format: &'static str,
    /// The map as it is written, where that is not the usual way.
    raw: Option<Content>,
}

fn wrong(what: impl std::fmt::Display, name: &str) -> Fault {
    Fault::malformed(format!("the sparse file `{name}` {what}"))
}

impl Map {
    /// The map of an entry of type `S`: in its header, and in the blocks from `at` on.
    pub fn old(header: &Header, content: &Content, at: u64, name: &str) -> Result<Self, Fault> {
        let (first, more, real) = header.sparse();
        let size = |field: &[u8]| number(field).flatten().and_then(|number| u64::try_from(number).ok());
        let mut map = Self {
            real: size(real).ok_or_else(|| wrong("states no size", name))?,
            format: "old GNU",
            ..Self::default()
        };
        let mut raw = first.to_vec();
        raw.push(more);
        let mut more = more;
        add(&mut map.pieces, first, name)?;
        while more != 0 && more != b'0' {
            let block = content.bytes_at(at + map.before, BLOCK)?;
            let Some(fields) = block.get(..504).filter(|_| block.len() == BLOCK) else {
                return Err(wrong("has a map that is cut off", name));
            };
            add(&mut map.pieces, fields, name)?;
            more = block[504];
            raw.extend_from_slice(&block);
            map.before += BLOCK as u64;
        }
        raw.extend_from_slice(real);
        if raw != map.as_old() {
            map.raw = Some(Content::of_bytes(raw));
        }
        Ok(map)
    }

    /// The map as GNU tar writes it: what [`Map::old`] collects.
    fn as_old(&self) -> Vec<u8> {
        let mut raw = Vec::new();
        let octal = |raw: &mut Vec<u8>, number: u64| raw.extend_from_slice(format!("{number:011o}\0").as_bytes());
        let (first, rest) = self.pieces.split_at(self.pieces.len().min(4));
        let put = |raw: &mut Vec<u8>, pieces: &[(u64, u64)], places: usize| {
            for (offset, length) in pieces {
                octal(raw, *offset);
                octal(raw, *length);
            }
            raw.resize(raw.len() + (places - pieces.len()) * 24, 0);
        };
        put(&mut raw, first, 4);
        let mut blocks = rest.chunks(21).peekable();
        raw.push(u8::from(blocks.peek().is_some()));
        while let Some(block) = blocks.next() {
            put(&mut raw, block, 21);
            raw.push(u8::from(blocks.peek().is_some()));
            raw.resize(raw.len() + 7, 0);
        }
        octal(&mut raw, self.real);
        raw
    }

    /// The map by pax records; in format 1.0 it stands before the data, in decimal lines, and fills whole blocks.
    pub fn pax(records: &[Record], stored: &Content, name: &str) -> Result<Option<Self>, Fault> {
        let mut flat = Vec::new();
        let (mut real, mut blocks, mut version) = (None, None, [None, None]);
        let mut usual = true;
        let mut used = false;
        for (key, value) in records {
            let Some(key) = key.strip_prefix(b"GNU.sparse.") else { continue };
            if key == b"name" {
                continue;
            }
            used = true;
            if key == b"map" {
                for text in value.split(|byte| *byte == b',') {
                    let (number, short) = count(text).ok_or_else(|| wrong("has a map without numbers", name))?;
                    usual &= short;
                    flat.push(number);
                }
                continue;
            }
            let (number, short) = count(value).ok_or_else(|| wrong("has a record that is no number", name))?;
            usual &= short;
            match key {
                b"size" | b"realsize" => real = Some(number),
                b"numblocks" => blocks = Some(number),
                b"major" => version[0] = Some(number),
                b"minor" => version[1] = Some(number),
                b"offset" if flat.len().is_multiple_of(2) => flat.push(number),
                b"numbytes" if !flat.len().is_multiple_of(2) => flat.push(number),
                _ => return Err(wrong(format!("has a record `{}` that fits nowhere", key.escape_ascii()), name)),
            }
        }
        if !used {
            return Ok(None);
        }
        let mut map = Self { real: real.ok_or_else(|| wrong("states no size", name))?, ..Self::default() };
        map.format = match version {
            [None | Some(0), _] => "GNU 0.0 or 0.1",
            [Some(1), Some(0)] => "GNU 1.0",
            _ => return Err(Fault::unsupported("that version of sparse files")),
        };
        if map.format == "GNU 1.0" {
            flat = map.lines(stored, name)?;
        }
        let pairs = flat.len() as u64 / 2;
        if !flat.len().is_multiple_of(2) || blocks.is_some_and(|blocks| blocks != pairs) || pairs > PIECES as u64 {
            return Err(wrong("has a map of another length than stated", name));
        }
        map.pieces = flat.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        if !usual {
            let lines = records.iter().filter(|(key, _)| key.starts_with(b"GNU.sparse."));
            let lines: Vec<u8> = lines.flat_map(|(key, value)| [key, &b"="[..], value, b"\n"].concat()).collect();
            map.raw = Some(Content::of_bytes(lines));
        }
        Ok(Some(map))
    }

    /// The decimal lines at the start of a file in format 1.0.
    fn lines(&mut self, stored: &Content, name: &str) -> Result<Vec<u64>, Fault> {
        let mut numbers: Vec<u64> = Vec::new();
        let mut wanted = 1;
        let mut line = Vec::new();
        let mut raw = Vec::new();
        let mut usual = true;
        while numbers.len() < wanted {
            let block = stored.bytes_at(self.before, BLOCK)?;
            if block.len() < BLOCK {
                return Err(wrong("has a map that is cut off", name));
            }
            self.before += BLOCK as u64;
            raw.extend_from_slice(&block);
            for (at, byte) in block.iter().enumerate() {
                if *byte != b'\n' {
                    line.push(*byte);
                    continue;
                }
                let number = decimal(&line).ok_or_else(|| wrong("has a map without numbers", name))?;
                usual &= number.to_string().len() == line.len();
                line.clear();
                if numbers.is_empty() {
                    let pieces = usize::try_from(number).ok().filter(|pieces| *pieces <= PIECES);
                    wanted = 1 + 2 * pieces.ok_or_else(|| wrong("has too many pieces", name))?;
                }
                numbers.push(number);
                if numbers.len() == wanted {
                    usual &= block[at + 1..].iter().all(|byte| *byte == 0);
                    break;
                }
            }
            if line.len() > BLOCK {
                return Err(wrong("has a map without numbers", name));
            }
        }
        if !usual {
            self.raw = Some(Content::of_bytes(raw));
        }
        numbers.remove(0);
        Ok(numbers)
    }

    /// The whole file, with zeros for holes. `stored` are its pieces, one after the other.
    pub fn expand(&self, stored: &Content, spool: &Spool<'_>, name: &str) -> Result<(Content, Option<Content>), Fault> {
        let (mut end, mut taken, mut holes) = (0, 0, 0);
        let mut pieces = Vec::with_capacity(2 * self.pieces.len() + 1);
        for (offset, length) in &self.pieces {
            let hole = offset.checked_sub(end).ok_or_else(|| wrong("has pieces out of order", name))?;
            let piece = stored.part(taken, *length).ok_or_else(|| wrong("has pieces that are not stored", name))?;
            pieces.extend([Content::zeros(hole), piece]);
            (taken, holes) = (taken + length, holes + hole);
            let after = offset.checked_add(*length).filter(|after| *after <= self.real);
            end = after.ok_or_else(|| wrong("has a piece behind its end", name))?;
        }
        pieces.push(Content::zeros(self.real - end));
        spool.take(holes + (self.real - end))?;
        let more = (taken < stored.size()).then(|| stored.from(taken));
        Ok((Content::concat(pieces), more))
    }

    /// What there is to tell of it.
    pub fn tell(&self, fields: &mut Vec<Field>, rest: &mut Vec<Rest>, name: &str) {
        fields.push(Field::metadata("sparse format", Value::Text(self.format.into())));
        let pieces = self.pieces.iter().map(|(offset, length)| format!("{offset}+{length}"));
        if self.pieces.len() <= SHORT {
            let text = pieces.collect::<Vec<_>>().join(" ");
            fields.push(Field::metadata("sparse map", Value::Text(text.into())));
        } else {
            let lines: String = pieces.map(|piece| piece + "\n").collect();
            rest.push(Rest { name: format!("sparse map of {name}"), bytes: Content::of_bytes(lines) });
        }
        if let Some(raw) = &self.raw {
            rest.push(Rest { name: format!("sparse map of {name} as it is written"), bytes: raw.clone() });
        }
    }
}

fn add(pieces: &mut Vec<(u64, u64)>, fields: &[u8], name: &str) -> Result<(), Fault> {
    for field in fields.as_chunks::<24>().0 {
        match [number(&field[..12]), number(&field[12..])] {
            [Some(None), Some(None)] => {}
            [Some(Some(offset)), Some(Some(length))] => match (u64::try_from(offset), u64::try_from(length)) {
                (Ok(offset), Ok(length)) => pieces.push((offset, length)),
                _ => return Err(wrong("has a map with numbers that are no offsets", name)),
            },
            _ => return Err(wrong("has a map without numbers", name)),
        }
    }
    if pieces.len() > PIECES { Err(wrong("has too many pieces", name)) } else { Ok(()) }
}
