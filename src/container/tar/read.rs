//! The archive: entry by entry, with what stands before, between and behind them.

use std::collections::BTreeMap;

use super::header::{BLOCK, Format, Header};
use super::map::Map;
use super::pax::{self, Record};
use crate::container::fault::Fault;
use crate::container::listing::{Data, Entry, Field, Listing, Rest, Value, What, text};
use crate::container::spool::Spool;
use crate::container::usual::{Usual, is_zero, named};
use crate::fs::Content;

/// Bound on one extended header.
const EXTENSION: u64 = 1 << 20;
/// What tar fills with zeros at the end: 20 blocks.
const RECORD: u64 = 20 * BLOCK as u64;
const CHUNK: usize = 256 * 1024;

/// Lists an archive.
pub(in crate::container) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let listing = Listing { ordered: true, ..Listing::default() };
    let mut reader =
        Reader { content, spool, at: 0, listing, usual: Usual::default(), ahead: Ahead::default(), next: None };
    reader.all()?;
    let mut listing = reader.listing;
    listing.usual = reader.usual.finish();
    Ok(listing)
}

/// What stands before an entry and is about it.
#[derive(Default)]
struct Ahead {
    /// The types of its extended headers.
    types: String,
    fields: Vec<Field>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    /// The header of the pax header itself, and its records.
    pax: Option<(Header, Vec<Record>)>,
}

struct Reader<'a> {
    content: &'a Content,
    spool: &'a Spool<'a>,
    at: u64,
    listing: Listing,
    usual: Usual,
    ahead: Ahead,
    /// The block at `at`, where that was just read.
    next: Option<Vec<u8>>,
}

