//! From a tree to a file system.

use super::super::content::pieces;
use super::super::device::Device;
use super::super::error::{Error, Problem};
use super::super::little::{low16, low32, put};
use super::super::output::Output;
use super::super::tree::{Contents, Inode, Kind, Tree};
use super::geometry::{Geometry, Needs, SECTOR, TABLES};
use super::name::{Name, is_short, names};
use super::record::{self, FILE, FOLDER, LABEL, RECORD};
use super::{Options, Width};

/// Bytes that are left out where they are zeros.
const GRAIN: usize = 4096;
/// Most records of a folder.
const RECORDS: u64 = 65535;
/// Entries of a table that are written at once: an even number, since two of FAT12 share a byte.
const CHUNK: u64 = 1 << 16;
/// The first sector of a volume and its copy, of FAT32: after each stands what is known of free clusters.
const COPIES: [u64; 2] = [0, 6];

/// What an inode is in FAT.
struct Entry {
    name: Name,
    /// Bytes: of a folder, with all its records.
    size: u64,
    /// Where it begins: 0 for nothing.
    cluster: u64,
}

/// A tree as FAT sees it; entries by the numbers of the inodes.
struct Plan<'a> {
    tree: &'a Tree,
    label: Option<[u8; 11]>,
    entries: Vec<Entry>,
}

fn bad(path: &[u8], problem: Problem) -> Error {
    Error::Entry { path: String::from_utf8_lossy(path).into_owned(), problem }
}

impl Needs for Plan<'_> {
    fn roots(&self) -> u64 {
        self.entries.first().map_or(0, |root| root.size / RECORD)
    }

    fn clusters(&self, cluster: u64, width: Width) -> u64 {
        let skip = usize::from(width != Width::Fat32);
        self.entries.iter().skip(skip).map(|entry| entry.size.div_ceil(cluster)).sum()
    }
}

pub(super) fn write<W: Output>(
    tree: &Tree,
    contents: &dyn Contents,
    options: &Options,
    out: &mut W,
) -> Result<Vec<u64>, Error> {
    let mut plan = Plan { tree, label: label(&options.label)?, entries: Vec::with_capacity(tree.inodes.len()) };
    plan.fill()?;
    let geometry = Geometry::find(options, &plan)?;
    let ends = plan.place(&geometry);
    let serial = options.serial.unwrap_or_else(|| {
        let [a, b, c, d, ..] = tree.identifier("FAT volume");
        u32::from_le_bytes([a, b, c, d])
    });
    let mut device = Device::new(out);
    let next = ends.last().map_or(2, |end| end + 1);
    for copy in if geometry.width == Width::Fat32 { &COPIES[..] } else { &COPIES[..1] } {
        device.write(copy * SECTOR, &boot(&geometry, options, plan.label, serial))?;
        if geometry.width == Width::Fat32 {
            device.write((copy + 1) * SECTOR, &information(&geometry, next))?;
        }
    }
    for number in 0..TABLES {
        table(&mut device, &geometry, (geometry.reserved + number * geometry.table) * SECTOR, &ends)?;
    }
    let mut buffer = Vec::new();
    for (index, (inode, entry)) in tree.inodes.iter().zip(&plan.entries).enumerate() {
        let at = if entry.cluster == 0 { geometry.root() } else { geometry.at(entry.cluster) };
        match &inode.kind {
            Kind::Folder(names) => device.write(at, &plan.folder(index, names, options.time))?,
            Kind::File(content) => {
                let sector = SECTOR as usize;
                pieces(&inode.path, content, contents, sector, &mut buffer, |from, bytes| {
                    device.write_sparse(at + from, bytes, GRAIN)
                })?;
            }
            _ => {}
        }
    }
    device.finish(geometry.sectors * SECTOR)?;
    let place = |entry: &Entry| if entry.cluster == 0 { 0 } else { geometry.at(entry.cluster) };
    Ok(plan.entries.iter().map(place).collect())
}

fn label(label: &str) -> Result<Option<[u8; 11]>, Error> {
    let legal = |byte: u8| is_short(byte) || byte == b' ';
    if label.len() > 11 || !label.bytes().all(legal) || label.starts_with(' ') {
        return Err(Error::Option {
            option: "label",
            reason: "a volume label has at most 11 upper case letters, digits, spaces and some signs",
        });
    }
    let mut bytes = [b' '; 11];
    bytes[..label.len()].copy_from_slice(label.as_bytes());
    Ok((!label.is_empty()).then_some(bytes))
}

