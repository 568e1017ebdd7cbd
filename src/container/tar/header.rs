//! One header block: its fields, and how they are written.

use crate::container::listing::{Field, Value};
use crate::container::usual::{Usual, is_zero};

pub(super) const BLOCK: usize = 512;
/// Where a header has its checksum.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Which fields follow the first 257 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// A header whose checksum is right.
#[derive(Debug, Clone)]
pub(super) struct Header {
    block: Box<[u8; BLOCK]>,
    pub format: Format,
    /// Whether the checksum is a sum of signed characters, as old tars made it.
    signed: bool,
}

/// Whether a block is a header whose checksum is right.
pub(in crate::container) fn is_header(block: &[u8]) -> bool {
    Header::new(block).is_some()
}

impl Header {
    pub fn new(block: &[u8]) -> Option<Self> {
        let block: Box<[u8; BLOCK]> = Box::new(block.get(..BLOCK)?.try_into().ok()?);
        let stated = number(&block[CHECKSUM])??;
        let sum = |value: fn(u8) -> i128| {
            let bytes = block.iter().enumerate();
            bytes.map(|(at, byte)| if CHECKSUM.contains(&at) { 32 } else { value(*byte) }).sum::<i128>()
        };
        let unsigned = stated == sum(i128::from);
        let signed = !unsigned && stated == sum(|byte| i128::from(byte as i8));
        if !unsigned && !signed {
            return None;
        }
        let format = match &block[257..265] {
            b"ustar  \0" => Format::Gnu,
            _ if &block[257..262] != b"ustar" => Format::V7,
            _ if &block[508..512] == b"tar\0" => Format::Star,
            _ => Format::Ustar,
        };
        Some(Self { block, format, signed })
    }

    pub fn flag(&self) -> u8 {
        self.block[156]
    }

    pub fn name(&self) -> &[u8] {
        until_nul(&self.block[..100])
    }

    pub fn link(&self) -> &[u8] {
        until_nul(&self.block[157..257])
    }

    pub fn prefix(&self) -> &[u8] {
        match self.format {
            Format::V7 | Format::Gnu => b"",
            Format::Ustar => until_nul(&self.block[345..500]),
            Format::Star => until_nul(&self.block[345..476]),
        }
    }

    /// The name with its prefix.
    pub fn path(&self) -> Vec<u8> {
        let prefix = self.prefix();
        let slash: &[u8] = if prefix.is_empty() { b"" } else { b"/" };
        [prefix, slash, self.name()].concat()
    }

    /// The size; none if it is no number that could be one.
    pub fn size(&self) -> Option<u64> {
        match number(&self.block[124..136])? {
            None => Some(0),
            Some(size) => u64::try_from(size).ok(),
        }
    }

    /// The number in `field`, if there is one.
    pub fn mtime(&self) -> Value {
        time(&self.block[136..148])
    }

    /// Major and minor number of a device.
    pub fn device(&self) -> [Value; 2] {
        match self.format {
            Format::V7 => [Value::Number(0), Value::Number(0)],
            _ => [value(&self.block[329..337]), value(&self.block[337..345])],
        }
    }

    /// The old GNU format's map, its flag for more, and the size with holes.
    pub fn sparse(&self) -> (&[u8], u8, &[u8]) {
        (&self.block[386..482], self.block[482], &self.block[483..495])
    }

