//! Each operation of the store fails once, and once the process dies there.

use std::path::Path;

use rustix::io::Errno;
use tempfile::TempDir;

use super::child::{start, work};
use super::{show, write};
use crate::digest::Digest;
use crate::fs::fault::{Failure, Plan, arm};
use crate::store::{Error, Store};

/// Memory where there is some: nothing here needs a disk, and each point makes a new store.
fn base() -> TempDir {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let base = base.expect("a temporary directory");
    write(base.path(), "tree/bin/tool", b"tool", 0o755);
    write(base.path(), "tree/text", b"text", 0o644);
    write(base.path(), "tree/large", &vec![9; 100 << 10], 0o644);
    base
}

fn reset(base: &Path) {
    let store = base.join("store");
    if store.exists() {
        std::fs::remove_dir_all(store).expect("removed");
    }
}

/// The store is whole, and nothing was left behind.
fn inspect(base: &Path, tree: Digest, after: &str) {
    let store = Store::open(&base.join("store")).expect("opens");
    let report = store.fsck(&|_| ()).expect("checks");
    assert!(report.is_clean(), "after {after}: {report:#?}");
    assert_eq!(store.refs().expect("listed").get("kept/work"), Some(&tree), "after {after}");
    assert!(store.action(Digest::of(b"work")).expect("asks").is_some(), "after {after}");
    assert_eq!(show(&store.checkout(tree).expect("there").path).len(), 10, "after {after}");
    for folder in ["damaged", "tmp"] {
        let left: Vec<_> = std::fs::read_dir(base.join("store").join(folder)).expect("listed").collect();
        assert!(left.is_empty(), "after {after} there is {left:?}");
    }
}

fn errno(error: &Error) -> Option<i32> {
    match error {
        Error::Fs(error) => error.errno().map(Errno::raw_os_error),
        _ => None,
    }
}

/// What may fail unnoticed: what is removed when a value is dropped (swept later), the reserve on a full disk, and two
/// questions to the kernel whose missing answer makes the store more careful.
fn may_be_silent(fired: &str) -> bool {
    fired.starts_with("remove ")
        || fired.starts_with("sync the file system of ")
        || fired.contains("/store/tmp/") && (fired.starts_with("open ") || fired.starts_with("list "))
        || fired.ends_with("/store/reserve")
        || fired.contains(" /proc/")
        || fired.starts_with("lock ")
}

fn fail_everywhere(code: Errno) {
    let base = base();
    let base = base.path();
    let tree = work(base).expect("works");
    let failure = Failure::Errno(code.raw_os_error());
    for nth in 1.. {
        reset(base);
        let armed = arm(Plan { nth, failure });
        let result = work(base);
        let fired = armed.fired();
        drop(armed);
        let Some(fired) = fired else {
            assert!(nth > 20 && result.is_ok(), "{nth} {result:?}");
            return;
        };
        match &result {
            Err(error) => assert_eq!(errno(error), Some(code.raw_os_error()), "at {fired}: {error:?}"),
            Ok(done) => assert!(*done == tree && may_be_silent(&fired), "silent at {nth}: {fired}"),
        }
        assert_eq!(work(base).unwrap_or_else(|error| panic!("again after {fired}: {error:?}")), tree);
        inspect(base, tree, &fired);
    }
}

#[test]
fn a_disk_error_at_every_operation() {
    fail_everywhere(Errno::IO);
}

#[test]
fn a_full_disk_at_every_operation() {
    fail_everywhere(Errno::NOSPC);
}

#[test]
fn no_descriptors_at_every_operation() {
    fail_everywhere(Errno::MFILE);
}

#[test]
fn interrupted_and_short_operations_change_nothing() {
    let base = base();
    let base = base.path();
    let tree = work(base).expect("works");
    for failure in [Failure::Errno(Errno::INTR.raw_os_error()), Failure::ShortWrite] {
        for nth in 1.. {
            reset(base);
            let armed = arm(Plan { nth, failure });
            assert_eq!(work(base).expect("goes on"), tree);
            let Some(fired) = armed.fired() else { break };
            drop(armed);
            inspect(base, tree, &fired);
        }
    }
}

#[test]
fn killed_at_every_operation() {
    let base = base();
    let base = base.path();
    let tree = work(base).expect("works");
    reset(base);
    let mut killed = 0;
    // Two at a time would halve the wait, but meet in one store.
    for nth in 1.. {
        reset(base);
        let status = start(base, &format!("work {nth}")).wait().expect("waited");
        if status.success() {
            break;
        }
        killed += 1;
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "at {nth}: {status}");
        let after = format!("kill at {nth}");
        assert_eq!(work(base).unwrap_or_else(|error| panic!("after {after}: {error:?}")), tree);
        inspect(base, tree, &after);
    }
    assert!(killed > 50, "only {killed} points");
}

#[test]
fn a_full_file_system() {
    let base = base();
    let tree = work(base.path()).expect("works");
    let full = base.path().join("full");
    std::fs::create_dir(&full).expect("made");
    // In a thread with mounts of its own, which go with it: other tests look at what is mounted.
    let thread = std::thread::scope(|scope| {
        let run = || match mount_small(&full) {
            Ok(()) => fill_up(base.path(), &full, tree),
            Err(errno) => eprintln!("skipped: a small file system cannot be mounted: {errno}"),
        };
        scope.spawn(run).join()
    });
    if let Err(panic) = thread {
        std::panic::resume_unwind(panic);
    }
}

/// Mounts a small file system that only the calling thread sees, and what it starts.
fn mount_small(at: &Path) -> rustix::io::Result<()> {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    crate::sys::process::unshare(libc::CLONE_NEWNS as u64)?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    mount("full", at, "tmpfs", MountFlags::empty(), Some(c"size=2m,nr_inodes=2000"))
}

fn fill_up(base: &Path, full: &Path, tree: Digest) {
    std::os::unix::fs::symlink(base.join("tree"), full.join("tree")).expect("made");
    let fill = full.join("fill");
    // From nothing free to more than the work needs.
    for free in (0..24).map(|step| step * (32 << 10)) {
        reset(full);
        let _ = std::fs::remove_file(&fill);
        std::fs::write(&fill, vec![0; (2 << 20) - free]).expect("fits");
        match work(full) {
            Ok(done) => assert_eq!(done, tree),
            Err(error) => {
                assert_eq!(errno(&error), Some(Errno::NOSPC.raw_os_error()), "{free} free: {error:?}");
                let hint = error.hint().expect("has a hint");
                assert!(hint.contains("gc"), "{hint}");
            }
        }
        std::fs::remove_file(&fill).expect("removed");
        assert_eq!(work(full).expect("works when there is room"), tree);
        inspect(full, tree, &format!("{free} bytes free"));
    }
    // A store that fills its disk to the last byte can still be collected.
    let store = Store::open(&full.join("store")).expect("opens");
    store.put_bytes(&vec![5; 500 << 10]).expect("stored");
    drop(store);
    let mut rest = std::fs::File::create(&fill).expect("made");
    while std::io::Write::write(&mut rest, &[0; 4096]).is_ok() {}
    let store = Store::open(&full.join("store")).expect("opens on a full disk");
    let report = store.gc(&crate::store::GcOptions::default()).expect("collects on a full disk");
    assert!(report.objects.removed_bytes >= 500 << 10, "{report:?}");
}
