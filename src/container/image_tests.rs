//! What the tests of images have in common: a folder with odd things in it, the tools that make images of it, and what has
//! to hold of every image.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use super::{Data, Entry, Kind, Listing, Spool, What, detect};
use crate::diff::{Comparison, Difference, Fact, Options};
use crate::fs::{Content, Dir};
use crate::sandbox::tests::host::{is_root, skipped};

/// A place for images, and the folder that they are made of.
pub(super) struct Bench {
    pub place: tempfile::TempDir,
    scratch: Dir,
}

/// Runs a tool, which may lie where only root looks; none, aloud, if it is not installed.
pub(super) fn tool(name: &str, args: &[&str]) -> Option<()> {
    let path = "/usr/sbin:/sbin:/usr/bin:/bin";
    let found = path.split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    let Some(found) = found else {
        skipped("an image made by its own tool", &format!("{name} is not installed"));
        return None;
    };
    let output = Command::new(found).args(args).env("PATH", path).env("LC_ALL", "C.UTF-8").output();
    let output = output.expect("it starts");
    assert!(output.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

impl Bench {
    pub fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary folder can be made");
        let scratch = Dir::open(place.path()).expect("it opens");
        Self { place, scratch }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("temporary folders have plain names").to_owned()
    }

    pub fn spool(&self) -> Spool<'_> {
        Spool::new(&self.scratch, 1 << 32, None)
    }

    /// Makes the folder.
    pub fn tree(&self) -> String {
        let root = self.path("tree");
        let file = |name: &str, bytes: &[u8]| fs::write(root.join(name), bytes).expect("it can be written");
        fs::create_dir_all(root.join("deep/a/b/c/d/e/f/g/h/i")).expect("a new folder");
        fs::create_dir(root.join("many")).expect("a new folder");
        fs::create_dir(root.join("locked")).expect("a new folder");
        file("empty", b"");
        file("hello", b"hello\n");
        file("noise", &noise(300_000));
        file("text", "the same again and again\n".repeat(20_000).as_bytes());
        file("deep/a/b/c/d/e/f/g/h/i/file", b"deep\n");
        let sparse = fs::File::create(root.join("sparse")).expect("a new file");
        sparse.set_len(2_000_000).expect("holes cost nothing");
        for at in [1_000_000, 1_999_994] {
            std::os::unix::fs::FileExt::write_at(&sparse, b"middle", at).expect("it can be written");
        }
        let holes = fs::File::create(root.join("holes")).expect("a new file");
        for index in 0..20 {
            std::os::unix::fs::FileExt::write_at(&holes, &noise(4096), index * 8192).expect("it can be written");
        }
        for index in 0..300 {
            file(&format!("many/a-name-that-is-not-short-{index}"), index.to_string().as_bytes());
        }
        fs::hard_link(root.join("hello"), root.join("deep/other")).expect("a second name");
        symlink("hello", root.join("short")).expect("a link");
        symlink("long/".repeat(40), root.join("long")).expect("a link");
        fs::set_permissions(root.join("hello"), fs::Permissions::from_mode(0o4751)).expect("it is ours");
        fs::set_permissions(root.join("locked"), fs::Permissions::from_mode(0o1700)).expect("it is ours");
        let path = root.join("fifo");
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o640), 0).expect("anybody may");
        if is_root() {
            let node = |name: &str, kind, device| {
                rustix::fs::mknodat(CWD, root.join(name), kind, Mode::from_raw_mode(0o600), device).expect("root may");
            };
            node("character", FileType::CharacterDevice, rustix::fs::makedev(5, 1));
            node("block", FileType::BlockDevice, rustix::fs::makedev(8, 300));
            std::os::unix::fs::chown(root.join("text"), Some(70_000), Some(1_234)).expect("root may");
        }
        // Some file systems have none.
        let _ = rustix::fs::setxattr(root.join("hello"), "user.note", b"a value", XattrFlags::empty());
        let _ = rustix::fs::setxattr(root.join("many"), "user.large", &[b'x'; 400], XattrFlags::empty());
        for (name, seconds, nanos) in [("hello", 1_000_000_000, 500_000_000), ("many", 86_400, 0)] {
            let times = rustix::fs::Timestamps {
                last_access: rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanos },
                last_modification: rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanos },
            };
            rustix::fs::utimensat(CWD, root.join(name), &times, rustix::fs::AtFlags::empty()).expect("it is ours");
        }
        self.text("tree")
    }

    pub fn open(&self, image: &str) -> Content {
        Content::open(&self.path(image)).expect("it was made")
    }

    pub fn list(&self, image: &Content, kind: Kind) -> Listing {
        assert_eq!(detect(image).expect("it can be read"), Some(kind));
        kind.list(image, &self.spool()).expect("a tool made it")
    }

    /// Everything in the folder is in the listing as it is, and nothing else but what has brackets or is allowed.
    pub fn holds_the_tree(&self, listing: &Listing, attributes: Attributes, others: &[&str]) {
        let entries: BTreeMap<&str, &Entry> =
            listing.entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
        let root = self.path("tree");
        let mut expected = vec![root.clone()];
        let mut names = Vec::new();
        while let Some(path) = expected.pop() {
            let found = fs::symlink_metadata(&path).expect("it is there");
            if found.is_dir() {
                expected.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            }
            let name = path.strip_prefix(&root).expect("below").to_str().expect("plain names").to_owned();
            let name = if name.is_empty() { ".".to_owned() } else { name };
            let entry = entries.get(name.as_str()).unwrap_or_else(|| panic!("`{name}` is missing"));
            let first = match &entry.what {
                What::HardLink { target } => entries.get(target.as_str()).expect("the target is an entry"),
                _ => entry,
            };
            self.is_as(&path, &name, &first.what);
            let field = |name: &str| {
                let found = first.fields.iter().find(|field| field.name == name);
                found.map(|field| field.value.to_string())
            };
            if attributes != Attributes::None && !found.is_symlink() {
                assert_eq!(field("mode"), Some(format!("{:04o}", found.mode() & 0o7777)), "mode of `{name}`");
                assert_eq!(field("uid"), Some(found.uid().to_string()), "uid of `{name}`");
                assert_eq!(field("gid"), Some(found.gid().to_string()), "gid of `{name}`");
                let nanos = if attributes == Attributes::Nanoseconds { found.mtime_nsec() } else { 0 };
                let time = super::Value::Time(found.mtime(), u32::try_from(nanos).expect("below 10^9"));
                let shown = field("mtime").expect("all have a time");
                // mke2fs gives the root the time at which it ran.
                assert!(name == "." || shown.trim_end_matches(" +00:00") == time.to_string(), "mtime of `{name}`");
            }
            names.push(name);
        }
        for name in entries.keys().filter(|name| !name.starts_with('(')) {
            let last = name.rsplit('/').next().unwrap_or(name);
            let known = names.iter().any(|known| known == name) || others.contains(name) || matches!(last, "." | "..");
            assert!(known, "`{name}` is not in the folder");
        }
    }

    fn is_as(&self, path: &Path, name: &str, what: &What) {
        let found = fs::symlink_metadata(path).expect("it is there");
        match what {
            What::Directory => assert!(found.is_dir(), "`{name}`"),
            What::Symlink { target } => {
                assert_eq!(fs::read_link(path).ok().as_deref(), Some(Path::new(target)), "`{name}`");
            }
            What::Special { kind } => assert!(!found.is_file(), "`{name}` is a {kind}"),
            What::File(data) => {
                let bytes = match data {
                    Data::Plain(content) => content.clone(),
                    Data::Packed(packed) => packed.unpack(&self.spool()).expect("a tool packed it"),
                };
                let same = bytes.bytes().expect("it can be read") == fs::read(path).expect("it can be read");
                assert!(same, "`{name}` has other bytes");
            }
            What::HardLink { target } => panic!("`{name}` is a link to the link `{target}`"),
        }
    }

    pub fn compare(&self, left: &Content, right: &Content) -> Option<Difference> {
        let options = Options::default();
        Comparison::new(&options, &self.scratch, None).files("image", [left, right]).expect("it can be read")
    }

    /// A bit of an image that flips is in some field, in some file, or in what remains: comparing the whole images byte by
    /// byte, as is done where nothing else was found, is not needed. Only compressed bytes can differ and mean the same:
    /// an image that has some is not `plain`.
    pub fn shows_all_flips(&self, image: &Content, flips: usize, plain: bool) {
        let bytes = image.bytes().expect("it is small");
        let set: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        let places = (0..flips).map(|index| index * bytes.len() / flips);
        let places = places.chain((0..flips).map(|index| set[index * set.len() / flips]));
        for (index, at) in places.enumerate() {
            let mut other = bytes.clone();
            other[at] ^= 1 << (index % 8);
            let found = self.compare(image, &Content::of_bytes(other));
            let found = found.unwrap_or_else(|| panic!("a flip at {at:#x} is not found"));
            let read = !found.facts.iter().any(|fact| matches!(fact, Fact::Unreadable { .. } | Fact::Kind { .. }));
            let whole = found.facts.iter().any(|fact| matches!(fact, Fact::Bytes { .. }));
            assert!(!(plain && read && whole), "a flip of bit {} at {at:#x} is in no listing", index % 8);
        }
    }

    /// An image that ends early is read as far as it goes, or refused.
    pub fn survives_cuts(&self, image: &Content, cuts: u64) {
        for index in 0..cuts {
            let part = image.part(0, index * image.size() / cuts).expect("it is shorter");
            assert!(self.compare(image, &part).is_some());
            if let Ok(Some(kind)) = detect(&part) {
                let _ = kind.list(&part, &self.spool());
            }
        }
    }
}

/// Which attributes an image has of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attributes {
    None,
    Seconds,
    Nanoseconds,
}

/// Bytes that no compressor makes smaller, always the same.
pub(super) fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// The value of a field of an entry.
pub(super) fn field(listing: &Listing, name: &str, field: &str) -> Option<String> {
    let entry = listing.entries.iter().find(|entry| entry.name == name)?;
    entry.fields.iter().find(|found| found.name == field).map(|found| found.value.to_string())
}
