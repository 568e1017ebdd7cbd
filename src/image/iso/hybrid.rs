//! The system area: partition tables that make the image a disk.
//!
//! Disks are counted in blocks of 512 bytes. A GPT has one partition of the volume's own data and, behind it, the EFI
//! system partition; the protective MBR has one entry of all, as UEFI demands, and if there is boot code, an active entry of
//! the first block, without which some BIOSes do not start it. An MBR alone has one active entry of the whole volume, from
//! block 0, where ISOLINUX's code looks for it, and one of the EFI system partition inside of it.

use super::BLOCK;
use crate::image::Error;

/// Bytes of a disk's block.
const SECTOR: u64 = 512;
/// Bytes of boot code in front of a disk's identifier.
const CODE: usize = 440;
/// Entries of a GPT, and the bytes of each.
const ENTRIES: usize = 128;
const ENTRY: usize = 128;
/// Disk blocks of a GPT's entries and of its header.
const BACKUP: u64 = 33;
/// Blocks at the end of a volume that the backup of a GPT takes.
pub(super) const TAIL: u64 = (BACKUP * SECTOR).div_ceil(BLOCK as u64);
/// The first disk block after the system area.
const DATA: u64 = 16 * BLOCK as u64 / SECTOR;

/// What makes an image a disk too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hybrid {
    /// The partition table.
    pub table: Table,
    /// Boot code for a BIOS, up to 440 bytes; none if it is empty.
    pub code: Vec<u8>,
    /// What the boot code is told.
    pub address: Address,
}

/// A partition table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    /// GPT, with identifiers of the disk, of the volume's data, and of the EFI system partition: UUIDs as RFC 9562 orders
    /// their bytes.
    Gpt {
        /// The disk's.
        disk: [u8; 16],
        /// The partitions'.
        partitions: [[u8; 16]; 2],
    },
    /// MBR, with the disk's identifier.
    Mbr {
        /// The identifier.
        disk: u32,
    },
}

/// Where boot code finds the address of the image that a BIOS boots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Address {
    /// It needs none.
    #[default]
    None,
    /// At byte 432, as ISOLINUX's code wants it: the image's first disk block.
    Isolinux,
    /// At byte 432, as GRUB's code wants it: the image's fifth disk block, behind what only discs need.
    Grub,
}

/// What lies where, in blocks of the volume.
pub(super) struct Places {
    /// Blocks of the volume.
    pub blocks: u32,
    /// First block of what a BIOS boots.
    pub bios: Option<u32>,
    /// First block and bytes of the EFI system partition.
    pub efi: Option<(u32, u64)>,
}

