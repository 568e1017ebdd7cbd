//! What calls do to a stage's files and to a process's descriptors.

use super::{Follower, text};
use crate::calls::{self, Call, CallKind, Event, Place, Two, Ways};
use crate::trace::descriptors::Open;
use crate::trace::files::What;
use crate::trace::model::{Move, MoveKind, PathId};

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Well(i64),
    /// Something was not there.
    Absent,
    /// Something else.
    Wrong,
}

impl Came {
    fn of(result: i64) -> Self {
        const ABSENT: [i64; 2] = [-(libc::ENOENT as i64), -(libc::ENOTDIR as i64)];
        match result {
            0.. => Self::Well(result),
            _ if ABSENT.contains(&result) => Self::Absent,
            _ => Self::Wrong,
        }
    }

    fn well(self) -> bool {
        matches!(self, Self::Well(_))
    }
}

impl Follower {
    /// Hears of a call. None: it concerned no path.
    pub(super) fn call(&mut self, event: &Event<'_>) -> Option<CallKind> {
        let pid = event.process;
        let came = Came::of(event.result);
        let a = &event.arguments;
        let number = event.number.into();
        if self.descriptors(event) {
            return None;
        }
        let unread = Some(CallKind::Unread);
        match calls::decode(number, a) {
            Call::Open(place, flags) => {
                let Some(path) = text(event.first) else { return unread };
                Some(self.open(pid, place, flags, path, came))
            }
            Call::OpenHow(place, _) => {
                let flags = event.first.first_chunk().map(|flags| u64::from_ne_bytes(*flags));
                let (Some(flags), Some(path)) = (flags, text(event.second)) else { return unread };
                let place = Place { follow: calls::open_follows(flags), ..place };
                Some(self.open(pid, place, flags, path, came))
            }
            Call::One(place, CallKind::Make, _) => {
                let link = is_symlink(number);
                let Some(path) = text(if link { event.second } else { event.first }) else { return unread };
                let what = match number {
                    _ if link => What::Link(text(event.first).unwrap_or_default().to_vec()),
                    libc::SYS_mkdirat => What::Directory,
                    #[cfg(target_arch = "x86_64")]
                    libc::SYS_mkdir => What::Directory,
                    // mknod(2) makes all that is no directory.
                    _ => What::Something,
                };
                Some(self.make(pid, place, path, what, came))
            }
            Call::One(place, kind, ways) => {
                let Some(path) = text(event.first) else { return unread };
                Some(self.one(pid, place, (kind, ways), path, came))
            }
            Call::Two(from, to, two) => {
                let (Some(old), Some(new)) = (text(event.first), text(event.second)) else { return unread };
                Some(self.two(pid, (from, old), (to, new), two, came))
            }
            // One that worked is heard of otherwise.
            Call::Execute(..) if came.well() => None,
            Call::Execute(place, _) => {
                let Some(path) = text(event.first) else { return unread };
                if let Some(found) = self.find(pid, place, path) {
                    self.looked(pid, found.path, came);
                }
                Some(CallKind::Execute)
            }
            Call::Socket(_, length, makes) => Some(self.socket(pid, event.first, length, makes, came)),
            Call::EnterDescriptor(number) => {
                let open = self.live.get(&pid)?.descriptors.get(number)?;
                self.add(pid, open.path, Ways::ENTERED);
                self.live.get_mut(&pid)?.directory = open.node?;
                Some(CallKind::Enter)
            }
            Call::Unknown => None,
        }
    }

