//! What each program loads, by the loader's own order of search: libraries, their versions and their symbols.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Found, resolve};
use super::{Judge, Scope, files, parent};
use crate::audit::elf::{Elf, search_tags, symbol_hash};
use crate::audit::finding::{Evidence, Finding};
use crate::audit::rules;
use crate::audit::tree::{Node, Root, What};
use crate::loader::{Asks, Libc, Loaders, elements, is_musl_own, with_chain};

/// Evidence shown of a list.
const SHOWN: usize = 5;

/// A program or library with all that is loaded for it.
struct Closure<'r> {
    /// In the order of loading: the object itself first, the loader last.
    objects: Vec<(String, &'r Elf)>,
    /// Object and name of what was not found.
    missing: Vec<(String, String)>,
    /// What was found for each name that an object needs: object, name, file.
    links: Vec<(String, String, String)>,
}

pub(super) fn check(root: &Root, scope: Scope, judge: &mut Judge<'_>) {
    let loaders = Loaders::new(root);
    let mut work = Work {
        root,
        scope,
        loaders: &loaders,
        usual: Libc::of_root(root),
        left: BTreeMap::new(),
        symbols: BTreeMap::new(),
        told: BTreeSet::new(),
    };
    let objects: Vec<(&str, &Node, &Elf)> = files(root)
        .filter_map(|(path, node, file)| Some((path, node, file.elf.as_deref()?)))
        .filter(|(_, _, elf)| elf.is_dynamic())
        .collect();
    let mut reached = BTreeSet::new();
    for (path, node, elf) in &objects {
        work.places(path, node, elf, judge);
        if elf.interpreter.is_some() {
            let closure = work.program(path, node, elf, judge);
            reached.extend(closure.objects.into_iter().map(|(path, _)| path));
        }
    }
    // Plug-ins: whoever loads them may bring libraries and symbols along, but not what they need by name.
    for (path, node, elf) in
        objects.iter().filter(|(path, _, elf)| elf.interpreter.is_none() && !reached.contains(*path))
    {
        let libc = work.libc(elf);
        let closure = work.close(path, elf, libc);
        work.libraries(node, &closure, libc, judge);
    }
    work.tell_symbols(judge);
}

struct Work<'r, 'l> {
    root: &'r Root,
    scope: Scope,
    loaders: &'l Loaders<'r, Root>,
    /// The C library of objects that do not say.
    usual: Libc,
    /// For each object, the symbols that its own libraries do not define.
    left: BTreeMap<String, Vec<&'r str>>,
    /// Symbols that a program's closure does not define: by object, with the program.
    symbols: BTreeMap<String, (BTreeSet<&'r str>, String)>,
    /// Pairs of object and name that were told already.
    told: BTreeSet<(String, String)>,
}

impl<'r> Work<'r, '_> {
    /// The C library of an object without a loader: by what it needs, else the only one that there is.
    fn libc(&self, elf: &Elf) -> Libc {
        let by_needed = elf.needed.iter().find_map(|name| Libc::of_needed(name));
        by_needed.unwrap_or(self.usual)
    }

    fn object(&self, path: &str) -> String {
        self.root.nodes.get(path).map_or_else(|| path.to_owned(), |node| node.object.clone())
    }

    /// Search paths, where it matters where the object lies.
    fn places(&self, path: &str, node: &Node, elf: &Elf, judge: &mut Judge<'_>) {
        for (tag, list) in search_tags(elf) {
            let mut add = |rule, message: String| {
                let finding = Finding::new(rule, &node.object, message);
                judge.found.push(finding.because(Evidence::value(tag, list)));
            };
            for element in list.split(':').filter(|element| !judge.needles.is_foreign(element)) {
                let rest = ["$ORIGIN", "${ORIGIN}"].iter().find_map(|token| element.strip_prefix(token));
                let escapes = |rest: &str| super::paths::join(parent(path), rest.trim_start_matches('/')).is_none();
                let places = elements(element, path, elf.machine);
                let none = || places.iter().all(|place| !matches!(resolve(self.root, place), Found::At(_)));
                if rest.is_some_and(escapes) && self.scope != Scope::Loose {
                    add(&rules::RPATH_ORIGIN_ESCAPES, format!("{tag} leads out of the root by `{element}`"));
                } else if self.scope == Scope::Whole && !places.is_empty() && none() {
                    add(&rules::RPATH_MISSING, format!("{tag} names `{element}`, which is not there"));
                } else if element.starts_with('/') {
                    add(&rules::RPATH_ABSOLUTE, format!("{tag} has the absolute path `{element}`"));
                }
            }
        }
    }

