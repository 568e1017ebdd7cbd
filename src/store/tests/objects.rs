//! Blobs, results, references, locks, temporary folders, opening.

use super::{result, store, write};
use crate::digest::Digest;
use crate::digest::reapi::{ActionResult, Directory, ExecutedActionMetadata};
use crate::store::{Error, GcOptions, Store};

#[test]
fn what_is_put_can_be_had() {
    let (_temporary, store) = store();
    let digest = store.put_bytes(b"hello").expect("stored");
    assert_eq!(digest, Digest::of(b"hello"));
    assert!(store.contains(digest));
    assert_eq!(store.get_bytes(digest).expect("there"), b"hello");
    assert_eq!(std::io::read_to_string(store.open_blob(digest).expect("opens")).expect("reads"), "hello");
    assert!(store.blob_path(digest).expect("has a path").ends_with(format!(
        "objects/{}/{}",
        &digest.hex()[..2],
        &digest.hex()[2..]
    )));
    let large: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    let digest = store.put_reader(&mut &large[..]).expect("stored");
    assert_eq!(digest, Digest::of(&large));
    assert_eq!(store.get_bytes(digest).expect("there"), large);
    let missing = Digest::of(b"missing");
    assert!(!store.contains(missing));
    assert!(matches!(store.get_bytes(missing), Err(Error::Missing { digest }) if digest == missing));
    assert!(matches!(store.open_blob(missing), Err(Error::Missing { .. })));
}

#[test]
fn other_bytes_than_expected_are_refused() {
    let (_temporary, store) = store();
    let large = vec![7; 200 << 10];
    for (want, bytes) in
        [(Digest::of(b"abc"), &b"abd"[..]), (Digest::of(b"abc"), b"ab"), (Digest::of(&large), &large[1..])]
    {
        assert!(matches!(store.put_expecting(&mut &bytes[..], want), Err(Error::Mismatch { .. })));
        assert!(!store.contains(want) && !store.contains(Digest::of(bytes)));
    }
    // An endless reader is left after one byte too many.
    let want = Digest::of(&large);
    assert!(matches!(store.put_expecting(&mut std::io::repeat(7), want), Err(Error::Longer { .. })));
    store.put_expecting(&mut &large[..], want).expect("stored");
    assert!(store.contains(want));
    assert!(matches!(store.put_expecting(&mut std::io::repeat(7), want), Ok(())), "nothing is read when it is there");
}

#[test]
fn results_are_recorded_when_all_their_objects_are_there() {
    let (temporary, store) = store();
    let key = Digest::of(b"action");
    assert_eq!(store.action(key).expect("asks"), None);
    let tree = store.put_directory(&Directory::default()).expect("stored");
    let missing = Digest::of(b"missing tree");
    assert!(matches!(store.put_action(key, &result(missing)), Err(Error::Incomplete { .. })));
    store.put_action(key, &result(tree)).expect("recorded");
    drop(store);
    let store = Store::open(&temporary.path().join("store")).expect("opens");
    assert_eq!(store.action(key).expect("asks"), Some(result(tree)));
    assert_eq!(store.action(Digest { size: 7, ..key }).expect("asks"), None, "another size is another action");
    store.put_action(key, &result(tree)).expect("recorded again");
    std::fs::remove_file(store.blob_path(tree).expect("there")).expect("removed");
    drop(store);
    let store = Store::open(&temporary.path().join("store")).expect("opens");
    assert_eq!(store.action(key).expect("asks"), None, "an output is missing");
}

#[test]
fn a_lost_trace_is_no_lost_result() {
    let (_temporary, store) = store();
    let key = Digest::of(b"action");
    let plain = result(store.put_directory(&Directory::default()).expect("stored"));
    let with =
        |trace| ActionResult { execution_metadata: Some(ExecutedActionMetadata::with_trace(trace)), ..plain.clone() };
    let unstored = with(Digest::of(b"no trace"));
    assert!(matches!(store.put_action(key, &unstored), Err(Error::Incomplete { .. })), "nothing is recorded untrue");
    let trace = store.put_bytes(b"trace").expect("stored");
    let traced = with(trace);
    store.put_action_with_ref(key, &traced, "builds/one").expect("recorded");
    store.gc(&GcOptions::default()).expect("collects");
    assert_eq!(store.action(key).expect("asks"), Some(traced.clone()), "a trace lives as long as its result");
    std::fs::remove_file(store.blob_path(trace).expect("there")).expect("removed");
    assert_eq!(store.action(key).expect("asks"), Some(plain.clone()));
    assert!(store.fsck(&|_| ()).expect("checks").is_clean());
    store.gc(&GcOptions::default()).expect("collects");
    assert_eq!(store.action(key).expect("asks"), Some(plain));
    store.put_bytes(b"trace").expect("stored");
    store.put_action(key, &traced).expect("recorded again");
    assert_eq!(store.action(key).expect("asks"), Some(traced));
}

#[test]
fn a_reference_is_set_with_a_result_and_again_after_others() {
    let (temporary, store) = store();
    let tree = store.put_directory(&Directory::default()).expect("stored");
    let [one, two] = [Digest::of(b"one"), Digest::of(b"two")];
    let named = || store.refs().expect("listed").get("builds/x").copied();
    store.put_action_with_ref(one, &result(tree), "builds/x").expect("recorded");
    assert_eq!(named(), Some(one));
    store.put_action_with_ref(two, &result(tree), "builds/x").expect("recorded");
    store.set_ref("builds/x", two).expect("it is set");
    assert_eq!(named(), Some(two));
    store.set_ref("builds/x", one).expect("set to another");
    assert_eq!(named(), Some(one));
    store.put_action_with_ref(two, &result(tree), "builds/x").expect("recorded");
    assert!(store.remove_ref("builds/x").expect("removed"));
    store.set_ref("builds/x", two).expect("set again");
    assert_eq!(named(), Some(two));
    let wrong = store.put_action_with_ref(Digest::of(b"three"), &result(tree), "builds/x/y");
    assert!(wrong.is_err() && store.action(Digest::of(b"three")).expect("asks").is_none(), "neither without the other");
    drop(store);
    let store = Store::open(&temporary.path().join("store")).expect("opens");
    assert_eq!((store.refs().expect("listed").len(), store.action(one).expect("asks")), (1, Some(result(tree))));
}

