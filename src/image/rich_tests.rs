//! What the tests of file systems have in common: a tree with everything in it, and whether a folder holds that tree.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::process::Command;

use proptest::prelude::{Strategy, any};

use super::{Builder, Contents, Kind, Meta, Tree};
use crate::digest::Digest;

/// The bytes of a file: some, a hole, some, and a hole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bytes {
    pub before: Vec<u8>,
    pub hole: u64,
    pub behind: Vec<u8>,
    pub end: u64,
}

impl Bytes {
    pub fn reader(&self) -> Box<dyn Read + '_> {
        let zeros = |size| io::repeat(0).take(size);
        Box::new(self.before.as_slice().chain(zeros(self.hole)).chain(self.behind.as_slice()).chain(zeros(self.end)))
    }

    pub fn size(&self) -> u64 {
        (self.before.len() + self.behind.len()) as u64 + self.hole + self.end
    }
}

/// A tree in the making, with the bytes of its files.
#[derive(Default)]
pub(crate) struct Rich {
    pub builder: Builder,
    pub files: BTreeMap<Digest, Bytes>,
}

impl Contents for Rich {
    fn open(&self, content: &Digest) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.files.get(content).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(bytes.reader())
    }
}

pub(crate) const TIME: u32 = 1_700_000_000;

pub(crate) fn meta(mode: u32) -> Meta {
    Meta { mode, uid: 0, gid: 0, time: TIME, attributes: BTreeMap::new() }
}

/// Bytes that do not pack well.
pub(crate) fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2) + 1;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..size).map(step).collect()
}

/// Bytes that pack well, of any size, and other ones for each size.
pub(crate) fn text(size: usize) -> Vec<u8> {
    let words = (size..).flat_map(|number| format!("line {number} of {size}\n").into_bytes());
    words.take(size).collect()
}

impl Rich {
    pub fn new() -> Self {
        let mut rich = Self::default();
        rich.folder("", meta(0o755));
        rich
    }

    pub fn folder(&mut self, path: &str, meta: Meta) {
        self.builder.folder(path.as_bytes(), meta).expect("a plain folder");
    }

    pub fn other(&mut self, path: &str, meta: Meta, kind: Kind) {
        self.builder.add_other(path.as_bytes(), meta, kind).expect("a plain entry");
    }

    pub fn file(&mut self, path: &str, meta: Meta, bytes: Bytes) {
        let digest = if bytes.size() < 1 << 30 {
            let mut all = Vec::new();
            bytes.reader().read_to_end(&mut all).expect("it is in memory");
            Digest::of(&all)
        } else {
            // As good a name as any.
            Digest { size: bytes.size(), ..Digest::of(format!("{bytes:?}").as_bytes()) }
        };
        self.files.insert(digest, bytes);
        self.other(path, meta, Kind::File(digest));
    }

    pub fn plain(&mut self, path: &str, before: Vec<u8>) {
        self.file(path, meta(0o644), Bytes { before, ..Bytes::default() });
    }

    pub fn finish(self) -> (Tree, Self) {
        let tree = self.builder.finish().expect("a whole tree");
        (tree, Self { builder: Builder::default(), files: self.files })
    }

