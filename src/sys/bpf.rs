//! Programs and maps inside the kernel (bpf(2)), and reading the ring in which they leave what they saw.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};

use super::check;

/// One instruction (`struct bpf_insn` of linux/bpf.h): operation 8 bits, target register 4, source register 4, offset 16,
/// constant 32.
pub type Instruction = u64;

/// Kinds of maps (`enum bpf_map_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Values by key.
    Hash = 1,
    /// Values by number.
    Array = 2,
    /// The same, one for each processor.
    PerCpuArray = 6,
    /// Records in the order in which room was found for them.
    Ring = 27,
}

/// A map.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
    key: usize,
    value: usize,
}

const MAP_CREATE: libc::c_long = 0;
const MAP_LOOKUP: libc::c_long = 1;
const MAP_UPDATE: libc::c_long = 2;
const MAP_DELETE: libc::c_long = 3;
const PROGRAM_LOAD: libc::c_long = 5;
const RAW_TRACEPOINT_OPEN: libc::c_long = 17;
/// `BPF_PROG_TYPE_RAW_TRACEPOINT`.
const RAW_TRACEPOINT: u32 = 17;

/// The beginning of `union bpf_attr` that a command uses; what a kernel knows beyond it is zero.
#[repr(C, align(8))]
struct Attributes([u8; 128]);

impl Attributes {
    fn new() -> Self {
        Self([0; 128])
    }

