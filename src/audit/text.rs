//! Text files that name paths: scripts, libtool archives, pkg-config and CMake files.

use super::rules::{self, Rule};

/// Linux reads so many bytes of a script to find its interpreter (BINPRM_BUF_SIZE in linux/binfmts.h).
const READ_BY_KERNEL: usize = 256;
/// Larger ones are no configuration files.
const LARGEST: usize = 4 << 20;

/// The first line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// What executes it.
    pub interpreter: String,
    /// The rest of the line.
    pub argument: String,
    /// The line is longer than what the kernel reads.
    pub too_long: bool,
}

/// An absolute path that a file names, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub rule: &'static Rule,
    pub line: usize,
    pub path: String,
}

/// The first line, if it is one of a script.
pub(super) fn script(bytes: &[u8]) -> Option<Script> {
    let rest = bytes.strip_prefix(b"#!")?;
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let too_long = end + 2 >= READ_BY_KERNEL;
    let line = String::from_utf8_lossy(&rest[..end.min(4096)]).into_owned();
    let line = line.trim_matches([' ', '\t']);
    let (interpreter, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    // `#![allow(…)]` of Rust, and `#!` in the middle of nothing.
    if interpreter.is_empty() || interpreter.starts_with('[') {
        return None;
    }
    Some(Script { interpreter: interpreter.to_owned(), argument: argument.trim().to_owned(), too_long })
}

impl Script {
    /// The program that `env` is to find, if that is the interpreter.
    pub fn by_env(&self) -> Option<&str> {
        if self.interpreter.rsplit('/').next() != Some("env") {
            return None;
        }
        let mut words = self.argument.split_whitespace().skip_while(|word| word.starts_with('-') || word.contains('='));
        words.next()
    }
}

/// The absolute paths in a file of a kind that is known by its name.
pub(super) fn mentions(path: &str, bytes: &[u8]) -> Vec<Mention> {
    let Some(rule) = kind(path) else { return Vec::new() };
    if bytes.len() > LARGEST {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut add = |line: usize, path: &str| {
        let path = path.trim_end_matches(['/', '.', ',']);
        // `/MD` in a CMake file is a flag of another system's compiler.
        if rule.id == rules::CMAKE_FOREIGN.id && path.matches('/').count() < 2 {
            return;
        }
        if path.len() > 1 && !found.iter().any(|known: &Mention| known.path == path) {
            found.push(Mention { rule, line: line + 1, path: path.to_owned() });
        }
    };
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        // In a .pc file only what becomes a flag or a directory of it: descriptions and URLs are for people.
        if rule.id == rules::PKGCONFIG_FOREIGN.id
            && line.split_once(':').is_some_and(|(key, _)| key.starts_with("Desc") || key == "URL")
        {
            continue;
        }
        let ends = |letter: char| letter.is_whitespace() || "\"';()<>,=:|".contains(letter);
        for word in line.split(ends) {
            let word = ["-I", "-L", "-R"].iter().find_map(|flag| word.strip_prefix(flag)).unwrap_or(word);
            // A variable or a generator expression makes another path of it.
            if word.starts_with('/') && !word.starts_with("//") && !word.contains(['$', '@', '*', '\\', '[']) {
                add(number, word);
            }
        }
    }
    found
}

fn kind(path: &str) -> Option<&'static Rule> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.')?.1 {
        "la" => Some(&rules::LIBTOOL_FOREIGN),
        "pc" => Some(&rules::PKGCONFIG_FOREIGN),
        "cmake" if path.contains("cmake/") || name.ends_with("onfig.cmake") || name.contains("argets") => {
            Some(&rules::CMAKE_FOREIGN)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines() {
        let read = |text: &str| script(text.as_bytes()).map(|script| (script.interpreter, script.argument));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(read("#!/bin/sh\n"), pair("/bin/sh", ""));
        assert_eq!(read("#! /bin/sh -e \nx"), pair("/bin/sh", "-e"));
        assert_eq!(read("#!/bin/sh\r\n"), pair("/bin/sh\r", ""));
        assert_eq!(read("#!"), None);
        assert_eq!(read("#![allow(x)]"), None);
        assert_eq!(read("x#!/bin/sh"), None);
        let env = |text: &str| script(text.as_bytes()).and_then(|script| script.by_env().map(str::to_owned));
        assert_eq!(env("#!/usr/bin/env python3"), Some("python3".to_owned()));
        assert_eq!(env("#!/usr/bin/env -S A=1 perl -w"), Some("perl".to_owned()));
        assert_eq!(env("#!/bin/sh x"), None);
        assert!(script(format!("#!/{}\n", "x".repeat(253)).as_bytes()).is_some_and(|script| script.too_long));
        assert!(script(format!("#!/{}\n", "x".repeat(252)).as_bytes()).is_some_and(|script| !script.too_long));
    }

    #[test]
    fn paths_in_configuration() {
        let paths = |name: &str, text: &str| -> Vec<String> {
            mentions(name, text.as_bytes())
                .into_iter()
                .map(|mention| format!("{} {}", mention.line, mention.path))
                .collect()
        };
        assert_eq!(
            paths(
                "lib/libz.la",
                "# by libtool\nlibdir='/usr/lib'\ndependency_libs=' -L/build/x -lm /usr/lib/liby.la'\n"
            ),
            ["2 /usr/lib", "3 /build/x", "3 /usr/lib/liby.la"]
        );
        assert_eq!(
            paths("z.pc", "prefix=/usr\nlibdir=${prefix}/lib\nDescription: a/b /c\nURL: http://x/y\nCflags: -I/in/y\n"),
            ["1 /usr", "5 /in/y"]
        );
        assert_eq!(
            paths("usr/lib/cmake/Z/ZTargets.cmake", "set(X \"/build/lib/libz.a;$<LINK_ONLY:/x>\")\n# /comment\n"),
            ["1 /build/lib/libz.a"]
        );
        assert_eq!(paths("z.txt", "/build/x"), [] as [&str; 0]);
    }
}
