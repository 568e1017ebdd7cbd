//! Images that start a kernel: a volume for UEFI, and for BIOS boot code that knows where the kernel lies.
//!
//! UEFI starts `EFI/BOOT/BOOT….EFI` of a FAT volume, which is the kernel itself: its EFI stub fetches the initramfs from the
//! same volume. Firmware without UEFI runs the first sector, which knows the boot loader's sectors, which knows those of the
//! kernel and the initramfs (`image::boot`): so these are written first, and the boot code when it is known where they are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::contents::Extra;
use super::error::Error;
use super::packer::{Job, unwritten};
use crate::digest::{Digest, HashWriter};
use crate::image::boot::{DISC_LOADER, Extent, Placed, patch_disc, patch_loader, patch_mbr};
use crate::image::disk::{Guid, Layout, Partition, Table};
use crate::image::iso::{self, Address, Bios, Hybrid, Joliet};
use crate::image::{self, Attributes, Builder, Contents, Kind, Meta, Output, Tree, Window, fat};

/// Where the kernel's EFI stub looks for the initramfs: on the volume that it was started from.
const INITRAMFS: &str = "initramfs.img";
/// Bytes of a disk's sector.
const SECTOR: u64 = 512;
/// Bytes of a disc's sector.
const BLOCK: u64 = 2048;
const MIB: u64 = 1 << 20;
/// Least bytes of a volume for UEFI: enough clusters of 4 KiB for FAT16, which all firmware reads.
const LEAST: u64 = 20 * MIB;
/// Where a disc has what starts from it.
const DISC: [&str; 3] = ["boot/bzImage", "boot/initramfs.img", "boot/cd.bin"];

/// What starts.
struct Started {
    kernel: Digest,
    initramfs: Option<Digest>,
    /// The name by which UEFI starts the kernel.
    efi: &'static str,
}

/// The name of the program that UEFI starts from removable media (UEFI specification 2.10, section 3.5.1.1), from the
/// machine that the kernel's PE header names; none if it is no program for UEFI.
fn efi_name(kernel: &[u8]) -> Option<&'static str> {
    let at = u32::from_le_bytes(kernel.get(0x3c..0x40)?.try_into().ok()?) as usize;
    let header = kernel.get(at..at.checked_add(6)?)?;
    if !kernel.starts_with(b"MZ") || !header.starts_with(b"PE\0\0") {
        return None;
    }
    match u16::from_le_bytes([header[4], header[5]]) {
        0x8664 => Some("BOOTX64.EFI"),
        0xaa64 => Some("BOOTAA64.EFI"),
        0x014c => Some("BOOTIA32.EFI"),
        0x5064 => Some("BOOTRISCV64.EFI"),
        _ => None,
    }
}

fn sectors(at: u64, size: u64) -> Extent {
    // No file that is booted has 2^32 sectors: `Placed` refuses 4 GiB.
    Extent { first: at / SECTOR, sectors: u32::try_from(size.div_ceil(SECTOR)).unwrap_or(u32::MAX) }
}

