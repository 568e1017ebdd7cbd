//! Stopping and asking processes (ptrace(2)).

use rustix::io::Errno;

use super::check;

/// Where a stopped thread is in a system call (PTRACE_GET_SYSCALL_INFO, Linux 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// Before it, where a filter has stopped it: number and arguments.
    Before(u64, [u64; 6]),
    /// After it, with what it gave.
    After(i64),
    /// Elsewhere.
    Outside,
}

/// Until when a thread is let run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Something that has to be told.
    Event,
    /// The same, or the end of the call that it is in.
    EndOfCall,
}

/// Traces a process, and all that it will make: they stop where their filter says so and when they fork or execute, and a
/// stop that a signal asks for stays one (PTRACE_SEIZE).
///
/// # Errors
/// As ptrace(2): EPERM when it may not be traced, or is traced already; ESRCH.
pub fn seize(process: i32) -> Result<(), Errno> {
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_TRACESECCOMP
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXEC;
    // SAFETY: the last argument is a number, not an address.
    check(unsafe { libc::ptrace(libc::PTRACE_SEIZE, process, 0, libc::c_long::from(options)) }).map(|_| ())
}

/// Leaves a thread that a signal has stopped as it is, until something else happens to it (PTRACE_LISTEN).
///
/// # Errors
/// As ptrace(2): ESRCH when it was killed meanwhile.
pub fn listen(thread: i32) -> Result<(), Errno> {
    // SAFETY: takes no address.
    check(unsafe { libc::ptrace(libc::PTRACE_LISTEN, thread, 0, 0) }).map(|_| ())
}

/// Lets a stopped thread go on, with this signal or, for 0, without any (PTRACE_CONT, PTRACE_SYSCALL).
///
/// # Errors
/// As ptrace(2): ESRCH when it was killed meanwhile.
pub fn go_on(thread: i32, until: Until, signal: i32) -> Result<(), Errno> {
    let request = match until {
        Until::Event => libc::PTRACE_CONT,
        Until::EndOfCall => libc::PTRACE_SYSCALL,
    };
    // SAFETY: the last argument is a number, not an address.
    check(unsafe { libc::ptrace(request, thread, 0, libc::c_long::from(signal)) }).map(|_| ())
}

/// The number that comes with an event: of the new process or thread (PTRACE_GETEVENTMSG).
///
/// # Errors
/// As ptrace(2).
pub fn event_number(thread: i32) -> Result<i32, Errno> {
    let mut number: libc::c_ulong = 0;
    // SAFETY: the kernel writes one `unsigned long`, which outlives the call.
    check(unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, thread, 0, &raw mut number) })?;
    Ok(number as i32)
}

/// Where a stopped thread is.
///
/// # Errors
/// As ptrace(2): ESRCH when it was killed meanwhile, EIO on an older kernel.
pub fn place(thread: i32) -> Result<Where, Errno> {
    // `struct ptrace_syscall_info`: op in the first byte, from 24 on a union.
    let mut raw = [0u64; 11];
    let size = size_of_val(&raw);
    // SAFETY: the kernel writes at most `size` bytes to `raw`, which outlives the call.
    check(unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, thread, size, raw.as_mut_ptr()) })?;
    Ok(match (raw[0] & 0xff) as u8 {
        libc::PTRACE_SYSCALL_INFO_ENTRY | libc::PTRACE_SYSCALL_INFO_SECCOMP => {
            Where::Before(raw[3], [raw[4], raw[5], raw[6], raw[7], raw[8], raw[9]])
        }
        libc::PTRACE_SYSCALL_INFO_EXIT => Where::After(raw[3].cast_signed()),
        _ => Where::Outside,
    })
}

/// Whether a number is that of a process, and not of another of its threads (tgkill(2) without a signal).
pub fn is_process(thread: i32) -> bool {
    // SAFETY: takes integers, and with signal 0 does nothing.
    check(unsafe { libc::syscall(libc::SYS_tgkill, thread, thread, 0) }).is_ok()
}
