//! cpio: newc (magic 070701), newc with checksums (070702) and odc (070707).
//!
//! Sources: `cpio(5)` of libarchive; Linux `Documentation/driver-api/early-userspace/buffer-format.rst`. In newc, of
//! several hard links only the last carries the content: the ones before it wait here.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::error::{Fault, Reason};
use super::gate::Gate;
use super::unpack::{bytes, exact, only_zeros, skip};

const TYPE: u32 = 0o170_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Newc,
    Crc,
    Odc,
}

struct Entry {
    inode: (u64, u64),
    mode: u32,
    links: u64,
    size: u64,
    /// Sum of all bytes of the content, modulo 2^32; only in the format with checksums.
    sum: Option<u32>,
    uid: u64,
    gid: u64,
    name: Vec<u8>,
}

/// The names of one file whose content has not come yet.
struct Waiting {
    mode: u32,
    names: Vec<Vec<u8>>,
}

fn corrupt(detail: impl Into<String>) -> Fault {
    Reason::corrupt("cpio", detail).into()
}

pub(super) fn read(input: &mut dyn Read, gate: &mut Gate) -> Result<(), Fault> {
    let mut format = None;
    let mut waiting: BTreeMap<(u64, u64), Waiting> = BTreeMap::new();
    loop {
        gate.current = None;
        let (found, entry) = header(input)?;
        if *format.get_or_insert(found) != found {
            return Err(corrupt("its entries have different formats"));
        }
        if entry.name == b"TRAILER!!!" {
            skip(input, padding(found, entry.size), "the trailer")?;
            break;
        }
        gate.enter(&entry.name)?;
        gate.metadata(entry.uid, entry.gid, true);
        content(input, gate, found, &entry, &mut waiting)?;
        skip(input, padding(found, entry.size), "the padding after a file")?;
    }
    // Empty files with several names.
    for (_, group) in waiting {
        link(gate, &group.names, group.mode)?;
    }
    gate.current = None;
    only_zeros(input, "cpio")
}

fn content(
    input: &mut dyn Read,
    gate: &mut Gate,
    format: Format,
    entry: &Entry,
    waiting: &mut BTreeMap<(u64, u64), Waiting>,
) -> Result<(), Fault> {
    let name = &entry.name;
    let empty = |what: &str| match entry.size {
        0 => Ok(()),
        size => Err(corrupt(format!("a {what} states a size of {size}"))),
    };
    match entry.mode & TYPE {
        0o100_000 if entry.links > 1 && entry.size == 0 && format != Format::Odc => {
            let group = waiting.entry(entry.inode).or_insert_with(|| Waiting { mode: entry.mode, names: Vec::new() });
            group.names.push(name.clone());
            Ok(())
        }
        0o100_000 => {
            let mut summed = Summed { inner: input, sum: 0 };
            gate.file(name, entry.mode & 0o7777, entry.size, &mut summed)?;
            if entry.sum.is_some_and(|sum| sum != summed.sum) {
                return Err(corrupt("the checksum of a file does not match"));
            }
            let group = if entry.links > 1 { waiting.remove(&entry.inode) } else { None };
            for other in group.map(|group| group.names).unwrap_or_default() {
                gate.current = Some(super::gate::lossy(&other));
                gate.hardlink(&other, name)?;
            }
            Ok(())
        }
        0o120_000 => {
            if entry.size > 4096 {
                return Err(corrupt(format!("a symbolic link states a size of {}", entry.size)));
            }
            let target = bytes(input, entry.size, "the target of a symbolic link")?;
            gate.symlink(name, &target)
        }
        0o040_000 => {
            empty("directory")?;
            gate.directory(name, entry.mode & 0o7777)
        }
        kind => {
            empty("device")?;
            gate.special(
                name,
                match kind {
                    0o020_000 => "character device",
                    0o060_000 => "block device",
                    0o010_000 => "fifo",
                    0o140_000 => "socket",
                    _ => return Err(corrupt(format!("its mode {:o} has no known type", entry.mode))),
                },
            )
        }
    }
}

