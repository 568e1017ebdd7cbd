//! From a tree to a file system.

use std::collections::BTreeMap;

use super::super::content::pieces;
use super::super::crc::crc32c;
use super::super::device::{Device, run};
use super::super::error::{Error, Problem};
use super::super::output::Output;
use super::super::tree::{Contents, Inode, Kind, Meta, Tree};
use super::Options;
use super::extents::{Extents, Map};
use super::folder::{self, Form, Name};
use super::inode::{self, Data};
use super::space::{INODE, Shape, Space, fill, has_copy};
use super::superblock::{self, FIRST, Group, JOURNAL, Super};
use super::xattr;

/// What a file system of no given size is rounded up to.
const ROUND: u64 = 1 << 20;
/// Most bytes of a file system, so that its groups can be counted: 1 PiB.
const MOST: u64 = 1 << 50;
/// Bytes of a new `lost+found`: room for what is found without looking for room.
const LOST: u64 = 16 << 10;
/// The root's number, which is its number in itself, too.
const ROOT: u32 = 2;
/// The journal's size by that of the file system, in blocks.
const JOURNALS: [(u64, u64); 5] =
    [(1 << 15, 1 << 10), (1 << 18, 1 << 12), (1 << 19, 1 << 13), (1 << 22, 1 << 14), (!0, 1 << 16)];

/// An image on its way.
pub(super) struct Writer<'a, W: Output> {
    tree: &'a Tree,
    options: &'a Options,
    device: Device<'a, W>,
    shape: Shape,
    space: Space,
    /// Blocks, if they are given.
    total: Option<u64>,
    /// The inode of the tree's `lost+found`.
    lost: Option<usize>,
    uuid: [u8; 16],
    hash_seed: [u8; 16],
    /// Seed of checksums.
    seed: u32,
    /// Inodes, from the first.
    inodes: Vec<u8>,
    /// Numbers of folders.
    folders: Vec<u32>,
}

fn bad(path: &[u8], problem: Problem) -> Error {
    Error::Entry { path: String::from_utf8_lossy(path).into_owned(), problem }
}

impl<'a, W: Output> Writer<'a, W> {
    pub fn new(tree: &'a Tree, options: &'a Options, out: &'a mut W) -> Result<Self, Error> {
        let wrong = |option, reason| Err(Error::Option { option, reason });
        if !matches!(options.block, 1024 | 2048 | 4096) {
            return wrong("block", "a block has 1024, 2048 or 4096 bytes");
        }
        if options.label.len() > 16 {
            return wrong("label", "a volume name has at most 16 bytes");
        }
        let shape = Shape::new(options.block.into());
        for bytes in [options.size.unwrap_or(0), options.spare_bytes] {
            if bytes > MOST {
                return Err(Error::TooMuch { what: "bytes of the file system", needed: bytes, most: MOST });
            }
        }
        let total = options.size.map(|size| {
            let blocks = size / shape.block;
            let groups = shape.groups(blocks);
            // A last group that cannot hold what it has to is left out.
            if groups > 1 && blocks < shape.least(groups) { shape.start(groups - 1) } else { blocks }
        });
        let most = total.unwrap_or_else(|| bound(tree, options, shape)).min(1 << 47);
        let mut lost = None;
        if let Some(Inode { kind: Kind::Folder(names), .. }) = tree.inodes.first()
            && let Ok(at) = names.binary_search_by(|(name, _)| name.as_slice().cmp(b"lost+found"))
        {
            let number = names[at].1;
            if !matches!(tree.inodes.get(number), Some(Inode { kind: Kind::Folder(_), .. })) {
                return Err(bad(b"lost+found", Problem::Unsupported { what: "use for this name but as a folder" }));
            }
            lost = Some(number);
        }
        let most_inodes = u64::from(u32::MAX) - 2 * u64::from(FIRST) - u64::from(options.spare_inodes);
        if tree.inodes.len() as u64 > most_inodes {
            return Err(Error::TooMuch { what: "inodes", needed: tree.inodes.len() as u64, most: most_inodes });
        }
        let uuid = options.uuid.unwrap_or_else(|| tree.identifier("ext4 file system"));
        Ok(Self {
            tree,
            options,
            device: Device::new(out),
            shape,
            space: Space::new(shape, most),
            total,
            lost,
            uuid,
            hash_seed: options.hash_seed.unwrap_or_else(|| tree.identifier("ext4 directory hash")),
            seed: crc32c(!0, &uuid),
            inodes: Vec::new(),
            folders: Vec::new(),
        })
    }

