//! Which file the loader takes for a name: ld.so(8), and ldso/dynlink.c of musl.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::machine::Machine;
use super::paths::{Found, Tree, parent, resolve};

/// Whose loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
}

impl Libc {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        }
    }

    /// Whose loader a path names.
    pub fn of_interpreter(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with("ld-musl-") {
            Some(Self::Musl)
        } else if name.starts_with("ld-linux") || name.starts_with("ld64.so") || name.starts_with("ld.so") {
            Some(Self::Glibc)
        } else {
            None
        }
    }

    /// Whose C library a needed name is.
    pub fn of_needed(name: &str) -> Option<Self> {
        match name {
            "libc.so.6" => Some(Self::Glibc),
            "libc.so" => Some(Self::Musl),
            _ if name.starts_with("libc.musl-") => Some(Self::Musl),
            _ => Self::of_interpreter(name),
        }
    }
}

impl Libc {
    /// The C library whose loader is at its place in a root; glibc, if both or none are.
    pub fn of_root<T: Objects + ?Sized>(root: &T) -> Self {
        let folders = ["lib", "usr/lib", "lib64", "usr/lib64"];
        let names = folders.iter().flat_map(|folder| {
            let all = root.starting(&format!("{folder}/ld"));
            all.filter(move |path| parent(path) == *folder).filter_map(Self::of_interpreter).collect::<Vec<_>>()
        });
        let found: Vec<Self> = names.collect();
        if found.contains(&Self::Musl) && !found.contains(&Self::Glibc) { Self::Musl } else { Self::Glibc }
    }
}

/// Names that musl's loader takes for itself: `load_library` in ldso/dynlink.c.
const MUSL_OWN: [&str; 7] = ["c", "pthread", "rt", "m", "dl", "util", "xnet"];

/// Whether musl's loader takes a name for itself.
pub fn is_musl_own(name: &str) -> bool {
    let stem = name.strip_prefix("lib").and_then(|rest| rest.split_once('.')).map(|(stem, _)| stem);
    stem.is_some_and(|stem| MUSL_OWN.contains(&stem))
}

/// What an object says about where its libraries are.
#[derive(Debug, Clone, Copy)]
pub struct Asks<'a> {
    /// Only objects of the same machine are taken.
    pub machine: Machine,
    /// DT_RPATH.
    pub rpath: Option<&'a str>,
    /// DT_RUNPATH.
    pub runpath: Option<&'a str>,
    /// DF_1_NODEFLIB: the loader's own directories are not searched.
    pub no_default: bool,
}

/// A root whose files can be asked.
pub trait Objects: Tree {
    /// What the object at a path asks for; none if there is no object. The path is no link.
    fn asks(&self, path: &str) -> Option<Asks<'_>>;
    /// The text of a loader's own configuration.
    fn text(&self, path: &str) -> Option<String>;
    /// All paths that begin with these bytes, sorted.
    fn starting<'s>(&'s self, prefix: &str) -> Box<dyn Iterator<Item = &'s str> + 's>;
}

/// An object in the order in which it is loaded, with those that asked for it.
pub struct Chain<'c> {
    /// Its path, which is no link.
    pub path: &'c str,
    /// What it asks for.
    pub asks: Asks<'c>,
    /// Who asked for it.
    pub by: Option<&'c Chain<'c>>,
}

/// Where a library was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path that the loader opens.
    pub asked: String,
    /// The path that this leads to, which is no link.
    pub file: String,
}

/// The loaders of a root.
pub struct Loaders<'r, T: ?Sized> {
    root: &'r T,
    glibc: Vec<String>,
    musl: Vec<String>,
    /// What the directories that are always searched have for a name.
    known: RefCell<BTreeMap<(Libc, Machine, String), Option<Place>>>,
}

impl<'r, T: Objects + ?Sized> Loaders<'r, T> {
    /// Those of a root.
    pub fn new(root: &'r T) -> Self {
        Self { root, glibc: glibc_directories(root), musl: musl_directories(root), known: RefCell::default() }
    }

