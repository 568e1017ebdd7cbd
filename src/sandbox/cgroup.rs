//! Control groups, where they can be had: limits on a stage's processes and memory as a whole.
//!
//! Needs a hierarchy with the `pids` or `memory` controller (version 1 or 2) in which the caller may make a group:
//! root, or a user to whom a group was delegated. Without it the limits by process (`RLIMIT_NPROC`, `RLIMIT_DATA`) and
//! the size of the scratch space remain. Nothing of it is visible inside and nothing depends on it but when a stage is
//! stopped.
//!
//! A group belongs to a launcher, and so to one stage after the other. One left behind by a killed `repro` is empty, and
//! is removed by the next run: its name holds the number of the process that made it.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, Mode, OFlags};

/// A group of a launcher and its sandbox.
#[derive(Debug)]
pub(super) struct Group {
    folders: Vec<PathBuf>,
    join: Vec<OwnedFd>,
    /// The file with the number of processes that were ended at the memory limit, and that number at the beginning of the
    /// present run.
    kills: Option<(OwnedFd, u64)>,
}

/// Where groups can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    folder: PathBuf,
    /// Version 2: one hierarchy with both controllers.
    unified: bool,
    pids: bool,
    memory: bool,
}

const PREFIX: &str = "repro-";

impl Group {
    /// A new group for that many processes and bytes, or none where that is not possible.
    pub(super) fn make(processes: u64, memory: u64) -> Option<Self> {
        static PLACES: OnceLock<Vec<Place>> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let places = PLACES.get_or_init(find_places);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", rustix::process::getpid().as_raw_nonzero());
        let mut group = Self { folders: Vec::new(), join: Vec::new(), kills: None };
        for place in places {
            let folder = place.folder.join(&name);
            if rustix::fs::mkdirat(CWD, &folder, Mode::from_raw_mode(0o755)).is_err() {
                continue;
            }
            group.folders.push(folder.clone());
            // A thread that moves itself alone takes no global lock; being moved by another process costs milliseconds.
            let members = folder.join(if place.unified { "cgroup.procs" } else { "tasks" });
            let Ok(members) = rustix::fs::open(members, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) else {
                continue;
            };
            group.join.push(members);
            // A value that the kernel refuses (larger than it can count) means no limit, as wanted.
            if place.pids {
                // One more, as in the plan's own limit: the reaper. The launcher is of the stage's number.
                write(&folder.join("pids.max"), &processes.saturating_add(1).to_string());
            }
            if place.memory {
                let (limit, events) = if place.unified {
                    ("memory.max", "memory.events")
                } else {
                    ("memory.limit_in_bytes", "memory.oom_control")
                };
                write(&folder.join(limit), &memory.to_string());
                let file = rustix::fs::open(folder.join(events), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
                group.kills = file.ok().map(|file| (file, 0));
            }
        }
        (!group.folders.is_empty()).then_some(group)
    }

    /// Files of which each takes the process that writes `0` to it into the group.
    pub(super) fn join(&self) -> &[OwnedFd] {
        &self.join
    }

    /// A run begins: what the kernel ended before was another's.
    pub(super) fn begin(&mut self) {
        if let Some((file, before)) = &mut self.kills {
            *before = kills(file);
        }
    }

    /// Whether the kernel has ended a process of the present run at the memory limit.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        self.kills.as_ref().is_some_and(|(file, before)| kills(file) > *before)
    }
}

/// The number behind `oom_kill`, in the format that both versions share.
fn kills(file: &OwnedFd) -> u64 {
    let mut buffer = [0; 512];
    let got = rustix::io::pread(file, &mut buffer, 0).unwrap_or(0);
    let text = str::from_utf8(&buffer[..got]).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in &self.folders {
            remove(folder);
        }
    }
}

