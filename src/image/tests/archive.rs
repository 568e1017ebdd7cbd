//! What the tests of several formats share: a tree with odd things in it, and what an extracted copy of it looks like.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::digest::Digest;
use crate::image::{Attributes, Builder, Contents, Kind, Meta, Tree};
use crate::sandbox::tests::host::{is_root, skipped};

/// Contents in memory.
#[derive(Default)]
pub(in crate::image) struct Memory(pub BTreeMap<Digest, Vec<u8>>);

impl Contents for Memory {
    fn open(&self, content: &Digest) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(content).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Box::new(bytes.as_slice()))
    }
}

impl Memory {
    pub fn file(&mut self, bytes: &[u8]) -> Kind {
        let digest = Digest::of(bytes);
        self.0.insert(digest, bytes.to_vec());
        Kind::File(digest)
    }
}

pub(in crate::image) const TIME: u32 = 1_700_000_000;

pub(in crate::image) fn meta(mode: u32) -> Meta {
    Meta { mode, uid: 0, gid: 0, time: TIME, attributes: Attributes::new() }
}

/// Bytes that do not compress, the same each time.
pub(in crate::image) fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_9abc_def0_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

/// A tree with all that Unix has in it but sockets and attributes; `longest` bounds its names, and three times that its links'
/// targets.
pub(in crate::image) fn builder(longest: usize) -> (Builder, Memory) {
    let (mut builder, mut memory) = (Builder::default(), Memory::default());
    let long = "long-name-".repeat(30);
    let mut folder = |path: &str, meta: Meta| builder.folder(path.as_bytes(), meta).expect("it is new");
    folder("", meta(0o755));
    for path in ["bin", "dev", "etc", "many", "usr", "usr/share", "usr/share/a", "usr/share/a/b", "usr/share/a/b/c"] {
        folder(path, meta(0o755));
    }
    folder("usr/share/a/b/c/d", meta(0o755));
    folder("usr/share/a/b/c/d/e", meta(0o755));
    folder("usr/share/a/b/c/d/e/f", meta(0o755));
    folder("usr/share/a/b/c/d/e/f/g", meta(0o700));
    folder("home", Meta { uid: 1000, gid: 100, ..meta(0o2750) });
    folder("tmp", Meta { time: 1, ..meta(0o1777) });
    let mut add = |path: &[u8], meta: Meta, kind: Kind| builder.add_other(path, meta, kind).expect("it is new");
    add(b"bin/busybox", meta(0o4755), memory.file(&noise(10_000)));
    add(b"etc/passwd", meta(0o644), memory.file(b"root:x:0:0:root:/root:/bin/sh\n"));
    add(b"etc/empty", meta(0o600), memory.file(b""));
    add(b"etc/block", meta(0o644), memory.file(&noise(2048)));
    add(b"etc/shadow", Meta { uid: 3_000_000_000, gid: 2_500_000, time: u32::MAX, ..meta(0o640) }, memory.file(b"!"));
    add("etc/grün €".as_bytes(), meta(0o644), memory.file(b"utf-8"));
    add(b"etc/latin-\xe9", meta(0o644), memory.file(b"latin 1"));
    add(b"etc/UPPER and space", meta(0o644), memory.file(b"x"));
    add(b"etc/upper and space", meta(0o644), memory.file(b"y"));
    let path = |folder: &str| format!("{folder}/{}", &long[..longest]);
    add(path("etc").as_bytes(), meta(0o644), memory.file(b"long"));
    add(path("usr/share/a/b/c/d/e/f/g").as_bytes(), meta(0o644), memory.file(b"deep"));
    add(b"etc/link", meta(0o777), Kind::Symlink(b"../usr/./share/a/".to_vec()));
    add(b"etc/root-link", meta(0o777), Kind::Symlink(b"/".to_vec()));
    add(b"etc/abs-link", meta(0o777), Kind::Symlink(b"/etc/passwd".to_vec()));
    let target = format!("../{}", "long-name-/".repeat(longest / 4));
    add(b"etc/long-link", meta(0o777), Kind::Symlink(target.into_bytes()));
    add(b"dev/console", meta(0o600), Kind::Character(5, 1));
    add(b"dev/vda", Meta { gid: 6, ..meta(0o660) }, Kind::Block(254, 0));
    add(b"dev/pipe", meta(0o622), Kind::Fifo);
    for index in 0..200 {
        add(format!("many/a-name-that-is-not-short-{index}").as_bytes(), meta(0o644), memory.file(&noise(index)));
    }
    builder.link(b"bin/sh", b"bin/busybox").expect("it is new");
    builder.link(b"usr/again", b"bin/busybox").expect("it is new");
    builder.link(b"dev/ttyS9", b"dev/console").expect("it is new");
    (builder, memory)
}

pub(in crate::image) fn sample(longest: usize) -> (Tree, Memory) {
    let (builder, memory) = builder(longest);
    (builder.finish().expect("a whole tree"), memory)
}

