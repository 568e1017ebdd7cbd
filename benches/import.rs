//! How long it takes to store a tree of 20,000 small files, beside a bare loop that reads, hashes and writes each file.
//!
//! `cargo bench --bench import [-- FOLDER]`; the folder (default: a temporary one) should be on a disk. Both sides do
//! the same work on the same files: read each, hash it, create a file named by the hash in one of 256 folders. The loop
//! is neither atomic nor durable nor looks whether a file exists, and comes with one thread and with as many as the
//! store uses. Rounds alternate, and the best of each is compared: the rest is noise of other work on the machine. The
//! processor's time, of all threads together, is shown beside the clock's: it suffers less from that.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark makes files, looks at the clock and prints"
)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use repro::digest::Digest;
use repro::store::{ImportRules, Store};

const FILES: usize = 20_000;
const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` and `cargo bench` pass flags of their own.
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let base = match &folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let base = base.expect("a temporary folder");
    let tree = base.path().join("tree");
    let files = make(&tree);
    let threads = repro::fs::workers();
    println!("{FILES} files of 1 to 6 KiB, {threads} threads, best of {ROUNDS}");
    let mut times: [Vec<(Duration, Duration)>; 6] = Default::default();
    for round in 0..ROUNDS {
        for (index, workers) in [(0, 1), (1, threads)] {
            let target = base.path().join(format!("bare-{round}-{index}"));
            settle();
            times[index].push(time(|| bare(&files, &target, workers)));
            fs::remove_dir_all(&target).expect("removed");
        }
        let root = base.path().join(format!("store-{round}"));
        settle();
        let store = Store::open(&root).expect("opens");
        let dir = File::open(&tree).expect("opens");
        let import = || store.import(dir.as_fd(), &tree, &ImportRules::default()).expect("imported");
        let mut digest = None;
        times[2].push(time(|| digest = Some(import())));
        times[3].push(time(|| store.flush().expect("flushed")));
        times[4].push(time(|| assert_eq!(Some(import()), digest)));
        let digest = digest.expect("it was imported");
        times[5].push(time(|| drop(store.checkout(digest).expect("laid out"))));
        drop(store);
        fs::remove_dir_all(&root).expect("removed");
    }
    let best = times.map(|some| {
        let least =
            |pick: fn(&(Duration, Duration)) -> Duration| some.iter().map(pick).min().expect("there are rounds");
        (least(|both| both.0).as_secs_f64(), least(|both| both.1).as_secs_f64())
    });
    let line = |what: &str, (wall, cpu): (f64, f64)| {
        println!(
            "{what:<34} {:8.1} ms {:6.1} us/file {:5.2} x bare(1) {:5.2} x bare({threads})   cpu {:8.1} ms {:5.2} x bare(1)",
            wall * 1e3,
            wall * 1e6 / FILES as f64,
            wall / best[0].0,
            wall / best[1].0,
            cpu * 1e3,
            cpu / best[0].1
        );
    };
    line("bare read + hash + write, 1 thread", best[0]);
    line("bare read + hash + write, threads", best[1]);
    line("import into an empty store", best[2]);
    line("  flush after it", best[3]);
    line("import again, all present", best[4]);
    line("checkout", best[5]);
}

/// Lets what earlier rounds have written reach the disk, so that it does not fall into this round's time.
fn settle() {
    rustix::fs::sync();
}

/// The time that passes, and that of the processor.
fn time(work: impl FnOnce()) -> (Duration, Duration) {
    let cpu = || Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every Linux has it"));
    let (start, busy) = (Instant::now(), cpu());
    work();
    (start.elapsed(), cpu() - busy)
}

/// Makes the tree; its files' paths.
fn make(tree: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::with_capacity(FILES);
    let mut state = 1_u64;
    for index in 0..FILES {
        let folder = tree.join(format!("{:02}/{:02}", index % 40, index / 40 % 25));
        if index < 1000 {
            fs::create_dir_all(&folder).expect("made");
        }
        let path = folder.join(format!("file-{index}"));
        let mut content = Vec::new();
        let size = 1024 + index * 7919 % 5120;
        while content.len() < size {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            content.extend_from_slice(&(state >> 16).to_le_bytes());
        }
        fs::write(&path, &content).expect("written");
        paths.push(path);
    }
    paths
}

/// What a C program without manners would do.
fn bare(files: &[PathBuf], target: &Path, threads: usize) {
    for shard in 0..=255 {
        fs::create_dir_all(target.join(format!("{shard:02x}"))).expect("made");
    }
    let next = AtomicUsize::new(0);
    repro::fs::parallel(threads, |_| {
        let mut buffer = Vec::new();
        loop {
            let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            buffer.clear();
            File::open(path).expect("opens").read_to_end(&mut buffer).expect("reads");
            let hex = Digest::of(&buffer).hex();
            let mut file = File::create_new(target.join(&hex[..2]).join(&hex[2..])).expect("made");
            file.write_all(&buffer).expect("written");
        }
    });
}
