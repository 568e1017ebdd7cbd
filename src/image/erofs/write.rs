//! The whole image.

use std::io::SeekFrom;

use super::super::content::{Content, is_zero};
use super::super::crc::crc32c;
use super::super::error::{Error, Problem};
use super::super::output::Output;
use super::super::tree::{Contents, Inode, Kind, Tree};
use super::layout::Layout;
use super::room::SLOT;
use super::{BLOCK, folder, inode};
use crate::digest::Digest;

/// Where the superblock begins.
const HEAD: usize = 1024;
/// Where its checksum is, in it.
const SUM: usize = 4;
const MAGIC: u32 = 0xe0f5_e1e2;
// What readers may ignore: there is a checksum, and the times of inodes are those of modification.
const SUMMED: u32 = 1;
const MODIFIED: u32 = 2;
/// How many bytes of a file are in memory.
const PIECE: usize = 256 << 10;

/// How an image is written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file system's identifier.
    pub uuid: [u8; 16],
    /// The time at which the file system is said to have been made, in seconds since 1970. Inodes with that time are
    /// smaller.
    pub time: u32,
}

/// Writes an EROFS image of the tree.
///
/// # Errors
/// The format has no room for an entry, the bytes of a file cannot be read or are not as many as stated, or the output
/// fails.
pub fn write<W: Output>(tree: &Tree, contents: &dyn Contents, options: &Options, out: &mut W) -> Result<(), Error> {
    let (needed, most) = (tree.inodes.len() as u64, u32::MAX.into());
    if needed > most {
        return Err(Error::TooMuch { what: "inodes", needed, most });
    }
    if tree.inodes.is_empty() {
        return Err(Error::of(b"", Problem::Orphan));
    }
    let layout = Layout::new(tree, options.time)?;
    let mut image = Image { out, at: 0, end: 0 };
    // A place that cannot be reached is an error for all of them.
    image.put(0, &superblock(tree, &layout, options))?;
    image.put(layout.attributes * BLOCK, &layout.shared.bytes)?;
    for (place, inode) in tree.inodes.iter().enumerate() {
        let spot = &layout.spots[place];
        let attributes = layout.shared.of(inode)?;
        image.put(spot.at, &inode::bytes(inode, place, spot, &attributes, options.time)?)?;
        let data = match &inode.kind {
            Kind::Folder(entries) => folder::bytes(&tree.inodes, place, entries, |of| layout.spots[of].at / SLOT),
            Kind::Symlink(to) => to.clone(),
            Kind::File(digest) => {
                let first = layout.same.get(digest).and_then(|files| files.first()) == Some(&place);
                if first {
                    image.file(contents, inode, digest, &layout)?;
                }
                continue;
            }
            _ => continue,
        };
        let (blocks, tail) = data.split_at(data.len() - spot.tail() as usize);
        image.put(spot.block * BLOCK, blocks)?;
        image.put(spot.at + spot.head, tail)?;
    }
    image.finish(layout.blocks * BLOCK)
}

fn superblock(tree: &Tree, layout: &Layout<'_>, options: &Options) -> Vec<u8> {
    let mut bytes = vec![0; HEAD];
    let mut put = |part: &[u8]| bytes.extend(part);
    put(&MAGIC.to_le_bytes());
    put(&0_u32.to_le_bytes());
    put(&(SUMMED | MODIFIED).to_le_bytes());
    put(&[BLOCK.ilog2() as u8, 0]);
    // The numbers of inodes count from the image's beginning, and the root's is 128.
    put(&((layout.spots[0].at / SLOT) as u16).to_le_bytes());
    put(&(tree.inodes.len() as u64).to_le_bytes());
    put(&u64::from(options.time).to_le_bytes());
    put(&0_u32.to_le_bytes());
    // The layout has seen to it that blocks are counted in 32 bits.
    put(&(layout.blocks as u32).to_le_bytes());
    put(&0_u32.to_le_bytes());
    put(&(layout.attributes as u32).to_le_bytes());
    put(&options.uuid);
    bytes.resize(BLOCK as usize, 0);
    let sum = crc32c(u32::MAX, &bytes[HEAD..]);
    bytes[HEAD + SUM..HEAD + SUM + 4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

struct Image<'a, W> {
    out: &'a mut W,
    /// Where the output is.
    at: u64,
    /// Where what was written ends.
    end: u64,
}

impl<W: Output> Image<'_, W> {
    fn put(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let failed = |source| Error::Write { source };
        if at != self.at {
            self.out.seek(SeekFrom::Start(at)).map_err(failed)?;
        }
        self.out.write_all(bytes).map_err(failed)?;
        self.at = at + bytes.len() as u64;
        self.end = self.end.max(self.at);
        Ok(())
    }

    /// The bytes of all files with this digest.
    fn file(
        &mut self,
        contents: &dyn Contents,
        inode: &Inode,
        digest: &Digest,
        layout: &Layout<'_>,
    ) -> Result<(), Error> {
        let files = layout.same.get(digest).map(Vec::as_slice).unwrap_or_default();
        let Some(spot) = files.first().map(|first| &layout.spots[*first]) else { return Ok(()) };
        let mut content = Content::open(contents, &inode.path, digest)?;
        let mut at = spot.block * BLOCK;
        let mut piece = Vec::new();
        while content.left() > spot.tail() {
            piece.clear();
            let count = (content.left() - spot.tail()).min(PIECE as u64);
            content.read(count as usize, &mut piece)?;
            if !is_zero(&piece) {
                self.put(at, &piece)?;
            }
            at += count;
        }
        piece.clear();
        content.read(spot.tail() as usize, &mut piece)?;
        for file in files {
            let spot = &layout.spots[*file];
            self.put(spot.at + spot.head, &piece)?;
        }
        content.end()
    }

    /// Makes the image so long.
    fn finish(&mut self, size: u64) -> Result<(), Error> {
        if self.end < size {
            self.put(size - 1, &[0])?;
        }
        self.out.flush().map_err(|source| Error::Write { source })
    }
}
