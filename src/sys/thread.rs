//! Attributes of the calling thread that a program inherits.

use rustix::io::Errno;

use super::check;

/// Sets the execution domain and its flags to exactly `persona` (personality(2)).
///
/// # Errors
/// As personality(2).
pub fn set_personality(persona: u64) -> Result<(), Errno> {
    // SAFETY: takes an integer and touches no memory.
    check(unsafe { libc::personality(persona) }.into())?;
    Ok(())
}

/// Puts the process into a new, anonymous session keyring, so that it no longer has its caller's
/// (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING).
///
/// # Errors
/// As keyctl(2); ENOSYS on a kernel without keyrings, where there is nothing to hide.
pub fn fresh_session_keyring() -> Result<(), Errno> {
    // SAFETY: a null name asks for an anonymous keyring; no memory is read.
    check(unsafe {
        libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>())
    })?;
    Ok(())
}

/// Gives a signal its default action.
pub fn default_signal(signal: i32) {
    // The C library's wrappers refuse the two signals that it keeps for itself (32 and 33), which a caller may well
    // have had ignored; so this is the bare call, with the kernel's own structure: handler, flags, restorer, mask, all
    // zero, which is SIG_DFL. Larger than any architecture's, so that the kernel reads no further.
    let default = [0u64; 8];
    // SAFETY: the structure is valid and alive; a null pointer means that the old action is not wanted; the last
    // argument is the size of the kernel's signal set. Errors (SIGKILL, SIGSTOP) are as wanted: these two cannot be
    // ignored in the first place.
    let _ =
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), std::ptr::null_mut::<u64>(), 8usize) };
}

/// Blocks every signal that can be blocked.
///
/// # Errors
/// As sigprocmask(2).
pub fn block_signals() -> Result<(), Errno> {
    set_mask(true)
}

/// Blocks no signal.
///
/// # Errors
/// As sigprocmask(2).
pub fn unblock_signals() -> Result<(), Errno> {
    set_mask(false)
}

/// Blocks all signals, or none.
fn set_mask(all: bool) -> Result<(), Errno> {
    let fill = if all { libc::sigfillset } else { libc::sigemptyset };
    // SAFETY: `set` is initialised by `fill` before it is read; a null pointer means that the old mask is not wanted.
    let result = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        fill(&raw mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut())
    };
    check(result.into())?;
    Ok(())
}

/// Gives every signal its default action: an ignored signal would stay ignored in the program executed.
pub fn default_signals() {
    for signal in 1..=64 {
        default_signal(signal);
    }
}

/// Asks for the normal scheduling policy, nice value 0 and the default I/O priority; whatever of that the caller's own
/// lowered priority does not allow is left as it is.
pub fn plain_scheduling() {
    // SAFETY: an all-zero `sched_param` (priority 0) is what SCHED_OTHER takes; it is alive during the call. The other
    // calls take integers.
    unsafe {
        let param: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const param);
        libc::setpriority(libc::PRIO_PROCESS, 0, 0);
        // IOPRIO_WHO_PROCESS = 1, this process, class "none".
        libc::syscall(libc::SYS_ioprio_set, 1, 0, 0);
    }
}

/// Sets the slack of timers to the kernel's own default of 50 microseconds, whatever the caller had (prctl(2)).
///
/// # Errors
/// As prctl(2).
pub fn default_timer_slack() -> Result<(), Errno> {
    // SAFETY: takes integers and touches no memory.
    check(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 50_000, 0, 0, 0) }.into())?;
    Ok(())
}

/// Takes every capability out of the bounding set, which no program executed can then get back (prctl(2)).
///
/// # Errors
/// As prctl(2): EPERM without CAP_SETPCAP.
pub fn drop_bounding_set() -> Result<(), Errno> {
    for capability in 0..64 {
        // SAFETY: takes integers and touches no memory.
        match check(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }.into()) {
            Ok(_) => {}
            // The first number that this kernel does not know ends the list.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
