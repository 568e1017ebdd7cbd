//! What `lock`, `fetch` and `build` ask of the network: definitions as requests, pins of stages, and a fetcher set up from
//! the command line, whose progress becomes events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::context::Context;
use super::exit::ExitCode;
use super::failure::Failure;
use crate::fetch::lock::{ArchiveRequest, Request, SysrootRequest};
use crate::fetch::{AptConfig, Config, Mirrors, Pin, Progress, Reason};
use crate::fs;
use crate::lockfile::Lockfile;
use crate::schedule::events::Level;
use crate::schedule::{Event, Subscriber};
use crate::stage::Graph;

/// All that the project's definitions want pinned.
///
/// # Errors
/// The keys of an archive cannot be read.
pub fn request(graph: &Graph) -> Result<Request, Failure> {
    let mut request = Request::default();
    for (name, archive) in graph.archives() {
        let keys = fs::read_to_string(&graph.root().join(&archive.keys))
            .map_err(|error| Failure::of(ExitCode::Usage, &error).hint(error.hint()))?;
        let (suite, component) = (archive.suite.clone(), archive.component.clone());
        let (architecture, base) = (archive.architecture.clone(), archive.base.clone());
        request.archives.insert(name.clone(), ArchiveRequest { suite, component, architecture, base, keys });
    }
    request.sysroots.extend(graph.sysroots().values().map(|sysroot| SysrootRequest {
        name: sysroot.name.clone(),
        archive: sysroot.archive.clone(),
        packages: sysroot.packages.clone(),
        exclude: sysroot.exclude.clone(),
    }));
    request.sources.extend(graph.sources().iter().map(|(name, source)| (name.clone(), source.urls.clone())));
    Ok(request)
}

/// The pins of these sources and sysroots, each once, in the order of their names.
///
/// # Errors
/// One of them is not pinned.
pub fn pins<'a>(
    graph: &Graph,
    lockfile: &Lockfile,
    sources: impl IntoIterator<Item = &'a str>,
    sysroots: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Pin>, Failure> {
    let unpinned = |kind: &str, name: &str| {
        Failure::new(ExitCode::Usage, format!("cannot find {kind} `{name}` in lockfile.json"))
            .hint(Some("`repro lock` pins what is new".into()))
    };
    let mut pins = BTreeMap::new();
    for name in sources {
        let pin = lockfile.sources.get(name).ok_or_else(|| unpinned("source", name))?;
        pins.insert(pin.digest, Pin::of_source(name, pin));
    }
    for name in sysroots {
        let sysroot = lockfile.sysroots.get(name).ok_or_else(|| unpinned("sysroot", name))?;
        let archive = graph.sysroots().get(name).and_then(|sysroot| graph.archives().get(&sysroot.archive));
        let base = &archive.ok_or_else(|| unpinned("the archive of sysroot", name))?.base;
        pins.extend(sysroot.packages.iter().map(|package| (package.digest, Pin::of_package(base, package))));
    }
    let mut pins: Vec<Pin> = pins.into_values().collect();
    pins.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(pins)
}

/// The pins of all that these stages need, by whatever way.
///
/// # Errors
/// A stage does not exist, or an input is not pinned.
pub fn pins_of_stages(graph: &Graph, lockfile: &Lockfile, stages: &[&str]) -> Result<Vec<Pin>, Failure> {
    let closure = graph.closure(stages)?;
    let sources: BTreeSet<&str> = graph.sources_of(closure.iter().copied());
    let sysroots: BTreeSet<&str> = graph.sysroots_of(closure.iter().copied());
    pins(graph, lockfile, sources, sysroots)
}

/// How to fetch, by the command line and the machine's configuration.
pub fn config(context: &Context) -> Config {
    let mirrors = Mirrors::new(&context.mirrors).with_apt(&AptConfig::read(Path::new("/")));
    Config { mirrors, offline: context.globals.offline, cancel: context.cancel.flag(), ..Config::default() }
}

/// Turns the fetcher's progress into events.
pub struct FetchEvents<'a> {
    to: &'a dyn Subscriber,
    running: Mutex<BTreeMap<String, Count>>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    bytes: u64,
    told: u64,
    total: Option<u64>,
}

/// Bytes between two events of one download: enough to see it move, few enough for a log.
const STEP: u64 = 1 << 20;

impl<'a> FetchEvents<'a> {
    /// Events to `to`.
    pub fn new(to: &'a dyn Subscriber) -> Self {
        Self { to, running: Mutex::default() }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Count)) {
        let event = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let count = running.entry(name.to_owned()).or_default();
            change(count);
            if count.bytes.abs_diff(count.told) < STEP {
                return;
            }
            count.told = count.bytes;
            Event::FetchAdvanced { name: name.to_owned(), bytes: count.bytes, total: count.total }
        };
        self.to.event(&event);
    }
}

impl Progress for FetchEvents<'_> {
    fn started(&self, name: &str, _place: &str, have: u64, size: Option<u64>) {
        let count = Count { bytes: have, told: have, total: size };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), count);
        self.to.event(&Event::FetchStarted { name: name.to_owned(), bytes: have, total: size });
    }

    fn advanced(&self, name: &str, bytes: u64) {
        self.change(name, |count| count.bytes = count.bytes.saturating_add(bytes));
    }

    fn dropped(&self, name: &str, bytes: u64) {
        self.change(name, |count| count.bytes = count.bytes.saturating_sub(bytes));
    }

    fn stumbled(&self, name: &str, place: &str, reason: &Reason, again: bool) {
        let then = if again { "; trying again" } else { "" };
        let text = format!("{name}: {place}: {reason}{then}");
        self.to.event(&Event::Message { level: Level::Note, text });
    }

    fn finished(&self, name: &str, good: bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.remove(name).unwrap_or_default();
        drop(running);
        let error = (!good).then(|| "no place had it".to_owned());
        let (bytes, total) = (count.bytes, count.total);
        self.to.event(&Event::FetchFinished { name: name.to_owned(), bytes, total, error });
    }
}
