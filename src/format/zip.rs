//! zip: stored and deflated entries, zip64.
//!
//! Source: PKWARE APPNOTE 6.3.10. The central directory at the end is what counts, and the local headers must say the
//! same: readers that believe one or the other would see two archives. For the same reason the entries must fill the
//! file from its start to the central directory without gaps or overlaps, and no name may occur twice.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::error::{Fault, Reason};
use super::gate::Gate;
use super::unpack::{bytes, exact};

/// The record at the end without its comment, and the longest comment.
const END: u64 = 22;
const COMMENT: u64 = 65_535;
/// Bound on the central directory.
const DIRECTORY: u64 = 1 << 30;
/// Flags that tell how hard the writer tried, which some fill in only at the end.
const LEVEL: u16 = 0b110;
const ESCAPED: u64 = 0xffff_ffff;

struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    stored: u64,
    size: u64,
    offset: u64,
    /// Mode with its type, when a Unix-like system made the entry.
    unix: Option<u32>,
    dos: u32,
}

fn corrupt(detail: impl Into<String>) -> Fault {
    Reason::corrupt("zip", detail).into()
}

/// Little-endian numbers from the front of some bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        match self.0.split_at_checked(count) {
            Some((head, rest)) => {
                self.0 = rest;
                Ok(head)
            }
            None => Err(Reason::Truncated { part: "a header" }.into()),
        }
    }

    fn number(&mut self, width: usize) -> Result<u64, Fault> {
        Ok(self.take(width)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn half(&mut self) -> Result<u16, Fault> {
        Ok(self.number(2)? as u16)
    }

    fn word(&mut self) -> Result<u32, Fault> {
        Ok(self.number(4)? as u32)
    }
}

pub(super) fn read<R: Read + Seek>(input: &mut R, gate: &mut Gate) -> Result<(), Fault> {
    let (start, size, count) = directory(input)?;
    if count > gate.limit_entries() {
        return Err(Reason::TooManyEntries { limit: gate.limit_entries() }.into());
    }
    input.seek(SeekFrom::Start(start))?;
    let content = bytes(input, size, "its central directory")?;
    let mut fields = Fields(&content);
    let mut entries = Vec::new();
    let mut names = BTreeSet::new();
    for _ in 0..count {
        let entry = central(&mut fields)?;
        if !names.insert(entry.name.strip_suffix(b"/").unwrap_or(&entry.name).to_vec()) {
            return Err(corrupt(format!("name `{}` occurs twice", super::gate::lossy(&entry.name))));
        }
        entries.push(entry);
    }
    if !fields.0.is_empty() {
        return Err(corrupt("its central directory holds more than the entries that it counts"));
    }
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by_key(|entry| entry.offset);
    input.seek(SeekFrom::Start(0))?;
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut at = 0;
    for entry in order {
        gate.enter(&entry.name)?;
        if entry.offset != at {
            return Err(corrupt(format!("it starts at byte {}, and the one before it ends at {at}", entry.offset)));
        }
        at = local(&mut input, gate, entry, start)?;
    }
    gate.current = None;
    if at != start {
        return Err(corrupt(format!("its entries end at byte {at}, and its central directory starts at {start}")));
    }
    Ok(())
}

/// Offset, size and number of entries of the central directory.
fn directory<R: Read + Seek>(input: &mut R) -> Result<(u64, u64, u64), Fault> {
    let length = input.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(END + COMMENT + 20);
    input.seek(SeekFrom::Start(from))?;
    let tail = bytes(input, length - from, "its end")?;
    let missing = || Fault::from(Reason::Truncated { part: "the end: its central directory is missing" });
    // The one whose comment ends where the file ends.
    let ends = |at: &usize| {
        let comment = tail.get(at + 20..at + 22).map(|field| usize::from(field[0]) | usize::from(field[1]) << 8);
        tail[*at..].starts_with(b"PK\x05\x06") && comment == Some(tail.len() - at - 22)
    };
    let last = tail.len().checked_sub(END as usize).ok_or_else(missing)?;
    let at = (0..=last).rev().find(ends).ok_or_else(missing)?;
    let end = from + at as u64;
    let mut fields = Fields(&tail[at + 4..]);
    let disks = (fields.half()?, fields.half()?);
    let counts = (fields.number(2)?, fields.number(2)?);
    let (mut size, mut start) = (fields.number(4)?, fields.number(4)?);
    let mut count = counts.1;
    let mut behind = end;
    let locator = at.checked_sub(20).map(|at| &tail[at..at + 20]).filter(|text| text.starts_with(b"PK\x06\x07"));
    if let Some(locator) = locator {
        let mut fields = Fields(&locator[4..]);
        let _disk = fields.word()?;
        let offset = fields.number(8)?;
        if offset.checked_add(56 + 20) != Some(end) {
            return Err(corrupt("its zip64 end does not stand before the locator"));
        }
        input.seek(SeekFrom::Start(offset))?;
        let mut record = [0; 56];
        exact(input, &mut record, "its zip64 end")?;
        let mut fields = Fields(&record);
        if fields.take(4)? != b"PK\x06\x06" || fields.number(8)? != 44 {
            return Err(corrupt("its zip64 end is malformed"));
        }
        fields.take(4)?;
        let (disk, first, here, all) = (fields.word()?, fields.word()?, fields.number(8)?, fields.number(8)?);
        let wide = (fields.number(8)?, fields.number(8)?);
        let agree = |narrow: u64, wide: u64, escape: u64| narrow == escape || narrow == wide;
        if !agree(count, all, 0xffff) || !agree(size, wide.0, ESCAPED) || !agree(start, wide.1, ESCAPED) {
            return Err(corrupt("its two ends contradict each other"));
        }
        if disk != 0 || first != 0 || here != all {
            return Err(Reason::unsupported("an archive in several volumes").into());
        }
        (count, size, start, behind) = (all, wide.0, wide.1, offset);
    } else if disks != (0, 0) || counts.0 != counts.1 {
        return Err(Reason::unsupported("an archive in several volumes").into());
    }
    if start.checked_add(size) != Some(behind) {
        return Err(corrupt("its central directory does not end where its end record starts"));
    }
    if size > DIRECTORY {
        return Err(corrupt(format!("a central directory of {size} bytes")));
    }
    Ok((start, size, count))
}

fn central(fields: &mut Fields) -> Result<Entry, Fault> {
    if fields.take(4)? != b"PK\x01\x02" {
        return Err(corrupt("an entry of its central directory does not start with the magic bytes"));
    }
    let made_by = fields.half()?;
    fields.half()?;
    let (flags, method) = (fields.half()?, fields.half()?);
    fields.word()?;
    let crc = fields.word()?;
    let (stored, size) = (fields.number(4)?, fields.number(4)?);
    let lengths = (fields.half()?, fields.half()?, fields.half()?);
    let disk = fields.half()?;
    fields.half()?;
    let attributes = fields.word()?;
    let offset = fields.number(4)?;
    let name = fields.take(lengths.0.into())?.to_vec();
    let extra = fields.take(lengths.1.into())?;
    fields.take(lengths.2.into())?;
    let mut wide = [size, stored, offset];
    zip64(extra, &mut wide, &name)?;
    if disk != 0 {
        return Err(Reason::unsupported("an archive in several volumes").into());
    }
    // 3 is Unix, 19 macOS; the mode is in the upper half of the attributes.
    let unix = matches!(made_by >> 8, 3 | 19).then_some(attributes >> 16).filter(|mode| *mode != 0);
    if unix.is_none() && name.contains(&b'\\') {
        return Err(corrupt(format!("name `{}` has `\\` between its components", super::gate::lossy(&name))));
    }
    let [size, stored, offset] = wide;
    Ok(Entry { name, flags, method, crc, stored, size, offset, unix, dos: attributes & 0xff })
}

/// Puts 64-bit values from the extra fields where the plain ones are all ones; checks the other extra fields. Says
/// whether there was such a field.
fn zip64(extra: &[u8], values: &mut [u64], name: &[u8]) -> Result<bool, Fault> {
    let mut fields = Fields(extra);
    let mut seen = false;
    while fields.0.len() >= 4 {
        let (id, size) = (fields.half()?, fields.half()?);
        let mut content = Fields(fields.take(size.into())?);
        match id {
            0x0001 if seen => return Err(corrupt("two zip64 fields in one entry")),
            0x0001 => {
                seen = true;
                for value in values.iter_mut().filter(|value| **value == ESCAPED) {
                    *value = content.number(8)?;
                }
            }
            // Another name for the same entry: version, checksum of the plain name, name.
            0x7075 if content.0.get(5..) != Some(name) => return Err(corrupt("an entry has two different names")),
            _ => {}
        }
    }
    // Fewer than four bytes left are padding that aligning tools write.
    if fields.0.iter().any(|byte| *byte != 0) { Err(corrupt("an extra field is malformed")) } else { Ok(seen) }
}

/// Reads one entry at its offset, and gives the offset behind it.
fn local<R: Read + Seek>(
    input: &mut BufReader<&mut R>,
    gate: &mut Gate,
    entry: &Entry,
    directory: u64,
) -> Result<u64, Fault> {
    // 0: encrypted; 5: patch data; 6 and 13: strong encryption.
    if entry.flags & (1 | 1 << 5 | 1 << 6 | 1 << 13) != 0 {
        return Err(Reason::unsupported("an encrypted or patched entry").into());
    }
    if !matches!(entry.method, 0 | 8) {
        return Err(Reason::unsupported(format!("compression method {}", entry.method)).into());
    }
    let mut header = [0; 30];
    exact(input, &mut header, "a local header")?;
    let mut fields = Fields(&header);
    let magic = fields.take(4)?;
    fields.half()?;
    let (flags, method) = (fields.half()?, fields.half()?);
    fields.word()?;
    let crc = fields.word()?;
    let (stored, size) = (fields.number(4)?, fields.number(4)?);
    let lengths = (fields.number(2)?, fields.number(2)?);
    let name = bytes(input, lengths.0, "a local header")?;
    let extra = bytes(input, lengths.1, "a local header")?;
    let mut wide = [size, stored];
    let long = zip64(&extra, &mut wide, &name)?;
    let deferred = flags & 8 != 0;
    // What was not known yet is zero, each value for itself.
    let agree = |said: u64, known: u64| said == known || (deferred && said == 0);
    let agrees = agree(wide[1], entry.stored) && agree(wide[0], entry.size) && agree(crc.into(), entry.crc.into());
    if magic != b"PK\x03\x04"
        || name != entry.name
        || flags | LEVEL != entry.flags | LEVEL
        || method != entry.method
        || !agrees
    {
        return Err(corrupt("its local header and the central directory contradict each other"));
    }
    let content = entry.offset + 30 + lengths.0 + lengths.1;
    let end = content.checked_add(entry.stored).filter(|end| *end <= directory);
    let mut end = end.ok_or_else(|| corrupt("its content runs into the central directory"))?;
    unpack(input, gate, entry)?;
    if deferred {
        end += descriptor(input, entry, long)?;
    }
    Ok(end)
}

/// The record behind content whose size was not known in advance; its magic number may be left out.
fn descriptor(input: &mut impl Read, entry: &Entry, wide: bool) -> Result<u64, Fault> {
    let mut text = vec![0; 12];
    exact(input, &mut text, "a data descriptor")?;
    let magic = text.starts_with(b"PK\x07\x08");
    let width = if wide || entry.size >= ESCAPED || entry.stored >= ESCAPED { 8 } else { 4 };
    let total = if magic { 8 } else { 4 } + 2 * width;
    let mut rest = vec![0; total - text.len()];
    exact(input, &mut rest, "a data descriptor")?;
    text.extend(rest);
    let mut fields = Fields(&text[if magic { 4 } else { 0 }..]);
    let said = (fields.word()?, fields.number(width)?, fields.number(width)?);
    if said != (entry.crc, entry.stored, entry.size) {
        return Err(corrupt("its data descriptor and the central directory contradict each other"));
    }
    Ok(total as u64)
}

fn unpack<R: Read>(input: &mut BufReader<R>, gate: &mut Gate, entry: &Entry) -> Result<(), Fault> {
    let stored = input.take(entry.stored);
    if entry.method == 0 {
        if entry.stored != entry.size {
            return Err(corrupt("a stored entry has two sizes"));
        }
        let mut checked = Checked { inner: stored, crc: Crc::new() };
        place(&mut checked, gate, entry)?;
        return checked.finish(entry);
    }
    let mut checked = Checked { inner: DeflateDecoder::new(stored), crc: Crc::new() };
    place(&mut checked, gate, entry)?;
    let mut more = [0];
    let longer = checked.inner.read(&mut more).map_err(deflate)? != 0;
    let unread = checked.inner.get_ref().limit() != 0;
    if longer || unread {
        return Err(corrupt("its content is longer than stated"));
    }
    checked.finish(entry)
}

fn place(content: &mut dyn Read, gate: &mut Gate, entry: &Entry) -> Result<(), Fault> {
    let name = &entry.name;
    let slash = name.ends_with(b"/");
    let mode = entry.unix.unwrap_or(if slash { 0o755 } else { 0o644 });
    // Bit 4 of the DOS attributes is `directory`; a mode without a type leaves it to them.
    let kind = match mode & 0o170_000 {
        0 if slash || (entry.unix.is_none() && entry.dos & 0x10 != 0) => 0o040_000,
        0 => 0o100_000,
        kind => kind,
    };
    let mode = mode & 0o7777;
    match kind {
        0o040_000 if entry.size != 0 => Err(corrupt(format!("a directory states a size of {}", entry.size))),
        0o040_000 => gate.directory(name, mode),
        0o100_000 => gate.file(name, mode, entry.size, content),
        0o120_000 if entry.size > 4096 => Err(corrupt(format!("a symbolic link states a size of {}", entry.size))),
        0o120_000 => {
            let target = bytes(content, entry.size, "the target of a symbolic link")?;
            gate.symlink(name, &target)
        }
        _ => {
            io::copy(content, &mut io::sink())?;
            gate.special(name, "device, fifo or socket")
        }
    }
}

/// The deflate decoder's own errors carry no operating system's code.
fn deflate(error: io::Error) -> io::Error {
    match error.kind() {
        _ if error.raw_os_error().is_some() => error,
        io::ErrorKind::UnexpectedEof => Reason::Truncated { part: "compressed content" }.into(),
        _ => Reason::corrupt("deflate", error.to_string()).into(),
    }
}

/// Sums up what is read.
struct Checked<R> {
    inner: R,
    crc: Crc,
}

impl<R> Checked<R> {
    fn finish(&self, entry: &Entry) -> Result<(), Fault> {
        if self.crc.sum() == entry.crc { Ok(()) } else { Err(corrupt("the checksum of its content does not match")) }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer).map_err(deflate)?;
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}
