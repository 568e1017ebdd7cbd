//! The archive: entry by entry, with what stands before, between and behind them.

use super::header::{BLOCK, Format, Header};
use super::map::Map;
use super::own::{self, Own};
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
        let own = format!("{}: {}", text(&header.path()), own::describe(&header, &mut self.usual));
        let own = self.usual.text(&own);
        self.usual.tell(&mut self.ahead.fields, this, own);
        Ok(())
    }

    /// A header for all entries that follow. It belongs to the archive, or to the entry that it stands before.
    fn global(&mut self, header: &Header, content: &[u8], at: u64) -> Result<(), Fault> {
        let (records, usual) = pax::records(content, at)?;
        let about = format!("{}: {}", text(&header.path()), own::describe(header, &mut self.usual));
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
            own::pax_header(&mut self.usual, &mut fields, pax_header, &raw, &records);
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
