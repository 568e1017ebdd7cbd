//! What processes wrote, executed, loaded and found.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use super::{Case, KEPT, about, acted, read};
use crate::audit::elf::{self, Machine};
use crate::audit::error::Error;
use crate::audit::finding::{Evidence, Finding};
use crate::audit::rules;
use crate::digest::Digest;
use crate::provenance::Role;
use crate::trace::{PathId, Ways};

/// Endings of files that say where a library is.
const PACKAGES: [&[u8]; 3] = [b".pc", b".la", b".cmake"];
/// Most findings of one rule and one stage.
const MOST: usize = 20;

pub(super) fn judge(case: &mut Case<'_, '_>) -> Result<Vec<Finding>, Error> {
    let paths = case.stage.paths();
    let mut found = written(case, &paths);
    found.extend(packages(case, &paths)?);
    found.extend(foreign(case, &paths)?);
    found.extend(loaders(case)?);
    Ok(found)
}

/// The first process that had to do with each of these in one of these ways.
fn first(case: &Case<'_, '_>, paths: &BTreeSet<PathId>, ways: Ways) -> BTreeMap<PathId, u32> {
    let mut first = BTreeMap::new();
    if paths.is_empty() {
        return first;
    }
    for process in 1..=case.stage.processes() {
        for (path, way) in case.stage.touches(process) {
            if way.any(ways) && paths.contains(&path) {
                first.entry(path).or_insert(process);
            }
        }
    }
    first
}

/// Sources that are no scratch.
fn written(case: &Case<'_, '_>, paths: &[(PathId, Ways)]) -> Vec<Finding> {
    let writable: BTreeSet<String> =
        case.stage.built().inputs.sources.iter().filter(|it| it.writable).map(|it| it.name.clone()).collect();
    let changed = paths.iter().filter(|(_, ways)| ways.any(Ways::CHANGING)).map(|(path, _)| *path);
    // The source, and what was written there.
    let mut sources: BTreeMap<String, BTreeSet<PathId>> = BTreeMap::new();
    for path in changed {
        let text = case.stage.text(path);
        let Some(name) = text.strip_prefix("/src/").and_then(|rest| rest.split('/').next()) else { continue };
        if !writable.contains(name) {
            sources.entry(name.to_owned()).or_default().insert(path);
        }
    }
    let finding = |(name, paths): (String, BTreeSet<PathId>)| {
        let message = format!("source `{name}` was written to");
        let mut finding = Finding::new(&rules::SOURCE_WRITTEN, about(case.name, &format!("src/{name}")), message);
        let by = first(case, &paths, Ways::CHANGING);
        for evidence in by.values().take(1).flat_map(|process| acted(&case.stage.actor(*process))) {
            finding = finding.because(evidence);
        }
        for path in paths {
            read(&mut finding, "written", case.stage.text(path));
        }
        finding
    };
    sources.into_iter().map(finding).collect()
}

/// Descriptions of packages that are found among the tools, where something is compiled for a target.
fn packages(case: &mut Case<'_, '_>, paths: &[(PathId, Ways)]) -> Result<Vec<Finding>, Error> {
    if case.stage.built().inputs.target.is_empty() {
        return Ok(Vec::new());
    }
    let mut read_ones = BTreeMap::new();
    for (path, _) in paths.iter().filter(|(_, ways)| ways.any(Ways::READ)) {
        if !PACKAGES.iter().any(|end| case.stage.name(*path).ends_with(end)) {
            continue;
        }
        // The modules of cmake are a part of it.
        let text = case.stage.text(*path);
        let given = case.stage.given(&text)?.filter(|given| given.role == Role::Tools);
        if let Some(given) = given.filter(|given| !given.place.contains("/share/cmake-")) {
            read_ones.insert(*path, (text, given));
        }
    }
    let by = first(case, &read_ones.keys().copied().collect(), Ways::READ);
    let mut found: BTreeMap<String, Finding> = BTreeMap::new();
    for (path, (text, given)) in read_ones {
        let actor = case.stage.actor(by.get(&path).copied().unwrap_or(0));
        let finding = found.entry(actor.program.clone()).or_insert_with(|| {
            let message = format!("`{}` read `{text}`, which is not of the target", actor.program);
            let finding = Finding::new(&rules::SEARCH_OUTSIDE, about(case.name, &actor.program), message);
            acted(&actor).into_iter().fold(finding, Finding::because)
        });
        read(finding, text, given.input);
    }
    Ok(found.into_values().collect())
}

