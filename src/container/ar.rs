//! ar with System V, GNU or BSD names.
//!
//! Sources: `ar(5)` of FreeBSD and of 4.4BSD, the System V ABI's "Archive File Format", `deb(5)`. A symbol table is told
//! as lines, each a symbol and the member that it lies in: offsets only follow from the members' sizes.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::listing::{Data, Entry, Field, Listing, Rest, Value, What, text};
use super::spool::Spool;
use super::usual::{Usual, is_zero};
use crate::fs::Content;

const MAGIC: u64 = 8;
const HEADER: usize = 60;
/// Bound on a table of long names, and on a symbol table that is told as lines.
const TABLE: u64 = 64 << 20;
/// Bound on a name, and on all names, as many members can have the same long one.
const NAME: u64 = 64 * 1024;
const NAMES: usize = 256 << 20;

/// A member whose header was read.
struct Member {
    /// Where its header begins.
    at: u64,
    raw: Vec<u8>,
    data: Content,
    fields: Vec<Field>,
    all: Vec<(&'static str, Value)>,
}

/// Lists an archive.
pub(super) fn list(content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut listing = Listing { ordered: true, ..Listing::default() };
    if content.bytes_at(0, MAGIC as usize)? != b"!<arch>\n" {
        return Err(Fault::malformed("its magic bytes are wrong"));
    }
    let mut usual = Usual::default();
    let mut members = Vec::new();
    let mut names = Vec::new();
    let mut at = MAGIC;
    while at < content.size() {
        spool.check()?;
        if content.size() - at < HEADER as u64 {
            listing.rest.push(Rest { name: "what follows the last member".to_owned(), bytes: content.from(at) });
            break;
        }
        let (member, end) = read(content, at)?;
        at = end;
        if member.raw == b"//" {
            names = bounded(&member.data, "table of long names")?;
        }
        members.push(member);
        Usual::bound(members.len())?;
    }
    let mut places = BTreeMap::new();
    let mut named = Vec::with_capacity(members.len());
    let mut total = 0;
    for mut member in members {
        let (name, style) = name(&mut member, &names)?;
        total += name.len();
        if total > NAMES {
            return Err(Fault::TooMuch { what: "bytes of names", limit: NAMES as u64 });
        }
        places.insert(member.at, named.len());
        named.push((name, style, member));
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut labels = Vec::with_capacity(named.len());
    for (name, ..) in &named {
        // Members may have one name.
        let count = seen.entry(name).or_default();
        *count += 1;
        labels.push(if *count > 1 { format!("{name} (number {count})") } else { name.clone() });
    }
    for (name, style, member) in named {
        spool.check()?;
        let Member { raw, data, mut fields, all, .. } = member;
        let style = usual.text(&style);
        usual.tell(&mut fields, "name style", style);
        for (name, value) in all {
            usual.tell(&mut fields, name, value);
        }
        let data = match symbols(&raw, &name, &data, &places, &labels)? {
            Some(lines) => Content::of_bytes(lines),
            None => data,
        };
        usual.add(&mut listing, Entry { name, what: What::File(Data::Plain(data)), fields })?;
    }
    listing.usual = usual.finish();
    Ok(listing)
}

fn bounded(data: &Content, what: &str) -> Result<Vec<u8>, Fault> {
    if data.size() > TABLE {
        return Err(Fault::malformed(format!("its {what} has {} bytes", data.size())));
    }
    Ok(data.bytes()?)
}

/// The member at `at`, and where it ends.
fn read(content: &Content, at: u64) -> Result<(Member, u64), Fault> {
    let header = content.bytes_at(at, HEADER)?;
    let wrong = |what: &str| Fault::malformed(format!("{what} of the member at byte {at} is malformed"));
    if header.len() < HEADER || &header[58..] != b"`\n" {
        return Err(wrong("the header"));
    }
    let (mut fields, mut all) = (Vec::new(), Vec::new());
    for (name, range, radix) in [("mtime", 16..28, 10), ("uid", 28..34, 10), ("gid", 34..40, 10), ("mode", 40..48, 8)] {
        let field = &header[range];
        let value = match number(field, radix) {
            Some(number) if name == "mode" => u32::try_from(number).map(Value::Mode).map_err(|_| wrong("the mode"))?,
            Some(number) if name == "mtime" => Value::Time(number as i64, 0),
            Some(number) => Value::Number(number),
            // A symbol table may leave owner and mode blank.
            None if field.iter().all(|byte| *byte == b' ') => Value::Text("blank".into()),
            None => Value::words(field),
        };
        all.push((name, value));
        if let Some(number) = number(field, radix)
            && !is_plain(field, number, radix)
        {
            fields.push(super::usual::named(format!("{name} as it is written"), Value::words(field)));
        }
    }
    let size = number(&header[48..58], 10).ok_or_else(|| wrong("the size"))?;
    if !is_plain(&header[48..58], size, 10) {
        fields.push(Field::metadata("size as it is written", Value::words(&header[48..58])));
    }
    let begin = at + HEADER as u64;
    let cut = || Fault::malformed(format!("the member at byte {at} is cut off"));
    let data = content.part(begin, size).ok_or_else(cut)?;
    let mut end = begin + size;
    if !size.is_multiple_of(2) {
        // Members are padded to even sizes.
        let padding = content.bytes_at(end, 1)?;
        if padding != b"\n" {
            fields.push(Field::metadata("padding", Value::Bytes(padding.clone().into())));
        }
        end += padding.len() as u64;
    }
    let last = header[..16].iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    Ok((Member { at, raw: header[..last].to_vec(), data, fields, all }, end))
}

/// The number in a field that is filled with blanks.
fn number(field: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(' ');
    if !text.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(text, radix).ok()
}

/// Whether a number is written from the left on, without needless digits.
fn is_plain(field: &[u8], number: u64, radix: u32) -> bool {
    let digits = if radix == 8 { format!("{number:o}") } else { number.to_string() };
    field.starts_with(digits.as_bytes()) && field[digits.len()..].iter().all(|byte| *byte == b' ')
}

/// A member's name, and how it is encoded. A BSD name is taken off the data.
fn name(member: &mut Member, names: &[u8]) -> Result<(String, String), Fault> {
    let at = member.at;
    let wrong = |what: &str| Fault::malformed(format!("the member at byte {at} has {what}"));
    let raw = member.raw.as_slice();
    if matches!(raw, b"/" | b"//" | b"/SYM64/") {
        return Ok((text(raw), "special".to_owned()));
    }
    let told = |fields: &mut Vec<Field>, name: &[u8]| {
        if std::str::from_utf8(name).is_err() {
            fields.push(Field::metadata("name", Value::Bytes(name.into())));
        }
        text(name)
    };
    if let Some(length) = raw.strip_prefix(b"#1/") {
        let length = number(length, 10).filter(|length| *length <= NAME);
        let length = length.ok_or_else(|| wrong("a name of a wrong length"))?;
        let bytes = member.data.part(0, length).ok_or_else(|| wrong("a name that is cut off"))?.bytes()?;
        member.data = member.data.from(length);
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let (name, padding) = bytes.split_at(end);
        if !is_zero(padding) {
            member.fields.push(Field::metadata("after the name", Value::Bytes(padding.into())));
        }
        if !padding.is_empty() {
            member.fields.push(Field::metadata("padding of the name", Value::Number(padding.len() as u64)));
        }
        if !is_plain(&raw[3..], length, 10) {
            member.fields.push(Field::metadata("name as it is written", Value::words(raw)));
        }
        return Ok((told(&mut member.fields, name), "BSD, #1/".to_owned()));
    }
    if let Some(digits) = raw.strip_prefix(b"/").filter(|digits| digits.first().is_some_and(u8::is_ascii_digit)) {
        let offset = number(digits, 10).and_then(|offset| usize::try_from(offset).ok());
        let rest = offset.and_then(|offset| names.get(offset..));
        let rest = rest.ok_or_else(|| wrong("a name that is not in the table"))?;
        let end = rest.iter().take(NAME as usize).position(|byte| matches!(byte, b'\n' | 0));
        let name = &rest[..end.ok_or_else(|| wrong("a name without an end"))?];
        if !is_plain(digits, offset.unwrap_or(0) as u64, 10) {
            member.fields.push(Field::metadata("name as it is written", Value::words(raw)));
        }
        let name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        return Ok((told(&mut member.fields, &name), "in the table, /N".to_owned()));
    }
    let (name, style) = match raw.strip_suffix(b"/") {
        Some(name) => (name, "ends with /"),
        None => (raw, "plain"),
    };
    let name = name.to_vec();
    Ok((told(&mut member.fields, &name), style.to_owned()))
}

/// A symbol table as lines. None when the member is no such table, or one that says what cannot be put so.
fn symbols(
    raw: &[u8],
    name: &str,
    data: &Content,
    places: &BTreeMap<u64, usize>,
    labels: &[String],
) -> Result<Option<String>, Fault> {
    let width = match (raw, name) {
        (b"/", _) => 4,
        (b"/SYM64/", _) => 8,
        _ => return Ok(None),
    };
    let bytes = bounded(data, "symbol table")?;
    Ok(lines(&bytes, width, places, labels))
}

fn lines(bytes: &[u8], width: usize, places: &BTreeMap<u64, usize>, labels: &[String]) -> Option<String> {
    let number = |at: usize| -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(width)?)?;
        Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let count = usize::try_from(number(0)?).ok()?;
    let mut strings = bytes.get(width.checked_add(count.checked_mul(width)?)?..)?;
    let mut out = String::new();
    for index in 0..count {
        let end = strings.iter().position(|byte| *byte == 0)?;
        let (symbol, rest) = strings.split_at(end);
        let symbol = std::str::from_utf8(symbol).ok().filter(|symbol| !symbol.contains(['\n', ' ']))?;
        let member = *places.get(&number(width + index * width)?)?;
        out += &format!("{symbol} {}\n", labels[member]);
        if out.len() > NAMES {
            return None;
        }
        strings = &rest[1..];
    }
    match strings {
        [] if bytes.len().is_multiple_of(2) => {}
        [] => out += "and no padding\n",
        [0] if bytes.len().is_multiple_of(2) => {}
        padding if is_zero(padding) => out += &format!("and {} zeros\n", padding.len()),
        _ => return None,
    }
    Some(out)
}