    /// A tree with everything that a file system can hold.
    pub fn everything() -> Self {
        let mut rich = Self::new();
        for path in ["deep", "deep/a", "deep/a/b", "deep/a/b/c", "empty", "many", "sizes", "special", "!first"] {
            rich.folder(path, meta(0o755));
        }
        rich.plain("deep/a/b/c/file", b"deep".to_vec());
        rich.plain("empty file", Vec::new());
        for number in 0..400 {
            rich.plain(&format!("many/entry with a long name, for a large folder, {number:03}"), text(number % 37));
            rich.folder(&format!("many/folder {number}"), meta(0o700));
        }
        rich.plain(&format!("many/{}", "n".repeat(255)), b"long".to_vec());
        rich.plain("many/\u{fc}ml\u{e4}ut", b"umlaut".to_vec());
        for around in [4096, 8192, 16384, 131_072, 1 << 20] {
            for size in [around - 65, around - 1, around, around + 1] {
                rich.plain(&format!("sizes/{size}"), text(size));
                rich.plain(&format!("sizes/{size}.noise"), noise(size as u64, size));
                rich.plain(&format!("sizes/{size}.twin"), text(size));
            }
        }
        rich.plain("sizes/large", text(3_000_000));
        rich.plain("sizes/large.noise", noise(7, 1_500_000));
        let sparse = |before: &[u8], hole, behind: &[u8], end| Bytes {
            before: before.to_vec(),
            hole,
            behind: behind.to_vec(),
            end,
        };
        rich.file("sizes/sparse", meta(0o644), sparse(b"begin", 3 << 20, b"end", 0));
        rich.file("sizes/zeros", meta(0o644), sparse(b"", 0, b"", 1 << 20));
        rich.file("sizes/zeros and more", meta(0o644), sparse(b"", 0, &noise(1, 200_000), (1 << 20) + 5));
        rich.file("setuid", Meta { uid: 70_000, gid: 4_294_967_294, ..meta(0o6755) }, sparse(b"suid", 0, b"", 0));
        rich.folder("sticky", Meta { uid: 65_535, gid: 65_536, time: 0, ..meta(0o1777) });
        rich.plain("a link's first name", text(5000));
        rich.builder.link(b"deep/link", b"a link's first name").expect("a plain link");
        rich.builder.link(b"zz link", b"a link's first name").expect("a plain link");
        rich.other("special/short", meta(0o777), Kind::Symlink(b"../deep".to_vec()));
        rich.other("special/long", meta(0o777), Kind::Symlink("l/".repeat(2048)[..4095].into()));
        rich.other("special/4064", meta(0o777), Kind::Symlink("l/".repeat(2048)[..4064].into()));
        rich.other("special/null", meta(0o666), Kind::Character(1, 3));
        rich.other("special/large minor", Meta { time: 1, ..meta(0o600) }, Kind::Block(259, 0x1_2345));
        rich.other("special/largest", meta(0o600), Kind::Character(4095, 0xf_ffff));
        rich.other("special/fifo", Meta { uid: 1000, ..meta(0o640) }, Kind::Fifo);
        rich.other("special/socket", meta(0o755), Kind::Socket);
        rich.other("special/second", meta(0o777), Kind::Symlink(b"short".to_vec()));
        rich.builder.link(b"special/third", b"special/second").expect("a plain link");
        let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let attributes = |list: &[(&str, &[u8])]| Meta {
            attributes: list.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect(),
            ..meta(0o755)
        };
        let bytes = |text: &[u8]| sparse(text, 0, b"", 0);
        rich.file("xattr capable", attributes(&[("security.capability", &capability)]), bytes(b"ping"));
        rich.file("xattr too", attributes(&[("security.capability", &capability)]), bytes(&text(9000)));
        let large = noise(9, 3000);
        let several: [(&str, &[u8]); 4] = [
            ("security.capability", &capability),
            ("trusted.overlay.opaque", b"y"),
            ("user.empty", b""),
            ("user.large", &large),
        ];
        rich.file("xattr several", attributes(&several), bytes(&text(2000)));
        rich.folder("xattr folder", attributes(&[("trusted.overlay.opaque", b"y"), ("user.large", &large)]));
        rich.other("xattr link", attributes(&[("trusted.a", b"1")]), Kind::Symlink(b"to".to_vec()));
        rich.other("xattr device", attributes(&[("trusted.b", b"2")]), Kind::Character(1, 5));
        rich.other("xattr fifo", attributes(&[("trusted.b", b"2")]), Kind::Fifo);
        rich
    }
}

/// Any tree of a few dozen entries.
pub(crate) fn any_tree() -> impl Strategy<Value = (Vec<(usize, u8)>, u64)> {
    (proptest::collection::vec((0..20_000_usize, 0..8_u8), 0..40), any::<u64>())
}

/// The tree: of each entry a size and a kind are given.
pub(crate) fn make((entries, seed): (Vec<(usize, u8)>, u64)) -> Rich {
    let mut rich = Rich::new();
    let (mut folders, mut others) = (vec![String::new()], Vec::new());
    for (index, (size, kind)) in entries.into_iter().enumerate() {
        let number = seed.wrapping_add(index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let folder = &folders[(number >> 40) as usize % folders.len()];
        let name = format!("{index}{}", "n".repeat((number >> 20) as usize % 60));
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let meta = Meta { uid: (number >> 8) as u32 % 70_000, gid: size as u32 % 3, ..meta(0o644) };
        match kind {
            0 | 1 => {
                rich.folder(&path, Meta { mode: 0o755, ..meta });
                folders.push(path);
                continue;
            }
            2 => rich.file(&path, meta, Bytes { before: text(size), ..Bytes::default() }),
            3 => rich.file(&path, meta, Bytes { before: noise(number, size), ..Bytes::default() }),
            4 => {
                let (before, behind) = (noise(number, size % 5000), text(size % 7000));
                let bytes = Bytes { before, hole: size as u64 * 3, behind, end: number % 9000 };
                rich.file(&path, meta, bytes);
            }
            5 => rich.other(&path, meta, Kind::Symlink(vec![b'l'; size % 4095 + 1])),
            6 => rich.other(&path, meta, Kind::Fifo),
            _ => {
                let Some(first) = others.get(size % (others.len() + 1)) else { continue };
                rich.builder.link(path.as_bytes(), String::as_bytes(first)).expect("a plain link");
                continue;
            }
        }
        others.push(path);
    }
    rich
}

/// How much of a tree is to be found in a folder.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Compared {
    /// Owners and devices, which only root can make.
    pub owners: bool,
    /// Bits of the mode; none without owners.
    pub mode: u32,
    pub attributes: bool,
    /// That the names of an inode are names of one, and how many.
    pub links: bool,
}

