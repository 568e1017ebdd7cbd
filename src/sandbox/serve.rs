//! A launcher, from inside: waits for plans and starts a sandbox for each.
//!
//! Made by fork(2), so that it can allocate; single-threaded, so that what it clones can be given its memory as it is.
//! It has the namespaces that take longest to make ready before they are asked for. It hears of its caller's end by its socket, and its sandboxes of its own by the kernel (PR_SET_PDEATHSIG).
//!
//! A request is a packet with [`Head`], descriptors and the beginning of the plan, and as many more as the plan needs. The
//! answer is [`Message::Gone`], or else [`Message::Unborn`] or [`Message::Failed`] when there is no sandbox to wait for.
//! In between, [`KILL`] ends the sandbox.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags};

use super::child::{self, Inherited};
use super::compile::{Prepared, Ready};
use super::fault::Message;
use super::plan::Plan;
use super::run::{Announced, Tracing};
use crate::sys::{fds, process, thread};

/// Most bytes of a plan in a packet: small enough for any socket's buffer.
pub(super) const PART: usize = 32 << 10;

/// Bytes of a [`Head`].
const HEAD: usize = 26;

/// Most descriptors of a request: the log, the sandbox's control socket, the two ends of the jobserver, and the pipe for what
/// the stage does.
pub(super) const DESCRIPTORS: usize = 5;

/// The packet that ends the present sandbox.
pub(super) const KILL: u8 = b'K';

/// Number of the launcher's socket; all below are taken, so that what arrives gets higher ones.
const SOCKET: i32 = 10;

/// The first packet of a request.
pub(super) struct Head {
    /// Length of the plan.
    pub(super) bytes: u64,
    /// Whether the last descriptor is the pipe of [`Tracing::Told`].
    pub(super) told: bool,
    /// The name of [`Tracing::Announced`].
    pub(super) announced: Option<Announced>,
}

impl Head {
    pub(super) fn new(bytes: usize, tracing: Tracing<'_>) -> Self {
        let announced = if let Tracing::Announced(name) = tracing { Some(name) } else { None };
        Self { bytes: bytes as u64, told: matches!(tracing, Tracing::Told(_)), announced }
    }

    pub(super) fn encode(&self) -> [u8; HEAD] {
        let mut out = [b'P'; HEAD];
        out[1..9].copy_from_slice(&self.bytes.to_le_bytes());
        out[9] = self.told.into();
        out[10..].copy_from_slice(&self.announced.map_or([0; 16], |name| name.0));
        out
    }

    /// The head of a packet, and the rest of it.
    fn decode(packet: &[u8]) -> Option<(Self, &[u8])> {
        let (bytes, rest) = packet.strip_prefix(b"P")?.split_first_chunk::<8>()?;
        let (told, rest) = rest.split_first()?;
        let (name, rest) = rest.split_first_chunk::<16>()?;
        let announced = (*name != [0; 16]).then_some(Announced(*name));
        Some((Self { bytes: u64::from_le_bytes(*bytes), told: *told == 1, announced }, rest))
    }
}

