//! Files that this machine's compiler makes, and what is said of them.

mod broken;
mod compiled;
mod debug;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::diff::model::{Difference, Fact, Side};
use crate::diff::{Comparison, Options};
use crate::fs::{Content, Dir};
use crate::sandbox::tests::host;

const PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
struct point { int x, y; };
int counter = 3;
const char *words[] = { "alpha", "beta", "gamma" };
int scale(struct point *p, int by) { int s = 0; for (int i = 0; i < by; i++) s += p->x * i + p->y; return s; }
int middle(int n) { if (n > 10) return n * 3; return n + 7; }
int length(const char *s) { return (int)strlen(s) + counter; }
int main(int argc, char **argv) {
    struct point p = { argc, 2 };
    printf("hello %d %s\n", scale(&p, 5) + middle(argc), words[argc % 3]);
    return length(argv[0]);
}
"#;

/// What a test works with: a folder, and the compiler.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// None where there is no compiler, which is said aloud.
    fn new(what: &str) -> Option<Self> {
        let there = Command::new("cc").arg("--version").output().is_ok_and(|output| output.status.success());
        if !there {
            host::skipped(what, "there is no C compiler");
            return None;
        }
        Some(Self { folder: tempfile::tempdir().expect("folders can be made") })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a tool in a folder of the bench.
    fn run(&self, folder: &str, tool: &str, arguments: &[&str]) {
        let folder = self.path(folder);
        std::fs::create_dir_all(&folder).expect("folders can be made");
        let output = Command::new(tool).args(arguments).current_dir(&folder).output().expect("the tool can be run");
        assert!(output.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Compiles a program as `x.c` in a folder.
    fn compile(&self, folder: &str, source: &str, flags: &[&str]) -> Vec<u8> {
        std::fs::create_dir_all(self.path(folder)).expect("folders can be made");
        std::fs::write(self.path(folder).join("x.c"), source).expect("files can be written");
        self.run(folder, "cc", &[&["-O1", "-w", "-o", "out", "x.c"], flags].concat());
        self.read(&format!("{folder}/out"))
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("the tool has written its output")
    }

    /// How two files differ, as text.
    fn show(&self, left: &[u8], right: &[u8]) -> String {
        let mut out = String::new();
        print(&compare(self.folder.path(), left, right).expect("they differ"), "", &mut out);
        out
    }
}

fn compare(scratch: &Path, left: &[u8], right: &[u8]) -> Option<Difference> {
    let scratch = Dir::open(scratch).expect("the folder is there");
    let options = Options::default();
    let pair = [Content::of_bytes(left), Content::of_bytes(right)];
    Comparison::new(&options, &scratch, None).files("file", [&pair[0], &pair[1]]).expect("memory can be read")
}

/// One line for each fact: where, and what.
fn print(found: &Difference, above: &str, out: &mut String) {
    let place = if above.is_empty() { found.kind.clone() } else { format!("{above} > {}", found.name) };
    for fact in &found.facts {
        match fact {
            Fact::Only { side, .. } => writeln!(out, "{place}: only {side:?}"),
            Fact::Field { name, values, metadata } => {
                let [left, right] = values.clone().map(|value| value.unwrap_or_else(|| "-".to_owned()));
                writeln!(out, "{place}: {}{name}: {left} -> {right}", if *metadata { "metadata " } else { "" })
            }
            Fact::Lines { what, hunks, .. } => {
                for line in hunks.iter().flat_map(|hunk| &hunk.lines) {
                    let mark = match line.side {
                        None => continue,
                        Some(Side::Left) => '-',
                        Some(Side::Right) => '+',
                    };
                    writeln!(out, "{place}: {what}: {mark}{}", line.text).expect("strings can be written to");
                }
                Ok(())
            }
            Fact::Bytes { ranges, metadata, .. } => {
                let first = ranges.first().expect("bytes differ somewhere");
                let metadata = if *metadata { "metadata " } else { "" };
                writeln!(out, "{place}: {metadata}bytes at {:?}, {:?} long", first.offsets, first.lengths)
            }
            Fact::Unreadable { side, reason, .. } => writeln!(out, "{place}: unreadable {side:?}: {reason}"),
            Fact::Unsearched { reason } => writeln!(out, "{place}: unsearched: {reason}"),
            other => writeln!(out, "{place}: {other:?}"),
        }
        .expect("strings can be written to");
    }
    for inside in &found.inside {
        print(inside, &place, out);
    }
}

/// Asserts that a line is there.
#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|it| it == line), "no line `{line}` in\n{text}");
}

/// Asserts that nothing is said of a place.
#[track_caller]
fn has_not(text: &str, part: &str) {
    assert!(!text.contains(part), "`{part}` is in\n{text}");
}
