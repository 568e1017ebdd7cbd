//! Trees, contents and tools for the tests of all formats' writers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::image::{Attributes, Builder, Contents, Kind, Meta, Tree};

/// A file: its size, and pieces of bytes at offsets with zeros between them.
type Pieces = (u64, Vec<(u64, Vec<u8>)>);

/// Contents by digest.
#[derive(Default)]
pub(in crate::image) struct Bytes(BTreeMap<[u8; 32], Pieces>);

impl Bytes {
    pub fn add(&mut self, bytes: &[u8]) -> Digest {
        self.sparse(bytes.len() as u64, &[(0, bytes)])
    }

    /// A file of `size` bytes with some bytes in it. Its hash is not that of its bytes.
    pub fn sparse(&mut self, size: u64, parts: &[(u64, &[u8])]) -> Digest {
        let parts: Vec<(u64, Vec<u8>)> = parts.iter().map(|(at, bytes)| (*at, bytes.to_vec())).collect();
        let hash: [u8; 32] = Sha256::digest(format!("{size} {parts:?}")).into();
        self.0.insert(hash, (size, parts));
        Digest { hash, size }
    }
}

impl Contents for Bytes {
    fn open(&self, content: &Digest) -> io::Result<Box<dyn Read + '_>> {
        let (size, parts) = self.0.get(&content.hash).ok_or_else(|| io::Error::other("there is none"))?;
        let mut file: Box<dyn Read> = Box::new(io::empty());
        let mut at = 0;
        for (start, bytes) in parts {
            file = Box::new(file.chain(io::repeat(0).take(start - at)).chain(Cursor::new(bytes)));
            at = start + bytes.len() as u64;
        }
        Ok(Box::new(file.chain(io::repeat(0).take(size.saturating_sub(at)))))
    }
}

pub(in crate::image) fn meta(mode: u32, uid: u32, gid: u32, time: u32) -> Meta {
    Meta { mode, uid, gid, time, attributes: Attributes::new() }
}

/// Bytes that do not repeat soon, and none of which is 0.
pub(in crate::image) fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = u64::from(seed) << 20 | 0x9e37;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8 | 1
    };
    (0..len).map(|_| next()).collect()
}

/// A tree with whatever a Unix file system can hold.
pub(in crate::image) fn rich() -> (Tree, Bytes) {
    let mut bytes = Bytes::default();
    let mut tree = Builder::default();
    let file = |tree: &mut Builder, path: &str, meta: Meta, content: Digest| {
        tree.add_other(path.as_bytes(), meta, Kind::File(content)).expect("a new path");
    };
    let plain = || meta(0o644, 0, 0, 1_700_000_000);
    let folder = || meta(0o755, 0, 0, 1_700_000_001);
    for path in ["", "a", "a/b", "a/b/c", "many", "sizes", "links", "dev", "attributes", "long", "empty"] {
        tree.folder(path.as_bytes(), folder()).expect("a new path");
    }
    for number in 0..3000 {
        let content = bytes.add(format!("{}\n", number % 7).as_bytes());
        file(&mut tree, &format!("many/entry number {number}"), plain(), content);
    }
    for letter in ["x", "y"] {
        let content = bytes.add(letter.as_bytes());
        file(&mut tree, &format!("long/{}", letter.repeat(255)), plain(), content);
    }
    for size in [0, 1, 4095, 4096, 4097, 16384, 1 << 20, (1 << 20) + 1, 3_000_000] {
        let content = bytes.add(&noise(size as u32, size));
        file(&mut tree, &format!("sizes/{size}"), plain(), content);
    }
    let data = noise(5, 5000);
    let big = bytes.sparse(300 << 20, &[(0, &data), (129 << 20, &data), ((300 << 20) - 5000, &data)]);
    file(&mut tree, "sizes/big", plain(), big);
    let hole = bytes.sparse(9 << 20, &[(4096, &data), (7 << 20, &data)]);
    file(&mut tree, "sizes/hole", plain(), hole);
    let parts: Vec<(u64, &[u8])> = (0..900).map(|part| (part * 8192, &data[..4096])).collect();
    let torn = bytes.sparse(901 * 8192, &parts);
    file(&mut tree, "sizes/torn", plain(), torn);
    let zeros = bytes.sparse(1 << 20, &[]);
    file(&mut tree, "sizes/zeros", plain(), zeros);
    let content = bytes.add(b"content\n");
    for (path, mode, uid, gid, time) in [
        ("a/b/c/deep", 0o600, 1, 2, 0),
        ("a/setuid", 0o4755, 0, 0, 1),
        ("a/setgid", 0o2755, 65536, 0x1_2345, 0x7fff_ffff),
        ("a/sticky", 0o1777, 0xffff_fffe, 0xffff_fffd, 0x8000_0000),
        ("a/late", 0o444, 1000, 1000, 0xffff_ffff),
    ] {
        file(&mut tree, path, meta(mode, uid, gid, time), content);
    }
    file(&mut tree, "links/first", meta(0o640, 7, 8, 1_600_000_000), content);
    tree.link(b"links/second", b"links/first").expect("a new path");
    tree.link(b"a/third", b"links/first").expect("a new path");
    for len in [1, 59, 60, 4095] {
        let to = "t/".repeat(2048).as_bytes()[..len].to_vec();
        tree.add_other(format!("links/{len}").as_bytes(), meta(0o777, 0, 0, 5), Kind::Symlink(to)).expect("a new path");
    }
    for (path, kind) in [
        ("dev/null", Kind::Character(1, 3)),
        ("dev/sda", Kind::Block(8, 0)),
        ("dev/large", Kind::Block(259, 0xf_1234)),
        ("dev/minor", Kind::Character(10, 256)),
        ("dev/fifo", Kind::Fifo),
        ("dev/socket", Kind::Socket),
    ] {
        tree.add_other(path.as_bytes(), meta(0o660, 0, 6, 1_700_000_002), kind).expect("a new path");
    }
    let mut with = |path: &str, attributes: &[(&str, &[u8])]| {
        let mut meta = plain();
        meta.attributes = attributes.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect();
        file(&mut tree, path, meta, content);
    };
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    with("attributes/capability", &[("security.capability", &capability)]);
    with("attributes/large", &[("user.large", &noise(9, 3000)), ("user.small", b"small"), ("user.empty", b"")]);
    let acl: Vec<u8> = [[1_u32, 6, 0xffff_ffff], [2, 7, 1000], [4, 4, 0xffff_ffff], [16, 7, 0xffff_ffff], [32, 4, !0]]
        .iter()
        .flat_map(|[tag, bits, id]| [&(tag | bits << 16).to_le_bytes()[..], &id.to_le_bytes()].concat())
        .collect();
    let acl = [&2_u32.to_le_bytes()[..], &acl].concat();
    with("attributes/acl", &[("system.posix_acl_access", &acl)]);
    with(
        "attributes/trusted",
        &[("trusted.overlay.opaque", b"y"), ("security.selinux", b"system_u:object_r:bin_t:s0\0")],
    );
    (tree.finish().expect("a tree"), bytes)
}

