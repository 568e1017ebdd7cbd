//! The rules that ARCHITECTURE.md states about the code, held against the code.
#![allow(clippy::disallowed_methods, clippy::panic, reason = "this test reads the sources of the project")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a source file.
const LONGEST: usize = 600;

/// What the library leaves to the command line.
const SPEECH: [&str; 6] = ["println!", "eprintln!", "print!", "eprint!", "std::env::", "process::exit("];

/// Files besides Cargo.lock that may name the host of a registry or mirror, each with its reason.
const HOSTS_ALLOWED: [(&str, &str); 1] =
    [("tests/schemas/bom-1.7.SNAPSHOT.schema.json", "the schema of others, as they publish it: it names examples")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below a folder of the project, by their paths in it, sorted.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(root().join(&folder)).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let entry = entry.expect("a folder can be read to its end");
            let path = folder.join(entry.file_name());
            match entry.file_type().expect("an entry has a type") {
                kind if kind.is_dir() => folders.push(path),
                kind if kind.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Rust without comments, and without what stands in strings and characters.
fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let word_before = out.last().is_some_and(|byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_');
        let skipped = if rest.starts_with(b"//") {
            rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            let mut depth = 0;
            let mut end = 0;
            while end < rest.len() {
                match &rest[end..] {
                    [b'/', b'*', ..] => (depth, end) = (depth + 1, end + 2),
                    [b'*', b'/', ..] => (depth, end) = (depth - 1, end + 2),
                    _ => end += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            end
        } else if let Some(length) = raw_string(rest).filter(|_| !word_before || out.last() == Some(&b'b')) {
            length
        } else if rest[0] == b'"' {
            1 + quoted(&rest[1..], b'"')
        } else if rest[0] == b'\'' && is_character(rest) {
            1 + quoted(&rest[1..], b'\'')
        } else {
            0
        };
        if skipped == 0 {
            out.push(rest[0]);
            at += 1;
        } else {
            // Lines stay lines, and words on both sides of a comment stay apart.
            out.push(b' ');
            out.extend(rest[..skipped].iter().filter(|byte| **byte == b'\n'));
            at += skipped;
        }
    }
    String::from_utf8(out).expect("only whole tokens are left out")
}

/// Length up to and with the closing quote.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Whether a `'` begins a character and not a lifetime.
fn is_character(rest: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(&rest[1..rest.len().min(6)])
        .or_else(|error| std::str::from_utf8(&rest[1..=error.valid_up_to()]))
    else {
        return false;
    };
    text.starts_with('\\') || text.chars().nth(1) == Some('\'')
}

/// Length of the raw string that begins here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let rest_of = rest.strip_prefix(b"r")?;
    let hashes = rest_of.iter().take_while(|byte| **byte == b'#').count();
    rest_of[hashes..].strip_prefix(b"\"")?;
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = 2 + hashes;
    let length = rest[body..].windows(end.len()).position(|window| window == end);
    Some(length.map_or(rest.len(), |length| body + length + end.len()))
}

/// Code without the items that are only there for tests.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once(MARK) {
        out.push_str(before);
        // The item ends with a `;` or with its block.
        let mut depth = 0;
        let end = after.char_indices().find(|(_, letter)| {
            match letter {
                '{' | '[' | '(' => depth += 1,
                '}' | ']' | ')' => depth -= 1,
                _ => {}
            }
            depth == 0 && matches!(letter, ';' | '}')
        });
        rest = end.map_or("", |(at, _)| &after[at + 1..]);
    }
    out + rest
}

/// Whether a file is compiled for tests only.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}

/// The source files of the library and program that are not tests, with their code.
fn sources() -> Vec<(PathBuf, String)> {
    let rust = |path: &PathBuf| path.extension().is_some_and(|end| end == "rs");
    let sources = files("src").into_iter().filter(rust).filter(|path| !is_test(path));
    sources.map(|path| (path.clone(), without_tests(&code(&read(&path))))).collect()
}