impl Reader<'_> {
    fn all(&mut self) -> Result<(), Fault> {
        let mut zeros = self.zeros()?;
        while self.at < self.content.size() {
            self.spool.check()?;
            let block = match self.next.take() {
                Some(block) => block,
                None => self.content.bytes_at(self.at, BLOCK)?,
            };
            let Some(header) = Header::new(&block) else {
                if zeros == 0 && block.len() == BLOCK {
                    let name = text(super::header::until_nul(&block[..100]));
                    let reason = format!("the checksum of the header of `{name}`, at byte {}, is wrong", self.at);
                    return Err(Fault::malformed(reason));
                }
                let bytes = self.content.from(self.at);
                self.listing.rest.push(Rest { name: "what follows the end".to_owned(), bytes });
                break;
            };
            if zeros > 0 {
                self.ahead.fields.push(Field::metadata("zero blocks before it", Value::Number(zeros)));
            }
            self.at += BLOCK as u64;
            let extension = matches!(header.flag(), b'L' | b'K' | b'x' | b'X' | b'g');
            if extension {
                self.extension(header)?
            } else {
                self.entry(&header)?
            }
            zeros = self.zeros()?;
        }
        if !self.ahead.types.is_empty() {
            return Err(Fault::malformed("its last extended header is followed by no entry"));
        }
        let filled = (2..=21).contains(&zeros) && self.at.is_multiple_of(RECORD);
        let end = if filled { Value::Text("as many as fill 10240 bytes".into()) } else { Value::Number(zeros) };
        self.listing.fields.push(Field::metadata("zero blocks at the end", end));
        Ok(())
    }

    /// Passes blocks of zeros over.
    fn zeros(&mut self) -> Result<u64, Fault> {
        let start = self.at;
        let mut length = BLOCK;
        loop {
            self.spool.check()?;
            let bytes = self.content.bytes_at(self.at, length)?;
            let whole = bytes.as_chunks::<BLOCK>().0;
            let count = whole.iter().take_while(|block| is_zero(*block)).count();
            self.at += (count * BLOCK) as u64;
            if count * BLOCK < length {
                self.next = (count == 0).then_some(bytes).filter(|bytes| bytes.len() == BLOCK);
                return Ok((self.at - start) / BLOCK as u64);
            }
            // Usually there are none.
            length = CHUNK;
        }
    }

    /// Takes `size` bytes and what fills their last block.
    fn take(&mut self, size: u64, what: &str) -> Result<Content, Fault> {
        let cut = || Fault::malformed(format!("{what}, at byte {}, is cut off", self.at));
        let data = self.content.part(self.at, size).ok_or_else(cut)?;
        self.at += size;
        // The last block of an archive may lack its padding.
        let padding = self.content.bytes_at(self.at, (size.wrapping_neg() % BLOCK as u64) as usize)?;
        self.at += padding.len() as u64;
        if (padding.len() as u64) < size.wrapping_neg() % BLOCK as u64 {
            let cut = Value::Number(padding.len() as u64);
            self.listing.fields.push(Field::metadata("length of the cut off padding at the end", cut));
        }
        if !is_zero(&padding) {
            let name = format!("padding after {what}");
            self.listing.rest.push(Rest { name, bytes: Content::of_bytes(padding) });
        }
        Ok(data)
    }

    fn extension(&mut self, header: Header) -> Result<(), Fault> {
        let flag = header.flag();
        let at = self.at - BLOCK as u64;
        let size = header.size().filter(|size| *size <= EXTENSION);
        let size = size.ok_or_else(|| Fault::malformed(format!("the extended header at byte {at} is too long")))?;
        let content = self.take(size, "an extended header")?.bytes()?;
        if flag == b'g' {
            return self.global(&header, &content, at);
        }
        if !self.ahead.types.is_empty() {
            self.ahead.types.push(' ');
        }
        self.ahead.types.push(char::from(flag));
        if matches!(flag, b'x' | b'X') {
            let (records, usual) = pax::records(&content, at)?;
            if !usual {
                self.ahead.fields.push(Field::metadata("pax header data", Value::Bytes(content.into())));
            }
            if self.ahead.pax.replace((header, records)).is_some() {
                return Err(Fault::malformed(format!("the pax header at byte {at} is the second of one entry")));
            }
            return Ok(());
        }
        let name = super::header::until_nul(&content);
        let after = &content[name.len()..];
        let (slot, this, padding) = match flag {
            b'L' => (&mut self.ahead.name, "long name header", "after the long name"),
            _ => (&mut self.ahead.link, "long link header", "after the long link"),
        };
        if slot.replace(name.to_vec()).is_some() {
            return Err(Fault::malformed(format!("the {this} at byte {at} is the second of one entry")));
        }
        if after != b"\0" {
            self.ahead.fields.push(Field::metadata(padding, Value::Bytes(after.into())));
        }
        let own = format!("{}: {}", text(&header.path()), describe(&header, &mut self.usual));
        let own = self.usual.text(&own);
        self.usual.tell(&mut self.ahead.fields, this, own);
        Ok(())
    }

    /// A header for all entries that follow. It belongs to the archive, or to the entry that it stands before.
    fn global(&mut self, header: &Header, content: &[u8], at: u64) -> Result<(), Fault> {
        let (records, usual) = pax::records(content, at)?;
        let about = format!("{}: {}", text(&header.path()), describe(header, &mut self.usual));
        let first = self.listing.entries.is_empty();
        let fields = if first { &mut self.listing.fields } else { &mut self.ahead.fields };
        fields.push(Field::metadata("global pax header", Value::Text(about.into())));
        if !usual {
            fields.push(Field::metadata("global pax header data", Value::Bytes(content.into())));
        }
        for (key, value) in records {
            if matches!(key.as_slice(), b"path" | b"linkpath" | b"size") || key.starts_with(b"GNU.sparse.") {
                return Err(Fault::unsupported(format!("a global pax header with `{}`", text(&key))));
            }
            fields.push(named(format!("global pax {}", text(&key)), Value::words(&value)));
        }
        Ok(())
    }

    fn entry(&mut self, header: &Header) -> Result<(), Fault> {
        let flag = header.flag();
        let header_at = self.at - BLOCK as u64;
        let ahead = std::mem::take(&mut self.ahead);
        let (pax_header, records) = ahead.pax.unzip();
        let records = records.unwrap_or_default();
        let mut own = Own::new(header, &mut self.usual, ahead.fields);
        own.records(&records);
        let path = header.path();
        let raw = own.name.take().or(ahead.name.clone()).unwrap_or_else(|| path.clone());
        let sparse = flag == b'S' || records.iter().any(|(key, _)| key.starts_with(b"GNU.sparse."));
        let slash = raw.ends_with(b"/") && matches!(flag, b'0' | 0 | b'7') && !sparse;
        let directory = slash || matches!(flag, b'5' | b'D');
        let Own { mut fields, all, size, link, .. } = own;
        let name = self.usual.name(&mut fields, &raw, directory);
        let size = size.or_else(|| header.size());
        let size = size.ok_or_else(|| Fault::malformed(format!("`{name}`, at byte {header_at}, has no size")))?;

        // Names, as far as they are not what follows from the others.
        let mut differing = |what: &'static str, told: Option<&[u8]>, expected: &[u8]| {
            if let Some(told) = told.filter(|told| *told != expected) {
                fields.push(Field::metadata(what, Value::words(told)));
            }
        };
        let cut = |name: &[u8]| name[..name.len().min(100)].to_vec();
        differing("long name", ahead.name.as_deref(), &raw);
        let extended = ahead.name.is_some() || raw != path;
        if extended {
            differing("header name", Some(&path), &cut(&raw));
        }
        if !header.prefix().is_empty() {
            differing("prefix", Some(header.prefix()), b"");
        }
        let target = link.clone().or(ahead.link.clone()).unwrap_or_else(|| header.link().to_vec());
        differing("long link", ahead.link.as_deref(), &target);
        if link.is_some() || ahead.link.is_some() {
            differing("header linkname", Some(header.link()), &cut(&target));
        }
        if !matches!(flag, b'1' | b'2') && !target.is_empty() {
            differing("linkname", Some(&target), b"");
        }
        if matches!(flag, b'1' | b'2') && std::str::from_utf8(&target).is_err() {
            differing("linkname", Some(&target), b"");
        }
        let types = self.usual.text(&ahead.types);
        self.usual.tell(&mut fields, "extended headers", types);
        if let Some(pax_header) = &pax_header {
            self.pax_header(&mut fields, pax_header, &raw, &records);
        }
        for (name, value) in all {
            self.usual.tell(&mut fields, name, value);
        }
        let expected = match flag {
            0 => header.format == Format::V7,
            b'0' => !directory,
            b'1'..=b'6' | b'S' | b'D' => true,
            _ => false,
        };
        if !expected {
            let flag = flag.escape_ascii().to_string();
            fields.push(Field::metadata("typeflag", Value::Text(flag.into())));
        }
        let what = match flag {
            b'1' => What::HardLink { target: text(&target) },
            b'2' => What::Symlink { target: text(&target) },
            b'3' | b'4' => {
                let kind = if flag == b'3' { "character" } else { "block" };
                let [major, minor] = header.device();
                What::Special { kind: format!("{kind} device {major}:{minor}") }
            }
            b'6' => What::Special { kind: "fifo".to_owned() },
            _ if directory => What::Directory,
            _ => {
                let data = self.file(&mut fields, header, &records, sparse, size, &name)?;
                What::File(Data::Plain(data))
            }
        };
        if !matches!(flag, b'3' | b'4') && header.device().iter().any(|number| *number != Value::Number(0)) {
            let [major, minor] = header.device();
            fields.push(Field::metadata("device", Value::Text(format!("{major}:{minor}").into())));
        }
        if size > 0 && !matches!(what, What::File(_)) {
            fields.push(Field::metadata("size", Value::Number(size)));
            // Readers differ on whether bytes follow; where a header follows, none do.
            let next = self.content.bytes_at(self.at, BLOCK)?;
            if flag == b'D' || !(next.is_empty() || is_zero(&next) || super::is_header(&next)) {
                let bytes = self.take(size, &name)?;
                self.listing.rest.push(Rest { name: format!("data of {name}"), bytes });
            }
        }
        self.usual.add(&mut self.listing, Entry { name, what, fields })
    }

    /// What a pax header says of itself, and in which order its records stand.
    fn pax_header(&mut self, fields: &mut Vec<Field>, pax: &Header, raw: &[u8], records: &[Record]) {
        // Usual names are made of the entry's.
        let path = pax.path();
        let trimmed = raw.strip_suffix(b"/").unwrap_or(raw);
        let (folder, file) = match trimmed.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&trimmed[..slash], &trimmed[slash + 1..]),
            None => (&b"."[..], trimmed),
        };
        let middle = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix(b"/"));
        let middle = middle.and_then(|rest| rest.strip_suffix(file)).and_then(|rest| rest.strip_suffix(b"/"));
        let (front, middle) = match middle {
            Some(middle) => ("%d/", middle),
            None => match path.strip_suffix(file).and_then(|rest| rest.strip_suffix(b"/")) {
                Some(middle) => ("", middle),
                None => ("", &[][..]),
            },
        };
        let name = match middle {
            [] => self.usual.words(&path),
            middle if middle.contains(&b'%') || middle.contains(&b'/') => self.usual.words(&path),
            middle => self.usual.text(&format!("{front}{}/%f", text(middle))),
        };
        self.usual.tell(fields, "pax header name", name);
        let (all, more) = pax.fields(&mut self.usual);
        for (name, value) in all.into_iter().chain([("mtime", pax.mtime())]) {
            self.usual.tell(fields, pax_name(name), value);
        }
        fields.extend(more.into_iter().map(|field| named(format!("pax header {}", field.name), field.value)));
        if !pax.link().is_empty() {
            fields.push(Field::metadata("pax header linkname", Value::words(pax.link())));
        }
        let device = pax.device();
        if device.iter().any(|number| *number != Value::Number(0)) {
            let [major, minor] = device;
            fields.push(Field::metadata("pax header device", Value::Text(format!("{major}:{minor}").into())));
        }
        let mut keys: Vec<String> = Vec::new();
        let mut pieces = 0;
        for (key, _) in records {
            // A map's offsets and lengths alternate.
            let piece = matches!(key.as_slice(), b"GNU.sparse.offset" | b"GNU.sparse.numbytes");
            pieces += usize::from(piece);
            if !piece || pieces <= 2 {
                keys.push(text(key));
            }
        }
        let keys = self.usual.text(&keys.join(" "));
        self.usual.tell(fields, "pax records", keys);
    }

    fn file(
        &mut self,
        fields: &mut Vec<Field>,
        header: &Header,
        records: &[Record],
        sparse: bool,
        size: u64,
        name: &str,
    ) -> Result<Content, Fault> {
        // The old format's map stands before the content and is not part of its size; pax 1.0's is.
        let old = if header.flag() == b'S' { Some(Map::old(header, self.content, self.at, name)?) } else { None };
        self.at += old.as_ref().map_or(0, |map| map.before);
        let stored = self.take(size, name)?;
        let map = match old {
            None if sparse => Map::pax(records, &stored, name)?.map(|map| (stored.from(map.before), map)),
            old => old.map(|map| (stored.clone(), map)),
        };
        let Some((pieces, map)) = map else { return Ok(stored) };
        map.tell(fields, &mut self.listing.rest, name);
        let (whole, more) = map.expand(&pieces, self.spool, name)?;
        if let Some(bytes) = more {
            self.listing.rest.push(Rest { name: format!("data of {name} that belongs to no piece"), bytes });
        }
        Ok(whole)
    }
}

