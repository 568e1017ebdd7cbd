//! Flipped bits are found before they are used, and heal.

use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::{import, result, show, store, write};
use crate::digest::Digest;
use crate::store::{Error, GcOptions, Store, TreeBuilder};

fn objects(store: &Store) -> Vec<PathBuf> {
    let root = store.root().join("objects");
    let dir = crate::fs::Dir::open(&root).expect("opens");
    let mut files = Vec::new();
    crate::fs::walk::<crate::fs::Error>(&dir, &mut |walked| {
        if walked.entry.kind == crate::fs::Kind::File {
            files.push(root.join(walked.path));
        }
        Ok(())
    })
    .expect("walks");
    files
}

/// Flips one bit; `quiet` sets the time of change back, as a disk that rots would leave it.
fn flip(path: &Path, quiet: bool) {
    let meta = std::fs::metadata(path).expect("there");
    if meta.len() == 0 {
        return;
    }
    let file = std::fs::File::options().read(true).write(true).open(path).expect("opens");
    let at = meta.len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("read");
    file.write_all_at(&[byte[0] ^ 4], at).expect("written");
    if quiet {
        file.set_modified(meta.modified().expect("known")).expect("set");
        assert_eq!(std::fs::metadata(path).expect("there").mtime(), meta.mtime());
    }
}

/// A hundred objects in a tree; the tree's digest.
fn hundred(store: &Store, folder: &Path) -> Digest {
    for index in 0..100 {
        let mode = if index % 3 == 0 { 0o755 } else { 0o644 };
        write(folder, &format!("{}/{index}", index % 7), format!("content {index}").as_bytes(), mode);
    }
    import(store, folder).expect("imported")
}

#[test]
fn a_hundred_flipped_bits_are_never_served_and_heal() {
    for (quiet, laid_out) in [(false, false), (false, true), (true, false), (true, true)] {
        let (temporary, store) = store();
        let folder = temporary.path().join("folder");
        let tree = hundred(&store, &folder);
        let key = Digest::of(b"action");
        store.put_action(key, &result(tree)).expect("recorded");
        let good = laid_out.then(|| show(&store.checkout(tree).expect("laid out").path));
        let known: Vec<(Digest, Vec<u8>)> = (0..100)
            .map(|index| format!("content {index}").into_bytes())
            .map(|content| (Digest::of(&content), content))
            .collect();
        drop(store);
        let store = Store::open(&temporary.path().join("store")).expect("opens");
        objects(&store).iter().for_each(|path| flip(path, quiet));
        // As a blob, as an open file: never.
        for (digest, _) in &known[..30] {
            assert!(matches!(store.get_bytes(*digest), Err(Error::Damaged { .. })));
            assert!(matches!(store.get_bytes(*digest), Err(Error::Missing { .. })), "it is set aside");
        }
        for (digest, _) in &known[30..60] {
            let error = store.open_blob(*digest).expect_err("damaged");
            assert!(matches!(error, Error::Damaged { .. }) && error.to_string().contains(&digest.hex()));
            assert!(error.hint().expect("has a hint").contains("repro store fsck"));
        }
        // As the result of an action, as a part of a checkout: never.
        assert_eq!(store.action(key).expect("asks"), None);
        assert!(matches!(store.checkout(tree), Err(Error::Damaged { .. } | Error::Missing { .. })));
        // Made again, all is well.
        assert_eq!(import(&store, &folder).expect("imported"), tree);
        let checkout = match store.checkout(tree) {
            // An import does not read what looks right; who uses it does, and then it is made once more.
            Err(Error::Damaged { .. }) if quiet => loop {
                assert_eq!(import(&store, &folder).expect("imported"), tree);
                if let Ok(checkout) = store.checkout(tree) {
                    break checkout;
                }
            },
            checkout => checkout.expect("laid out"),
        };
        let healed = show(&checkout.path);
        assert!(good.is_none_or(|good| good == healed));
        for (digest, content) in &known {
            assert_eq!(&store.get_bytes(*digest).expect("healed"), content);
        }
        store.put_action(key, &result(tree)).expect("recorded");
        assert_eq!(store.action(key).expect("asks"), Some(result(tree)));
        assert!(store.fsck(&|_| ()).expect("checks").is_clean());
    }
}

