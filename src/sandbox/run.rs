//! The outside: starts the child, watches it, turns what it says into values.
#![expect(clippy::disallowed_methods, reason = "limits of time are limits of the real one")]

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;

use super::cgroup::Group;
use super::child::{self, Inherited};
use super::compile::Prepared;
use super::error::Error;
use super::fault::{MESSAGE, Message};
use super::plan::Plan;
use super::terminal::{Relay, Terminal};
use crate::sys::CancelToken;
use crate::sys::process::{self, Spawned, Usage};

/// What a run reads from and writes to.
pub struct RunIo<'a> {
    /// Gets all output, in order, in pieces as they come.
    pub log: &'a mut dyn FnMut(&[u8]),
    /// The make jobserver's pipe, its reading and its writing end, as descriptors 3 and 4 of the stage.
    pub jobserver: Option<[BorrowedFd<'a>; 2]>,
    /// Ends the run when cancelled.
    pub cancel: &'a CancelToken,
    /// Gets the seccomp listener on which the stage's observed calls arrive, before its program is executed; has to see to
    /// it that they are answered (see [`crate::sys::seccomp`]), in another thread. Without it, calls are not handed over.
    pub listener: Option<&'a mut dyn FnMut(OwnedFd)>,
    /// The user's terminal, for a plan with a terminal: keys go in, output comes out, nothing goes to the log.
    pub terminal: Option<Terminal<'a>>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that was not ours.
    Signaled(i32),
    /// Stopped: it took longer than `limits.time`.
    TimedOut,
    /// Stopped: no output for longer than `limits.silence`.
    Silent,
    /// Stopped: more output than `limits.log`.
    LogTooBig,
    /// The kernel ended one of its processes at the memory limit.
    OutOfMemory,
    /// Stopped: the token was cancelled.
    Cancelled,
}

/// A run that has ended. Nothing of it is alive any more.
#[derive(Debug)]
pub struct Finished {
    /// How.
    pub outcome: Outcome,
    /// The stage's `/out`. It lives as long as this descriptor; the tree is the stage's work: hostile.
    pub out: OwnedFd,
    /// The stage's `/build`, to look at after a failure. As hostile, and of the same file system.
    pub build: OwnedFd,
    /// What all its processes used. The largest resident set is at least that of `repro` itself at the start, because
    /// the kernel counts the time before exec.
    pub usage: Usage,
    /// From clone to the end.
    pub wall: Duration,
}

impl Plan {
    /// Applies the plan in a new process, runs its program to the end and waits until all of it is gone.
    ///
    /// Blocks the calling thread, which must be the one that stays: if it ends, the kernel kills the sandbox
    /// (PR_SET_PDEATHSIG is by thread). Any number of threads may run plans at the same time.
    ///
    /// # Errors
    /// The plan cannot be applied, on this host ([`Error::is_host`]) or at all. Whatever the program does is no error.
    pub fn run(&self, io: RunIo<'_>) -> Result<Finished, Error> {
        let mut prepared = Prepared::new(self, io.listener.is_some())?;
        let system = |what| move |source| Error::System { what, source };
        let high = |fd: OwnedFd| rustix::io::fcntl_dupfd_cloexec(&fd, 10);

        let (log, log_write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(system("make the log's pipe"))?;
        let (control, control_child) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .map_err(system("make the control socket"))?;
        let myself = rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty())
            .map_err(system("open a descriptor of this process"))?;
        // The child gives out low numbers while it still needs these.
        let move_up = system("duplicate a descriptor");
        let log_write = high(log_write).map_err(move_up)?;
        let control_child = high(control_child).map_err(move_up)?;
        let myself = high(myself).map_err(move_up)?;
        let jobserver = match io.jobserver {
            Some([read, write]) => {
                let up = |fd| rustix::io::fcntl_dupfd_cloexec(fd, 10).map_err(move_up);
                Some([up(read)?, up(write)?])
            }
            None => None,
        };
        let group = Group::make(&self.limits);
        let inherited = Inherited {
            log: log_write.as_fd(),
            jobserver: jobserver.as_ref().map(|[read, write]| [read.as_fd(), write.as_fd()]),
            control: control_child.as_fd(),
            groups: group.as_ref().map_or(&[], Group::join),
            caller: myself.as_fd(),
        };

        let begin = Instant::now();
        let namespaces = prepared.namespaces;
        let into = group.as_ref().and_then(Group::unified);
        let spawned = process::clone_process(namespaces, into, &mut || child::first_process(&mut prepared, &inherited))
            .map_err(|source| Error::Start { source })?;
        let mut child = Alive { spawned, waited: false };
        drop((log_write, control_child, jobserver));

        let mut watch = Watch {
            log: Some(log),
            control: Some(control),
            begin,
            last_output: begin,
            bytes: 0,
            stopped: None,
            said: Said::default(),
            listener: io.listener,
            relay: io.terminal.map(Relay::new),
        };
        watch.until_gone(self, &child, io.log, io.cancel)?;
        let (status, usage) = child.wait()?;
        let wall = begin.elapsed();
        drop(watch.relay);

        let Said { failed, done, results } = watch.said;
        if let Some((step, fault)) = failed {
            let step = self.steps.get(step).ok_or(Error::Lost { detail: "a fault in no step".to_owned() })?;
            return Err(Error::from_fault(step, &fault));
        }
        let lost = || {
            let how = match (process::exit_code(status), process::death_signal(status)) {
                (Some(code), _) => format!("exit code {code}"),
                (_, Some(signal)) => format!("signal {signal}"),
                _ => format!("status {status:#x}"),
            };
            Error::Lost { detail: how }
        };
        let outcome = match (watch.stopped, done) {
            (Some(outcome), _) => outcome,
            (None, Some((0, _))) => Outcome::Exited(0),
            (None, _) if group.as_ref().is_some_and(Group::ran_out_of_memory) => Outcome::OutOfMemory,
            (None, Some((status, _))) => match (process::exit_code(status), process::death_signal(status)) {
                (Some(code), _) => Outcome::Exited(code),
                (_, Some(signal)) => Outcome::Signaled(signal),
                _ => return Err(lost()),
            },
            (None, None) => return Err(lost()),
        };
        let Some((out, build)) = results else {
            // Stopped before the sandbox stood.
            return Err(if outcome == Outcome::Cancelled { Error::CancelledEarly } else { lost() });
        };
        let max_rss = done.map_or(usage.max_rss, |(_, max_rss)| max_rss);
        Ok(Finished { outcome, out, build, usage: Usage { max_rss, ..usage }, wall })
    }
}