/// The launcher's life; its exit code is nobody's business.
pub(super) fn serve(socket: BorrowedFd<'_>, groups: &[OwnedFd]) -> i32 {
    match settle(socket, groups).and_then(|caller| until_alone(&caller)) {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

/// Joins the groups and lets go of all that was the caller's. Gives this process's own descriptor.
fn settle(socket: BorrowedFd<'_>, groups: &[OwnedFd]) -> Result<OwnedFd, Errno> {
    // A terminal's signals reach the caller, who decides what ends.
    thread::block_signals()?;
    // With SIGCHLD ignored, as a caller may have it, nothing could be waited for.
    thread::default_signal(libc::SIGCHLD);
    for group in groups {
        // Limits are bounds on harm, not isolation: see `cgroup`.
        let _ = rustix::io::write(group, b"0");
    }
    fds::place(socket, SOCKET)?;
    for number in 0..SOCKET {
        fds::place(fds::numbered(SOCKET), number)?;
    }
    fds::close_between(SOCKET.cast_unsigned() + 1, u32::MAX, false)?;
    rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty())
}

/// Serves until the caller has closed its end.
fn until_alone(myself: &OwnedFd) -> Result<(), Errno> {
    let mut buffer = vec![0; HEAD + PART];
    let mut ready = Namespaces::None;
    loop {
        let (got, along) = receive(&mut buffer)?;
        if got == 0 {
            return Ok(());
        }
        // A packet for a sandbox that has ended by itself meanwhile.
        let Some((head, part)) = Head::decode(&buffer[..got]) else { continue };
        let mut plan = part.to_vec();
        while (plan.len() as u64) < head.bytes {
            let (got, _) = receive(&mut buffer)?;
            if got == 0 {
                return Ok(());
            }
            plan.extend_from_slice(&buffer[..got]);
        }
        // Of a plan that cannot be prepared, the caller finds out by itself what is wrong.
        let plan: Plan = serde_json::from_slice(&plan).map_err(|_| Errno::INVAL)?;
        let mut prepared = Prepared::new(&plan, head.told).map_err(|_| Errno::INVAL)?;
        if let Err(message) = ready.complete(&prepared) {
            say(&message)?;
            return Ok(());
        }
        let mut along = along;
        let events = if head.told { along.pop() } else { None };
        let (log, control, jobserver) = match along.as_slice() {
            [log, control] => (log, control, None),
            [log, control, read, write] => (log, control, Some([read.as_fd(), write.as_fd()])),
            _ => return Err(Errno::INVAL),
        };
        let inherited = Inherited {
            log: log.as_fd(),
            control: control.as_fd(),
            jobserver,
            caller: myself.as_fd(),
            announced: head.announced,
            events: events.as_ref().map(AsFd::as_fd),
        };
        let namespaces = prepared.namespaces & !(USER | NETWORK);
        let spawned = process::clone_process(namespaces, &mut || child::first_process(&mut prepared, &inherited));
        // The end of the log is the end of all who have its descriptor.
        drop((along, events));
        let spawned = match spawned {
            Ok(spawned) => spawned,
            Err(errno) => {
                say(&Message::Unborn { errno })?;
                continue;
            }
        };
        if !until_gone(&spawned, &mut buffer)? {
            return Ok(());
        }
        ready = Namespaces::User;
        // For the next one. What goes wrong will go wrong again when there is somebody to hear of it.
        let _ = ready.complete(&prepared);
    }
}

const USER: u64 = libc::CLONE_NEWUSER as u64;
const NETWORK: u64 = libc::CLONE_NEWNET as u64;

/// Which namespaces a launcher has for its next sandbox.
#[derive(PartialEq, Eq)]
enum Namespaces {
    None,
    User,
    UserAndNetwork,
}

impl Namespaces {
    /// Takes those that are missing, with the plan's steps that belong to them.
    fn complete(&mut self, prepared: &Prepared) -> Result<(), Message> {
        if *self == Self::None {
            take(prepared, USER, |step| !matches!(step, Ready::Loopback))?;
            *self = Self::User;
        }
        if *self == Self::User {
            take(prepared, NETWORK, |step| matches!(step, Ready::Loopback))?;
            *self = Self::UserAndNetwork;
        }
        Ok(())
    }
}

fn take(prepared: &Prepared, namespace: u64, belongs: impl Fn(&Ready) -> bool) -> Result<(), Message> {
    process::unshare(prepared.namespaces & namespace).map_err(|errno| Message::Unborn { errno })?;
    for (step, ready) in prepared.steps.iter().enumerate().filter(|(_, ready)| belongs(ready)) {
        child::apply_outside(ready).map_err(|fault| Message::Failed { step, fault })?;
    }
    Ok(())
}

/// Waits for the sandbox's end and reports it. False: the caller is gone, and the sandbox with this process.
fn until_gone(spawned: &process::Spawned, buffer: &mut [u8]) -> Result<bool, Errno> {
    // To take the mounts apart takes a while, and nobody needs to wait for it: with this descriptor they only go after the
    // report. Without it (the sandbox was faster, and hides already) they go before, and it takes a little longer.
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
    let mounts = rustix::fs::open(format!("/proc/{}/ns/mnt", spawned.pid), flags, rustix::fs::Mode::empty());
    loop {
        let socket = fds::numbered(SOCKET);
        let mut polled = [PollFd::new(&spawned.pidfd, PollFlags::IN), PollFd::new(&socket, PollFlags::IN)];
        match rustix::event::poll(&mut polled, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        }
        if !polled[0].revents().is_empty() {
            let (_, status, usage) = process::wait(spawned.pid)?;
            say(&Message::Gone { status, usage })?;
            drop(mounts);
            return Ok(true);
        }
        let (got, _) = receive(buffer)?;
        match buffer.get(..got) {
            Some([KILL]) => {
                // ESRCH: it has ended by itself meanwhile.
                let _ = rustix::process::pidfd_send_signal(&spawned.pidfd, rustix::process::Signal::KILL);
            }
            _ => return Ok(false),
        }
    }
}

fn say(message: &Message) -> Result<(), Errno> {
    let (bytes, len) = message.encode();
    rustix::net::send(fds::numbered(SOCKET), &bytes[..len], SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The next packet, of no bytes at the caller's end, with its descriptors.
fn receive(buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    loop {
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut iov = [IoSliceMut::new(buffer)];
        let socket = fds::numbered(SOCKET);
        match rustix::net::recvmsg(socket, &mut iov, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Ok(got) => {
                let mut along = Vec::new();
                for message in ancillary.drain() {
                    if let RecvAncillaryMessage::ScmRights(fds) = message {
                        along.extend(fds);
                    }
                }
                return Ok((got.bytes, along));
            }
            Err(Errno::INTR) => {}
            Err(Errno::CONNRESET) => return Ok((0, Vec::new())),
            Err(errno) => return Err(errno),
        }
    }
}
