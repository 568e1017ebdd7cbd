//! tar, read block by block.
//!
//! Sources: POSIX.1-2024 `pax`, "ustar Interchange Format" and "pax Interchange Format"; the GNU tar manual, "Basic Tar
//! Format". The `tar` crate gives the layout of headers; its own iterator is not used, because it drops entries with `..`
//! in silence, takes malformed numbers, and knows no pax 1.0 sparse files.

use std::io::Read;

use ::tar::Header;

use super::error::{Fault, Reason};
use super::gate::Gate;
use super::pax::Pax;
use super::sparse::Sparse;
use super::unpack::{bytes, exact, fill, only_zeros, skip};

const BLOCK: usize = 512;
/// Bound on one extended header or long name; names are held to 4096 bytes later, attributes rarely need 64 KiB.
const EXTENSION: u64 = 1 << 20;
/// Where a header has its checksum.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// What the headers before an entry have said about it.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<Pax>,
}

impl Ahead {
    fn is_some(&self) -> bool {
        self.name.is_some() || self.link.is_some() || self.pax.is_some()
    }
}

/// Whether a block is a header whose checksum is right.
pub(super) fn checksum_holds(block: &[u8]) -> bool {
    let Some(Ok(Some(stated))) = block.get(CHECKSUM).map(|field| number(field, "checksum")) else { return false };
    let sum = |value: fn(u8) -> i64| {
        let bytes = block.iter().enumerate();
        bytes.map(|(at, byte)| if CHECKSUM.contains(&at) { 32 } else { value(*byte) }).sum::<i64>()
    };
    // Old tars added signed characters up.
    let stated = i64::try_from(stated).unwrap_or(-1);
    block.len() == BLOCK && (stated == sum(i64::from) || stated == sum(|byte| i64::from(byte as i8)))
}

pub(super) fn read(input: &mut dyn Read, gate: &mut Gate) -> Result<(), Fault> {
    let mut ahead = Ahead::default();
    loop {
        let mut block = [0; BLOCK];
        match fill(input, &mut block)? {
            0 => return Err(Reason::Truncated { part: "the end: the two blocks of zeros are missing" }.into()),
            BLOCK => {}
            _ => return Err(Reason::Truncated { part: "a header" }.into()),
        }
        if block.iter().all(|byte| *byte == 0) {
            return end(input, gate, &ahead);
        }
        let header = Header::from_byte_slice(&block);
        if !checksum_holds(&block) {
            gate.current = None;
            let detail = format!("the checksum of the header after entry {} does not match", gate.summary.entries);
            return Err(Reason::corrupt("tar", detail).into());
        }
        let size = number(&header.as_old().size, "size")?;
        match block[156] {
            b'L' => set(&mut ahead.name, long(input, size)?, "long name")?,
            b'K' => set(&mut ahead.link, long(input, size)?, "long link target")?,
            b'x' | b'X' => set(&mut ahead.pax, Pax::parse(&extension(input, size)?)?, "pax header")?,
            b'g' => {
                if ahead.is_some() {
                    return Err(Reason::corrupt("tar", "a global header stands before an entry's own").into());
                }
                let pax = Pax::parse(&extension(input, size)?)?;
                pax.check_global()?;
                note(gate, &pax);
            }
            flag => entry(input, gate, header, flag, size, std::mem::take(&mut ahead))?,
        }
    }
}

fn end(input: &mut dyn Read, gate: &mut Gate, ahead: &Ahead) -> Result<(), Fault> {
    gate.current = None;
    if ahead.is_some() {
        return Err(Reason::Truncated { part: "an entry: only its extended header is there" }.into());
    }
    let mut block = [0; BLOCK];
    exact(input, &mut block, "the end: the second block of zeros is missing")?;
    if block.iter().any(|byte| *byte != 0) {
        return Err(Reason::corrupt("tar", "a lone block of zeros stands between entries").into());
    }
    only_zeros(input, "tar")
}

