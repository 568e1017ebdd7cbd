//! The policy that every entry passes between a reader and the sink.
//!
//! The gate remembers what the archive has declared so far as a tree of names, so that an entry costs time in
//! proportion to its own name, however deep or many they are.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::error::{EntryKind, Fault, NameFault, Reason};
use super::rules::{Absolute, Modes, Names, Rules, Summary};
use super::unpack::Sink;

/// Permission bits that a tree cannot have.
const SPECIAL_BITS: u32 = 0o7000;

struct Node {
    kind: EntryKind,
    children: BTreeMap<Box<str>, usize>,
}

/// See the module's text.
pub(super) struct Gate<'a> {
    rules: &'a Rules,
    sink: &'a mut dyn Sink,
    /// The first is the root.
    nodes: Vec<Node>,
    /// The leading components that are stripped, as far as they are known.
    lead: Vec<String>,
    /// The entry that is being read, for the error.
    pub current: Option<String>,
    pub summary: Summary,
}

impl<'a> Gate<'a> {
    pub fn new(rules: &'a Rules, sink: &'a mut dyn Sink) -> Self {
        let root = Node { kind: EntryKind::Directory, children: BTreeMap::new() };
        Self { rules, sink, nodes: vec![root], lead: Vec::new(), current: None, summary: Summary::default() }
    }

    pub fn limit(&self) -> u64 {
        self.rules.limits.bytes
    }

    pub fn limit_entries(&self) -> u64 {
        self.rules.limits.entries
    }

    /// Notes which entry is at hand, for errors, and counts it.
    pub fn enter(&mut self, name: &[u8]) -> Result<(), Fault> {
        self.current = Some(name.escape_ascii().to_string());
        if let Ok(text) = std::str::from_utf8(name) {
            self.current = Some(text.escape_debug().to_string());
        }
        self.summary.entries += 1;
        if self.summary.entries > self.rules.limits.entries {
            return Err(Reason::TooManyEntries { limit: self.rules.limits.entries }.into());
        }
        Ok(())
    }

    /// Counts an owner and a time that no tree can hold.
    pub fn metadata(&mut self, uid: u64, gid: u64, time: bool) {
        self.summary.owners += u64::from(uid != 0 || gid != 0);
        self.summary.times += u64::from(time);
    }

    /// Counts something else that no tree can hold.
    pub fn note(&mut self, what: &str) {
        *self.summary.other.entry(what.to_owned()).or_default() += 1;
    }

    pub fn directory(&mut self, name: &[u8], mode: u32) -> Result<(), Fault> {
        self.summary.directories += 1;
        let Some(path) = self.name("name", name, true)? else { return Ok(()) };
        let mode = self.mode(&path, mode, true);
        if self.declare(&path, EntryKind::Directory)?.is_some_and(|kind| kind == EntryKind::Directory) {
            self.note("directories declared twice");
        }
        self.sink.directory(&path, mode).map_err(Fault::Sink)
    }

    /// Hands over a file of exactly `size` bytes, which are the next ones of `data`.
    pub fn file(&mut self, name: &[u8], mode: u32, size: u64, data: &mut dyn Read) -> Result<(), Fault> {
        self.summary.files += 1;
        let path = self.named(name)?;
        self.summary.bytes = self.summary.bytes.saturating_add(size);
        if self.summary.bytes > self.limit() {
            return Err(Reason::TooManyBytes { limit: self.limit() }.into());
        }
        let mode = self.mode(&path, mode, false);
        if self.declare(&path, EntryKind::File)?.is_some() {
            self.summary.replaced.push(path.clone());
        }
        let mut content = Content { inner: data, left: size, fault: None };
        let outcome = self.sink.file(&path, mode, size, &mut content);
        if let Some(error) = content.fault.take() {
            return Err(error.into());
        }
        outcome.map_err(Fault::Sink)?;
        // A sink that knows enough may stop early; checksums are read to the end all the same.
        let drained = io::copy(&mut content, &mut io::sink());
        match content.fault.take() {
            Some(error) => Err(error.into()),
            None => Ok(drained.map(drop)?),
        }
    }

