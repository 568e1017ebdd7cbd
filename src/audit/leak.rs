//! Names and paths that must not leave the machine that builds, looked for in all bytes at once.
//!
//! A needle is searched as it stands and as UTF-16 of either order. Generic needles such as `/build/` count only where an
//! absolute path begins: `/usr/share/build/x` and `$(top)/build/x` are no build paths. What is specific to this machine
//! (the store, the project's folder, a home) counts wherever it stands.

use std::collections::BTreeMap;
use std::io::Read;

use aho_corasick::{AhoCorasick, MatchKind};

use super::finding::{Evidence, Finding, Kind};
use super::rules::{self, Rule};

/// What a stage's sandbox calls its directories; see ARCHITECTURE.md.
const SANDBOX: [&str; 6] = ["/build/", "/src/", "/in/", "/out/", "/stage/", "/target/"];
/// What other builders call theirs.
const BUILDERS: [&str; 2] = ["/builddir/", "/usr/src/packages/BUILD/"];
const STORES: [&str; 2] = ["/nix/store/", "/gnu/store/"];
const HOMES: [&str; 5] = ["/home/", "/Users/", "/root/.cargo/", "/root/.rustup/", "/root/.cache/"];
/// Directories that only exist while something is built, for paths that are tags or links.
const PASSING: [&str; 3] = ["/tmp/", "/var/tmp/", "/root/"];
/// Names of users and machines that are words of every manual.
const COMMON: [&str; 16] = [
    "root",
    "user",
    "users",
    "build",
    "builder",
    "admin",
    "debian",
    "ubuntu",
    "runner",
    "nobody",
    "daemon",
    "localhost",
    "linux",
    "test",
    "repro",
    "none",
];
/// Evidence kept for one rule and one file.
const KEPT: usize = 5;
/// Bytes around a hit that decide about it and are shown: windows of a stream overlap by so many.
const AROUND: usize = 512;
/// Bytes of a stream that are searched at once.
const WINDOW: usize = 1 << 20;

/// What is known of the machine that builds. All of it may be empty.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The name of whoever builds.
    pub user: String,
    /// The name of the machine.
    pub host: String,
    /// The home directory of whoever builds.
    pub home: String,
    /// The release of the machine's kernel.
    pub kernel: String,
    /// The store of `repro`, the project's folder: absolute paths.
    pub paths: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Counts where an absolute path begins and goes on.
    Path,
    /// Counts wherever a name of it ends.
    Exact,
    /// Counts as a whole word.
    Word,
}

#[derive(Debug)]
struct Needle {
    rule: &'static Rule,
    text: String,
    shape: Shape,
}

/// All that is searched for.
#[derive(Debug)]
pub struct Needles {
    needles: Vec<Needle>,
    /// Two patterns for each needle: as it stands, and as UTF-16.
    automaton: AhoCorasick,
}

/// What a search found in one file.
#[derive(Debug, Default)]
pub(super) struct Hits {
    found: BTreeMap<&'static str, (&'static Rule, Vec<Evidence>, u64)>,
}

