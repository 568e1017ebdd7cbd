//! Boot code for BIOS firmware: what an image's writer fills in.
//!
//! The stage `bootcode` makes three files, and `stages/bootcode/loader.s` and `start.s` say what is in them: `mbr.bin` for
//! the first sector of a disk, `loader.bin` for anywhere on it, and `cd.bin` for an optical disc, which is a first part
//! of its own with the same loader behind it. None of them knows a file system. So a writer that knows where everything
//! lies
//!
//! 1. tells the loader which sectors hold kernel and initramfs ([`patch_loader`], for `loader.bin` and `cd.bin` alike),
//! 2. tells `mbr.bin` where the loader is ([`patch_mbr`]), or `cd.bin` where it is itself ([`patch_disc`], which comes last:
//!    it also writes the sum of the rest).
//!
//! An ISO image that shall boot from a stick too needs no second loader: its first sector holds `mbr.bin`, pointed at the
//! loader within `cd.bin` ([`DISC_LOADER`]).
//!
//! All sectors here have 512 bytes. Drives of optical discs read four at once: see [`patch_loader`].

use super::error::Error;

/// Bytes of a sector.
const SECTOR: u64 = 512;
/// Sectors of 512 bytes in a sector of an optical disc.
const DISC_SECTORS: u64 = 4;
/// How many sectors of 512 bytes the loader begins behind the start of `cd.bin`.
pub const DISC_LOADER: u64 = 4;

/// Where `mbr.bin` has its disk address packet (`start.s`), and its length: up to the end of the code.
const PACKET: usize = 424;
const MBR: usize = 440;
/// The loader is read to here at once; firmware reads at most 127 sectors, and the kernel's memory begins at 64 KiB.
const LOADER_ADDRESS: u16 = 0x9000;
const MOST_LOADER_SECTORS: u16 = (0x1_0000 - LOADER_ADDRESS as u32) as u16 / SECTOR as u16;

/// The header of the loader (`loader.s`): what is where.
const MAGIC: (usize, &[u8]) = (16, b"repro-bl");
const VERSION: (usize, u16) = (24, 1);
const ROOM: usize = 26;
const COUNTS: usize = 28;
const SIZES: usize = 32;
const COMMAND_LINE: usize = 48;
const COMMAND_LINE_BYTES: usize = 1024;
const EXTENTS: usize = COMMAND_LINE + COMMAND_LINE_BYTES;
const EXTENT_BYTES: usize = 12;

/// The boot information table of an El Torito image: a table of 56 bytes, and the sum is of what follows it.
const TABLE: usize = 8;
const TABLE_END: usize = 64;
/// Where a disc's primary volume descriptor always is (ECMA-119, 6.2.1).
const VOLUME_DESCRIPTOR: u32 = 16;

/// Sectors in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The first one, counted from the start of the disk.
    pub first: u64,
    /// How many.
    pub sectors: u32,
}

/// A file as sectors of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed<'a> {
    /// Where its bytes are, in their order. What is in the last sectors behind the file's end does not matter.
    pub extents: &'a [Extent],
    /// Its size in bytes.
    pub size: u64,
}

impl Placed<'_> {
    /// No file.
    pub const NONE: Self = Self { extents: &[], size: 0 };

    fn check(&self, option: &'static str, step: u64) -> Result<(), Error> {
        let refuse = |reason| Err(Error::Option { option, reason });
        let mut held = 0;
        for (number, extent) in self.extents.iter().enumerate() {
            let (first, sectors) = (extent.first, u64::from(extent.sectors));
            if sectors == 0 || first.checked_add(sectors).is_none() {
                return refuse("an extent is empty, or ends beyond what 64 bits count");
            }
            if first % step != 0 || (sectors % step != 0 && number + 1 < self.extents.len()) {
                return refuse("an extent does not begin and end with a sector of the disc");
            }
            held += sectors * SECTOR;
        }
        if self.size > u64::from(u32::MAX) {
            return Err(Error::TooMuch { what: "a file that is booted", needed: self.size, most: u32::MAX.into() });
        }
        // The loader would not look at extents that it does not need, but then somebody has counted wrongly.
        if held < self.size || (self.size == 0) != self.extents.is_empty() {
            return refuse("the extents do not hold the file");
        }
        Ok(())
    }
}

fn get<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Puts `value` at `at`, which is known to be inside of `bytes`.
fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

/// Tells `mbr`, which is `mbr.bin` or a first sector that begins with it, where the loader is: its first sector, and how
/// many it has.
///
/// # Errors
/// It is not that code, or a loader cannot have so many sectors.
pub fn patch_mbr(mbr: &mut [u8], loader: u64, sectors: u16) -> Result<(), Error> {
    let address = LOADER_ADDRESS.to_le_bytes();
    let fits = mbr.len() >= MBR
        && get(mbr, PACKET) == Some(16_u16.to_le_bytes())
        && get(mbr, PACKET + 4) == Some([address[0], address[1], 0, 0]);
    if !fits {
        return Err(Error::Option { option: "mbr", reason: "this is not the first part of the boot code" });
    }
    if !(1..=MOST_LOADER_SECTORS).contains(&sectors) {
        let (what, most) = ("sectors of the boot loader", MOST_LOADER_SECTORS.into());
        return Err(Error::TooMuch { what, needed: sectors.into(), most });
    }
    put(mbr, PACKET + 2, sectors.to_le_bytes());
    put(mbr, PACKET + 8, loader.to_le_bytes());
    Ok(())
}

