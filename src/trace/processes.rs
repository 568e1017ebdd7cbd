//! Which process a thread belongs to, where it came from and where it works: from `/proc` of this machine.
#![expect(
    clippy::disallowed_methods,
    reason = "how long a process was silent decides only whether it is looked at again"
)]

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::model::{PathId, Process};

/// A process that was silent for so long may have been killed and its number given to another.
const DOUBT: Duration = Duration::from_secs(1);

/// A process that lives.
pub(super) struct Live {
    /// Its number in the trace, from 1.
    pub(super) number: u32,
    /// Its number on this machine.
    pub(super) pid: u32,
    /// Its folder in `/proc`: bound to the process, not to its number.
    folder: Option<OwnedFd>,
    /// The working directory, while it is known.
    pub(super) directory: Option<PathId>,
    /// The thread that is changing it: it has done so when it is heard of again.
    pub(super) moving: Option<u32>,
    seen: Instant,
}

/// All living processes, by thread.
#[derive(Default)]
pub(super) struct Processes {
    threads: BTreeMap<u32, u32>,
    live: BTreeMap<u32, Live>,
    /// The sandbox's first process, which is no part of the stage.
    reaper: u32,
    /// The records, by number less one.
    pub(super) records: Vec<Process>,
    /// The numbers that the processes had inside, in the same order.
    pub(super) inner: Vec<u32>,
    text: Vec<u8>,
    /// At so many living processes, those that were killed are looked for.
    sweep_at: usize,
}

/// What `/proc/PID/status` says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Status {
    leader: u32,
    parent: u32,
    inner: u32,
}

impl Processes {
    /// The process that this thread belongs to; met for the first time, it gets the next number.
    pub(super) fn of(&mut self, thread: u32, order: u32) -> Option<u32> {
        if let Some(pid) = self.threads.get(&thread).copied()
            && let Some(live) = self.live.get_mut(&pid)
        {
            let now = Instant::now();
            let silent = now.saturating_duration_since(live.seen);
            live.seen = now;
            if silent < DOUBT || live.alive() {
                return Some(pid);
            }
            self.ended(pid);
        }
        let status = self.status(thread)?;
        if status.leader != thread {
            self.threads.insert(thread, status.leader);
            if self.live.contains_key(&status.leader) {
                return Some(status.leader);
            }
            let leader = self.status(status.leader)?;
            return Some(self.meet(status.leader, &leader, order));
        }
        Some(self.meet(thread, &status, order))
    }

    pub(super) fn live(&mut self, pid: u32) -> Option<&mut Live> {
        self.live.get_mut(&pid)
    }

    /// All working directories have to be asked for again.
    pub(super) fn forget_directories(&mut self) {
        self.live.values_mut().for_each(|live| live.directory = None);
    }

    fn meet(&mut self, pid: u32, status: &Status, order: u32) -> u32 {
        if self.records.is_empty() {
            self.reaper = status.parent;
        }
        let parent = self.parent(status.parent, order, 0);
        self.begin(pid, parent, status.inner, order)
    }

    /// The number of a process that must be known before its child is: it may not have made a call itself.
    fn parent(&mut self, pid: u32, order: u32, depth: u32) -> u32 {
        if let Some(live) = self.live.get(&pid) {
            return live.number;
        }
        // No process inside has so many ancestors that never made a call.
        if pid == self.reaper || pid < 2 || depth > 100 {
            return 0;
        }
        let Some(status) = self.status(pid) else { return 0 };
        let parent = self.parent(status.parent, order, depth + 1);
        self.begin(pid, parent, status.inner, order);
        self.records.len() as u32
    }

    fn begin(&mut self, pid: u32, parent: u32, inner: u32, order: u32) -> u32 {
        if self.live.len() > self.sweep_at {
            let killed: Vec<u32> = self.live.values().filter(|live| !live.alive()).map(|live| live.pid).collect();
            killed.into_iter().for_each(|pid| self.ended(pid));
            self.sweep_at = self.live.len() * 2 + 100;
        }
        self.records.push(Process { parent, start: order, ..Process::default() });
        self.inner.push(inner);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(CWD, format!("/proc/{pid}"), flags, Mode::empty()).ok();
        let number = self.records.len() as u32;
        let seen = Instant::now();
        self.live.insert(pid, Live { number, pid, folder, directory: None, moving: None, seen });
        self.threads.insert(pid, pid);
        pid
    }

