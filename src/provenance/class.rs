//! How something that a process read is part of what it wrote: as data, as a tool, or by deciding what to do.

use schemars::JsonSchema;
use serde::Serialize;

use super::index::{Index, Touch};
use crate::trace::Ways;

/// How an input reached an output. The first that applies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Opened and read by a process whose output went into it.
    Data,
    /// A program that was executed on the way, with its loader and libraries; and what such a program was made of, when the
    /// stage made it.
    Tool,
    /// Scripts, makefiles, and what was read to decide: by shells that asked a command, by those who started the others.
    Control,
}

/// What is known of a process by the name of its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Shell,
    /// Reads its program from the file that is named first: python, perl…
    Interpreter,
    /// Reads its program from a file after `-f`: awk, sed.
    Filter,
    /// Starts others, and hands its standard input to all of them.
    Make,
    /// A compiler's driver, which starts the programs that do the work.
    Driver,
    /// Links: libraries that it opens are data.
    Linker,
    /// Writes what it reads to a file of the same name, be it shorter.
    Copier,
    Other,
}

/// The last part of a path.
pub(super) fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Whether a name is `word`, maybe with a target before it (`x86_64-linux-gcc`) and a version after it: `gcc-12`, and
/// of interpreters `python3.11`, too.
fn is(name: &str, word: &str, interpreter: bool) -> bool {
    let Some((before, rest)) = name.rsplit_once(word) else { return false };
    let version = rest.strip_prefix('-').unwrap_or(if interpreter { rest } else { "" });
    let numbers = version.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    let whole = rest.is_empty() || numbers && !version.is_empty();
    whole && (before.is_empty() || before.ends_with('-'))
}

/// What a program of this name is.
pub(super) fn kind_of(name: &[u8]) -> Kind {
    let name = String::from_utf8_lossy(name);
    let any = |words: &[&str]| words.iter().any(|word| is(&name, word, false));
    if any(&["sh", "dash", "bash", "ash", "ksh", "zsh"]) {
        Kind::Shell
    } else if ["python", "perl", "tclsh", "ruby", "lua"].iter().any(|word| is(&name, word, true)) {
        Kind::Interpreter
    } else if any(&["awk", "gawk", "mawk", "sed"]) {
        Kind::Filter
    } else if any(&["make", "gmake", "ninja"]) {
        Kind::Make
    } else if any(&["ld", "ld.bfd", "ld.gold", "ld.lld", "gold", "lld", "mold", "collect2"]) {
        Kind::Linker
    } else if any(&["gcc", "g++", "c++", "cc", "cpp", "clang", "clang++"]) {
        Kind::Driver
    } else if any(&["cp", "install", "ginstall", "mv", "ln", "strip"]) {
        Kind::Copier
    } else {
        Kind::Other
    }
}