impl Needles {
    /// What to look for around here, and as the project's `audit.toml` says.
    pub fn new(around: &Surroundings, extra: &[String]) -> Self {
        let mut needles: Vec<Needle> = Vec::new();
        let mut add = |rule, text: &str, shape| {
            if !needles.iter().any(|needle| needle.text == text) {
                needles.push(Needle { rule, text: text.to_owned(), shape });
            }
        };
        for path in around.paths.iter().filter(|path| path.matches('/').count() > 1) {
            add(&rules::LEAK_STORE_PATH, path.trim_end_matches('/'), Shape::Exact);
        }
        for text in extra {
            add(&rules::LEAK_BUILD_PATH, text, Shape::Exact);
        }
        // root's home is a directory of every system.
        if around.home.matches('/').count() > 1 {
            add(&rules::LEAK_HOME_PATH, around.home.trim_end_matches('/'), Shape::Exact);
        }
        for (rule, paths) in [
            (&rules::LEAK_BUILD_PATH, SANDBOX.as_slice()),
            (&rules::LEAK_BUILD_PATH, &BUILDERS),
            (&rules::LEAK_STORE_PATH, &STORES),
            (&rules::LEAK_HOME_PATH, &HOMES),
        ] {
            for path in paths {
                add(rule, path, Shape::Path);
            }
        }
        for (rule, name) in [
            (&rules::LEAK_USER_NAME, &around.user),
            (&rules::LEAK_HOST_NAME, &around.host),
            (&rules::LEAK_HOST_KERNEL, &around.kernel),
        ] {
            if name.len() >= 4 && !COMMON.contains(&name.as_str()) {
                add(rule, name, Shape::Word);
            }
        }
        let patterns: Vec<Vec<u8>> =
            needles.iter().flat_map(|needle| [needle.text.as_bytes().to_vec(), wide(&needle.text)]).collect();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns)
            .expect("some dozens of short patterns are far from all limits");
        Self { needles, automaton }
    }

    /// Whether a path is one of a machine that builds, and of no system.
    pub fn is_foreign(&self, path: &str) -> bool {
        let within = |place: &str| {
            path.strip_prefix(place.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let paths = self.needles.iter().filter(|needle| needle.shape != Shape::Word).map(|needle| needle.text.as_str());
        paths.chain(PASSING).any(within)
    }

    /// Searches all of `bytes`; `place` names an offset.
    pub(super) fn search(&self, bytes: &[u8], place: &dyn Fn(usize) -> String, hits: &mut Hits) {
        self.window(bytes, 0..bytes.len(), place, hits);
    }

    /// Searches what a reader gives to its end.
    pub(super) fn search_stream(&self, reader: &mut dyn Read, hits: &mut Hits) -> std::io::Result<()> {
        let mut window: Vec<u8> = Vec::with_capacity(WINDOW + 2 * AROUND);
        let (mut base, mut done) = (0, 0);
        loop {
            let read = (&mut *reader).take(WINDOW as u64).read_to_end(&mut window)?;
            let end = if read == 0 { window.len() } else { window.len().saturating_sub(AROUND).max(done) };
            self.window(&window, done..end, &|at| format!("byte {}", base + at), hits);
            if read == 0 {
                return Ok(());
            }
            let keep = end.saturating_sub(AROUND);
            window.drain(..keep);
            (base, done) = (base + keep, end - keep);
        }
    }

    /// Notes the hits that begin within `range`.
    fn window(&self, bytes: &[u8], range: std::ops::Range<usize>, place: &dyn Fn(usize) -> String, hits: &mut Hits) {
        for hit in self.automaton.find_iter(bytes).filter(|hit| range.contains(&hit.start())) {
            let needle = &self.needles[hit.pattern().as_usize() / 2];
            let text = Text { bytes, wide: hit.pattern().as_usize() % 2 == 1 };
            if needle.counts(text, hit.start(), hit.end()) {
                hits.add(needle.rule, || {
                    let encoding = if text.wide { ", UTF-16" } else { "" };
                    let excerpt = text.excerpt(hit.start(), hit.end());
                    Evidence { kind: Kind::Bytes, place: format!("{}{encoding}", place(hit.start())), text: excerpt }
                });
            }
        }
    }
}

/// UTF-16 without its first or last zero: so it is found in either byte order.
fn wide(text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
    bytes.pop();
    bytes
}

/// Bytes read as text of one or two bytes a character.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    wide: bool,
}

