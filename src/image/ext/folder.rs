//! The blocks of a folder.
//!
//! One block is a plain list. More are an index by the hashes of the names (`dir_index`): the first block says which hashes
//! begin in which blocks, through one more level where there are many. The index looks like unused space to who does not
//! know it, so that each folder can be read from end to end. Each block ends with its checksum, which looks like an entry
//! without an inode.

use super::super::crc::crc32c;
use super::super::little::{low16, low32, put};
use super::hash::half_md4;

/// Bytes of a list's checksum, of an index entry, and of an index's checksum.
const TAIL: usize = 12;
const POINTER: usize = 8;
/// Where the pointers begin in the first block, and in the others.
const ROOT: usize = 32;
const NODE: usize = 8;

/// A name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    pub name: &'a [u8],
    pub number: u32,
    /// What the inode is: 1 file, 2 folder, 3 and 4 devices, 5 pipe, 6 socket, 7 symbolic link.
    pub kind: u8,
}

impl Name<'_> {
    fn size(&self) -> usize {
        (8 + self.name.len()).next_multiple_of(4)
    }
}

/// How blocks of one folder are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub block: usize,
    /// Seed of the inode's checksums.
    pub sum: u32,
    /// Seed of the hashes of names.
    pub hash: [u32; 4],
}

/// The blocks of a folder, and whether there is an index. None for more names than two levels hold.
pub(super) fn blocks(form: Form, own: u32, parent: u32, names: &[Name<'_>], least: usize) -> Option<(Vec<u8>, bool)> {
    let dots = [Name { name: b".", number: own, kind: 2 }, Name { name: b"..", number: parent, kind: 2 }];
    let all = || dots.iter().chain(names);
    if all().map(Name::size).sum::<usize>() + TAIL <= form.block {
        let mut bytes = form.list(all().copied());
        while bytes.len() < least {
            bytes.extend(form.list(std::iter::empty()));
        }
        return Some((bytes, false));
    }
    let mut hashed: Vec<(u32, Name<'_>)> = names.iter().map(|name| (half_md4(form.hash, name.name), *name)).collect();
    hashed.sort_by_key(|(hash, name)| (*hash, name.name));
    let mut leaves: Vec<&[(u32, Name<'_>)]> = Vec::new();
    let (mut start, mut room) = (0, form.block - TAIL);
    for (at, (_, name)) in hashed.iter().enumerate() {
        if name.size() > room {
            leaves.push(&hashed[start..at]);
            (start, room) = (at, form.block - TAIL);
        }
        room -= name.size();
    }
    leaves.push(&hashed[start..]);
    // A hash that has names in the block before, too, is marked.
    let mut last = None;
    let mut hashes = Vec::with_capacity(leaves.len());
    for leaf in &leaves {
        let first = leaf.first().map_or(0, |(hash, _)| *hash);
        hashes.push(first | u32::from(last == Some(first)));
        last = leaf.last().map(|(hash, _)| *hash);
    }
    let most = form.most(NODE);
    let nodes = if hashes.len() <= form.most(ROOT) { 0 } else { hashes.len().div_ceil(most) };
    if nodes > form.most(ROOT) {
        return None;
    }
    let pointers: Vec<(u32, usize)> = hashes.into_iter().zip(1 + nodes..).collect();
    let tops: Vec<(u32, usize)> =
        if nodes == 0 { pointers.clone() } else { pointers.chunks(most).map(|chunk| chunk[0].0).zip(1..).collect() };
    let mut root = vec![0; form.block];
    put(&mut root, 0, entry(&dots[0], 12));
    put(&mut root, 12, entry(&dots[1], form.block - 12));
    root[8] = b'.';
    root[20..22].copy_from_slice(b"..");
    // Half-MD4, 8 bytes of this, levels below.
    root[28..31].copy_from_slice(&[1, 8, u8::from(nodes > 0)]);
    form.point(&mut root, ROOT, &tops);
    let mut bytes = root;
    if nodes > 0 {
        for chunk in pointers.chunks(most) {
            let mut node = vec![0; form.block];
            put(&mut node, 4, low16(form.block as u64));
            form.point(&mut node, NODE, chunk);
            bytes.extend(node);
        }
    }
    for leaf in leaves {
        bytes.extend(form.list(leaf.iter().map(|(_, name)| *name)));
    }
    Some((bytes, true))
}

/// An entry's numbers.
fn entry(name: &Name<'_>, size: usize) -> [u8; 8] {
    let mut bytes = [0; 8];
    put(&mut bytes, 0, name.number.to_le_bytes());
    put(&mut bytes, 4, low16(size as u64));
    bytes[6] = name.name.len().to_le_bytes()[0];
    bytes[7] = name.kind;
    bytes
}

impl Form {
    /// A block of names, which have to fit.
    fn list<'a>(&self, names: impl Iterator<Item = Name<'a>>) -> Vec<u8> {
        let mut bytes = vec![0; self.block];
        let end = self.block - TAIL;
        let (mut at, mut last) = (0, 0);
        for name in names {
            put(&mut bytes, at, entry(&name, name.size()));
            bytes[at + 8..at + 8 + name.name.len()].copy_from_slice(name.name);
            last = at;
            at += name.size();
        }
        // The last reaches to the end.
        put(&mut bytes, last + 4, low16((end - last) as u64));
        put(&mut bytes, end, [0, 0, 0, 0, TAIL as u8, 0, 0, 0xde]);
        let sum = crc32c(self.sum, &bytes[..end]);
        put(&mut bytes, end + 8, sum.to_le_bytes());
        bytes
    }

    /// Most names of 255 bytes that a folder holds for sure.
    pub fn most_names(&self) -> u64 {
        (self.most(ROOT) * self.most(NODE) * ((self.block - TAIL) / 264)) as u64
    }

    /// How many pointers a block holds that has them from `start` on: one place is the checksum's.
    fn most(&self, start: usize) -> usize {
        (self.block - start) / POINTER - 1
    }

    /// Fills in pointers. The first place has room and count instead of a hash: the first block takes all lower hashes.
    fn point(&self, bytes: &mut [u8], start: usize, pointers: &[(u32, usize)]) {
        let most = self.most(start);
        for (index, (hash, block)) in pointers.iter().enumerate() {
            put(bytes, start + index * POINTER, hash.to_le_bytes());
            put(bytes, start + index * POINTER + 4, low32(*block as u64));
        }
        put(bytes, start, low16(most as u64));
        put(bytes, start + 2, low16(pointers.len() as u64));
        let sum = crc32c(self.sum, &bytes[..start + pointers.len() * POINTER]);
        // The tail counts with a checksum of zeros.
        let sum = crc32c(sum, &[0; 8]);
        put(bytes, start + most * POINTER + 4, sum.to_le_bytes());
    }
}
