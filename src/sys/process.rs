//! Making, replacing, ending and waiting for processes.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;

use super::check;

/// `CLONE_CLEAR_SIGHAND` of linux/sched.h: handled signals are back at their defaults in the child (Linux 5.5).
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;

/// Bytes of stack that a child made by [`clone_until_exec`] has.
const STACK: usize = 64 * 1024;

/// A child process.
#[derive(Debug)]
pub struct Spawned {
    /// Its number in the caller's pid namespace.
    pub pid: i32,
    /// A descriptor that becomes readable when it has ended (pidfd_open(2)).
    pub pidfd: OwnedFd,
}

/// What a process and its waited-for descendants used (getrusage(2)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Largest resident set of one process, in bytes.
    pub max_rss: u64,
}

/// Runs `child` in a new process with the given `CLONE_NEW*` flags and ends it with the value returned (clone3(2)).
///
/// The memory is copied, as by fork. Handled signals get their default action in the child; ignored ones stay ignored.
/// `child` keeps to the rules in the [module's text](super).
///
/// # Errors
/// As clone3(2): EPERM or ENOSPC where namespaces are not allowed, EAGAIN at a limit of processes.
pub fn clone_process(namespaces: u64, child: &mut dyn FnMut() -> i32) -> Result<Spawned, Errno> {
    let mut pidfd: c_int = -1;
    // SAFETY: an all-zero `clone_args` is a valid value: integers only.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = namespaces | libc::CLONE_PIDFD as u64 | CLONE_CLEAR_SIGHAND;
    args.pidfd = (&raw mut pidfd) as u64;
    // No signal when it ends: then neither an ignored SIGCHLD nor somebody's wait for any child takes its status away.
    args.exit_signal = 0;
    // SAFETY: the structure is alive and its size is true; `pidfd` points to an integer that outlives the call. No
    // stack is given and memory is not shared, so the child goes on with a copy of this one, as after fork.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<libc::clone_args>()) })?;
    if pid == 0 {
        // A panic that unwound into the caller's frames would run the parent's code twice.
        let _guard = ExitOnDrop;
        exit(child());
    }
    // SAFETY: the kernel has just made this descriptor for us (CLONE_PIDFD), and nobody else knows it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Spawned { pid: pid as i32, pidfd })
}

/// Runs `child` in a copy of this process and ends it with the value returned (fork(2)).
///
/// Unlike after [`clone_process`], memory may be allocated in the copy, since the C library has its allocator's locks put
/// in order by fork. Other locks that a thread of the caller holds at that moment stay locked in the copy for ever.
///
/// # Errors
/// As fork(2).
pub fn fork(child: &mut dyn FnMut() -> i32) -> Result<Spawned, Errno> {
    // SAFETY: the copy has one thread, does nothing but `child`, whose caller answers for the locks that it needs, and
    // ends without returning into the frames below.
    let pid = check(unsafe { libc::fork() }.into())?;
    if pid == 0 {
        let _guard = ExitOnDrop;
        exit(child());
    }
    let raw = rustix::process::Pid::from_raw(pid as i32).ok_or(Errno::SRCH)?;
    // It has not been waited for, so the number is still its own.
    let pidfd = rustix::process::pidfd_open(raw, rustix::process::PidfdFlags::empty())?;
    Ok(Spawned { pid: pid as i32, pidfd })
}

struct ExitOnDrop;

impl Drop for ExitOnDrop {
    fn drop(&mut self) {
        exit(125);
    }
}

/// A stack for [`clone_until_exec`], allocated before it is needed.
#[derive(Debug)]
pub struct Stack(Box<[MaybeUninit<u128>]>);

