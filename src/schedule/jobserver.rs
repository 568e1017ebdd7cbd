//! One budget of cores for all stages: a broker between many make jobservers.
//!
//! GNU make shares a budget through a pipe with one byte for each process that may run besides the first
//! (`info make`, "POSIX Jobserver Interaction"; `--jobserver-auth=R,W`). One pipe for all stages would put
//! the whole run at the mercy of each: a stage can swallow tokens, or write more. So each running stage has a pipe of
//! its own, and the [`Broker`] keeps the accounts:
//!
//! - there are `n` tokens; a running stage holds one by running; what is left lies in the stages' pipes;
//! - a stage that wants to start needs a token: a free one, or one taken back out of some pipe;
//! - a token that lies idle in one pipe while another pipe is empty moves there at the next tick;
//! - when a stage ends, all that was ever lent to it comes back *by accounting*: its pipe is thrown away unread. Bytes
//!   that it invented were never in the books, bytes that it swallowed never left them.
//!
//! At all times `running + lent + free == n`. A hostile stage can load the machine beyond its share, as it could by
//! forking without any make; what it may use is the sandbox's business. It cannot change anybody else's share.
//!
//! The broker reads and writes through descriptions of its own (opened anew through /proc/self/fd): the stage's
//! ends stay blocking as old clients expect, and a stage that fills its pipe or changes the flags of its ends never
//! blocks the broker.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::sys::CancelToken;

/// How often idle tokens move, and how soon a waiting stage sees that it was cancelled.
const TICK: Duration = Duration::from_millis(50);
/// What a token looks like: any byte would do, make writes this one.
const TOKEN: u8 = b'+';

/// A slot could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A descriptor could not be made.
    #[error("create a jobserver pipe")]
    Pipe {
        /// The system's answer.
        source: std::io::Error,
    },
    /// The broker's thread could not be started.
    #[error("start the jobserver's thread")]
    Thread {
        /// The system's answer.
        source: std::io::Error,
    },
    /// The run was stopped while waiting.
    #[error("wait for a free core: the run was stopped")]
    Cancelled,
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pipe { .. } => {
                Some("raise the limit of open files (`ulimit -n`), or lower --jobs; /proc must be mounted".into())
            }
            Self::Thread { .. } => Some("raise the limit of processes (`ulimit -u`)".into()),
            Self::Cancelled => None,
        }
    }
}

/// The owner of all tokens.
pub struct Broker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The right of one stage to run, with its jobserver. Dropping it gives everything back.
pub struct Slot {
    shared: Arc<Shared>,
    id: u64,
    ends: Ends,
}

/// The stage's ends of its pipe.
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

struct Shared {
    books: Mutex<Books>,
    /// Told when a token was assigned to a waiting stage.
    granted: Condvar,
    /// Told when the broker's thread has something to look at.
    wake: OwnedFd,
}

struct Books {
    total: usize,
    free: usize,
    stages: BTreeMap<u64, Account>,
    /// Stages that wait for their first token, in the order of their asking.
    waiting: VecDeque<u64>,
    /// Those of them that have it.
    served: Vec<u64>,
    next: u64,
    closing: bool,
}

struct Account {
    /// The broker's own, non-blocking descriptions of the stage's pipe.
    read: Arc<OwnedFd>,
    write: OwnedFd,
    /// Tokens put into the pipe and not taken back, wherever they are now.
    lent: usize,
    /// Whether tokens lay idle at the last tick too.
    was_idle: bool,
}