#[test]
fn a_flip_in_a_checkout_is_found_by_the_next_process() {
    for quiet in [false, true] {
        let (temporary, store) = store();
        let folder = temporary.path().join("folder");
        let tree = hundred(&store, &folder);
        let path = store.checkout(tree).expect("laid out").path.clone();
        let expected = show(&path);
        drop(store);
        flip(&path.join("3/3"), quiet);
        let store = Store::open(&temporary.path().join("store")).expect("opens");
        assert!(matches!(store.checkout(tree), Err(Error::Damaged { .. })), "its object is the same inode");
        import(&store, &folder).expect("imported");
        assert_eq!(show(&store.checkout(tree).expect("laid out").path), expected);
    }
}

#[test]
fn damage_in_one_variant_is_mended_from_the_other() {
    let (_temporary, store) = store();
    let mut builder = TreeBuilder::new(&store);
    builder.file("x", 0o755, &mut &b"both"[..]).expect("built");
    builder.file("p", 0o644, &mut &b"both"[..]).expect("built");
    let tree = builder.finish().expect("finished");
    let digest = Digest::of(b"both");
    let path = store.blob_path(digest).expect("there");
    flip(&path, true);
    assert_eq!(store.get_bytes(digest).expect("from the other"), b"both");
    assert_eq!(show(&store.checkout(tree).expect("laid out").path), ["0644 p \"both\"", "0755 x \"both\""]);
}

#[test]
fn fsck_finds_and_reports_all_damage() {
    let (temporary, store) = store();
    let folder = temporary.path().join("folder");
    let tree = hundred(&store, &folder);
    let other = store.put_bytes(b"other").expect("stored");
    let key = Digest::of(b"action");
    store.put_action(key, &result(tree)).expect("recorded");
    store.put_action(other, &result(tree)).expect("recorded");
    store.set_ref("good", other).expect("set");
    store.set_ref("tree", tree).expect("set");
    store.set_ref("deep/garbled", tree).expect("set");
    store.checkout(tree).expect("laid out");
    assert!(store.fsck(&|_| ()).expect("checks").is_clean());
    flip(&store.blob_path(Digest::of(b"content 5")).expect("there"), true);
    write(store.root(), "refs/deep/garbled", b"garbage", 0o644);
    write(store.root(), "objects/ab/stray", b"", 0o644);
    flip(&store.root().join("actions").join(&other.hex()[..2]).join(&other.hex()[2..]), true);
    let calls = std::sync::atomic::AtomicU64::new(0);
    let report = store
        .fsck(&|progress| {
            assert!(progress.done <= progress.total);
            calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        })
        .expect("checks");
    let missing = Digest::of(b"content 5");
    assert!(calls.into_inner() > 50);
    assert_eq!(report.damaged, [missing.hex()]);
    assert_eq!(report.foreign, [store.root().join("objects/ab/stray")]);
    assert_eq!(report.damaged_actions, [other.hex()]);
    assert_eq!(report.damaged_refs, ["deep/garbled"]);
    assert_eq!(report.dangling_refs.iter().map(|d| (&*d.name, d.missing)).collect::<Vec<_>>(), [("tree", missing)]);
    assert_eq!(
        report.dangling_actions.iter().map(|d| (d.name.clone(), d.missing)).collect::<Vec<_>>(),
        [(key.hex(), missing)]
    );
    assert_eq!(report.bad_checkouts, [tree.hex()]);
    assert!(serde_json::to_string(&report).expect("serialises").contains("\"bad_checkouts\""));
    std::fs::remove_file(store.root().join("objects/ab/stray")).expect("removed");
    import(&store, &folder).expect("imported");
    assert!(store.fsck(&|_| ()).expect("checks").is_clean(), "healed");
    store.gc(&GcOptions::default()).expect("collects");
}

#[test]
fn a_power_cut_leaves_nothing_half_written() {
    let (temporary, store) = store();
    let kept = store.put_bytes(b"durable").expect("stored");
    drop(store);
    let root = temporary.path().join("store");
    // The state after a power cut: a session of another life of the machine, an object cut short, one that is whole.
    write(&root, "tmp/session-1-1.lock", b"another boot", 0o644);
    std::fs::create_dir(root.join("tmp/session-1-1")).expect("made");
    let cut = Digest::of(b"cut short, of course");
    let path = format!("objects/{}/{}", &cut.hex()[..2], &cut.hex()[2..]);
    write(&root, &path, b"cut short", 0o644);
    let store = Store::open(&root).expect("opens");
    assert!(!root.join(path).exists());
    assert!(store.contains(kept) && !store.contains(cut));
    assert_eq!(std::fs::read_dir(root.join("tmp")).expect("listed").count(), 0);
}
