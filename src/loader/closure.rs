//! What is needed: from what has to run to all that it asks for.
//!
//! A need has a reason and somebody who needs. Followed are links on the way to a path, the loader of a program and the
//! libraries that it loads by the loader's own order of search, interpreters of scripts (and what `env` finds for them),
//! libraries that are constants of an object which calls dlopen, where they are there; glibc's modules for names, where an
//! object asks for names; modules that a kernel module depends on, the firmware that it asks for, and the indices of its
//! folder. What a program opens by a name that it computes, or what a script calls, is not known: it has to be said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::modules::{self, Release};
use super::object::{Module, Object};
use super::paths::{Found, resolve};
use super::search::{Asks, Libc, Loaders, Objects, is_musl_own, with_chain};
use super::view::{Facts, Own, View};

/// Services of names that glibc holds itself, since 2.34.
pub const BUILT_IN: [&str; 2] = ["files", "dns"];
/// Where nsswitch.conf(5) lies.
const NSSWITCH: &str = "etc/nsswitch.conf";
/// What glibc opens by itself: to end threads, and to show where an abort came from.
const GLIBC_OPENS: &str = "libgcc_s.so.1";
/// Where `env` looks: the PATH that login(1) and init set on most systems.
const PATH: [&str; 6] = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"];
/// Where the kernel looks for firmware, and with which ends.
const FIRMWARE: [&str; 2] = ["lib/firmware", "usr/lib/firmware"];
const FIRMWARE_ENDS: [&str; 3] = ["", ".xz", ".zst"];

/// What is asked.
pub struct Ask<'a> {
    /// Paths that are needed, each with the reason.
    pub roots: Vec<(String, String)>,
    /// Services of names; those of nsswitch.conf without.
    pub services: &'a [String],
    /// Whether a path or a name may be needed and not there.
    pub may_miss: &'a dyn Fn(&str) -> bool,
}

/// Why a path is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The path that needs it; empty for what was asked for.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Something that is needed and not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// A path with a slash before it, or a name.
    pub what: String,
    /// The path that needs it; empty for what was asked for.
    pub by: String,
    /// Why.
    pub why: String,
}

/// What is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// Paths with all reasons; the first that was found stands first.
    pub needs: BTreeMap<String, Vec<Need>>,
    /// What is not there.
    pub missing: BTreeSet<Missing>,
    /// What is not there, and may be missing.
    pub absent: BTreeSet<Missing>,
    /// Objects that contradict themselves, with the reason.
    pub broken: BTreeMap<String, String>,
}

/// Finds all that is needed.
///
/// # Errors
/// A file could not be read.
pub fn close<E>(view: View<'_, E>, ask: &Ask<'_>) -> Result<Closure, E> {
    let closure = {
        let loaders = Loaders::new(&view);
        let usual = Libc::of_root(&view);
        let mut work = Work {
            view: &view,
            loaders: &loaders,
            usual,
            ask,
            closure: Closure::default(),
            open: VecDeque::new(),
            linked: BTreeSet::new(),
            naming: None,
            releases: BTreeMap::new(),
        };
        for (path, why) in &ask.roots {
            work.want(path, "", why);
        }
        work.all();
        work.services();
        work.all();
        work.closure
    };
    view.finish()?;
    Ok(closure)
}

struct Work<'v, 'a, E> {
    view: &'v View<'a, E>,
    loaders: &'v Loaders<'v, View<'a, E>>,
    /// The C library of objects that do not say.
    usual: Libc,
    ask: &'v Ask<'v>,
    closure: Closure,
    open: VecDeque<String>,
    /// Objects that were loaded for others.
    linked: BTreeSet<String>,
    /// The first object that asks glibc for names, and by which function.
    naming: Option<(String, String)>,
    /// Folders of modules that were looked into.
    releases: BTreeMap<String, Rc<Release>>,
}

