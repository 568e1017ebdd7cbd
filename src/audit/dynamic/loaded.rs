//! The libraries that a linker needs itself.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::Case;
use crate::audit::elf;
use crate::audit::error::Error;
use crate::provenance::{Actor, Reached};
use crate::trace::Ways;

/// What programs load of themselves, by the number of the process.
pub(super) type Known = BTreeMap<u32, BTreeSet<String>>;

/// Objects of a closure; more have none.
const MOST: usize = 200;

/// Whether a process read a library only because its own program, or a plug-in of the linker, needs it.
pub(super) fn is_own(case: &mut Case<'_, '_>, library: &Reached, known: &mut Known) -> Result<bool, Error> {
    let actor = case.stage.actor(library.reader);
    let plugins = plugins(&actor);
    if plugins.contains(&library.path) {
        return Ok(true);
    }
    let own = match known.entry(library.reader) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(closure(case, &actor, &plugins)?),
    };
    Ok(own.contains(&library.path) && !is_asked(&actor.arguments, base(&library.path)))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What the linker loads to compile at link time.
fn plugins(actor: &Actor) -> Vec<String> {
    let pairs = actor.arguments.windows(2).filter(|pair| matches!(pair[0].as_str(), "-plugin" | "--plugin"));
    pairs.map(|pair| pair[1].clone()).collect()
}

/// Whether a command line names a library.
fn is_asked(arguments: &[String], name: &str) -> bool {
    arguments.iter().any(|word| {
        if let Some(short) = word.strip_prefix("-l") {
            let file = short.strip_prefix(':').map_or_else(|| format!("lib{short}.so"), str::to_owned);
            return name == file || name.strip_prefix(file.as_str()).is_some_and(|rest| rest.starts_with('.'));
        }
        let file = base(word);
        file.contains(".so") && (name == file || name.starts_with(&format!("{file}.")))
    })
}

/// The libraries that a program and some plug-ins need (DT_NEEDED), and those that these need.
fn closure(case: &mut Case<'_, '_>, actor: &Actor, plugins: &[String]) -> Result<BTreeSet<String>, Error> {
    // A loader's folders are those from which something was read.
    let read: Vec<_> = case.stage.touches(actor.number).filter(|(_, ways)| ways.any(Ways::READ)).collect();
    let paths = read.iter().map(|(path, _)| case.stage.text(*path));
    let folders: BTreeSet<String> =
        paths.filter_map(|path| path.rsplit_once('/').map(|(folder, _)| folder.to_owned())).collect();
    let mut waiting: Vec<String> = plugins.to_vec();
    waiting.push(actor.program.clone());
    let mut closure = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        let Some((_, given)) = case.stage.resolved(&path)? else { continue };
        let Some(digest) = given.digest else { continue };
        let bytes = case.store.get_bytes(digest)?;
        // What is no object needs nothing.
        let Ok(parsed) = elf::read(&bytes, elf::Limits { bytes: 1 << 20 }) else { continue };
        for name in &parsed.elf.needed {
            for folder in &folders {
                let Some((path, _)) = case.stage.resolved(&format!("{folder}/{name}"))? else { continue };
                if closure.len() < MOST && closure.insert(path.clone()) {
                    waiting.push(path);
                }
            }
        }
    }
    Ok(closure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_named_in_several_ways() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let line = words("ld -o x -lz -l:libq.so.1 /usr/lib/libm.so y.o");
        for (name, asked) in [
            ("libz.so", true),
            ("libz.so.1.2.13", true),
            ("libzstd.so.1", false),
            ("libq.so.1", true),
            ("libq.so.2", false),
            ("libm.so.6", true),
            ("libbfd-2.40.so", false),
        ] {
            assert_eq!(is_asked(&line, name), asked, "{name}");
        }
    }
}
