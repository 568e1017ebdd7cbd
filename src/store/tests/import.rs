//! Importing folders that stages have left.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{import, show, store, write};
use crate::store::error::LISTED;
use crate::store::{Error, ImportRules, Store};

fn refused(store: &Store, path: &Path) -> Vec<String> {
    match import(store, path) {
        Err(Error::Refused { offences, .. }) => {
            offences.into_iter().map(|offence| format!("{} {}", offence.path, offence.reason)).collect()
        }
        other => panic!("{other:?} is not a refusal"),
    }
}

#[test]
fn modes_and_times_are_normalised() {
    let (temporary, store) = store();
    let tree = temporary.path().join("tree");
    write(&tree, "plain", b"p", 0o666);
    write(&tree, "read-only", b"r", 0o400);
    write(&tree, "group-executable", b"g", 0o654);
    write(&tree, "bin/tool", b"t", 0o700);
    std::fs::hard_link(tree.join("plain"), tree.join("bin/plain")).expect("linked");
    symlink("/etc/passwd", tree.join("absolute")).expect("made");
    symlink("nowhere", tree.join("dangling")).expect("made");
    std::fs::create_dir(tree.join("empty")).expect("made");
    std::fs::set_permissions(tree.join("empty"), PermissionsExt::from_mode(0o1777)).expect("set");
    let sparse = std::fs::File::create(tree.join("sparse")).expect("made");
    sparse.set_len(900 << 10).expect("set");
    let digest = import(&store, &tree).expect("imported");
    let sparse = store.put_bytes(&vec![0; 900 << 10]).expect("there");
    assert_eq!(store.directory(digest).expect("read").files[3].content(), Ok(sparse));
    std::fs::remove_file(tree.join("sparse")).expect("removed");
    let digest = import(&store, &tree).expect("imported");
    assert_eq!(
        show(&store.checkout(digest).expect("laid out").path),
        [
            "0777 absolute -> /etc/passwd",
            "0755 bin/",
            "0644 bin/plain \"p\"",
            "0755 bin/tool \"t\"",
            "0777 dangling -> nowhere",
            "0755 empty/",
            "0644 group-executable \"g\"",
            "0644 plain \"p\"",
            "0644 read-only \"r\"",
        ]
    );
}

#[test]
fn all_that_is_refused_is_listed() {
    let (temporary, store) = store();
    let tree = temporary.path().join("tree");
    write(&tree, "good", b"", 0o644);
    write(&tree, "a/setuid", b"", 0o4755);
    write(&tree, "a/setgid", b"", 0o2755);
    mknodat(CWD, tree.join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("made");
    let _socket = std::os::unix::net::UnixListener::bind(tree.join("socket")).expect("made");
    std::fs::write(tree.join(std::ffi::OsStr::from_bytes(b"bad\xff")), "").expect("made");
    symlink(std::ffi::OsStr::from_bytes(b"\xff"), tree.join("link")).expect("made");
    let mut expected = vec![
        "a/setgid has mode 2755: setuid and setgid files are refused",
        "a/setuid has mode 4755: setuid and setgid files are refused",
        "bad\u{fffd} has a name that is not UTF-8",
        "fifo is a named pipe",
        "link is a symbolic link whose target is not UTF-8",
        "socket is a socket",
    ];
    let device = mknodat(CWD, tree.join("device"), FileType::CharacterDevice, Mode::from_raw_mode(0o600), 0x103);
    match device {
        Ok(()) => expected.insert(3, "device is a character device"),
        Err(errno) => eprintln!("skipped: devices, for mknod fails: {errno}"),
    }
    assert_eq!(refused(&store, &tree), expected);
}

#[test]
fn attributes_are_refused_but_for_bookkeeping() {
    let (temporary, store) = store();
    let tree = temporary.path().join("tree");
    write(&tree, "plain", b"", 0o644);
    write(&tree, "marked", b"", 0o644);
    let set =
        |path: &str, name: &str| rustix::fs::setxattr(tree.join(path), name, b"v", rustix::fs::XattrFlags::empty());
    if let Err(errno) = set("plain", "user.overlay.origin") {
        eprintln!("skipped: no extended attributes here: {errno}");
        return;
    }
    import(&store, &tree).expect("overlayfs' own attributes say nothing");
    set("marked", "user.mark").expect("set");
    assert_eq!(refused(&store, &tree), ["marked has the extended attribute user.mark"]);
}

#[test]
fn long_lists_are_cut_and_counted() {
    let (temporary, store) = store();
    let tree = temporary.path().join("tree");
    for index in 0..50 {
        write(&tree, &format!("{index:02}"), b"", 0o4755);
    }
    let error = import(&store, &tree).expect_err("refused");
    let Error::Refused { count, offences, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*count, offences.len()), (50, LISTED));
    assert!(offences[0].path == "00" && error.to_string().ends_with("and 30 more"), "{error}");
}