/// What a field of a header is called in the header of a pax header.
fn pax_name(name: &'static str) -> &'static str {
    match name {
        "format" => "pax header format",
        "mode" => "pax header mode",
        "uid" => "pax header uid",
        "gid" => "pax header gid",
        "uname" => "pax header uname",
        "gname" => "pax header gname",
        "number style" => "pax header number style",
        "mtime" => "pax header mtime",
        other => other,
    }
}

/// All that an extended header's own header says but its name, size and type.
fn describe(header: &Header, usual: &mut Usual) -> String {
    let (all, more) = header.fields(usual);
    let mut parts: Vec<String> = all.iter().map(|(name, value)| format!("{name} {value}")).collect();
    parts.push(format!("mtime {}", header.mtime()));
    parts.extend(more.iter().map(|field| format!("{} {}", field.name, exact(&field.value))));
    let [major, minor] = header.device();
    if header.device().iter().any(|number| *number != Value::Number(0)) {
        parts.push(format!("device {major}:{minor}"));
    }
    if !header.link().is_empty() {
        parts.push(format!("linkname {}", text(header.link())));
    }
    parts.join(", ")
}

/// A value in full: what is shown of many bytes is only their beginning.
fn exact(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => bytes.escape_ascii().to_string(),
        value => value.to_string(),
    }
}

