//! The end of a stage's filter at which observed calls arrive.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::sys::seccomp::{self, Notification};

/// Observed calls of one stage. Each that is received waits until it is let go on; dropping the listener makes all later
/// ones fail with ENOSYS, so it is served until poll(2) says that nobody is left (a hang-up).
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
}

impl Listener {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Waits for the next call.
    ///
    /// # Errors
    /// As [`seccomp::receive`].
    pub fn receive(&self) -> Result<Notification, Errno> {
        seccomp::receive(self.fd.as_fd())
    }

    /// Lets a call go on as if nobody had heard of it.
    ///
    /// # Errors
    /// ENOENT when its thread has died.
    pub fn let_go_on(&self, id: u64) -> Result<(), Errno> {
        seccomp::let_go_on(self.fd.as_fd(), id)
    }

    /// Whether a call still waits: what was read of its thread was of that thread, and of no other with its number.
    pub fn still_waits(&self, id: u64) -> bool {
        seccomp::still_waits(self.fd.as_fd(), id)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