    fn program(&mut self, path: &str, node: &Node, elf: &'r Elf, judge: &mut Judge<'_>) -> Closure<'r> {
        let interpreter = elf.interpreter.as_deref().unwrap_or_default();
        let libc = Libc::of_interpreter(interpreter).unwrap_or_else(|| self.libc(elf));
        let there = match resolve(self.root, interpreter) {
            Found::At(found) => self
                .root
                .nodes
                .get(&found)
                .is_some_and(|node| matches!(node.what, What::File(_)) && node.mode & 0o111 != 0),
            _ => false,
        };
        let foreign = !interpreter.starts_with('/') || judge.needles.is_foreign(interpreter);
        if !there && self.scope == Scope::Whole && !foreign {
            let finding = Finding::new(
                &rules::INTERPRETER_MISSING,
                &node.object,
                format!("its loader `{interpreter}` is not there"),
            );
            judge.found.push(finding.because(Evidence::value("PT_INTERP", interpreter)));
        } else if !there && !foreign {
            judge.outside.insert(interpreter.to_owned());
        }
        let mut closure = self.close(path, elf, libc);
        self.libraries(node, &closure, libc, judge);
        if there && let Found::At(found) = resolve(self.root, interpreter) {
            closure.objects.extend(self.root.object(&found).map(|elf| (found, elf)));
        }
        if closure.missing.is_empty() && there {
            self.undefined(node, &closure);
        }
        closure
    }

    /// All that is loaded for an object, breadth first as loaders do.
    fn close(&self, path: &str, elf: &'r Elf, libc: Libc) -> Closure<'r> {
        let mut closure = Closure { objects: vec![(path.to_owned(), elf)], missing: Vec::new(), links: Vec::new() };
        // Who asked for each object: an index; none for the first.
        let mut by: Vec<Option<usize>> = vec![None];
        let mut at = 0;
        while at < closure.objects.len() {
            let (own, elf) = (closure.objects[at].0.clone(), closure.objects[at].1);
            for name in &elf.needed {
                if libc == Libc::Musl && is_musl_own(name) {
                    if let Some(found) = self.loaders.usual(libc, name, elf.machine) {
                        closure.links.push((own.clone(), name.clone(), found.file));
                    }
                    continue;
                }
                let loaded = closure
                    .objects
                    .iter()
                    .find(|(path, elf)| elf.soname.as_deref() == Some(name) || path.rsplit('/').next() == Some(name));
                let found = match loaded {
                    Some((path, _)) => Some(path.clone()),
                    None => with_chain(&chain(&closure.objects, &by, at), |chain| self.loaders.find(libc, name, chain))
                        .map(|place| place.file)
                        .or_else(|| self.beside(&own, name, elf)),
                };
                let Some(found) = found else {
                    closure.missing.push((own.clone(), name.clone()));
                    continue;
                };
                if !closure.objects.iter().any(|(path, _)| *path == found)
                    && let Some(elf) = self.root.object(&found)
                {
                    closure.objects.push((found.clone(), elf));
                    by.push(Some(at));
                }
                closure.links.push((own.clone(), name.clone(), found));
            }
            at += 1;
        }
        closure
    }

    /// Loose files may be the content of a directory that is searched: what lies beside the object is taken for it.
    fn beside(&self, own: &str, name: &str, elf: &Elf) -> Option<String> {
        let path = if parent(own).is_empty() { name.to_owned() } else { format!("{}/{name}", parent(own)) };
        let there = || self.loaders.file(&path, elf.machine).map(|place| place.file);
        (self.scope == Scope::Loose).then(there).flatten()
    }

    /// What is wrong with the libraries that an object loads.
    fn libraries(&mut self, node: &Node, closure: &Closure<'r>, libc: Libc, judge: &mut Judge<'_>) {
        for (own, name) in &closure.missing {
            if self.scope != Scope::Whole {
                judge.outside.insert(name.clone());
            } else if !name.contains('/') && self.told.insert((own.clone(), name.clone())) {
                let object = self.object(own);
                let mut finding = Finding::new(&rules::NEEDED_MISSING, &object, format!("it needs `{name}`"));
                finding.evidence.push(Evidence::value("DT_NEEDED", name));
                finding.evidence.push(Evidence::value(
                    format!("directories of {}", libc.name()),
                    self.loaders.directories(libc).join(":"),
                ));
                if object != node.object {
                    finding.evidence.push(Evidence::object("loaded by", &node.object));
                }
                judge.found.push(finding);
            }
        }
        for (own, elf) in &closure.objects {
            let other = elf.needed.iter().find(|name| Libc::of_needed(name).is_some_and(|other| other != libc));
            if let Some(name) = other.filter(|name| self.told.insert((own.clone(), format!("{name}@{}", libc.name()))))
            {
                let object = self.object(own);
                let finding = Finding::new(
                    &rules::LIBC_MIXED,
                    &object,
                    format!("the loader of {} is to load `{name}`", libc.name()),
                );
                judge.found.push(
                    finding
                        .because(Evidence::value("DT_NEEDED", name))
                        .because(Evidence::object("loaded by", &node.object)),
                );
            }
        }
        for (own, name, found) in &closure.links {
            if !self.told.insert((own.clone(), format!("{name}>{found}"))) {
                continue;
            }
            let elf = self.root.object(own).zip(self.root.object(found));
            if let Some((elf, library)) = elf {
                self.pair(&self.object(own), elf, name, &self.object(found), library, judge);
            }
        }
    }

    /// An object and one of its libraries.
    fn pair(&self, object: &str, elf: &Elf, name: &str, file: &str, library: &Elf, judge: &mut Judge<'_>) {
        let wanted = || elf.wanted.iter().filter(|wanted| wanted.library == name);
        // A library without versions satisfies everybody, with a warning of the loader.
        let lacks: Vec<&str> = wanted()
            .filter(|wanted| {
                !wanted.weak && !library.versions.is_empty() && !library.versions.contains(&wanted.version)
            })
            .map(|wanted| wanted.version.as_str())
            .collect();
        if let Some(first) = lacks.first() {
            let finding =
                Finding::new(&rules::VERSION_MISSING, object, format!("`{file}` does not have version {first}"));
            judge.found.push(
                finding
                    .because(Evidence::value("versions needed", lacks.join(", ")))
                    .because(Evidence::object("found", file)),
            );
        }
        let uses = elf.undefined.iter().any(|symbol| library.exports(&symbol.name))
            || wanted().next().is_some()
            || common(&elf.exports, &library.exports);
        if !uses && !library.exports.is_empty() && !self.is_libc(library, name) {
            let finding = Finding::new(&rules::NEEDED_UNUSED, object, format!("it uses no symbol of `{name}`"));
            judge
                .found
                .push(finding.because(Evidence::value("DT_NEEDED", name)).because(Evidence::object("found", file)));
        }
    }

    /// The C library starts and ends a process even if nothing of it is called.
    fn is_libc(&self, library: &Elf, name: &str) -> bool {
        Libc::of_needed(name).is_some() || library.soname.as_deref().is_some_and(|name| Libc::of_needed(name).is_some())
    }

    /// Symbols that nothing in a program's closure defines.
    fn undefined(&mut self, node: &Node, closure: &Closure<'r>) {
        for (path, elf) in &closure.objects {
            if !self.left.contains_key(path) {
                let left = self.left_over(path, elf);
                self.left.insert(path.clone(), left);
            }
            let defined = |name: &&str| {
                let hash = symbol_hash(name.as_bytes());
                closure.objects.iter().any(|(_, elf)| elf.exports.binary_search(&hash).is_ok())
            };
            let missing: Vec<&str> = self.left[path].iter().copied().filter(|name| !defined(name)).collect();
            if !missing.is_empty() {
                let entry = self.symbols.entry(path.clone()).or_insert_with(|| (BTreeSet::new(), node.object.clone()));
                entry.0.extend(missing);
            }
        }
    }

    fn left_over(&self, path: &str, elf: &'r Elf) -> Vec<&'r str> {
        let closure = self.close(path, elf, self.libc(elf));
        let strong = elf.undefined.iter().filter(|symbol| !symbol.weak);
        strong
            .map(|symbol| symbol.name.as_str())
            .filter(|name| {
                let hash = symbol_hash(name.as_bytes());
                !closure.objects.iter().any(|(_, elf)| elf.exports.binary_search(&hash).is_ok())
            })
            .collect()
    }

    fn tell_symbols(&mut self, judge: &mut Judge<'_>) {
        for (path, (names, program)) in std::mem::take(&mut self.symbols) {
            let object = self.object(&path);
            let first = names.first().copied().unwrap_or_default();
            let mut finding = Finding::new(&rules::SYMBOL_MISSING, &object, format!("nothing defines `{first}`"));
            finding.evidence = names.iter().take(SHOWN).map(|name| Evidence::value("undefined", *name)).collect();
            finding.more = names.len().saturating_sub(SHOWN) as u64;
            if program != object {
                finding.evidence.push(Evidence::object("loaded by", program));
            }
            judge.found.push(finding);
        }
    }
}

/// The object at `index`, followed by all that led to it.
fn chain<'a>(objects: &'a [(String, &'a Elf)], by: &[Option<usize>], index: usize) -> Vec<(&'a str, Asks<'a>)> {
    let indices = std::iter::successors(Some(index), |index| by[*index]);
    indices.map(|index| (objects[index].0.as_str(), objects[index].1.asks())).collect()
}

/// Whether two sorted lists have an element in common: an object that defines what its library defines, too, takes part.
fn common(a: &[u64], b: &[u64]) -> bool {
    let (small, large) = if a.len() < b.len() { (a, b) } else { (b, a) };
    small.iter().any(|hash| large.binary_search(hash).is_ok())
}
