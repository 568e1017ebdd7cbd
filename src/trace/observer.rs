//! The thread that hears of a stage's calls: it answers each with "go on" and notes what it means.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::calls::{self, Call, Place, Two};
use super::memory;
use super::model::{CallKind, Exit, Move, MoveKind, PathId, Program, Trace, Ways};
use super::paths::{Kind, Paths};
use super::processes::{Live, Processes};
use super::program::{Needs, needs};
use super::record::Record;
use super::tracer::First;
use super::walk::{Found, Own, View};
use crate::sandbox::Listener;
use crate::sys::remote;
use crate::sys::seccomp::Notification;

/// Interpreters of interpreters that the kernel follows.
const DEEPEST: usize = 5;

/// All that is known of a stage so far.
pub(super) struct Observer {
    paths: Paths,
    view: View,
    processes: Processes,
    record: Record,
    /// Objects without a path, by the name that `/proc` has for them.
    nameless: BTreeMap<Vec<u8>, PathId>,
    /// What the kernel opens by itself for a program.
    needs: BTreeMap<PathId, Needs>,
    /// The first program, until its process could be looked at.
    first: Option<First>,
    order: u32,
    /// Reused.
    text: Vec<u8>,
    followed: Vec<PathId>,
}

/// Whether RECV comes back when nobody is left under the filter (Linux 6.11); otherwise poll has to tell.
fn receive_ends() -> bool {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy().into_owned();
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6, 11)
}