/// The tree as [`seen`] shows it.
pub(in crate::image) fn expected(tree: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    let root = (Vec::new(), 0, true);
    for (path, number, _) in std::iter::once(root).chain(tree.names()) {
        let inode = &tree.inodes[number];
        let what = match &inode.kind {
            Kind::Folder(_) => "d".to_owned(),
            Kind::File(content) => format!("f {content}"),
            Kind::Symlink(to) => format!("l {}", to.escape_ascii()),
            Kind::Character(major, minor) => format!("c {major}:{minor}"),
            Kind::Block(major, minor) => format!("b {major}:{minor}"),
            Kind::Fifo => "p".to_owned(),
            Kind::Socket => "s".to_owned(),
        };
        let Meta { mode, uid, gid, time, .. } = &inode.meta;
        let links = if matches!(inode.kind, Kind::Folder(_)) { 0 } else { inode.links };
        lines.push(format!("{} {mode:o} {uid}:{gid} {time} *{links} {what}", path.escape_ascii()));
    }
    lines.sort();
    lines
}

/// What lies in a folder, the folder itself with an empty path.
pub(in crate::image) fn seen(root: &Path) -> Vec<String> {
    fn walk(path: &Path, name: &[u8], lines: &mut Vec<String>) {
        let meta = fs::symlink_metadata(path).expect("it is there");
        let kind = meta.file_type();
        let device = (((meta.rdev() >> 8) & 0xfff), (meta.rdev() & 0xff) | ((meta.rdev() >> 12) & 0xfff00));
        let what = match kind {
            _ if kind.is_dir() => "d".to_owned(),
            _ if kind.is_file() => format!("f {}", Digest::of(&fs::read(path).expect("it can be read"))),
            _ if kind.is_symlink() => {
                format!("l {}", fs::read_link(path).expect("a link").as_os_str().as_bytes().escape_ascii())
            }
            _ if kind.is_char_device() => format!("c {}:{}", device.0, device.1),
            _ if kind.is_block_device() => format!("b {}:{}", device.0, device.1),
            _ if kind.is_fifo() => "p".to_owned(),
            _ => "s".to_owned(),
        };
        let links = if kind.is_dir() { 0 } else { meta.nlink() };
        let (mode, uid, gid, time) = (meta.mode() & 0o7777, meta.uid(), meta.gid(), meta.mtime());
        lines.push(format!("{} {mode:o} {uid}:{gid} {time} *{links} {what}", name.escape_ascii()));
        if kind.is_dir() {
            for entry in fs::read_dir(path).expect("a folder") {
                let entry = entry.expect("a folder");
                let mut below = name.to_vec();
                if !below.is_empty() {
                    below.push(b'/');
                }
                below.extend(entry.file_name().as_bytes());
                walk(&entry.path(), &below, lines);
            }
        }
    }
    let mut lines = Vec::new();
    walk(root, b"", &mut lines);
    lines.sort();
    lines
}

/// The lines of [`seen`] without the times of folders and links, which some tools do not restore.
pub(in crate::image) fn timeless(lines: Vec<String>) -> Vec<String> {
    let without = |line: String| match line.split_once(" *0 d").or_else(|| line.split_once(" *1 l ")) {
        Some((start, end)) => format!("{} {end}", start.rsplit_once(' ').expect("a time").0),
        None => line,
    };
    lines.into_iter().map(without).collect()
}

/// Asserts that two lists are the same, and shows the lines that are not.
pub(in crate::image) fn same(actual: &[String], expected: &[String]) {
    let short = |line: &&String| line.chars().take(150).collect::<String>();
    let missing: Vec<_> = expected.iter().filter(|line| !actual.contains(line)).map(|line| short(&line)).collect();
    let surplus: Vec<_> = actual.iter().filter(|line| !expected.contains(line)).map(|line| short(&line)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nnot expected: {surplus:#?}");
}

/// Whether root runs this, as extracting owners and devices wants; says so if not.
pub(in crate::image) fn may_extract(what: &str) -> bool {
    if !is_root() {
        skipped(what, "only root may give files away");
    }
    is_root()
}

/// Runs a tool in a folder, with some input; what it writes to its standard output and error, or nothing, aloud, if it is
/// not installed.
pub(in crate::image) fn tool(place: &Path, name: &str, args: &[&str], input: Option<&Path>) -> Option<String> {
    let path = "/usr/sbin:/sbin:/usr/bin:/bin";
    let Some(found) = path.split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.exists()) else {
        skipped("what an independent tool says", &format!("{name} is not installed"));
        return None;
    };
    let mut command = Command::new(found);
    command.args(args).current_dir(place).env("PATH", path).env("LC_ALL", "C.UTF-8");
    command.stdin(input.map_or_else(Stdio::null, |input| fs::File::open(input).expect("it was made").into()));
    let output = command.output().expect("it starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{name} {args:?}: {said}");
    Some(said)
}
