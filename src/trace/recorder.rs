//! Traces of all stages of a process, from what the kernel tells.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags};
use rustix::io::Errno;

use super::error::Error;
use super::follower::Follower;
use super::kernel::{self, Kernel, Record};
use super::model::Trace;
use crate::sandbox::{Announced, Plan};

/// How long what the kernel tells may wait: the longer, the fewer times somebody has to come for it.
const PATIENCE: Duration = Duration::from_millis(20);

/// Records stages inside the kernel, where that is allowed. Dropping it ends the recording.
#[derive(Debug)]
pub struct Recorder {
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

/// A stage that is recorded. Dropping it forgets what was recorded.
#[derive(Debug)]
pub struct Recording {
    state: Arc<Mutex<State>>,
    number: u32,
    name: Announced,
    stage: String,
}

impl Recorder {
    /// Begins to record. It takes some ten milliseconds, and from then on all calls of all processes of the machine take
    /// some ten nanoseconds longer.
    ///
    /// # Errors
    /// [`Error::Kernel`] when the kernel does not allow it or does not offer what is needed.
    pub fn start() -> Result<Self, Error> {
        let refused = |reason: String| Error::Kernel { reason };
        let kernel = Kernel::start().map_err(|refusal| refused(refusal.to_string()))?;
        let system = |errno: Errno| refused(errno.to_string());
        let waiting = kernel.waiting().try_clone_to_owned().map_err(|error| refused(error.to_string()))?;
        let stop = rustix::event::eventfd(0, EventfdFlags::CLOEXEC).map_err(system)?;
        let stopped = stop.try_clone().map_err(|error| refused(error.to_string()))?;
        let state = Arc::new(Mutex::new(State { kernel, stages: BTreeMap::new() }));
        let shared = Arc::clone(&state);
        let work = move || read(&shared, &waiting, &stopped);
        let thread = std::thread::Builder::new().name("trace".to_owned()).spawn(work);
        let thread = thread.map_err(|source| Error::Thread { source })?;
        Ok(Self { state, stop, thread: Some(thread) })
    }

    /// Expects a stage that runs by this plan.
    ///
    /// # Errors
    /// There are too many at a time, or the kernel has no memory.
    pub fn begin(&self, stage: &str, plan: &Plan) -> Result<Recording, Error> {
        let lost = |reason: String| Error::Lost { stage: stage.to_owned(), reason };
        let name = kernel::secret_name().map_err(|errno| lost(format!("no random name: {errno}")))?;
        let follower = Follower::new(plan);
        let mut state = lock(&self.state);
        let free = (0..kernel::STAGES).find(|number| !state.stages.contains_key(number));
        let number = free.ok_or_else(|| lost("too many stages are recorded at a time".to_owned()))?;
        state.kernel.expect(&name, number).map_err(|errno| lost(errno.to_string()))?;
        state.stages.insert(number, follower);
        drop(state);
        Ok(Recording { state: Arc::clone(&self.state), number, name: Announced(name), stage: stage.to_owned() })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Recording {
    /// The name with which the stage has to begin.
    pub fn name(&self) -> Announced {
        self.name
    }

    /// The trace, once all of the stage has ended.
    ///
    /// # Errors
    /// [`Error::Lost`] when something was not recorded.
    pub fn finish(self) -> Result<Trace, Error> {
        self.finish_with_numbers().map(|(trace, _)| trace)
    }

    /// The trace, and the number that each process had inside the sandbox.
    pub(super) fn finish_with_numbers(self) -> Result<(Trace, Vec<u32>), Error> {
        let lost = |reason: String| Err(Error::Lost { stage: self.stage.clone(), reason });
        let mut state = lock(&self.state);
        state.catch_up();
        let missing = state.kernel.lost(self.number);
        let follower = state.stages.remove(&self.number);
        drop(state);
        match (missing, follower.map(Follower::finish)) {
            (Ok(0), Some((trace, inner))) if !trace.processes.is_empty() => Ok((trace, inner)),
            (Ok(0), _) => lost("it was not seen to begin".to_owned()),
            (Ok(missing), _) => {
                lost(format!("{missing} of its events were lost, because this machine was too busy to read them"))
            }
            (Err(errno), _) => lost(errno.to_string()),
        }
    }
}

impl Drop for Recording {
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
            if let Some(record) = Record::parse(bytes)
                && let Some(follower) = stages.get_mut(&record.stage)
            {
                follower.hear(&record);
            }
        });
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
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
