//! Which container some bytes are, told by their magic numbers.

use std::fmt;

use super::fault::Fault;
use super::listing::Listing;
use super::spool::Spool;
use super::{ar, compressed, cpio, disk, erofs, ext, fat, iso, squashfs, tar, zip};
use crate::format::{self, Codec};
use crate::fs::Content;

/// A format of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A compressed stream.
    Compressed(Codec),
    /// tar: V7, ustar, GNU or pax.
    Tar,
    /// cpio: newc, newc with checksums, or odc; several after each other, as the kernel's initramfs may be.
    Cpio,
    /// ar with System V, GNU or BSD names; a `.deb` too.
    Ar,
    /// zip, with zip64.
    Zip,
    /// A disk with an MBR or GPT partition table.
    Disk,
    /// ISO 9660 with Rock Ridge and Joliet, and El Torito.
    Iso,
    /// squashfs 4.0.
    Squashfs,
    /// EROFS.
    Erofs,
    /// ext2, ext3 or ext4.
    Ext,
    /// FAT12, FAT16 or FAT32.
    Fat,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compressed(codec) => codec.name(),
            Self::Tar => "tar archive",
            Self::Cpio => "cpio archive",
            Self::Ar => "ar archive",
            Self::Zip => "zip archive",
            Self::Disk => "disk image",
            Self::Iso => "ISO 9660 image",
            Self::Squashfs => "squashfs image",
            Self::Erofs => "EROFS image",
            Self::Ext => "ext4 image",
            Self::Fat => "FAT image",
        })
    }
}

/// Which container some content is; none if it is none that is known.
///
/// # Errors
/// It cannot be read.
pub fn detect(content: &Content) -> crate::fs::Result<Option<Kind>> {
    let head = content.bytes_at(0, 512)?;
    if let Some(codec) = Codec::detect(&head) {
        return Ok(Some(Kind::Compressed(codec)));
    }
    if let Some(kind) = archive(&head) {
        return Ok(Some(kind));
    }
    detect_image(content)
}

/// Which image some content is. Those whose magic number is long and at a place of its own come first: a boot sector is in
/// several.
fn detect_image(content: &Content) -> crate::fs::Result<Option<Kind>> {
    let (at, magic) = iso::MAGIC;
    if content.bytes_at(at, magic.len())? == magic {
        return Ok(Some(Kind::Iso));
    }
    let head = content.bytes_at(0, 2048)?;
    Ok(if head.starts_with(squashfs::MAGIC) {
        Some(Kind::Squashfs)
    } else if erofs::is_erofs(&head) {
        Some(Kind::Erofs)
    } else if ext::is_ext(&head) {
        Some(Kind::Ext)
    } else if fat::is_fat(&head) {
        Some(Kind::Fat)
    } else if disk::is_disk(&head, content.size()) {
        Some(Kind::Disk)
    } else {
        None
    })
}

impl Kind {
    /// What lies in it.
    ///
    /// # Errors
    /// It is malformed, or uses what is not read here.
    pub fn list(self, content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
        match self {
            Self::Compressed(codec) => compressed::list(codec, content, spool),
            Self::Disk => disk::list(content, spool),
            Self::Iso => iso::list(content, spool),
            Self::Squashfs => squashfs::list(content, spool),
            Self::Erofs => erofs::list(content, spool),
            Self::Ext => ext::list(content, spool),
            Self::Fat => fat::list(content, spool),
            Self::Tar => tar::list(content, spool),
            Self::Cpio => cpio::list(content, spool),
            Self::Ar => ar::list(content, spool),
            Self::Zip => zip::list(content, spool),
        }
    }
}

/// The archive that starts with `head`. Zeros alone are no tar archive here, though an empty one is nothing else: so do
/// images and any other file begin.
fn archive(head: &[u8]) -> Option<Kind> {
    let tar = tar::is_header(head) || head.get(257..262) == Some(b"ustar");
    match format::Kind::detect(head) {
        Some(format::Kind::Ar | format::Kind::Deb) => Some(Kind::Ar),
        Some(format::Kind::Cpio) => Some(Kind::Cpio),
        Some(format::Kind::Zip) => Some(Kind::Zip),
        Some(format::Kind::Tar) | None => tar.then_some(Kind::Tar),
    }
}
