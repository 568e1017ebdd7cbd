//! Tar archives: POSIX.1-2001 (pax), which is ustar with extended headers where something does not fit.
//!
//! An entry has an extended header only if it needs one: a name or a link's target that is longer than 100 bytes or not
//! ASCII, a size of 8 GiB or more, an owner over 2097151, extended attributes (`SCHILY.xattr.NAME`, with the bytes of the
//! value as they are). Names that are not UTF-8 are announced by `hdrcharset=BINARY`. The prefix field of ustar stays
//! empty: one way to write a long name is enough. Owners have no names.
//!
//! The root is the entry `./`; all others are relative and plain (`etc/passwd`, folders with a slash at their end), as
//! GNU tar, libarchive and container runtimes alike take them, and come in the order of the tree. The second and further
//! names of a file are hard links to the first. Two blocks of zeros end the archive; it is not filled up to a record of
//! 10 KiB. Sockets and device numbers of more than seven octal digits cannot be expressed.

use std::io::Write;

use super::content::{copy, unwritten, zeros};
use super::error::{Error, Problem};
use super::tree::{Attributes, Contents, Inode, Kind, Meta, Tree};

/// Size of a header, and what contents are filled up to.
const BLOCK: usize = 512;
/// Most that a field of seven octal digits holds.
const SEVEN: u64 = 0o7_777_777;
/// Most that a field of eleven octal digits holds.
const ELEVEN: u64 = 0o77_777_777_777;
/// Bytes of the name and of the link's target in a header.
const NAME: usize = 100;

/// Writes the tree as a tar archive.
///
/// # Errors
/// The tree has something that the format cannot express, a content cannot be read or has another size than stated, or
/// the output fails.
pub fn write<W: Write>(tree: &Tree, contents: &dyn Contents, out: &mut W) -> Result<(), Error> {
    if let Some(root) = tree.inodes.first() {
        entry(root, b"./", None, out)?;
    }
    for (mut path, number, first) in tree.names() {
        let inode = &tree.inodes[number];
        if !first {
            entry(inode, &path, Some(&inode.path), out)?;
            continue;
        }
        if matches!(inode.kind, Kind::Folder(_)) {
            path.push(b'/');
        }
        entry(inode, &path, None, out)?;
        if let Kind::File(content) = &inode.kind {
            copy(contents, &inode.path, content, out)?;
            zeros(out, padding(content.size))?;
        }
    }
    zeros(out, 2 * BLOCK as u64)?;
    out.flush().map_err(unwritten)
}

/// Zeros that follow `size` bytes up to the next block.
pub(super) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// Writes what comes before the content: the header, after an extended one if that is necessary.
fn entry<W: Write>(inode: &Inode, name: &[u8], hard_link: Option<&[u8]>, out: &mut W) -> Result<(), Error> {
    let Meta { mode, uid, gid, time, attributes } = &inode.meta;
    let mut header = Header { mode: *mode, time: *time, ..Header::default() };
    let mut records = Vec::new();
    let mut target: &[u8] = b"";
    header.kind = match (&inode.kind, hard_link) {
        (_, Some(first)) => {
            target = first;
            b'1'
        }
        (Kind::Folder(_), None) => b'5',
        (Kind::File(content), None) => {
            header.size = content.size;
            b'0'
        }
        (Kind::Symlink(to), None) => {
            target = to;
            b'2'
        }
        (Kind::Character(major, minor), None) => {
            header.device = device(&inode.path, *major, *minor)?;
            b'3'
        }
        (Kind::Block(major, minor), None) => {
            header.device = device(&inode.path, *major, *minor)?;
            b'4'
        }
        (Kind::Fifo, None) => b'6',
        (Kind::Socket, None) => return Err(Error::of(&inode.path, Problem::Unsupported { what: "sockets" })),
    };
    if std::str::from_utf8(name).is_err() || std::str::from_utf8(target).is_err() {
        record(&mut records, b"hdrcharset", b"BINARY");
    }
    for (key, value) in [(b"path".as_slice(), name), (b"linkpath", target)] {
        if value.len() > NAME || !value.is_ascii() {
            record(&mut records, key, value);
        }
    }
    if header.size > ELEVEN {
        record(&mut records, b"size", header.size.to_string().as_bytes());
        header.size = 0;
    }
    for (key, id, field) in [(b"uid", *uid, &mut header.uid), (b"gid", *gid, &mut header.gid)] {
        if u64::from(id) > SEVEN {
            record(&mut records, key, id.to_string().as_bytes());
        } else {
            *field = id;
        }
    }
    if hard_link.is_none() {
        attribute_records(&inode.path, attributes, &mut records)?;
    }
    if !records.is_empty() {
        // Who knows no pax sees a file of this name, the same for all.
        let extended = Header { kind: b'x', mode: 0o644, size: records.len() as u64, ..Header::default() };
        out.write_all(&extended.bytes(b"PaxHeader", b"")).map_err(unwritten)?;
        out.write_all(&records).map_err(unwritten)?;
        zeros(out, padding(records.len() as u64))?;
    }
    out.write_all(&header.bytes(name, target)).map_err(unwritten)
}

fn device(path: &[u8], major: u32, minor: u32) -> Result<(u32, u32), Error> {
    for (what, value) in [("a major number of", u64::from(major)), ("a minor number of", u64::from(minor))] {
        if value > SEVEN {
            return Err(Error::of(path, Problem::TooLarge { what, value, most: SEVEN }));
        }
    }
    Ok((major, minor))
}

fn attribute_records(path: &[u8], attributes: &Attributes, records: &mut Vec<u8>) -> Result<(), Error> {
    for (name, value) in attributes {
        // The first `=` ends the keyword.
        if name.is_empty() || name.iter().any(|byte| matches!(byte, b'=' | b'\n' | 0)) {
            let what = "attribute names that are empty or have `=`, a line feed or a zero";
            return Err(Error::of(path, Problem::Unsupported { what }));
        }
        record(records, &[b"SCHILY.xattr.", name.as_slice()].concat(), value);
    }
    Ok(())
}

/// Appends `LENGTH KEYWORD=VALUE\n`, the length counting its own digits.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    // The digits of the length may make it longer by one, at most once.
    for _ in 0..2 {
        length = rest + length.to_string().len();
    }
    records.extend(length.to_string().into_bytes());
    records.push(b' ');
    records.extend(key);
    records.push(b'=');
    records.extend(value);
    records.push(b'\n');
}

/// A header before it is bytes.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub kind: u8,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub time: u32,
    pub device: (u32, u32),
}

impl Header {
    /// The block. What is longer than its field is cut: an extended header has the whole. A size over eleven digits, of
    /// a file that has no extended header, is written in base 256.
    pub fn bytes(&self, name: &[u8], target: &[u8]) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &name[..name.len().min(NAME)]);
        for (at, id) in [(100, self.mode), (108, self.uid), (116, self.gid), (329, self.device.0), (337, self.device.1)]
        {
            put(at, format!("{id:07o}").as_bytes());
        }
        if self.size > ELEVEN {
            put(124, &[0x80, 0, 0, 0]);
            put(128, &self.size.to_be_bytes());
        } else {
            put(124, format!("{:011o}", self.size).as_bytes());
        }
        put(136, format!("{:011o}", self.time).as_bytes());
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, &target[..target.len().min(NAME)]);
        put(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

#[cfg(test)]
#[path = "tar_tests.rs"]
mod tests;
