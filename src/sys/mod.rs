//! Every `unsafe` block of the crate, and every system call that no safe crate offers.
//!
//! One call a function, each with the reason why it is sound. What rustix already offers safely (the mount API, pidfd,
//! prctl, limits, sockets) is used from there directly by the modules above.
//!
//! # Rules for code between clone and exec
//! [`process::clone_process`] copies one thread of a process that may have many: locks of the allocator or of the
//! standard library may be held forever in the copy. Code that runs there must not allocate, take locks, panic or
//! print. All functions of this module keep to that, except where their text says otherwise. Breaking the rule gives a
//! stuck child, which the caller's time limit ends; it is not undefined behaviour, so these functions are safe to call.
//!
//! Errors are [`rustix::io::Errno`]: plain numbers, so that a child can send them to its parent.

#![allow(unsafe_code, reason = "this module is where it lives")]

pub mod bpf;
mod cancel;
pub mod fds;
pub mod mount;
pub mod net;
mod pages;
pub mod process;
pub mod ptrace;
mod registers;
pub mod remote;
pub mod seccomp;
#[cfg(test)]
pub(crate) mod tests;
pub mod thread;

pub use cancel::{CancelError, CancelToken};
pub use pages::Pages;
pub use registers::Registers;

/// Turns the result of a C wrapper that gives -1 and `errno` into a `Result`.
fn check(result: libc::c_long) -> Result<libc::c_long, rustix::io::Errno> {
    if result == -1 {
        // SAFETY: the location of errno of the calling thread is always valid to read.
        let number = unsafe { *libc::__errno_location() };
        return Err(rustix::io::Errno::from_raw_os_error(number));
    }
    Ok(result)
}
