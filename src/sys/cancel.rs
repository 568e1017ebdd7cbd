//! A token that says "stop": once, for good, to any number of threads.
//!
//! The token is a flag and an eventfd, so that code which waits in `poll` for a process or a socket can wait for
//! the stop at the same time. A child token is stopped with its parent, but not the other way round: the queue stops
//! the remaining stages after a failure through a child of the user's token.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::event::{EventfdFlags, eventfd};

/// A shared request to stop. Clones are the same token.
#[derive(Debug, Clone)]
pub struct CancelToken {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    cancelled: Arc<AtomicBool>,
    immediate: AtomicBool,
    signal: AtomicI32,
    event: OwnedFd,
    children: Mutex<Vec<Weak<Inner>>>,
}

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
#[error("create an event descriptor")]
pub struct CancelError {
    /// `eventfd(2)`'s answer.
    pub source: std::io::Error,
}

impl CancelError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some("raise the limit of open files (`ulimit -n`), or lower --jobs".into())
    }
}

impl CancelToken {
    /// A token that nobody has cancelled.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn new() -> Result<Self, CancelError> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| CancelError { source: error.into() })?;
        let inner = Inner {
            cancelled: Arc::default(),
            immediate: AtomicBool::new(false),
            signal: AtomicI32::new(0),
            event,
            children: Mutex::new(Vec::new()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A token that is cancelled with this one, and may be cancelled alone.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn child(&self) -> Result<Self, CancelError> {
        let child = Self::new()?;
        {
            let mut children = self.inner.children.lock().unwrap_or_else(PoisonError::into_inner);
            children.retain(|weak| weak.strong_count() > 0);
            children.push(Arc::downgrade(&child.inner));
        }
        // The parent may have been cancelled before the child was listed; after the listing it cannot be missed.
        if self.is_cancelled() {
            child.inner.cancel(self.signal().unwrap_or(0), self.is_immediate());
        }
        Ok(child)
    }

    /// Asks all holders to stop. Further calls change nothing.
    pub fn cancel(&self) {
        self.inner.cancel(0, false);
    }

    /// As [`cancel`](Self::cancel), because of a signal; the first signal is the one remembered.
    pub fn cancel_by(&self, signal: i32) {
        self.inner.cancel(signal, false);
    }

    /// Asks all holders to stop without any grace: kill at once, clean up nothing that can wait.
    pub fn cancel_now(&self, signal: i32) {
        self.inner.cancel(signal, true);
    }

    /// Whether a stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::SeqCst)
    }

    /// The same request for code that only looks now and then. Never to be set by others.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.inner.cancelled)
    }

    /// Whether the stop must not wait for anything.
    pub fn is_immediate(&self) -> bool {
        self.inner.immediate.load(Ordering::SeqCst)
    }

    /// The signal that asked for the stop, if one did.
    pub fn signal(&self) -> Option<i32> {
        match self.inner.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }
}

/// The event descriptor: readable from the moment of the stop on. Never read from it.
impl AsFd for CancelToken {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.event.as_fd()
    }
}

impl Inner {
    fn cancel(&self, signal: i32, immediate: bool) {
        if signal != 0 {
            // Keeps the first signal; a later one only speeds things up.
            let _ = self.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        }
        if immediate {
            self.immediate.store(true, Ordering::SeqCst);
        }
        self.cancelled.store(true, Ordering::SeqCst);
        // Fails only when the counter is full, and then the descriptor is readable anyway.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        let children = std::mem::take(&mut *self.children.lock().unwrap_or_else(PoisonError::into_inner));
        for child in &children {
            if let Some(child) = child.upgrade() {
                child.cancel(signal, immediate);
            }
        }
        if !immediate {
            // A second, harsher call must reach them again.
            self.children.lock().unwrap_or_else(PoisonError::into_inner).extend(children);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn readable(token: &CancelToken) -> bool {
        let mut fds = [PollFd::new(token, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).expect("poll one descriptor") == 1
    }

    #[test]
    fn a_stop_reaches_flag_and_descriptor() {
        let token = CancelToken::new().expect("descriptor");
        assert!(!token.is_cancelled() && !readable(&token));
        token.clone().cancel_by(15);
        token.cancel_now(2);
        assert!(token.is_cancelled() && token.is_immediate() && readable(&token) && readable(&token));
        assert_eq!(token.signal(), Some(15));
    }

    #[test]
    fn children_follow_and_do_not_lead() {
        let parent = CancelToken::new().expect("descriptor");
        let (first, second) = (parent.child().expect("child"), parent.child().expect("child"));
        let grandchild = first.child().expect("child");
        second.cancel();
        assert!(!parent.is_cancelled() && !first.is_cancelled());
        parent.cancel_by(2);
        assert!(grandchild.is_cancelled() && readable(&first) && grandchild.signal() == Some(2));
        parent.cancel_now(2);
        assert!(grandchild.is_immediate());
        assert!(parent.child().expect("late child").is_immediate());
    }
}