/// Compares a folder with the tree that it has to hold.
pub(crate) fn same(tree: &Tree, contents: &dyn Contents, folder: &Path, compared: Compared) {
    let mut numbers: BTreeMap<usize, u64> = BTreeMap::new();
    let names = std::iter::once((Vec::new(), 0, true)).chain(tree.names());
    for (path, number, _) in names {
        let shown = String::from_utf8_lossy(&path).into_owned();
        let place = folder.join(std::ffi::OsStr::from_bytes(&path));
        let inode = &tree.inodes[number];
        let is = match fs::symlink_metadata(&place) {
            Ok(is) => is,
            Err(_) if !compared.owners && matches!(inode.kind, Kind::Character(..) | Kind::Block(..)) => continue,
            Err(error) => panic!("/{shown}: {error}"),
        };
        let Meta { mode, uid, gid, time, attributes } = &inode.meta;
        let kind = is.file_type();
        let is_link = kind.is_symlink();
        if !is_link && compared.owners {
            assert_eq!(is.mode() & compared.mode, *mode & compared.mode, "mode of /{shown}");
        }
        if compared.owners {
            assert_eq!((is.uid(), is.gid()), (*uid, *gid), "owners of /{shown}");
        }
        assert_eq!(is.mtime(), i64::from(*time), "time of /{shown}");
        if compared.links {
            assert_eq!(is.nlink(), u64::from(inode.links), "links of /{shown}");
            assert_eq!(*numbers.entry(number).or_insert(is.ino()), is.ino(), "number of /{shown}");
        }
        match &inode.kind {
            Kind::Folder(entries) => {
                assert!(kind.is_dir(), "/{shown} is no folder");
                let mut names: Vec<Vec<u8>> = fs::read_dir(&place)
                    .expect("it is a folder")
                    .map(|entry| entry.expect("it is read").file_name().as_bytes().to_vec())
                    .collect();
                names.sort();
                let want: Vec<&Vec<u8>> = entries.iter().map(|(name, _)| name).collect();
                if compared.owners {
                    assert_eq!(names.iter().collect::<Vec<_>>(), want, "names in /{shown}");
                }
            }
            Kind::File(digest) => {
                assert!(kind.is_file(), "/{shown} is no file");
                assert_eq!(is.len(), digest.size, "size of /{shown}");
                let mut want = contents.open(digest).expect("it is there");
                equal(&mut fs::File::open(&place).expect("it opens"), &mut want, &shown);
            }
            Kind::Symlink(to) => {
                let target = fs::read_link(&place).unwrap_or_else(|error| panic!("/{shown}: {error}"));
                assert_eq!(target.as_os_str().as_bytes(), to, "target of /{shown}");
            }
            Kind::Character(major, minor) | Kind::Block(major, minor) => {
                let block = matches!(inode.kind, Kind::Block(..));
                assert!(if block { kind.is_block_device() } else { kind.is_char_device() }, "/{shown} is no device");
                let device = (rustix::fs::major(is.rdev()), rustix::fs::minor(is.rdev()));
                assert_eq!(device, (*major, *minor), "number of /{shown}");
            }
            Kind::Fifo => assert!(kind.is_fifo(), "/{shown} is no pipe"),
            Kind::Socket => assert!(kind.is_socket(), "/{shown} is no socket"),
        }
        if compared.attributes {
            assert_eq!(list(&place), *attributes, "attributes of /{shown}");
        }
    }
}

fn equal(found: &mut dyn Read, want: &mut dyn Read, path: &str) {
    let mut at = 0;
    loop {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        (&mut *found).take(1 << 20).read_to_end(&mut left).expect("it is read");
        (&mut *want).take(1 << 20).read_to_end(&mut right).expect("it is read");
        let same = left == right;
        let first = || left.iter().zip(&right).position(|(left, right)| left != right).unwrap_or(0);
        assert!(same, "/{path} differs at {}", at + first());
        if left.is_empty() {
            return;
        }
        at += left.len();
    }
}

fn list(path: &Path) -> super::Attributes {
    let mut names = vec![0; 1 << 16];
    let size = match rustix::fs::llistxattr(path, &mut names[..]) {
        // An image without any says that it knows none.
        Err(rustix::io::Errno::NOTSUP) => 0,
        size => size.expect("they are listed"),
    };
    let names = names[..size].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let value = |name: &[u8]| {
        let mut value = vec![0; 1 << 16];
        let size = rustix::fs::lgetxattr(path, name, &mut value[..]).expect("it has a value");
        value.truncate(size);
        (name.to_vec(), value)
    };
    names.map(value).collect()
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").expect("there is a process").uid() == 0
}

/// Runs a tool, which may lie where only root looks, and gives what it says; none, aloud, if it is not installed.
pub(crate) fn tool(name: &str, args: &[&str]) -> Option<String> {
    let path = "/usr/sbin:/sbin:/usr/bin:/bin";
    let found = path.split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    let Some(found) = found else {
        eprintln!("SKIPPED: {name} is not installed");
        assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
        return None;
    };
    let output = Command::new(found).args(args).env("PATH", path).env("LC_ALL", "C.UTF-8").env("TZ", "UTC").output();
    let output = output.expect("it starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{name} {args:?}: {said}");
    Some(said)
}
