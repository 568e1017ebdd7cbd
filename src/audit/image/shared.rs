//! Libraries that are there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::parent;
use super::paths::{Found, resolve};
use crate::audit::elf::Machine;
use crate::audit::finding::{Evidence, Finding};
use crate::audit::rules;
use crate::audit::tree::{Node, Root, Scanned, What};
use crate::loader::{Libc, Loaders};

/// A library's path, name and content.
type Library<'r> = (&'r str, &'r Node, &'r Arc<Scanned>);

pub(super) fn check(root: &Root, found: &mut Vec<Finding>) {
    let loaders = Loaders::new(root);
    let directories: BTreeSet<String> = [Libc::Glibc, Libc::Musl]
        .into_iter()
        .flat_map(|libc| loaders.directories(libc).iter())
        .filter_map(|folder| match resolve(root, folder) {
            Found::At(folder) => Some(folder),
            _ => None,
        })
        .collect();
    let mut by_name: BTreeMap<(Machine, &str), Vec<Library<'_>>> = BTreeMap::new();
    for (path, node) in &root.nodes {
        let What::File(file) = &node.what else { continue };
        let Some(elf) = file.elf.as_ref().filter(|elf| elf.is_dynamic() && elf.interpreter.is_none()) else { continue };
        if let Some(soname) = elf.soname.as_deref().filter(|_| directories.contains(parent(path))) {
            by_name.entry((elf.machine, soname)).or_default().push((path, node, file));
        }
    }
    for ((machine, soname), list) in &by_name {
        // The same file by two names is no second library.
        let distinct: BTreeSet<_> = list.iter().map(|(_, _, file)| Arc::as_ptr(file)).collect();
        if distinct.len() > 1 {
            let winner = [Libc::Musl, Libc::Glibc].into_iter().find_map(|libc| loaders.usual(libc, soname, *machine));
            let (_, first, _) = list[0];
            let mut finding = Finding::new(
                &rules::SONAME_DUPLICATE,
                &first.object,
                format!("{} files are `{soname}`", distinct.len()),
            );
            finding.evidence = list.iter().map(|(_, node, _)| Evidence::object("DT_SONAME", &node.object)).collect();
            if let Some(node) = winner.and_then(|winner| root.nodes.get(&winner.file)) {
                finding.evidence.push(Evidence::object("the loader takes", &node.object));
            }
            found.push(finding);
        }
    }
    let mut stems: BTreeMap<(Machine, &str), Vec<(&str, &Node)>> = BTreeMap::new();
    for ((machine, soname), list) in &by_name {
        if let Some((stem, _)) = soname.split_once(".so.") {
            stems.entry((*machine, stem)).or_default().push((soname, list[0].1));
        }
    }
    for ((_, stem), list) in stems.iter().filter(|(_, list)| list.len() > 1) {
        let sonames: Vec<&str> = list.iter().map(|(soname, _)| *soname).collect();
        let mut finding = Finding::new(
            &rules::SONAME_VERSIONS,
            &list[0].1.object,
            format!("`{stem}` is there as {}", sonames.join(", ")),
        );
        finding.evidence = list.iter().map(|(_, node)| Evidence::object("DT_SONAME", &node.object)).collect();
        found.push(finding);
    }
}