impl Stack {
    /// A new stack. Allocates, and writes to none of it: the caller would pay for pages that only the child uses.
    pub fn new() -> Self {
        Self(Box::new_uninit_slice(STACK / size_of::<u128>()))
    }
}

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs `child` in a new process that shares the caller's memory, and waits until it has executed a program or ended
/// (clone(2) with `CLONE_VM | CLONE_VFORK`): no page table is copied. Gives the new process's number.
///
/// For single-threaded callers only. `child` keeps to the rules in the [module's text](super) and should not go deep:
/// it has 64 KiB of stack.
///
/// # Errors
/// As clone(2).
pub fn clone_until_exec(stack: &mut Stack, mut child: &mut dyn FnMut() -> i32) -> Result<i32, Errno> {
    extern "C" fn enter(argument: *mut c_void) -> c_int {
        let _guard = ExitOnDrop;
        // SAFETY: `argument` is the address of `child` below, which lives on the stack of a caller that is suspended
        // until this process has executed or ended: no other reference to it is used meanwhile.
        let child = unsafe { &mut *argument.cast::<&mut dyn FnMut() -> i32>() };
        exit(child());
    }
    let top = stack.0.as_mut_ptr_range().end;
    // SAFETY: `top` is the 16-byte aligned end of a block that is exclusively borrowed until this call returns, which
    // is after the child has left it (CLONE_VFORK). `enter` never returns and never unwinds (its guard exits).
    let pid = check(
        unsafe {
            libc::clone(
                enter,
                top.cast(),
                libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
                (&raw mut child).cast::<c_void>(),
            )
        }
        .into(),
    )?;
    Ok(pid as i32)
}

/// Strings in the form that execve(2) takes.
#[derive(Debug)]
pub struct StringArray {
    /// The pointers' owners, never changed after the pointers were taken.
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl StringArray {
    /// Takes the strings over. Allocates.
    pub fn new(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect();
        Self { strings, pointers }
    }

    /// The strings.
    pub fn strings(&self) -> &[CString] {
        &self.strings
    }
}

/// Replaces the program of this process (execve(2)); comes back only with the error.
pub fn execute(path: &CStr, arguments: &StringArray, environment: &StringArray) -> Errno {
    // SAFETY: the path and all strings are NUL-terminated and alive, and both arrays end with a null pointer.
    let result = unsafe { libc::execve(path.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr()) };
    match check(result.into()) {
        Err(errno) => errno,
        Ok(_) => Errno::NOEXEC,
    }
}

/// Ends this process at once, without destructors or exit handlers (_exit(2)).
pub fn exit(code: i32) -> ! {
    // SAFETY: takes an integer and does not return.
    unsafe { libc::_exit(code) }
}

/// Waits for a child (or, with -1, for any) and gives its number, its wait status and its usage (wait4(2)).
///
/// # Errors
/// As wait4(2): ECHILD when there is none.
pub fn wait(pid: i32) -> Result<(i32, i32, Usage), Errno> {
    let mut status: c_int = 0;
    // SAFETY: an all-zero `rusage` is a valid value: integers only.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to initialised values that outlive the call.
        match check(unsafe { libc::wait4(pid, &raw mut status, libc::__WALL, &raw mut usage) }.into()) {
            Ok(found) => return Ok((found as i32, status, convert(&usage))),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn convert(usage: &libc::rusage) -> Usage {
    let time = |t: &libc::timeval| {
        Duration::from_secs(u64::try_from(t.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(t.tv_usec).unwrap_or(0))
    };
    // Linux counts ru_maxrss in KiB.
    let max_rss = u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024);
    Usage { user: time(&usage.ru_utime), system: time(&usage.ru_stime), max_rss }
}

/// Moves the calling process into new namespaces (unshare(2)): only `CLONE_NEW*` flags are passed on.
///
/// # Errors
/// As unshare(2).
pub fn unshare(namespaces: u64) -> Result<(), Errno> {
    const NEW: u64 = (libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET) as u64;
    // SAFETY: without CLONE_FILES and CLONE_VM, unshare changes neither descriptors nor memory.
    check(unsafe { libc::unshare((namespaces & NEW) as c_int) }.into())?;
    Ok(())
}

/// Whether the wait status is that of an exit, and its code.
pub fn exit_code(status: i32) -> Option<i32> {
    libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
}

/// Whether the wait status is that of a death by signal, and its number.
pub fn death_signal(status: i32) -> Option<i32> {
    libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status))
}
