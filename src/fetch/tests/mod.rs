//! Tests of fetching, against a misbehaving server on 127.0.0.1.

mod faults;
mod fetcher;
mod lock;
pub(crate) mod real;
mod resume;
mod server;
mod signing;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::store::Store;

/// A store in a folder of its own.
pub(super) struct Folder {
    store: Store,
    _temporary: tempfile::TempDir,
}

impl std::ops::Deref for Folder {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Folder {
    pub(super) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { store: Store::open(temporary.path()).unwrap(), _temporary: temporary }
    }

    /// The names of the partial files.
    pub(super) fn partials(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root().join("partial")) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(super) fn blobs(&self) -> usize {
        let folders = fs::read_dir(self.root().join("objects")).unwrap();
        folders.map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
    }

    /// Leaves a partial file as an earlier run would.
    pub(super) fn plant(&self, digest: Digest, bytes: &[u8]) {
        fs::create_dir_all(self.root().join("partial")).unwrap();
        fs::write(self.root().join("partial").join(digest.hex()), bytes).unwrap();
    }
}

/// Patience for tests: short, and not so short that a busy machine fails them.
pub(super) fn quick() -> Config {
    Config {
        timing: Timing {
            connect: Duration::from_secs(2),
            stall: Duration::from_millis(700),
            slowest: 1024,
            tries: 3,
            pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(20),
        },
        ..Config::default()
    }
}

/// Bytes that no part of repeats.
pub(super) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

pub(super) fn pin(name: &str, urls: &[String], bytes: &[u8]) -> Pin {
    Pin { name: name.to_owned(), urls: urls.to_vec(), digest: Some(Digest::of(bytes)) }
}

pub(super) fn folder_mirror(name: &str, folder: &Path) -> Mirrors {
    Mirrors::new(&BTreeMap::from([(name.to_owned(), folder.to_str().unwrap().to_owned())]))
}

/// Keeps what it hears, as text.
#[derive(Default)]
pub(super) struct Log(pub(super) Mutex<Vec<String>>);

impl Log {
    fn say(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Progress for Log {
    fn started(&self, name: &str, _: &str, have: u64, size: Option<u64>) {
        self.say(format!("started {name} {have} {size:?}"));
    }

    fn advanced(&self, name: &str, bytes: u64) {
        let mut log = self.0.lock().unwrap();
        let line = format!("advanced {name} ");
        let before = log.last().and_then(|last| last.strip_prefix(&line)?.parse::<u64>().ok());
        if before.is_some() {
            log.pop();
        }
        log.push(format!("{line}{}", before.unwrap_or_default() + bytes));
    }

    fn dropped(&self, name: &str, bytes: u64) {
        self.say(format!("dropped {name} {bytes}"));
    }

    fn stumbled(&self, name: &str, _: &str, reason: &Reason, again: bool) {
        self.say(format!("stumbled {name} {again}: {reason}"));
    }

    fn finished(&self, name: &str, good: bool) {
        self.say(format!("finished {name} {good}"));
    }
}