/// What a header and its pax records say of an entry.
struct Own {
    fields: Vec<Field>,
    /// What each entry has.
    all: Vec<(&'static str, Value)>,
    mtime: Value,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    header_size: Option<u64>,
}

impl Own {
    fn new(header: &Header, usual: &mut Usual, mut fields: Vec<Field>) -> Self {
        let (mut all, more) = header.fields(usual);
        let mtime = header.mtime();
        all.push(("mtime", mtime.clone()));
        fields.extend(more);
        Self { fields, all, mtime, name: None, link: None, size: None, header_size: header.size() }
    }

    fn records(&mut self, records: &[Record]) {
        let mut sparse_name = None;
        let mut counts: BTreeMap<&[u8], u32> = BTreeMap::new();
        for (key, _) in records {
            *counts.entry(key).or_default() += 1;
        }
        for (key, value) in records {
            if key.starts_with(b"GNU.sparse.") && key != b"GNU.sparse.name" {
                continue;
            }
            // A keyword that occurs again, and an empty value, which takes back what an earlier record said.
            let again = counts.get(key.as_slice()).is_some_and(|count| *count > 1);
            let usual = !again && !value.is_empty() && self.record(key, value, &mut sparse_name);
            if again && !value.is_empty() {
                self.record(key, value, &mut sparse_name);
            }
            if !usual {
                self.fields.push(named(format!("pax {}", text(key)), Value::words(value)));
            }
        }
        self.name = sparse_name.or(self.name.take());
    }