/// A folder of one test, removed at its end.
pub(in crate::image) struct Bench(tempfile::TempDir);

impl Bench {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a place for temporary files"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A new file.
    pub fn file(&self, name: &str) -> File {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).open(self.path(name)).expect("a new file")
    }

    /// What a program says, and how it ends; None if it is missing, which is said.
    pub fn run(&self, program: &str, args: &[&str]) -> Option<(i32, String)> {
        let path = "/usr/local/bin:/usr/sbin:/sbin:/usr/bin:/bin";
        let Some(found) = path.split(':').map(|place| Path::new(place).join(program)).find(|place| place.exists())
        else {
            eprintln!("SKIPPED: {program} is not installed");
            assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
            return None;
        };
        let mut command = Command::new(found);
        command.args(args).current_dir(self.0.path()).env_clear().env("PATH", path);
        let output = command.envs([("LC_ALL", "C.UTF-8"), ("TZ", "UTC")]).output().expect("it starts");
        let said = [output.stdout, output.stderr].concat();
        Some((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned()))
    }

    /// Runs a program that has to find nothing wrong; false if it is missing.
    pub fn passes(&self, program: &str, args: &[&str]) -> bool {
        let Some((code, said)) = self.run(program, args) else { return false };
        assert_eq!(code, 0, "{program} {args:?}: {said}");
        true
    }
}

/// SHA-256 of a whole file.
pub(in crate::image) fn sum(mut file: &File) -> String {
    file.seek(SeekFrom::Start(0)).expect("a file can seek");
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let got = file.read(&mut buffer).expect("it can be read");
        if got == 0 {
            break;
        }
        hash.update(&buffer[..got]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a file holds what a content does.
pub(in crate::image) fn holds(path: &Path, contents: &Bytes, digest: &Digest) -> bool {
    let mut want = contents.open(digest).expect("there is one");
    let Ok(mut file) = fs::File::open(path) else { return false };
    let [mut a, mut b] = [vec![0; 1 << 20], vec![0; 1 << 20]];
    let full = |file: &mut dyn Read, buffer: &mut [u8]| {
        let mut at = 0;
        while at < buffer.len() {
            match file.read(&mut buffer[at..]).expect("it can be read") {
                0 => break,
                got => at += got,
            }
        }
        at
    };
    loop {
        let (left, right) = (full(&mut file, &mut a), full(&mut want, &mut b));
        if left != right || a[..left] != b[..right] {
            return false;
        }
        if left == 0 {
            return true;
        }
    }
}