/// The layers of the table in ARCHITECTURE.md, by module.
fn table() -> BTreeMap<String, u32> {
    let text = read(Path::new("ARCHITECTURE.md"));
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let layer = cells.next()?.parse().ok()?;
        let module = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        Some((module.to_owned(), layer))
    });
    rows.collect()
}

/// The module of the crate that a file belongs to.
fn module(path: &Path) -> Option<String> {
    let name = path.strip_prefix("src").ok()?.components().next()?.as_os_str().to_str()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (name != "lib" && name != "main").then(|| name.to_owned())
}

/// The modules that follow `crate::` in some code, also within `crate::{…}`.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = code[at + "crate::".len()..].trim_start();
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 1;
        found.insert(word(group));
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => drop(found.insert(word(&group[at + 1..]))),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.remove("");
    found
}

fn fail_if_any(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn the_table_of_layers_lists_the_modules() {
    let library = code(&read(Path::new("src/lib.rs")));
    let modules: BTreeSet<String> = library
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned()))
        .collect();
    assert!(modules.len() > 10, "only {modules:?} are found in src/lib.rs");
    assert_eq!(table().into_keys().collect::<BTreeSet<_>>(), modules, "ARCHITECTURE.md and src/lib.rs differ");
}

#[test]
fn imports_point_down() {
    let layers = table();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, code) in sources() {
        let Some(own) = module(&path) else { continue };
        // So many times `super` is the crate itself: `mod.rs` is one level down, its children two.
        let depth = path.components().count() - if path.ends_with("mod.rs") { 2 } else { 1 };
        let code = code.replace(&"super::".repeat(depth), "crate::");
        for other in imports(&code).into_iter().filter(|other| *other != own) {
            // A name that is no module would be an item of lib.rs, which has none.
            let Some(layer) = layers.get(&other) else {
                wrong.push(format!("{}: `crate::{other}` is no module", path.display()));
                continue;
            };
            seen += 1;
            if *layer >= layers[&own] {
                wrong.push(format!("{}: `{own}` ({}) uses `{other}` ({layer})", path.display(), layers[&own]));
            }
        }
    }
    assert!(seen > 100, "only {seen} imports are found");
    fail_if_any("these imports do not point to a lower layer of ARCHITECTURE.md", &wrong);
}

#[test]
fn each_module_opens_with_an_essay() {
    let mut wrong = Vec::new();
    for module in table().into_keys() {
        let path = PathBuf::from(format!("src/{module}/mod.rs"));
        if !read(&path).starts_with("//! ") {
            wrong.push(path.display().to_string());
        }
    }
    fail_if_any("these do not begin with `//!`", &wrong);
}

#[test]
fn files_are_of_a_readable_length() {
    let rust = |path: &PathBuf| path.extension().is_some_and(|end| end == "rs");
    let mut wrong = Vec::new();
    for path in ["src", "tests", "benches"].into_iter().flat_map(files).filter(rust) {
        let lines = read(&path).lines().count();
        if lines > LONGEST {
            wrong.push(format!("{}: {lines} lines", path.display()));
        }
    }
    fail_if_any("these are too long: split them by what they are about", &wrong);
}

#[test]
fn unsafe_code_lives_in_sys() {
    let is_word = |code: &str, at: usize| {
        let edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_');
        edge(code[..at].chars().next_back()) && edge(code[at + "unsafe".len()..].chars().next())
    };
    let uses = |code: &str| code.match_indices("unsafe").any(|(at, _)| is_word(code, at));
    let sources = sources();
    let outside = |path: &Path| !path.starts_with("src/sys");
    assert!(sources.iter().any(|(path, code)| !outside(path) && uses(code)), "none is found in src/sys");
    let wrong = sources.iter().filter(|(path, code)| outside(path) && uses(code));
    fail_if_any("these have unsafe code", &wrong.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>());
}