    /// Takes a record over; says whether the fields tell all of it then.
    fn record(&mut self, key: &[u8], value: &[u8], sparse_name: &mut Option<Vec<u8>>) -> bool {
        match key {
            b"path" => self.name = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"GNU.sparse.name" => *sparse_name = Some(value.to_vec()),
            b"size" => {
                let Some((size, usual)) = pax::count(value) else { return false };
                self.size = Some(size);
                if let Some(header) = self.header_size.filter(|header| *header != size) {
                    self.fields.push(Field::metadata("header size", Value::Number(header)));
                }
                return usual;
            }
            b"uid" | b"gid" => {
                let Some((number, usual)) = pax::count(value) else { return false };
                let uid = key == b"uid";
                let names = if uid { ("uid", "header uid") } else { ("gid", "header gid") };
                self.replace(names, Value::Number(number), None);
                return usual;
            }
            b"uname" => self.replace(("uname", "header uname"), Value::words(value), value.get(..32)),
            b"gname" => self.replace(("gname", "header gname"), Value::words(value), value.get(..32)),
            b"mtime" => {
                let Some((time, usual)) = pax::time(value) else { return false };
                let whole = if let Value::Time(seconds, _) = time { Value::Time(seconds, 0) } else { time.clone() };
                if self.mtime != whole {
                    self.fields.push(Field::metadata("header mtime", self.mtime.clone()));
                }
                self.set("mtime", time);
                return usual;
            }
            b"atime" | b"ctime" => {
                let Some((time, usual)) = pax::time(value) else { return false };
                let name = if key == b"atime" { "atime" } else { "ctime" };
                self.fields.push(Field::metadata(name, time));
                return usual;
            }
            _ => return false,
        }
        true
    }

    /// A record's value instead of the header's, which is told unless it is the same, or its beginning.
    fn replace(&mut self, (name, header): (&'static str, &'static str), value: Value, cut: Option<&[u8]>) {
        if let Some((_, old)) = self.all.iter().find(|(other, _)| *other == name)
            && *old != value
            && cut.is_none_or(|cut| *old != Value::words(cut))
        {
            self.fields.push(Field::metadata(header, old.clone()));
        }
        self.set(name, value);
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some((_, slot)) = self.all.iter_mut().find(|(other, _)| *other == name) {
            *slot = value;
        }
    }
}
