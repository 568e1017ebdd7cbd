//! One pin from the first place to the store.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use reqwest::Url;
use reqwest::blocking::Client;
use rustix::fs::{CWD, Mode, OFlags};

use super::attempt::{Attempt, Stop};
use super::config::Config;
use super::error::{Failure, Reason};
use super::mirrors::Place;
use super::partial::{FOLDER, Partial};
use super::progress::Progress;
use super::{Pin, pace};
use crate::digest::Digest;
use crate::fs::{self, Dir};
use crate::store::{self, Store};

/// New bytes that count as getting somewhere: below, a server that sends a little and breaks is out of tries.
const HEADWAY: u64 = 64 << 10;

/// Why a job ended without its blob.
pub(super) enum Ended {
    Failed(Failure),
    Cancelled,
}

/// One pin to be had.
pub(super) struct Job<'a> {
    pub(super) pin: &'a Pin,
    pub(super) store: &'a Store,
    pub(super) config: &'a Config,
    pub(super) client: &'a Client,
    pub(super) progress: &'a dyn Progress,
}

impl Job<'_> {
    /// Tries the places in turn.
    pub(super) fn run(&self) -> Result<Digest, Ended> {
        let mut failed = Vec::new();
        let result = self.places(&mut failed);
        self.progress.finished(&self.pin.name, matches!(result, Ok(Some(_))));
        match result {
            Ok(Some(digest)) => Ok(digest),
            Ok(None) => {
                Err(Ended::Failed(Failure { name: self.pin.name.clone(), digest: self.pin.digest, places: failed }))
            }
            Err(()) => Err(Ended::Cancelled),
        }
    }

    /// The digest of what is in the store now; `None` when every place failed, `Err` when cancelled.
    fn places(&self, failed: &mut Vec<(String, Reason)>) -> Result<Option<Digest>, ()> {
        let mut places = VecDeque::new();
        for url in &self.pin.urls {
            match self.config.mirrors.places(url) {
                Ok(found) => places.extend(found),
                Err(source) => failed.push((url.clone(), Reason::Place { source })),
            }
        }
        if self.config.offline {
            places.retain(|place| matches!(place, Place::Folder(_)));
        }
        let mut partial = match self.open_partial() {
            Ok(Some(partial)) => partial,
            Ok(None) => return Err(()),
            Err(source) => {
                failed.push(("the partial file".to_owned(), Reason::File { source }));
                return Ok(None);
            }
        };
        // Another process may have been faster while we waited.
        if let Some(digest) = self.pin.digest
            && self.store.contains(digest)
        {
            self.discard(partial);
            return Ok(Some(digest));
        }
        let mut second_chances = Vec::new();
        while let Some(place) = places.pop_front() {
            let old_bytes = partial.len() > 0;
            let result = match &place {
                Place::Folder(path) => self.copy(path),
                Place::Web(url) => self.download(url, &mut partial),
            };
            match result {
                Ok(digest) => {
                    self.discard(partial);
                    return Ok(Some(digest));
                }
                Err(Stop::Cancelled) => return Err(()),
                Err(Stop::Again(reason, _) | Stop::Fresh(reason) | Stop::Next(reason)) => {
                    self.progress.stumbled(&self.pin.name, &place.to_string(), &reason, false);
                    // The old bytes may have been the wrong ones: if no other place serves, this one did not have its
                    // fair try.
                    if matches!(reason, Reason::Mismatch { .. }) && old_bytes && !second_chances.contains(&place) {
                        second_chances.push(place.clone());
                        places.push_back(place.clone());
                    }
                    failed.push((place.to_string(), reason));
                }
            }
        }
        if partial.len() == 0 {
            self.discard(partial);
        }
        Ok(None)
    }

    fn open_partial(&self) -> Result<Option<Partial>, fs::Error> {
        let folder = self.store.root().join(FOLDER);
        fs::create_dir_all(&folder)?;
        let key = match self.pin.digest {
            Some(digest) => digest.hex(),
            None => Digest::of(self.pin.urls.join("\n").as_bytes()).hex(),
        };
        Partial::open(Dir::open(folder)?, &key, &self.config.cancel)
    }

    /// The blob is in the store, or nothing of it is here: a partial file that cannot be removed only takes space.
    fn discard(&self, partial: Partial) {
        let _ = partial.remove();
    }

    /// Downloads from one place, again and again as long as that helps, and hands the bytes to the store.
    fn download(&self, url: &Url, partial: &mut Partial) -> Result<Digest, Stop> {
        let (config, name) = (self.config, self.pin.name.as_str());
        let attempt = Attempt { client: self.client, config, progress: self.progress, name, want: self.pin.digest };
        let (mut failures, mut fresh, mut farthest) = (0, false, partial.len());
        while self.pin.digest.is_none_or(|want| partial.len() != want.size) {
            match attempt.run(url, partial) {
                Ok(()) if self.pin.digest.is_none() => break,
                Ok(()) => {}
                Err(Stop::Fresh(reason)) if !fresh => {
                    fresh = true;
                    self.progress.stumbled(name, url.as_str(), &reason, true);
                    self.progress.dropped(name, partial.len());
                    partial.reset()?;
                    farthest = 0;
                }
                Err(Stop::Again(reason, asked)) => {
                    failures = if partial.len() >= farthest + HEADWAY { 1 } else { failures + 1 };
                    farthest = farthest.max(partial.len());
                    if failures >= config.timing.tries {
                        return Err(Stop::Next(reason));
                    }
                    self.progress.stumbled(name, url.as_str(), &reason, true);
                    if pace::pause(pace::back_off(&config.timing, failures, asked), &config.cancel) {
                        return Err(Stop::Cancelled);
                    }
                }
                Err(stop) => return Err(stop),
            }
        }
        let result = self.keep(partial.rewound()?);
        if matches!(result, Err(Reason::Mismatch { .. })) {
            self.progress.dropped(name, partial.len());
            partial.reset()?;
        }
        result.map_err(Stop::Next)
    }

    /// Reads a file of a local mirror.
    fn copy(&self, path: &Path) -> Result<Digest, Stop> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let failed = |errno| Stop::from(fs::Error::new("open", path, errno));
        let file = File::from(rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(failed)?);
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
            return Err(failed(rustix::io::Errno::INVAL));
        }
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        let limit = self.pin.digest.map_or(self.config.unpinned_limit, |want| want.size);
        if size > limit || self.pin.digest.is_some() && size != limit {
            return Err(Stop::Next(Reason::Length { expected: limit, announced: size }));
        }
        self.progress.started(&self.pin.name, &path.display().to_string(), 0, Some(size));
        let digest = self.keep(&file).map_err(Stop::Next)?;
        self.progress.advanced(&self.pin.name, digest.size);
        Ok(digest)
    }

    /// Hands a whole file to the store, which hashes it.
    fn keep(&self, file: &File) -> Result<Digest, Reason> {
        let Some(want) = self.pin.digest else {
            let mut reader = BufReader::with_capacity(1 << 20, file).take(self.config.unpinned_limit);
            return self.store.put_reader(&mut reader).map_err(|source| Reason::Store { source });
        };
        match self.store.put_expecting(&mut BufReader::with_capacity(1 << 20, file), want) {
            Ok(()) => Ok(want),
            Err(store::Error::Mismatch { actual: got, .. }) => Err(Reason::Mismatch { expected: want, got }),
            Err(store::Error::Longer { .. }) => Err(Reason::Long { expected: want.size }),
            Err(source) => Err(Reason::Store { source }),
        }
    }
}
