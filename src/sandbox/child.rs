//! The inside: what the new processes do between clone and exec.
//!
//! Rules: no allocation, no lock, no panic, no printing (see [`crate::sys`]). rustix makes its system calls directly,
//! so its functions are safe to use here as long as they are given C strings. Owned descriptors are held in [`Inside`]
//! and never dropped: both processes end by exec or exit.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, IoSlice};
use rustix::mount::MountPropagationFlags;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use super::answers::Answers;
use super::compile::{Prepared, Ready};
use super::fault::{At, Call, Fault, Message};
use super::mounts::{
    attach, clone_mount, devices, make_directory, overlay, pivot, proc, root, scratch, scratch_folder, set_times,
};
use super::run::Announced;
use super::supervisor::Supervisor;
use super::tracer::Tracer;
use crate::sys::{fds, net, process, ptrace, seccomp, thread};

/// The seconds of every time stamp that a stage finds: 1980-01-01, the oldest that FAT and zip can hold.
pub(super) const EPOCH: i64 = 315_532_800;

/// Number of the control socket in the child.
const CONTROL: i32 = 5;
/// Number of the descriptor of the caller's process in the child.
const CALLER: i32 = 6;
/// Number of the pipe for what the stage does in the child.
const EVENTS: i32 = 7;

/// Descriptors that the child inherits; all numbers are above those that it gives out.
#[derive(Debug)]
pub(super) struct Inherited<'a> {
    /// Where output goes.
    pub(super) log: BorrowedFd<'a>,
    /// The make jobserver's pipe: reading end, writing end.
    pub(super) jobserver: Option<[BorrowedFd<'a>; 2]>,
    /// The child's end of the control socket.
    pub(super) control: BorrowedFd<'a>,
    /// The parent's process, with which this one has to end.
    pub(super) caller: BorrowedFd<'a>,
    /// The name of [`super::Tracing::Announced`].
    pub(super) announced: Option<Announced>,
    /// The pipe of [`super::Tracing::Told`].
    pub(super) events: Option<BorrowedFd<'a>>,
}

/// State between steps.
#[derive(Default)]
pub(super) struct Inside {
    /// `/proc/self/oom_score_adj` of the first process, and what it held.
    oom: Option<(OwnedFd, [u8; 16], usize)>,
    pub(super) scratch: Option<OwnedFd>,
    pub(super) root: Option<OwnedFd>,
    pub(super) terminal: Option<OwnedFd>,
}

/// The first process: applies the plan, becomes the reaper. Gives its exit code, which nobody looks at.
pub(super) fn first_process(prepared: &mut Prepared, inherited: &Inherited<'_>) -> i32 {
    let mut inside = Inside::default();
    let mut stack = std::mem::take(&mut prepared.stack);
    let steps = &prepared.steps;
    for (index, step) in steps.iter().enumerate() {
        if matches!(step, Ready::Spawn) {
            // This process holds a copy of the caller's memory, which no process inside may look at. Not earlier: its
            // files below the host's /proc would no longer be its own.
            let hidden = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
            if let Err(fault) = hidden.at(Call::Hide) {
                return fail(index, fault);
            }
            announce(inherited.announced);
            let after = index + 1;
            let answers = steps.iter().find_map(|step| match step {
                Ready::Supervise { answers } => Some(answers),
                _ => None,
            });
            if inherited.events.is_some() || answers.is_some() {
                return trace(steps, after, answers, inherited, &mut inside);
            }
            let mut second = || second_process(steps, after, inherited, &mut inside);
            let spawned = process::clone_until_exec(&mut stack, &mut second).at(Call::Clone);
            return match spawned {
                Ok(stage) => reap(stage, &inside),
                Err(fault) => fail(index, fault),
            };
        }
        if let Err(fault) = apply(step, inherited, &mut inside) {
            return fail(index, fault);
        }
    }
    0
}

/// As [`first_process`] goes on where it is to trace the stage, to tell of it or to answer it: a stage that waits for its tracer cannot have it waiting in
/// vfork.
fn trace(
    steps: &[Ready],
    after: usize,
    answers: Option<&Answers>,
    inherited: &Inherited<'_>,
    inside: &mut Inside,
) -> i32 {
    let pair = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let (mine, other) = match pair.at(Call::Trace) {
        Ok(pair) => pair,
        Err(fault) => return fail(after - 1, fault),
    };
    let mut second = || match await_tracer(&other).at(Call::Trace) {
        Ok(()) => second_process(steps, after, inherited, inside),
        Err(fault) => fail(after - 1, fault),
    };
    let stage = match process::clone_process(0, &mut second).at(Call::Clone) {
        Ok(stage) => stage.pid,
        Err(fault) => return fail(after - 1, fault),
    };
    let seized = hear(&mine).and_then(|()| ptrace::seize(stage)).and_then(|()| say(&mine));
    if let Err(fault) = seized.at(Call::Trace) {
        return fail(after - 1, fault);
    }
    drop((mine, other));
    settle(inside);
    let pipe = inherited.events.map(|_| fds::numbered(EVENTS));
    match Tracer::new(pipe, answers.cloned().map(Supervisor::new)).until_end(stage) {
        Ok((status, usage)) => {
            send(&Message::Done { status, max_rss: usage.max_rss }, &[]);
            0
        }
        Err(_) => 1,
    }
}