    /// The directories that are searched for everybody.
    pub fn directories(&self, libc: Libc) -> &[String] {
        match libc {
            Libc::Glibc => &self.glibc,
            Libc::Musl => &self.musl,
        }
    }

    /// The file that is taken for `name` when the first of `chain` asks for it.
    pub fn find(&self, libc: Libc, name: &str, chain: &Chain<'_>) -> Option<Place> {
        let machine = chain.asks.machine;
        if name.contains('/') {
            return elements(name, chain.path, machine).iter().find_map(|path| self.file(path, machine));
        }
        let own = self.listed(libc, chain);
        own.iter()
            .find_map(|folder| self.file(&format!("{folder}/{name}"), machine))
            .or_else(|| if chain.asks.no_default { None } else { self.usual(libc, name, machine) })
    }

    /// The file in the directories that are searched for everybody.
    pub fn usual(&self, libc: Libc, name: &str, machine: Machine) -> Option<Place> {
        let key = (libc, machine, name.to_owned());
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let found = self.directories(libc).iter().find_map(|folder| self.file(&format!("{folder}/{name}"), machine));
        self.known.borrow_mut().insert(key, found.clone());
        found
    }

    /// A library at a path, links followed; objects of other machines are passed over.
    pub fn file(&self, path: &str, machine: Machine) -> Option<Place> {
        match resolve(self.root, path, &mut |_| ()) {
            Found::At(file) if self.root.asks(&file).is_some_and(|asks| asks.machine == machine) => {
                Some(Place { asked: path.to_owned(), file })
            }
            _ => None,
        }
    }

    /// The directories that the objects of a chain list.
    fn listed(&self, libc: Libc, chain: &Chain<'_>) -> Vec<String> {
        let mut found = Vec::new();
        let mut next = Some(chain);
        let own = chain.asks.runpath;
        while let Some(link) = next {
            // glibc: DT_RPATH counts for what is loaded further down, unless DT_RUNPATH is there; that one counts for
            // its own object only. musl: either one counts, further down too.
            let list = match libc {
                Libc::Musl => link.asks.runpath.or(link.asks.rpath),
                Libc::Glibc if own.is_some() || link.asks.runpath.is_some() => None,
                Libc::Glibc => link.asks.rpath,
            };
            found.extend(list.into_iter().flat_map(|list| elements(list, link.path, link.asks.machine)));
            next = link.by;
        }
        if libc == Libc::Glibc {
            found.extend(own.into_iter().flat_map(|list| elements(list, chain.path, chain.asks.machine)));
        }
        found
    }
}

/// Calls `find` with the first object of a list, in which each is followed by the one that asked for it.
pub fn with_chain<T>(objects: &[(&str, Asks<'_>)], find: impl FnOnce(&Chain<'_>) -> T) -> T {
    fn build<T, F: FnOnce(&Chain<'_>) -> T>(objects: &[(&str, Asks<'_>)], by: Option<&Chain<'_>>, find: F) -> T {
        let (last, rest) = objects.split_last().expect("a chain has an object");
        let chain = Chain { path: last.0, asks: last.1, by };
        if rest.is_empty() { find(&chain) } else { build(rest, Some(&chain), find) }
    }
    build(objects, None, find)
}

/// The elements of a search path with their tokens replaced; relative and unknown ones lead nowhere that is known.
pub fn elements(list: &str, object: &str, machine: Machine) -> Vec<String> {
    let mut found = Vec::new();
    for element in list.split(':') {
        let origin = format!("/{}", parent(object));
        let element = element.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin);
        for lib in ["lib", "lib64", &format!("lib/{}", triplet(machine))] {
            let element = element.replace("${LIB}", lib).replace("$LIB", lib);
            if element.starts_with('/') && !element.contains('$') && !found.contains(&element) {
                found.push(element);
            }
        }
    }
    found
}