    /// All other fields: first those that each header has, then those that say something unusual.
    pub fn fields(&self, texts: &mut Usual) -> (Vec<(&'static str, Value)>, Vec<Field>) {
        let block = &self.block;
        let old = self.format == Format::V7;
        let magic = match (self.format, &block[257..265]) {
            (Format::Gnu, _) => "gnu".to_owned(),
            (Format::V7, _) => "v7".to_owned(),
            (Format::Star, b"ustar\x0000") => "star".to_owned(),
            (Format::Ustar, b"ustar\x0000") => "ustar".to_owned(),
            (_, other) => format!("magic {}", other.escape_ascii()),
        };
        let mode = match number(&block[100..108]) {
            Some(Some(mode)) if u32::try_from(mode).is_ok() => Value::Mode(mode as u32),
            _ => value(&block[100..108]),
        };
        let (user, group) = if old { (&[][..], &[][..]) } else { (&block[265..297], &block[297..329]) };
        let all = vec![
            ("format", texts.text(&magic)),
            ("mode", mode),
            ("uid", value(&block[108..116])),
            ("gid", value(&block[116..124])),
            ("uname", texts.words(until_nul(user))),
            ("gname", texts.words(until_nul(group))),
            ("number style", texts.text(&self.style())),
        ];
        (all, self.unusual())
    }

    fn unusual(&self) -> Vec<Field> {
        let block = &self.block;
        let mut fields = Vec::new();
        let mut bytes = |name: &'static str, bytes: &[u8]| {
            if !is_zero(bytes) {
                fields.push(Field::metadata(name, Value::Bytes(bytes.into())));
            }
        };
        let mut texts = vec![("after the name", 0..100), ("after the linkname", 157..257)];
        if self.format != Format::V7 {
            texts.extend([("after the uname", 265..297), ("after the gname", 297..329)]);
        }
        match self.format {
            Format::Ustar => texts.push(("after the prefix", 345..500)),
            Format::Star => texts.push(("after the prefix", 345..476)),
            Format::V7 | Format::Gnu => {}
        }
        for (name, range) in texts {
            let text = &block[range];
            bytes(name, &text[until_nul(text).len()..]);
        }
        match self.format {
            Format::V7 => bytes("header padding", &block[257..]),
            Format::Ustar => bytes("header padding", &block[500..]),
            Format::Star => bytes("header padding", &block[500..508]),
            Format::Gnu => {
                bytes("longnames", &block[381..385]);
                bytes("header byte 385", &block[385..386]);
                if self.flag() != b'S' {
                    bytes("sparse", &block[386..495]);
                }
                bytes("header padding", &block[495..]);
            }
        }
        let times: &[(&'static str, std::ops::Range<usize>)] = match self.format {
            Format::Gnu => &[("atime", 345..357), ("ctime", 357..369), ("offset", 369..381)],
            Format::Star => &[("atime", 476..488), ("ctime", 488..500)],
            _ => &[],
        };
        for (name, range) in times {
            let field = &block[range.clone()];
            if !is_zero(field) {
                let value = if *name == "offset" { value(field) } else { time(field) };
                fields.push(Field::metadata(*name, value));
            }
        }
        if self.signed {
            fields.push(Field::metadata("checksum", Value::Text("of signed characters".into())));
        }
        fields
    }

    /// How the numbers are written, each digit as `0`, where it is not as GNU tar writes them: digits that fill the field
    /// but for a NUL at its end.
    fn style(&self) -> String {
        let mut fields = vec![
            ("mode", 100..108),
            ("uid", 108..116),
            ("gid", 116..124),
            ("size", 124..136),
            ("mtime", 136..148),
            ("chksum", CHECKSUM),
        ];
        if self.format != Format::V7 {
            fields.extend([("devmajor", 329..337), ("devminor", 337..345)]);
        }
        match self.format {
            Format::Gnu => fields.extend([("atime", 345..357), ("ctime", 357..369), ("offset", 369..381)]),
            Format::Star => fields.extend([("atime", 476..488), ("ctime", 488..500)]),
            _ => {}
        }
        let mut out = String::new();
        for (name, range) in fields {
            let raw = &self.block[range];
            let optional = matches!(name, "atime" | "ctime" | "offset");
            if is_usual(raw, name == "chksum") || (optional && is_zero(raw)) {
                continue;
            }
            if !out.is_empty() {
                out.push_str(", ");
            }
            out.push_str(name);
            out.push(' ');
            out.push_str(&pattern(raw));
        }
        if out.is_empty() { "usual".to_owned() } else { out }
    }
}

fn is_usual(raw: &[u8], checksum: bool) -> bool {
    let tail: &[u8] = if checksum { b"\0 " } else { b"\0" };
    let Some(digits) = raw.strip_suffix(tail) else { return false };
    digits.iter().all(|byte| (b'0'..=b'7').contains(byte))
}

fn pattern(raw: &[u8]) -> String {
    if is_zero(raw) {
        return "empty".to_owned();
    }
    if raw[0] & 0x80 != 0 {
        return "base 256".to_owned();
    }
    let digits: Vec<u8> = raw.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }).collect();
    format!("`{}`", digits.escape_ascii())
}

pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number in octal, or in base 256 when the first bit is set (GNU). An inner none: the field is empty; an outer one: it
/// is no number.
pub(super) fn number(field: &[u8]) -> Option<Option<i128>> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        // The bit after the mark is the sign, in two's complement.
        let start = if first & 0x40 == 0 { i128::from(first & 0x7f) } else { i128::from(first as i8) };
        return Some(Some(field[1..].iter().fold(start, |sum, byte| sum << 8 | i128::from(*byte))));
    }
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let digits = field[start..].split(|byte| matches!(byte, 0 | b' ')).next().unwrap_or_default();
    let rest = &field[start + digits.len()..];
    if !digits.iter().all(|byte| (b'0'..=b'7').contains(byte)) || !rest.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return None;
    }
    let value = digits.iter().fold(0, |sum, digit| sum << 3 | i128::from(digit - b'0'));
    Some((!digits.is_empty()).then_some(value))
}

/// The value of a numeric field; an empty one is 0, as its style says already that it is empty.
pub(super) fn value(field: &[u8]) -> Value {
    match number(field) {
        Some(None) => Value::Number(0),
        Some(Some(number)) => {
            u64::try_from(number).map_or_else(|_| Value::Text(number.to_string().into()), Value::Number)
        }
        None => Value::Bytes(field.into()),
    }
}

fn time(field: &[u8]) -> Value {
    match number(field) {
        Some(seconds) => {
            let seconds = seconds.unwrap_or(0);
            i64::try_from(seconds).map_or_else(|_| Value::Text(seconds.to_string().into()), |at| Value::Time(at, 0))
        }
        None => Value::Bytes(field.into()),
    }
}
