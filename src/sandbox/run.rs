//! The outside: starts the lease, watches it, turns what it says into values.
#![expect(clippy::disallowed_methods, reason = "limits of time are limits of the real one")]

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;

use super::compile::Prepared;
use super::error::Error;
use super::fault::{MESSAGE, Message};
use super::launcher::{Launchers, Lease};
use super::plan::Plan;
use super::terminal::{Relay, Terminal};
use crate::sys::CancelToken;
use crate::sys::process::{self, Usage};

/// What a run reads from and writes to.
pub struct RunIo<'a> {
    /// Gets all output, in order, in pieces as they come.
    pub log: &'a mut dyn FnMut(&[u8]),
    /// The make jobserver's pipe, its reading and its writing end, as descriptors 3 and 4 of the stage.
    pub jobserver: Option<[BorrowedFd<'a>; 2]>,
    /// Ends the run when cancelled.
    pub cancel: &'a CancelToken,
    /// How it is told what the stage does.
    pub tracing: Tracing<'a>,
    /// The user's terminal, for a plan with a terminal: keys go in, output comes out, nothing goes to the log.
    pub terminal: Option<Terminal<'a>>,
}

/// How it is told what a stage does.
#[derive(Debug, Clone, Copy, Default)]
pub enum Tracing<'a> {
    /// Not at all.
    #[default]
    Off,
    /// By somebody who waits for a process that takes this name: the sandbox's first process does so for a moment, and the
    /// next one that it makes is the stage's first.
    Announced(Announced),
    /// The sandbox's first process traces all others, and writes [events](crate::calls::Event) to this pipe.
    Told(BorrowedFd<'a>),
}

/// The name of a process, with the NUL at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced(pub [u8; 16]);

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
    /// From the request for a sandbox to its end.
    pub wall: Duration,
    /// Last, so that the scratch space is off the launcher's account before its next stage begins.
    _lease: Lease,
}

impl Plan {
    /// Applies the plan in a new process, runs its program to the end and waits until all of it is gone.
    ///
    /// Blocks the calling thread. Any number of threads may run plans at the same time.
    ///
    /// # Errors
    /// The plan cannot be applied, on this host ([`Error::is_host`]) or at all. Whatever the program does is no error.
    pub fn run(&self, launchers: &Launchers, io: RunIo<'_>) -> Result<Finished, Error> {
        let system = |what| move |source| Error::System { what, source };
        let (log, log_write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(system("make the log's pipe"))?;
        let (control, control_child) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .map_err(system("make the control socket"))?;
        let mut lease = launchers.take(self)?;
        let mut along = vec![log_write.as_fd(), control_child.as_fd()];
        along.extend(io.jobserver.into_iter().flatten());
        let begin = Instant::now();
        if let Tracing::Told(pipe) = io.tracing {
            along.push(pipe);
        }
        lease.request(self, io.tracing, &along)?;
        drop((log_write, control_child));

        let mut watch = Watch {
            log: Some(log),
            control: Some(control),
            begin,
            last_output: begin,
            bytes: 0,
            stopped: None,
            said: Said::default(),
            relay: io.terminal.map(Relay::new),
        };
        watch.until_gone(self, &lease, io.log, io.cancel)?;
        let wall = begin.elapsed();
        drop(watch.relay);

        let Said { failed, done, gone, results } = watch.said;
        if let Some(Gone::Unborn(source)) = gone {
            return Err(Error::Start { source });
        }
        if let Some((step, fault)) = failed {
            let step = self.steps.get(step).ok_or(Error::Lost { detail: "a fault in no step".to_owned() })?;
            return Err(Error::from_fault(step, &fault));
        }
        let Some(Gone::Ended(status, usage)) = gone else {
            // A launcher leaves without a word when it gets a plan that cannot be prepared; what is wrong with the plan is
            // found out here.
            Prepared::new(self, matches!(io.tracing, Tracing::Told(_)))?;
            return Err(Error::Lost { detail: "its launcher died".to_owned() });
        };
        lease.end();
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
            (None, _) if lease.ran_out_of_memory() => Outcome::OutOfMemory,
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
        Ok(Finished { outcome, out, build, usage: Usage { max_rss, ..usage }, wall, _lease: lease })
    }
}

/// What the sandbox and its launcher have said.
#[derive(Default)]
struct Said {
    failed: Option<(usize, super::fault::Fault)>,
    done: Option<(i32, u64)>,
    gone: Option<Gone>,
    results: Option<(OwnedFd, OwnedFd)>,
}

/// How it came that there is no sandbox any more.
#[derive(Clone, Copy)]
enum Gone {
    /// Its first process ended with this status, all of them having used that much.
    Ended(i32, Usage),
    /// It never had a first process.
    Unborn(Errno),
    /// Its launcher could not prepare it, or was killed.
    Lost,
}

struct Watch<'a> {
    /// None after its end.
    log: Option<OwnedFd>,
    control: Option<OwnedFd>,
    begin: Instant,
    last_output: Instant,
    bytes: u64,
    /// Set once, when the sandbox was killed for a reason.
    stopped: Option<Outcome>,
    said: Said,
    relay: Option<Relay<'a>>,
}

