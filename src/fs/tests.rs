//! Tests of file operations.

use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::fault::{Failure, Plan, arm};
use super::*;

fn dir() -> (tempfile::TempDir, Dir) {
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let dir = Dir::open(temporary.path()).expect("it opens");
    (temporary, dir)
}

#[test]
fn errors_name_the_path_and_a_cure() {
    let (temporary, dir) = dir();
    let error = dir.file("nothing").expect_err("it is not there");
    assert_eq!(error.to_string(), format!("open `{}/nothing`", temporary.path().display()));
    assert!(error.is_missing());
    let armed = arm(Plan { nth: 1, failure: Failure::Errno(Errno::MFILE.raw_os_error()) });
    let error = dir.file("nothing").expect_err("injected");
    assert!(error.is(Errno::MFILE) && error.hint().expect("has a hint").contains("ulimit -n"));
    assert!(armed.fired().expect("it fired").starts_with("open "));
}

#[test]
fn replace_leaves_the_old_content_at_any_failure() {
    let (temporary, dir) = dir();
    let path = temporary.path().join("f");
    replace(&path, b"old").expect("written");
    for code in [Errno::IO, Errno::NOSPC, Errno::MFILE] {
        for nth in 1.. {
            replace(&path, b"old").expect("written");
            let armed = arm(Plan { nth, failure: Failure::Errno(code.raw_os_error()) });
            let result = replace(&path, b"new");
            let Some(fired) = armed.fired() else {
                assert!(result.is_ok() && nth > 1);
                break;
            };
            drop(armed);
            assert!(result.is_err_and(|error| error.is(code)), "{fired}");
            let content = read(&path).expect("readable");
            assert!(content == b"old" || (content == b"new" && fired.starts_with("sync")), "{fired}");
            assert_eq!(dir.list().expect("lists").len(), 1, "a temporary file stayed after: {fired}");
        }
    }
}

#[test]
fn interrupted_and_short_operations_are_finished() {
    let (temporary, _dir) = dir();
    let path = temporary.path().join("f");
    for failure in [Failure::Errno(Errno::INTR.raw_os_error()), Failure::ShortWrite] {
        for nth in 1.. {
            let armed = arm(Plan { nth, failure });
            replace(&path, b"0123456789").expect("goes on");
            if armed.fired().is_none() {
                assert!(nth > 1);
                break;
            }
            assert_eq!(read(&path).expect("readable"), b"0123456789");
        }
    }
}

#[test]
fn beneath_means_beneath() {
    let (temporary, outer) = dir();
    std::fs::create_dir_all(temporary.path().join("root/a/b")).expect("made");
    std::fs::write(temporary.path().join("secret"), "s").expect("made");
    std::fs::write(temporary.path().join("root/a/b/f"), "f").expect("made");
    let root = outer.dir("root").expect("opens");
    root.symlink("../secret", "out").expect("made");
    root.symlink("a", "in").expect("made");
    assert!(root.open_beneath("a/b/f", OFlags::RDONLY).is_ok());
    assert!(root.open_beneath("a/../a/b/f", OFlags::RDONLY).is_ok());
    for wrong in ["../secret", "/etc/passwd", "out", "in/b/f", "a/../../secret"] {
        assert!(root.open_beneath(wrong, OFlags::RDONLY).is_err(), "{wrong}");
    }
    assert!(root.file("out").is_err());
}

#[test]
fn trees_are_listed_in_order_and_removed_without_following() {
    let (temporary, dir) = dir();
    std::fs::create_dir_all(temporary.path().join("t/b/c")).expect("made");
    std::fs::create_dir_all(temporary.path().join("kept")).expect("made");
    std::fs::write(temporary.path().join("kept/f"), "").expect("made");
    for name in ["t/z", "t/a", "t/b/c/x"] {
        std::fs::write(temporary.path().join(name), "").expect("made");
    }
    dir.symlink("../kept", "t/link").expect("made");
    dir.set_mode("t/b/c", 0).expect("set");
    if rustix::process::geteuid().is_root() {
        let mut paths = Vec::new();
        walk::<Error>(&dir.dir("t").expect("opens"), &mut |walked| {
            paths.push(walked.path.display().to_string());
            Ok(())
        })
        .expect("walks");
        assert_eq!(paths, ["a", "b", "b/c", "b/c/x", "link", "z"]);
    }
    assert!(dir.remove_tree("t").expect("removed"));
    assert!(!dir.remove_tree("t").expect("nothing left"));
    assert!(exists(&temporary.path().join("kept/f")).expect("told"));
}

#[test]
fn locks_exclude_and_end_with_their_holder() {
    let (_temporary, dir) = dir();
    let first = Lock::open(&dir, "l").expect("opens");
    let second = Lock::open(&dir, "l").expect("opens");
    first.shared().expect("locks");
    assert!(second.try_shared().expect("asks"));
    assert!(!second.try_exclusive().expect("asks"));
    drop(first);
    assert!(second.try_exclusive().expect("asks"));
    assert!(second.is_current(&dir, "l").expect("asks"));
    dir.remove("l").expect("removed");
    assert!(!second.is_current(&dir, "l").expect("asks"));
}

#[test]
fn numbers_are_locked_one_by_one() {
    let (_temporary, dir) = dir();
    let take = |number| NumberLock::try_take(&dir, "l", number).expect("asks");
    let (first, largest) = (take(1).expect("free"), take(u64::MAX).expect("free"));
    assert!(take(1).is_none() && take(u64::MAX).is_none());
    assert!(take(2).is_some() && take(0).is_some());
    // A child that has the file open, too, does not prolong it.
    let copy = first.try_clone();
    drop(first);
    assert!(take(1).is_some());
    drop((copy, largest));
    let held = std::sync::Mutex::new(take(7));
    let waited = crate::fs::parallel(2, |index| match index {
        0 => {
            std::thread::sleep(std::time::Duration::from_millis(50));
            held.lock().expect("not poisoned").take().is_some()
        }
        _ => {
            drop(NumberLock::take(&dir, "l", 7).expect("waits"));
            held.lock().expect("not poisoned").is_none()
        }
    });
    assert_eq!(waited, [true, true]);
}

#[test]
fn unnamed_files_appear_whole() {
    let (_temporary, dir) = dir();
    let Some(file) = dir.unnamed(0o644).expect("made") else { return };
    write_all(&file, b"x", Path::new("unnamed")).expect("written");
    assert!(dir.list().expect("lists").is_empty());
    assert!(dir.link_file(&file, "named").expect("linked"));
    assert!(!dir.link_file(&file, "named").expect("told that it exists"));
    assert_eq!(dir.read("named").expect("read"), Some(b"x".to_vec()));
}
