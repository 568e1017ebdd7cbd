//! What is known of the files of a root after each has been looked at by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::elf::Elf;
use super::finding::Finding;
use super::text::{Mention, Script};
use crate::digest::Digest;
use crate::loader::{Asks, Kind, Objects, Tree};

/// Facts about one file's content.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Its content, as far as it was read by itself.
    pub digest: Option<Digest>,
    /// Set for ELF objects.
    pub elf: Option<Box<Elf>>,
    /// Set for what begins with `#!`.
    pub script: Option<Script>,
    /// Paths that a .la, .pc or CMake file names.
    pub mentions: Vec<Mention>,
    /// The release of a kernel image.
    pub kernel: Option<String>,
    /// The content of files that rules over the whole read: configuration of loaders, of modules, of image layouts.
    pub content: Option<Vec<u8>>,
    /// What is wrong with the file by itself.
    pub findings: Vec<Finding>,
    /// What is in it, if it is an archive.
    pub roots: Vec<Root>,
    /// Files looked at: this one, and those within.
    pub files: u64,
    /// Bytes looked at, after decompression.
    pub bytes: u64,
}

/// What a path is.
#[derive(Debug, Clone)]
pub(super) enum What {
    Directory,
    File(Arc<Scanned>),
    Symlink(String),
    /// A device, a fifo or a socket.
    Special,
}

/// An entry of a root.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Its name in findings.
    pub object: String,
    /// All twelve bits.
    pub mode: u32,
    pub what: What,
}

/// What kind of a collection of files it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Files at their paths.
    Tree,
    /// A library of objects for the linker: its members' names are no paths.
    Objects,
    /// All files of a system, for certain: an image.
    System,
}

/// Files at paths: a directory, a tree of the store, an archive.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// Before the paths in findings: empty, or the archive's name and `!`.
    pub label: String,
    pub shape: Shape,
    /// By path: relative, without `.` and `..`.
    pub nodes: BTreeMap<String, Node>,
}

impl Root {
    /// The object at a path that is no link.
    pub fn object(&self, path: &str) -> Option<&Elf> {
        match &self.nodes.get(path)?.what {
            What::File(file) => file.elf.as_deref(),
            _ => None,
        }
    }
}

impl Tree for Root {
    fn kind(&self, path: &str) -> Option<Kind<'_>> {
        Some(match &self.nodes.get(path)?.what {
            What::Directory => Kind::Folder,
            What::File(_) => Kind::File,
            What::Symlink(target) => Kind::Link(target),
            What::Special => Kind::Special,
        })
    }
}

impl Objects for Root {
    fn asks(&self, path: &str) -> Option<Asks<'_>> {
        self.object(path).map(Elf::asks)
    }

    fn text(&self, path: &str) -> Option<String> {
        match &self.nodes.get(path)?.what {
            What::File(file) => std::str::from_utf8(file.content.as_deref()?).ok().map(str::to_owned),
            _ => None,
        }
    }

    fn starting<'s>(&'s self, prefix: &str) -> Box<dyn Iterator<Item = &'s str> + 's> {
        let prefix = prefix.to_owned();
        let rest = self.nodes.range(prefix.clone()..).map(|(path, _)| path.as_str());
        Box::new(rest.take_while(move |path| path.starts_with(&prefix)))
    }
}
