//! Many processes, many threads, one store.

use std::time::{Duration, Instant};

use super::child::start;
use super::{import, result, store, write};
use crate::digest::Digest;
use crate::digest::reapi::{ActionResult, ExecutedActionMetadata};
use crate::store::{Error, GcOptions, Store, TreeBuilder};

#[test]
fn sixteen_processes_execute_an_action_once() {
    let (temporary, store) = store();
    write(temporary.path(), "tree/file", b"x", 0o644);
    drop(store);
    let children: Vec<_> = (0..16).map(|number| start(temporary.path(), &format!("build {number}"))).collect();
    for mut child in children {
        assert!(child.wait().expect("waited").success());
    }
    let executions = std::fs::read_to_string(temporary.path().join("executions")).expect("read");
    assert_eq!(executions.lines().count(), 1, "{executions}");
    for number in 0..16 {
        assert!(temporary.path().join(format!("done-{number}")).exists());
    }
    let store = Store::open(&temporary.path().join("store")).expect("opens");
    assert!(store.fsck(&|_| ()).expect("checks").is_clean());
}

#[test]
fn sixteen_threads_execute_an_action_once() {
    let (_temporary, store) = store();
    let executions = std::sync::atomic::AtomicU64::new(0);
    let key = Digest::of(b"action");
    let results = crate::fs::parallel(16, |_| {
        let _lock = store.lock_action(key).expect("locked");
        if let Some(found) = store.action(key).expect("asks") {
            return found;
        }
        executions.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut builder = TreeBuilder::new(&store);
        builder.file("f", 0o644, &mut &b"f"[..]).expect("built");
        let result = result(builder.finish().expect("finished"));
        store.put_action(key, &result).expect("recorded");
        result
    });
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(executions.into_inner(), 1);
}

#[test]
fn locks_end_with_a_killed_holder() {
    let (temporary, store) = store();
    let mut holder = start(temporary.path(), "hold");
    let start = Instant::now();
    while !temporary.path().join("holding").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the holder does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    let key = Digest::of(b"held");
    assert!(store.try_lock_action(key).expect("asks").is_none());
    assert!(matches!(store.gc(&GcOptions::default()), Err(Error::InUse { .. })));
    let killed = std::sync::Mutex::new(None);
    let waits = crate::fs::parallel(16, |index| {
        if index == 0 {
            std::thread::sleep(Duration::from_millis(100));
            *killed.lock().expect("not poisoned") = Some(Instant::now());
            rustix::process::kill_process(rustix::process::Pid::from_child(&holder), rustix::process::Signal::KILL)
                .expect("killed");
            return None;
        }
        drop(store.lock_action(key).expect("locked"));
        killed.lock().expect("not poisoned").map(|then| then.elapsed())
    });
    holder.wait().expect("waited");
    for wait in &waits[1..] {
        assert!(wait.expect("not before the holder died") < Duration::from_secs(1), "{waits:?}");
    }
    drop(store);
    let store = Store::open(&temporary.path().join("store")).expect("opens");
    assert_eq!(std::fs::read_dir(store.root().join("tmp")).expect("listed").count(), 0);
}