impl<'v, E> Work<'v, '_, E> {
    /// Looks into all that is known to be needed.
    fn all(&mut self) {
        while let Some(path) = self.open.pop_front() {
            match self.view.facts(&path) {
                Some(Facts::Object(object)) => self.object(&path, object),
                Some(Facts::Script { interpreter, program }) => {
                    self.run(interpreter, &path, "#!");
                    if let Some(program) = program {
                        self.by_env(&path, program);
                    }
                }
                Some(Facts::Broken(reason)) => drop(self.closure.broken.insert(path, reason.clone())),
                Some(Facts::Other) | None => {}
            }
        }
    }

    /// Something at a path is needed, with the links that lead there.
    fn want(&mut self, path: &str, by: &str, why: &str) {
        let mut links = Vec::new();
        let found = resolve(self.view, path, &mut |link| links.push(link.to_owned()));
        // Behind a link, where it leads says more than what was asked for.
        let direct = links.is_empty();
        let (mut by, mut why) = (by.to_owned(), why.to_owned());
        for link in links {
            self.need(&link, &by, &why);
            why = match self.view.own(&link) {
                Some(Own::Link(target)) => format!("link to {target}"),
                _ => why,
            };
            by = link;
        }
        match found {
            Found::At(path) => self.need(&path, &by, &why),
            Found::Missing(_) if direct => self.miss(&format!("/{}", path.trim_start_matches('/')), &by, &why),
            Found::Missing(path) => self.miss(&format!("/{path}"), &by, &why),
            Found::Loop => self.miss(path, &by, "its links lead round in circles"),
        }
    }

    fn need(&mut self, path: &str, by: &str, why: &str) {
        // A link that is passed on the way to itself says nothing new.
        if path == by {
            return;
        }
        let need = Need { by: by.to_owned(), why: why.to_owned() };
        match self.closure.needs.get_mut(path) {
            Some(needs) if needs.contains(&need) => {}
            Some(needs) => needs.push(need),
            None => {
                self.closure.needs.insert(path.to_owned(), vec![need]);
                self.open.push_back(path.to_owned());
            }
        }
    }

    fn miss(&mut self, what: &str, by: &str, why: &str) {
        let missing = Missing { what: what.to_owned(), by: by.to_owned(), why: why.to_owned() };
        let list = if (self.ask.may_miss)(what.trim_start_matches('/')) {
            &mut self.closure.absent
        } else {
            &mut self.closure.missing
        };
        list.insert(missing);
    }

    /// Something at a path is needed, and has to be a program.
    fn run(&mut self, path: &str, by: &str, why: &str) {
        match self.file(path) {
            Some(false) => self.miss(path, by, &format!("{why}, and it is not executable")),
            Some(true) => self.want(path, by, why),
            None => match resolve(self.view, path, &mut |_| ()) {
                Found::At(_) => self.miss(path, by, &format!("{why}, and it is no file")),
                Found::Missing(_) | Found::Loop => self.want(path, by, why),
            },
        }
    }

    /// Whether the file that a path leads to is executable; none if it leads to no file.
    fn file(&self, path: &str) -> Option<bool> {
        match resolve(self.view, path, &mut |_| ()) {
            Found::At(path) => match self.view.own(&path) {
                Some(Own::File { executable }) => Some(*executable),
                _ => None,
            },
            Found::Missing(_) | Found::Loop => None,
        }
    }

    fn by_env(&mut self, path: &str, program: &str) {
        let places = PATH.iter().map(|folder| format!("{folder}/{program}"));
        match places.into_iter().find(|place| self.file(place) == Some(true)) {
            Some(place) => self.want(&place, path, "#! by env"),
            None => self.miss(program, path, "#! by env"),
        }
    }

    /// The C library of an object: by its loader, by what it needs, else the only one that there is.
    fn libc(&self, object: &Object) -> Libc {
        let by_loader = object.interpreter.as_deref().and_then(Libc::of_interpreter);
        by_loader.or_else(|| object.needed().iter().find_map(|name| Libc::of_needed(name))).unwrap_or(self.usual)
    }

    fn object(&mut self, path: &str, object: &'v Object) {
        let libc = self.libc(object);
        if let Some(interpreter) = &object.interpreter {
            self.run(interpreter, path, "PT_INTERP");
        }
        if object.dynamic.is_some() && (object.interpreter.is_some() || !self.linked.contains(path)) {
            self.load(path, object, libc);
        }
        let glibc_itself = object.soname() == Some("libc.so.6");
        let own = glibc_itself.then_some(GLIBC_OPENS);
        for name in object.opens.iter().map(String::as_str).chain(own) {
            let found = with_chain(&[(path, object.asks())], |chain| self.loaders.find(libc, name, chain));
            if let Some(place) = found {
                self.want(&place.asked, path, &format!("dlopen {name}"));
            }
        }
        if let (Some(function), Libc::Glibc, None, false) = (&object.naming, libc, &self.naming, glibc_itself) {
            self.naming = Some((path.to_owned(), function.clone()));
        }
        if let Some(module) = &object.module {
            self.module(path, module);
        }
    }

    /// All that is loaded for an object, breadth first as loaders do.
    fn load(&mut self, path: &str, object: &'v Object, libc: Libc) {
        let mut loaded: Vec<(String, &'v Object)> = vec![(path.to_owned(), object)];
        // Who asked for each object: an index; none for the first.
        let mut by: Vec<Option<usize>> = vec![None];
        let mut at = 0;
        while at < loaded.len() {
            let (own, object) = (loaded[at].0.clone(), loaded[at].1);
            for name in object.needed() {
                let why = format!("DT_NEEDED {name}");
                if libc == Libc::Musl && is_musl_own(name) {
                    if let Some(place) = self.loaders.usual(libc, name, object.machine) {
                        self.want(&place.asked, &own, &why);
                    }
                    continue;
                }
                let is_it = |(path, object): &&(String, &Object)| {
                    object.soname() == Some(name) || path.rsplit('/').next() == Some(name)
                };
                if let Some((found, _)) = loaded.iter().find(is_it) {
                    self.need(&found.clone(), &own, &why);
                    continue;
                }
                let mut chain: Vec<(&str, Asks<'_>)> = Vec::new();
                let mut next = Some(at);
                while let Some(index) = next {
                    chain.push((&loaded[index].0, loaded[index].1.asks()));
                    next = by[index];
                }
                let Some(place) = with_chain(&chain, |chain| self.loaders.find(libc, name, chain)) else {
                    self.miss(name, &own, &why);
                    continue;
                };
                self.want(&place.asked, &own, &why);
                self.linked.insert(place.file.clone());
                if let Some(object) = self.view.object(&place.file)
                    && !loaded.iter().any(|(path, _)| *path == place.file)
                {
                    loaded.push((place.file, object));
                    by.push(Some(at));
                }
            }
            at += 1;
        }
    }

    /// The modules of glibc's name service switch.
    fn services(&mut self) {
        let Some((asker, function)) = self.naming.clone() else { return };
        let libc = self.view.object(&asker).map(|object| object.machine).and_then(|machine| {
            let place = self.loaders.usual(Libc::Glibc, "libc.so.6", machine)?;
            Some((machine, self.view.object(&place.file)?))
        });
        let Some((machine, libc)) = libc else { return };
        let configured = || {
            let text = self.view.text(NSSWITCH).unwrap_or_default();
            text.lines().flat_map(services).map(str::to_owned).collect::<BTreeSet<String>>()
        };
        let services =
            if self.ask.services.is_empty() { configured() } else { self.ask.services.iter().cloned().collect() };
        if self.file(NSSWITCH).is_some() {
            self.want(NSSWITCH, &asker, &format!("{function} of glibc"));
        }
        for service in services {
            let (name, why) =
                (format!("libnss_{service}.so.2"), format!("service `{service}` of names, for {function}"));
            match self.loaders.usual(Libc::Glibc, &name, machine) {
                Some(place) => self.want(&place.asked, &asker, &why),
                None if libc.has_services && BUILT_IN.contains(&service.as_str()) => {}
                None => self.miss(&name, &asker, &why),
            }
        }
    }

    /// What a kernel module depends on, its firmware, and what modprobe(8) reads to find it.
    fn module(&mut self, path: &str, module: &Module) {
        let folder = modules::folder(path);
        let view = self.view;
        let release = self.releases.entry(folder).or_insert_with_key(|folder| Rc::new(Release::of(view, folder)));
        let release = Rc::clone(release);
        let depends = module.depends.iter().map(|name| (name, "depends", true));
        for (name, key, must) in depends.chain(module.wishes.iter().map(|name| (name, "softdep", false))) {
            let name = name.replace('-', "_");
            let why = format!(".modinfo {key}={name}");
            match release.modules.get(&name) {
                Some(found) => self.want(found, path, &why),
                None if must && !release.built_in.contains(&name) => self.miss(&format!("{name}.ko"), path, &why),
                None => {}
            }
        }
        for name in &module.firmware {
            let why = format!(".modinfo firmware={name}");
            let places = FIRMWARE.iter().flat_map(|folder| FIRMWARE_ENDS.map(|end| format!("{folder}/{name}{end}")));
            match places.into_iter().find(|place| self.file(place).is_some()) {
                Some(place) => self.want(&place, path, &why),
                None => self.miss(&format!("/lib/firmware/{name}"), path, &why),
            }
        }
        for index in &release.indices {
            self.want(index, path, "an index of modprobe");
        }
    }
}

/// The services of a line of nsswitch.conf(5): `database: service [STATUS=action] service`.
pub fn services(line: &str) -> Vec<&str> {
    let line = line.split('#').next().unwrap_or_default();
    let Some((_, services)) = line.split_once(':') else { return Vec::new() };
    services.split(']').flat_map(|part| part.split('[').next().unwrap_or_default().split_whitespace()).collect()
}
