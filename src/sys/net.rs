//! Network interfaces.

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;

use super::check;

/// Brings the interface `lo` of the caller's network namespace up, by way of any socket of that namespace
/// (netdevice(7), SIOCSIFFLAGS).
///
/// # Errors
/// As netdevice(7): EPERM without CAP_NET_ADMIN over the namespace.
pub fn loopback_up(socket: impl AsFd) -> Result<(), Errno> {
    // SAFETY: an all-zero `ifreq` is a valid value: integers, byte arrays and a union of those.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(b"lo\0") {
        *slot = *byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which is alive and initialised.
    check(unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) }.into())?;
    Ok(())
}