    /// The number of an inode of the tree: after the reserved ones and `lost+found`, in the order of the tree.
    fn number(&self, inode: usize) -> u32 {
        let at = u32::try_from(inode).unwrap_or(u32::MAX);
        match self.lost {
            _ if inode == 0 => ROOT,
            Some(lost) if lost == inode => FIRST,
            Some(lost) if lost < inode => FIRST.saturating_add(at) - 1,
            _ => FIRST.saturating_add(at),
        }
    }

    pub fn write(mut self, contents: &dyn Contents) -> Result<(), Error> {
        let journal = if self.options.journal { Some(self.journal()?) } else { None };
        let mut buffer = Vec::new();
        for (index, inode) in self.tree.inodes.iter().enumerate() {
            let number = self.number(index);
            let data = match &inode.kind {
                Kind::Folder(names) => self.folder(index, names)?,
                Kind::File(content) => {
                    let most = (u64::from(u32::MAX)) * self.shape.block;
                    if content.size > most {
                        return Err(bad(
                            &inode.path,
                            Problem::TooLarge { what: "a size of", value: content.size, most },
                        ));
                    }
                    let mut extents = Extents::default();
                    let (block, grain) = (self.shape.block, self.grain());
                    pieces(&inode.path, content, contents, grain, &mut buffer, |at, bytes| {
                        self.fill(&mut extents, at / block, bytes)
                    })?;
                    self.mapped(number, content.size, extents)?
                }
                Kind::Symlink(to) => self.symlink(number, &inode.path, to)?,
                Kind::Character(major, minor) | Kind::Block(major, minor) => {
                    Data { map: inode::device(&inode.path, *major, *minor)?, ..Data::none() }
                }
                Kind::Fifo | Kind::Socket => Data::none(),
            };
            let more = u32::from(index == 0 && self.lost.is_none());
            self.inode(number, inode, inode.links.saturating_add(more), data)?;
            if index == 0 && self.lost.is_none() {
                self.lost_and_found()?;
            }
        }
        self.finish(journal)
    }

    fn grain(&self) -> usize {
        self.options.block as usize
    }

    /// Writes the blocks of a file that are not all zeros, from its block `at` on.
    fn fill(&mut self, extents: &mut Extents, at: u64, bytes: &[u8]) -> Result<(), Error> {
        let mut done = 0;
        while let Some((zeros, len)) = run(&bytes[done..], self.grain()) {
            let end = done + len;
            while !zeros && done < end {
                let (start, count) = self.space.take((end - done) as u64 / self.shape.block)?;
                let part = count as usize * self.grain();
                self.device.write(start * self.shape.block, &bytes[done..done + part])?;
                extents.push(at + done as u64 / self.shape.block, start, count);
                done += part;
            }
            done = end;
        }
        Ok(())
    }

    /// Ends a file: writes its extent tree.
    fn mapped(&mut self, number: u32, size: u64, extents: Extents) -> Result<Data, Error> {
        let data = extents.blocks();
        let (map, tree) = extents.finish(self.grain(), inode::seed(self.seed, number), |bytes| {
            let at = self.space.row(1)?;
            self.device.write(at * self.shape.block, bytes)?;
            Ok(at)
        })?;
        Ok(Data { size, flags: inode::EXTENTS, map, blocks: data + tree, attributes: 0 })
    }

    fn symlink(&mut self, number: u32, path: &[u8], to: &[u8]) -> Result<Data, Error> {
        let size = to.len() as u64;
        let mut data = Data { size, ..Data::none() };
        if let Some(place) = data.map.get_mut(..to.len()).filter(|place| place.len() < 60) {
            place.copy_from_slice(to);
            return Ok(data);
        }
        if size >= self.shape.block {
            let most = self.shape.block - 1;
            return Err(bad(path, Problem::TooLarge { what: "a link's target of", value: size, most }));
        }
        let mut bytes = to.to_vec();
        bytes.resize(self.grain(), 0);
        let mut extents = Extents::default();
        self.fill(&mut extents, 0, &bytes)?;
        self.mapped(number, size, extents)
    }

    fn folder(&mut self, index: usize, names: &[(Vec<u8>, usize)]) -> Result<Data, Error> {
        let mut list = Vec::with_capacity(names.len() + 1);
        for (name, inode) in names {
            let Some(Inode { kind, .. }) = self.tree.inodes.get(*inode) else { continue };
            list.push(Name { name, number: self.number(*inode), kind: inode::kind(kind).1 });
        }
        if index == 0 && self.lost.is_none() {
            let at = list.partition_point(|name| name.name < b"lost+found".as_slice());
            list.insert(at, Name { name: b"lost+found", number: FIRST, kind: 2 });
        }
        let parent = self.tree.inodes[index].parent;
        self.list(self.number(index), self.number(parent), &list, 0, &self.tree.inodes[index].path)
    }