    /// A process is about to end: its children get another parent then, so they are met now.
    pub(super) fn ending(&mut self, pid: u32, order: u32) {
        let Some(number) = self.live.get(&pid).map(|live| live.number) else { return };
        let threads: Vec<u32> = self.threads.iter().filter(|(_, of)| **of == pid).map(|(thread, _)| *thread).collect();
        for thread in threads {
            let Some(live) = self.live.get(&pid) else { return };
            if !live.read(&format!("task/{thread}/children"), &mut self.text) {
                continue;
            }
            let children: Vec<u32> =
                String::from_utf8_lossy(&self.text).split_whitespace().filter_map(|word| word.parse().ok()).collect();
            for child in children {
                if !self.live.contains_key(&child)
                    && let Some(status) = self.status(child)
                {
                    self.begin(child, number, status.inner, order);
                }
            }
        }
        self.ended(pid);
    }

    /// Whether a process has this thread only, as far as is known.
    pub(super) fn is_only_thread(&self, pid: u32, thread: u32) -> bool {
        thread == pid && self.threads.values().filter(|of| **of == pid).count() == 1
    }

    /// A thread is about to end.
    pub(super) fn thread_ended(&mut self, thread: u32) {
        if !self.live.contains_key(&thread) {
            self.threads.remove(&thread);
        }
    }

    fn ended(&mut self, pid: u32) {
        self.live.remove(&pid);
        self.threads.retain(|_, of| *of != pid);
    }

    fn status(&mut self, thread: u32) -> Option<Status> {
        let file = rustix::fs::open(format!("/proc/{thread}/status"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        read(&file.ok()?, &mut self.text).then(|| parse(&self.text))
    }
}

fn parse(text: &[u8]) -> Status {
    let mut status = Status::default();
    for line in text.split(|byte| *byte == b'\n') {
        let Some((key, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) else { continue };
        let last = value.split_whitespace().last().and_then(|word| word.parse().ok()).unwrap_or(0);
        match key {
            "Tgid" => status.leader = last,
            "PPid" => status.parent = last,
            "NSpid" => {
                status.inner = last;
                break;
            }
            _ => {}
        }
    }
    status
}

fn read(file: &OwnedFd, text: &mut Vec<u8>) -> bool {
    text.clear();
    text.reserve(4096);
    loop {
        match rustix::io::read(file, rustix::buffer::spare_capacity(text)) {
            Ok(0) => return true,
            Ok(_) => text.reserve(4096),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

impl Live {
    /// Whether the process with which the folder was opened is still there.
    fn alive(&self) -> bool {
        self.folder.as_ref().is_none_or(|folder| rustix::fs::statat(folder, c"status", AtFlags::empty()).is_ok())
    }

    /// Reads a file of its folder.
    fn read(&self, name: &str, text: &mut Vec<u8>) -> bool {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = match &self.folder {
            Some(folder) => rustix::fs::openat(folder, name, flags, Mode::empty()),
            None => rustix::fs::open(format!("/proc/{}/{name}", self.pid), flags, Mode::empty()),
        };
        file.is_ok_and(|file| read(&file, text))
    }

    /// Where a link of its folder points to.
    pub(super) fn link(&self, name: &str) -> Option<Vec<u8>> {
        let link = match &self.folder {
            Some(folder) => rustix::fs::readlinkat(folder, name, Vec::with_capacity(256)),
            None => rustix::fs::readlink(format!("/proc/{}/{name}", self.pid), Vec::with_capacity(256)),
        };
        link.ok().map(std::ffi::CString::into_bytes)
    }

    /// Opens its root directory.
    pub(super) fn root(&self) -> Option<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match &self.folder {
            Some(folder) => rustix::fs::openat(folder, c"root", flags, Mode::empty()).ok(),
            None => rustix::fs::open(format!("/proc/{}/root", self.pid), flags, Mode::empty()).ok(),
        }
    }
}