/// The child, which is killed and waited for whatever happens.
struct Alive {
    spawned: Spawned,
    waited: bool,
}

impl Alive {
    fn kill(&self) {
        // ESRCH: it has ended by itself meanwhile.
        let _ = rustix::process::pidfd_send_signal(&self.spawned.pidfd, rustix::process::Signal::KILL);
    }

    fn wait(&mut self) -> Result<(i32, Usage), Error> {
        self.waited = true;
        let (_, status, usage) =
            process::wait(self.spawned.pid).map_err(|source| Error::System { what: "wait for the sandbox", source })?;
        Ok((status, usage))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if !self.waited {
            self.kill();
            let _ = self.wait();
        }
    }
}

/// What the child has said.
#[derive(Default)]
struct Said {
    failed: Option<(usize, super::fault::Fault)>,
    done: Option<(i32, u64)>,
    results: Option<(OwnedFd, OwnedFd)>,
}

struct Watch<'a> {
    /// None after its end.
    log: Option<OwnedFd>,
    control: Option<OwnedFd>,
    begin: Instant,
    last_output: Instant,
    bytes: u64,
    /// Set once, when the child was killed for a reason.
    stopped: Option<Outcome>,
    said: Said,
    listener: Option<&'a mut dyn FnMut(OwnedFd)>,
    relay: Option<Relay<'a>>,
}

