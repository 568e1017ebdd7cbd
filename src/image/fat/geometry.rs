//! Where the tables are, and how large clusters are.

use super::super::error::Error;
use super::{Options, Width};

/// Bytes of a sector.
pub(super) const SECTOR: u64 = 512;
/// Tables.
pub(super) const TABLES: u64 = 2;
/// Least records of the root of FAT12 and FAT16, and most that fit its field in whole sectors.
const ROOTS: u64 = 512;
const MOST_ROOTS: u64 = 65520;
/// What a volume of no given size is rounded up to, and the most sectors that there can be.
const ROUND: u64 = 1 << 20;
const SECTORS: u64 = u32::MAX as u64;
/// Sizes of clusters.
const CLUSTERS: [u64; 7] = [512, 1024, 2048, 4096, 8192, 16384, 32768];

/// A volume's measures, in sectors where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub width: Width,
    pub sectors: u64,
    pub reserved: u64,
    /// Sectors of one table.
    pub table: u64,
    /// Records of the root, which is no chain of clusters; 0 with FAT32.
    pub roots: u64,
    /// Bytes of a cluster.
    pub cluster: u64,
    /// How many clusters there are.
    pub clusters: u64,
}

/// What is to lie in the volume.
pub(super) trait Needs {
    /// Records of the root.
    fn roots(&self) -> u64;
    /// Clusters of a size that everything takes, the root with FAT32 only.
    fn clusters(&self, cluster: u64, width: Width) -> u64;
}

impl Width {
    /// Fewest and most clusters. Readers tell widths by them; some are off by a few, which is why the edges are not used.
    fn range(self) -> (u64, u64) {
        match self {
            Self::Fat12 => (1, 4084 - 16),
            Self::Fat16 => (4085 + 16, 65524 - 16),
            Self::Fat32 => (65525 + 16, 0x0fff_fff0),
        }
    }

    /// Bytes of so many entries.
    pub fn bytes(self, entries: u64) -> u64 {
        match self {
            Self::Fat12 => (entries * 3).div_ceil(2),
            Self::Fat16 => entries * 2,
            Self::Fat32 => entries * 4,
        }
    }
}

impl Geometry {
    /// Where the root of FAT12 and FAT16 begins, in bytes.
    pub fn root(&self) -> u64 {
        (self.reserved + TABLES * self.table) * SECTOR
    }

    /// Where a cluster begins, in bytes.
    pub fn at(&self, cluster: u64) -> u64 {
        self.root() + self.roots * 32 + (cluster - 2) * self.cluster
    }

    /// The measures of a volume with clusters of a size; none if there would be too many clusters or too few.
    fn new(width: Width, sectors: u64, cluster: u64, roots: u64) -> Option<Self> {
        let reserved = if width == Width::Fat32 { 32 } else { 1 };
        let roots = if width == Width::Fat32 { 0 } else { roots };
        let data = sectors.checked_sub(reserved + roots * 32 / SECTOR)?;
        let clusters = |table: u64| data.saturating_sub(TABLES * table) / (cluster / SECTOR);
        let wanted = |table: u64| width.bytes(clusters(table) + 2).div_ceil(SECTOR);
        // Larger tables leave fewer clusters: from a table that is too large to one that is just large enough.
        let mut table = wanted(wanted(0));
        while wanted(table) > table {
            table += 1;
        }
        let (least, most) = width.range();
        let clusters = clusters(table);
        (least..=most).contains(&clusters).then_some(Self { width, sectors, reserved, table, roots, cluster, clusters })
    }

    /// The measures of a volume of so many sectors, as far as they are not asked for.
    fn of(sectors: u64, options: &Options, roots: u64) -> Option<Self> {
        let bytes = sectors * SECTOR;
        let width = options.width.unwrap_or(match bytes >> 20 {
            ..16 => Width::Fat12,
            16..512 => Width::Fat16,
            _ => Width::Fat32,
        });
        let new = |cluster: u64| Self::new(width, sectors, cluster, roots);
        if let Some(cluster) = options.cluster {
            return new(cluster.into());
        }
        let usual = match bytes >> 20 {
            _ if width != Width::Fat32 => 512,
            ..260 => 512,
            260..8192 => 4096,
            8192..16384 => 8192,
            16384..32768 => 16384,
            _ => 32768,
        };
        let larger = CLUSTERS.into_iter().filter(|cluster| *cluster >= usual).find_map(new);
        larger.or_else(|| CLUSTERS.into_iter().rev().filter(|cluster| *cluster < usual).find_map(new))
    }

    /// Measures with room for all that is needed.
    pub fn find(options: &Options, needs: &dyn Needs) -> Result<Self, Error> {
        let wrong = |option, reason| Err(Error::Option { option, reason });
        if options.cluster.is_some_and(|cluster| !CLUSTERS.contains(&cluster.into())) {
            return wrong("cluster", "a cluster has a power of two of bytes from 512 to 32768");
        }
        let roots = needs.roots().max(ROOTS).next_multiple_of(SECTOR / 32);
        let small = roots <= MOST_ROOTS;
        let too_much = |what, needed, most| Err(Error::TooMuch { what, needed, most });
        let wanted = |sectors: u64| {
            let found = Self::of(sectors, options, roots).filter(|found| small || found.width == Width::Fat32)?;
            let clusters = needs.clusters(found.cluster, found.width);
            Some((found, clusters + options.spare_bytes.div_ceil(found.cluster) * u64::from(options.size.is_none())))
        };
        if let Some(size) = options.size {
            if size == 0 || !size.is_multiple_of(SECTOR) {
                return wrong("size", "a volume has whole sectors of 512 bytes");
            }
            return match wanted(size / SECTOR) {
                _ if size / SECTOR > SECTORS => too_much("sectors of the file system", size / SECTOR, SECTORS),
                None if !small => too_much("entries of the root folder", roots, MOST_ROOTS),
                None => wrong("size", "with this width of the table there are too many clusters, or too few"),
                Some((found, needed)) if needed > found.clusters => {
                    too_much("clusters of the file system", needed, found.clusters)
                }
                Some((found, _)) => Ok(found),
            };
        }
        // What does not fit into the most and largest clusters needs no search.
        let width = options.width.unwrap_or(Width::Fat32);
        let cluster = options.cluster.map_or(CLUSTERS[6], u64::from);
        let needed = needs.clusters(cluster, width).saturating_add(options.spare_bytes.div_ceil(cluster));
        if needed > width.range().1 {
            return too_much("clusters of the file system", needed, width.range().1);
        }
        // Never less than this; what the tables and half empty clusters need is found by trying.
        let least = (needs.clusters(SECTOR, Width::Fat12) * SECTOR).saturating_add(options.spare_bytes);
        let mut size = least.min(SECTORS * SECTOR + 1).next_multiple_of(ROUND).max(ROUND);
        while size / SECTOR <= SECTORS {
            match wanted(size / SECTOR) {
                Some((found, needed)) if needed <= found.clusters => return Ok(found),
                // As much more as is missing at least, but no step so large that a smaller size is passed over.
                Some((found, needed)) => size += ((needed - found.clusters) * SECTOR).next_multiple_of(ROUND),
                None => size += ROUND,
            }
        }
        too_much("sectors of the file system", size / SECTOR, SECTORS)
    }
}