fn entry(
    input: &mut dyn Read,
    gate: &mut Gate,
    header: &Header,
    flag: u8,
    size: Option<u64>,
    ahead: Ahead,
) -> Result<(), Fault> {
    let pax = ahead.pax.unwrap_or_default();
    let plain = header_name(header)?;
    let name = one(ahead.name, pax.path.clone(), "name")?.unwrap_or(plain);
    let name = pax.sparse.name.clone().unwrap_or(name);
    gate.enter(&name)?;
    note(gate, &pax);
    let old = header.as_old();
    let mode = number(&old.mode, "mode")?.unwrap_or(0);
    let mode = u32::try_from(mode).map_err(|_| Reason::corrupt("tar", format!("its mode is {mode:o}")))? & 0o7777;
    let uid = number(&old.uid, "uid")?.unwrap_or(0);
    let gid = number(&old.gid, "gid")?.unwrap_or(0);
    let time = signed(&old.mtime, "mtime")?;
    gate.metadata(pax.uid.unwrap_or(uid), pax.gid.unwrap_or(gid), pax.time || time);
    let link = match one(ahead.link, pax.link.clone(), "link target")? {
        Some(link) => link,
        None => until_nul(&old.linkname).to_vec(),
    };
    let directory = name.ends_with(b"/");
    if pax.sparse.used() && !matches!(flag, b'0' | 0 | b'7') {
        return Err(Reason::corrupt("pax", "an entry that is no file is marked as sparse").into());
    }
    let size = pax.size.or(size);
    // What has no content must say so: readers differ on whether bytes follow.
    let none = |what: &str| match size {
        None | Some(0) => Ok(()),
        Some(size) => Err(Reason::corrupt("tar", format!("a {what} states a size of {size}"))),
    };
    match flag {
        b'0' | 0 | b'7' if directory && !pax.sparse.used() => {
            // How V7 wrote directories.
            none("directory")?;
            gate.directory(&name, mode)
        }
        b'0' | 0 | b'7' | b'S' => {
            let size = size.ok_or_else(|| Reason::corrupt("tar", "a file states no size"))?;
            // The old format's map stands before the content and is not part of its size; pax 1.0's is.
            let old = if flag == b'S' { Some(Sparse::old(header, input)?) } else { None };
            let mut stored = limited(input, size);
            let map = match old {
                None if pax.sparse.used() => Some(Sparse::pax(&pax.sparse, &mut stored)?),
                old => old,
            };
            match map {
                Some(map) => {
                    let real = map.check(stored.limit(), gate.limit())?;
                    gate.note("sparse files expanded");
                    gate.file(&name, mode, real, &mut map.expand(&mut stored))?;
                }
                None => gate.file(&name, mode, size, &mut stored)?,
            }
            skip(input, padding(size), "the padding after a file")
        }
        b'1' => {
            none("hard link")?;
            gate.hardlink(&name, &link)
        }
        b'2' => {
            none("symbolic link")?;
            gate.symlink(&name, &link)
        }
        b'5' => {
            none("directory")?;
            gate.directory(&name, mode)
        }
        b'3' | b'4' | b'6' => {
            none("device")?;
            gate.special(
                &name,
                match flag {
                    b'3' => "character device",
                    b'4' => "block device",
                    _ => "fifo",
                },
            )
        }
        b'V' => {
            none("volume label")?;
            gate.note("volume labels");
            Ok(())
        }
        b'M' => Err(Reason::unsupported("an archive in several volumes").into()),
        b'D' => Err(Reason::unsupported("an incremental dump (entry type `D`)").into()),
        flag => Err(Reason::unsupported(format!("entry type `{}`", flag.escape_ascii())).into()),
    }
}

/// The value of a field of a header, and of the header before it: they may not contradict each other.
fn one(gnu: Option<Vec<u8>>, pax: Option<Vec<u8>>, what: &str) -> Result<Option<Vec<u8>>, Fault> {
    match (gnu, pax) {
        (Some(gnu), Some(pax)) if gnu != pax => {
            Err(Reason::corrupt("tar", format!("it has a GNU {what} and another one by pax")).into())
        }
        (gnu, pax) => Ok(pax.or(gnu)),
    }
}

