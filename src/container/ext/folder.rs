//! Directories. Hashed ones look like others: their index lies where those have an entry that is not used.

use super::super::fault::Fault;
use super::super::listing::text;
use super::super::raw::{le_u16, le_u32};
use super::Ext;
use super::inode::Inode;

/// A name in a directory.
pub(super) struct Name {
    pub name: String,
    pub inode: u32,
    /// How many bytes its record has, where these are more than it needs.
    pub length: Option<u32>,
}

impl Ext<'_> {
    /// The names in a directory, in its order, without `.` and `..`.
    pub(super) fn folder(&mut self, path: &str, inode: &Inode) -> Result<Vec<Name>, Fault> {
        let mut names = Vec::new();
        if inode.is_inline() {
            // The parent's number takes the place of `.` and `..`.
            let map = inode.map().to_vec();
            self.block_of_names(path, map.get(4..).unwrap_or_default(), None, &mut names)?;
            if let Some(rest) = self.inline_rest(inode)? {
                self.block_of_names(path, &rest.bytes_at(0, 1 << 16)?, None, &mut names)?;
            }
            return Ok(names);
        }
        let mut ranges = Vec::new();
        for extent in self.folders.remove(&inode.number).unwrap_or_default() {
            self.image.folder(extent.count.saturating_mul(self.block))?;
            for index in 0..extent.count {
                let at = extent.at.saturating_add(index).saturating_mul(self.block);
                self.image.spool.check()?;
                let block = self.image.bytes(at, usize::try_from(self.block).unwrap_or(0), "a directory")?;
                self.block_of_names(path, &block, Some(at), &mut names)?;
            }
            ranges.push((extent.at.saturating_mul(self.block), extent.count.saturating_mul(self.block)));
        }
        let shown = if path.is_empty() { "." } else { path };
        self.image.cover.name(format!("directory {shown}"), &ranges);
        Ok(names)
    }

    /// Reads the records of one block; `at` is where it lies, if not in an inode.
    fn block_of_names(
        &mut self,
        path: &str,
        block: &[u8],
        at: Option<u64>,
        names: &mut Vec<Name>,
    ) -> Result<(), Fault> {
        let bad = || Fault::malformed(format!("the directory `{path}` is broken"));
        let mut done = 0;
        while done < block.len() {
            let inode = le_u32(block, done).ok_or_else(bad)?;
            let stated = usize::from(le_u16(block, done + 4).ok_or_else(bad)?);
            // What fills a block of 64 KiB does not fit into two bytes.
            let length =
                if matches!(stated, 0 | 0xffff) && block.len() == 1 << 16 { block.len() - done } else { stated };
            let size = le_u16(block, done + 6).ok_or_else(bad)?;
            let size = usize::from(if self.typed { size & 0xff } else { size });
            let record = block.get(done..done.saturating_add(length)).filter(|record| record.len() >= 8 + size);
            let record = record.filter(|_| length.is_multiple_of(4)).ok_or_else(bad)?;
            let name = &record[8..8 + size];
            if inode != 0 && !matches!(name, b"." | b".." | b"") {
                if let Some(at) = at {
                    let at = at + done as u64;
                    self.image.cover.take(at, 7);
                    self.image.cover.take(at + 8, size as u64);
                }
                let needed = (8 + size).next_multiple_of(4);
                self.image.spend(64 + size as u64)?;
                let length = (length != needed).then_some(u32::try_from(length).unwrap_or(0));
                names.push(Name { name: text(name), inode, length });
            }
            done += length;
        }
        Ok(())
    }
}
