//! What an inode is besides its bytes: extended attributes, lists of access, capabilities, devices, links, owners.

use std::fs;
use std::os::unix::fs::{FileExt as _, chown, lchown};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, XattrFlags, makedev, mknodat, setxattr};

use super::folders::folders;
use crate::diff::Options;
use crate::sandbox::tests::host::{is_root, skipped};

/// `cap_net_bind_service=ep`, and with what would be inherited.
const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// `user::rw-,user:1000:r--,group::r--,mask::r--,other::r--`, whose permission bits are 0644.
const LIST: [u8; 44] = [
    2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe8, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0,
    255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
];

fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    match setxattr(path, name, value, XattrFlags::empty()) {
        Ok(()) => true,
        Err(errno) => {
            skipped("extended attributes of files", &format!("`{name}` cannot be set here: {errno}"));
            false
        }
    }
}

fn pair() -> [tempfile::TempDir; 2] {
    let pair = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    for folder in &pair {
        for name in ["a", "b", "c"] {
            fs::write(folder.path().join(name), name).expect("a file");
        }
        fs::create_dir(folder.path().join("d")).expect("a folder");
    }
    pair
}

#[test]
fn extended_attributes_are_compared() {
    let [left, right] = pair();
    let at = |name: &str| right.path().join(name);
    let mut told = Vec::new();
    if set(&at("a"), "user.note", b"one") && set(&at("d"), "user.note", b"\0\xff") {
        assert!(set(&left.path().join("a"), "user.note", b"two") && set(&left.path().join("a"), "user.empty", b""));
        told.extend([
            "a: xattr user.empty= user.note=one (metadata)",
            "a: xattr user.note=two none (metadata)",
            "d: xattr none user.note=0x00ff (metadata)",
        ]);
    }
    if set(&at("b"), "system.posix_acl_access", &LIST) {
        told.push(
            "b: xattr none system.posix_acl_access=user::rw-,user:1000:r--,group::r--,mask::r--,other::r-- (metadata)",
        );
    }
    if is_root() && set(&at("c"), "security.capability", &CAPABILITY) {
        told.push(
            "c: xattr none security.capability=effective permitted cap_net_bind_service inheritable none (metadata)",
        );
    }
    told.sort_unstable();
    assert_eq!(folders(left.path(), right.path(), &Options::default()), told);
    assert_eq!(folders(right.path(), right.path(), &Options::default()), [""; 0]);
}

#[test]
fn links_are_compared_and_holes_are_not() {
    let [left, right] = pair();
    fs::hard_link(left.path().join("a"), left.path().join("d/a")).expect("a link");
    fs::write(right.path().join("d/a"), "a").expect("a file");
    fs::hard_link(right.path().join("b"), right.path().join("d/b")).expect("a link");
    fs::hard_link(left.path().join("b"), left.path().join("d/b")).expect("a link");
    for (folder, sparse) in [(&left, true), (&right, false)] {
        let file = fs::File::create(folder.path().join("holes")).expect("a file");
        if sparse {
            file.set_len(100_000).expect("a hole");
        } else {
            file.write_all_at(&[0; 100_000], 0).expect("zeros");
        }
    }
    let found = folders(left.path(), right.path(), &Options::default());
    assert_eq!(found, ["d/a: hard link to a none (metadata)"]);
}

#[test]
fn special_files_and_owners_are_compared() {
    let [left, right] = pair();
    if !is_root() {
        return skipped("devices and owners", "only root makes and gives them");
    }
    for (folder, number) in [(&left, 3), (&right, 5)] {
        let mode = Mode::from_raw_mode(0o600);
        let device = |name: &str, kind, number| {
            mknodat(CWD, folder.path().join(name), kind, mode, makedev(1, number)).expect("root may");
        };
        device("device", FileType::CharacterDevice, number);
        device("same", FileType::CharacterDevice, 3);
        device("pipe", if number == 3 { FileType::Fifo } else { FileType::Socket }, 0);
    }
    chown(right.path().join("a"), Some(12), Some(13)).expect("root may");
    std::os::unix::fs::symlink("a", left.path().join("l")).expect("a link");
    std::os::unix::fs::symlink("a", right.path().join("l")).expect("a link");
    lchown(right.path().join("l"), None, Some(14)).expect("root may");
    let found = folders(left.path(), right.path(), &Options::default());
    let wanted = [
        "a: uid 0 12 (metadata)",
        "a: gid 0 13 (metadata)",
        "device: kind character device 1:3 character device 1:5",
        "l: gid 0 14 (metadata)",
        "pipe: kind fifo socket",
    ];
    assert_eq!(found, wanted);
}

#[test]
fn names_and_targets_that_are_no_text_are_told_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let [left, right] = pair();
    let link = |folder: &tempfile::TempDir, target: &[u8], name: &[u8]| {
        std::os::unix::fs::symlink(OsStr::from_bytes(target), folder.path().join(OsStr::from_bytes(name)))
            .expect("a link");
    };
    link(&left, b"x\xff", b"l");
    link(&right, b"x\xfe", b"l");
    link(&left, b"y", b"\xff");
    link(&right, b"y", b"\\xff");
    let found = folders(left.path(), right.path(), &Options::default());
    let wanted = ["\\xff: only Right", "l: target 78ff 78fe", "\\xff: only Left"];
    assert_eq!(found, wanted);
}

#[test]
fn folders_of_many_folders_take_few_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let pair = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    for folder in &pair {
        for index in 0..1500 {
            fs::create_dir(folder.path().join(index.to_string())).expect("a folder");
        }
    }
    // All threads of the tests share the limit: others have to live with the usual one.
    let before = getrlimit(Resource::Nofile);
    let mut usual = before;
    usual.current = before.current.map(|limit| limit.min(1024));
    setrlimit(Resource::Nofile, usual).expect("a lower limit can be set");
    let found = folders(pair[0].path(), pair[1].path(), &Options::default());
    setrlimit(Resource::Nofile, before).expect("it was so before");
    assert_eq!(found, [""; 0]);
}
