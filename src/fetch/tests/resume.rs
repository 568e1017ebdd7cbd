//! RELIABILITY requirement 23: downloads go on where they were, once for all processes.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::server::Server;
use super::*;

const SIZE: usize = 20_000_000;

/// Not a test by itself: the process that the others start and kill. Fetches the file that the environment names.
#[test]
fn child() {
    let Ok(root) = std::env::var("REPRO_TEST_STORE") else { return };
    let url = std::env::var("REPRO_TEST_URL").unwrap();
    let digest = std::env::var("REPRO_TEST_DIGEST").unwrap().parse().unwrap();
    let config = Config { timing: Timing::default(), ..quick() };
    let wanted = Pin { name: "file".to_owned(), urls: vec![url], digest: Some(digest) };
    Fetcher::new(&Store::open(Path::new(&root)).unwrap(), config, &Silent).fetch(&[wanted]).unwrap();
}

fn start(store: &Folder, url: &str, digest: Digest) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fetch::tests::resume::child", "--nocapture"])
        .env("REPRO_TEST_STORE", store.root())
        .env("REPRO_TEST_URL", url)
        .env("REPRO_TEST_DIGEST", digest.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_ten_times_moves_each_byte_once() {
    let bytes = noise(SIZE);
    let digest = Digest::of(&bytes);
    let body = bytes.clone();
    // Slow enough to be killed on the way: 64 kB at a time.
    let server = Server::new(move |asked, answer| {
        let from = asked.range.unwrap_or_default();
        let range = format!("Content-Range: bytes {from}-{}/{SIZE}\r\n", SIZE - 1);
        let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
        answer.head(status, &format!("{range}Content-Length: {}\r\n", SIZE - from));
        for part in body[from..].chunks(1 << 16) {
            if !answer.raw(part) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let store = Folder::new();
    let url = server.url("/file");
    let partial = store.root().join("partial").join(digest.hex());
    for kill in 1..=10 {
        let mut child = start(&store, &url, digest);
        let enough = (SIZE * kill / 11) as u64;
        while fs::metadata(&partial).map_or(0, |meta| meta.len()) < enough {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(start(&store, &url, digest).wait().unwrap().success());
    assert_eq!(store.get_bytes(digest).unwrap(), bytes);
    assert!(store.partials().is_empty());
    // What the kernel's socket buffers held when a process was killed is lost: megabytes on the loopback, not on a line.
    let lost_in_buffers = 10 * (8 << 20);
    let moved = server.sent();
    assert!(moved <= (SIZE as u64 * 11 / 10) + lost_in_buffers, "{moved} bytes were moved for {SIZE}");
    let asked: Vec<usize> = server.asked().iter().map(|asked| asked.range.unwrap_or_default()).collect();
    assert_eq!(asked.len(), 11);
    for (kill, from) in asked.iter().enumerate().skip(1) {
        assert!(*from >= SIZE * kill / 11, "start {kill} went on from {from}");
    }
}

#[test]
fn eight_processes_make_one_download() {
    let bytes = noise(SIZE / 4);
    let digest = Digest::of(&bytes);
    let body = bytes.clone();
    let server = Server::new(move |asked, answer| {
        // Time for the others to come.
        std::thread::sleep(Duration::from_millis(300));
        answer.serve(asked, &body, "\"v1\"");
    });
    let store = Folder::new();
    let children: Vec<Child> = (0..8).map(|_| start(&store, &server.url("/file"), digest)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(server.asked().len(), 1);
    assert!(server.sent() <= bytes.len() as u64 * 11 / 10);
    assert!(store.partials().is_empty(), "{:?}", store.partials());
}

#[test]
fn the_lock_of_a_killed_process_is_free() {
    let bytes = noise(100_000);
    let digest = Digest::of(&bytes);
    let body = bytes.clone();
    let server = Server::new(move |asked, answer| {
        if asked.before == 0 {
            answer.head("200 OK", "Content-Length: 100000\r\n");
            answer.raw(&body[..60_000]);
            answer.hang();
        } else {
            answer.serve(asked, &body, "");
        }
    });
    let store = Folder::new();
    let url = server.url("/file");
    let mut child = start(&store, &url, digest);
    let partial = store.root().join("partial").join(digest.hex());
    while fs::metadata(&partial).map_or(0, |meta| meta.len()) < 60_000 {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    Fetcher::new(&store, quick(), &Silent).fetch(&[pin("file", &[url], &bytes)]).unwrap();
    assert_eq!(server.asked()[1].range, Some(60_000));
}

#[test]
fn a_bad_partial_file_is_dropped_after_one_mismatch() {
    let bytes = noise(100_000);
    let digest = Digest::of(&bytes);
    let body = bytes.clone();
    let first = Server::new(move |asked, answer| answer.serve(asked, &body, ""));
    let body = bytes.clone();
    let second = Server::new(move |asked, answer| answer.serve(asked, &body, ""));
    let store = Folder::new();
    store.plant(digest, &[0; 30_000]);
    let urls = [first.url("/file"), second.url("/file")];
    let log = Log::default();
    Fetcher::new(&store, quick(), &log).fetch(&[pin("file", &urls, &bytes)]).unwrap();
    assert_eq!(store.get_bytes(digest).unwrap(), bytes);
    let ranges = |server: &Server| server.asked().iter().map(|asked| asked.range).collect::<Vec<_>>();
    assert_eq!((ranges(&first), ranges(&second)), (vec![Some(30_000)], vec![None]));
    let log = log.0.into_inner().unwrap();
    assert_eq!(log[0], "started file 30000 Some(100000)");
    assert_eq!(log[1], "advanced file 70000");
    assert_eq!(log[2], "dropped file 100000");
    assert!(log[3].starts_with("stumbled file false: expected "), "{}", log[3]);
    assert_eq!(log[4..], ["started file 0 Some(100000)", "advanced file 100000", "finished file true"]);
    // With one place only, that place has its fair try.
    let store = Folder::new();
    store.plant(digest, &[0; 30_000]);
    Fetcher::new(&store, quick(), &Silent).fetch(&[pin("file", &[first.url("/again")], &bytes)]).unwrap();
}

#[test]
fn a_partial_file_is_continued_at_another_mirror() {
    let bytes = noise(100_000);
    let body = bytes.clone();
    let first = Server::new(move |_, answer| {
        answer.head("200 OK", "ETag: \"a\"\r\nContent-Length: 100000\r\n");
        answer.raw(&body[..40_000]);
    });
    let body = bytes.clone();
    let second = Server::new(move |asked, answer| answer.serve(asked, &body, "\"b\""));
    let store = Folder::new();
    let urls = [first.url("/file"), second.url("/file")];
    let config = Config { timing: Timing { tries: 1, ..quick().timing }, ..quick() };
    Fetcher::new(&store, config, &Silent).fetch(&[pin("file", &urls, &bytes)]).unwrap();
    let asked = second.asked();
    assert_eq!(
        (asked[0].range, asked[0].if_range.as_deref()),
        (Some(40_000), None),
        "another server's tag says nothing"
    );
}

#[test]
fn a_first_use_goes_on_only_with_the_same_file() {
    let bytes = noise(100_000);
    let body = bytes.clone();
    let server = Server::new(move |asked, answer| {
        let tag = if asked.path == "/plain" { "" } else { "\"v1\"" };
        if asked.before == 0 {
            let tag = if tag.is_empty() { String::new() } else { format!("ETag: {tag}\r\n") };
            answer.head("200 OK", &format!("{tag}Content-Length: 100000\r\n"));
            answer.raw(&body[..40_000]);
        } else {
            answer.serve(asked, &body, tag);
        }
    });
    let store = Folder::new();
    let fetcher = Fetcher::new(&store, quick(), &Silent);
    for (path, range) in [("/tagged", Some(40_000)), ("/plain", None)] {
        let wanted = Pin { name: "file".to_owned(), urls: vec![server.url(path)], digest: None };
        assert_eq!(fetcher.fetch(&[wanted]).unwrap(), [Digest::of(&bytes)]);
        let asked = server.asked();
        assert_eq!(asked.last().unwrap().range, range, "{path}");
    }
    assert!(store.partials().is_empty());
}

#[test]
fn partial_files_of_no_one_are_swept() {
    let store = Folder::new();
    assert_eq!(sweep_partials(&store).unwrap(), 0);
    let (used, unused) = (Digest::of(b"used"), Digest::of(b"unused"));
    store.plant(used, b"us");
    store.plant(unused, b"unu");
    let folder = store.root().join("partial");
    fs::write(folder.join(format!("{}.from", unused.hex())), "x").unwrap();
    let held = crate::fs::Lock::open(&crate::fs::Dir::open(&folder).unwrap(), used.hex()).unwrap();
    held.exclusive().unwrap();
    assert_eq!(sweep_partials(&store).unwrap(), 3);
    assert_eq!(store.partials(), [used.hex()]);
}

#[test]
fn an_interrupt_ends_soon_and_keeps_the_bytes() {
    let bytes = noise(1_000_000);
    let digest = Digest::of(&bytes);
    let body = bytes.clone();
    let server = Server::new(move |_, answer| {
        answer.head("200 OK", "Content-Length: 1000000\r\n");
        for part in body.chunks(1000) {
            std::thread::sleep(Duration::from_millis(20));
            if !answer.raw(part) {
                break;
            }
        }
    });
    let store = Folder::new();
    let config = quick();
    let cancel = config.cancel.clone();
    let wanted = pin("file", &[server.url("/file")], &bytes);
    let fetcher = Fetcher::new(&store, config, &Silent);
    let result = std::thread::scope(|scope| {
        let run = scope.spawn(|| fetcher.fetch(&[wanted]));
        let partial = store.root().join("partial").join(digest.hex());
        while fs::metadata(&partial).map_or(0, |meta| meta.len()) == 0 && !run.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        cancel.store(true, Ordering::Relaxed);
        run.join().unwrap()
    });
    assert!(matches!(result, Err(Error::Cancelled)));
    assert_eq!(store.partials(), [digest.hex()]);
}
