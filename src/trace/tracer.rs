//! A trace in the making.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rustix::io::Errno;

use super::error::Error;
use super::model::Trace;
use super::observer::observe;
use crate::sandbox::Listener;

/// The program that a stage begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct First {
    /// Its arguments, the program itself first.
    pub arguments: Vec<Vec<u8>>,
    /// Its working directory.
    pub directory: Vec<u8>,
}

impl First {
    /// The first program of a stage, which begins in `/build`.
    pub fn of(arguments: &[String]) -> Self {
        let arguments = arguments.iter().map(|word| word.clone().into_bytes()).collect();
        Self { arguments, directory: b"/build".to_vec() }
    }
}

/// What the observing thread comes to: nothing when there was nothing to observe.
type Observed = Option<Result<(Trace, Vec<u32>), Errno>>;

/// Observes a stage, in a thread of its own.
pub struct Tracer {
    stage: String,
    send: Sender<Listener>,
    thread: JoinHandle<Observed>,
}

impl Tracer {
    /// Gets ready for a stage.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn new(stage: &str, first: First) -> Result<Self, Error> {
        let (send, receive): (_, Receiver<Listener>) = channel();
        let work = move || receive.recv().ok().map(|listener| observe(&listener, first));
        let thread = std::thread::Builder::new().name("trace".to_owned()).spawn(work);
        let thread = thread.map_err(|source| Error::Thread { source })?;
        Ok(Self { stage: stage.to_owned(), send, thread })
    }

    /// Takes the stage's listener over: its calls are answered from now on.
    pub fn listen(&self, listener: Listener) {
        // Should the thread be gone, the listener is closed, and the stage's calls fail: it is not observed in part.
        let _ = self.send.send(listener);
    }

    /// The trace, once all of the stage has ended.
    ///
    /// # Errors
    /// The stage made no call, or its calls could not be received.
    pub fn finish(self) -> Result<Trace, Error> {
        self.finish_with_numbers().map(|(trace, _)| trace)
    }

    /// The trace, and the number that each process had inside the sandbox.
    pub(super) fn finish_with_numbers(self) -> Result<(Trace, Vec<u32>), Error> {
        drop(self.send);
        let lost = |reason: String| Error::Lost { stage: self.stage.clone(), reason };
        match self.thread.join() {
            Ok(Some(Ok(trace))) => Ok(trace),
            Ok(Some(Err(errno))) => Err(lost(format!("its calls cannot be received: {errno}"))),
            Ok(None) => Err(lost("it was never handed over".to_owned())),
            Err(_) => Err(lost("the observing thread panicked".to_owned())),
        }
    }
}
