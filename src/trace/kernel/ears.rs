//! Hearing what the programs in the kernel tell, and giving each stage what is its own.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags};
use rustix::io::Errno;

use super::{Kernel, STAGES, secret_name};
use crate::calls::Event;
use crate::sandbox::Announced;
use crate::trace::error::Error;
use crate::trace::follower::Follower;

/// How long what the kernel tells may wait: the longer, the fewer times somebody has to come for it.
const PATIENCE: Duration = Duration::from_millis(20);

/// Whoever hears.
#[derive(Debug)]
pub(in crate::trace) struct Ears {
    state: Arc<Mutex<State>>,
    /// Written to when the reading thread has to end.
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    kernel: Kernel,
    stages: BTreeMap<u32, Follower>,
}

/// A stage that is heard.
#[derive(Debug)]
pub(in crate::trace) struct Listening {
    state: Arc<Mutex<State>>,
    number: u32,
    name: Announced,
}

impl Ears {
    /// Loads the programs, with a ring of so many bytes, and begins to hear.
    pub(in crate::trace) fn open(ring: usize) -> Result<Self, Error> {
        let refused = |reason: String| Error::Kernel { reason };
        let kernel = Kernel::start(ring).map_err(|refusal| refused(refusal.to_string()))?;
        let waiting = kernel.waiting().try_clone_to_owned().map_err(|error| refused(error.to_string()))?;
        let stop = rustix::event::eventfd(0, EventfdFlags::CLOEXEC).map_err(|errno| refused(errno.to_string()))?;
        let stopped = stop.try_clone().map_err(|error| refused(error.to_string()))?;
        let state = Arc::new(Mutex::new(State { kernel, stages: BTreeMap::new() }));
        let shared = Arc::clone(&state);
        let work = move || read(&shared, &waiting, &stopped);
        let thread = std::thread::Builder::new().name("trace".to_owned()).spawn(work);
        let thread = thread.map_err(|source| Error::Thread { source })?;
        Ok(Self { state, stop, thread: Some(thread) })
    }

    /// Expects a stage.
    pub(in crate::trace) fn listen(&self, follower: Follower) -> Result<Listening, Errno> {
        let name = secret_name()?;
        let mut state = lock(&self.state);
        let free = (0..STAGES).find(|number| !state.stages.contains_key(number));
        let number = free.ok_or(Errno::AGAIN)?;
        state.kernel.expect(&name, number)?;
        state.stages.insert(number, follower);
        drop(state);
        Ok(Listening { state: Arc::clone(&self.state), number, name: Announced(name) })
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Listening {
    /// The name with which the stage has to begin.
    pub(in crate::trace) fn name(&self) -> Announced {
        self.name
    }

    /// All that the stage did, once it has ended; or what is wrong with it.
    pub(in crate::trace) fn finish(self) -> Result<Follower, String> {
        let mut state = lock(&self.state);
        state.catch_up();
        let lost = state.kernel.lost(self.number);
        let follower = state.stages.remove(&self.number);
        drop(state);
        match (lost, follower) {
            (Ok(0), Some(follower)) => Ok(follower),
            (Ok(lost), _) => {
                Err(format!("{lost} of its events were lost, because this machine was too busy to read them"))
            }
            (Err(errno), _) => Err(errno.to_string()),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.kernel.forget(&self.name.0);
        if state.stages.contains_key(&self.number) {
            // Its number is free for another when nothing of it is in the ring any more.
            state.catch_up();
            state.stages.remove(&self.number);
        }
    }
}

impl State {
    /// Hears of all that has happened until now.
    fn catch_up(&mut self) {
        let until = self.kernel.ring.written();
        self.hear(Some(until));
    }

    fn hear(&mut self, until: Option<u64>) {
        let Self { kernel, stages } = self;
        kernel.ring.read(until, &mut |bytes| {
            if let Some(event) = Event::parse(bytes)
                && let Some(follower) = stages.get_mut(&event.stage)
            {
                follower.hear(&event);
            }
        });
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads what is told, now and then, until it has to stop.
fn read(state: &Mutex<State>, waiting: &OwnedFd, stop: &OwnedFd) {
    loop {
        let mut polled = [PollFd::new(waiting, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match rustix::event::poll(&mut polled, None) {
            Ok(_) if !polled[1].revents().is_empty() => return,
            Ok(_) => lock(state).hear(None),
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
        // The next ones are not far, and are better read together.
        let mut polled = [PollFd::new(stop, PollFlags::IN)];
        let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: PATIENCE.subsec_nanos().into() };
        let _ = rustix::event::poll(&mut polled, Some(&wait));
    }
}
