//! Disks: a table of partitions, GPT or MBR.
//!
//! Sources: UEFI specification 2.10, chapter 5; little-endian. Sectors have 512 bytes.
//!
//! # Layout
//! A [`Layout`] says which partitions there are, and [`Layout::places`] where each of them lies: where it is asked for, or at
//! the next whole MiB behind those before it. [`write()`] writes the tables only; what is in the partitions is written after
//! that, through a [`Window`](super::Window) at each place. So an image is made in one go, without loop devices.
//!
//! GPT: 128 entries, in front from sector 2 on and once more at the end of the disk. The MBR has one partition of type 0xee
//! around everything, and code if there is some. Partitions that state an MBR type, too, are shown in both tables
//! (hybrid): then 0xee protects the table, and only what lies before the first of them. That is for firmware that starts from
//! disks by their MBR only; the tables say the same, but whoever changes one has to change the other.
//!
//! # Limits
//! MBR: four partitions (three, if hybrid) below 2 TiB; none that are logical. GPT: 128 partitions with names of 36 units of
//! UTF-16.

mod gpt;
mod guid;
mod mbr;
#[cfg(test)]
mod tests;

use super::device::Device;
use super::error::Error;
use super::output::Output;

pub use guid::Guid;

/// Bytes of a sector.
const SECTOR: u64 = 512;
/// Where partitions begin, and what a disk of no given size is rounded up to.
const ALIGN: u64 = 1 << 20;

/// Which table there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    /// MBR alone.
    Mbr,
    /// GPT, with the identifier of the disk.
    Gpt(Guid),
}

/// How a partition stands in an MBR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MbrEntry {
    /// Its type: 0x83 for Linux, 0x0c for FAT32, 0xef for an EFI system partition.
    pub kind: u8,
    /// Whether it is the one to start from.
    pub active: bool,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its type in a GPT; ignored without.
    pub kind: Guid,
    /// Its identifier in a GPT; ignored without.
    pub id: Guid,
    /// Its name in a GPT; ignored without.
    pub name: String,
    /// Whether firmware without UEFI may start from it: attribute bit 2 of a GPT; ignored without.
    pub legacy_boot: bool,
    /// How it stands in the MBR: has to be there without a GPT, and makes a GPT's MBR hybrid.
    pub mbr: Option<MbrEntry>,
    /// Its first byte. None: the next whole MiB behind the partitions before it in the list.
    pub start: Option<u64>,
    /// Bytes; rounded up to whole sectors.
    pub size: u64,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Which table there is.
    pub table: Table,
    /// Bytes of the disk, in whole sectors. None: as few as hold the partitions, rounded up to 1 MiB.
    pub size: Option<u64>,
    /// Code at the start of the first sector: at most 440 bytes.
    pub boot_code: Vec<u8>,
    /// By which an MBR is known; 0 is usual with a GPT.
    pub signature: u32,
    /// The partitions, in the order of the table.
    pub partitions: Vec<Partition>,
}

/// Where a partition lies, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its first.
    pub start: u64,
    /// How many: whole sectors.
    pub size: u64,
}

impl Layout {
    /// Where the partitions lie, in their order, and how many bytes the disk has.
    ///
    /// # Errors
    /// The layout cannot be: partitions overlap each other or the tables, do not fit, or are such as the table does not have.
    pub fn places(&self) -> Result<(Vec<Place>, u64), Error> {
        let wrong = |option, reason| Err(Error::Option { option, reason });
        if self.boot_code.len() > mbr::CODE {
            return wrong("boot_code", "there is room for 440 bytes of code");
        }
        let (before, behind) = match self.table {
            Table::Mbr => (SECTOR, 0),
            Table::Gpt(_) => ((2 + gpt::SECTORS) * SECTOR, (1 + gpt::SECTORS) * SECTOR),
        };
        let too_much = |needed, most| Err(Error::TooMuch { what: "bytes of the disk", needed, most });
        let mut places = Vec::with_capacity(self.partitions.len());
        // No sum below is near the end of what 64 bits hold.
        let most = self.size.unwrap_or(1 << 62).min(1 << 62);
        let mut next = before;
        for (number, partition) in (1..).zip(&self.partitions) {
            let wrong = |reason| Err(Error::Partition { number, reason });
            let start = partition.start.unwrap_or_else(|| next.next_multiple_of(ALIGN));
            if !start.is_multiple_of(SECTOR) {
                return wrong("it does not begin at a whole sector");
            }
            if partition.size == 0 {
                return wrong("it is empty");
            }
            if start < before {
                return wrong("it begins within the table");
            }
            let size = partition.size.div_ceil(SECTOR).saturating_mul(SECTOR);
            let end = start.saturating_add(size);
            if end > most - behind.min(most) {
                return too_much(end.saturating_add(behind), most);
            }
            let overlaps = |other: &Place| start < other.start + other.size && other.start < end;
            if places.iter().any(overlaps) {
                return wrong("it overlaps another");
            }
            next = next.max(end);
            places.push(Place { start, size });
        }
        let size = match self.size {
            Some(size) if size == 0 || !size.is_multiple_of(SECTOR) => {
                return wrong("size", "a disk has whole sectors of 512 bytes");
            }
            Some(size) if next + behind > size => return too_much(next + behind, size),
            Some(size) => size,
            None => (next + behind).next_multiple_of(ALIGN),
        };
        match self.table {
            Table::Mbr => mbr::check(&self.partitions, &places, 4)?,
            Table::Gpt(_) => {
                gpt::check(&self.partitions)?;
                mbr::check(&self.partitions, &places, 3)?;
            }
        }
        Ok((places, size))
    }
}

/// Writes the tables of a disk, and gives back where the partitions' contents are to be written now. The output is as long as
/// the disk afterwards, and the partitions are holes.
///
/// # Errors
/// The layout cannot be, or the output cannot be written.
pub fn write<W: Output>(layout: &Layout, out: &mut W) -> Result<Vec<Place>, Error> {
    let (places, size) = layout.places()?;
    let mut device = Device::new(out);
    device.write(0, &mbr::encode(layout, &places, size / SECTOR))?;
    if let Table::Gpt(disk) = &layout.table {
        let entries = gpt::entries(&layout.partitions, &places);
        let last = size / SECTOR - 1;
        device.write(SECTOR, &gpt::header(disk, &entries, last, true))?;
        device.write(2 * SECTOR, &entries)?;
        device.write((last - gpt::SECTORS) * SECTOR, &entries)?;
        device.write(last * SECTOR, &gpt::header(disk, &entries, last, false))?;
    }
    device.finish(size)?;
    Ok(places)
}