impl Broker {
    /// A broker of `jobs` tokens, at least one.
    ///
    /// # Errors
    /// No descriptor or thread to be had.
    pub fn new(jobs: usize) -> Result<Self, Error> {
        let total = jobs.max(1);
        let books = Books {
            total,
            free: total,
            stages: BTreeMap::new(),
            waiting: VecDeque::new(),
            served: Vec::new(),
            next: 0,
            closing: false,
        };
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| Error::Pipe { source: error.into() })?;
        let shared = Arc::new(Shared { books: Mutex::new(books), granted: Condvar::new(), wake });
        let thread = std::thread::Builder::new()
            .name("jobserver".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.serve()
            })
            .map_err(|source| Error::Thread { source })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Waits for a token and opens a jobserver for one stage.
    ///
    /// # Errors
    /// The run was stopped meanwhile, or there is no descriptor left.
    pub fn slot(&self, cancel: &CancelToken) -> Result<Slot, Error> {
        let (account, ends) = open().map_err(|source| Error::Pipe { source })?;
        let mut books = self.shared.lock();
        let id = books.next;
        books.next += 1;
        books.waiting.push_back(id);
        books.serve_waiting();
        while !books.served.contains(&id) {
            if cancel.is_cancelled() {
                books.waiting.retain(|&other| other != id);
                return Err(Error::Cancelled);
            }
            self.shared.wake();
            books = self.shared.granted.wait_timeout(books, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
        books.served.retain(|&other| other != id);
        books.stages.insert(id, account);
        books.spread();
        let crowded = books.stages.len() > 1;
        drop(books);
        if crowded {
            self.shared.wake();
        }
        Ok(Slot { shared: Arc::clone(&self.shared), id, ends })
    }

    /// `(running, lent, free)`: their sum is the number of jobs.
    pub fn accounts(&self) -> (usize, usize, usize) {
        let books = self.shared.lock();
        let lent = books.stages.values().map(|stage| stage.lent).sum();
        (books.stages.len() + books.served.len(), lent, books.free)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl Slot {
    /// Duplicates of the stage's ends: read, write. Both are close-on-exec and blocking.
    ///
    /// # Errors
    /// No descriptor left.
    pub fn fds(&self) -> Result<(OwnedFd, OwnedFd), Error> {
        let copy = |end: &OwnedFd| end.try_clone().map_err(|source| Error::Pipe { source });
        Ok((copy(&self.ends.read)?, copy(&self.ends.write)?))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut books = self.shared.lock();
        if let Some(account) = books.stages.remove(&self.id) {
            books.free += account.lent + 1;
        }
        books.serve_waiting();
        books.spread();
        drop(books);
        self.shared.granted.notify_all();
    }
}

/// A pipe, with the broker's own non-blocking descriptions of it.
fn open() -> std::io::Result<(Account, Ends)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    let again = |fd: BorrowedFd<'_>, access: OFlags| {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        rustix::fs::open(path, access | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
    };
    let account = Account {
        read: Arc::new(again(read.as_fd(), OFlags::RDONLY)?),
        write: again(write.as_fd(), OFlags::WRONLY)?,
        lent: 0,
        was_idle: false,
    };
    Ok((account, Ends { read, write }))
}

impl Account {
    /// Bytes in the pipe.
    fn idle(&self) -> usize {
        rustix::io::ioctl_fionread(&self.read).map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Takes one byte out of the pipe. False when there is none, or when it would be an invented one.
    fn take(&mut self) -> bool {
        let mut byte = [0];
        if self.lent == 0 || !matches!(rustix::io::read(&self.read, &mut byte), Ok(1)) {
            return false;
        }
        self.lent -= 1;
        true
    }

    /// Puts one token into the pipe. False when the stage has filled it.
    fn give(&mut self) -> bool {
        let given = matches!(rustix::io::write(&self.write, &[TOKEN]), Ok(1));
        self.lent += usize::from(given);
        given
    }

    /// Throws away bytes that can only be invented ones. What the stage takes out meanwhile it gave itself.
    fn drop_invented(&mut self) {
        let mut buffer = [0; 4096];
        while let excess @ 1.. = self.idle().saturating_sub(self.lent) {
            let part = excess.min(buffer.len());
            if !matches!(rustix::io::read(&self.read, &mut buffer[..part]), Ok(1..)) {
                return;
            }
        }
    }
}

impl Books {
    /// Gives tokens to stages that wait, first come first served.
    fn serve_waiting(&mut self) {
        while !self.waiting.is_empty() {
            if self.free == 0 && !self.take_back() {
                return;
            }
            self.free -= 1;
            let id = self.waiting.pop_front().expect("the loop's condition");
            self.served.push(id);
        }
    }

    /// One idle token out of some pipe: from the stage that has been lent the most.
    fn take_back(&mut self) -> bool {
        let mut order: Vec<(usize, u64)> = self.stages.iter().map(|(&id, stage)| (stage.lent, id)).collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        for (_, id) in order {
            if self.stages.get_mut(&id).is_some_and(Account::take) {
                self.free += 1;
                return true;
            }
        }
        false
    }

    /// Lends all free tokens, one at a time to the stage with the fewest.
    fn spread(&mut self) {
        if !self.waiting.is_empty() {
            return;
        }
        let mut full = Vec::new();
        while self.free > 0 {
            let poorest = self.stages.iter().filter(|(id, _)| !full.contains(*id)).min_by_key(|(id, s)| (s.lent, **id));
            let Some((&id, _)) = poorest else { return };
            if self.stages.get_mut(&id).is_some_and(Account::give) {
                self.free -= 1;
            } else {
                full.push(id);
            }
        }
    }

    /// Moves tokens that have been idle for a whole tick to stages whose pipe is empty.
    fn rebalance(&mut self) {
        let mut hungry = VecDeque::new();
        let mut rich = Vec::new();
        for (&id, stage) in &mut self.stages {
            stage.drop_invented();
            let idle = stage.idle();
            if idle == 0 {
                hungry.push_back(id);
            } else if stage.was_idle {
                rich.push(id);
            }
            stage.was_idle = idle > 0;
        }
        for from in rich {
            // Half of what lies there, so that two stages that take turns do not wait for each other.
            let spare = self.stages.get(&from).map_or(0, |stage| stage.idle().div_ceil(2));
            for _ in 0..spare {
                let Some(to) = hungry.pop_front() else { return };
                if !self.stages.get_mut(&from).is_some_and(Account::take) {
                    break;
                }
                self.free += 1;
                if self.stages.get_mut(&to).is_some_and(Account::give) {
                    self.free -= 1;
                    hungry.push_back(to);
                }
            }
        }
        self.spread();
        debug_assert_eq!(
            self.stages.len() + self.served.len() + self.stages.values().map(|s| s.lent).sum::<usize>() + self.free,
            self.total
        );
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Fails only when the counter is full: then the thread is awake already.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// The broker's thread: sleeps while at most one stage runs and none waits.
    fn serve(&self) {
        loop {
            let (watch, tick) = {
                let mut books = self.lock();
                if books.closing {
                    return;
                }
                books.serve_waiting();
                let served = !books.served.is_empty();
                let watch: Vec<Arc<OwnedFd>> = if books.waiting.is_empty() {
                    Vec::new()
                } else {
                    // Stages to which nothing is lent cannot give anything back; their pipes would only wake us.
                    books.stages.values().filter(|s| s.lent > 0).map(|s| Arc::clone(&s.read)).collect()
                };
                let tick = books.stages.len() > 1 || !books.waiting.is_empty();
                drop(books);
                if served {
                    self.granted.notify_all();
                }
                (watch, tick)
            };
            let timed_out = self.sleep(&watch, tick);
            if timed_out {
                self.lock().rebalance();
            }
        }
    }

    /// Until somebody wakes us, a watched pipe has a token, or a tick has passed. True for the tick.
    fn sleep(&self, watch: &[Arc<OwnedFd>], tick: bool) -> bool {
        let mut fds: Vec<PollFd<'_>> = std::iter::once(self.wake.as_fd())
            .chain(watch.iter().map(|fd| fd.as_fd()))
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::try_from(TICK.as_nanos()).expect("a tick is short") };
        let ready = poll(&mut fds, tick.then_some(&timeout));
        let mut count = [0; 8];
        // Not readable is an answer too.
        let _ = rustix::io::read(&self.wake, &mut count);
        matches!(ready, Ok(0))
    }
}

#[cfg(test)]
#[path = "jobserver_tests.rs"]
mod tests;