    /// Writes the blocks of a folder.
    fn list(&mut self, own: u32, parent: u32, names: &[Name<'_>], least: u64, path: &[u8]) -> Result<Data, Error> {
        let mut hash = [0; 4];
        for (word, bytes) in hash.iter_mut().zip(self.hash_seed.chunks(4)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        let form = Form { block: self.grain(), sum: inode::seed(self.seed, own), hash };
        let least = usize::try_from(least).unwrap_or(0);
        let Some((bytes, indexed)) = folder::blocks(form, own, parent, names, least) else {
            let (value, most) = (names.len() as u64, form.most_names());
            return Err(bad(path, Problem::TooLarge { what: "a count of names of", value, most }));
        };
        let mut extents = Extents::default();
        self.fill(&mut extents, 0, &bytes)?;
        let mut data = self.mapped(own, bytes.len() as u64, extents)?;
        data.flags |= if indexed { inode::INDEX } else { 0 };
        Ok(data)
    }

    fn lost_and_found(&mut self) -> Result<(), Error> {
        let data = self.list(FIRST, ROOT, &[], LOST, b"lost+found")?;
        let inode = self.own(0o700, Kind::Folder(Vec::new()), 2);
        self.inode(FIRST, &inode, inode.links, data)
    }

    /// An inode that is not in the tree.
    fn own(&self, mode: u32, kind: Kind, links: u32) -> Inode {
        let meta = Meta { mode, uid: 0, gid: 0, time: self.options.time, attributes: BTreeMap::new() };
        Inode { path: Vec::new(), parent: 0, links, meta, kind }
    }

    /// Writes an inode's block of attributes, and keeps the inode for the table.
    fn inode(&mut self, number: u32, inode: &Inode, links: u32, mut data: Data) -> Result<(), Error> {
        let mut attributes = xattr::encode(inode, self.grain())?;
        if let Some(mut block) = attributes.block.take() {
            let at = self.space.row(1)?;
            xattr::seal(&mut block, at, self.seed);
            self.device.write(at * self.shape.block, &block)?;
            data.attributes = at;
            data.blocks += 1;
        }
        let bytes = inode::encode(inode, links, &data, &attributes, inode::seed(self.seed, number), self.shape.block)?;
        let at = (number as usize - 1) * bytes.len();
        self.inodes.resize(self.inodes.len().max(at + bytes.len()), 0);
        self.inodes[at..at + bytes.len()].copy_from_slice(&bytes);
        if matches!(inode.kind, Kind::Folder(_)) {
            self.folders.push(number);
        }
        Ok(())
    }

    /// Makes the journal: all of its blocks are its own, and all but the first are zeros.
    fn journal(&mut self) -> Result<(Map, u64), Error> {
        let size = self.total.unwrap_or_else(|| bound(self.tree, self.options, self.shape));
        let Some((_, blocks)) = JOURNALS.iter().find(|(most, _)| size < *most).filter(|(_, blocks)| *blocks < size / 2)
        else {
            return Err(Error::Option { option: "journal", reason: "the file system is too small for a journal" });
        };
        let mut extents = Extents::default();
        while extents.blocks() < *blocks {
            let (start, count) = self.space.take(blocks - extents.blocks())?;
            if extents.blocks() == 0 {
                self.device.write(start * self.shape.block, &superblock::journal(self.shape.block, *blocks))?;
            }
            extents.push(extents.blocks(), start, count);
        }
        let size = blocks * self.shape.block;
        let data = self.mapped(JOURNAL, size, extents)?;
        let map = data.map;
        // That it is a file says its mode; it has no content that anyone could be asked for.
        let inode = self.own(0o600, Kind::File(crate::digest::Digest { hash: [0; 32], size }), 1);
        self.inode(JOURNAL, &inode, 1, data)?;
        Ok((map, size))
    }

    /// Finds out how large the file system is, and writes what describes it.
    fn finish(mut self, journal: Option<(Map, u64)>) -> Result<(), Error> {
        let used = self.inodes.len() as u64 / INODE;
        let wanted = used + u64::from(self.options.spare_inodes);
        let total = match self.total {
            Some(total) => total,
            None => self.smallest(wanted)?,
        };
        let groups = self.shape.groups(total);
        let (each, table) = self.shape.inodes(groups, wanted);
        let most = (groups * self.shape.per_group).min(u32::MAX.into());
        if each > self.shape.per_group || groups * each > most {
            return Err(Error::TooMuch { what: "inodes", needed: wanted.max(groups * each), most });
        }
        let places = self.space.place(groups, table)?;
        let mut descriptors = Vec::new();
        let (mut free_blocks, mut free_inodes) = (0, 0);
        self.folders.sort_unstable();
        for (group, place) in (0..).zip(places) {
            let (blocks, free) = self.space.bitmap(group, total);
            let first = group * each;
            let here = used.saturating_sub(first).min(each);
            let mut inodes = vec![0; self.grain()];
            fill(&mut inodes, 0, here, true);
            fill(&mut inodes, each, 8 * self.shape.block, true);
            let before = |number: u64| self.folders.partition_point(|folder| u64::from(*folder) <= number) as u64;
            let entry = Group {
                place,
                free_blocks: free,
                free_inodes: each - here,
                folders: before(first + each) - before(first),
                block_sum: crc32c(self.seed, &blocks),
                inode_sum: crc32c(self.seed, &inodes[..(each / 8) as usize]),
            };
            descriptors.extend(entry.encode(group, self.seed));
            free_blocks += free;
            free_inodes += each - here;
            let grain = self.grain();
            self.device.write_sparse(place.blocks * self.shape.block, &blocks, grain)?;
            self.device.write_sparse(place.inodes * self.shape.block, &inodes, grain)?;
            let from = ((first * INODE) as usize).min(self.inodes.len());
            let to = (((first + each) * INODE) as usize).min(self.inodes.len());
            self.device.write(place.table * self.shape.block, &self.inodes[from..to])?;
        }
        let head = Super {
            shape: self.shape,
            blocks: total,
            free_blocks,
            inodes_per_group: each,
            free_inodes,
            uuid: self.uuid,
            hash_seed: self.hash_seed,
            label: &self.options.label,
            time: self.options.time,
            journal,
        };
        for group in (0..groups).filter(|group| has_copy(*group)) {
            let at = self.shape.start(group) * self.shape.block;
            let head_at = if group == 0 { superblock::AT } else { at };
            self.device.write(head_at, &head.encode(group))?;
            self.device.write(at + self.shape.block, &descriptors)?;
        }
        self.device.finish(self.options.size.unwrap_or(total * self.shape.block))
    }

    /// The fewest blocks that hold what there is and what is to be spare.
    fn smallest(&self, inodes: u64) -> Result<u64, Error> {
        let shape = self.shape;
        let round = |blocks: u64| (blocks * shape.block).next_multiple_of(ROUND) / shape.block;
        let mut groups = shape.groups(self.space.end()).max(inodes.div_ceil(shape.per_group));
        loop {
            let (_, table) = shape.inodes(groups, inodes);
            let mut space = self.space.clone();
            space.place(groups, table)?;
            let mut total = round(space.end() + self.options.spare_bytes.div_ceil(shape.block));
            while shape.groups(total) <= groups && total < shape.least(groups) {
                total = round(shape.least(groups));
            }
            if shape.groups(total) == groups {
                return Ok(total);
            }
            groups += 1;
        }
    }
}

/// More blocks than the file system of a tree can need.
fn bound(tree: &Tree, options: &Options, shape: Shape) -> u64 {
    let mut blocks = options.spare_bytes / shape.block + 64;
    for inode in &tree.inodes {
        let data = match &inode.kind {
            Kind::File(content) => content.size.div_ceil(shape.block),
            // Leaves are at least half full, and each has a pointer.
            Kind::Folder(names) => {
                let names: u64 = names.iter().map(|(name, _)| name.len() as u64 + 12).sum();
                names / (shape.block / 4) + 4
            }
            Kind::Symlink(_) => 1,
            _ => 0,
        };
        // A tree of runs of one block, and the attributes.
        blocks = blocks.saturating_add(data).saturating_add(data / 64 + 5);
    }
    let inodes = tree.inodes.len() as u64 + u64::from(options.spare_inodes) + u64::from(2 * FIRST);
    blocks = blocks.saturating_add(inodes * INODE / shape.block);
    // So many inodes want their own groups; bitmaps, tables that are rounded up, and copies, which are few.
    blocks = blocks.max(inodes);
    if options.journal {
        blocks = blocks.saturating_add(JOURNALS[4].1);
    }
    let groups = shape.groups(blocks.min(1 << 47)) + 2;
    blocks
        .saturating_add(groups * 8)
        .saturating_add(64 * (shape.descriptors(groups) + 512))
        .saturating_add(shape.per_group)
}
