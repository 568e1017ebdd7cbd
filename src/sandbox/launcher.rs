//! Launchers, from outside: processes that start sandboxes one after the other.
//!
//! A launcher has a user namespace and a control group, in which one stage runs after the other, each in a mount, pid,
//! UTS, IPC and control group namespace made for it alone. Its network namespace is for one stage alone, too, but is made
//! in advance, while nobody waits: that takes longer than all the other namespaces together, and so does destroying it.
//!
//! What could one stage leave for the next? In the user namespace: keys, which the filter refuses (`add_key`,
//! `request_key`, `keyctl`), and counts of what its processes hold, which are gone with the processes. In the control
//! group: pages of the stage's scratch space until the caller has dropped them, which is why the launcher is only given
//! back then.
//!
//! A launcher also holds a copy of the caller's memory as it was when the launcher was made. That is once, where without
//! launchers each stage would copy the page tables of a process that may have grown large.
//!
//! It lives as long as the socket to its caller is open, whichever of the caller's threads has made it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::{Errno, IoSlice};
use rustix::net::{AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType};

use super::cgroup::Group;
use super::error::Error;
use super::plan::{Plan, Step};
use super::run::Tracing;
use super::{filter, serve};
use crate::sys::process::{self, Spawned};

/// More idle launchers than this are not kept: they would be of stages with other limits.
const IDLE: usize = 8;

/// Launchers that wait for their next sandbox. Cheap to clone; the last clone ends them.
#[derive(Debug, Clone, Default)]
pub struct Launchers {
    idle: Arc<Mutex<Vec<Launcher>>>,
}

/// A launcher and what it can be used for.
#[derive(Debug)]
struct Launcher {
    process: Spawned,
    socket: OwnedFd,
    group: Option<Group>,
    fits: Fits,
}

/// What of a plan is in a launcher's own namespaces and group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fits {
    identity: Option<(u32, u32)>,
    processes: u64,
    memory: u64,
}

/// A launcher in use. Dropping it gives it back if the run has ended, else ends both.
#[derive(Debug)]
pub(super) struct Lease {
    launcher: Option<Launcher>,
    home: Launchers,
    ended: bool,
}

impl Launchers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many launchers wait.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// An idle launcher that fits, or a new one.
    pub(super) fn take(&self, plan: &Plan) -> Result<Lease, Error> {
        let identity = plan.steps.iter().find_map(|step| match step {
            Step::Identity { uid, gid } => Some((*uid, *gid)),
            _ => None,
        });
        let limits = &plan.limits;
        // Scratch space is memory, and is limited by itself.
        let memory = limits.memory.saturating_add(limits.scratch);
        let fits = Fits { identity, processes: limits.processes, memory };
        let found = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let at = idle.iter().rposition(|launcher| launcher.fits == fits);
            at.map(|at| idle.remove(at))
        };
        let mut launcher = match found {
            Some(launcher) => launcher,
            None => Launcher::start(fits)?,
        };
        if let Some(group) = &mut launcher.group {
            group.begin();
        }
        Ok(Lease { launcher: Some(launcher), home: self.clone(), ended: false })
    }
}

impl Launcher {
    fn start(fits: Fits) -> Result<Self, Error> {
        let system = |what| move |source| Error::System { what, source };
        let group = Group::make(fits.processes, fits.memory);
        let (socket, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .map_err(system("make the launcher's socket"))?;
        // A thread that is just making them would leave them half made in the copy.
        filter::prepare();
        let join = group.as_ref().map_or(&[][..], Group::join);
        let process =
            process::fork(&mut || serve::serve(theirs.as_fd(), join)).map_err(|source| Error::Start { source })?;
        drop(theirs);
        Ok(Self { process, socket, group, fits })
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // It ends by itself when the socket is closed; this is for one that is still at work. Its sandbox dies with it.
        let _ = rustix::process::pidfd_send_signal(&self.process.pidfd, rustix::process::Signal::KILL);
        let _ = process::wait(self.process.pid);
    }
}

impl Lease {
    fn launcher(&self) -> &Launcher {
        self.launcher.as_ref().expect("it is only taken out when the lease ends")
    }

    /// Where the launcher reports.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.launcher().socket.as_fd()
    }

    /// Asks for a sandbox by this plan. `along` are the descriptors that [`serve`] expects.
    pub(super) fn request(&self, plan: &Plan, tracing: Tracing<'_>, along: &[BorrowedFd<'_>]) -> Result<(), Error> {
        let system = |source| Error::System { what: "ask the launcher for a sandbox", source };
        let plan = serde_json::to_vec(plan).map_err(|_| system(Errno::INVAL))?;
        let head = serve::Head::new(plan.len(), tracing).encode();
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(serve::DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(along));
        let (first, rest) = plan.split_at(plan.len().min(serve::PART));
        let packet = [IoSlice::new(&head), IoSlice::new(first)];
        rustix::net::sendmsg(self.socket(), &packet, &mut ancillary, SendFlags::NOSIGNAL).map_err(system)?;
        for part in rest.chunks(serve::PART) {
            rustix::net::send(self.socket(), part, SendFlags::NOSIGNAL).map_err(system)?;
        }
        Ok(())
    }

    /// Has the sandbox killed. If the launcher is dead, so is the sandbox.
    pub(super) fn kill(&self) {
        let _ = rustix::net::send(self.socket(), &[serve::KILL], SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }

    /// Whether the kernel has ended a process of the present run at the memory limit.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        self.launcher().group.as_ref().is_some_and(Group::ran_out_of_memory)
    }

    /// The run has ended.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(launcher) = self.launcher.take().filter(|_| self.ended) else { return };
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = (idle.len() == IDLE).then(|| idle.remove(0));
        idle.push(launcher);
        drop(idle);
        // Waiting for it to end is done without the lock.
        drop(oldest);
    }
}
