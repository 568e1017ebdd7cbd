//! cpio: newc (magic 070701), newc with checksums (070702) and odc (070707).
//!
//! Sources: `cpio(5)` of libarchive; Linux `Documentation/driver-api/early-userspace/buffer-format.rst`. In newc, of
//! several hard links only the last carries the content: they are told as they are, each a file with its `ino` and
//! `nlink`. What follows the trailer and its zeros, another archive or a compressed one as in an initramfs, is an entry
//! of its own.

use super::fault::Fault;
use super::kind::detect;
use super::listing::{Data, Entry, Field, Listing, Rest, Value, What, text};
use super::spool::Spool;
use super::usual::{Usual, is_zero};
use crate::fs::Content;

const TYPE: u64 = 0o170_000;
/// Bound on a name, and on the target of a symbolic link.
const NAME: u64 = 64 * 1024;
const CHUNK: usize = 256 * 1024;
/// Names of fields and their widths, in the order of the header.
const NEWC: [(&str, usize); 13] = [
    ("ino", 8),
    ("mode", 8),
    ("uid", 8),
    ("gid", 8),
    ("nlink", 8),
    ("mtime", 8),
    ("filesize", 8),
    ("devmajor", 8),
    ("devminor", 8),
    ("rdevmajor", 8),
    ("rdevminor", 8),
    ("namesize", 8),
    ("check", 8),
];
const ODC: [(&str, usize); 10] = [
    ("dev", 6),
    ("ino", 6),
    ("mode", 6),
    ("uid", 6),
    ("gid", 6),
    ("nlink", 6),
    ("rdev", 6),
    ("mtime", 11),
    ("namesize", 6),
    ("filesize", 11),
];

struct Header {
    magic: &'static str,
    values: Vec<(&'static str, u64)>,
    /// How the digits are written: `a` or `A`; none when they have no letters.
    letters: Option<&'static str>,
    size: u64,
}

impl Header {
    fn read(content: &Content, at: u64) -> Result<Self, Fault> {
        let bytes = content.bytes_at(at, 110)?;
        let (magic, layout, radix): (_, &'static [_], _) = match bytes.get(..6) {
            Some(b"070701") => ("070701", &NEWC, 16),
            Some(b"070702") => ("070702", &NEWC, 16),
            Some(b"070707") => ("070707", &ODC, 8),
            Some(other) => {
                let reason = format!("the entry at byte {at} starts with `{}`", other.escape_ascii());
                return Err(Fault::malformed(reason));
            }
            None => return Err(Fault::malformed("it is cut off: the entry `TRAILER!!!` is missing")),
        };
        let mut rest = &bytes[6..];
        let mut values = Vec::with_capacity(layout.len());
        let mut letters = None;
        for (name, width) in layout {
            let Some((digits, after)) = rest.split_at_checked(*width) else {
                return Err(Fault::malformed(format!("the header at byte {at} is cut off")));
            };
            // `from_str_radix` would take a sign.
            let digits = std::str::from_utf8(digits).ok().filter(|text| text.chars().all(|c| c.is_digit(radix)));
            let number = digits.and_then(|digits| u64::from_str_radix(digits, radix).ok());
            let (Some(digits), Some(number)) = (digits, number) else {
                return Err(Fault::malformed(format!("{name} of the header at byte {at} is no number")));
            };
            let has = |test: fn(&u8) -> bool| digits.as_bytes().iter().any(test);
            letters = match (letters, has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase)) {
                (letters, false, false) => letters,
                (None | Some("lower case"), true, false) => Some("lower case"),
                (None | Some("upper case"), false, true) => Some("upper case"),
                _ => Some("both cases"),
            };
            values.push((*name, number));
            rest = after;
        }
        let size = (bytes.len() - rest.len()) as u64;
        Ok(Self { magic, values, letters, size })
    }

    fn get(&self, name: &str) -> u64 {
        self.values.iter().find(|(other, _)| *other == name).map_or(0, |(_, value)| *value)
    }

    /// Bytes that fill up to what the format aligns to.
    fn padding(&self, end: u64) -> u64 {
        if self.magic == "070707" { 0 } else { end.wrapping_neg() % 4 }
    }