impl Job<'_> {
    fn started(&mut self) -> Result<Started, Error> {
        let recipe = self.recipe;
        let kernel = self.file(recipe.kernel.as_deref().unwrap_or_default())?;
        let initramfs = recipe.initramfs.as_deref().map(|place| self.file(place)).transpose()?;
        let mut head = Vec::new();
        let read = self.contents().open(&kernel).and_then(|file| file.take(4096).read_to_end(&mut head));
        let path = recipe.kernel.clone().unwrap_or_default();
        read.map_err(|source| image::Error::Read { path, source })?;
        let reason = "it is no program for UEFI: build it with CONFIG_EFI_STUB";
        let efi = efi_name(&head).ok_or(image::Error::Option { option: "kernel", reason })?;
        Ok(Started { kernel, initramfs, efi })
    }

    fn meta(&self, mode: u32) -> Meta {
        Meta { mode, uid: 0, gid: 0, time: self.packer.time, attributes: Attributes::new() }
    }

    /// A FAT volume with these, or with the tree that the recipe names.
    pub(super) fn volume(&mut self, file: &mut File) -> Result<(), Error> {
        let contents = self.contents();
        let (tree, size) = if self.recipe.kernel.is_some() {
            let started = self.started()?;
            let (tree, size) = self.efi_volume(&started)?;
            (tree, Some(size))
        } else {
            (self.tree()?, None)
        };
        let options = self.fat(size, 0);
        fat::write(&tree, &contents, &options, file)?;
        Ok(())
    }

    fn fat(&self, size: Option<u64>, hidden: u64) -> fat::Options {
        fat::Options {
            size,
            label: self.recipe.label.clone().unwrap_or_default(),
            // A partition beyond 2 TiB cannot say where it begins; nothing that starts from it asks.
            hidden_sectors: u32::try_from(hidden / SECTOR).unwrap_or(0),
            time: self.packer.time,
            ..fat::Options::default()
        }
    }

    /// The tree of an EFI system partition, and how many bytes it is to have.
    fn efi_volume(&self, started: &Started) -> Result<(Tree, u64), Error> {
        let mut builder = Builder::default();
        for folder in ["", "EFI", "EFI/BOOT"] {
            builder.folder(folder.as_bytes(), self.meta(0o755))?;
        }
        let name = format!("EFI/BOOT/{}", started.efi);
        builder.add_other(name.as_bytes(), self.meta(0o644), Kind::File(started.kernel))?;
        if let Some(initramfs) = started.initramfs {
            builder.add_other(INITRAMFS.as_bytes(), self.meta(0o644), Kind::File(initramfs))?;
        }
        // 1 MiB on top of the files for tables and folders.
        let files = started.kernel.size + started.initramfs.map_or(0, |initramfs| initramfs.size);
        Ok((builder.finish()?, (files + 2 * MIB).next_multiple_of(MIB).max(LEAST)))
    }

    /// A part of the boot loader.
    fn code(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(place) = &self.recipe.loader else { return Ok(None) };
        let digest = self.file(&format!("{place}/{name}"))?;
        Ok(Some(self.packer.store.get_bytes(digest)?))
    }

    /// A disk with a GPT: a volume for UEFI, the boot loader for BIOS, and further partitions.
    pub(super) fn disk(&mut self, out: &mut File) -> Result<(), Error> {
        let started = self.started()?;
        let (tree, size) = self.efi_volume(&started)?;
        let (mbr, loader) = (self.code("mbr.bin")?, self.code("loader.bin")?);
        let partition = |kind, name: &str, size| Partition {
            kind,
            id: Guid(tree.identifier(&format!("partition {name}"))),
            name: name.to_owned(),
            legacy_boot: false,
            mbr: None,
            start: None,
            size,
        };
        let mut partitions = vec![partition(Guid::EFI_SYSTEM, "EFI system", size)];
        partitions.extend(loader.iter().map(|code| partition(Guid::BIOS_BOOT, "boot loader", code.len() as u64)));
        let first_other = partitions.len();
        for name in &self.recipe.partitions {
            let mut other = self.packer.folder.file(name)?;
            let size = other.seek(SeekFrom::End(0)).map_err(unwritten)?;
            partitions.push(partition(Guid::LINUX_DATA, name, size));
        }
        let table = Table::Gpt(Guid(tree.identifier("disk")));
        let mut layout = Layout { table, size: None, boot_code: Vec::new(), signature: 0, partitions };
        let (places, _) = layout.places()?;
        if let (Some(mut mbr), Some(loader)) = (mbr, &loader) {
            let count = loader.len().div_ceil(SECTOR as usize);
            patch_mbr(&mut mbr, places[1].start / SECTOR, u16::try_from(count).unwrap_or(u16::MAX))?;
            layout.boot_code = mbr;
        }
        image::disk::write(&layout, out)?;
        let contents = self.contents();
        let begins = {
            let mut window = Window::new(out, places[0].start).map_err(unwritten)?;
            let options = self.fat(Some(size), places[0].start);
            fat::write(&tree, &contents, &options, &mut window)?
        };
        if let Some(loader) = loader {
            let at = |number: usize| places[0].start + begins[number];
            let patched = self.patched(&loader, &tree, &started, &at)?;
            put(out, places[1].start, &patched)?;
        }
        for (name, place) in self.recipe.partitions.iter().zip(&places[first_other..]) {
            out.seek(SeekFrom::Start(place.start)).map_err(unwritten)?;
            self.copy(self.packer.folder.file(name)?, out)?;
            self.read.push(format!("/out/{name}").into_bytes());
        }
        Ok(())
    }

    /// The boot loader, told where kernel and initramfs lie; `at` gives the first byte of an inode's content.
    fn patched(
        &self,
        loader: &[u8],
        tree: &Tree,
        started: &Started,
        at: &dyn Fn(usize) -> u64,
    ) -> Result<Vec<u8>, Error> {
        let lies = |content: Digest| {
            let number = tree.inodes.iter().position(|inode| inode.kind == Kind::File(content));
            number.map(|number| [sectors(at(number), content.size)])
        };
        let missing = image::Error::Option { option: "kernel", reason: "it is not in the image" };
        let kernel = lies(started.kernel).ok_or(missing)?;
        let initramfs =
            started.initramfs.filter(|content| content.size > 0).and_then(|content| Some((content, lies(content)?)));
        let kernel = Placed { extents: &kernel, size: started.kernel.size };
        let initramfs = match &initramfs {
            Some((content, extents)) => Placed { extents, size: content.size },
            None => Placed::NONE,
        };
        let command_line = self.recipe.command_line.as_deref().unwrap_or_default();
        Ok(patch_loader(loader, kernel, initramfs, command_line)?)
    }

    /// A disc that is a disk as well.
    pub(super) fn disc(&mut self, out: &mut File) -> Result<(), Error> {
        let started = self.started()?;
        let efi = self.efi_file(&started)?;
        let (mbr, loader) = (self.code("mbr.bin")?, self.code("cd.bin")?);
        let loader_place = self.recipe.loader.as_ref().map(|place| format!("{place}/cd.bin"));
        let tree = self.disc_tree(&started, loader_place.as_deref())?;
        let id = |purpose: &str| tree.identifier(purpose);
        let table =
            iso::Table::Gpt { disk: id("disk"), partitions: [id("partition data"), id("partition EFI system")] };
        let options = iso::Options {
            volume: self.recipe.label.clone().unwrap_or_else(|| "REPRO".to_owned()),
            time: self.packer.time,
            joliet: Joliet::Long,
            bios: loader.as_ref().map(|_| Bios { path: DISC[2].into(), sectors: 4, info: iso::Info::None }),
            efi: Some(efi.0),
            hybrid: Some(Hybrid { table, code: mbr.clone().unwrap_or_default(), address: Address::None }),
            ..iso::Options::default()
        };
        let contents = Extra { inner: self.contents(), content: efi.0, folder: self.packer.folder, name: &efi.1 };
        let begins = iso::write(&tree, &contents, &options, out)?;
        self.packer.folder.remove(&efi.1)?;
        if let (Some(mut mbr), Some(loader)) = (mbr, loader) {
            let mut disc = self.patched(&loader, &tree, &started, &|number| begins[number])?;
            let number = tree.inodes.iter().position(|inode| inode.path == DISC[2].as_bytes());
            let at = number.map_or(0, |number| begins[number]);
            let too_far =
                |_| image::Error::TooMuch { what: "blocks of 2048 bytes", needed: at / BLOCK, most: u32::MAX.into() };
            patch_disc(&mut disc, u32::try_from(at / BLOCK).map_err(too_far)?)?;
            put(out, at, &disc)?;
            let sectors = (disc.len() as u64).div_ceil(SECTOR) - DISC_LOADER;
            patch_mbr(&mut mbr, at / SECTOR + DISC_LOADER, u16::try_from(sectors).unwrap_or(u16::MAX))?;
            put(out, 0, &mbr)?;
        }
        Ok(())
    }

    /// The volume for UEFI as a file of its own: what it is, and its name.
    fn efi_file(&mut self, started: &Started) -> Result<(Digest, String), Error> {
        let (tree, size) = self.efi_volume(started)?;
        let name = format!(".{}.efi", self.name);
        self.packer.folder.remove(&name)?;
        let mut file = self.packer.folder.create(&name, 0o600)?;
        fat::write(&tree, &self.contents(), &self.fat(Some(size), 0), &mut file)?;
        file.rewind().map_err(unwritten)?;
        let mut hash = HashWriter::new(std::io::sink());
        self.copy(file, &mut hash)?;
        Ok((hash.finish().1, name))
    }

    /// What is on a disc: what starts, and the tree that the recipe names.
    fn disc_tree(&mut self, started: &Started, loader: Option<&str>) -> Result<Tree, Error> {
        let mut builder = Builder::default();
        let mut has = (false, false);
        if self.recipe.root.is_some() {
            let given = self.tree()?;
            let root = &given.inodes[0];
            has = (true, given.inodes.iter().any(|inode| inode.path == b"boot"));
            builder.folder(b"", root.meta.clone())?;
            for (path, number, first) in given.names() {
                let inode = &given.inodes[number];
                match &inode.kind {
                    Kind::Folder(_) => builder.folder(&path, inode.meta.clone())?,
                    kind if first => builder.add_other(&path, inode.meta.clone(), kind.clone())?,
                    _ => builder.link(&path, &inode.path)?,
                }
            }
        }
        for (folder, there) in [("", has.0), ("boot", has.1)] {
            if !there {
                builder.folder(folder.as_bytes(), self.meta(0o755))?;
            }
        }
        let mut add = |path: &str, content| builder.add_other(path.as_bytes(), self.meta(0o644), Kind::File(content));
        add(DISC[0], started.kernel)?;
        if let Some(initramfs) = started.initramfs {
            add(DISC[1], initramfs)?;
        }
        if let Some(place) = loader {
            let content = self.file(place)?;
            builder.add_other(DISC[2].as_bytes(), self.meta(0o644), Kind::File(content))?;
        }
        Ok(builder.finish()?)
    }
}

fn put(out: &mut (impl Output + ?Sized), at: u64, bytes: &[u8]) -> Result<(), Error> {
    out.seek(SeekFrom::Start(at)).map_err(unwritten)?;
    out.write_all(bytes).map_err(unwritten)
}

#[cfg(test)]
mod tests {
    use super::efi_name;

    #[test]
    fn the_machine_of_a_kernel_names_it_for_uefi() {
        let mut kernel = vec![0; 0x60];
        kernel[..2].copy_from_slice(b"MZ");
        kernel[0x3c] = 0x40;
        kernel[0x40..0x46].copy_from_slice(b"PE\0\0\x64\xaa");
        assert_eq!(efi_name(&kernel), Some("BOOTAA64.EFI"));
        kernel[0x44..0x46].copy_from_slice(&[0x64, 0x86]);
        assert_eq!(efi_name(&kernel), Some("BOOTX64.EFI"));
        kernel[0x3c..0x40].fill(0xff);
        assert_eq!(efi_name(&kernel), None);
        assert_eq!(efi_name(b"MZ"), None);
    }
}