/// Debian's name of a machine's directories.
fn triplet(machine: Machine) -> String {
    let name = match machine.to_string().as_str() {
        "arm" => return "arm-linux-gnueabihf".to_owned(),
        "ppc64le" => "powerpc64le".to_owned(),
        "x32" => return "x86_64-linux-gnux32".to_owned(),
        name => name.to_owned(),
    };
    format!("{name}-linux-gnu")
}

fn content<T: Objects + ?Sized>(root: &T, path: &str) -> Option<String> {
    match resolve(root, path, &mut |_| ()) {
        Found::At(path) => root.text(&path),
        _ => None,
    }
}

/// `/etc/ld.so.conf` with what it includes, then the directories that are built in; Debian's ones are named by machine.
fn glibc_directories<T: Objects + ?Sized>(root: &T) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |text: &str| {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        found.extend(lines.filter(|line| line.starts_with('/')).map(str::to_owned));
    };
    for line in content(root, "etc/ld.so.conf").unwrap_or_default().lines() {
        match line.trim().strip_prefix("include") {
            Some(pattern) => {
                let pattern = pattern.trim().trim_start_matches('/');
                let glob = globset::GlobBuilder::new(pattern)
                    .literal_separator(true)
                    .build()
                    .map(|glob| glob.compile_matcher());
                let Ok(glob) = glob else { continue };
                let fixed = pattern.split(['*', '?', '[', '{']).next().unwrap_or_default();
                for path in root.starting(fixed).filter(|path| glob.is_match(path)) {
                    add(&content(root, path).unwrap_or_default());
                }
            }
            None => add(line),
        }
    }
    let local = |folder: &str| {
        let prefix = format!("{folder}/");
        let tops = root.starting(&prefix);
        let names = tops
            .filter_map(|path| path[folder.len() + 1..].split('/').next())
            .filter(|name| name.contains("-linux-gnu"));
        let mut names: Vec<String> = names.map(|name| format!("/{folder}/{name}")).collect();
        names.dedup();
        names
    };
    found.extend(local("lib"));
    found.extend(local("usr/lib"));
    found.extend(["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/lib32", "/usr/lib32", "/libx32"].map(str::to_owned));
    found
}

/// `/etc/ld-musl-ARCH.path`, or what is built in.
fn musl_directories<T: Objects + ?Sized>(root: &T) -> Vec<String> {
    let path = root.starting("etc/ld-musl-").find(|path| path.ends_with(".path"));
    let text = path.and_then(|path| content(root, path));
    let text = text.as_deref().unwrap_or("/lib:/usr/local/lib:/usr/lib");
    text.split([':', '\n']).filter(|folder| folder.starts_with('/')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_is_it() {
        assert_eq!(Libc::of_interpreter("/lib/ld-musl-x86_64.so.1"), Some(Libc::Musl));
        assert_eq!(Libc::of_interpreter("/lib64/ld-linux-x86-64.so.2"), Some(Libc::Glibc));
        assert_eq!(Libc::of_needed("libc.so.6"), Some(Libc::Glibc));
        assert_eq!(Libc::of_needed("libc.so"), Some(Libc::Musl));
        assert_eq!(Libc::of_needed("libz.so.1"), None);
        assert!(is_musl_own("libpthread.so.0") && !is_musl_own("libmath.so") && !is_musl_own("libz.so"));
    }

    #[test]
    fn tokens() {
        let machine = Machine::from_name("x86_64").expect("it is known");
        assert_eq!(elements("$ORIGIN/../lib:rel::/x", "usr/bin/a", machine), ["/usr/bin/../lib", "/x"]);
        assert_eq!(elements("/opt/$LIB", "a", machine), ["/opt/lib", "/opt/lib64", "/opt/lib/x86_64-linux-gnu"]);
        assert_eq!(elements("/opt/$PLATFORM", "a", machine), [] as [&str; 0]);
    }
}
