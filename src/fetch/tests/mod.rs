//! Tests of fetching, against a misbehaving server on 127.0.0.1.

mod faults;
mod fetcher;
mod lock;
mod resume;
mod server;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::digest::HashReader;

/// The least that is a store: files named by their hashes.
pub(super) struct Folder {
    root: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    pub(super) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { root: temporary.path().to_owned(), _temporary: Some(temporary) }.made()
    }

    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), _temporary: None }.made()
    }

    fn made(self) -> Self {
        fs::create_dir_all(self.root.join("objects")).unwrap();
        self
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.root.join("objects").join(digest.hex())
    }

    pub(super) fn partials(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join("tmp/partial")) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(super) fn blobs(&self) -> usize {
        fs::read_dir(self.root.join("objects")).unwrap().count()
    }

    pub(super) fn plant(&self, digest: Digest, bytes: &[u8]) {
        fs::create_dir_all(self.root.join("tmp/partial")).unwrap();
        fs::write(self.root.join("tmp/partial").join(digest.hex()), bytes).unwrap();
    }
}

impl Blobs for Folder {
    fn root(&self) -> &Path {
        &self.root
    }

    fn contains(&self, digest: Digest) -> bool {
        self.path(digest).exists()
    }

    fn put_expecting(&self, reader: &mut dyn Read, want: Digest) -> Result<(), BlobError> {
        let temporary = tempfile::NamedTempFile::new_in(&self.root)?;
        let mut reader = HashReader::new(reader);
        std::io::copy(&mut reader, &mut temporary.as_file())?;
        if reader.finish() != want {
            return Err("other bytes".into());
        }
        temporary.persist(self.path(want))?;
        Ok(())
    }

    fn put_reader(&self, reader: &mut dyn Read) -> Result<Digest, BlobError> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        let digest = Digest::of(&bytes);
        fs::write(self.path(digest), bytes)?;
        Ok(digest)
    }

    fn get_bytes(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        let mut bytes = Vec::new();
        File::open(self.path(digest))?.read_to_end(&mut bytes)?;
        assert_eq!(Digest::of(&bytes), digest);
        Ok(bytes)
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