/// Whether a name is that of a shared library: `libc.so`, `libz.so.1.3`.
pub(super) fn is_shared(name: &str) -> bool {
    name.ends_with(".so")
        || name
            .rsplit_once(".so.")
            .is_some_and(|(_, rest)| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// Whether a name is that of a loader's configuration: of glibc's `/etc/ld.so.preload` (ld.so(8)), of musl's
/// `/etc/ld-musl-x86_64.path`.
fn is_asked_by_loaders(name: &[u8]) -> bool {
    name == b"ld.so.preload" || name.starts_with(b"ld-musl-") && name.ends_with(b".path")
}

/// What a path says of a file: a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place(u8);

impl Place {
    /// Nothing that went into anything: devices, the kernel's own files, sockets.
    const NOTHING: u8 = 1;
    const PIPE: u8 = 2;
    /// Below a directory of the sandbox that no tool belongs to.
    const OWN: u8 = 4;
    const CONFIGURATION: u8 = 8;
    /// In a folder of what programs load at run time.
    const PLUGIN: u8 = 16;
    const SHARED: u8 = 32;
    /// A part of a program in an interpreted language.
    const MODULE: u8 = 64;
    /// What is handed on from a folder to what is in it.
    const INHERITED: u8 = Self::NOTHING | Self::OWN | Self::CONFIGURATION | Self::PLUGIN;

    /// A directory of the root.
    pub(super) fn at_top(name: &[u8]) -> Self {
        Self(match name {
            b"proc" | b"dev" | b"sys" => Self::NOTHING,
            b"target" | b"src" | b"in" | b"stage" | b"build" | b"out" | b"tmp" => Self::OWN,
            b"etc" => Self::CONFIGURATION,
            _ => 0,
        })
    }

    /// What has no path.
    pub(super) fn nameless(name: &[u8]) -> Self {
        Self(if name.starts_with(b"pipe:") { Self::PIPE } else { Self::NOTHING })
    }

    /// What has this name in a folder of this place.
    pub(super) fn below(self, name: &[u8]) -> Self {
        const MODULES: [&str; 9] = [".py", ".pyc", ".pth", ".pm", ".pl", ".pod", ".al", ".ix", ".bs"];
        const PLUGINS: [&str; 6] = ["bfd-plugins", "gconv", "lib-dynload", "perl", "perl5", "locale"];
        let name = String::from_utf8_lossy(name);
        let is = |holds: bool, bit: u8| if holds { bit } else { 0 };
        let module = is(MODULES.iter().any(|end| name.ends_with(end)), Self::MODULE);
        let plugin = is(PLUGINS.contains(&&*name), Self::PLUGIN);
        Self(self.0 & Self::INHERITED | module | plugin | is(is_shared(&name), Self::SHARED))
    }

    /// Whether it is below a directory of the sandbox that no tool belongs to.
    pub(super) fn is_own(self) -> bool {
        self.has(Self::OWN)
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// A process, as far as its reads are judged by it.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) kind: Kind,
    /// Whether a dynamic loader opens libraries for it.
    dynamic: bool,
    /// Whether the kernel started an interpreter for it.
    script: bool,
    /// The words of its command that may name a script, without their folders.
    words: Vec<Vec<u8>>,
}

impl Judge {
    pub(super) fn new(index: &Index, process: u32) -> Self {
        let (mut dynamic, mut script) = (false, false);
        for touch in index.touches(process) {
            let name = index.names.name(touch.path);
            if touch.any(Ways::LOADER) {
                let name = String::from_utf8_lossy(name);
                let loader = is_shared(&name) || name.starts_with("ld-") || name.starts_with("ld.");
                dynamic |= loader;
                script |= !loader;
            } else {
                // The loader of a program that the stage made is not noted; what it always looks for is.
                dynamic |= is_asked_by_loaders(name) && index.names.place(touch.path).has(Place::CONFIGURATION);
            }
        }
        let mut kind = Kind::Other;
        let mut words = Vec::new();
        if let Some(program) = index.program(process) {
            let named = |at: usize| program.arguments.get(at).map(|word| base(word));
            // The name by which it was started says more than the file: many are links to one.
            let first = if named(0) == Some(b"busybox") { 1 } else { 0 };
            kind = named(first).map_or(Kind::Other, |name| kind_of(name.strip_prefix(b"-").unwrap_or(name)));
            if kind == Kind::Other || script {
                let of = index.touches(process).iter().filter(|touch| touch.any(Ways::LOADER));
                let of = of.map(|touch| kind_of(index.names.name(touch.path)));
                let file = kind_of(index.names.name(program.path));
                let known = of.chain([file]).find(|kind| *kind != Kind::Other && *kind != Kind::Linker);
                kind = known.unwrap_or(kind);
            }
            let rest = program.arguments.get(first + 1..).unwrap_or_default();
            // `sh -c` has its program in the command itself.
            let code = |word: &Vec<u8>| word.starts_with(b"-") && !word.starts_with(b"--") && word.contains(&b'c');
            let at = match kind {
                Kind::Shell if rest.first().is_some_and(code) => None,
                Kind::Shell | Kind::Interpreter => rest.iter().position(|word| !word.starts_with(b"-")),
                Kind::Filter => rest.iter().position(|word| word == b"-f").map(|at| at + 1),
                _ => None,
            };
            words.extend(at.and_then(|at| rest.get(at)).map(|word| base(word).to_vec()));
        }
        Self { kind, dynamic, script, words }
    }

    /// How a file is part of what the process wrote which it read so; none if it is not at all.
    pub(super) fn class(&self, index: &Index, touch: Touch) -> Option<Class> {
        let place = index.names.place(touch.path);
        if !touch.any(Ways::READ) || place.has(Place::NOTHING) {
            return None;
        }
        if place.has(Place::PIPE) {
            return Some(Class::Data);
        }
        if !place.has(Place::OWN) {
            // A loader opens libraries without asking for them before; others ask.
            let loaded = self.dynamic && self.kind != Kind::Linker && !touch.any(Ways::LOOKED);
            let library = place.has(Place::SHARED) && loaded;
            let module = place.has(Place::MODULE) && self.kind == Kind::Interpreter;
            let plugin = place.has(Place::PLUGIN) && self.kind != Kind::Copier;
            if library || module || plugin || place.has(Place::CONFIGURATION) {
                return Some(Class::Tool);
            }
        }
        let says = self.kind == Kind::Make || touch.any(Ways::EXECUTED) && self.script;
        let name = index.names.name(touch.path);
        let said = says || self.words.iter().any(|word| word == name);
        Some(if said { Class::Control } else { Class::Data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_by_their_names() {
        for (name, kind) in [
            ("sh", Kind::Shell),
            ("bash", Kind::Shell),
            ("python3.11", Kind::Interpreter),
            ("x86_64-repro-linux-musl-gcc", Kind::Driver),
            ("perl", Kind::Interpreter),
            ("gcc-12", Kind::Driver),
            ("x86_64-linux-gnu-g++-12", Kind::Driver),
            ("ld", Kind::Linker),
            ("x86_64-linux-gnu-ld.bfd", Kind::Linker),
            ("collect2", Kind::Linker),
            ("cc1", Kind::Other),
            ("install", Kind::Copier),
            ("x86_64-linux-gnu-strip", Kind::Copier),
            ("gawk", Kind::Filter),
            ("make", Kind::Make),
            ("cmake", Kind::Other),
            ("push", Kind::Other),
            ("build", Kind::Other),
        ] {
            assert_eq!(kind_of(name.as_bytes()), kind, "{name}");
        }
        for (name, shared) in
            [("libc.so", true), ("libz.so.1.2.13", true), ("a.so.x", false), ("a.sources", false), ("x.so.", false)]
        {
            assert_eq!(is_shared(name), shared, "{name}");
        }
    }
}
