//! File descriptors by number: only a process that is about to become another program has a use for these.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use rustix::io::Errno;

use super::check;

/// Makes `number` another name of `fd`, without close-on-exec, closing what had that number (dup2(2)).
///
/// For a child that no longer uses the owners of its descriptors. A descriptor that already has the number only loses
/// its close-on-exec flag.
///
/// # Errors
/// As dup2(2) and fcntl(2).
pub fn place(fd: impl AsFd, number: RawFd) -> Result<(), Errno> {
    let from = fd.as_fd().as_raw_fd();
    if from == number {
        // SAFETY: F_SETFD takes an integer and touches no memory.
        check(unsafe { libc::fcntl(from, libc::F_SETFD, 0) }.into())?;
    } else {
        // SAFETY: dup2 touches no memory. Callers are single-threaded children between clone and exec, whose remaining
        // owners of `number` never run their destructors before the exec or exit.
        check(unsafe { libc::dup2(from, number) }.into())?;
    }
    Ok(())
}

/// The descriptor with this number, which must stay open while the value is used.
///
/// For numbers that [`place`] has just given out, in a child that never closes them.
pub fn numbered(number: RawFd) -> BorrowedFd<'static> {
    debug_assert!(number >= 0, "descriptors are not negative");
    // SAFETY: the number is not -1. If it is not open, system calls answer EBADF; no memory depends on it.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Closes the descriptors `first` to `last`, or only marks them close-on-exec (close_range(2)).
///
/// # Errors
/// As close_range(2): ENOSYS before Linux 5.9 (5.11 for `mark_only`).
pub fn close_between(first: u32, last: u32, mark_only: bool) -> Result<(), Errno> {
    let flags = if mark_only { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: touches no memory. Callers are single-threaded children between clone and exec, as for `place`.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })?;
    Ok(())
}
