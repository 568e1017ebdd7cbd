//! What a stage's processes did: all they executed, read, wrote, moved, removed and looked for in vain.
//!
//! A [`Recorder`] records stages while they run, and gives the [`Trace`] of each; it is kept in the store as bytes
//! ([`Trace::encode`]), named by the result of the action.
//!
//! # How it is recorded
//! Whoever may load programs into the kernel (root, as a rule) has five of them look at the stage's processes (`kernel`):
//! nobody waits for them, so a stage cannot tell and cannot come out differently. For everybody else process 1 of the
//! sandbox traces the others (`crate::sandbox`'s `tracer`): the filter stops each call that takes a path, until it was read. A
//! stopped thread cannot be woken, so here, too, no call comes out differently; seccomp's own notification is no such way,
//! because a signal that arrives before the listener has received a call ends it with EINTR.
//!
//! Both tell the same [events](crate::calls::Event): each call that takes a path or changes what a descriptor means, when it
//! has come to its end, with what it gave; each new process, each execution with its arguments, and each end. All
//! programs are told of: static ones, with threads, made by vfork, traced by others. 32-bit programs are refused by the
//! filter.
//!
//! A `follower` makes a trace of the events. It keeps account of what each process's descriptors are open on and of its working
//! directory (`descriptors`), and of what lies where in the stage's file system (`files`): that begins with the plan's trees,
//! which do not change, and goes on with what the calls did. So nobody looks at the stage's own files, where everything may
//! be otherwise by the time that an event is read. What a program's dynamic loader is, is read from the executed file
//! (`program`).
//!
//! # What is kept
//! One entry for each process and path, with the [`Ways`] in which the one had to do with the other, however often. Of paths
//! that the stage changed also when (order numbers of events), since there it matters who came first. Numbers of
//! different processes may be swapped where they ran at the same time: an event is told at the end of a call.
//!
//! *Descriptors that are inherited* are not opened by who uses them: what a process has as standard input, output and
//! error when it executes a program (or ends without having done so) counts as read and written, [`Ways::STANDARD`]. A pipe
//! is a path without a slash, `pipe:1`. Who holds the same one is connected; the end that nobody holds as a standard
//! descriptor is with a parent of those who hold the other (a shell that reads a command's output). Other inherited
//! descriptors, the jobserver's above all, connect nobody.
//!
//! *Moves* are listed in order: what lies at a path may have been written at another.
//!
//! # Limits
//! - The kernel's programs read a path when its call has ended. Another thread that changes the text meanwhile falsifies the
//!   stage's own trace, and nobody else's.
//! - A descriptor that is sent through a socket (`SCM_RIGHTS`) is not known to whoever receives it; what is found relative to
//!   it is not either.
//! - The dynamic loader of a program that the stage itself has made is not noted. What it looks for and the libraries that
//!   it opens are: by its configuration `provenance` knows that there is one.
//! - A tracer's stages cannot trace (strace, gdb), a child made with CLONE_UNTRACED cannot open anything, and no process is
//!   stopped by SIGSTOP. `fstat` under its other names (`AT_EMPTY_PATH`) is let through, and with it a question about a path
//!   beside a descriptor.
//! - What is known of a stage grows with the number of different paths that it asks for; a hostile stage can ask for many.
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
//! Each stage has a follower of its own. What the kernel tells of all stages comes through one ring, is read by one thread
//! now and then, and by whoever finishes a stage. When the ring is full, events are lost; that is counted, and a trace with
//! a hole is never taken for a whole one.

mod descriptors;
mod error;
mod files;
mod follower;
mod format;
mod kernel;
mod model;
mod paths;
mod program;
mod record;
mod recorder;
mod table;
#[cfg(test)]
mod tests;

pub use crate::calls::{CallKind, Ways};
pub use error::Error;
pub use format::{MAGIC, Reader};
pub use model::{Access, Exit, Move, MoveKind, NAMELESS, PathEntry, PathId, Process, Program, ROOT, Trace};
pub use recorder::{Recorder, Recording};
