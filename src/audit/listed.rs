//! The files of what was audited, by name.

use std::sync::Arc;

use object::elf;

use super::elf::Elf;
use super::tree::{Root, Scanned, Shape, What};
use crate::digest::Digest;

/// A file of what was audited, or of an archive in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name, as in findings.
    pub object: String,
    /// What it is, in a word or two.
    pub kind: &'static str,
    /// Its content; none where that could not be read, or is too large for a thread of its own.
    pub digest: Option<Digest>,
}

/// All files in the order of their paths, those of an archive after the archive. Members of static libraries are no files.
pub(super) fn list(root: &Root, files: &mut Vec<Listed>) {
    if root.shape == Shape::Objects {
        return;
    }
    for node in root.nodes.values() {
        let What::File(file) = &node.what else { continue };
        files.push(Listed { object: node.object.clone(), kind: kind(file), digest: file.digest });
        file.roots.iter().for_each(|root| list(root, files));
    }
}

fn kind(file: &Arc<Scanned>) -> &'static str {
    if let Some(elf) = &file.elf {
        return object(elf);
    }
    match file.roots.first() {
        Some(root) if root.shape == Shape::Objects => "static library",
        Some(_) => "archive",
        None if file.kernel.is_some() => "kernel",
        None if file.script.is_some() => "script",
        None => "file",
    }
}

fn object(elf: &Elf) -> &'static str {
    if elf.module.is_some() {
        "kernel module"
    } else if elf.kind == elf::ET_REL.0 {
        "object"
    } else if elf.kind == elf::ET_CORE.0 {
        "core dump"
    } else if elf.is_static() || elf.interpreter.is_some() && elf.soname.is_none() {
        "program"
    } else {
        "shared library"
    }
}