impl Watch<'_> {
    /// Moves output and messages until the child is gone and both channels are empty.
    fn until_gone(
        &mut self,
        plan: &Plan,
        child: &Alive,
        sink: &mut dyn FnMut(&[u8]),
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        let mut buffer = Vec::with_capacity(64 << 10);
        let mut gone = false;
        while !gone || self.log.is_some() || self.control.is_some() {
            let wait = self.stop_if_due(&plan.limits, child);
            for source in self.ready(child, cancel, gone, wait)? {
                match source {
                    Source::Log => self.take_output(&mut buffer, plan.limits.log, child, sink)?,
                    Source::Control => self.take_message()?,
                    Source::Child => gone = true,
                    Source::Cancel => self.stop(Outcome::Cancelled, child),
                    Source::Keys | Source::Screen => {
                        self.last_output = Instant::now();
                        if let Some(relay) = &mut self.relay {
                            relay.forward(source == Source::Keys, &mut buffer);
                        }
                    }
                }
            }
        }
        // What the program wrote last is still in the terminal.
        if let Some(relay) = &mut self.relay {
            relay.drain(&mut buffer);
        }
        Ok(())
    }

    /// Waits for any source, at most until the next limit.
    fn ready(
        &self,
        child: &Alive,
        cancel: &CancelToken,
        gone: bool,
        wait: Option<Duration>,
    ) -> Result<Vec<Source>, Error> {
        let mut sources = Vec::with_capacity(6);
        let mut polled = Vec::with_capacity(6);
        let relay = self.relay.as_ref();
        let (keys, screen) = relay.map_or((None, None), |relay| (relay.keys(), relay.screen()));
        let all = [
            (Source::Log, self.log.as_ref().map(AsFd::as_fd)),
            (Source::Control, self.control.as_ref().map(AsFd::as_fd)),
            (Source::Child, (!gone).then(|| child.spawned.pidfd.as_fd())),
            (Source::Cancel, self.stopped.is_none().then(|| cancel.as_fd())),
            (Source::Keys, keys.filter(|_| !gone)),
            (Source::Screen, screen.filter(|_| !gone)),
        ];
        for (source, fd) in all {
            if let Some(fd) = fd {
                sources.push(source);
                polled.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
            }
        }
        // A terminal's size is looked at now and then, which needs no signal handler.
        let wait = if relay.is_some() { Some(wait.unwrap_or(RESIZE).min(RESIZE)) } else { wait };
        let wait = wait.map(|wait| Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        });
        match rustix::event::poll(&mut polled, wait.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(source) => return Err(Error::System { what: "wait for the stage", source }),
        }
        if let Some(relay) = relay {
            relay.resize();
        }
        let ready = sources.iter().zip(&polled).filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(source, _)| *source).collect())
    }

    /// Kills the child once, for this reason.
    fn stop(&mut self, why: Outcome, child: &Alive) {
        if self.stopped.is_none() && self.said.done.is_none() {
            self.stopped = Some(why);
        }
        // Even when the program has ended by itself: the rest of its processes is not waited for.
        child.kill();
    }

    /// Stops what is over its time, and says how long until the next limit (none once it is stopped).
    fn stop_if_due(&mut self, limits: &super::plan::Limits, child: &Alive) -> Option<Duration> {
        if self.stopped.is_some() {
            return None;
        }
        let now = Instant::now();
        let time = limits.time.saturating_sub(now - self.begin);
        let silence = limits.silence.saturating_sub(now - self.last_output);
        if time.is_zero() {
            self.stop(Outcome::TimedOut, child);
            None
        } else if silence.is_zero() {
            self.stop(Outcome::Silent, child);
            None
        } else {
            // A little more, so that the clock has passed the limit when poll comes back.
            Some(time.min(silence) + Duration::from_micros(100))
        }
    }

    fn take_output(
        &mut self,
        buffer: &mut Vec<u8>,
        most: u64,
        child: &Alive,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Error> {
        let Some(log) = &self.log else { return Ok(()) };
        buffer.clear();
        let read = match rustix::io::read(log, rustix::buffer::spare_capacity(buffer)) {
            Ok(0) => {
                self.log = None;
                return Ok(());
            }
            Ok(read) => read,
            Err(Errno::INTR) => return Ok(()),
            Err(source) => return Err(Error::System { what: "read the stage's output", source }),
        };
        self.last_output = Instant::now();
        // The log ends exactly at its limit.
        let room = usize::try_from(most - self.bytes).unwrap_or(usize::MAX);
        let kept = &buffer[..read.min(room)];
        self.bytes += kept.len() as u64;
        if !kept.is_empty() {
            sink(kept);
        }
        if read > room {
            self.stop(Outcome::LogTooBig, child);
        }
        Ok(())
    }

    fn take_message(&mut self) -> Result<(), Error> {
        let Some(control) = &self.control else { return Ok(()) };
        let mut bytes = [0; MESSAGE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut iov = [IoSliceMut::new(&mut bytes)];
        let got = match rustix::net::recvmsg(control, &mut iov, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Ok(got) if got.bytes > 0 => got.bytes,
            // Its end: all of the sandbox's processes have closed it.
            Ok(_) | Err(Errno::CONNRESET) => {
                self.control = None;
                return Ok(());
            }
            Err(Errno::INTR) => return Ok(()),
            Err(source) => return Err(Error::System { what: "hear from the sandbox", source }),
        };
        let mut along = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                along.extend(fds);
            }
        }
        match Message::decode(&bytes[..got]) {
            Some(Message::Ready) => {
                let mut along = along.into_iter();
                self.said.results = along.next().zip(along.next());
                if let (Some(relay), Some(master)) = (&mut self.relay, along.next()) {
                    relay.connect(master);
                }
            }
            Some(Message::Listener) => {
                if let (Some(hear), Some(listener)) = (&mut self.listener, along.into_iter().next()) {
                    hear(listener);
                }
            }
            // The first fault is the cause.
            Some(Message::Failed { step, fault }) => {
                self.said.failed.get_or_insert((step, fault));
            }
            Some(Message::Done { status, max_rss }) => self.said.done = Some((status, max_rss)),
            None => return Err(Error::Lost { detail: "it sent an unknown message".to_owned() }),
        }
        Ok(())
    }
}

/// How often a terminal's size is compared.
const RESIZE: Duration = Duration::from_millis(200);

/// What can become ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Log,
    Control,
    Child,
    Cancel,
    Keys,
    Screen,
}
