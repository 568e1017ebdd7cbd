//! The registers of a stopped thread, as far as a system call has to do with them (PTRACE_GETREGS, PTRACE_SETREGS).

use rustix::io::Errno;

use super::check;

/// The registers of a thread that is stopped before or after a system call.
#[cfg(target_arch = "x86_64")]
pub struct Registers(libc::user_regs_struct);

#[cfg(target_arch = "x86_64")]
impl Registers {
    /// Those of a stopped thread.
    ///
    /// # Errors
    /// As ptrace(2): ESRCH when it was killed meanwhile.
    pub fn of(thread: i32) -> Result<Self, Errno> {
        // SAFETY: an all-zero `user_regs_struct` is a valid value: integers only.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel writes one `user_regs_struct`, which outlives the call.
        check(unsafe { libc::ptrace(libc::PTRACE_GETREGS, thread, 0, &raw mut registers) })?;
        Ok(Self(registers))
    }

    /// Gives them to the thread.
    ///
    /// # Errors
    /// As ptrace(2): ESRCH when it was killed meanwhile.
    pub fn set(&self, thread: i32) -> Result<(), Errno> {
        // SAFETY: the kernel reads one `user_regs_struct`, which outlives the call; the thread is another process's.
        check(unsafe { libc::ptrace(libc::PTRACE_SETREGS, thread, 0, &raw const self.0) }).map(|_| ())
    }

    /// Has the call that is about to happen not happen, and give this.
    pub fn answer(&mut self, result: i64) {
        self.0.orig_rax = u64::MAX;
        self.0.rax = result.cast_unsigned();
    }

    /// Sets an argument of the call, by its index from 0. Others than these six there are none.
    pub fn set_argument(&mut self, index: usize, value: u64) {
        let Self(r) = self;
        let all = [&mut r.rdi, &mut r.rsi, &mut r.rdx, &mut r.r10, &mut r.r8, &mut r.r9];
        if let Some(register) = all.into_iter().nth(index) {
            *register = value;
        }
    }

    /// The stack pointer.
    pub fn stack(&self) -> u64 {
        self.0.rsp
    }
}

/// The registers of a thread. Of this machine they are not known yet: asking for them fails.
#[cfg(not(target_arch = "x86_64"))]
pub struct Registers(());

#[cfg(not(target_arch = "x86_64"))]
impl Registers {
    /// # Errors
    /// ENOSYS.
    pub fn of(_: i32) -> Result<Self, Errno> {
        check(0)?;
        Err(Errno::NOSYS)
    }

    /// # Errors
    /// ENOSYS.
    pub fn set(&self, _: i32) -> Result<(), Errno> {
        Err(Errno::NOSYS)
    }

    /// Does nothing.
    pub fn answer(&mut self, _: i64) {}

    /// Does nothing.
    pub fn set_argument(&mut self, _: usize, _: u64) {}

    /// Zero.
    pub fn stack(&self) -> u64 {
        0
    }
}