impl Plan<'_> {
    /// Names and sizes of all inodes, in which FAT can express them.
    fn fill(&mut self) -> Result<(), Error> {
        for (path, _, first) in self.tree.names() {
            if !first {
                return Err(bad(&path, Problem::Unsupported { what: "hard links" }));
            }
        }
        for inode in &self.tree.inodes {
            let unsupported = |what| Err(bad(&inode.path, Problem::Unsupported { what }));
            if !inode.meta.attributes.is_empty() {
                return unsupported("extended attributes");
            }
            let size = match &inode.kind {
                // Known when its names are.
                Kind::Folder(_) => 0,
                Kind::File(content) if content.size > u32::MAX.into() => {
                    let (value, most) = (content.size, u32::MAX.into());
                    return Err(bad(&inode.path, Problem::TooLarge { what: "a size of", value, most }));
                }
                Kind::File(content) => content.size,
                Kind::Symlink(_) => return unsupported("symbolic links"),
                Kind::Character(..) | Kind::Block(..) => return unsupported("devices"),
                Kind::Fifo => return unsupported("named pipes"),
                Kind::Socket => return unsupported("sockets"),
            };
            self.entries.push(Entry { name: Name { short: [b' '; 11], long: Vec::new() }, size, cluster: 0 });
        }
        for (index, inode) in self.tree.inodes.iter().enumerate() {
            let Kind::Folder(inside) = &inode.kind else { continue };
            let plain: Vec<&[u8]> = inside.iter().map(|(name, _)| name.as_slice()).collect();
            let path = |name: &[u8]| if index == 0 { name.to_vec() } else { [&inode.path, &b"/"[..], name].concat() };
            let named = names(&plain).map_err(|(at, problem)| {
                let problem = match problem {
                    Problem::Alike { other } => {
                        Problem::Alike { other: String::from_utf8_lossy(&path(other.as_bytes())).into_owned() }
                    }
                    problem => problem,
                };
                bad(&path(plain[at]), problem)
            })?;
            let mut records = if index == 0 { u64::from(self.label.is_some()) } else { 2 };
            for (name, (_, number)) in named.into_iter().zip(inside) {
                records += record::count(&name);
                if let Some(entry) = self.entries.get_mut(*number) {
                    entry.name = name;
                }
            }
            if records > RECORDS {
                let problem = Problem::TooLarge { what: "a count of records of", value: records, most: RECORDS };
                return Err(bad(&inode.path, problem));
            }
            self.entries[index].size = (records * RECORD).max(RECORD);
        }
        Ok(())
    }

    /// Gives everything its clusters, and says which are the last of something.
    fn place(&mut self, geometry: &Geometry) -> Vec<u64> {
        let mut ends = Vec::new();
        let mut next = 2;
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let count = entry.size.div_ceil(geometry.cluster);
            if count > 0 && (index > 0 || geometry.width == Width::Fat32) {
                entry.cluster = next;
                next += count;
                ends.push(next - 1);
            }
        }
        ends
    }

    /// The records of a folder.
    fn folder(&self, index: usize, names: &[(Vec<u8>, usize)], time: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let when = |number: usize| self.tree.inodes.get(number).map_or(0, |inode| inode.meta.time);
        if index == 0 {
            if let Some(label) = &self.label {
                bytes.extend(record::short(label, LABEL, time, 0, 0));
            }
        } else {
            let parent = self.tree.inodes[index].parent;
            // To the root leads 0, wherever it is.
            let above = if parent == 0 { 0 } else { self.entries[parent].cluster };
            bytes.extend(record::short(b".          ", FOLDER, when(index), self.entries[index].cluster, 0));
            bytes.extend(record::short(b"..         ", FOLDER, when(parent), above, 0));
        }
        for (_, number) in names {
            let (Some(entry), Some(Inode { kind, .. })) = (self.entries.get(*number), self.tree.inodes.get(*number))
            else {
                continue;
            };
            let folder = matches!(kind, Kind::Folder(_));
            let (attributes, size) = if folder { (FOLDER, 0) } else { (FILE, entry.size) };
            bytes.extend(record::long(&entry.name));
            let size = u32::from_le_bytes(low32(size));
            bytes.extend(record::short(&entry.name.short, attributes, when(*number), entry.cluster, size));
        }
        bytes
    }
}

