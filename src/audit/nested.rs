//! Archives: their entries become the nodes of a root.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use super::finding::{Evidence, Finding};
use super::rules;
use super::scan::{Input, Scanner, UNPACKED};
use super::tree::{Node, Root, Scanned, Shape, What};
use crate::format::{self, Absolute, Kind, Limits, Modes, Names, Rules, Sink, SinkError, Summary, detect};

/// What an archive may be, to be looked at: nothing of it is laid out, so nothing in it can do harm.
fn lenient() -> Rules {
    let limits = Limits { bytes: UNPACKED, ..Limits::default() };
    Rules { limits, modes: Modes::All, names: Names::Latin1, absolute: Absolute::Strip, skip_devices: true, strip: 0 }
}

/// Gets a file's name in findings, path, size and content, and says which number it has.
pub(super) type Take<'a> = dyn FnMut(&str, &str, u64, &mut dyn Read) -> Result<usize, SinkError> + 'a;

/// Unpacks `input` into nodes.
pub(super) fn unpack(
    object: &str,
    input: &mut dyn Input,
    file: &mut Take<'_>,
) -> (Entries, Result<Summary, format::Error>) {
    let mut entries = Entries { label: format!("{object}!"), nodes: BTreeMap::new(), objects: is_library(&mut *input) };
    let outcome = format::unpack(object, input, None, &lenient(), &mut Collect { entries: &mut entries, file });
    if let Ok(summary) = &outcome {
        for path in &summary.devices {
            entries.add(path, 0, Pending::Special);
        }
    }
    (entries, outcome)
}

fn is_library(input: &mut dyn Input) -> bool {
    let mut prefix = Vec::new();
    let read = input.take(512).read_to_end(&mut prefix);
    read.is_ok() && detect(&prefix).1 == Some(Kind::Ar)
}

/// An archive within a file: looked at here and now.
pub(super) fn archive(scanner: &Scanner<'_>, object: &str, input: &mut dyn Input, depth: usize, scanned: &mut Scanned) {
    let mut files: Vec<Arc<Scanned>> = Vec::new();
    let (entries, outcome) = unpack(object, input, &mut |object, path, _, data| {
        let mut one = Scanned { files: 1, ..Scanned::default() };
        if let Some(bytes) = scanner.read(object, data, &mut one)? {
            let mut bytes = Cursor::new(bytes);
            let digest = scanner.digest(&mut bytes);
            one = Scanned { digest, ..scanner.scan(object, path, &mut bytes, depth + 1) };
        }
        files.push(Arc::new(one));
        Ok(files.len() - 1)
    });
    if let Err(error) = outcome {
        scanned.findings.push(refused(object, &error));
    }
    scanned.roots.push(entries.finish(&files));
}

/// The finding that an archive could not be read.
pub(super) fn refused(object: &str, error: &format::Error) -> Finding {
    let reason = error.reason().map_or_else(|| error.to_string(), ToString::to_string);
    Finding::new(&rules::FILE_UNREADABLE, object, "it could not be unpacked").because(Evidence::value("", reason))
}

enum Pending {
    Directory,
    /// The number of the file.
    File(usize),
    Symlink(String),
    Special,
}

/// Entries whose files are still being looked at.
pub(super) struct Entries {
    label: String,
    nodes: BTreeMap<String, (u32, Pending)>,
    objects: bool,
}

impl Entries {
    /// No entries; `label` stands before paths in findings.
    pub fn new(label: &str) -> Self {
        Self { label: label.to_owned(), nodes: BTreeMap::new(), objects: false }
    }

    fn add(&mut self, path: &str, mode: u32, what: Pending) {
        self.nodes.insert(path.to_owned(), (mode, what));
    }

    /// The name of a path in findings.
    pub fn object(&self, path: &str) -> String {
        format!("{}{path}", self.label)
    }

    pub fn directory(&mut self, path: &str, mode: u32) {
        self.add(path, mode, Pending::Directory);
    }

    pub fn file(&mut self, path: &str, mode: u32, number: usize) {
        self.add(path, mode, Pending::File(number));
    }

    pub fn symlink(&mut self, path: &str, target: &str) {
        self.add(path, 0o777, Pending::Symlink(target.to_owned()));
    }

    pub fn special(&mut self, path: &str, mode: u32) {
        self.add(path, mode, Pending::Special);
    }

    /// The root, with what was found out about each file.
    pub fn finish(self, files: &[Arc<Scanned>]) -> Root {
        let Self { label, nodes, objects } = self;
        let nodes = nodes.into_iter().map(|(path, (mode, pending))| {
            let what = match pending {
                Pending::Directory => What::Directory,
                Pending::File(number) => What::File(files[number].clone()),
                Pending::Symlink(target) => What::Symlink(target),
                Pending::Special => What::Special,
            };
            let object = format!("{label}{path}");
            (path, Node { object, mode, what })
        });
        let nodes = nodes.collect();
        Root { label, shape: if objects { Shape::Objects } else { Shape::Tree }, nodes }
    }
}

/// Gives each file a number and remembers where it lies.
struct Collect<'a> {
    entries: &'a mut Entries,
    file: &'a mut Take<'a>,
}

impl Sink for Collect<'_> {
    fn directory(&mut self, path: &str, mode: u32) -> Result<(), SinkError> {
        self.entries.directory(path, mode);
        Ok(())
    }

    fn file(&mut self, path: &str, mode: u32, size: u64, data: &mut dyn Read) -> Result<(), SinkError> {
        // A library may have several members of one name.
        let mut path = path.to_owned();
        while self.entries.objects && self.entries.nodes.contains_key(&path) {
            path.push('\'');
        }
        let number = (self.file)(&self.entries.object(&path), &path, size, data)?;
        self.entries.file(&path, mode, number);
        Ok(())
    }

    fn symlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        self.entries.symlink(path, target);
        Ok(())
    }

    fn hardlink(&mut self, path: &str, target: &str) -> Result<(), SinkError> {
        if let Some((mode, Pending::File(number))) = self.entries.nodes.get(target) {
            let (mode, number) = (*mode, *number);
            self.entries.file(path, mode, number);
        }
        Ok(())
    }
}