#[test]
fn the_library_never_speaks() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        if path.starts_with("src/cli") || path == Path::new("src/main.rs") {
            continue;
        }
        for word in SPEECH {
            if code.contains(word) {
                wrong.push(format!("{}: `{word}`", path.display()));
            }
        }
    }
    fail_if_any("only src/cli prints, reads the environment and ends the process", &wrong);
}

#[test]
fn no_host_of_a_registry_or_mirror_is_named() {
    // Put together here, so that this file does not name them.
    let hosts = [
        ("debian", "org"),
        ("debian", "net"),
        ("ubuntu", "com"),
        ("crates", "io"),
        ("rust-lang", "org"),
        ("githubusercontent", "com"),
        ("github", "com"),
        ("gitlab", "com"),
        ("kernel", "org"),
        ("gnu", "org"),
        ("busybox", "net"),
        ("musl-libc", "org"),
        ("zlib", "net"),
        ("pypi", "org"),
        ("npmjs", "org"),
        ("docker", "io"),
        ("golang", "org"),
        ("sourceforge", "net"),
    ]
    .map(|(name, end)| format!("{name}.{end}"));
    let mut all: Vec<PathBuf> = ["src", "tests", "benches", "stages", "sysroots", "snapshots", "docs", ".ci"]
        .into_iter()
        .flat_map(files)
        .collect();
    let top = fs::read_dir(root()).expect("the project can be read").map(|entry| entry.expect("readable"));
    all.extend(top.filter(|entry| entry.path().is_file()).map(|entry| PathBuf::from(entry.file_name())));
    let mut wrong = Vec::new();
    for path in all {
        let allowed = HOSTS_ALLOWED.iter().any(|(name, _)| Path::new(name) == path);
        // Cargo writes where crates come from into its own lockfile.
        if allowed || path == Path::new("Cargo.lock") {
            continue;
        }
        let Ok(text) = String::from_utf8(fs::read(root().join(&path)).expect("a file can be read")) else { continue };
        for host in hosts.iter().filter(|host| names(&text, host)) {
            wrong.push(format!("{}: {host}", path.display()));
        }
    }
    fail_if_any("these name a host; write `mirror://NAME/path`", &wrong);
}

/// Whether a text names a host or one below it, in a URL or not: but not the part after the `@` of an address of mail.
fn names(text: &str, host: &str) -> bool {
    text.match_indices(host).any(|(at, _)| {
        let begin = text[..at].rfind(|letter: char| !letter.is_ascii_alphanumeric() && !"-.".contains(letter));
        let before = begin.and_then(|begin| text[begin..].chars().next());
        let after = text[at + host.len()..].chars().next();
        let whole = text[..at].chars().next_back().is_none_or(|letter| !letter.is_alphanumeric() && letter != '-');
        whole && before != Some('@') && after.is_none_or(|letter| !letter.is_ascii_alphanumeric() && letter != '-')
    })
}

#[test]
fn the_reader_of_code_sees_code_only() {
    let text = "use crate::{a::{b, c}, d}; // crate::no\nlet x = \"crate::no \\\" {\"; /* crate::no /* */ crate::no */\n\
                let y = r#\"\" crate::no\"#; let z = ('\"', '\\'', 'é', b'{'); fn f<'a>(_: &'a crate::e::F) {}\n\
                #[cfg(test)]\nmod tests { use crate::no; fn g() {} }\nuse crate :: f;\nfn h() { crate::g::x() }\n\
                #[cfg(test)]\nmod other;\nuse crate::h;";
    let found = imports(&without_tests(&code(text)));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "d", "e", "g", "h"]);
    assert!(names("see https://ftp.example.org/x", "example.org"));
    assert!(names("example.org", "example.org"));
    assert!(!names("Some One <one@example.org>", "example.org"));
    assert!(!names("my-example.orgs", "example.org"));
}
