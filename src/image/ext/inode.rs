//! An inode's 256 bytes.

use super::super::crc::crc32c;
use super::super::error::{Error, Problem};
use super::super::linux;
use super::super::little::{high16, high32, low16, low32, put};
use super::super::tree::{Inode, Kind, Meta};
use super::extents::Map;
use super::space::INODE;
use super::superblock::EXTRA;
use super::xattr::Encoded;

/// The map is an extent tree; the folder has an index.
pub(super) const EXTENTS: u32 = 0x8_0000;
pub(super) const INDEX: u32 = 0x1000;
/// Most links that are counted. A folder with more has 1 (`dir_nlink`).
const LINKS: u32 = 65000;

/// What an inode says of its data.
#[derive(Debug)]
pub(super) struct Data {
    pub size: u64,
    pub flags: u32,
    pub map: Map,
    /// Blocks of data, of the extent tree and of attributes.
    pub blocks: u64,
    /// Where the block of attributes is.
    pub attributes: u64,
}

impl Data {
    /// Of what has none.
    pub fn none() -> Self {
        Self { size: 0, flags: 0, map: [0; 60], blocks: 0, attributes: 0 }
    }
}

/// The number of a type in a mode, and in a folder's entry.
pub(super) fn kind(kind: &Kind) -> (u32, u8) {
    match kind {
        Kind::File(_) => (0o100_000, 1),
        Kind::Folder(_) => (0o040_000, 2),
        Kind::Character(..) => (0o020_000, 3),
        Kind::Block(..) => (0o060_000, 4),
        Kind::Fifo => (0o010_000, 5),
        Kind::Socket => (0o140_000, 6),
        Kind::Symlink(_) => (0o120_000, 7),
    }
}

/// The seed of all checksums that belong to an inode.
pub(super) fn seed(file_system: u32, number: u32) -> u32 {
    crc32c(crc32c(file_system, &number.to_le_bytes()), &0_u32.to_le_bytes())
}

/// The number of a device where the map would be: the old form while it is enough.
pub(super) fn device(path: &[u8], major: u32, minor: u32) -> Result<Map, Error> {
    let number = linux::device(path, major, minor)?;
    let mut map = [0; 60];
    if major < 256 && minor < 256 {
        put(&mut map, 0, (major << 8 | minor).to_le_bytes());
    } else {
        put(&mut map, 4, number.to_le_bytes());
    }
    Ok(map)
}

/// Encodes an inode; `links` are those of the tree, or more where the format adds a folder.
pub(super) fn encode(
    inode: &Inode,
    links: u32,
    data: &Data,
    attributes: &Encoded,
    sum: u32,
    block: u64,
) -> Result<[u8; INODE as usize], Error> {
    let Meta { mode, uid, gid, time, .. } = inode.meta;
    let links = match inode.kind {
        Kind::Folder(_) if links > LINKS => 1,
        _ if links > LINKS => {
            let problem = Problem::TooLarge { what: "a count of links of", value: links.into(), most: LINKS.into() };
            return Err(Error::of(&inode.path, problem));
        }
        _ => links,
    };
    let mut bytes = [0; INODE as usize];
    let sectors = data.blocks * (block / 512);
    for (at, value) in [
        (0x00, kind(&inode.kind).0 | mode),
        (0x02, uid & 0xffff),
        (0x18, gid & 0xffff),
        (0x1a, links),
        (0x78, uid >> 16),
        (0x7a, gid >> 16),
        (0x80, EXTRA.into()),
    ] {
        put(&mut bytes, at, low16(value.into()));
    }
    // Seconds are signed; two more bits say how often they have gone around.
    let around = u32::from(time > i32::MAX.cast_unsigned());
    for (at, extra) in [(0x08, 0x8c), (0x0c, 0x84), (0x10, 0x88), (0x90, 0x94)] {
        put(&mut bytes, at, time.to_le_bytes());
        put(&mut bytes, extra, around.to_le_bytes());
    }
    put(&mut bytes, 0x04, low32(data.size));
    put(&mut bytes, 0x6c, high32(data.size));
    put(&mut bytes, 0x1c, low32(sectors));
    put(&mut bytes, 0x74, low16(sectors >> 32));
    put(&mut bytes, 0x20, data.flags.to_le_bytes());
    put(&mut bytes, 0x28, data.map);
    put(&mut bytes, 0x68, low32(data.attributes));
    put(&mut bytes, 0x76, low16(data.attributes >> 32));
    attributes.put(&mut bytes);
    let sum = crc32c(sum, &bytes);
    put(&mut bytes, 0x7c, low16(sum.into()));
    put(&mut bytes, 0x82, high16(sum.into()));
    Ok(bytes)
}