    /// Calls that concern descriptors only.
    fn descriptors(&mut self, event: &Event<'_>) -> bool {
        let a = &event.arguments;
        let (first, second) = (a[0] as i32, a[1] as i32);
        let given = event.result as i32;
        let pair = || {
            let bytes = event.first.first_chunk::<8>()?;
            let word = |at: usize| i32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            Some([word(0), word(4)])
        };
        let cloexec = |flags: u64, flag: i32| flags & flag as u64 != 0;
        let number = i64::from(event.number);
        let made = match number {
            libc::SYS_pipe2 => Some(("pipe", cloexec(a[1], libc::O_CLOEXEC))),
            libc::SYS_socketpair => Some(("socket", cloexec(a[1], libc::SOCK_CLOEXEC))),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_pipe => Some(("pipe", false)),
            _ => None,
        };
        if let Some((kind, closes)) = made {
            let path = self.nameless(kind);
            if let (Some(numbers), Some(live)) = (pair(), self.live.get_mut(&event.process)) {
                numbers.iter().for_each(|number| live.descriptors.set(*number, Open { path, node: None }, closes));
            }
            return true;
        }
        if number == libc::SYS_memfd_create {
            let path = self.nameless("memfd");
            if let Some(live) = self.live.get_mut(&event.process) {
                let closes = cloexec(a[1], libc::MFD_CLOEXEC as i32);
                live.descriptors.set(given, Open { path, node: None }, closes);
            }
            return true;
        }
        let Some(live) = self.live.get_mut(&event.process) else { return true };
        let all = &mut live.descriptors;
        match number {
            libc::SYS_close => all.close(first, first),
            libc::SYS_close_range => {
                let last = a[1].min(i32::MAX as u64) as i32;
                if a[2] & u64::from(libc::CLOSE_RANGE_CLOEXEC) == 0 {
                    all.close(first, last);
                } else {
                    all.set_closes(first, last, true);
                }
            }
            libc::SYS_dup => all.copy(first, given, false),
            libc::SYS_dup3 => all.copy(first, given, cloexec(a[2], libc::O_CLOEXEC)),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_dup2 if first == given => {}
            #[cfg(target_arch = "x86_64")]
            libc::SYS_dup2 => all.copy(first, given, false),
            libc::SYS_fcntl => match second {
                libc::F_DUPFD => all.copy(first, given, false),
                libc::F_DUPFD_CLOEXEC => all.copy(first, given, true),
                libc::F_SETFD => all.set_closes(first, first, cloexec(a[2], libc::FD_CLOEXEC)),
                _ => {}
            },
            libc::SYS_ioctl => all.set_closes(first, first, a[1] as u32 == libc::FIOCLEX as u32),
            _ => return false,
        }
        true
    }

    /// A path that a call asked for, and did not get.
    fn looked(&mut self, pid: u32, path: PathId, came: Came) {
        let absent = if came == Came::Absent { Ways::ABSENT } else { Ways::default() };
        self.add(pid, path, Ways::LOOKED.and(absent));
    }

    fn open(&mut self, pid: u32, place: Place, flags: u64, path: &[u8], came: Came) -> CallKind {
        let Some(found) = self.find(pid, place, path) else { return CallKind::Open };
        let Came::Well(number) = came else {
            self.looked(pid, found.path, came);
            return CallKind::Open;
        };
        let has = |flag: i32| flags & flag as u64 == flag as u64;
        let directory = found.node.is_some_and(|node| *self.files.what(node) == What::Directory);
        let mut open = Open { path: found.path, node: found.node };
        let mut ways = match flags as i32 & libc::O_ACCMODE {
            _ if has(libc::O_PATH) => Ways::LOOKED,
            _ if has(libc::O_TMPFILE) => Ways::LOOKED,
            _ if directory || has(libc::O_DIRECTORY) => Ways::LISTED,
            libc::O_RDONLY => Ways::READ,
            libc::O_WRONLY => Ways::WRITTEN,
            libc::O_RDWR => Ways::READ.and(Ways::WRITTEN),
            _ => Ways::LOOKED,
        };
        if has(libc::O_TRUNC) && ways.any(Ways::READ) {
            ways = ways.and(Ways::WRITTEN);
        }
        if has(libc::O_TMPFILE) && !has(libc::O_PATH) {
            let path = self.nameless("file");
            let node = self.files.add(What::File, None);
            self.add(pid, path, Ways::WRITTEN.and(Ways::CREATED));
            open = Open { path, node: Some(node) };
        } else if has(libc::O_CREAT) && found.node.is_none() && found.directory.is_some() {
            ways = Ways(ways.0 & !Ways::READ.0).and(Ways::WRITTEN).and(Ways::CREATED);
            let node = self.files.add(What::File, None);
            self.put(found, Some(node));
            open.node = Some(node);
        } else {
            open.node = self.there(found);
        }
        if let Some(node) = open.node.filter(|_| ways.any(Ways::WRITTEN)) {
            self.changed(node);
        }
        if let Some(live) = self.live.get_mut(&pid) {
            live.descriptors.set(number as i32, open, has(libc::O_CLOEXEC));
        }
        self.add(pid, found.path, ways);
        CallKind::Open
    }