fn set<T>(slot: &mut Option<T>, value: T, what: &str) -> Result<(), Fault> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Reason::corrupt("tar", format!("a second {what} for one entry")).into()),
    }
}

/// Counts what a pax header says and a tree cannot hold.
fn note(gate: &mut Gate, pax: &Pax) {
    for what in &pax.notes {
        gate.note(what);
    }
}

fn extension(input: &mut dyn Read, size: Option<u64>) -> Result<Vec<u8>, Fault> {
    let size = size.unwrap_or(0);
    if size > EXTENSION {
        return Err(Reason::corrupt("tar", format!("an extended header of {size} bytes")).into());
    }
    let content = bytes(input, size, "an extended header")?;
    skip(input, padding(size), "an extended header")?;
    Ok(content)
}

fn long(input: &mut dyn Read, size: Option<u64>) -> Result<Vec<u8>, Fault> {
    let content = extension(input, size)?;
    let name = until_nul(&content);
    if content[name.len()..].iter().any(|byte| *byte != 0) {
        return Err(Reason::corrupt("tar", "a long name contains a NUL byte").into());
    }
    Ok(name.to_vec())
}

pub(super) fn limited(input: &mut dyn Read, size: u64) -> std::io::Take<&mut dyn Read> {
    input.take(size)
}

/// Bytes that fill the last block of `size` bytes.
pub(super) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The name in the header itself, with the prefix that POSIX and star keep apart.
fn header_name(header: &Header) -> Result<Vec<u8>, Fault> {
    let block = header.as_bytes();
    let name = until_nul(&header.as_old().name);
    match &block[257..265] {
        b"ustar\x0000" => {
            // star's own headers end in `tar`, and have times behind a shorter prefix.
            let end = if &block[508..512] == b"tar\0" { 345 + 131 } else { 345 + 155 };
            let prefix = until_nul(&block[345..end]);
            let slash: &[u8] = if prefix.is_empty() { b"" } else { b"/" };
            Ok([prefix, slash, name].concat())
        }
        b"ustar  \0" => Ok(name.to_vec()),
        magic if magic.iter().all(|byte| *byte == 0) => Ok(name.to_vec()),
        magic => Err(Reason::corrupt("tar", format!("unknown magic `{}`", magic.escape_ascii())).into()),
    }
}

/// A number in octal, or in base 256 when the first bit is set (GNU). Nothing when the field is empty.
pub(super) fn number(field: &[u8], what: &str) -> Result<Option<u64>, Fault> {
    let wrong = || Fault::from(Reason::corrupt("tar", format!("{what} `{}` is no number", field.escape_ascii())));
    if field.first().is_some_and(|byte| byte & 0x80 != 0) {
        // 0x80 is followed by a positive number; with 0x40 it would be negative, which none of these can be.
        let (high, low) = field.split_at(field.len().saturating_sub(8));
        let positive = match high {
            [] => field[0] == 0x80,
            [first, rest @ ..] => *first == 0x80 && rest.iter().all(|byte| *byte == 0),
        };
        if !positive {
            return Err(wrong());
        }
        let skip = usize::from(high.is_empty());
        return Ok(Some(low[skip..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))));
    }
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let digits = field[start..].split(|byte| matches!(byte, 0 | b' ')).next().unwrap_or_default();
    let rest = &field[start + digits.len()..];
    if !digits.iter().all(|byte| (b'0'..=b'7').contains(byte)) || !rest.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Err(wrong());
    }
    // 12 digits of 3 bits each: no overflow.
    let value = digits.iter().fold(0, |sum, digit| sum << 3 | u64::from(digit - b'0'));
    Ok((!digits.is_empty()).then_some(value))
}

/// Whether a field for a time holds one; times before 1970 are negative in base 256.
fn signed(field: &[u8], what: &str) -> Result<bool, Fault> {
    match field.first() {
        Some(0xff) => Ok(true),
        _ => Ok(number(field, what)?.is_some()),
    }
}