    pub fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), Fault> {
        self.summary.symlinks += 1;
        let path = self.named(name)?;
        let fault = |fault| Reason::Name { what: "symlink target", fault };
        if target.is_empty() {
            return Err(fault(NameFault::Empty).into());
        }
        if target.contains(&0) {
            return Err(fault(NameFault::Nul).into());
        }
        if target.len() > 4095 {
            return Err(fault(NameFault::TooLong).into());
        }
        let target = self.text("symlink target", target)?;
        if self.declare(&path, EntryKind::Symlink)?.is_some() {
            self.summary.replaced.push(path.clone());
        }
        self.sink.symlink(&path, &target).map_err(Fault::Sink)
    }

    pub fn hardlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), Fault> {
        self.summary.hardlinks += 1;
        let path = self.named(name)?;
        let target = match self.name("link target", target, false)? {
            Some(target) => target,
            None => return Err(Reason::HardLink { target: lossy(target), why: "is the archive's root" }.into()),
        };
        let refuse = |why| Fault::from(Reason::HardLink { target: target.clone(), why });
        match self.lookup(&target) {
            None => return Err(refuse("is no earlier entry of the archive")),
            Some(EntryKind::Directory) => return Err(refuse("is a directory")),
            Some(EntryKind::Symlink) => return Err(refuse("is a symbolic link")),
            Some(EntryKind::File) => {}
        }
        if self.declare(&path, EntryKind::File)?.is_some() {
            self.summary.replaced.push(path.clone());
        }
        if path == target {
            // What `tar` writes when it is told a name twice: the file is there already.
            return Ok(());
        }
        self.sink.hardlink(&path, &target).map_err(Fault::Sink)
    }

    /// A device, fifo or socket: refused, or left out by rule.
    pub fn special(&mut self, name: &[u8], kind: &'static str) -> Result<(), Fault> {
        let path = self.named(name)?;
        if !self.rules.skip_devices {
            return Err(Reason::Special { kind }.into());
        }
        self.summary.devices.push(path);
        Ok(())
    }

    fn mode(&mut self, path: &str, mode: u32, directory: bool) -> u32 {
        if mode & SPECIAL_BITS != 0 {
            self.summary.special_modes.push(path.to_owned());
        }
        match self.rules.modes {
            Modes::Normalise if directory || mode & 0o100 != 0 => 0o755,
            Modes::Normalise => 0o644,
            Modes::Keep => mode & 0o777,
            Modes::All => mode & 0o7777,
        }
    }

    fn named(&mut self, name: &[u8]) -> Result<String, Fault> {
        match self.name("name", name, false)? {
            Some(path) => Ok(path),
            None => Err(Reason::Name { what: "name", fault: NameFault::Empty }.into()),
        }
    }

    /// The path that a name means, or nothing when it means the root.
    fn name(&mut self, what: &'static str, raw: &[u8], directory: bool) -> Result<Option<String>, Fault> {
        let fault = |fault| Reason::Name { what, fault };
        if raw.is_empty() {
            return Err(fault(NameFault::Empty).into());
        }
        if raw.contains(&0) {
            return Err(fault(NameFault::Nul).into());
        }
        if raw.len() > 4096 {
            return Err(fault(NameFault::TooLong).into());
        }
        let text = self.text(what, raw)?;
        if text.starts_with('/') {
            match self.rules.absolute {
                Absolute::Refuse => return Err(fault(NameFault::Absolute).into()),
                Absolute::Strip => self.note("leading slashes"),
            }
        }
        let components: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if components.contains(&"..") {
            return Err(fault(NameFault::ParentDir).into());
        }
        if components.iter().any(|part| part.len() > 255) {
            return Err(fault(NameFault::ComponentTooLong).into());
        }
        if components.len() > self.rules.limits.depth {
            return Err(Reason::TooDeep { limit: self.rules.limits.depth }.into());
        }
        // `name/` can only be a directory, and `.` only the root.
        if !directory && what == "name" && (text.ends_with('/') || text.ends_with("/.")) {
            return Err(Reason::corrupt("entry", "its name ends in `/`, and it is not a directory").into());
        }
        let kept = self.strip(&components, directory)?;
        Ok((!kept.is_empty()).then(|| kept.join("/")))
    }

    fn strip<'n>(&mut self, components: &'n [&'n str], directory: bool) -> Result<&'n [&'n str], Fault> {
        let strip = self.rules.strip;
        if strip == 0 {
            return Ok(components);
        }
        let refuse = |detail: String| Fault::from(Reason::Strip { strip, detail });
        for (index, part) in components.iter().take(strip).enumerate() {
            match self.lead.get(index) {
                Some(lead) if lead == part => {}
                Some(_) => {
                    let lead = self.lead.join("/");
                    return Err(refuse(format!("it does not lie below `{lead}` as the entries before it do")));
                }
                None => self.lead.push((*part).to_owned()),
            }
        }
        match components.get(strip..) {
            Some(kept) if directory || !kept.is_empty() => Ok(kept),
            _ if directory => Ok(&[]),
            _ => Err(refuse("nothing would be left of the name".to_owned())),
        }
    }

    fn text(&mut self, what: &'static str, raw: &[u8]) -> Result<String, Fault> {
        match (std::str::from_utf8(raw), self.rules.names) {
            (Ok(text), _) => Ok(text.to_owned()),
            (Err(_), Names::Utf8) => Err(Reason::Name { what, fault: NameFault::NotUtf8 }.into()),
            (Err(_), Names::Latin1) => {
                self.note("names read as Latin-1");
                Ok(raw.iter().map(|byte| char::from(*byte)).collect())
            }
        }
    }

    fn lookup(&self, path: &str) -> Option<EntryKind> {
        let mut node = self.nodes.first()?;
        for part in path.split('/') {
            node = self.nodes.get(*node.children.get(part)?)?;
        }
        Some(node.kind)
    }

    /// Enters a path into the tree, its missing parents first, and says what it was before.
    fn declare(&mut self, path: &str, kind: EntryKind) -> Result<Option<EntryKind>, Fault> {
        let mut at = 0;
        let mut start = 0;
        while let Some(length) = path[start..].find('/') {
            let (part, above) = (&path[start..start + length], &path[..start + length]);
            at = match self.nodes[at].children.get(part) {
                Some(child) => *child,
                None => {
                    let mode = 0o755;
                    self.sink.directory(above, mode).map_err(Fault::Sink)?;
                    self.add(at, part, EntryKind::Directory)
                }
            };
            let found = self.nodes[at].kind;
            if found != EntryKind::Directory {
                return Err(Reason::Beneath { above: above.to_owned(), kind: found }.into());
            }
            start += length + 1;
        }
        let part = &path[start..];
        let Some(child) = self.nodes[at].children.get(part).copied() else {
            self.add(at, part, kind);
            return Ok(None);
        };
        let before = self.nodes[child].kind;
        if before != kind {
            return Err(Reason::TypeChange { before, now: kind }.into());
        }
        Ok(Some(before))
    }

    fn add(&mut self, parent: usize, name: &str, kind: EntryKind) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node { kind, children: BTreeMap::new() });
        self.nodes[parent].children.insert(name.into(), index);
        index
    }
}

/// Bytes of a name for a message.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().to_string()
}

/// Exactly the bytes of one file. Keeps its own error, which a sink would otherwise report as its own.
struct Content<'a> {
    inner: &'a mut dyn Read,
    left: u64,
    fault: Option<io::Error>,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Err(io::Error::other("the archive could not be read"));
        }
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let outcome = match self.inner.read(&mut buffer[..wanted]) {
            Ok(0) => Err(Reason::Truncated { part: "the content of a file" }.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            outcome => outcome,
        };
        match outcome {
            Ok(count) => {
                self.left -= count as u64;
                Ok(count)
            }
            Err(error) => {
                self.fault = Some(error);
                Err(io::Error::other("the archive could not be read"))
            }
        }
    }
}
