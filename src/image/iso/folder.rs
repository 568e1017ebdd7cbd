//! Folders and path tables.

use super::name::{Child, joliet, plain};
use super::record::Record;
use super::rock::{self, Continuations};
use super::{BLOCK, Joliet};
use crate::image::{Error, Kind, Problem, Tree};

/// Most bytes of one extent: whole blocks, in 32 bits.
const EXTENT: u64 = 0xffff_f800;
/// Most folders: path tables have 16 bits for the number of the one above.
const FOLDERS: usize = 0xffff;

/// A folder as a view has it.
struct Folder {
    inode: usize,
    /// Its place in the list of its folder.
    parent: usize,
    identifier: Vec<u8>,
    children: Vec<Child>,
}

/// One view of the tree: folders in the order of the path table.
pub(super) struct View {
    folders: Vec<Folder>,
    /// The place of each inode that is a folder.
    places: Vec<usize>,
    has_rock: bool,
}

/// Where things lie.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses {
    /// Block and bytes of each folder.
    pub folders: Vec<(u32, u32)>,
    /// First block of each inode's content.
    pub files: Vec<u32>,
    /// First block of the continuation areas.
    pub continuations: u32,
}

/// The bytes of a view.
pub(super) struct Bytes {
    /// Of each folder, whole blocks.
    pub folders: Vec<Vec<u8>>,
    /// Of the continuation areas.
    pub continuations: Vec<u8>,
}

impl View {
    /// The view with ECMA-119 names, Rock Ridge beside them.
    pub fn plain(tree: &Tree) -> Result<Self, Error> {
        Self::new(tree, true, |entries| Ok(plain(tree, entries)))
    }

    /// The view with Joliet names.
    pub fn joliet(tree: &Tree, joliet: Joliet) -> Result<Self, Error> {
        Self::new(tree, false, |entries| self::joliet(tree, entries, joliet.longest()))
    }

    fn new(
        tree: &Tree,
        has_rock: bool,
        children: impl Fn(&[(Vec<u8>, usize)]) -> Result<Vec<Child>, Error>,
    ) -> Result<Self, Error> {
        let root = Folder { inode: 0, parent: 0, identifier: vec![0], children: Vec::new() };
        let mut view = Self { folders: vec![root], places: vec![0; tree.inodes.len()], has_rock };
        // What is in a folder comes after what is in the folders before it: the order of the path table.
        let mut at = 0;
        while let Some(folder) = view.folders.get_mut(at) {
            if let Kind::Folder(entries) = &tree.inodes[folder.inode].kind {
                folder.children = children(entries)?;
            }
            let is_folder = |child: &&Child| matches!(tree.inodes[child.inode].kind, Kind::Folder(_));
            let inside: Vec<Folder> = (folder.children.iter().filter(is_folder))
                .map(|child| {
                    let identifier = child.identifier.clone();
                    Folder { inode: child.inode, parent: at, identifier, children: Vec::new() }
                })
                .collect();
            for folder in inside {
                view.places[folder.inode] = view.folders.len();
                view.folders.push(folder);
            }
            if view.folders.len() > FOLDERS {
                let (needed, most) = (view.folders.len() as u64, FOLDERS as u64);
                return Err(Error::TooMuch { what: "folders", needed, most });
            }
            at += 1;
        }
        Ok(view)
    }

    /// The bytes of all folders; how many they are does not depend on the addresses.
    pub fn bytes(&self, tree: &Tree, addresses: &Addresses) -> Result<Bytes, Error> {
        let mut continuations = Continuations { start: addresses.continuations, bytes: Vec::new() };
        let mut folders = Vec::with_capacity(self.folders.len());
        for at in 0..self.folders.len() {
            folders.push(self.folder(at, tree, addresses, &mut continuations)?);
        }
        Ok(Bytes { folders, continuations: continuations.bytes })
    }

