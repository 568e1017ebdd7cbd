//! Extended attributes: in the inode as far as it has room, the rest in one block.
//!
//! Access control lists have a shorter form on the disk than for getxattr(2): only named users and groups have a number.

use super::super::crc::crc32c;
use super::super::error::{Error, Problem};
use super::super::linux;
use super::super::little::{low16, low32, put};
use super::super::tree::Inode;
use super::space::INODE;

const MAGIC: u32 = 0xea02_0000;
/// Where attributes begin in an inode, and how many bytes are left there after the magic number.
const INSIDE: usize = 0xa0;
const ROOM: usize = INODE as usize - INSIDE - 4;
/// Bytes of a block's header, and of an entry without its name.
const HEADER: usize = 32;
const ENTRY: usize = 16;

/// Namespaces by their numbers.
const NAMESPACES: [(&str, u8); 5] = [
    ("system.posix_acl_access", ACCESS),
    ("system.posix_acl_default", DEFAULT),
    ("user.", 1),
    ("trusted.", 4),
    ("security.", 6),
];
/// Access control lists.
const ACCESS: u8 = 2;
const DEFAULT: u8 = 3;

/// An attribute as it is kept.
struct Entry<'a> {
    prefix: u8,
    name: &'a [u8],
    value: Vec<u8>,
}

impl Entry<'_> {
    /// Bytes of the entry, and of the value.
    fn size(&self) -> (usize, usize) {
        ((ENTRY + self.name.len()).next_multiple_of(4), self.value.len().next_multiple_of(4))
    }

    fn hash(&self) -> u32 {
        let name = self.name.iter().fold(0_u32, |hash, byte| hash.rotate_left(5) ^ u32::from(*byte));
        self.value.chunks(4).fold(name, |hash, bytes| {
            let mut word = [0; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            hash.rotate_left(16) ^ u32::from_le_bytes(word)
        })
    }
}

/// The attributes of an inode.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    /// What the inode has from [`INSIDE`] on; empty for none.
    inside: Vec<u8>,
    /// The block, without its checksum.
    pub block: Option<Vec<u8>>,
}

impl Encoded {
    /// Puts what the inode has into it.
    pub fn put(&self, inode: &mut [u8; INODE as usize]) {
        inode[INSIDE..INSIDE + self.inside.len()].copy_from_slice(&self.inside);
    }
}

/// Encodes the attributes of an inode.
pub(super) fn encode(inode: &Inode, block: usize) -> Result<Encoded, Error> {
    let mut entries = list(inode, block as u64)?;
    let mut inside = Vec::new();
    let mut left = ROOM - 4;
    entries = entries
        .into_iter()
        .filter_map(|entry| {
            let (own, value) = entry.size();
            match left.checked_sub(own + value) {
                Some(rest) => {
                    left = rest;
                    inside.push(entry);
                    None
                }
                None => Some(entry),
            }
        })
        .collect();
    let mut encoded = Encoded::default();
    if !inside.is_empty() {
        encoded.inside.extend(MAGIC.to_le_bytes());
        encoded.inside.extend(lay(&inside, ROOM, 0));
    }
    if !entries.is_empty() {
        let wanted = HEADER + 4 + entries.iter().map(Entry::size).map(|(own, value)| own + value).sum::<usize>();
        if wanted > block {
            let (value, most) = (wanted as u64, block as u64);
            return Err(Error::of(&inode.path, Problem::TooLarge { what: "an attribute block of", value, most }));
        }
        let mut bytes = lay(&entries, block, HEADER);
        let hash = entries.iter().fold(0_u32, |hash, entry| hash.rotate_left(16) ^ entry.hash());
        for (at, value) in [(0, MAGIC), (4, 1), (8, 1), (12, hash)] {
            put(&mut bytes, at, value.to_le_bytes());
        }
        encoded.block = Some(bytes);
    }
    Ok(encoded)
}

/// Gives a block of attributes its checksum, which covers where it lies.
pub(super) fn seal(bytes: &mut [u8], at: u64, seed: u32) {
    let sum = crc32c(crc32c(seed, &at.to_le_bytes()), bytes);
    put(bytes, 16, sum.to_le_bytes());
}

/// Entries from `header` on, values from the end down. Offsets of values count from the start.
fn lay(entries: &[Entry<'_>], size: usize, header: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let (mut at, mut end) = (header, size);
    for entry in entries {
        let (own, value) = entry.size();
        end -= value;
        bytes[end..end + entry.value.len()].copy_from_slice(&entry.value);
        bytes[at] = entry.name.len().to_le_bytes()[0];
        bytes[at + 1] = entry.prefix;
        put(&mut bytes, at + 2, if value == 0 { [0; 2] } else { low16(end as u64) });
        put(&mut bytes, at + 8, low32(entry.value.len() as u64));
        put(&mut bytes, at + 12, entry.hash().to_le_bytes());
        bytes[at + ENTRY..at + ENTRY + entry.name.len()].copy_from_slice(entry.name);
        at += own;
    }
    bytes
}

/// All attributes, in the order in which the kernel looks them up in a block.
fn list(inode: &Inode, largest: u64) -> Result<Vec<Entry<'_>>, Error> {
    let mut entries = Vec::new();
    for (name, value) in &inode.meta.attributes {
        let (prefix, name) = linux::attribute(&inode.path, &NAMESPACES, name, value, largest)?;
        let value = if matches!(prefix, ACCESS | DEFAULT) {
            let problem = Problem::Unsupported { what: "access control list of this form" };
            shorten(value).ok_or_else(|| Error::of(&inode.path, problem))?
        } else {
            value.clone()
        };
        entries.push(Entry { prefix, name, value });
    }
    entries.sort_by_key(|entry| (entry.prefix, entry.name.len(), entry.name));
    Ok(entries)
}

/// An access control list as the disk has it, from what getxattr(2) gives (version 2).
fn shorten(value: &[u8]) -> Option<Vec<u8>> {
    let (version, entries) = value.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != 2 || !entries.len().is_multiple_of(8) {
        return None;
    }
    let mut short = 1_u32.to_le_bytes().to_vec();
    for entry in entries.chunks(8) {
        match *entry.first_chunk::<2>()? {
            [2 | 8, 0] => short.extend(entry),
            [1 | 4 | 16 | 32, 0] => short.extend(&entry[..4]),
            _ => return None,
        }
    }
    Some(short)
}