/// Writes a table: chains of clusters in a row.
fn table<W: Output>(device: &mut Device<'_, W>, geometry: &Geometry, at: u64, ends: &[u64]) -> Result<(), Error> {
    const END: u64 = 0x0fff_ffff;
    let used = ends.last().map_or(2, |end| end + 1);
    let mut ends = ends.iter().peekable();
    let mut entry = |number: u64| match number {
        // The media descriptor; and that the volume is in order.
        0 => END << 8 & END | 0xf8,
        1 => END,
        _ if number >= used => 0,
        _ => ends.next_if_eq(&&number).map_or(number + 1, |_| END),
    };
    for start in (0..used).step_by(CHUNK as usize) {
        let mut bytes = Vec::new();
        for number in (start..used.min(start + CHUNK)).step_by(2) {
            let pair = [entry(number), entry(number + 1)];
            match geometry.width {
                Width::Fat12 => {
                    let both = pair[0] & 0xfff | (pair[1] & 0xfff) << 12;
                    bytes.extend(&low32(both)[..3]);
                }
                Width::Fat16 => bytes.extend(pair.map(low16).concat()),
                Width::Fat32 => bytes.extend(pair.map(low32).concat()),
            }
        }
        device.write(at + geometry.width.bytes(start), &bytes)?;
    }
    Ok(())
}

/// The first sector.
fn boot(geometry: &Geometry, options: &Options, label: Option<[u8; 11]>, serial: u32) -> [u8; SECTOR as usize] {
    let mut bytes = [0; SECTOR as usize];
    let large = geometry.width == Width::Fat32;
    let few = !large && geometry.sectors < 0x1_0000;
    for (at, value) in [
        (11, SECTOR),
        (14, geometry.reserved),
        (17, geometry.roots),
        (19, if few { geometry.sectors } else { 0 }),
        (22, if large { 0 } else { geometry.table }),
        // What disks have pretended to be made of since there is no such thing.
        (24, 63),
        (26, 255),
    ] {
        put(&mut bytes, at, low16(value));
    }
    bytes[3..11].copy_from_slice(b"repro   ");
    let sectors = low16(geometry.cluster / SECTOR);
    (bytes[13], bytes[16], bytes[21]) = (sectors[0], TABLES as u8, 0xf8);
    put(&mut bytes, 28, options.hidden_sectors.to_le_bytes());
    put(&mut bytes, 32, if few { [0; 4] } else { low32(geometry.sectors) });
    let more = if large { 64 } else { 36 };
    if large {
        put(&mut bytes, 36, low32(geometry.table));
        // The root's cluster, and the sectors of what is known of free clusters and of the copy.
        for (at, value) in [(44, 2), (48, 1), (50, COPIES[1])] {
            put(&mut bytes, at, low16(value));
        }
    }
    // A hard disk; serial number, label and type follow.
    (bytes[more], bytes[more + 2]) = (0x80, 0x29);
    put(&mut bytes, more + 3, serial.to_le_bytes());
    put(&mut bytes, more + 7, label.unwrap_or(*b"NO NAME    "));
    let kind = match geometry.width {
        Width::Fat12 => b"FAT12   ",
        Width::Fat16 => b"FAT16   ",
        Width::Fat32 => b"FAT32   ",
    };
    put(&mut bytes, more + 18, *kind);
    // Code: a jump over all this to asking the firmware for another device (int 0x18), and a halt.
    let code = more + 26;
    put(&mut bytes, 0, [0xeb, low16(code as u64 - 2)[0], 0x90]);
    put(&mut bytes, code, [0xcd, 0x18, 0xf4, 0xeb, 0xfd]);
    put(&mut bytes, 510, [0x55, 0xaa]);
    bytes
}

/// What is known of free clusters.
fn information(geometry: &Geometry, next: u64) -> [u8; SECTOR as usize] {
    let mut bytes = [0; SECTOR as usize];
    let free = geometry.clusters + 2 - next;
    put(&mut bytes, 0, *b"RRaA");
    put(&mut bytes, 484, *b"rrAa");
    put(&mut bytes, 488, low32(free));
    put(&mut bytes, 492, if free == 0 { [0xff; 4] } else { low32(next) });
    put(&mut bytes, 510, [0x55, 0xaa]);
    bytes
}
