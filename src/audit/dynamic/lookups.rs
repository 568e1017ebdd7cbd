//! What processes looked for where only a host has something.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use super::{Case, about, acted, read};
use crate::audit::error::Error;
use crate::audit::finding::Finding;
use crate::audit::rules;
use crate::digest::Digest;
use crate::provenance::Role;
use crate::trace::{PathId, Ways};

/// Folders that hosts have and sandboxes have not.
const HOSTS: [&str; 12] = [
    "/Library/",
    "/Users/",
    "/gnu/",
    "/home/",
    "/media/",
    "/mnt/",
    "/nix/",
    "/opt/",
    "/root/",
    "/snap/",
    "/srv/",
    "/usr/local/",
];
/// Programs and libraries up to this size are searched for paths.
const LARGEST: u64 = 64 << 20;

/// Which texts stand in which files.
type Searched = BTreeMap<(Digest, String), bool>;

pub(super) fn judge(case: &mut Case<'_, '_>) -> Result<Vec<Finding>, Error> {
    let absent = |ways: Ways| ways.any(Ways::ABSENT) && !ways.any(Ways::READ.and(Ways::CREATED));
    let mut hosts: BTreeMap<PathId, String> = BTreeMap::new();
    for (path, _) in case.stage.paths().into_iter().filter(|(_, ways)| absent(*ways)) {
        let text = case.stage.text(path);
        if HOSTS.iter().any(|host| format!("{text}/").starts_with(host)) {
            hosts.insert(path, text);
        }
    }
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    let mut searched = Searched::new();
    // By program: the paths, and the first process that looked.
    let mut programs: BTreeMap<PathId, (BTreeSet<PathId>, u32)> = BTreeMap::new();
    for process in 1..=case.stage.processes() {
        let touches = case.stage.touches(process).filter(|(path, ways)| absent(*ways) && hosts.contains_key(path));
        let paths: Vec<PathId> = touches.map(|(path, _)| path).collect();
        let Some(program) = case.stage.program(process).filter(|_| !paths.is_empty()) else { continue };
        let files = files(case, process)?;
        for path in paths {
            if !is_built_in(case, &files, &hosts[&path], &mut searched)? {
                programs.entry(program).or_insert_with(|| (BTreeSet::new(), process)).0.insert(path);
            }
        }
    }
    let finding = |(program, (paths, process)): (PathId, (BTreeSet<PathId>, u32))| {
        let program = case.stage.text(program);
        let message = match paths.len() {
            1 => format!("`{program}` looked for a path of a host"),
            several => format!("`{program}` looked for {several} paths of a host"),
        };
        let finding = Finding::new(&rules::HOST_LOOKUP, about(case.name, &program), message);
        let mut finding = acted(&case.stage.actor(process)).into_iter().fold(finding, Finding::because);
        for path in paths {
            read(&mut finding, "absent", hosts[&path].clone());
        }
        finding
    };
    Ok(programs.into_iter().map(finding).collect())
}

/// The program of a process with its libraries and modules, as far as they are tools.
fn files(case: &mut Case<'_, '_>, process: u32) -> Result<BTreeSet<Digest>, Error> {
    let ran = case.stage.touches(process).filter(|(_, ways)| ways.any(Ways::EXECUTED.and(Ways::LOADER)));
    let mut paths: BTreeSet<PathId> = ran.map(|(path, _)| path).collect();
    paths.extend(case.stage.program(process));
    paths.extend(case.stage.loaded(process));
    let mut files = BTreeSet::new();
    for path in paths {
        let given = case.stage.given(&case.stage.text(path))?;
        files.extend(given.filter(|given| given.role == Role::Tools).and_then(|given| given.digest));
    }
    Ok(files)
}

/// Whether a program has the folder in itself: it looks there whatever is built.
fn is_built_in(
    case: &Case<'_, '_>,
    files: &BTreeSet<Digest>,
    path: &str,
    searched: &mut Searched,
) -> Result<bool, Error> {
    let parts = if path.starts_with("/usr/") { 4 } else { 3 };
    let folder = path.split('/').take(parts).collect::<Vec<_>>().join("/");
    for file in files.iter().filter(|file| file.size <= LARGEST) {
        let key = (*file, folder.clone());
        if !searched.contains_key(&key) {
            let holds = memmem::find(&case.store.get_bytes(*file)?, folder.as_bytes()).is_some();
            searched.insert(key.clone(), holds);
        }
        if searched[&key] {
            return Ok(true);
        }
    }
    Ok(false)
}
