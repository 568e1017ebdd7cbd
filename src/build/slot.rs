//! A core that the broker lends to a stage.

use std::os::fd::OwnedFd;

use crate::exec;
use crate::schedule::{Broker, CancelToken, Slot, jobserver};

/// The right to use a core, with the stage's end of make's jobserver.
pub struct Core {
    slot: Slot,
    stage: String,
}

impl Core {
    /// Waits until the broker has one.
    ///
    /// # Errors
    /// The run was stopped meanwhile, or there is no descriptor left.
    pub fn take(broker: &Broker, stage: &str, cancel: &CancelToken) -> Result<Self, exec::Error> {
        match broker.slot(cancel) {
            Ok(slot) => Ok(Self { slot, stage: stage.to_owned() }),
            Err(jobserver::Error::Cancelled) => Err(exec::Error::Cancelled { stage: stage.to_owned() }),
            Err(error) => Err(exec::Error::slot(stage, &error)),
        }
    }
}

impl exec::Slot for Core {
    fn fds(&self) -> Result<[OwnedFd; 2], exec::Error> {
        let (read, write) = self.slot.fds().map_err(|error| exec::Error::slot(&self.stage, &error))?;
        Ok([read, write])
    }
}