fn link(gate: &mut Gate, names: &[Vec<u8>], mode: u32) -> Result<(), Fault> {
    let Some((first, others)) = names.split_first() else { return Ok(()) };
    gate.current = Some(super::gate::lossy(first));
    gate.file(first, mode & 0o7777, 0, &mut io::empty())?;
    for other in others {
        gate.current = Some(super::gate::lossy(other));
        gate.hardlink(other, first)?;
    }
    Ok(())
}

fn header(input: &mut dyn Read) -> Result<(Format, Entry), Fault> {
    let mut magic = [0; 6];
    exact(input, &mut magic, "the end: the entry `TRAILER!!!` is missing")?;
    let format = match &magic {
        b"070701" => Format::Newc,
        b"070702" => Format::Crc,
        b"070707" => Format::Odc,
        other => return Err(corrupt(format!("an entry starts with `{}`", other.escape_ascii()))),
    };
    // Widths of the fields, in the order of the header.
    let odc = [6, 6, 6, 6, 6, 6, 6, 11, 6, 11];
    let widths: &[usize] = if format == Format::Odc { &odc } else { &[8; 13] };
    let radix = if format == Format::Odc { 8 } else { 16 };
    let mut text = vec![0; widths.iter().sum()];
    exact(input, &mut text, "a header")?;
    let mut rest = text.as_slice();
    let mut fields = [0; 13];
    for (field, width) in fields.iter_mut().zip(widths) {
        let (digits, after) = rest.split_at(*width);
        // `from_str_radix` would take a sign.
        let number = std::str::from_utf8(digits).ok().filter(|text| text.chars().all(|c| c.is_digit(radix)));
        *field = number
            .and_then(|text| u64::from_str_radix(text, radix).ok())
            .ok_or_else(|| corrupt(format!("`{}` in a header is no number", digits.escape_ascii())))?;
        rest = after;
    }
    let f = fields;
    let (mode, name_size, entry) = match format {
        Format::Odc => {
            let entry = Entry {
                inode: (f[0], f[1]),
                mode: 0,
                links: f[5],
                size: f[9],
                sum: None,
                uid: f[3],
                gid: f[4],
                name: Vec::new(),
            };
            (f[2], f[8], entry)
        }
        Format::Newc | Format::Crc => {
            // Eight hex digits fit.
            let sum = (format == Format::Crc).then_some(f[12] as u32);
            // A name with the device's two parts in it tells inodes of several file systems apart.
            let device = f[7] << 32 | f[8];
            let entry = Entry {
                inode: (device, f[0]),
                mode: 0,
                links: f[4],
                size: f[6],
                sum,
                uid: f[2],
                gid: f[3],
                name: Vec::new(),
            };
            (f[1], f[11], entry)
        }
    };
    let mode = u32::try_from(mode).map_err(|_| corrupt("its mode is too large"))?;
    if !(2..=4097).contains(&name_size) {
        return Err(corrupt(format!("a name of {name_size} bytes")));
    }
    let mut name = bytes(input, name_size, "a name")?;
    if name.pop() != Some(0) || name.contains(&0) {
        return Err(corrupt("a name does not end in its only NUL byte"));
    }
    if format != Format::Odc {
        skip(input, (110 + name_size).wrapping_neg() % 4, "a name")?;
    }
    Ok((format, Entry { mode, name, ..entry }))
}

fn padding(format: Format, size: u64) -> u64 {
    if format == Format::Odc { 0 } else { size.wrapping_neg() % 4 }
}

/// Adds all bytes up.
struct Summed<'a> {
    inner: &'a mut dyn Read,
    sum: u32,
}

impl Read for Summed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sum = buffer[..count].iter().fold(self.sum, |sum, byte| sum.wrapping_add(u32::from(*byte)));
        Ok(count)
    }
}
