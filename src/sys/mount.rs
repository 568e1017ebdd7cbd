//! The one call of the mount API that rustix 1.1 does not have.

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::check;

/// Sets attributes on a mount, and on all mounts below it when `recursive` (mount_setattr(2), Linux 5.12).
///
/// # Errors
/// As mount_setattr(2).
pub fn set_attributes(mount: impl AsFd, set: MountAttrFlags, recursive: bool) -> Result<(), Errno> {
    let attributes = libc::mount_attr { attr_set: set.bits().into(), attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a NUL-terminated empty string; the structure is alive during the call and its true size is
    // given.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}