    fn make(&mut self, pid: u32, place: Place, path: &[u8], what: What, came: Came) -> CallKind {
        if let Some(found) = self.find(pid, place, path) {
            if came.well() {
                let node = self.files.add(what, None);
                self.put(found, Some(node));
                self.add(pid, found.path, Ways::CREATED);
            } else {
                self.looked(pid, found.path, came);
            }
        }
        CallKind::Make
    }

    fn one(&mut self, pid: u32, place: Place, (call, ways): (CallKind, Ways), path: &[u8], came: Came) -> CallKind {
        let Some(found) = self.find(pid, place, path) else { return call };
        if !came.well() {
            self.looked(pid, found.path, came);
            return call;
        }
        match call {
            CallKind::Remove => self.put(found, None),
            CallKind::Enter => {
                if let (Some(node), Some(live)) = (self.there(found), self.live.get_mut(&pid)) {
                    live.directory = node;
                }
            }
            _ => {
                self.there(found);
            }
        }
        if let Some(node) = found.node.filter(|_| ways.any(Ways::WRITTEN)) {
            self.changed(node);
        }
        self.add(pid, found.path, ways);
        call
    }

    fn two(&mut self, pid: u32, old: (Place, &[u8]), new: (Place, &[u8]), two: Two, came: Came) -> CallKind {
        let (Some(from), Some(to)) = (self.find(pid, old.0, old.1), self.find(pid, new.0, new.1)) else {
            return CallKind::Move;
        };
        if !came.well() {
            let missing = if from.node.is_none() { came } else { Came::Wrong };
            self.looked(pid, from.path, missing);
            self.looked(pid, to.path, if from.node.is_some() { came } else { Came::Wrong });
            return CallKind::Move;
        }
        let node = self.there(from);
        let both = Ways::MOVED_FROM.and(Ways::MOVED_TO);
        let (gone, come, kind) = match two {
            Two::Rename => (Ways::MOVED_FROM.and(Ways::REMOVED), Ways::MOVED_TO, MoveKind::Rename),
            Two::Link => (Ways::MOVED_FROM, Ways::MOVED_TO, MoveKind::Link),
            Two::Exchange => (both, both, MoveKind::Exchange),
        };
        match two {
            // Two names of one file: rename(2) does nothing.
            Two::Rename if node.is_some() && from.node == to.node => {}
            Two::Rename => {
                self.put(from, None);
                self.put(to, node);
            }
            Two::Link => self.put(to, node),
            Two::Exchange => {
                self.put(from, to.node);
                self.put(to, node);
            }
        }
        self.add(pid, from.path, gone);
        self.add(pid, to.path, come);
        if let Some(live) = self.live.get(&pid) {
            let process = live.number;
            self.record.moves.push(Move { order: self.order, process, kind, from: from.path, to: to.path });
        }
        CallKind::Move
    }

    fn socket(&mut self, pid: u32, raw: &[u8], length: u64, makes: bool, came: Came) -> CallKind {
        let kind = if makes { CallKind::Make } else { CallKind::Look };
        // struct sockaddr_un: a family of two bytes, a path that need not end with a NUL (unix(7)).
        let raw = &raw[..raw.len().min(usize::try_from(length).unwrap_or(0))];
        let local = raw.len() > 2 && u16::from_ne_bytes([raw[0], raw[1]]) == libc::AF_UNIX as u16 && raw[2] != 0;
        if !local {
            return kind;
        }
        let path = raw[2..].split(|byte| *byte == 0).next().unwrap_or_default();
        let place = Place { folder: None, address: 0, follow: !makes, empty: false };
        let Some(found) = self.find(pid, place, path) else { return kind };
        if makes && came.well() {
            let node = self.files.add(What::Other, None);
            self.put(found, Some(node));
            self.add(pid, found.path, Ways::CREATED);
        } else {
            self.looked(pid, found.path, came);
        }
        kind
    }
}

fn is_symlink(number: i64) -> bool {
    #[cfg(target_arch = "x86_64")]
    if number == libc::SYS_symlink {
        return true;
    }
    number == libc::SYS_symlinkat
}
