//! ISO 9660: images for optical discs that boot from USB sticks as well.
//!
//! The writer gives one image three views of one set of file contents: the plain names of ECMA-119, with the names, owners,
//! devices and links of Unix beside them (Rock Ridge, RRIP 1.12 over SUSP 1.12), and on demand the names of Joliet. In
//! blocks of 2048 bytes:
//!
//! | blocks | what |
//! |---|---|
//! | 0 – 15 | the system area: MBR and GPT of a hybrid image, else zeros |
//! | 16 | primary volume descriptor |
//! | 17 | boot record (El Torito), if there is something to boot |
//! | next | Joliet's supplementary descriptor; the terminator; the boot catalog |
//! | next | path tables, little and big endian, of each view |
//! | next | folders in the order of the path table; continuation areas of Rock Ridge; Joliet's folders |
//! | next | contents of files, in the order of the tree, each inode once |
//! | next | the EFI system partition; 150 empty blocks on demand; the backup of the GPT |
//!
//! Everything but the contents is made in memory, twice: with addresses of zero, to learn the sizes, and with the true ones.
//! Nothing follows from a clock: descriptors have the time of the options, inodes their own.
//!
//! ## Names
//! ECMA-119 names have capitals, digits, `_` and one dot, 30 characters without the dot, and `;1` for files; what two names
//! of a folder have become alike is told apart by a number (`NAME_1`). Rock Ridge has the true names, up to the 253 bytes
//! that Linux reads. Joliet has 64 characters of UCS-2, or 103 against its specification; a name that it cannot have is an
//! error, and what is neither folder nor file is not in its view.
//!
//! ## Beyond the letter of the standard
//! Folders may lie deeper than eight levels and paths be longer than 255 bytes, as ISO 9660:1999 and all present readers
//! allow: there is no relocation. Files of 4 GiB and more have several extents (level 3). Names of one inode share their
//! extent and the serial number of `PX`. There are no extended attributes.
//!
//! ## Booting
//! A BIOS loads a file of the tree ([`Bios`]), a UEFI firmware a FAT file system ([`Options::efi`]) that lies behind the
//! files. A [`Hybrid`] image has a partition table too, in which that file system is the EFI system partition, so that the
//! same bytes on a USB stick boot either way.

mod boot;
mod disc;
mod folder;
mod hybrid;
mod name;
mod record;
mod rock;
#[cfg(test)]
mod tests;
mod volume;

pub use boot::{Bios, Info};
pub use disc::write;
pub use hybrid::{Address, Hybrid, Table};
pub use name::Joliet;

use crate::digest::Digest;

/// Bytes of a block.
const BLOCK: usize = 2048;

/// How an ISO 9660 image is written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The volume's name, its label: 1 to 32 characters.
    pub volume: String,
    /// The system that uses the system area: up to 32 characters.
    pub system: String,
    /// Who publishes it: up to 128 characters.
    pub publisher: String,
    /// Who prepared it: up to 128 characters.
    pub preparer: String,
    /// What it was made with or for: up to 128 characters.
    pub application: String,
    /// When the volume was made and changed, in seconds since 1970.
    pub time: u32,
    /// Whether the volume has Joliet names.
    pub joliet: Joliet,
    /// What a BIOS boots.
    pub bios: Option<Bios>,
    /// The FAT file system that a UEFI firmware boots from.
    pub efi: Option<Digest>,
    /// What makes the image a disk too.
    pub hybrid: Option<Hybrid>,
    /// Whether 150 empty blocks follow the files, for drives that read ahead over the end.
    pub padding: bool,
}
