//! Rules over all files of a root together: what the loader, the kernel and the shell will find there.
//!
//! How much of them applies depends on what the root is. A whole system (an image, or what has an init or a shell, and
//! users or a name) has to hold all that it asks for. Of a part of one (a package, the output of a stage), what it asks
//! for and does not have comes from elsewhere and is only listed. Of loose files not even the depth of their directory
//! is known.

mod closure;
mod kernel;
mod links;
mod machine;
mod paths;
mod plugins;
mod scripts;
mod shared;

use std::collections::BTreeSet;

use super::elf::{Elf, Machine};
use super::finding::Finding;
use super::leak::Needles;
use super::oci;
use super::tree::{Node, Root, Scanned, Shape, What};
use crate::loader::parent;

/// Directories by which a root is known as one.
const TOP: [&str; 8] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "etc", "boot"];
/// What starts a whole system.
const FIRST: [&str; 6] = ["init", "sbin/init", "usr/sbin/init", "bin/sh", "usr/bin/sh", "usr/lib/systemd/systemd"];

/// What tells a whole system from a package that brings a shell.
const NAMED: [&str; 3] = ["etc/passwd", "etc/os-release", "usr/lib/os-release"];

/// How much of a system a root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Whole,
    Part,
    Loose,
}

/// What rules over a root know besides it.
pub(super) struct Judge<'a> {
    pub needles: &'a Needles,
    /// The machine that everything has to be for, if that is declared.
    pub machine: Option<Machine>,
    pub found: Vec<Finding>,
    /// What parts ask for and do not hold: libraries, loaders, interpreters.
    pub outside: BTreeSet<String>,
}

impl Judge<'_> {
    /// Judges what is audited.
    pub fn subject(&mut self, root: &Root) {
        self.root(root, None, &BTreeSet::new(), true);
    }

    /// Judges a root, and those in its archives. `kernels`: releases of the kernels that lie beside it.
    fn root(&mut self, root: &Root, machine: Option<Machine>, kernels: &BTreeSet<String>, top: bool) {
        let machine = self.machine.or_else(|| machine::usual(root)).or(machine);
        let mut kernels = kernels.clone();
        kernels.extend(files(root).filter_map(|(_, _, file)| file.kernel.clone()));
        let parts = if root.shape == Shape::Objects { Vec::new() } else { split(root) };
        // Loose files in an archive are data: what they are for is not known.
        let system = parts.iter().any(|part| scope(part) != Scope::Loose);
        if top || system || root.shape == Shape::Objects {
            machine::check(root, machine, &mut self.found);
        }
        for part in parts.iter().filter(|part| top || scope(part) != Scope::Loose) {
            self.part(part, &kernels, top);
        }
        for (_, _, file) in files(root) {
            for inner in &file.roots {
                // A layout that lacks something is judged as the files that it has.
                match oci::images(inner) {
                    Ok(Some(images)) => images.iter().for_each(|image| self.root(image, machine, &kernels, false)),
                    Ok(None) | Err(_) => self.root(inner, machine, &kernels, false),
                }
            }
        }
    }

    fn part(&mut self, part: &Root, kernels: &BTreeSet<String>, top: bool) {
        let scope = scope(part);
        let outside = if top { None } else { Some(self.outside.clone()) };
        links::check(part, scope, self.needles, &mut self.found);
        scripts::check(part, scope, self.needles, self);
        closure::check(part, scope, self);
        plugins::check(part, scope, self);
        shared::check(part, &mut self.found);
        kernel::check(part, kernels, &mut self.found);
        // What an archive in the subject asks for is not what the subject asks for.
        self.outside = outside.unwrap_or_else(|| std::mem::take(&mut self.outside));
    }
}

/// The files of a root, each content once, with the first of its paths.
fn files(root: &Root) -> impl Iterator<Item = (&str, &Node, &Scanned)> {
    let mut seen = BTreeSet::new();
    root.nodes.iter().filter_map(move |(path, node)| match &node.what {
        What::File(file) => seen.insert(std::sync::Arc::as_ptr(file)).then_some((path.as_str(), node, file.as_ref())),
        _ => None,
    })
}

/// The ELF objects of a root at all their paths.
fn objects(root: &Root) -> impl Iterator<Item = (&str, &Node, &Elf)> {
    root.nodes.iter().filter_map(|(path, node)| match &node.what {
        What::File(file) => Some((path.as_str(), node, file.elf.as_deref()?)),
        _ => None,
    })
}

fn is_root(root: &Root, prefix: &str) -> bool {
    TOP.iter().any(|name| root.nodes.contains_key(&format!("{prefix}{name}")))
}

/// The roots that a tree consists of: a stage's output may hold several beside each other, `dev` and `run`.
fn split(root: &Root) -> Vec<Root> {
    let tops = root.nodes.iter().filter(|(path, node)| !path.contains('/') && matches!(node.what, What::Directory));
    let prefixes: Vec<String> = tops.map(|(path, _)| format!("{path}/")).collect();
    let inner: Vec<&String> = prefixes.iter().filter(|prefix| is_root(root, prefix)).collect();
    if root.shape == Shape::System || is_root(root, "") || inner.is_empty() {
        return vec![root.clone()];
    }
    let mut rest = root.clone();
    let mut parts: Vec<Root> = Vec::new();
    for prefix in inner {
        let (own, other) = rest.nodes.into_iter().partition(|(path, _)| path.starts_with(prefix.as_str()));
        rest.nodes = other;
        let own: std::collections::BTreeMap<String, Node> = own;
        let nodes = own.into_iter().map(|(path, node)| (path[prefix.len()..].to_owned(), node)).collect();
        parts.push(Root { label: format!("{}{prefix}", root.label), shape: root.shape, nodes });
    }
    parts.push(rest);
    parts
}

fn scope(root: &Root) -> Scope {
    let there = |path: &&str| matches!(paths::resolve(root, path), paths::Found::At(path) if is_file(root, &path));
    let named = || NAMED.iter().any(|path| root.nodes.contains_key(*path));
    if root.shape == Shape::System || (is_root(root, "") && (there(&"init") || (FIRST.iter().any(there) && named()))) {
        Scope::Whole
    } else if is_root(root, "") {
        Scope::Part
    } else {
        Scope::Loose
    }
}

fn is_file(root: &Root, path: &str) -> bool {
    root.nodes.get(path).is_some_and(|node| matches!(node.what, What::File(_)))
}