impl Text<'_> {
    fn step(self) -> usize {
        if self.wide { 2 } else { 1 }
    }

    /// So many characters before `at`; zero where there is none.
    fn before(self, at: usize, count: usize) -> u8 {
        at.checked_sub(count * self.step()).map_or(0, |at| self.bytes[at])
    }

    fn at(self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The word around a hit, of reasonable length.
    fn excerpt(self, start: usize, end: usize) -> String {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>`".contains(&byte);
        let step = self.step();
        let (mut from, mut to) = (start, if self.wide { end + 1 } else { end });
        while start - from < 48 * step && plain(self.before(from, 1)) {
            from -= step;
        }
        while to - end < 96 * step && plain(self.at(to)) {
            to += step;
        }
        let shown = &self.bytes[from..to.min(self.bytes.len())];
        shown.iter().step_by(step).map(|byte| char::from(*byte)).collect()
    }
}

impl Needle {
    fn counts(&self, text: Text<'_>, start: usize, end: usize) -> bool {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+".contains(&byte);
        // Within UTF-16 a hit ends before the last character's zero.
        let next = text.at(if text.wide { end + 1 } else { end });
        match self.shape {
            Shape::Path => {
                begins_path(text, start)
                    && (name(next) && next != b'.' || next == b'.' && text.at(end + text.step()) != b'.')
            }
            Shape::Exact => !name(next) || self.text.ends_with('/'),
            Shape::Word => {
                let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                !word(next) && !word(text.before(start, 1))
            }
        }
    }
}

/// Whether the `/` at `start` begins an absolute path.
fn begins_path(text: Text<'_>, start: usize) -> bool {
    let before = text.before(start, 1);
    // `-I/build/include`: the flag's letter is no part of the path.
    if b"IL".contains(&before) && text.before(start, 2) == b'-' {
        return true;
    }
    !(before.is_ascii_alphanumeric() || b"_./~$})]*%@+-\\".contains(&before))
}

impl Hits {
    fn add(&mut self, rule: &'static Rule, evidence: impl FnOnce() -> Evidence) {
        let (_, kept, more) = self.found.entry(rule.id).or_insert_with(|| (rule, Vec::new(), 0));
        if kept.len() >= KEPT {
            *more += 1;
            return;
        }
        let evidence = evidence();
        if kept.iter().any(|known| known.text == evidence.text) {
            *more += 1;
        } else {
            kept.push(evidence);
        }
    }

    /// A finding for each rule that something was found for.
    pub(super) fn findings(self, object: &str) -> impl Iterator<Item = Finding> {
        self.found.into_values().map(move |(rule, evidence, more)| {
            let what = evidence.first().map_or_else(String::new, |first| first.text.clone());
            Finding { evidence, more, ..Finding::new(rule, object, format!("it holds `{what}`")) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            user: "mallory".into(),
            host: "forge7".into(),
            home: "/data/people/mallory".into(),
            kernel: "6.9.1-custom".into(),
            paths: vec!["/var/cache/repro".into()],
        }
    }

    fn found(bytes: &[u8]) -> Vec<String> {
        let needles = Needles::new(&around(), &["/opt/secret".into()]);
        let mut hits = Hits::default();
        needles.search(bytes, &|at| at.to_string(), &mut hits);
        let mut streamed = Hits::default();
        needles.search_stream(&mut &bytes[..], &mut streamed).expect("memory can be read");
        let list = |hits: Hits| {
            let each = |finding: Finding| {
                finding.evidence.into_iter().map(move |one| format!("{} {}", finding.rule.id, one.text))
            };
            hits.findings("x").flat_map(each).collect::<Vec<_>>()
        };
        let found = list(hits);
        assert_eq!(list(streamed), found);
        found
    }

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn what_counts_and_what_does_not() {
        for (text, want) in [
            ("\0/build/zlib/adler32.c\0", "leak-build-path /build/zlib/adler32.c"),
            ("-I/build/include", "leak-build-path -I/build/include"),
            ("dir=/out/usr", "leak-build-path dir=/out/usr"),
            ("/opt/secret/x", "leak-build-path /opt/secret/x"),
            ("made by mallory.", "leak-user-name mallory."),
            ("(x@forge7)", "leak-host-name (x@forge7)"),
            ("vermagic=6.9.1-custom SMP", "leak-host-kernel vermagic=6.9.1-custom"),
            ("/data/people/mallory/.config", "leak-home-path /data/people/mallory/.config"),
            ("x/var/cache/repro/objects", "leak-store-path x/var/cache/repro/objects"),
            ("/nix/store/abc-gcc", "leak-store-path /nix/store/abc-gcc"),
        ] {
            assert_eq!(found(text.as_bytes()).first().map(String::as_str), Some(want), "{text}");
        }
        for text in [
            "/usr/build/x",
            "$(top)/build/x",
            "./build/x",
            "../build/x",
            "/build/",
            "/build/../x",
            "/builds/x",
            "a/src/b",
            "*/out/x",
            "mallory2",
            "smallory",
            "forge70",
            "/opt/secrets",
            "/var/cache/reprover",
            "/home/",
            "6.9.1-custom2",
        ] {
            assert_eq!(found(text.as_bytes()), [] as [&str; 0], "{text}");
        }
    }

    #[test]
    fn both_orders_of_utf16() {
        for little in [true, false] {
            let mut bytes = b"\x01\x02".to_vec();
            bytes.extend(utf16("see /build/a/b.c", little));
            bytes.extend([0, 0]);
            assert_eq!(found(&bytes), ["leak-build-path /build/a/b.c"], "little: {little}");
            assert_eq!(found(&utf16("/usr/build/a", little)), [] as [&str; 0]);
        }
    }

    #[test]
    fn hits_on_the_edges_of_windows_count_once() {
        for at in [WINDOW - 700, WINDOW - AROUND, WINDOW - 6, WINDOW - 3, WINDOW, WINDOW + AROUND] {
            let mut bytes = vec![0; 3 * WINDOW];
            bytes[at..at + 9].copy_from_slice(b"/build/x\n");
            assert_eq!(found(&bytes), ["leak-build-path /build/x"], "{at}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), cut in 0_usize..40) {
            let mut bytes = bytes;
            bytes.extend_from_slice(&wide("/build/x")[..cut.min(15)]);
            found(&bytes);
        }
    }
}
