//! Installing a seccomp filter (seccomp(2)).

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
    let len = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let header = libc::sock_fprog { len, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: `header` and the instructions it points to are alive, `len` is their number and their layout is the
    // kernel's (asserted above); the kernel only reads them.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const header) })?;
    Ok(())
}
