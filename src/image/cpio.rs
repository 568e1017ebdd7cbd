//! Cpio archives in the format "newc" (`070701`), as the Linux kernel unpacks them into its initial RAM file system.
//!
//! The root is the entry `.`, all others are relative and plain, in the order of the tree. Inodes have the numbers of their
//! places in the tree, from 1, on device 0:0. Files of several names carry their bytes with the last one and are empty
//! before, as GNU cpio does; the kernel takes them from wherever they are ("initramfs buffer format",
//! Documentation/driver-api/early-userspace/buffer-format.rst). Each name of a symbolic link carries the target, since the
//! kernel makes no hard links of those. `TRAILER!!!` ends the archive, zeros fill it up to 512 bytes, so that another
//! archive may follow.
//!
//! The format has 32 bits for a size, no extended attributes, and no room for a file called `TRAILER!!!` at the top.

use std::io::Write;

use super::content::{copy, unwritten, zeros};
use super::error::{Error, Problem};
use super::tree::{Contents, Kind, Meta, Tree};

const TRAILER: &[u8] = b"TRAILER!!!";
/// What the archive is filled up to.
const BLOCK: u64 = 512;

/// Writes the tree as a cpio archive.
///
/// # Errors
/// The tree has something that the format cannot express, a content cannot be read or has another size than stated, or
/// the output fails.
pub fn write<W: Write>(tree: &Tree, contents: &dyn Contents, out: &mut W) -> Result<(), Error> {
    let mut archive = Archive { out, written: 0 };
    // How many names of each inode are still to come.
    let mut left: Vec<u32> = tree.inodes.iter().map(|inode| inode.links).collect();
    if !tree.inodes.is_empty() {
        archive.entry(tree, 0, b".", true, contents)?;
    }
    for (path, number, _) in tree.names() {
        left[number] = left[number].saturating_sub(1);
        archive.entry(tree, number, &path, left[number] == 0, contents)?;
    }
    archive.header(TRAILER, &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    zeros(archive.out, archive.written.wrapping_neg() % BLOCK)?;
    archive.out.flush().map_err(unwritten)
}

struct Archive<'a, W> {
    out: &'a mut W,
    written: u64,
}

impl<W: Write> Archive<'_, W> {
    fn entry(
        &mut self,
        tree: &Tree,
        number: usize,
        name: &[u8],
        last: bool,
        contents: &dyn Contents,
    ) -> Result<(), Error> {
        let inode = &tree.inodes[number];
        let path = &inode.path;
        let Meta { mode, uid, gid, time, attributes } = &inode.meta;
        if !attributes.is_empty() {
            return Err(Error::of(path, Problem::Unsupported { what: "extended attributes" }));
        }
        if name == TRAILER {
            return Err(Error::of(
                path,
                Problem::Unsupported { what: "room for a file of this name, which marks the end" },
            ));
        }
        let (kind, device) = match &inode.kind {
            Kind::Fifo => (0o010_000, (0, 0)),
            Kind::Character(major, minor) => (0o020_000, (*major, *minor)),
            Kind::Folder(_) => (0o040_000, (0, 0)),
            Kind::Block(major, minor) => (0o060_000, (*major, *minor)),
            Kind::File(_) => (0o100_000, (0, 0)),
            Kind::Symlink(_) => (0o120_000, (0, 0)),
            Kind::Socket => (0o140_000, (0, 0)),
        };
        let size = match &inode.kind {
            Kind::File(content) if last => content.size,
            Kind::Symlink(to) => to.len() as u64,
            _ => 0,
        };
        let most = u32::MAX;
        let size = u32::try_from(size)
            .map_err(|_| Error::of(path, Problem::TooLarge { what: "a size of", value: size, most: most.into() }))?;
        let serial = u32::try_from(number + 1).map_err(|_| Error::TooMuch {
            what: "inodes",
            needed: number as u64 + 1,
            most: most.into(),
        })?;
        let (major, minor) = device;
        self.header(name, &[serial, kind | mode, *uid, *gid, inode.links, *time, size, 0, 0, major, minor])?;
        match &inode.kind {
            Kind::File(content) if last => copy(contents, path, content, self.out)?,
            Kind::Symlink(to) => self.out.write_all(to).map_err(unwritten)?,
            _ => {}
        }
        self.written += u64::from(size);
        self.align()
    }

    /// Writes the header: all fields but the length of the name and the checksum, which newc does not have; and the name.
    fn header(&mut self, name: &[u8], fields: &[u32; 11]) -> Result<(), Error> {
        let mut bytes = b"070701".to_vec();
        let length = name.len() as u32 + 1;
        for field in fields.iter().chain([&length, &0]) {
            bytes.extend(format!("{field:08x}").into_bytes());
        }
        bytes.extend(name);
        bytes.push(0);
        self.out.write_all(&bytes).map_err(unwritten)?;
        self.written += bytes.len() as u64;
        self.align()
    }

    fn align(&mut self) -> Result<(), Error> {
        let padding = self.written.wrapping_neg() % 4;
        self.written += padding;
        zeros(self.out, padding)
    }
}

#[cfg(test)]
#[path = "cpio_tests.rs"]
mod tests;