#[test]
fn references_have_names_with_parts() {
    let (_temporary, store) = store();
    let digest = store.put_bytes(b"x").expect("stored");
    store.set_ref("a/b/c", digest).expect("set");
    store.set_ref("top", digest).expect("set");
    let refs = store.refs().expect("listed");
    assert_eq!(refs.keys().collect::<Vec<_>>(), ["a/b/c", "top"]);
    assert_eq!(refs["top"], digest);
    assert!(store.set_ref("a/b", digest).is_err(), "a folder has that name");
    for wrong in ["", "/a", "a/", "a//b", "../a", "a/..", ".hidden", "a/.b", "nul\0"] {
        assert!(matches!(store.set_ref(wrong, digest), Err(Error::RefName { .. })), "{wrong:?}");
    }
    assert!(matches!(store.set_ref("gone", Digest::of(b"gone")), Err(Error::Missing { .. })));
    assert!(store.remove_ref("a/b/c").expect("removed"));
    assert!(!store.remove_ref("a/b/c").expect("nothing there"));
    store.set_ref("a/b", digest).expect("the empty folders are gone");
}

#[test]
fn notes_are_remembered_until_they_are_damaged() {
    let (_temporary, store) = store();
    assert_eq!(store.note("time", "gcc").expect("asks"), None);
    store.put_note("time", "gcc", b"12").expect("kept");
    store.put_note("time", "gcc", b"13").expect("kept");
    assert_eq!(store.note("time", "gcc").expect("asks"), Some(b"13".to_vec()));
    write(store.root(), "notes/time/gcc", b"garbage", 0o644);
    assert_eq!(store.note("time", "gcc").expect("asks"), None);
}

#[test]
fn scratch_folders_go_with_their_owner() {
    let (temporary, store) = store();
    let scratch = store.scratch("my label/..").expect("made");
    write(scratch.path(), "deep/file", b"x", 0o644);
    let other = Store::open(store.root()).expect("opens");
    assert!(scratch.path().join("deep/file").exists(), "opening sweeps only what has no owner");
    let path = scratch.path().to_owned();
    drop(scratch);
    assert!(!path.exists());
    // As a process that was killed leaves it: a folder whose lock no one holds, and one without a lock.
    write(store.root(), "tmp/scratch-dead-1/file", b"x", 0o644);
    write(store.root(), "tmp/scratch-dead-1.lock", b"", 0o644);
    write(store.root(), "tmp/stray/file", b"x", 0o644);
    drop((store, other));
    let store = Store::open(&temporary.path().join("store")).expect("opens");
    assert_eq!(std::fs::read_dir(store.root().join("tmp")).expect("listed").count(), 0);
}

#[test]
fn an_action_is_locked_by_one() {
    let (_temporary, store) = store();
    let key = Digest::of(b"action");
    let lock = store.lock_action(key).expect("locked");
    assert!(store.try_lock_action(key).expect("asks").is_none());
    assert!(store.try_lock_action(Digest::of(b"other")).expect("asks").is_some());
    drop(lock);
    assert!(store.try_lock_action(key).expect("asks").is_some());
    assert_eq!(std::fs::read_dir(store.root().join("locks")).expect("listed").count(), 1, "all are in one file");
}

#[test]
fn other_versions_and_other_folders_are_refused() {
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let root = temporary.path().join("store");
    let digest = Store::open(&root).expect("opens").put_bytes(b"kept").expect("stored");
    for later in ["repro store 2\n", "repro store 2 with more\nlines\n"] {
        std::fs::write(root.join("format"), later).expect("written");
        assert!(matches!(Store::open(&root), Err(Error::Version { found: 2, expected: 1, .. })));
        assert_eq!(std::fs::read_to_string(root.join("format")).expect("read"), later);
    }
    // Garbage instead of a format: the rest tells that it is a store.
    for garbage in ["", "repro", "\0\0\0\0", "repro store x\n"] {
        std::fs::write(root.join("format"), garbage).expect("written");
        assert!(Store::open(&root).expect("opens").contains(digest));
        assert_eq!(std::fs::read_to_string(root.join("format")).expect("read"), "repro store 1\n");
    }
    for missing in
        ["format", "lock", "gate", "reserve", "refs", "actions", "notes", "checkouts", "locks", "tmp", "damaged"]
    {
        let path = root.join(missing);
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.expect("removed");
        assert!(Store::open(&root).expect("opens").contains(digest), "without {missing}");
    }
    for (name, entry) in [("home", "letters/a"), ("other", "tmp/a"), ("git", "objects/pack/x"), ("file", "format")] {
        let folder = temporary.path().join(name);
        write(&folder, entry, b"mine", 0o644);
        assert!(matches!(Store::open(&folder), Err(Error::Foreign { .. })), "{name}");
        assert_eq!(std::fs::read_dir(&folder).expect("listed").count(), 1, "nothing was added to {name}");
    }
    assert!(Store::open(&temporary.path().join("file/format")).is_err());
}