/// A partition: type, identifier, first and last disk block, name.
type Partition = ([u8; 16], [u8; 16], u64, u64, &'static str);

const LINUX_DATA: [u8; 16] = 0x0fc6_3daf_8483_4772_8e79_3d69_d847_7de4_u128.to_be_bytes();
const EFI_SYSTEM: [u8; 16] = 0xc12a_7328_f81f_11d2_ba4b_00a0_c93e_c93b_u128.to_be_bytes();

impl Hybrid {
    /// Complains of what is not possible.
    pub(super) fn check(&self, has_bios: bool) -> Result<(), Error> {
        let wrong = |reason| Err(Error::Option { option: "hybrid", reason });
        let most = if self.address == Address::None { CODE } else { 432 };
        if self.code.len() > CODE || self.code.get(most..).is_some_and(|rest| rest.iter().any(|byte| *byte != 0)) {
            return wrong("boot code has up to 440 bytes, or 432 and an address");
        }
        if self.address != Address::None && !has_bios {
            return wrong("there is nothing for a BIOS to boot");
        }
        Ok(())
    }

    /// Whether the end of the volume has a copy of the table.
    pub(super) fn has_backup(&self) -> bool {
        matches!(self.table, Table::Gpt { .. })
    }

    /// What the system area has, and what the end of the volume.
    pub(super) fn bytes(&self, places: &Places) -> (Vec<u8>, Vec<u8>) {
        let disk_blocks = u64::from(places.blocks) * (BLOCK as u64 / SECTOR);
        let efi = places.efi.map(|(block, size)| {
            let first = u64::from(block) * 4;
            (first, first + size.div_ceil(BLOCK as u64) * 4 - 1)
        });
        let mut start = self.code.clone();
        start.resize(SECTOR as usize, 0);
        let told = places.bios.map(u64::from).and_then(|block| match self.address {
            Address::None => None,
            Address::Isolinux => Some(block * 4),
            Address::Grub => Some(block * 4 + 4),
        });
        if let Some(address) = told {
            start[432..CODE].copy_from_slice(&address.to_le_bytes());
        }
        start[510..].copy_from_slice(&[0x55, 0xaa]);
        let mut put = |at: usize, active: bool, kind: u8, first: u64, count: u64| {
            let entry = &mut start[446 + 16 * at..][..16];
            entry[0] = if active { 0x80 } else { 0 };
            entry[1..4].copy_from_slice(&cylinder(first));
            entry[4] = kind;
            entry[5..8].copy_from_slice(&cylinder(first + count - 1));
            entry[8..12].copy_from_slice(&saturated(first).to_le_bytes());
            entry[12..].copy_from_slice(&saturated(count).to_le_bytes());
        };
        match &self.table {
            Table::Mbr { disk } => {
                const HIDDEN: u8 = 0x17;
                const EFI: u8 = 0xef;
                put(0, true, HIDDEN, 0, disk_blocks);
                if let Some((first, last)) = efi {
                    put(1, false, EFI, first, last - first + 1);
                }
                start[CODE..CODE + 4].copy_from_slice(&disk.to_le_bytes());
                (start, Vec::new())
            }
            Table::Gpt { disk, partitions } => {
                const PROTECTIVE: u8 = 0xee;
                put(0, false, PROTECTIVE, 1, disk_blocks - 1);
                if !self.code.is_empty() {
                    put(1, true, 0, 0, 1);
                }
                let end = efi.map_or(disk_blocks - TAIL * 4, |(first, _)| first);
                let mut list: Vec<Partition> = vec![(LINUX_DATA, partitions[0], DATA, end - 1, "ISO9660")];
                list.extend(efi.map(|(first, last)| (EFI_SYSTEM, partitions[1], first, last, "EFI system")));
                let entries = entries(&list);
                let last = disk_blocks - 1;
                start.extend(header(disk, &entries, 1, last, 2));
                start.extend(&entries);
                let mut tail = entries.clone();
                tail.extend(header(disk, &entries, last, 1, last + 1 - BACKUP));
                (start, tail)
            }
        }
    }
}

fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A block as head, sector and cylinder, of a disk with 255 heads and 63 sectors; what is beyond has the largest.
fn cylinder(block: u64) -> [u8; 3] {
    let (sector, head, cylinder) = (block % 63 + 1, block / 63 % 255, block / (63 * 255));
    if cylinder > 1023 {
        return [0xfe, 0xff, 0xff];
    }
    [head as u8, (sector | cylinder >> 8 << 6) as u8, cylinder as u8]
}

/// A UUID as GPT orders its bytes.
fn mixed(uuid: &[u8; 16]) -> [u8; 16] {
    let mut bytes = *uuid;
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

fn entries(partitions: &[Partition]) -> Vec<u8> {
    let mut bytes = vec![0; ENTRIES * ENTRY];
    for ((kind, id, first, last, name), entry) in partitions.iter().zip(bytes.chunks_exact_mut(ENTRY)) {
        entry[..16].copy_from_slice(&mixed(kind));
        entry[16..32].copy_from_slice(&mixed(id));
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
        for (place, unit) in entry[56..].chunks_exact_mut(2).zip(name.encode_utf16()) {
            place.copy_from_slice(&unit.to_le_bytes());
        }
    }
    bytes
}

/// A GPT's header (UEFI, 5.3.2), filled up to a disk block.
fn header(disk: &[u8; 16], entries: &[u8], here: u64, other: u64, table: u64) -> Vec<u8> {
    const SIZE: u32 = 92;
    let last_usable = here.max(other) - BACKUP;
    let mut bytes = b"EFI PART\0\0\x01\0".to_vec();
    bytes.extend(SIZE.to_le_bytes());
    bytes.extend([0; 8]);
    for number in [here, other, DATA, last_usable] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(mixed(disk));
    bytes.extend(table.to_le_bytes());
    bytes.extend((ENTRIES as u32).to_le_bytes());
    bytes.extend((ENTRY as u32).to_le_bytes());
    bytes.extend(crc(entries));
    let sum = crc(&bytes);
    bytes[16..20].copy_from_slice(&sum);
    bytes.resize(SECTOR as usize, 0);
    bytes
}
