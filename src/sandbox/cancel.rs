//! Stopping what runs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::error::Error;

/// Tells any number of running sandboxes to stop. Clones stand for the same request; once made it stays made.
///
/// It is a descriptor (eventfd(2)) and not a flag, so that who waits for output also wakes up for it. Cancelling is one
/// `write`, which a signal handler's thread may do.
#[derive(Debug, Clone)]
pub struct CancelToken(Arc<OwnedFd>);

impl CancelToken {
    /// A token that nobody has cancelled.
    ///
    /// # Errors
    /// No descriptor is free.
    pub fn new() -> Result<Self, Error> {
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        let fd = rustix::event::eventfd(0, flags)
            .map_err(|source| Error::System { what: "make a cancellation token", source })?;
        Ok(Self(Arc::new(fd)))
    }

    /// Asks all who hold the token to stop.
    pub fn cancel(&self) {
        // It can only fail when the counter is full, and then it is not zero.
        let _ = rustix::io::write(self.0.as_fd(), &1u64.to_ne_bytes());
    }

    /// Whether somebody has asked.
    pub fn is_cancelled(&self) -> bool {
        let mut wait = [rustix::event::PollFd::new(&self.0, rustix::event::PollFlags::IN)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::event::poll(&mut wait, Some(&now)).is_ok_and(|ready| ready > 0)
    }
}

impl AsFd for CancelToken {
    /// Readable from the moment of cancellation on. Never to be read from.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