/// Waits in the second process until it is traced.
fn await_tracer(tracer: &OwnedFd) -> Result<(), Errno> {
    // Who cannot be looked at cannot be traced. There is nobody else yet, and what it executes can be looked at anyway.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)?;
    say(tracer)?;
    hear(tracer)
}

fn say(to: &OwnedFd) -> Result<(), Errno> {
    rustix::net::send(to, b".", SendFlags::NOSIGNAL).map(|_| ())
}

/// Waits for what the other one says.
fn hear(from: &OwnedFd) -> Result<(), Errno> {
    let mut byte = [0];
    match rustix::net::recv(from, &mut byte, RecvFlags::empty()) {
        Ok((1.., _)) => Ok(()),
        Ok(_) => Err(Errno::PIPE),
        Err(errno) => Err(errno),
    }
}

/// Takes a name, and lets go of it. Who waits for it knows that the next process begins the stage.
fn announce(name: Option<Announced>) {
    if let Some(name) = &name
        && let Ok(name) = CStr::from_bytes_until_nul(&name.0)
    {
        // It cannot fail; if it did, the stage would not be recorded, and that would be noticed.
        let _ = rustix::thread::set_name(name);
        let _ = rustix::thread::set_name(c"repro");
    }
}

/// Applies steps of which none starts a process, and ends: 0 if all of them worked.
pub(super) fn probe(prepared: &Prepared, inherited: &Inherited<'_>) -> i32 {
    let mut inside = Inside::default();
    for (index, step) in prepared.steps.iter().enumerate() {
        if let Err(fault) = apply_outside(step).and_then(|()| apply(step, inherited, &mut inside)) {
            return fail(index, fault);
        }
    }
    0
}

/// The second process: applies the rest of the plan, the last step of which executes the program.
fn second_process(steps: &[Ready], after: usize, inherited: &Inherited<'_>, inside: &mut Inside) -> i32 {
    for (index, step) in steps.iter().enumerate().skip(after) {
        if let Err(fault) = apply(step, inherited, inside) {
            return fail(index, fault);
        }
    }
    127
}

/// Waits until the program has ended, and tells the caller. What else is alive dies with this process: the kernel kills
/// and reaps all of a pid namespace when its first process ends, before that process itself can be waited for.
fn reap(stage: i32, inside: &Inside) -> i32 {
    settle(inside);
    loop {
        match process::wait(-1) {
            Ok((pid, status, usage)) if pid == stage => {
                send(&Message::Done { status, max_rss: usage.max_rss }, &[]);
                return 0;
            }
            Ok(_) => {}
            Err(_) => return 1,
        }
    }
}

/// Once the program's process is made.
fn settle(inside: &Inside) {
    if let Some((file, text, len)) = &inside.oom {
        // Only the program shall be taken first, not its reaper. Not being able to is no loss of isolation.
        let _ = rustix::io::pwrite(file, &text[..*len], 0);
    }
    // The log and the jobserver are the program's.
    let _ = fds::close_between(0, 4, false);
}

fn fail(step: usize, fault: Fault) -> i32 {
    send(&Message::Failed { step, fault }, &[]);
    127
}

pub(super) fn send(message: &Message, along: &[BorrowedFd<'_>]) -> bool {
    let (bytes, len) = message.encode();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !along.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(along)) {
        return false;
    }
    let iov = [IoSlice::new(&bytes[..len])];
    rustix::net::sendmsg(fds::numbered(CONTROL), &iov, &mut ancillary, SendFlags::NOSIGNAL).is_ok()
}

/// Applies what of a step a launcher does, once for all its sandboxes: those of its namespaces, and what its children
/// inherit.
pub(super) fn apply_outside(step: &Ready) -> Result<(), Fault> {
    match step {
        Ready::Identity { uid_map, gid_map } => {
            write_file(c"/proc/self/setgroups", b"deny", 0)?;
            write_file(c"/proc/self/uid_map", uid_map, 1)?;
            write_file(c"/proc/self/gid_map", gid_map, 2)
        }
        Ready::Loopback => {
            let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
            net::loopback_up(socket.at(Call::Itself)?).at(Call::Itself)
        }
        Ready::Signals => {
            thread::default_signals();
            Ok(())
        }
        // Not its own capabilities, but what a program that it started could get.
        Ready::Capabilities => thread::drop_bounding_set().at(Call::Bounding),
        _ => Ok(()),
    }
}

