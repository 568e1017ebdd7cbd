//! Installing a seccomp filter, and answering the calls that it hands over (seccomp_unotify(2)).

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

use super::check;

/// One instruction of a classic BPF program (linux/filter.h), in its own type so that programs can be built, compared
/// and tested without any unsafe code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// Instructions to skip when a test holds.
    pub yes: u8,
    /// Instructions to skip when it does not.
    pub no: u8,
    /// The constant.
    pub k: u32,
}

// The kernel reads our instructions as its `struct sock_filter`.
const _: () = assert!(size_of::<Instruction>() == size_of::<libc::sock_filter>());
const _: () = assert!(align_of::<Instruction>() == align_of::<libc::sock_filter>());

/// Installs a filter for the calling thread and all it will make (seccomp(2), SECCOMP_SET_MODE_FILTER).
///
/// # Errors
/// As seccomp(2): EACCES without no_new_privs, EINVAL for a program that the kernel's checker refuses or that has more
/// than 4096 instructions.
pub fn install(program: &[Instruction]) -> Result<(), Errno> {
    set_filter(program, 0)?;
    Ok(())
}

/// Installs a filter as [`install`] does, and gives the descriptor on which calls arrive that the filter answers with
/// `SECCOMP_RET_USER_NOTIF`.
///
/// A call that has been received waits for its answer, and only a deadly signal ends the wait
/// (`SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`, Linux 5.19). Before it is received, any signal ends it: where the handler
/// was set without SA_RESTART, the program sees an EINTR that it would not see alone.
///
/// # Errors
/// As [`install`]; EBUSY when there is a listener already.
pub fn install_with_listener(program: &[Instruction]) -> Result<OwnedFd, Errno> {
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let fd = set_filter(program, flags)?;
    // SAFETY: with NEW_LISTENER the result is a descriptor that the kernel has just made for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

fn set_filter(program: &[Instruction], flags: libc::c_ulong) -> Result<libc::c_long, Errno> {
    let len = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let header = libc::sock_fprog { len, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: `header` and the instructions it points to are alive, `len` is their number and their layout is the
    // kernel's (asserted above); the kernel only reads them.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const header) })
}

/// A call that waits for an answer (`struct seccomp_notif`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notification {
    /// Its cookie.
    pub id: u64,
    /// The thread that makes it, in the reader's pid namespace; 0 when it cannot be seen from there.
    pub thread: u32,
    /// The call's number.
    pub call: i32,
    /// Its arguments.
    pub arguments: [u64; 6],
}

/// Waits for the next call (SECCOMP_IOCTL_NOTIF_RECV).
///
/// # Errors
/// ENOENT when the caller has died meanwhile, EINTR, and ENOTCONN (Linux 6.11) or a hang-up in poll(2) when nobody is
/// left under the filter.
pub fn receive(listener: BorrowedFd<'_>) -> Result<Notification, Errno> {
    // SAFETY: an all-zero `seccomp_notif` is a valid value, integers only; the kernel demands zeros.
    let mut raw: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the request writes one `seccomp_notif`, which outlives the call.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut raw) }.into())?;
    Ok(Notification { id: raw.id, thread: raw.pid, call: raw.data.nr, arguments: raw.data.args })
}

/// Lets a call go on as if there were no filter (SECCOMP_IOCTL_NOTIF_SEND with SECCOMP_USER_NOTIF_FLAG_CONTINUE).
///
/// # Errors
/// ENOENT when its thread has died.
pub fn let_go_on(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    let mut raw = libc::seccomp_notif_resp { id, val: 0, error: 0, flags };
    // SAFETY: the request reads one `seccomp_notif_resp`, which outlives the call.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw mut raw) }.into())?;
    Ok(())
}

/// Whether a call still waits: what was read of its thread was of that thread, and of no other with the same number
/// (SECCOMP_IOCTL_NOTIF_ID_VALID).
pub fn still_waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the request reads one u64, which outlives the call.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), VALID, &raw const id) }.into()).is_ok()
}

// linux/seccomp.h: _IOWR('!', 0, struct seccomp_notif), _IOWR('!', 1, struct seccomp_notif_resp), _IOW('!', 2, __u64).
const RECEIVE: libc::Ioctl = 0xc050_2100;
const SEND: libc::Ioctl = 0xc018_2101;
const VALID: libc::Ioctl = 0x4008_2102;
const _: () = assert!(size_of::<libc::seccomp_notif>() == 0x50 && size_of::<libc::seccomp_notif_resp>() == 0x18);