impl Watch<'_> {
    /// Moves output and messages until the child is gone and both channels are empty.
    fn until_gone(
        &mut self,
        plan: &Plan,
        lease: &Lease,
        sink: &mut dyn FnMut(&[u8]),
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        let mut buffer = Vec::with_capacity(16 << 10);
        while self.said.gone.is_none() || self.log.is_some() || self.control.is_some() {
            let wait = self.stop_if_due(&plan.limits, lease);
            for source in self.ready(lease, cancel, wait)? {
                match source {
                    Source::Log => self.take_output(&mut buffer, plan.limits.log, lease, sink)?,
                    Source::Control => self.take_message(None)?,
                    Source::Launcher => self.take_message(Some(lease.socket()))?,
                    Source::Cancel => self.stop(Outcome::Cancelled, lease),
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
    fn ready(&self, lease: &Lease, cancel: &CancelToken, wait: Option<Duration>) -> Result<Vec<Source>, Error> {
        let gone = self.said.gone.is_some();
        let mut sources = Vec::with_capacity(6);
        let mut polled = Vec::with_capacity(6);
        let relay = self.relay.as_ref();
        let (keys, screen) = relay.map_or((None, None), |relay| (relay.keys(), relay.screen()));
        let all = [
            (Source::Log, self.log.as_ref().map(AsFd::as_fd)),
            (Source::Control, self.control.as_ref().map(AsFd::as_fd)),
            (Source::Launcher, (!gone).then(|| lease.socket())),
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

    /// Kills the sandbox once, for this reason.
    fn stop(&mut self, why: Outcome, lease: &Lease) {
        if self.stopped.is_none() && self.said.done.is_none() {
            self.stopped = Some(why);
        }
        // Even when the program has ended by itself: the rest of its processes is not waited for.
        lease.kill();
    }

    /// Stops what is over its time, and says how long until the next limit (none once it is stopped).
    fn stop_if_due(&mut self, limits: &super::plan::Limits, lease: &Lease) -> Option<Duration> {
        if self.stopped.is_some() {
            return None;
        }
        let now = Instant::now();
        let time = limits.time.saturating_sub(now - self.begin);
        let silence = limits.silence.saturating_sub(now - self.last_output);
        if time.is_zero() {
            self.stop(Outcome::TimedOut, lease);
            None
        } else if silence.is_zero() {
            self.stop(Outcome::Silent, lease);
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
        lease: &Lease,
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
            self.stop(Outcome::LogTooBig, lease);
        }
        Ok(())
    }

    /// Takes a packet of the sandbox, or of its launcher.
    fn take_message(&mut self, launcher: Option<BorrowedFd<'_>>) -> Result<(), Error> {
        let Some(from) = launcher.or(self.control.as_ref().map(AsFd::as_fd)) else { return Ok(()) };
        let mut bytes = [0; MESSAGE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut iov = [IoSliceMut::new(&mut bytes)];
        let got = match rustix::net::recvmsg(from, &mut iov, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Ok(got) if got.bytes > 0 => got.bytes,
            // Its end: all processes that had it have closed it.
            Ok(_) | Err(Errno::CONNRESET) => {
                match launcher {
                    Some(_) => self.said.gone = Some(Gone::Lost),
                    None => self.control = None,
                }
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
            // The first fault is the cause.
            Some(Message::Failed { step, fault }) => {
                self.said.failed.get_or_insert((step, fault));
            }
            Some(Message::Done { status, max_rss }) => self.said.done = Some((status, max_rss)),
            Some(Message::Unborn { errno }) => self.said.gone = Some(Gone::Unborn(errno)),
            Some(Message::Gone { status, usage }) => self.said.gone = Some(Gone::Ended(status, usage)),
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
    Launcher,
    Cancel,
    Keys,
    Screen,
}
