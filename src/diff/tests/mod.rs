//! Archives made by the tools that everyone has, with differences planted in them, and all that is said of these.

mod archives;
mod attributes;
mod compressed;
mod damage;
mod entries;
mod folders;
mod layouts;
mod mixed;
mod nested;
mod sparse;

use std::path::Path;
use std::process::Command;

use super::{Comparison, Difference, Fact, Options, Side};
use crate::fs::{Content, Dir};

/// Whether the tools are there; says aloud if not.
fn have(tools: &[&str]) -> bool {
    let missing: Vec<&&str> = tools
        .iter()
        .filter(|tool| {
            let found = Command::new("sh").arg("-c").arg(format!("command -v {tool} >/dev/null")).status();
            !found.is_ok_and(|status| status.success())
        })
        .collect();
    if missing.is_empty() {
        return true;
    }
    eprintln!("SKIPPED: this host has no {missing:?}");
    assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
    false
}

/// Runs a script in a folder of its own; what it leaves as `out` is the result.
fn make(script: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    run(folder.path(), script);
    std::fs::read(folder.path().join("out")).unwrap_or_else(|error| panic!("{script}: {error}"))
}

fn run(folder: &Path, script: &str) {
    let output = Command::new("sh")
        .args(["-euc", script])
        .current_dir(folder)
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn compare(left: &[u8], right: &[u8]) -> Option<Difference> {
    // Only files without names are made in it.
    let scratch = Dir::open(std::env::temp_dir()).expect("there is a folder for temporary files");
    let options = Options::default();
    let comparison = Comparison::new(&options, &scratch, None);
    let pair = [Content::of_bytes(left), Content::of_bytes(right)];
    comparison.files("", [&pair[0], &pair[1]]).expect("memory can be read")
}

/// All facts, each in a line after the path of its place.
fn facts(left: &[u8], right: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(found) = compare(left, right) {
        write(&found, "", &mut lines);
    }
    lines
}

fn write(found: &Difference, path: &str, lines: &mut Vec<String>) {
    let path = match (path, found.name.as_str()) {
        (path, "") => path.to_owned(),
        ("", name) => name.to_owned(),
        (path, name) => format!("{path}/{name}"),
    };
    let side = |side: &Side| if *side == Side::Left { "left" } else { "right" };
    for fact in &found.facts {
        let text = match fact {
            Fact::Only { side: which, elsewhere: None } => format!("only {}", side(which)),
            Fact::Only { side: which, elsewhere: Some(other) } => format!("only {}, elsewhere {other}", side(which)),
            Fact::Kind { values: [a, b] } => format!("kind: {a} | {b}"),
            Fact::Field { name, values, metadata } => {
                let [a, b] = values.clone().map(|value| value.unwrap_or_else(|| "-".to_owned()));
                format!("{name}{}: {a} | {b}", if *metadata { "" } else { "!" })
            }
            Fact::Order { moved, .. } => format!("order: {moved} moved"),
            Fact::Lines { .. } => "lines".to_owned(),
            Fact::Bytes { metadata, .. } => if *metadata { "unseen bytes" } else { "bytes" }.to_owned(),
            Fact::Unreadable { side: which, reason, .. } => format!("unreadable {}: {reason}", side(which)),
            Fact::Unsearched { reason } => format!("unsearched: {reason}"),
        };
        lines.push(if path.is_empty() { text } else { format!("{path} {text}") });
    }
    for inside in &found.inside {
        write(inside, &path, lines);
    }
}

/// A tree, and archives of it: `tree` makes it in `t`, `age` gives all of it one time.
const TREE: &str = "
    umask 022
    mkdir -p t/d/e
    printf 'hello\\n' >t/d/a
    printf 'one\\ntwo\\n' >t/d/b
    printf x >t/d/e/f
    ln -s a t/d/l
    ln t/d/a t/d/z
";
const AGE: &str = "
    find t -exec touch -h -d @1700000000 {} +
";
