//! El Torito: what a BIOS or a UEFI firmware boots from the disc, and what it is told of the disc.

use std::io::{self, Write};

use super::volume::head;
use super::{BLOCK, Options};
use crate::image::{Error, Kind, Tree};

/// What a BIOS boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bios {
    /// Path of the boot image in the tree: a file that is loaded as it is, without emulation of a disk.
    pub path: Vec<u8>,
    /// How much of it the BIOS loads, in units of 512 bytes: 4 as a rule.
    pub sectors: u16,
    /// What is written into it.
    pub info: Info,
}

/// What a boot image is told of the disc that it is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Info {
    /// Nothing.
    #[default]
    None,
    /// The boot information table, at byte 8, as ISOLINUX needs it.
    Table,
    /// That table, and the address of its second block at byte 2548, as GRUB needs it.
    Grub,
}

const PLATFORM_BIOS: u8 = 0;
const PLATFORM_EFI: u8 = 0xef;

impl Info {
    /// Least bytes of a boot image that has room for it.
    fn least(self) -> u64 {
        match self {
            Self::None => 1,
            Self::Table => 64,
            Self::Grub => 2556,
        }
    }
}

/// The inode of the boot image.
pub(super) fn image(tree: &Tree, options: &Options) -> Result<Option<usize>, Error> {
    let Some(bios) = &options.bios else { return Ok(None) };
    let wrong = |reason| Err(Error::Option { option: "bios", reason });
    let Some((_, number, _)) = tree.names().find(|(path, ..)| *path == bios.path) else {
        return wrong("the boot image is not in the tree");
    };
    match &tree.inodes[number].kind {
        Kind::File(content) if content.size < bios.info.least() => wrong("the boot image is too small"),
        Kind::File(content) if content.size > u64::from(u32::MAX) => wrong("the boot image is too large"),
        Kind::File(_) if bios.sectors == 0 => wrong("nothing of the boot image would be loaded"),
        Kind::File(_) => Ok(Some(number)),
        _ => wrong("the boot image is not a file"),
    }
}

/// The boot record, which leads to the catalog.
pub(super) fn record(catalog: u32) -> [u8; BLOCK] {
    let mut block = head(0);
    let name = b"EL TORITO SPECIFICATION";
    block[7..7 + name.len()].copy_from_slice(name);
    block[71..75].copy_from_slice(&catalog.to_le_bytes());
    block
}

/// The catalog of what can be booted: sectors to load and first block of what a BIOS boots; block and bytes of what a UEFI
/// firmware does.
pub(super) fn catalog(bios: Option<(u16, u32)>, efi: Option<(u32, u64)>) -> [u8; BLOCK] {
    const BOOTABLE: u8 = 0x88;
    const LAST_HEADER: u8 = 0x91;
    let entry = |sectors: u16, block: u32| {
        let mut entry = [0; 32];
        entry[0] = BOOTABLE;
        entry[6..8].copy_from_slice(&sectors.to_le_bytes());
        entry[8..12].copy_from_slice(&block.to_le_bytes());
        entry
    };
    let bios = bios.map(|(sectors, block)| entry(sectors, block));
    // A firmware takes 0 for everything up to the end of the disc (UEFI, 13.3.2.1).
    let efi = efi.map(|(block, size)| entry(u16::try_from(size.div_ceil(512)).unwrap_or(0), block));
    let mut validation = [0; 32];
    validation[0] = 1;
    validation[1] = if bios.is_some() { PLATFORM_BIOS } else { PLATFORM_EFI };
    validation[30..].copy_from_slice(&[0x55, 0xaa]);
    let sum =
        validation.chunks_exact(2).fold(0_u16, |sum, pair| sum.wrapping_add(u16::from_le_bytes([pair[0], pair[1]])));
    validation[28..30].copy_from_slice(&sum.wrapping_neg().to_le_bytes());
    let mut entries = vec![validation];
    entries.extend(bios);
    if let Some(efi) = efi {
        if bios.is_some() {
            let mut header = [0; 32];
            header[..3].copy_from_slice(&[LAST_HEADER, PLATFORM_EFI, 1]);
            entries.push(header);
        }
        entries.push(efi);
    }
    let mut block = [0; BLOCK];
    for (at, entry) in entries.iter().enumerate() {
        block[32 * at..][..32].copy_from_slice(entry);
    }
    block
}

/// Writes a boot image, and puts together what it is to be told.
pub(super) struct Informed<'a, W> {
    out: &'a mut W,
    info: Info,
    block: u32,
    at: u64,
    sum: u32,
}

impl<'a, W: Write> Informed<'a, W> {
    /// For an image that begins at `block`, where the output is.
    pub fn new(out: &'a mut W, info: Info, block: u32) -> Self {
        Self { out, info, block, at: 0, sum: 0 }
    }

    /// The boot information table, which belongs at byte 8 of the image.
    pub fn table(&self) -> Option<[u8; 56]> {
        const PRIMARY: u32 = 16;
        let mut table = [0; 56];
        for (place, number) in table.chunks_exact_mut(4).zip([PRIMARY, self.block, self.at as u32, self.sum]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        (self.info != Info::None).then_some(table)
    }
}

impl<W: Write> Write for Informed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        /// Where GRUB looks for its address.
        const GRUB: u64 = 2548;
        let mut told = bytes.to_vec();
        if self.info == Info::Grub {
            let address = (u64::from(self.block) * 4 + 5).to_le_bytes();
            for (at, byte) in (GRUB..).zip(address) {
                if let Some(place) = at.checked_sub(self.at).and_then(|at| told.get_mut(at as usize)) {
                    *place = byte;
                }
            }
        }
        let count = self.out.write(&told)?;
        for byte in &told[..count] {
            // The sum of all words from byte 64 on.
            if self.at >= 64 {
                self.sum = self.sum.wrapping_add(u32::from(*byte) << (8 * (self.at % 4)));
            }
            self.at += 1;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