fn apply(step: &Ready, inherited: &Inherited<'_>, inside: &mut Inside) -> Result<(), Fault> {
    match step {
        Ready::Enter => enter(inherited),
        Ready::Identity { .. } | Ready::Loopback => Ok(()),
        Ready::OomScore { text } => oom_score(text, inside),
        Ready::Keyring => match thread::fresh_session_keyring() {
            // A kernel without keyrings has none to leave.
            Ok(()) | Err(Errno::NOSYS) => Ok(()),
            Err(errno) => Err(Fault::new(Call::Itself, 0, errno)),
        },
        Ready::HostName { host, domain } => {
            rustix::system::sethostname(host).at(Call::Itself)?;
            rustix::system::setdomainname(domain).at(Call::Itself)
        }
        Ready::Scratch { size, inodes } => scratch(size, inodes, inside),
        Ready::ScratchFolder { path } => scratch_folder(path, inside),
        Ready::ProcessIds { text } => write_file(c"/proc/sys/kernel/ns_last_pid", text, 0),
        Ready::Root { lower, points } => root(lower, points, inside),
        Ready::Again { at, of } => {
            let made = clone_mount(inside.root()?, of, Call::Mount)?;
            attach(inside.root()?, made.as_fd(), at)
        }
        Ready::Tree { at, lower, scratch } => {
            let upper = scratch.as_ref().map(|(upper, work)| (upper.as_c_str(), work.as_c_str()));
            if let Some((upper, work)) = upper {
                make_directory(inside.scratch()?, upper, 0o755)?;
                make_directory(inside.scratch()?, work, 0o755)?;
                set_times(inside.scratch()?, upper)?;
            }
            let made = overlay(inside.scratch()?, lower, upper)?;
            attach(inside.root()?, made.as_fd(), at)
        }
        Ready::Space { at, folder, mode } => {
            make_directory(inside.scratch()?, folder, *mode)?;
            set_times(inside.scratch()?, folder)?;
            let made = clone_mount(inside.scratch()?, folder, Call::Mount)?;
            attach(inside.root()?, made.as_fd(), at)
        }
        Ready::Devices { nodes, terminal, random } => devices(nodes, *terminal, random.as_deref(), inside),
        Ready::Proc => proc(inside),
        Ready::Pivot { terminal } => pivot(*terminal, inside),
        Ready::Limit { resource, limit } => rustix::process::setrlimit(*resource, *limit).at(Call::Itself),
        // Done by the caller of this function, which alone can.
        Ready::Supervise { .. } | Ready::Spawn => Ok(()),
        Ready::Session { terminal } => session(*terminal, inside),
        Ready::Descriptors => descriptors(inherited, inside),
        Ready::Scheduling => {
            thread::plain_scheduling();
            thread::default_timer_slack().at(Call::Itself)
        }
        Ready::Processors { set } => rustix::thread::sched_setaffinity(None, set).at(Call::Itself),
        Ready::Signals => thread::unblock_signals().at(Call::Itself),
        Ready::Umask { mask } => {
            rustix::process::umask(Mode::from_raw_mode(*mask));
            Ok(())
        }
        Ready::Personality { persona } => thread::set_personality(*persona).at(Call::Itself),
        Ready::Capabilities => capabilities(),
        Ready::Filter { program } => {
            rustix::thread::set_no_new_privs(true).at(Call::NoNewPrivileges)?;
            seccomp::install(program).at(Call::Install)
        }
        Ready::Directory { path } => rustix::process::chdir(path.as_c_str()).at(Call::ChangeDirectory),
        Ready::Execute { candidates, argv, env } => {
            let mut worst = Errno::NOENT;
            for candidate in candidates {
                let errno = process::execute(candidate, argv, env);
                // As execvp(3): a program that may not be executed is reported if none is found after it.
                if errno != Errno::NOENT && errno != Errno::NOTDIR {
                    worst = errno;
                    if errno != Errno::ACCESS {
                        break;
                    }
                }
            }
            Err(Fault::new(Call::Execute, 0, worst))
        }
    }
}

impl Inside {
    pub(super) fn scratch(&self) -> Result<BorrowedFd<'_>, Fault> {
        self.scratch.as_ref().map(AsFd::as_fd).ok_or(Fault::new(Call::MakeDirectory, 0, Errno::BADF))
    }

    pub(super) fn root(&self) -> Result<BorrowedFd<'_>, Fault> {
        self.root.as_ref().map(AsFd::as_fd).ok_or(Fault::new(Call::OpenPoint, 0, Errno::BADF))
    }
}

