//! Traces of all stages that a process runs, by the best way that is allowed.

use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::thread::JoinHandle;

use rustix::io::Errno;

use super::error::Error;
use super::follower::Follower;
use super::kernel::{Ears, Listening, RING};
use super::model::Trace;
use crate::calls::Event;
use crate::sandbox::{Plan, Tracing};

/// Records what stages do. Dropping it ends the recording.
#[derive(Debug)]
pub struct Recorder {
    kernel: Result<Ears, Error>,
}

/// A stage that is recorded. Dropping it forgets what was recorded.
#[derive(Debug)]
pub struct Recording {
    stage: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The kernel tells.
    Kernel(Listening),
    /// The sandbox's first process tells, through this pipe, to a thread that reads from it.
    Tracer(OwnedFd, JoinHandle<std::io::Result<Follower>>),
}

impl Recorder {
    /// Records inside the kernel if that is allowed, else by a tracer in each sandbox. It takes some ten milliseconds, and
    /// while the kernel records, all calls of all processes of the machine take some ten nanoseconds longer.
    pub fn start() -> Self {
        Self { kernel: Ears::open(RING) }
    }

    /// Records by a tracer in each sandbox, which anybody may.
    pub fn outside() -> Self {
        Self { kernel: Err(Error::Kernel { reason: "it was not asked for".to_owned() }) }
    }

    /// With a ring that is soon full.
    #[cfg(test)]
    pub(super) fn small() -> Self {
        Self { kernel: Ears::open(16 << 10) }
    }

    /// Why stages are not recorded inside the kernel, if they are not.
    pub fn refused(&self) -> Option<&Error> {
        self.kernel.as_ref().err()
    }

    /// Expects a stage that runs by this plan.
    ///
    /// # Errors
    /// There are too many at a time, or the system has no memory, descriptor or thread left.
    pub fn begin(&self, stage: &str, plan: &Plan) -> Result<Recording, Error> {
        let lost = |reason: String| Error::Lost { stage: stage.to_owned(), reason };
        let mut follower = Follower::new(plan);
        let source = match &self.kernel {
            Ok(ears) => Source::Kernel(ears.listen(follower).map_err(|errno| lost(errno.to_string()))?),
            Err(_) => {
                let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC);
                let (read, write) = pipe.map_err(|errno| lost(format!("no pipe: {errno}")))?;
                let work = move || {
                    follow(read, &mut follower)?;
                    Ok(follower)
                };
                let thread = std::thread::Builder::new().name("trace".to_owned()).spawn(work);
                Source::Tracer(write, thread.map_err(|source| Error::Thread { source })?)
            }
        };
        Ok(Recording { stage: stage.to_owned(), source })
    }
}

impl Recording {
    /// How the stage has to be run.
    pub fn tracing(&self) -> Tracing<'_> {
        match &self.source {
            Source::Kernel(listening) => Tracing::Announced(listening.name()),
            Source::Tracer(pipe, _) => Tracing::Told(pipe.as_fd()),
        }
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
        let Self { stage, source } = self;
        let lost = |reason: String| Error::Lost { stage: stage.clone(), reason };
        let follower = match source {
            Source::Kernel(listening) => listening.finish().map_err(lost)?,
            Source::Tracer(pipe, thread) => {
                drop(pipe);
                let followed = thread.join().map_err(|_| lost("the thread that follows it panicked".to_owned()))?;
                followed.map_err(|error| lost(error.to_string()))?
            }
        };
        let (trace, inner) = follower.finish();
        if trace.processes.is_empty() {
            return Err(lost("it was not seen to begin".to_owned()));
        }
        Ok((trace, inner))
    }
}

/// Hears all events that come through a pipe, until its end.
fn follow(pipe: OwnedFd, follower: &mut Follower) -> std::io::Result<()> {
    let mut pipe = std::io::BufReader::with_capacity(64 << 10, std::fs::File::from(pipe));
    let mut event = Vec::new();
    let mut length = [0; 4];
    loop {
        match pipe.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        event.resize(u32::from_ne_bytes(length) as usize, 0);
        pipe.read_exact(&mut event)?;
        let event = Event::parse(&event).ok_or(Errno::BADMSG)?;
        follower.hear(&event);
    }
}
