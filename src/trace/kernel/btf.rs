//! Where a kernel has the fields of its structures: the types that it was compiled with, as it offers them in
//! `/sys/kernel/btf/vmlinux` (the kernel's Documentation/bpf/btf.rst).

/// The types of a kernel.
pub(super) struct Types<'a> {
    /// All types, one after the other, beginning with number 1; number 0 is "void".
    types: &'a [u8],
    /// Where each [`STEP`]th of them begins: there are far more types than are asked for.
    marks: Vec<usize>,
    strings: &'a [u8],
}

/// Types between marks.
const STEP: usize = 64;

const INT: u32 = 1;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FUNCTION_PROTOTYPE: u32 = 13;
const VARIABLE: u32 = 14;
const DATA_SECTION: u32 = 15;
const DECLARATION_TAG: u32 = 17;
const ENUM64: u32 = 19;
/// Bytes before what a kind adds: name, info, size or type.
const COMMON: usize = 12;
/// Bytes of a member: name, type, offset.
const MEMBER: usize = 12;

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The first type of some, and the others.
fn split(types: &[u8]) -> Option<(&[u8], &[u8])> {
    let info = word(types, 4)?;
    let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
    let more = match kind {
        INT | VARIABLE | DECLARATION_TAG => 4,
        ARRAY => 12,
        STRUCT | UNION | DATA_SECTION | ENUM64 => count * MEMBER,
        ENUM | FUNCTION_PROTOTYPE => count * 8,
        _ => 0,
    };
    types.split_at_checked(COMMON + more)
}

fn each(mut types: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (one, rest) = split(types)?;
        types = rest;
        Some(one)
    })
}

impl<'a> Types<'a> {
    /// Reads the table of types. None: it is damaged, or of another format.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.get(..3) != Some(&[0x9f, 0xeb, 1]) {
            return None;
        }
        let header = word(bytes, 4)? as usize;
        let section = |offset: usize, length: usize| {
            let start = header.checked_add(word(bytes, offset)? as usize)?;
            bytes.get(start..start.checked_add(word(bytes, length)? as usize)?)
        };
        let (types, strings) = (section(8, 12)?, section(16, 20)?);
        let (mut rest, mut marks, mut number) = (types, Vec::new(), 0);
        while !rest.is_empty() {
            if number % STEP == 0 {
                marks.push(types.len() - rest.len());
            }
            (_, rest) = split(rest)?;
            number += 1;
        }
        Some(Self { types, marks, strings })
    }

    /// A type by its number.
    fn numbered(&self, number: u32) -> Option<&'a [u8]> {
        let number = (number as usize).checked_sub(1)?;
        each(&self.types[*self.marks.get(number / STEP)?..]).nth(number % STEP)
    }

    fn name(&self, offset: u32) -> &'a [u8] {
        let name = self.strings.get(offset as usize..).unwrap_or_default();
        name.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// Where a field begins, in bytes from the beginning of the structure; fields of nameless structures and unions in it
    /// count as its own.
    pub(super) fn offset(&self, structure: &str, field: &str) -> Option<u32> {
        let is = |one: &&[u8]| {
            let kind = word(one, 4).map(|info| info >> 24 & 0x1f);
            kind == Some(STRUCT) && word(one, 0).is_some_and(|name| self.name(name) == structure.as_bytes())
        };
        each(self.types).filter(is).find_map(|one| self.within(one, field, 0))
    }

    fn within(&self, one: &[u8], field: &str, depth: u32) -> Option<u32> {
        let info = word(one, 4)?;
        if !matches!(info >> 24 & 0x1f, STRUCT | UNION) || depth > 8 {
            return None;
        }
        // With this flag the offset's upper byte is the width of a bit field.
        let mask = if info >> 31 == 1 { 0xff_ffff } else { u32::MAX };
        one[COMMON..].chunks_exact(MEMBER).find_map(|member| {
            let (name, kind, bits) = (word(member, 0)?, word(member, 4)?, word(member, 8)? & mask);
            match self.name(name) {
                b"" => self.within(self.numbered(kind)?, field, depth + 1).map(|inner| inner + bits / 8),
                name => (name == field.as_bytes()).then_some(bits / 8),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with `struct outer { int a; union { struct { int b; int c; }; int d; }; }`.
    fn table() -> Vec<u8> {
        let strings = b"\0outer\0a\0b\0c\0d\0";
        let kind = |kind: u32, count: u32| kind << 24 | count;
        let types: Vec<u32> = [
            vec![0, kind(INT, 0), 4, 32],
            vec![0, kind(STRUCT, 2), 8, 9, 1, 0, 11, 1, 32],
            vec![0, kind(UNION, 2), 8, 0, 2, 0, 13, 1, 0],
            vec![1, kind(STRUCT, 2), 12, 7, 1, 0, 0, 3, 32],
        ]
        .concat();
        let types: Vec<u8> = types.into_iter().flat_map(u32::to_le_bytes).collect();
        let length = types.len() as u32;
        let header = [24, 0, length, length, strings.len() as u32].map(u32::to_le_bytes).concat();
        [&[0x9f, 0xeb, 1, 0][..], &header, &types, strings].concat()
    }

    #[test]
    fn fields_of_nameless_members_count() {
        let bytes = table();
        let types = Types::parse(&bytes).unwrap();
        let of = |field| types.offset("outer", field);
        assert_eq!([of("a"), of("b"), of("c"), of("d"), of("e")], [Some(0), Some(4), Some(8), Some(4), None]);
        assert_eq!(types.offset("inner", "a"), None);
        for cut in 0..bytes.len() {
            assert!(Types::parse(&bytes[..cut]).is_none());
        }
    }
}