#[test]
fn limits_hold() {
    let (temporary, store) = store();
    let tree = temporary.path().join("tree");
    write(&tree, "a/b/c/file", &[1; 1000], 0o644);
    write(&tree, "a/a-long-name", &[2; 1000], 0o644);
    let dir = std::fs::File::open(&tree).expect("opens");
    let exact = ImportRules { bytes: 2000, entries: 5, depth: 3, name: 11 };
    store.import(dir.as_fd(), &tree, &exact).expect("within the limits");
    for (rules, what) in [
        (ImportRules { bytes: 1999, ..exact.clone() }, "bytes"),
        (ImportRules { entries: 4, ..exact.clone() }, "entries"),
        (ImportRules { depth: 2, ..exact.clone() }, "levels of directories"),
        (ImportRules { name: 10, ..exact }, "bytes of a name"),
    ] {
        match store.import(dir.as_fd(), &tree, &rules) {
            Err(Error::Limit { what: passed, .. }) => assert_eq!(passed, what),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn a_file_that_changes_is_noticed() {
    let (temporary, store) = store();
    let tree = temporary.path().join("tree");
    write(&tree, "busy", &vec![0; 64 << 20], 0o644);
    let path = tree.join("busy");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::os::unix::fs::FileExt;
            let file = std::fs::OpenOptions::new().write(true).open(&path).expect("opens");
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_at(b"x", 5).expect("written");
            }
        });
        let result = import(&store, &tree);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(result, Err(Error::Changed { .. })), "{result:?}");
    });
}

#[test]
fn deep_and_wide_trees() {
    let (temporary, store) = store();
    let tree = temporary.path().join("tree");
    let deep = "d/".repeat(150);
    write(&tree, &format!("{deep}file"), b"deep", 0o644);
    for index in 0..1000 {
        write(&tree, &format!("wide/{index}"), format!("{}", index % 100).as_bytes(), 0o644);
    }
    let digest = import(&store, &tree).expect("imported");
    assert_eq!(import(&store, &tree).expect("imported"), digest);
    let checkout = store.checkout(digest).expect("laid out");
    assert_eq!(import(&store, &checkout.path).expect("imported"), digest);
    // Too deep is an error, and the next import is not disturbed.
    write(&tree, &format!("{}file", "e/".repeat(250)), b"deep", 0o644);
    assert!(matches!(import(&store, &tree), Err(Error::Limit { .. })));
}

#[test]
fn unreadable_directories_and_files_are_made_readable() {
    let (temporary, store) = store();
    let tree = temporary.path().join("tree");
    write(&tree, "locked/file", b"f", 0o111);
    std::fs::set_permissions(tree.join("locked"), PermissionsExt::from_mode(0o0)).expect("set");
    if rustix::process::geteuid().is_root() {
        eprintln!("note: root reads everything, so only the result is seen here");
    }
    let digest = import(&store, &tree).expect("imported");
    assert_eq!(show(&store.checkout(digest).expect("laid out").path), ["0755 locked/", "0755 locked/file \"f\""]);
}