    fn word(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn long(mut self, at: usize, value: u64) -> Self {
        self.0[at..at + 8].copy_from_slice(&value.to_ne_bytes());
        self
    }

    /// # Safety
    /// All addresses in it are valid for what the command does with them.
    unsafe fn call(&self, command: libc::c_long) -> Result<libc::c_long, Errno> {
        // SAFETY: the structure is alive and of the size that is given; the caller answers for what it points to.
        check(unsafe { libc::syscall(libc::SYS_bpf, command, self.0.as_ptr(), self.0.len()) })
    }

    /// # Safety
    /// As for [`Self::call`]; the command gives a descriptor.
    unsafe fn open(&self, command: libc::c_long) -> Result<OwnedFd, Errno> {
        // SAFETY: as the caller says.
        let fd = unsafe { self.call(command) }?;
        // SAFETY: the kernel has just made this descriptor for us; it closes itself on exec.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    }
}

impl Map {
    /// Makes a map with keys and values of these many bytes. For a [`Kind::Ring`] `entries` is its size in bytes, a power of
    /// two of pages, and the other sizes are 0.
    ///
    /// # Errors
    /// As bpf(2), BPF_MAP_CREATE: EPERM without CAP_BPF, ENOSYS, EINVAL for a kind that the kernel does not know.
    pub fn new(kind: Kind, key: u32, value: u32, entries: u32) -> Result<Self, Errno> {
        let attributes = Attributes::new().word(0, kind as u32).word(4, key).word(8, value).word(12, entries);
        // SAFETY: there are no addresses in it.
        let fd = unsafe { attributes.open(MAP_CREATE) }?;
        Ok(Self { fd, key: key as usize, value: value as usize })
    }

    fn element(&self, key: &[u8], value: u64) -> Result<Attributes, Errno> {
        if key.len() != self.key {
            return Err(Errno::INVAL);
        }
        let number = self.fd.as_raw_fd().cast_unsigned();
        Ok(Attributes::new().word(0, number).long(8, key.as_ptr() as u64).long(16, value))
    }

    /// Sets a value.
    ///
    /// # Errors
    /// As bpf(2), BPF_MAP_UPDATE_ELEM: E2BIG when the map is full; EINVAL for a key or value of another size.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Errno> {
        if value.len() != self.value {
            return Err(Errno::INVAL);
        }
        // SAFETY: key and value are alive and have the sizes that the kernel reads.
        unsafe { self.element(key, value.as_ptr() as u64)?.call(MAP_UPDATE) }.map(|_| ())
    }

    /// Reads a value.
    ///
    /// # Errors
    /// As bpf(2), BPF_MAP_LOOKUP_ELEM: ENOENT when there is none; EINVAL for a key or value of another size.
    pub fn get(&self, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        if value.len() != self.value {
            return Err(Errno::INVAL);
        }
        // SAFETY: the key has the size that is read, the value the one that is written, and it is exclusively borrowed.
        unsafe { self.element(key, value.as_mut_ptr() as u64)?.call(MAP_LOOKUP) }.map(|_| ())
    }

    /// Removes a key.
    ///
    /// # Errors
    /// As bpf(2), BPF_MAP_DELETE_ELEM: ENOENT when it is not there.
    pub fn remove(&self, key: &[u8]) -> Result<(), Errno> {
        // SAFETY: the key is alive and has the size that is read.
        unsafe { self.element(key, 0)?.call(MAP_DELETE) }.map(|_| ())
    }
}

impl AsRawFd for Map {
    fn as_raw_fd(&self) -> i32 {
        self.fd.as_raw_fd()
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Gives the kernel a program for raw tracepoints. When it refuses, and `log` is given, that says why.
///
/// # Errors
/// As bpf(2), BPF_PROG_LOAD: EPERM without CAP_BPF and CAP_PERFMON, EINVAL or EACCES when its verifier refuses.
pub fn load(program: &[Instruction], log: Option<&mut [u8]>) -> Result<OwnedFd, Errno> {
    let count = u32::try_from(program.len()).map_err(|_| Errno::TOOBIG)?;
    // Reading memory safely is offered to programs under the GPL only (bpf-helpers(7)); these may be had under it, too.
    let license = c"Dual MIT/GPL";
    let mut attributes = Attributes::new()
        .word(0, RAW_TRACEPOINT)
        .word(4, count)
        .long(8, program.as_ptr() as u64)
        .long(16, license.as_ptr() as u64);
    if let Some(log) = log {
        let size = u32::try_from(log.len()).unwrap_or(u32::MAX);
        attributes = attributes.word(24, 1).word(28, size).long(32, log.as_mut_ptr() as u64);
    }
    // SAFETY: program, license and log are alive; their lengths are true, and the log is exclusively borrowed.
    unsafe { attributes.open(PROGRAM_LOAD) }
}

/// Has a program run at a tracepoint until the descriptor is closed.
///
/// # Errors
/// As bpf(2), BPF_RAW_TRACEPOINT_OPEN: ENOENT when there is no such tracepoint.
pub fn attach(tracepoint: &CStr, program: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let number = program.as_raw_fd().cast_unsigned();
    let attributes = Attributes::new().long(0, tracepoint.as_ptr() as u64).word(8, number);
    // SAFETY: the name is alive and ends with a NUL.
    unsafe { attributes.open(RAW_TRACEPOINT_OPEN) }
}

/// The reading side of a [`Kind::Ring`].
#[derive(Debug)]
pub struct Ring {
    /// One page: how far it was read.
    consumer: *mut libc::c_void,
    /// One page: how far it was written; then the data, twice, so that no record is cut.
    producer: *mut libc::c_void,
    page: usize,
    size: usize,
}

// SAFETY: the mappings belong to the value, and whoever reads needs it exclusively.
unsafe impl Send for Ring {}

/// Bits of a record's length (linux/bpf.h).
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEADER: usize = 8;

impl Ring {
    /// Maps a ring of `size` bytes.
    ///
    /// # Errors
    /// As mmap(2).
    pub fn open(map: BorrowedFd<'_>, size: usize) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        let read = ProtFlags::READ;
        // SAFETY: new mappings at an address of the kernel's choice.
        let consumer =
            unsafe { rustix::mm::mmap(std::ptr::null_mut(), page, read | ProtFlags::WRITE, MapFlags::SHARED, map, 0) }?;
        // SAFETY: the same.
        let producer = unsafe {
            rustix::mm::mmap(std::ptr::null_mut(), page + 2 * size, read, MapFlags::SHARED, map, page as u64)
        };
        match producer {
            Ok(producer) => {
                // A child has no use for it, and copying the tables of so many pages would cost it a millisecond. Where it
                // cannot be left out, it costs that.
                // SAFETY: only what children inherit changes.
                let _ = unsafe { rustix::mm::madvise(producer, page + 2 * size, Advice::LinuxDontFork) };
                Ok(Self { consumer, producer, page, size })
            }
            Err(errno) => {
                // SAFETY: it was mapped just now, and nobody else knows it.
                let _ = unsafe { rustix::mm::munmap(consumer, page) };
                Err(errno)
            }
        }
    }

    fn position(&self, page: *mut libc::c_void) -> &AtomicU64 {
        // SAFETY: both pages begin with an aligned u64 that lives as long as the mapping and that kernel and we access
        // atomically.
        unsafe { AtomicU64::from_ptr(page.cast()) }
    }

    /// How far it is written: what happened before this call ends before here.
    pub fn written(&self) -> u64 {
        self.position(self.producer).load(Ordering::Acquire)
    }

    /// Hands over all records up to a position, or else all that are complete.
    pub fn read(&mut self, until: Option<u64>, hear: &mut dyn FnMut(&[u8])) {
        let mut at = self.position(self.consumer).load(Ordering::Relaxed);
        loop {
            if at >= until.unwrap_or_else(|| self.written()) {
                return;
            }
            let offset = at as usize & (self.size - 1);
            // SAFETY: the offset is below the ring's size and the record's header is aligned to 8 bytes; the producer
            // page and twice the size are mapped. The length is written atomically by the kernel.
            let header = unsafe { AtomicU32::from_ptr(self.producer.cast::<u8>().add(self.page + offset).cast()) };
            let length = header.load(Ordering::Acquire);
            if length & BUSY != 0 {
                // Another processor is just writing it, and cannot be interrupted.
                if until.is_none() {
                    return;
                }
                std::hint::spin_loop();
                continue;
            }
            let bytes = (length & !DISCARDED) as usize;
            if length & DISCARDED == 0 && bytes <= self.size {
                // SAFETY: the record lies within the doubled mapping, is complete, and the kernel does not touch it until
                // the position below is moved past it.
                let record = unsafe {
                    std::slice::from_raw_parts(self.producer.cast::<u8>().add(self.page + offset + HEADER), bytes)
                };
                hear(record);
            }
            at += (bytes + HEADER).next_multiple_of(8) as u64;
            self.position(self.consumer).store(at, Ordering::Release);
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: both were mapped by `open` with these lengths, and no reference into them outlives the value.
        unsafe {
            let _ = rustix::mm::munmap(self.consumer, self.page);
            let _ = rustix::mm::munmap(self.producer, self.page + 2 * self.size);
        }
    }
}
