//! What is loaded by name when a program runs, and not by DT_NEEDED: modules of NSS and of iconv, strings given to dlopen.

use std::collections::BTreeSet;

use super::paths::{Found, resolve};
use super::{Judge, Scope, files, parent};
use crate::audit::elf::Machine;
use crate::audit::finding::{Evidence, Finding};
use crate::audit::rules;
use crate::audit::tree::{Node, Root, Scanned};
use crate::loader::{self, BUILT_IN, Libc, Loaders};

/// Evidence shown of a list.
const SHOWN: usize = 5;

pub(super) fn check(root: &Root, scope: Scope, judge: &mut Judge<'_>) {
    if scope != Scope::Whole {
        return;
    }
    let loaders = Loaders::new(root);
    for (path, node, file) in files(root) {
        let text = || String::from_utf8_lossy(file.content.as_deref().unwrap_or_default()).into_owned();
        // Only glibc has modules: without its library nobody reads these files.
        if path == "etc/nsswitch.conf"
            && let Some(machine) = glibc(root, &loaders)
        {
            services(&loaders, machine, node, &text(), judge);
        }
        if path.contains("/gconv/") && (path.ends_with("/gconv-modules") || path.contains("gconv-modules.d/")) {
            conversions(root, path, node, &text(), judge);
        }
        dlopen(&loaders, node, file, judge);
    }
}

/// The machine of the system's glibc.
fn glibc(root: &Root, loaders: &Loaders<'_, Root>) -> Option<Machine> {
    let machines: BTreeSet<Machine> = super::objects(root).map(|(_, _, elf)| elf.machine).collect();
    machines.into_iter().find(|machine| loaders.usual(Libc::Glibc, "libc.so.6", *machine).is_some())
}

/// nsswitch.conf(5): `database: service [STATUS=action] service`.
fn services(loaders: &Loaders<'_, Root>, machine: Machine, node: &Node, text: &str, judge: &mut Judge<'_>) {
    let mut told = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        for service in loader::services(line).into_iter().filter(|service| !BUILT_IN.contains(service)) {
            let library = format!("libnss_{service}.so.2");
            if loaders.usual(Libc::Glibc, &library, machine).is_none() && told.insert(service) {
                let finding =
                    Finding::new(&rules::NSS_MODULE_MISSING, &node.object, format!("there is no `{library}`"));
                judge.found.push(finding.because(Evidence::value(
                    format!("line {}", number + 1),
                    line.split('#').next().unwrap_or_default().trim(),
                )));
            }
        }
    }
}

/// gconv-modules of glibc: `module FROM TO FILE COST`.
fn conversions(root: &Root, path: &str, node: &Node, text: &str, judge: &mut Judge<'_>) {
    let folder = path.split("/gconv/").next().map(|before| format!("{before}/gconv")).unwrap_or_default();
    let mut missing: BTreeSet<String> = BTreeSet::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["module", _, _, file, ..] = words[..] {
            let place = if file.starts_with('/') { format!("{file}.so") } else { format!("{folder}/{file}.so") };
            if !matches!(resolve(root, &place), Found::At(_)) {
                missing.insert(format!("{file}.so"));
            }
        }
    }
    if let Some(first) = missing.first() {
        let message = format!("there is no `{first}` in `{folder}`");
        let mut finding = Finding::new(&rules::GCONV_MODULE_MISSING, &node.object, message);
        finding.evidence = missing.iter().take(SHOWN).map(|name| Evidence::value("module", name)).collect();
        finding.more = missing.len().saturating_sub(SHOWN) as u64;
        judge.found.push(finding);
    }
}

/// Names of libraries in an object that calls dlopen. Most programs do without some of them: good to know, no more.
fn dlopen(loaders: &Loaders<'_, Root>, node: &Node, file: &Scanned, judge: &mut Judge<'_>) {
    let Some(elf) = file.elf.as_deref() else { return };
    let there = |name: &&String| {
        let beside = || loaders.file(&format!("{}/{name}", parent(&node.object)), elf.machine).is_some();
        [Libc::Glibc, Libc::Musl].into_iter().any(|libc| loaders.usual(libc, name, elf.machine).is_some()) || beside()
    };
    let missing: Vec<&String> = elf.loads.iter().filter(|name| !there(name)).collect();
    if let Some(first) = missing.first() {
        let mut finding = Finding::new(&rules::DLOPEN_MISSING, &node.object, format!("there is no `{first}`"));
        finding.evidence = missing.iter().take(SHOWN).map(|name| Evidence::value("constant", name.as_str())).collect();
        finding.more = missing.len().saturating_sub(SHOWN) as u64;
        judge.found.push(finding);
    }
}
