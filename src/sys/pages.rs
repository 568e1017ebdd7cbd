//! A large file's content for a short while, in memory that the allocator never sees.

use std::ops::Deref;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

/// The content of a file. Its memory is the kernel's again when it is dropped; an allocator would keep it, and each process
/// that is cloned later would copy it.
#[derive(Debug)]
pub struct Pages {
    start: *mut libc::c_void,
    mapped: usize,
    read: usize,
}

impl Pages {
    /// Reads what a file has at its beginning, `most` bytes of it at most.
    ///
    /// # Errors
    /// As mmap(2) and pread(2).
    pub fn read(file: BorrowedFd<'_>, most: usize) -> Result<Self, Errno> {
        let mapped = most.max(1);
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                mapped,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        }?;
        let mut pages = Self { start, mapped, read: 0 };
        while pages.read < most {
            // SAFETY: all of the mapping is ours, zeroed by the kernel, and nobody else refers to it yet.
            let all = unsafe { std::slice::from_raw_parts_mut(start.cast::<u8>(), mapped) };
            match rustix::io::pread(file, &mut all[pages.read..most], pages.read as u64) {
                Ok(0) => break,
                Ok(count) => pages.read += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(pages)
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so much was read into the mapping, which lives as long as `self` and is not written to any more.
        unsafe { std::slice::from_raw_parts(self.start.cast::<u8>(), self.read) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: it was mapped by `read` with this length, and no reference into it outlives the value.
        let _ = unsafe { rustix::mm::munmap(self.start, self.mapped) };
    }
}