/// What this host offers, for `repro doctor`: `None` for nothing.
pub(super) fn describe() -> Option<String> {
    let places = find_places();
    let of = |pick: fn(&Place) -> bool| places.iter().find(|place| pick(place)).map(|place| place.folder.clone());
    let parts: Vec<String> = [("pids", of(|p| p.pids)), ("memory", of(|p| p.memory))]
        .into_iter()
        .filter_map(|(name, folder)| Some(format!("{name} at `{}`", folder?.display())))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Finds where groups can be made by making one, and removes those of dead processes.
fn find_places() -> Vec<Place> {
    let (Some(mounts), Some(own)) = (read(Path::new("/proc/self/mountinfo")), read(Path::new("/proc/self/cgroup")))
    else {
        return Vec::new();
    };
    let mut places: Vec<Place> = Vec::new();
    for candidate in candidates(&mounts, &own) {
        let have = |pick: fn(&Place) -> bool| places.iter().any(pick);
        let (pids, memory) = (candidate.pids && !have(|p| p.pids), candidate.memory && !have(|p| p.memory));
        if !pids && !memory {
            continue;
        }
        let probe = candidate.folder.join(format!("{PREFIX}{}-probe", rustix::process::getpid().as_raw_nonzero()));
        if rustix::fs::mkdirat(CWD, &probe, Mode::from_raw_mode(0o755)).is_err() {
            continue;
        }
        let has = |file: &str| rustix::fs::access(probe.join(file), rustix::fs::Access::WRITE_OK).is_ok();
        let memory_file = if candidate.unified { "memory.max" } else { "memory.limit_in_bytes" };
        let place = Place { pids: pids && has("pids.max"), memory: memory && has(memory_file), ..candidate };
        remove(&probe);
        if place.pids || place.memory {
            sweep(&place.folder);
            places.push(place);
        }
    }
    places
}

/// Reads mountinfo (proc(5)) and `/proc/self/cgroup` (cgroups(7)): our own group of each hierarchy, then for version 2
/// its root, because a group with processes may have no groups with controllers below it.
fn candidates(mounts: &str, own: &str) -> Vec<Place> {
    let mut found = Vec::new();
    for line in mounts.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let mut fields = before.split(' ');
        let (Some(root), Some(point)) = (fields.nth(3), fields.next()) else { continue };
        let mut kind = after.split(' ');
        let (Some(kind), Some(options)) = (kind.next(), kind.nth(1)) else { continue };
        let controller = |name| options.split(',').any(|option| option == name);
        let unified = kind == "cgroup2";
        let (pids, memory) = (unified || controller("pids"), unified || controller("memory"));
        if !(unified || kind == "cgroup") || !(pids || memory) {
            continue;
        }
        let ours = own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let named = |name| controllers.split(',').any(|controller| controller == name);
            let same =
                if unified { controllers.is_empty() } else { (pids && named("pids")) || (memory && named("memory")) };
            same.then_some(path)
        });
        let point = unescape(point);
        let below =
            ours.and_then(|path| Path::new(path).strip_prefix(unescape(root)).ok().map(|rest| point.join(rest)));
        let place = |folder| Place { folder, unified, pids, memory };
        found.extend(below.clone().map(place));
        if unified && below.as_ref() != Some(&point) {
            found.push(place(point));
        }
    }
    found
}

/// Mountinfo writes blanks and the like as three octal digits.
fn unescape(text: &str) -> PathBuf {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        match (byte, code) {
            (b'\\', Some(code)) => {
                out.push(code);
                rest = &after[3..];
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(out))
}

/// Removes groups of processes that no longer exist.
fn sweep(folder: &Path) {
    let Ok(opened) = rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    else {
        return;
    };
    let Ok(entries) = rustix::fs::Dir::read_from(&opened) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy();
        let maker = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')?.0.parse::<u32>().ok());
        if maker.is_some_and(|pid| rustix::fs::access(format!("/proc/{pid}"), rustix::fs::Access::EXISTS).is_err()) {
            remove(&folder.join(&*name));
        }
    }
}

fn remove(folder: &Path) {
    // If it stays, the next run's sweep has another go.
    let _ = rustix::fs::unlinkat(CWD, folder, rustix::fs::AtFlags::REMOVEDIR);
}

fn read(path: &Path) -> Option<String> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::fs::File::from(file), &mut text).ok()?;
    Some(text)
}

fn write(path: &Path, text: &str) {
    if let Ok(file) = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
        // Limits are bounds on harm, not isolation: see the module's text.
        let _ = rustix::io::write(file, text.as_bytes());
    }
}