/// Answers calls until nobody is left under the filter. Gives the trace, and the processes' numbers inside the sandbox.
pub(super) fn observe(listener: &Listener, first: First) -> Result<(Trace, Vec<u32>), Errno> {
    // An older kernel does without.
    let _ = remote::wake_nearby(listener.as_fd());
    let mut observer = Observer::new(first);
    let ends = receive_ends();
    loop {
        if !ends && hung_up(listener, None)? {
            break;
        }
        match listener.receive() {
            Ok(call) => {
                observer.hear(listener, &call);
                // ENOENT: it was killed meanwhile.
                let _ = listener.let_go_on(call.id);
            }
            Err(Errno::NOTCONN) => break,
            Err(Errno::NOENT | Errno::INTR) => {
                if hung_up(listener, Some(Timespec { tv_sec: 0, tv_nsec: 0 }))? {
                    break;
                }
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(observer.finish())
}

/// Whether nobody is left; waits until a call or the end comes, or for so long.
fn hung_up(listener: &Listener, wait: Option<Timespec>) -> Result<bool, Errno> {
    let mut polled = [PollFd::new(listener, PollFlags::IN)];
    match rustix::event::poll(&mut polled, wait.as_ref()) {
        Ok(_) => Ok(polled[0].revents().contains(PollFlags::HUP) && !polled[0].revents().contains(PollFlags::IN)),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(errno),
    }
}

impl Observer {
    fn new(first: First) -> Self {
        let mut paths = Paths::new();
        Self {
            view: View::new(&mut paths),
            paths,
            processes: Processes::default(),
            record: Record::default(),
            nameless: BTreeMap::new(),
            needs: BTreeMap::new(),
            first: Some(first),
            order: 0,
            text: Vec::new(),
            followed: Vec::new(),
        }
    }

    fn finish(self) -> (Trace, Vec<u32>) {
        let trace = self.record.finish(self.paths.into_entries(), self.processes.records);
        (trace, self.processes.inner)
    }

    /// Notes and counts a call, before it happens.
    fn hear(&mut self, listener: &Listener, call: &Notification) {
        self.order = self.order.saturating_add(1);
        match self.note(listener, call) {
            Some(kind) => self.record.count(kind),
            None if listener.still_waits(call.id) => self.record.count(CallKind::Unread),
            // Its thread was killed, or a signal came first and the call is made again: this one never happens.
            None => {}
        }
    }

    /// None: it could not be read.
    fn note(&mut self, listener: &Listener, call: &Notification) -> Option<CallKind> {
        let pid = self.processes.of(call.thread, self.order)?;
        let decoded = calls::decode(call.call.into(), &call.arguments);
        if self.first.is_some() && !self.begin(call.thread, pid, &decoded) {
            return Some(CallKind::Execute);
        }
        let this = Caller { thread: call.thread, pid };
        match decoded {
            Call::Open(place, flags) => self.open(listener, call.id, this, place, flags),
            Call::OpenHow(place, how) => {
                let flags = u64::from_le_bytes(memory::bytes(this.thread, how)?);
                let place = Place { follow: calls::open_follows(flags), ..place };
                self.open(listener, call.id, this, place, flags)
            }
            Call::One(place, kind, ways) => self.one(listener, call.id, this, place, kind, ways),
            Call::Two(from, to, two) => self.two(listener, call.id, this, from, to, two),
            Call::Execute(place, arguments) => self.execute(listener, call.id, this, place, arguments),
            Call::EnterDescriptor(number) => {
                if let Some(path) = self.descriptor(pid, number) {
                    self.add(pid, path, Ways::ENTERED);
                }
                self.moves(this);
                Some(CallKind::Enter)
            }
            Call::End(code) => self.end(pid, code),
            Call::EndThread(code) if self.processes.is_only_thread(pid, this.thread) => self.end(pid, code),
            Call::EndThread(_) => {
                self.processes.thread_ended(this.thread);
                Some(CallKind::End)
            }
            Call::Socket(address, length, makes) => self.socket(listener, call.id, this, address, length, makes),
            Call::Unknown => None,
        }
    }

    /// Gets hold of the sandbox. A plain user may not look at the first process before it has executed its program: the
    /// call is the one that the plan says.
    fn begin(&mut self, thread: u32, pid: u32, call: &Call) -> bool {
        if let Call::Execute(place, _) = call
            && matches!(memory::string(thread, place.address, &mut self.text), Err(Errno::PERM | Errno::ACCESS))
        {
            return false;
        }
        let executing = matches!(call, Call::Execute(..));
        let Some(first) = self.first.take() else { return true };
        let Some(root) = self.processes.live(pid).and_then(|live| live.root()) else { return true };
        self.view.enter(root);
        if executing && self.order == 1 {
            // It comes as any other program does.
            return true;
        }
        let directory = self.paths.plain(&first.directory);
        let name = first.arguments.first().map_or(&b""[..], Vec::as_slice);
        let path = if name.contains(&b'/') {
            let mut followed = Vec::new();
            let Self { view, paths, .. } = self;
            let found = view.walk(paths, directory, name, true, &mut Nobody, &mut followed);
            followed.iter().for_each(|link| self.add(pid, *link, Ways::FOLLOWED));
            Some(found.path)
        } else {
            self.processes.live(pid).and_then(|live| live.link("exe")).map(|link| self.meaning(&link))
        };
        if let Some(path) = path {
            self.started(pid, path, directory, first.arguments, false);
        }
        true
    }

    fn add(&mut self, pid: u32, path: PathId, ways: Ways) {
        if let Some(live) = self.processes.live(pid) {
            self.record.add(self.order, live.number, path, ways);
        }
    }

    /// What a link in `/proc` means.
    fn meaning(&mut self, link: &[u8]) -> PathId {
        meaning(&mut self.paths, &mut self.nameless, link)
    }

    /// What a descriptor is open on.
    fn descriptor(&mut self, pid: u32, number: i32) -> Option<PathId> {
        let link = self.processes.live(pid)?.link(&format!("fd/{number}"))?;
        Some(self.meaning(&link))
    }

    /// The working directory. The thread that changes it has done so when it makes its next call; until then nothing
    /// that is found is kept, since another thread may ask before.
    fn directory(&mut self, this: Caller) -> Option<PathId> {
        let live = self.processes.live(this.pid)?;
        if let Some(directory) = live.directory {
            return Some(directory);
        }
        let link = live.link("cwd")?;
        let settled = live.moving.is_none();
        let directory = meaning(&mut self.paths, &mut self.nameless, &link);
        if settled && let Some(live) = self.processes.live(this.pid) {
            live.directory = Some(directory);
        }
        Some(directory)
    }

    fn moves(&mut self, this: Caller) {
        if let Some(live) = self.processes.live(this.pid) {
            live.directory = None;
            live.moving = Some(this.thread);
        }
    }

    /// Follows the path of a call, and notes the links on the way. None: there is no path, and the call fails.
    fn find(&mut self, listener: &Listener, id: u64, this: Caller, place: Place) -> Option<Found> {
        if let Some(live) = self.processes.live(this.pid)
            && live.moving == Some(this.thread)
        {
            live.moving = None;
        }
        let mut text = std::mem::take(&mut self.text);
        let read = memory::string(this.thread, place.address, &mut text);
        // Whoever was read waits still: it was not another process with its number.
        let found = if read.is_ok() && listener.still_waits(id) {
            self.find_text(this, place, &text)
        } else if place.empty && place.address == 0 {
            // No path at all means the descriptor as well (Linux 6.11).
            self.find_text(this, place, b"")
        } else {
            None
        };
        self.text = text;
        found
    }

    fn find_text(&mut self, this: Caller, place: Place, text: &[u8]) -> Option<Found> {
        let relative = text.first() != Some(&b'/');
        let from = match place.folder {
            _ if !relative => Some(super::model::ROOT),
            None => self.directory(this),
            Some(number) => self.descriptor(this.pid, number),
        };
        if text.is_empty() {
            let path = from.filter(|_| place.empty)?;
            return Some(Found { path, kind: self.view.kind(&mut self.paths, path) });
        }
        let mut followed = std::mem::take(&mut self.followed);
        followed.clear();
        let Self { view, paths, processes, nameless, .. } = self;
        let live = processes.live(this.pid)?;
        let found = view.walk(paths, from?, text, place.follow, &mut Links { live, nameless }, &mut followed);
        followed.iter().for_each(|link| self.add(this.pid, *link, Ways::FOLLOWED));
        self.followed = followed;
        Some(found)
    }

    fn open(&mut self, listener: &Listener, id: u64, this: Caller, place: Place, flags: u64) -> Option<CallKind> {
        let Found { path, kind } = self.find(listener, id, this, place)?;
        let has = |flag: i32| flags & flag as u64 == flag as u64;
        let creates = has(libc::O_CREAT);
        let mut ways = match flags as i32 & libc::O_ACCMODE {
            _ if has(libc::O_PATH) => Ways::LOOKED,
            _ if has(libc::O_TMPFILE) => Ways::LOOKED,
            _ if kind == Kind::Directory || has(libc::O_DIRECTORY) => Ways::LISTED,
            libc::O_RDONLY => Ways::READ,
            libc::O_WRONLY => Ways::WRITTEN,
            libc::O_RDWR => Ways::READ.and(Ways::WRITTEN),
            _ => Ways::LOOKED,
        };
        if has(libc::O_TRUNC) && ways.any(Ways::READ) {
            ways = ways.and(Ways::WRITTEN);
        }
        if kind == Kind::Absent {
            ways = if creates && !has(libc::O_PATH) {
                Ways(ways.0 & !Ways::READ.0).and(Ways::WRITTEN).and(Ways::CREATED)
            } else {
                Ways::LOOKED.and(Ways::ABSENT)
            };
        }
        if creates && matches!(kind, Kind::Absent | Kind::Unknown) {
            self.paths.changes(path);
        }
        self.add(this.pid, path, ways);
        Some(CallKind::Open)
    }

    fn one(
        &mut self,
        listener: &Listener,
        id: u64,
        this: Caller,
        place: Place,
        call: CallKind,
        ways: Ways,
    ) -> Option<CallKind> {
        let found = self.find(listener, id, this, place);
        if call == CallKind::Enter {
            self.moves(this);
        }
        let Found { path, kind } = found?;
        let absent = kind == Kind::Absent;
        let ways = match call {
            CallKind::Make if absent || kind == Kind::Unknown => ways,
            // What is there cannot be made.
            CallKind::Make => Ways::LOOKED,
            _ if absent => Ways::LOOKED.and(Ways::ABSENT),
            _ => ways,
        };
        if matches!(call, CallKind::Make | CallKind::Remove) {
            self.paths.changes(path);
        }
        if call == CallKind::Change && ways.any(Ways::CHANGED) {
            // A program may have become one by chmod.
            self.paths.changes(path);
        }
        self.add(this.pid, path, ways);
        Some(call)
    }

    fn two(
        &mut self,
        listener: &Listener,
        id: u64,
        this: Caller,
        from: Place,
        to: Place,
        two: Two,
    ) -> Option<CallKind> {
        let old = self.find(listener, id, this, from)?;
        let new = self.find(listener, id, this, to)?;
        if old.kind == Kind::Absent {
            self.add(this.pid, old.path, Ways::LOOKED.and(Ways::ABSENT));
            self.add(this.pid, new.path, Ways::LOOKED);
            return Some(CallKind::Move);
        }
        let both = Ways::MOVED_FROM.and(Ways::MOVED_TO);
        let (gone, come, kind) = match two {
            Two::Rename => (Ways::MOVED_FROM.and(Ways::REMOVED), Ways::MOVED_TO, MoveKind::Rename),
            Two::Link => (Ways::MOVED_FROM, Ways::MOVED_TO, MoveKind::Link),
            Two::Exchange => (both, both, MoveKind::Exchange),
        };
        self.add(this.pid, old.path, gone);
        self.add(this.pid, new.path, come);
        let process = self.processes.live(this.pid)?.number;
        self.record.moves.push(Move { order: self.order, process, kind, from: old.path, to: new.path });
        self.paths.changes(old.path);
        self.paths.changes(new.path);
        let moved = |kind: Kind| matches!(kind, Kind::Directory | Kind::Unknown);
        if two != Two::Link && (moved(old.kind) || two == Two::Exchange && moved(new.kind)) {
            self.paths.forget();
            self.processes.forget_directories();
        }
        Some(CallKind::Move)
    }

    fn execute(
        &mut self,
        listener: &Listener,
        id: u64,
        this: Caller,
        place: Place,
        arguments: u64,
    ) -> Option<CallKind> {
        let found = self.find(listener, id, this, place)?;
        match found.kind {
            Kind::Absent => self.add(this.pid, found.path, Ways::LOOKED.and(Ways::ABSENT)),
            // It will be refused.
            Kind::Directory | Kind::File { executable: false } => self.add(this.pid, found.path, Ways::LOOKED),
            _ => {
                let (arguments, cut) = memory::strings(this.thread, arguments);
                let directory = self.directory(this).unwrap_or(super::model::ROOT);
                self.started(this.pid, found.path, directory, arguments, cut);
            }
        }
        Some(CallKind::Execute)
    }

    /// Notes a program, what the kernel opens for it, and its standard descriptors.
    fn started(&mut self, pid: u32, path: PathId, directory: PathId, arguments: Vec<Vec<u8>>, cut: bool) {
        let order = self.order;
        if let Some(live) = self.processes.live(pid) {
            let at = live.number as usize - 1;
            if let Some(record) = self.processes.records.get_mut(at) {
                record.programs.push(Program { order, path, directory, arguments, cut });
            }
        }
        self.add(pid, path, Ways::EXECUTED);
        let mut at = path;
        for _ in 0..DEEPEST {
            let (name, loader) = match self.needs(at) {
                Needs::Nothing => break,
                Needs::Interpreter(name) => (name, false),
                Needs::Loader(name) => (name, true),
            };
            let mut followed = Vec::new();
            let Self { view, paths, .. } = self;
            let found = view.walk(paths, directory, &name, true, &mut Nobody, &mut followed);
            followed.iter().for_each(|link| self.add(pid, *link, Ways::FOLLOWED));
            if found.kind == Kind::Absent {
                self.add(pid, found.path, Ways::LOOKED.and(Ways::ABSENT));
                break;
            }
            self.add(pid, found.path, Ways::LOADER);
            if loader {
                break;
            }
            at = found.path;
        }
        self.standard(pid);
    }

    fn needs(&mut self, path: PathId) -> Needs {
        if let Some(known) = self.needs.get(&path) {
            return known.clone();
        }
        let file = matches!(self.view.kind(&mut self.paths, path), Kind::File { .. });
        let head = if file { self.view.head(&self.paths, path) } else { None };
        let needs = head.map_or(Needs::Nothing, |head| needs(&head));
        if !self.paths.is_changing(path) {
            self.needs.insert(path, needs.clone());
        }
        needs
    }

    /// Notes what standard input, output and error are: files that a shell opened, and pipes.
    fn standard(&mut self, pid: u32) {
        for (number, ways) in [(0, Ways::READ), (1, Ways::WRITTEN), (2, Ways::WRITTEN)] {
            let Some(path) = self.descriptor(pid, number) else { continue };
            // Devices connect nobody.
            if self.view.kind(&mut self.paths, path) != Kind::Other {
                self.add(pid, path, ways.and(Ways::STANDARD));
            }
        }
    }

    fn end(&mut self, pid: u32, code: u8) -> Option<CallKind> {
        let at = self.processes.live(pid)?.number as usize - 1;
        if self.processes.records.get(at).is_some_and(|record| record.programs.is_empty()) {
            self.standard(pid);
        }
        if let Some(record) = self.processes.records.get_mut(at) {
            record.end = Some(self.order);
            record.exit = Exit::Code(code);
        }
        self.processes.ending(pid, self.order);
        Some(CallKind::End)
    }

    fn socket(
        &mut self,
        listener: &Listener,
        id: u64,
        this: Caller,
        address: u64,
        length: u64,
        makes: bool,
    ) -> Option<CallKind> {
        let kind = if makes { CallKind::Make } else { CallKind::Look };
        // struct sockaddr_un: a family of two bytes, a path that need not end with a NUL (unix(7)).
        let mut raw = [0; 110];
        let length = usize::try_from(length).unwrap_or(0).min(raw.len());
        let got = remote::read(this.thread, &[(address, length)], &mut raw[..length]).ok()?;
        let local = got > 2 && u16::from_ne_bytes([raw[0], raw[1]]) == libc::AF_UNIX as u16 && raw[2] != 0;
        if !local || !listener.still_waits(id) {
            return Some(kind);
        }
        let path = raw[2..got].split(|byte| *byte == 0).next()?;
        let place = Place { folder: None, address, follow: !makes, empty: false };
        let Found { path, kind: there } = self.find_text(this, place, path)?;
        if makes {
            self.paths.changes(path);
        }
        let ways = match there {
            Kind::Absent if makes => Ways::CREATED,
            Kind::Absent => Ways::LOOKED.and(Ways::ABSENT),
            _ => Ways::LOOKED,
        };
        self.add(this.pid, path, ways);
        Some(kind)
    }
}

/// Who makes a call.
#[derive(Debug, Clone, Copy)]
struct Caller {
    thread: u32,
    pid: u32,
}

/// The links of a process's folder in `/proc`.
struct Links<'a> {
    live: &'a mut Live,
    nameless: &'a mut BTreeMap<Vec<u8>, PathId>,
}

impl Own for Links<'_> {
    fn link(&mut self, paths: &mut Paths, name: &[u8]) -> Option<PathId> {
        let name = std::str::from_utf8(name).ok()?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !matches!(name, "cwd" | "exe" | "root") && !name.strip_prefix("fd/").is_some_and(number) {
            return None;
        }
        let link = self.live.link(name)?;
        Some(meaning(paths, self.nameless, &link))
    }
}

/// Of an interpreter's name only what is the same for all is followed.
struct Nobody;

impl Own for Nobody {
    fn link(&mut self, _: &mut Paths, _: &[u8]) -> Option<PathId> {
        None
    }
}

/// What a link in `/proc` means: a path, or an object without one. Pipes and sockets get numbers in the order in which
/// they are met, since the kernel's differ from run to run.
fn meaning(paths: &mut Paths, nameless: &mut BTreeMap<Vec<u8>, PathId>, link: &[u8]) -> PathId {
    let gone = link.strip_suffix(b" (deleted)");
    if link.first() == Some(&b'/') && !link.starts_with(b"/memfd:") {
        return paths.plain(gone.unwrap_or(link));
    }
    if let Some(id) = nameless.get(link) {
        return *id;
    }
    let text = gone.unwrap_or(link);
    let text = text.strip_prefix(b"/").unwrap_or(text);
    let kind = text.split(|byte| *byte == b':').next().unwrap_or(text);
    let name = if text.starts_with(b"pipe:[") || text.starts_with(b"socket:[") {
        [kind, format!(":{}", nameless.len() + 1).as_bytes()].concat()
    } else {
        text.iter().map(|byte| if *byte == b'/' { b'|' } else { *byte }).collect()
    };
    let id = paths.nameless(if name.is_empty() { b"?" } else { &name });
    nameless.insert(link.to_vec(), id);
    id
}
