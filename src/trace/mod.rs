//! What a stage's processes did: all they executed, read, wrote, moved, removed and looked for in vain.
//!
//! A [`Tracer`] observes a stage while it runs, and gives its [`Trace`]; the trace is kept in the store as bytes
//! ([`Trace::encode`]), named by the result of the action.
//!
//! # Why it has to be asked for
//! An observed program can tell. A call waits until the observer has received it, and a signal that arrives in this time
//! ends the wait: when its handler was installed without SA_RESTART, the call fails with EINTR, also where it never would
//! alone (open(2) or stat(2) of a local file). The time is that of a thread's wake-up, some microseconds, longer on a busy
//! machine. dash handles SIGCHLD so, and sees it when a job in the background ends in just that time. And each observed call
//! costs a round trip: a configure script takes 15 to 25 % more processor time.
//!
//! So builds are not observed: nobody stands between their stages and the kernel. `repro trace` executes a stage once more,
//! under observation, and compares the tree that it leaves with the known one. Only if they are the same, the run counts as
//! one of the same action, and what was seen is kept as the trace of the known result. Another tree says that the stage is
//! not reproducible or does not bear being observed; it never becomes a result.
//!
//! # How it is observed
//! The sandbox's filter hands each call that takes a path, and each end of a process, to a listener before it happens
//! (seccomp_unotify(2)). One thread a stage receives them, finds out what they mean, and answers each with "go on". It
//! needs no privilege and misses nobody: static programs, threads, vfork, programs that trace others. 32-bit programs are
//! refused by the filter.
//!
//! A call is heard of before it happens, so whether it works is found out beforehand: the observer follows the path
//! itself (`walk`), in the sandbox's own root, without ever leaving it. What was found at a path is believed until a
//! call of the stage may change it, and from then on looked up each time (`paths`): all changes to what lies at a path
//! come by calls that are observed.
//!
//! What no call tells is read from `/proc`: parents and threads, working directories, what descriptors are open on
//! (`processes`). When a process ends, its children are met before they get another parent. Programs that the kernel
//! opens by itself, interpreters of scripts and dynamic loaders, are read from the executed file (`program`). A plain
//! user may not look at the first process before it has executed its program: that one is taken from the plan.
//!
//! # What a trace says
//! For each process its parent, its programs with arguments and working directory, when it began and how it ended; and
//! for each path that it had to do with the [`Ways`], once, however often. Paths are absolute, in the stage's eyes,
//! without symbolic links; the links themselves are there as [`Ways::FOLLOWED`].
//!
//! *Order.* All calls of a stage have order numbers. For paths that the stage changed, an access has those of the first
//! and the last read and write: a reader whose last read comes before the first write has nothing of it. A write lasts
//! until its process ends.
//!
//! *Pipes and inherited files.* When a program is executed, and when a process ends that executed none, its standard
//! descriptors are looked at: what they are open on is an access with [`Ways::STANDARD`]. A pipe is a path without a
//! slash, `pipe:1`. Who holds the same one is connected; the end that nobody holds as a standard descriptor is with a
//! parent of those who hold the other (a shell that reads a command's output). Other inherited descriptors, the
//! jobserver's above all, connect nobody.
//!
//! *Moves* are listed in order: what lies at a path may have been written at another.
//!
//! # Limits
//! - A call that fails for another reason than an absent path (permissions, a full disk) is noted as if it had worked.
//! - Another thread of a stage can change a path's text after it was read and before the kernel reads it again. A stage
//!   that does so falsifies its own trace, and nobody else's. Comparing with the descriptor afterwards would cost a
//!   second stop at each open, and would not help where nothing is opened.
//! - Two processes that race see what the kernel decides; the trace has what was there a moment before. An absent path
//!   that another process made at that time may have been there.
//! - `fstat` under its other names (`AT_EMPTY_PATH`) is let through, and with it a question about a path beside a
//!   descriptor.
//! - A program that installs a filter of its own which answers observed calls by SECCOMP_RET_TRACE (`strace
//!   --seccomp-bpf`) does not hear of them: the kernel asks one listener only.
//! - The trace is that of the observed run. The run whose result is known came to the same tree, perhaps in another order
//!   of its processes, and perhaps by another way.
//! - A killed process has no end and no exit code, unless it is the stage's first one.
//!
//! # Format
//! ```text
//! "repro trace 1\n", then one zstd frame of:
//! calls       11 numbers, one for each CallKind in its order
//! paths       their number, with "/" and the nameless one; for each after these two:
//!               distance to the number of its parent, length of its name, name
//! processes   their number; for each:
//!               distance to the number of its parent, or 0; start, from the start of the one before
//!               0, or 1 + the end counted from its start; 0, or 1 + the exit code, or 257 + the signal
//!               number of programs; for each: order from the start, path, directory,
//!                 2 * number of arguments + cut, for each argument length and bytes
//!               number of accesses; for each, by path: path, from the one before;
//!                 4 * ways + 2 * has written + has read; first read from the start, last from the first; so for written
//! moves       their number; for each: order from the one before, process, kind, from, to
//! ```
//! Numbers are LEB128 and as short as they can be. The same stage run twice gives the same trace only if its processes
//! run in the same order; equal traces have equal bytes. [`Reader`] reads a trace process by process.
//!
//! # Concurrency
//! Each stage has an observer of its own; nothing is shared. An observer that fails closes its listener, and the stage's
//! calls fail with ENOSYS: no run is observed in part.

mod calls;
mod descriptors;
mod error;
mod files;
mod follower;
mod format;
mod kernel;
mod memory;
mod model;
mod observer;
mod paths;
mod processes;
mod program;
mod record;
mod recorder;
mod table;
#[cfg(test)]
mod tests;
mod tracer;
mod walk;

pub use error::Error;
pub use format::{MAGIC, Reader};
pub use model::{
    Access, CallKind, Exit, Move, MoveKind, NAMELESS, PathEntry, PathId, Process, Program, ROOT, Trace, Ways,
};
pub use recorder::{Recorder, Recording};
pub use tracer::{First, Tracer};
