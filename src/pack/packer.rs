//! From a recipe to the bytes of its image.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use super::container;
use super::contents::Stored;
use super::error::Error;
use super::table;
use crate::digest::{Digest, HashWriter};
use crate::fs::Dir;
use crate::image::{self, Compression, Contents, Format, Kind, Recipe, Tree};
use crate::store::{Entry, Store, TreeBuilder};
use crate::sys::CancelToken;

/// Writes images of trees of a store.
pub struct Packer<'a> {
    /// Where the trees are.
    pub store: &'a Store,
    /// The trees that recipes name, by the first part of the place.
    pub inputs: &'a BTreeMap<String, Digest>,
    /// The time of all that has one, in seconds since 1970.
    pub time: u32,
    /// Where the images are written, and where those lie that become parts of others.
    pub folder: &'a Dir,
    /// How many threads compress; the bytes do not depend on it.
    pub threads: usize,
    /// Stops it.
    pub cancel: &'a CancelToken,
}

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its bytes.
    pub size: u64,
    /// What it was made from, as a stage sees it: `/in/rootfs/root/etc/passwd`.
    pub read: Vec<Vec<u8>>,
}

/// One image on its way.
pub(super) struct Job<'a> {
    pub(super) packer: &'a Packer<'a>,
    pub(super) name: &'a str,
    pub(super) recipe: &'a Recipe,
    pub(super) read: Vec<Vec<u8>>,
}

pub(super) fn unwritten(source: io::Error) -> Error {
    image::Error::Write { source }.into()
}

impl Packer<'_> {
    /// Writes an image to the file `name` of the folder, which is new. `others` are the names of the files that a
    /// list of sums is about.
    ///
    /// # Errors
    /// What the recipe names is not there or damaged, the format cannot hold it, the file cannot be written, or the run
    /// was stopped.
    pub fn write(&self, name: &str, recipe: &Recipe, others: &[&str]) -> Result<Written, Error> {
        let mut job = Job { packer: self, name, recipe, read: Vec::new() };
        let mut file = self.folder.create(name, 0o644)?;
        // Whatever a stopped writer says, it was the stop that ended it.
        job.write(&mut file, others)
            .map_err(|error| if self.cancel.is_cancelled() { Error::Cancelled } else { error })?;
        let size = file.seek(SeekFrom::End(0)).map_err(unwritten)?;
        Ok(Written { size, read: job.read })
    }
}