    fn folder(&self, at: usize, tree: &Tree, to: &Addresses, areas: &mut Continuations) -> Result<Vec<u8>, Error> {
        let folder = &self.folders[at];
        let place = |at: usize| to.folders.get(at).copied().unwrap_or_default();
        let mut bytes = Vec::new();
        let mut put = |record: Vec<u8>| {
            // No record crosses the end of a block.
            if bytes.len() % BLOCK + record.len() > BLOCK {
                bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
            }
            bytes.extend(record);
        };
        for (identifier, which) in [(&[0], at), (&[1], folder.parent)] {
            let (number, (extent, size)) = (self.folders[which].inode, place(which));
            let inode = &tree.inodes[number];
            let mut entries = Vec::new();
            if self.has_rock {
                entries = rock::own(inode, number);
                if at == 0 && identifier == &[0] {
                    if !inode.meta.attributes.is_empty() {
                        return Err(Error::of(&inode.path, Problem::Unsupported { what: "extended attributes" }));
                    }
                    entries.insert(0, rock::speaks());
                    entries.push(rock::version());
                }
            }
            let system = areas.fit(&entries, Record::room(identifier));
            put(Record { identifier, extent, size, time: inode.meta.time, flags: Record::FOLDER }.bytes(&system));
        }
        for child in &folder.children {
            let (inode, identifier) = (&tree.inodes[child.inode], child.identifier.as_slice());
            let mut system = Vec::new();
            if self.has_rock {
                system = areas.fit(&rock::named(inode, child.inode, &child.name)?, Record::room(identifier));
            }
            let record = Record { identifier, extent: 0, size: 0, time: inode.meta.time, flags: 0 };
            match &inode.kind {
                Kind::Folder(_) => {
                    let (extent, size) = place(self.places[child.inode]);
                    put(Record { extent, size, flags: Record::FOLDER, ..record }.bytes(&system));
                }
                Kind::File(content) if content.size > 0 => {
                    let mut extent = to.files.get(child.inode).copied().unwrap_or_default();
                    let mut left = content.size;
                    while left > 0 {
                        let now = left.min(EXTENT);
                        left -= now;
                        let flags = if left > 0 { Record::MORE } else { 0 };
                        put(Record { extent, size: now as u32, flags, ..record }.bytes(&system));
                        // The addresses of the first pass mean nothing, and a sum of true ones was checked.
                        extent = extent.wrapping_add(now.div_ceil(BLOCK as u64) as u32);
                    }
                }
                _ => put(record.bytes(&system)),
            }
        }
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        // Sizes of folders are 32 bits, as addresses are.
        if bytes.len() as u64 > EXTENT {
            let (value, most) = (bytes.len() as u64, EXTENT);
            let path = &tree.inodes[folder.inode].path;
            return Err(Error::of(path, Problem::TooLarge { what: "a folder of", value, most }));
        }
        Ok(bytes)
    }

    /// The path tables: little endian, big endian.
    pub fn path_tables(&self, addresses: &Addresses) -> [Vec<u8>; 2] {
        let mut tables = [Vec::new(), Vec::new()];
        for (at, folder) in self.folders.iter().enumerate() {
            let (extent, _) = addresses.folders.get(at).copied().unwrap_or_default();
            let parent = folder.parent as u16 + 1;
            let [little, big] = &mut tables;
            for (table, extent, parent) in [
                (little, extent.to_le_bytes(), parent.to_le_bytes()),
                (big, extent.to_be_bytes(), parent.to_be_bytes()),
            ] {
                table.extend([folder.identifier.len() as u8, 0]);
                table.extend(extent);
                table.extend(parent);
                table.extend(&folder.identifier);
                table.resize(table.len().next_multiple_of(2), 0);
            }
        }
        tables
    }

    /// The record of the root, as the volume descriptor has it.
    pub fn root(&self, tree: &Tree, addresses: &Addresses) -> Vec<u8> {
        let (extent, size) = addresses.folders.first().copied().unwrap_or_default();
        Record { identifier: &[0], extent, size, time: tree.inodes[0].meta.time, flags: Record::FOLDER }.bytes(b"")
    }
}
