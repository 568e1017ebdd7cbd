//! Processes that tests start: this test program again, told by a file in its working directory what to do.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::import;
use crate::digest::Digest;
use crate::fs::fault::{Failure, Plan, arm_process};
use crate::store::{GcOptions, Result, Store, TreeBuilder};

const TASK: &str = "repro-store-test-task";

/// Starts a process that does `task` in the folder `base`.
pub(super) fn start(base: &Path, task: &str) -> Child {
    let folder = tempfile::Builder::new().prefix("task-").tempdir_in(base).expect("made").keep();
    std::fs::write(folder.join(TASK), format!("{}\n{task}", base.display())).expect("written");
    Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", "store::tests::child::child", "--nocapture"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

/// What a started process does; nothing in an ordinary run of the tests.
#[test]
fn child() {
    let Ok(task) = std::fs::read_to_string(TASK) else { return };
    let mut words = task.split_whitespace();
    let base = PathBuf::from(words.next().expect("a folder"));
    match (words.next().expect("a task"), words.next().map(|word| word.parse::<u64>().expect("a number"))) {
        ("work", Some(nth)) => {
            arm_process(Plan { nth, failure: Failure::Kill });
            work(&base).expect("works when it is not killed");
        }
        ("build", Some(number)) => build_once(&base, number),
        ("hold", _) => {
            let store = Store::open(&base.join("store")).expect("opens");
            let _scratch = store.scratch("held").expect("made");
            let _lock = store.lock_action(Digest::of(b"held")).expect("locked");
            std::fs::write(base.join("holding"), "").expect("written");
            loop {
                std::thread::park();
            }
        }
        other => panic!("no such task: {other:?}"),
    }
}

/// Executes one action unless someone has: each execution leaves a line.
fn build_once(base: &Path, number: u64) {
    use std::io::Write;
    let store = Store::open(&base.join("store")).expect("opens");
    let key = Digest::of(b"one action");
    let _lock = store.lock_action(key).expect("locked");
    if store.action(key).expect("asks").is_some() {
        std::fs::write(base.join(format!("done-{number}")), "").expect("written");
        return;
    }
    let mut log = std::fs::File::options().append(true).create(true).open(base.join("executions")).expect("opens");
    writeln!(log, "{number}").expect("written");
    let tree = import(&store, &base.join("tree")).expect("imported");
    store.put_action(key, &super::result(tree)).expect("recorded");
    std::fs::write(base.join(format!("done-{number}")), "").expect("written");
}

/// A little of everything that a store does. Fault points come from here: what is not done here is not tested so.
pub(super) fn work(base: &Path) -> Result<Digest> {
    let store = Store::open(&base.join("store"))?;
    let key = Digest::of(b"work");
    let lock = store.lock_action(key)?;
    if store.action(key)?.is_none() {
        let scratch = store.scratch("work")?;
        let imported = import(&store, &base.join("tree"))?;
        let mut builder = TreeBuilder::new(&store);
        builder.tree("imported", imported)?;
        builder.file("built/large", 0o644, &mut &vec![3; 100 << 10][..])?;
        builder.file("built/run", 0o755, &mut &b"run"[..])?;
        builder.file("built/secret", 0o600, &mut &b"run"[..])?;
        builder.symlink("link", "built/run")?;
        let tree = builder.finish()?;
        drop(scratch);
        store.put_action_with_ref(key, &super::result(tree), "kept/with/it")?;
        store.set_ref("kept/work", tree)?;
        store.put_note("time", "work", b"1")?;
    }
    let tree = store.refs()?.get("kept/work").copied();
    let tree = match tree {
        Some(tree) => tree,
        // Stopped between the record and the reference.
        None => {
            let result = store.action(key)?.expect("recorded a moment ago");
            let tree = result.output_directories[0].root_directory_digest.as_ref().expect("has one").get();
            let tree = tree.expect("a digest");
            store.set_ref("kept/work", tree)?;
            tree
        }
    };
    let checkout = store.checkout(tree)?;
    drop((lock, checkout));
    store.put_bytes(b"garbage")?;
    store.gc(&GcOptions { keep_recent: 1, ..GcOptions::default() })?;
    store.checkout(tree)?;
    Ok(tree)
}