impl<'a> Job<'a> {
    /// The bytes of files.
    pub(super) fn contents(&self) -> Stored<'a> {
        Stored { store: self.packer.store, cancel: self.packer.cancel }
    }

    fn write(&mut self, file: &mut File, others: &[&str]) -> Result<(), Error> {
        let contents = self.contents();
        match self.recipe.format {
            Format::Tar => {
                let tree = self.tree()?;
                self.stream(file, |out| Ok(image::tar::write(&tree, &contents, out)?))
            }
            Format::Cpio => {
                let tree = self.tree()?;
                self.stream(file, |out| Ok(image::cpio::write(&tree, &contents, out)?))
            }
            Format::File => {
                let place = self.recipe.file.clone().unwrap_or_default();
                let content = self.file(&place)?;
                let unread = |source| image::Error::Read { path: place.clone(), source };
                self.stream(file, |out| self.copy(contents.open(&content).map_err(unread)?, out))
            }
            Format::Sums => self.sums(file, others),
            Format::Oci if !self.recipe.images.is_empty() => {
                let layouts = self.layouts()?;
                self.join(&layouts, file)
            }
            Format::Oci | Format::Docker => {
                let tree = self.tree()?;
                container::write(self.recipe, self.name, &tree, &contents, self.packer.time, file)
            }
            Format::Ext4 => {
                let tree = self.tree()?;
                let options = image::ext::Options {
                    size: self.recipe.size,
                    label: self.label(),
                    time: self.packer.time,
                    ..image::ext::Options::default()
                };
                Ok(image::ext::write(&tree, &contents, &options, file)?)
            }
            Format::Squashfs => {
                use image::squashfs::{Compression as Blocks, Options};
                let tree = self.tree()?;
                let usual = Options::default();
                let compression = match self.recipe.compress {
                    None => usual.compression,
                    Some(Compression::None) => Blocks::None,
                    Some(Compression::Gzip(level)) => Blocks::Gzip { level },
                    Some(Compression::Xz(level)) => Blocks::Xz { level },
                    Some(Compression::Zstd(level)) => Blocks::Zstd { level },
                };
                let Packer { time, threads, .. } = *self.packer;
                let options = Options { compression, time, threads, ..usual };
                Ok(image::squashfs::write(&tree, &contents, &options, file)?)
            }
            Format::Erofs => {
                let tree = self.tree()?;
                let options = image::erofs::Options { uuid: tree.identifier("erofs"), time: self.packer.time };
                Ok(image::erofs::write(&tree, &contents, &options, file)?)
            }
            Format::Fat => self.volume(file),
            Format::Disk => self.disk(file),
            Format::Iso => self.disc(file),
        }
    }

    /// Through the compression that the recipe states.
    fn stream(
        &self,
        file: &mut File,
        write: impl FnOnce(&mut image::Compressor<BufWriter<&mut File>>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut out = self.compression().wrap(BufWriter::with_capacity(1 << 18, file))?;
        write(&mut out)?;
        out.finish()?;
        Ok(())
    }

    fn label(&self) -> Vec<u8> {
        self.recipe.label.clone().unwrap_or_default().into_bytes()
    }

    fn compression(&self) -> Compression {
        self.recipe.compress.unwrap_or_default()
    }

    /// The SHA-256 of each other image, as sha256sum(1) writes it.
    fn sums(&mut self, file: &mut File, others: &[&str]) -> Result<(), Error> {
        let mut text = String::new();
        for other in others {
            let mut hash = HashWriter::new(io::sink());
            self.copy(self.packer.folder.file(other)?, &mut hash)?;
            text.push_str(&format!("{}  {other}\n", hash.finish().1.hex()));
            self.read.push(format!("/out/{other}").into_bytes());
        }
        file.write_all(text.as_bytes()).map_err(unwritten)
    }

    /// The tree that the recipe names, with owners if it has a table.
    pub(super) fn tree(&mut self) -> Result<Tree, Error> {
        let (store, time) = (self.packer.store, self.packer.time);
        let root = self.recipe.root.clone().unwrap_or_default();
        let digest = match self.split(&root)? {
            (tree, "") => tree,
            (tree, path) => store.subtree(tree, path)?.ok_or_else(|| self.missing("tree", &root))?,
        };
        let tree = match &self.recipe.table {
            None => table::plain(store, digest, time)?,
            Some(place) => {
                let bytes = store.get_bytes(self.file(place)?)?;
                table::owned(store, digest, &bytes, time)?
            }
        };
        let files = tree.inodes.iter().filter(|inode| matches!(inode.kind, Kind::File(_)));
        self.read.extend(files.map(|inode| [format!("/in/{root}/").as_bytes(), &inode.path].concat()));
        Ok(tree)
    }

    /// The file at a place.
    pub(super) fn file(&mut self, place: &str) -> Result<Digest, Error> {
        let (tree, path) = self.split(place)?;
        let mut paths = TreeBuilder::new(self.packer.store);
        paths.tree("", tree)?;
        let Some(Entry::File { digest, .. }) = paths.get(path)? else { return Err(self.missing("file", place)) };
        self.read.push(format!("/in/{place}").into_bytes());
        Ok(digest)
    }

    /// The input of a place, and the path in it.
    fn split<'p>(&self, place: &'p str) -> Result<(Digest, &'p str), Error> {
        let (label, path) = place.split_once('/').unwrap_or((place, ""));
        let tree = self.packer.inputs.get(label).ok_or_else(|| self.missing("input", label))?;
        Ok((*tree, path))
    }

    fn missing(&self, what: &'static str, path: &str) -> Error {
        Error::Missing { what, path: path.to_owned() }
    }

    /// Copies all that there is to read.
    pub(super) fn copy(&self, from: impl Read, to: &mut impl Write) -> Result<(), Error> {
        io::copy(&mut self.contents().until_stopped(from), to).map(drop).map_err(unwritten)
    }
}