#[test]
fn gc_keeps_what_is_referenced_or_recent() {
    let (temporary, store) = store();
    let blob = |name: &str| store.put_bytes(name.as_bytes()).expect("stored");
    let tree = |name: &str| {
        let mut builder = TreeBuilder::new(&store);
        builder.file(&format!("d/{name}"), 0o755, &mut name.as_bytes()).expect("built");
        builder.finish().expect("finished")
    };
    let (kept, lost, recent, by_key, asked) = (tree("kept"), tree("lost"), tree("recent"), tree("key"), tree("asked"));
    store.set_ref("kept", kept).expect("set");
    let key = Digest::of(b"referenced action");
    store.put_action(key, &result(by_key)).expect("recorded");
    store.set_ref("by/key", key).expect("set");
    // The same result, with what was learnt of it later.
    let trace = blob("what it did");
    let with_trace = Some(ExecutedActionMetadata::with_trace(trace));
    store.put_action(key, &ActionResult { execution_metadata: with_trace, ..result(by_key) }).expect("replaced");
    store.put_action(Digest::of(b"old"), &result(lost)).expect("recorded");
    std::thread::sleep(Duration::from_millis(20));
    store.put_action(Digest::of(b"new"), &result(recent)).expect("recorded");
    let garbage = blob("garbage");
    for tree in [kept, lost] {
        store.checkout(tree).expect("laid out");
    }
    let options = GcOptions { keep_recent: 1, keep: vec![asked], ..GcOptions::default() };
    let planned = store.gc(&GcOptions { dry_run: true, ..options.clone() }).expect("told");
    assert!(store.contains(garbage));
    let scratch = store.scratch("busy").expect("made");
    assert!(matches!(store.gc(&options), Err(Error::InUse { .. })));
    drop(scratch);
    let other = Store::open(&temporary.path().join("store")).expect("opens");
    assert!(matches!(store.gc(&options), Err(Error::InUse { .. })));
    drop(other);
    let report = store.gc(&options).expect("collected");
    assert_eq!(report, planned);
    assert_eq!((report.actions.removed, report.actions.kept), (1, 2));
    assert_eq!((report.checkouts.removed, report.checkouts.kept), (1, 1));
    // Each tree has a file and two directories.
    assert_eq!((report.objects.removed, report.objects.kept), (4, 13));
    assert!(!store.contains(garbage) && !store.contains(lost));
    for tree in [kept, recent, by_key, asked] {
        store.checkout(tree).expect("whole");
    }
    let kept = store.action(key).expect("asks").expect("it is whole");
    assert_eq!((kept.trace(), store.contains(trace)), (Ok(Some(trace)), true));
    assert!(store.action(Digest::of(b"new")).expect("asks").is_some());
    assert!(store.action(Digest::of(b"old")).expect("asks").is_none());
    let usage = store.usage().expect("measured");
    assert_eq!((usage.objects.entries, usage.executables.entries, usage.actions.entries), (9, 4, 2));
    assert!(usage.total() > usage.reserve.bytes && usage.reserve.bytes >= 64 << 10);
    assert!(store.fsck(&|_| ()).expect("checks").is_clean());
}

#[test]
fn builders_and_gc_take_turns() {
    let (temporary, store) = store();
    drop(store);
    let root = temporary.path().join("store");
    for index in 0..8 {
        write(temporary.path(), &format!("in/{index}/file"), format!("{index}").as_bytes(), 0o644);
    }
    let end = Instant::now() + Duration::from_secs(3);
    let counts = crate::fs::parallel(9, |index| {
        let mut rounds = 0_u64;
        while Instant::now() < end {
            let store = Store::open(&root).expect("opens");
            if index == 0 {
                match store.gc(&GcOptions { wait: true, ..GcOptions::default() }) {
                    Ok(_) => rounds += 1,
                    Err(error) => panic!("{error}"),
                }
                continue;
            }
            let tree = import(&store, &temporary.path().join(format!("in/{}", index - 1))).expect("imported");
            let key = Digest::of(&[index as u8]);
            store.put_action(key, &result(tree)).expect("recorded");
            let checkout = store.checkout(tree).expect("laid out");
            assert_eq!(std::fs::read(checkout.path.join("file")).expect("read"), format!("{}", index - 1).into_bytes());
            if index % 2 == 0 {
                store.set_ref(&format!("live/{index}"), key).expect("set");
            }
            rounds += 1;
        }
        rounds
    });
    assert!(counts.iter().all(|&count| count > 0), "someone never got a turn: {counts:?}");
    let store = Store::open(&root).expect("opens");
    store.gc(&GcOptions::default()).expect("collects");
    assert!(store.fsck(&|_| ()).expect("checks").is_clean());
    for (_, key) in store.refs().expect("listed") {
        assert!(store.action(key).expect("asks").is_some(), "what is live stays");
    }
}