/// Tells `cd.bin` where it is itself: its first sector, of 2048 bytes as all of a disc. Nothing in it may be changed
/// after that.
///
/// # Errors
/// It is not that code.
pub fn patch_disc(disc: &mut [u8], first: u32) -> Result<(), Error> {
    let wrong = Error::Option { option: "cd", reason: "this is not boot code for a disc" };
    let size = match u32::try_from(disc.len()) {
        Ok(size) if header_of(disc) == Some(DISC_HEADER) => size,
        _ => return Err(wrong),
    };
    let mut sum = 0_u32;
    for word in disc[TABLE_END..].chunks(4) {
        let mut bytes = [0; 4];
        bytes[..word.len()].copy_from_slice(word);
        sum = sum.wrapping_add(u32::from_le_bytes(bytes));
    }
    disc[TABLE..TABLE_END].fill(0);
    for (number, value) in [VOLUME_DESCRIPTOR, first, size, sum].into_iter().enumerate() {
        put(disc, TABLE + number * 4, value.to_le_bytes());
    }
    Ok(())
}

/// Where the loader begins in `cd.bin`.
const DISC_HEADER: usize = (DISC_LOADER * SECTOR) as usize;

/// Where the loader begins: at the start, or behind a disc's first part.
fn header_of(bytes: &[u8]) -> Option<usize> {
    [0, DISC_HEADER].into_iter().find(|at| bytes.get(at + MAGIC.0..).is_some_and(|rest| rest.starts_with(MAGIC.1)))
}

/// The loader (`loader.bin`, or `cd.bin` with it) with what it shall load: kernel, initramfs (or [`Placed::NONE`]), and
/// the kernel's command line. What was patched before is replaced.
///
/// For `cd.bin` each extent begins at a multiple of four sectors and has such a number of them, but for a file's last.
///
/// # Errors
/// It is no such loader; the extents do not hold the files, or are too many; the command line is too long, or holds a
/// zero byte.
pub fn patch_loader(
    loader: &[u8],
    kernel: Placed<'_>,
    initramfs: Placed<'_>,
    command_line: &str,
) -> Result<Vec<u8>, Error> {
    let wrong = |reason| Error::Option { option: "loader", reason };
    let base = header_of(loader).ok_or_else(|| wrong("this is no boot loader"))?;
    let mut patched = loader.to_vec();
    let header = &mut patched[base..];
    if get(header, VERSION.0) != Some(VERSION.1.to_le_bytes()) {
        return Err(wrong("its header has another version"));
    }
    let room = usize::from(get(header, ROOM).map_or(0, u16::from_le_bytes));
    if header.len() < EXTENTS + room * EXTENT_BYTES {
        return Err(wrong("it is shorter than its header says"));
    }

    let step = if base == 0 { 1 } else { DISC_SECTORS };
    kernel.check("kernel", step)?;
    initramfs.check("initramfs", step)?;
    if kernel.size == 0 {
        return Err(Error::Option { option: "kernel", reason: "it is empty" });
    }
    let count = kernel.extents.len() + initramfs.extents.len();
    if count > room {
        let what = "pieces that kernel and initramfs lie in";
        return Err(Error::TooMuch { what, needed: count as u64, most: room as u64 });
    }
    let text = command_line.as_bytes();
    if text.len() >= COMMAND_LINE_BYTES {
        let (needed, most) = (text.len() as u64, COMMAND_LINE_BYTES as u64 - 1);
        return Err(Error::TooMuch { what: "bytes of the command line", needed, most });
    }
    if text.contains(&0) {
        return Err(Error::Option { option: "command line", reason: "a zero byte would end it" });
    }

    header[COUNTS..EXTENTS + room * EXTENT_BYTES].fill(0);
    for (number, file) in [kernel, initramfs].into_iter().enumerate() {
        // Both casts hold: `room` has 16 bits, and the sizes were looked at.
        put(header, COUNTS + number * 2, (file.extents.len() as u16).to_le_bytes());
        put(header, SIZES + number * 4, (file.size as u32).to_le_bytes());
    }
    header[COMMAND_LINE..COMMAND_LINE + text.len()].copy_from_slice(text);
    for (number, extent) in kernel.extents.iter().chain(initramfs.extents).enumerate() {
        let at = EXTENTS + number * EXTENT_BYTES;
        put(header, at, extent.first.to_le_bytes());
        put(header, at + 8, extent.sectors.to_le_bytes());
    }
    Ok(patched)
}

#[cfg(test)]
#[path = "boot_tests.rs"]
mod tests;