/// The machine of an object, by the first bytes of a blob.
fn machine(case: &Case<'_, '_>, digest: Digest) -> Result<Option<Machine>, Error> {
    let mut head = Vec::new();
    // What cannot be read to its twentieth byte is no object.
    drop(case.store.open_blob(digest)?.take(20).read_to_end(&mut head));
    let (class, order, machine) = match (head.get(4), head.get(5), head.get(18..20)) {
        (Some(class), Some(order), Some(machine)) if elf::is_elf(&head) => (*class, *order, [machine[0], machine[1]]),
        _ => return Ok(None),
    };
    let little = order == 1;
    let machine = if little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    Ok(Some(Machine { machine, bits: if class == 2 { 64 } else { 32 }, little }))
}

/// Programs for another machine.
fn foreign(case: &mut Case<'_, '_>, paths: &[(PathId, Ways)]) -> Result<Vec<Finding>, Error> {
    let arch = case.stage.built().inputs.platform.get("arch").and_then(|arch| Machine::from_name(arch));
    let Some(arch) = arch else { return Ok(Vec::new()) };
    let mut others = BTreeMap::new();
    for (path, _) in paths.iter().filter(|(_, ways)| ways.any(Ways::EXECUTED.and(Ways::LOADER))) {
        let text = case.stage.text(*path);
        let digest = match text.strip_prefix("/out/") {
            Some(path) => case.stage.output(path)?,
            None => case.stage.given(&text)?.and_then(|given| given.digest),
        };
        let Some(digest) = digest else { continue };
        if let Some(other) = machine(case, digest)?.filter(|machine| *machine != arch) {
            others.insert(*path, (text, other));
        }
    }
    let by = first(case, &others.keys().copied().collect(), Ways::EXECUTED.and(Ways::LOADER));
    let finding = |(path, (text, machine)): (PathId, (String, Machine))| {
        let message = format!("`{text}` is for {machine} and was executed");
        let finding = Finding::new(&rules::FOREIGN_EXECUTION, about(case.name, &text), message);
        acted(&case.stage.actor(by.get(&path).copied().unwrap_or(0))).into_iter().fold(finding, Finding::because)
    };
    Ok(others.into_iter().take(MOST).map(finding).collect())
}

/// Whether a name is that of a C library.
fn is_libc(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name);
    name == "libc.so" || name.starts_with("libc.so.") || name.starts_with("libc.musl-") || name.starts_with("ld-musl-")
}

/// Whether a name is that of a dynamic loader: `ld-linux-x86-64.so.2`, `ld-musl-x86_64.so.1`, and of musl, whose loader is
/// its C library, `libc.so`.
fn is_loader(name: &[u8]) -> bool {
    name.starts_with(b"ld-") || name.starts_with(b"ld.so") || name == b"ld64.so" || is_libc(name)
}

/// Loaders with the C library of another input.
fn loaders(case: &mut Case<'_, '_>) -> Result<Vec<Finding>, Error> {
    let mut known: BTreeMap<(PathId, PathId), Option<(String, String)>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for process in 1..=case.stage.processes() {
        // Of several programs, one after the other, it is not known which had which.
        if case.stage.executed(process) != 1 {
            continue;
        }
        let touches = case.stage.touches(process);
        let loader = touches
            .filter(|(path, ways)| ways.any(Ways::LOADER) && is_loader(case.stage.name(*path)))
            .map(|(path, _)| path)
            .next();
        let Some(loader) = loader else { continue };
        let library = case.stage.touches(process).find(|(path, ways)| {
            *path != loader && ways.any(Ways::READ) && !ways.any(Ways::LOADER) && is_libc(case.stage.name(*path))
        });
        // A linker reads C libraries to link them.
        let Some((library, _)) = library.filter(|_| !case.stage.is_linker(process)) else { continue };
        if let Entry::Vacant(entry) = known.entry((loader, library)) {
            let both = (case.stage.given(&case.stage.text(loader))?, case.stage.given(&case.stage.text(library))?);
            entry.insert(match both {
                (Some(loader), Some(library)) if loader.input != library.input => Some((loader.input, library.input)),
                _ => None,
            });
        }
        let Some(Some((of_loader, of_library))) = known.get(&(loader, library)) else { continue };
        if !case.stage.loaded(process).contains(&library) {
            continue;
        }
        let actor = case.stage.actor(process);
        let (loader, library) = (case.stage.text(loader), case.stage.text(library));
        found.entry((actor.program.clone(), loader.clone(), library.clone())).or_insert_with(|| {
            let message =
                format!("`{}` ran with a loader of {of_loader} and a C library of {of_library}", actor.program);
            let finding = Finding::new(&rules::LOADER_MISMATCH, about(case.name, &actor.program), message);
            let finding = acted(&actor).into_iter().fold(finding, Finding::because);
            finding.because(Evidence::object("loader", loader)).because(Evidence::object("C library", library))
        });
        if found.len() >= MOST * KEPT {
            break;
        }
    }
    Ok(found.into_values().collect())
}
