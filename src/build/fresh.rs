//! The question "is there anything to do at all?", answered without reading a definition.
//!
//! After a complete run, a note of the store says which files and folders the definitions were read from and how their
//! inodes looked then (device, inode, size, mode, both times; `ctime` cannot be set), what was asked for, and what came
//! of it. When all of them look the same, nothing can have changed; products with errors of the audit leave no note. It is git's stat index, with git's care about files
//! that are changed within the clock's granularity: an entry that was as young as the reading itself is not trusted.
//!
//! The note is never needed: without it, or when it does not fit, the definitions are read and each action is looked up.

use std::fmt::Write as _;
use std::path::Path;

use crate::digest::Digest;
use crate::fs::{self, Clock, Dir, Kind, Meta};
use crate::store::{self, Store};

use super::engine::Built;
use super::known::Verdict;
use crate::schedule::events::StageResult;

/// Kind of the notes in the store.
const KIND: &str = "fresh";
/// First line of a note.
const FORMAT: &str = "repro fresh 3";
/// A file that changed less than this before it was read may change again without showing, in nanoseconds: file times
/// advance with the kernel's tick, 10 ms at the coarsest.
const GRANULARITY: i128 = 20_000_000;

/// What a run depends on besides its files: targets, parameters, options, program, isolation.
#[derive(Debug, Clone)]
pub struct Question {
    name: String,
}

impl Question {
    /// A question, from everything that may change its answer.
    pub fn new(root: &Path, parts: &[&str]) -> Self {
        let mut text = root.to_string_lossy().into_owned();
        for part in parts {
            text.push('\0');
            text.push_str(part);
        }
        Self { name: Digest::of(text.as_bytes()).hex() }
    }
}

/// How the definitions looked before they were read.
pub struct Seen {
    lines: String,
    trusted: bool,
}

/// The folders and files that definitions are read from, and what says how products are judged.
const ROOTS: [&str; 4] = ["audit.toml", "lockfile.json", "stages", "sysroots"];
/// How something looks that is not there.
const ABSENT: &str = "-";

/// Looks at all that definitions are read from. To be called before they are read.
///
/// # Errors
/// A folder cannot be read.
pub fn look(root: &Path, clock: &dyn Clock) -> Result<Seen, fs::Error> {
    let now = i128::try_from(clock.now().as_nanos()).unwrap_or(i128::MAX);
    let mut seen = Seen { lines: String::new(), trusted: true };
    let dir = Dir::open(root)?;
    for name in ROOTS {
        let Some(meta) = dir.stat(name)? else {
            let _ = writeln!(seen.lines, "{ABSENT}\t{name}");
            continue;
        };
        seen.add(name, &meta, now);
        if meta.kind == Kind::Directory {
            fs::walk(&dir.dir(name)?, &mut |walked| {
                if let Some(meta) = walked.dir.stat(&walked.entry.name)? {
                    seen.add(&format!("{name}/{}", walked.path.display()), &meta, now);
                }
                Ok::<(), fs::Error>(())
            })?;
        }
    }
    Ok(seen)
}

impl Seen {
    fn add(&mut self, path: &str, meta: &Meta, now: i128) {
        // Such a name would break the format; nothing that a build reads has one.
        self.trusted &= !path.contains(['\n', '\t']) && meta.changed.max(meta.modified) < now - GRANULARITY;
        let _ = writeln!(self.lines, "{}\t{path}", signature(meta));
    }
}

/// What tells one state of a file from another.
fn fields(meta: &Meta) -> [i128; 6] {
    let Meta { device, inode, mode, size, modified, changed, .. } = *meta;
    // A folder's size says nothing, and differs between file systems.
    let size = if meta.kind == Kind::Directory { 0 } else { size };
    [device.into(), inode.into(), mode.into(), size.into(), modified, changed]
}

fn signature(meta: &Meta) -> String {
    fields(meta).map(|field| field.to_string()).join(".")
}

/// The fields of a signature.
fn parse(signature: &str) -> impl Iterator<Item = Option<i128>> {
    // Nanoseconds since 1970 fit 64 bits until the year 2262, and their parsing is quicker.
    signature.split('.').map(|field| field.parse::<i64>().ok().map(i128::from).or_else(|| field.parse().ok()))
}

/// Remembers that `question` was answered by `built` from the definitions that looked like `seen`.
///
/// # Errors
/// The note cannot be written.
pub fn remember(store: &Store, question: &Question, seen: &Seen, built: &[Built]) -> Result<(), store::Error> {
    if !seen.trusted {
        return Ok(());
    }
    let mut text = format!("{FORMAT}\n{}\n", built.len());
    for built in built {
        let Built { stage, target, action, output, verdict, product, .. } = built;
        let _ = writeln!(text, "{stage}\t{target}\t{action}\t{output}\t{product}\t{}", *verdict == Verdict::Same);
    }
    text.push_str(&seen.lines);
    store.put_note(KIND, &question.name, text.as_bytes())
}

/// The answer to `question` if nothing has changed since it was remembered, as long as the products are still laid out
/// ([`all_linked`](super::layout::all_linked)).
pub fn answer(store: &Store, root: &Path, question: &Question) -> Option<Vec<Built>> {
    let note = store.note(KIND, &question.name).ok()??;
    let mut lines = std::str::from_utf8(&note).ok()?.lines();
    if lines.next()? != FORMAT {
        return None;
    }
    let count: usize = lines.next()?.parse().ok()?;
    let mut built = Vec::new();
    for _ in 0..count {
        let mut fields = lines.next()?.split('\t');
        built.push(Built {
            stage: fields.next()?.to_owned(),
            target: fields.next()?.to_owned(),
            action: fields.next()?.parse().ok()?,
            output: fields.next()?.parse().ok()?,
            result: StageResult::Cached,
            product: fields.next()? == "true",
            verdict: if fields.next()? == "true" { Verdict::Same } else { Verdict::Unknown },
        });
    }
    let dir = Dir::open(root).ok()?;
    for line in lines {
        let (expected, path) = line.split_once('\t')?;
        let same = match dir.stat(path).ok()? {
            Some(meta) => fields(&meta).map(Some).into_iter().eq(parse(expected)),
            None => expected == ABSENT,
        };
        if !same {
            return None;
        }
    }
    // The results themselves may have been collected, or found damaged. Those of products are looked for where they are
    // laid out.
    let there = |built: &Built| built.product || store.contains(built.output);
    built.iter().all(there).then_some(built)
}
