//! Recording inside the kernel: for whoever may load programs there (CAP_BPF and CAP_PERFMON, so usually root).
//!
//! Five programs at tracepoints look at the stages' processes: at each fork, exec and exit, and at the end of each call
//! that takes a path or changes what a descriptor means. They write what they see to a ring that is read here. A stage's
//! call waits for nobody, so there is no way in which a stage could tell that it is recorded, or come out differently.
//!
//! - `assembler`: writes programs; no compiler is needed, neither when `repro` is built nor when it runs.
//! - `btf`: where this kernel has the fields that are read.
//! - `ears`: hears what they tell.
//! - `programs`: the programs. What they write are [`Event`](crate::calls::Event)s.
//!
//! # Who belongs to a stage
//! A process of the sandbox takes a name that was announced for it, 11 random characters that nobody else can know
//! (`task_rename`). It and all that it forks belong to the stage, whatever pid namespace they are in.
//!
//! # When records are lost
//! A program in the kernel cannot wait. When the ring is full, because its reader was not let run for too long, a record
//! is lost, and that is counted for its stage: a trace with a hole is never taken for a whole one.

mod assembler;
mod btf;
mod ears;
mod programs;

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;

use crate::sys::Pages;
use crate::sys::bpf::{self, Ring};
use btf::Types;
pub(super) use ears::{Ears, Listening};
use programs::{Maps, NAME, NAME_BEGINS, Offsets, STAGES};

/// Bytes of the ring that stages are recorded with.
pub(super) const RING: usize = 32 << 20;

/// The types that the kernel was compiled with.
const TYPES: &str = "/sys/kernel/btf/vmlinux";
/// They are some megabytes.
const MOST_TYPES: usize = 64 << 20;

/// Why nothing can be recorded inside the kernel.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("this kernel does not say what its structures are (CONFIG_DEBUG_INFO_BTF): {reason}")]
    Types { reason: String },
    #[error("maps cannot be made: {errno}")]
    Maps { errno: Errno },
    #[error("the program for `{tracepoint}` is refused: {errno}: {log}")]
    Program { tracepoint: String, errno: Errno, log: String },
    #[error("there is no tracepoint `{tracepoint}`: {errno}")]
    Tracepoint { tracepoint: String, errno: Errno },
}

/// Programs at work, until the value is dropped.
#[derive(Debug)]
struct Kernel {
    maps: Maps,
    ring: Ring,
    _attached: Vec<OwnedFd>,
}

impl Kernel {
    /// Loads the programs and lets them run, with a ring of so many bytes.
    fn start(size: usize) -> Result<Self, Refusal> {
        let maps = |errno| Refusal::Maps { errno };
        let made = Maps::new(size as u32).map_err(maps)?;
        let ring = Ring::open(made.ring.as_fd(), size).map_err(maps)?;
        let offsets = offsets().map_err(|reason| Refusal::Types { reason })?;
        let programs = [
            (c"sys_exit", programs::call(&made)),
            (c"sched_process_fork", programs::fork(&made, &offsets)),
            (c"sched_process_exec", programs::execute(&made, &offsets)),
            (c"sched_process_exit", programs::exit(&made, &offsets)),
            (c"task_rename", programs::begin(&made)),
        ];
        let attached = programs.iter().map(|(name, program)| attach(name, program)).collect::<Result<_, _>>()?;
        Ok(Self { maps: made, ring, _attached: attached })
    }

    /// Expects a process that takes this name: it begins the stage.
    fn expect(&self, name: &[u8; NAME], stage: u32) -> Result<(), Errno> {
        self.maps.lost.set(&stage.to_ne_bytes(), &[0; 8])?;
        self.maps.names.set(name, &stage.to_ne_bytes())
    }

    /// Expects it no more.
    fn forget(&self, name: &[u8; NAME]) {
        // Its process has come, and the name is gone.
        let _ = self.maps.names.remove(name);
    }

    /// How many records of a stage were lost.
    fn lost(&self, stage: u32) -> Result<u64, Errno> {
        let mut value = [0; 8];
        self.maps.lost.get(&stage.to_ne_bytes(), &mut value)?;
        Ok(u64::from_ne_bytes(value))
    }

    /// The ring, to wait for.
    fn waiting(&self) -> std::os::fd::BorrowedFd<'_> {
        self.maps.ring.as_fd()
    }
}

/// Where this kernel has what the programs read; or why that is not known.
fn offsets() -> Result<Offsets, String> {
    let file = crate::fs::open(Path::new(TYPES)).map_err(|error| error.to_string())?;
    let bytes = Pages::read(file.as_fd(), MOST_TYPES).map_err(|errno| format!("`{TYPES}`: {errno}"))?;
    let types = Types::parse(&bytes).ok_or_else(|| format!("`{TYPES}` cannot be understood"))?;
    Offsets::find(&types).map_err(|field| format!("no `{field}`"))
}

fn attach(tracepoint: &CStr, program: &[bpf::Instruction]) -> Result<OwnedFd, Refusal> {
    let name = || tracepoint.to_string_lossy().into_owned();
    let loaded = bpf::load(program, None).map_err(|errno| {
        // Once more, for the reason.
        let mut log = vec![0; 64 << 10];
        let again = bpf::load(program, Some(&mut log));
        let text = log.split(|byte| *byte == 0).next().unwrap_or_default();
        let last = String::from_utf8_lossy(text).lines().rev().take(3).collect::<Vec<_>>().join(" < ");
        Refusal::Program { tracepoint: name(), errno: again.err().unwrap_or(errno), log: last }
    })?;
    bpf::attach(tracepoint, loaded.as_fd()).map_err(|errno| Refusal::Tracepoint { tracepoint: name(), errno })
}

/// A name that a process can take and that nobody else can know.
fn secret_name() -> Result<[u8; NAME], Errno> {
    const LETTERS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    let mut random = [0; NAME - NAME_BEGINS.len() - 1];
    let got = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    if got < random.len() {
        return Err(Errno::AGAIN);
    }
    let mut name = [0; NAME];
    name[..NAME_BEGINS.len()].copy_from_slice(&NAME_BEGINS);
    for (letter, random) in name[NAME_BEGINS.len()..].iter_mut().zip(random) {
        *letter = LETTERS[usize::from(random % 64)];
    }
    Ok(name)
}