    /// Major and minor number of a special file.
    fn rdev(&self) -> String {
        if self.magic == "070707" {
            self.get("rdev").to_string()
        } else {
            format!("{}:{}", self.get("rdevmajor"), self.get("rdevminor"))
        }
    }
}

struct Reader<'a> {
    content: &'a Content,
    spool: &'a Spool<'a>,
    at: u64,
    listing: Listing,
    usual: Usual,
    letters: Option<&'static str>,
}

/// Lists an archive.
pub(super) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let listing = Listing { ordered: true, ..Listing::default() };
    let mut reader = Reader { content, spool, at: 0, listing, usual: Usual::default(), letters: None };
    while reader.entry()? {
        spool.check()?;
    }
    reader.after()?;
    let mut listing = reader.listing;
    if let Some(letters) = reader.letters {
        listing.fields.push(Field::metadata("hexadecimal digits", Value::Text(letters.into())));
    }
    listing.usual = reader.usual.finish();
    Ok(listing)
}

impl Reader<'_> {
    /// Bytes at the reader's place.
    fn take(&mut self, size: u64, what: &str) -> Result<Content, Fault> {
        let cut = || Fault::malformed(format!("{what}, at byte {}, is cut off", self.at));
        let part = self.content.part(self.at, size).ok_or_else(cut)?;
        self.at += size;
        Ok(part)
    }

    fn padding(&mut self, header: &Header, name: &'static str, fields: &mut Vec<Field>) -> Result<(), Fault> {
        let padding = self.take(header.padding(self.at), "padding")?.bytes()?;
        if !is_zero(&padding) {
            fields.push(Field::metadata(name, Value::Bytes(padding.into())));
        }
        Ok(())
    }

    /// Reads an entry; says whether it was not the trailer.
    fn entry(&mut self) -> Result<bool, Fault> {
        let at = self.at;
        let header = Header::read(self.content, at)?;
        self.at += header.size;
        let mut fields = Vec::new();
        let namesize = header.get("namesize");
        if namesize > NAME {
            return Err(Fault::malformed(format!("the entry at byte {at} has a name of {namesize} bytes")));
        }
        let raw = self.take(namesize, "a name")?.bytes()?;
        let end = raw.iter().position(|byte| *byte == 0);
        let (raw, after) = raw.split_at(end.unwrap_or(raw.len()));
        if after != b"\0" {
            fields.push(Field::metadata("after the name", Value::Bytes(after.into())));
        }
        self.padding(&header, "padding of the name", &mut fields)?;
        let trailer = raw == b"TRAILER!!!";
        let shown = text(raw);
        let data = self.take(header.get("filesize"), &format!("`{shown}`"))?;
        self.padding(&header, "padding", &mut fields)?;
        self.sum(&header, &data, &shown, at)?;
        if trailer {
            self.trailer(&header, fields, &data);
            return Ok(false);
        }
        let name = self.usual.name(&mut fields, raw, false);
        let magic = self.usual.text(header.magic);
        self.usual.tell(&mut fields, "magic", magic);
        let mode = header.get("mode");
        let kind = mode & TYPE;
        let what = match kind {
            0o100_000 => What::File(Data::Plain(data.clone())),
            0o120_000 => {
                if data.size() > NAME {
                    return Err(Fault::malformed(format!("the target of `{shown}` has {} bytes", data.size())));
                }
                let target = data.bytes()?;
                if std::str::from_utf8(&target).is_err() {
                    fields.push(Field::content("target", Value::Bytes(target.clone().into())));
                }
                What::Symlink { target: text(&target) }
            }
            0o040_000 => What::Directory,
            0o020_000 => What::Special { kind: format!("character device {}", header.rdev()) },
            0o060_000 => What::Special { kind: format!("block device {}", header.rdev()) },
            0o010_000 => What::Special { kind: "fifo".to_owned() },
            0o140_000 => What::Special { kind: "socket".to_owned() },
            other => What::Special { kind: format!("type {other:o}") },
        };
        let device = matches!(kind, 0o020_000 | 0o060_000);
        if !matches!(what, What::File(_) | What::Symlink { .. }) && data.size() > 0 {
            self.listing.rest.push(Rest { name: format!("data of {name}"), bytes: data });
        }
        for (field, value) in &header.values {
            let value = match *field {
                "mode" => Value::Mode((mode & !TYPE) as u32),
                "mtime" => Value::Time(*value as i64, 0),
                "filesize" | "namesize" => continue,
                "check" if header.magic == "070702" && kind == 0o100_000 => continue,
                "rdev" | "rdevmajor" | "rdevminor" if device => continue,
                _ => Value::Number(*value),
            };
            self.usual.tell(&mut fields, field, value);
        }
        match (self.letters, header.letters) {
            (None, letters) => self.letters = letters,
            (Some(usual), Some(letters)) if usual != letters => {
                fields.push(Field::metadata("hexadecimal digits", Value::Text(letters.into())));
            }
            _ => {}
        }
        if header.letters == Some("both cases") {
            let digits = self.content.bytes_at(at, 110)?;
            fields.push(Field::metadata("header", Value::Text(text(&digits).into())));
        }
        self.usual.add(&mut self.listing, Entry { name, what, fields })?;
        Ok(true)
    }

    /// Holds the sum of all bytes against the one that is stated.
    fn sum(&self, header: &Header, data: &Content, name: &str, at: u64) -> Result<(), Fault> {
        // Only files have one.
        if header.magic != "070702" || header.get("mode") & TYPE != 0o100_000 {
            return Ok(());
        }
        let (mut sum, mut place) = (0_u32, 0);
        while place < data.size() {
            self.spool.check()?;
            let bytes = data.bytes_at(place, CHUNK)?;
            sum = bytes.iter().fold(sum, |sum, byte| sum.wrapping_add(u32::from(*byte)));
            place += bytes.len() as u64;
        }
        if u64::from(sum) == header.get("check") {
            return Ok(());
        }
        Err(Fault::malformed(format!("the checksum of `{name}`, at byte {at}, is wrong")))
    }

    fn trailer(&mut self, header: &Header, fields: Vec<Field>, data: &Content) {
        let usual = |name: &str| match name {
            "nlink" => 1,
            "namesize" => 11,
            _ => 0,
        };
        let parts = header.values.iter().filter(|(name, value)| *value != usual(name));
        let mut parts: Vec<String> = parts.map(|(name, value)| format!("{name} {value}")).collect();
        if self.listing.entries.is_empty() || self.magic_differs(header.magic) {
            parts.push(format!("magic {}", header.magic));
        }
        if !parts.is_empty() {
            self.listing.fields.push(Field::metadata("trailer", Value::Text(parts.join(", ").into())));
        }
        self.listing.fields.extend(fields);
        match (self.letters, header.letters) {
            (None, letters) => self.letters = letters,
            (usual, letters) if usual != letters => {
                let letters = letters.unwrap_or("none").into();
                self.listing.fields.push(Field::metadata("hexadecimal digits of the trailer", Value::Text(letters)));
            }
            _ => {}
        }
        if data.size() > 0 {
            self.listing.rest.push(Rest { name: "data of the trailer".to_owned(), bytes: data.clone() });
        }
    }

    fn magic_differs(&self, magic: &str) -> bool {
        let first = self.usual.get("magic");
        first.is_none_or(|first| *first != Value::Text(magic.into()))
    }

    /// What follows the trailer: zeros, and perhaps another archive.
    fn after(&mut self) -> Result<(), Fault> {
        let start = self.at;
        loop {
            self.spool.check()?;
            let bytes = self.content.bytes_at(self.at, CHUNK)?;
            let count = bytes.iter().take_while(|byte| **byte == 0).count();
            self.at += count as u64;
            if count == 0 || count < bytes.len() {
                break;
            }
        }
        let filled = self.at == self.content.size() && self.at.is_multiple_of(512) && self.at - start < 512;
        let zeros =
            if filled { Value::Text("as many as fill 512 bytes".into()) } else { Value::Number(self.at - start) };
        self.listing.fields.push(Field::metadata("zeros after the trailer", zeros));
        let next = self.content.from(self.at);
        if next.size() == 0 {
            return Ok(());
        }
        if detect(&next)?.is_some() {
            let name = "what follows its trailer".to_owned();
            let entry = Entry { name, what: What::File(Data::Plain(next)), fields: Vec::new() };
            self.usual.add(&mut self.listing, entry)?;
        } else {
            self.listing.rest.push(Rest { name: "what follows the trailer".to_owned(), bytes: next });
        }
        Ok(())
    }
}
