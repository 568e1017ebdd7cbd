//! Reading and writing the memory of another process.

use rustix::io::Errno;

use super::check;

/// Most pieces that one [`read`] takes.
pub const PIECES: usize = 64;

/// Copies pieces of a process's memory (address, length), one after the other, to the front of `into`, and gives how
/// many bytes came (process_vm_readv(2)). It stops, without an error, before the first piece that cannot be read.
///
/// At most [`PIECES`] pieces are read; the rest is left out.
///
/// # Errors
/// As process_vm_readv(2): EFAULT when nothing could be read, EPERM when the process may not be looked at, ESRCH.
pub fn read(process: u32, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<usize, Errno> {
    let mut remote = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; PIECES];
    let mut count = 0;
    for (slot, (address, length)) in remote.iter_mut().zip(pieces) {
        *slot = libc::iovec { iov_base: *address as *mut libc::c_void, iov_len: *length };
        count += 1;
    }
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let process = i32::try_from(process).map_err(|_| Errno::SRCH)?;
    // SAFETY: `local` is exactly `into`, which is exclusively borrowed, and the kernel writes no further; the remote
    // addresses are the other process's and are only checked and read by the kernel.
    let got = check(unsafe { libc::process_vm_readv(process, &raw const local, 1, remote.as_ptr(), count, 0) } as i64)?;
    Ok(usize::try_from(got).unwrap_or(0))
}

/// Copies bytes to an address of another process's memory (process_vm_writev(2)).
///
/// # Errors
/// As process_vm_writev(2): EFAULT when not all of it could be written, EPERM when the process may not be touched, ESRCH.
pub fn write(process: u32, address: u64, bytes: &[u8]) -> Result<(), Errno> {
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
    let process = i32::try_from(process).map_err(|_| Errno::SRCH)?;
    // SAFETY: `local` is exactly `bytes`, which the kernel only reads; the remote address is the other process's and is
    // only checked and written to by the kernel.
    let put = check(unsafe { libc::process_vm_writev(process, &raw const local, 1, &raw const remote, 1, 0) } as i64)?;
    if usize::try_from(put) == Ok(bytes.len()) { Ok(()) } else { Err(Errno::FAULT) }
}