/// Arranges descriptors, ties this process's life to the caller's and cuts mounts off from the host's.
fn enter(inherited: &Inherited<'_>) -> Result<(), Fault> {
    // 0 as well: it keeps the number taken until it becomes /dev/null.
    for number in 0..3 {
        fds::place(inherited.log, number).at(Call::Place)?;
    }
    if let Some([read, write]) = inherited.jobserver {
        fds::place(read, 3).at(Call::Place)?;
        fds::place(write, 4).at(Call::Place)?;
    } else {
        fds::close_between(3, 4, false).at(Call::Close)?;
    }
    fds::place(inherited.control, CONTROL).at(Call::Place)?;
    fds::place(inherited.caller, CALLER).at(Call::Place)?;
    let taken = match inherited.events {
        Some(pipe) => fds::place(pipe, EVENTS).map(|()| EVENTS).at(Call::Place)?,
        None => CALLER,
    };
    // Whatever other threads of the caller had open at the time of the clone.
    fds::close_between(taken.cast_unsigned() + 1, u32::MAX, false).at(Call::Close)?;
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).at(Call::DeathSignal)?;
    // The caller may have died before that call: then its descriptor is readable.
    let caller = fds::numbered(CALLER);
    let mut wait = [rustix::event::PollFd::new(&caller, rustix::event::PollFlags::IN)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    if rustix::event::poll(&mut wait, Some(&now)).at(Call::ParentGone)? != 0 {
        return Err(Fault::new(Call::ParentGone, 0, Errno::SRCH));
    }
    // No session of its own: process 1 of a pid namespace does not hear a terminal's signals anyway, and a new session
    // means a new scheduling group, which on a busy machine costs a wait of a millisecond.
    // Directories get exactly the modes that they are made with. The program gets its mask by a step of its own.
    rustix::process::umask(Mode::empty());
    rustix::mount::mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).at(Call::Private)
}

fn write_file(path: &CStr, text: &[u8], index: usize) -> Result<(), Fault> {
    let file =
        rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()).at_index(Call::OpenFile, index)?;
    rustix::io::write(&file, text).at_index(Call::WriteFile, index)?;
    Ok(())
}

fn oom_score(text: &[u8], inside: &mut Inside) -> Result<(), Fault> {
    let path = c"/proc/self/oom_score_adj";
    let file = rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).at(Call::OpenFile)?;
    let mut before = [0; 16];
    let len = rustix::io::pread(&file, &mut before, 0).at(Call::OpenFile)?;
    rustix::io::pwrite(&file, text, 0).at(Call::WriteFile)?;
    inside.oom = Some((file, before, len));
    Ok(())
}

fn session(terminal: bool, inside: &Inside) -> Result<(), Fault> {
    rustix::process::setsid().at(Call::Session)?;
    if !terminal {
        return Ok(());
    }
    let master = inside.terminal.as_ref().ok_or(Fault::new(Call::OpenTerminal, 0, Errno::BADF))?;
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let slave = rustix::pty::ioctl_tiocgptpeer(master, flags).at(Call::OpenTerminal)?;
    rustix::process::ioctl_tiocsctty(&slave).at(Call::OpenTerminal)?;
    for number in 0..3 {
        fds::place(&slave, number).at(Call::Place)?;
    }
    Ok(())
}

fn descriptors(inherited: &Inherited<'_>, inside: &Inside) -> Result<(), Fault> {
    if inside.terminal.is_none() {
        let null =
            rustix::fs::open(c"/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).at(Call::OpenNull)?;
        fds::place(&null, 0).at(Call::Place)?;
    }
    let first = if inherited.jobserver.is_some() { 5 } else { 3 };
    // Marked, not closed: the control socket must be able to report a failing exec.
    fds::close_between(first, u32::MAX, true).at(Call::Close)
}

fn capabilities() -> Result<(), Fault> {
    use rustix::thread::{CapabilitiesSecureBits as Bits, CapabilitySet, CapabilitySets};
    rustix::thread::clear_ambient_capability_set().at(Call::Ambient)?;
    let bits = Bits::NO_ROOT
        | Bits::NO_ROOT_LOCKED
        | Bits::NO_SETUID_FIXUP
        | Bits::NO_SETUID_FIXUP_LOCKED
        | Bits::KEEP_CAPS_LOCKED
        | Bits::NO_CAP_AMBIENT_RAISE
        | Bits::NO_CAP_AMBIENT_RAISE_LOCKED;
    rustix::thread::set_capabilities_secure_bits(bits).at(Call::SecureBits)?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .at(Call::CapSet)
}
