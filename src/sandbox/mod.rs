//! Running a program where it sees its declared inputs and nothing else.
//!
//! A [`StagePlan`] says what a stage is given; its [`Plan`] is the list of steps that make the sandbox, as data: it
//! prints, compares, goes to JSON, and to an OCI bundle ([`oci`]). [`Plan::run`] applies it.
//!
//! # How a run goes
//! The plan goes to a launcher (`launcher`, `serve`): a process that starts one sandbox after the other, and has what is
//! slow to make ready in advance: a user namespace, and for each sandbox a network namespace. It turns the plan into C strings, arrays
//! and a filter program (`compile`), because nothing may be allocated between clone and exec. Then `clone3` makes a
//! process in new mount, pid, UTS, IPC and control group namespaces; it does the steps up to [`Step::Spawn`], as process
//! 1 of its pid namespace, and stays as the reaper. A second process, made by `vfork` so that no page table is copied,
//! does the rest and executes the program (`child`). A step that fails is reported with its index, the call and the error
//! number over a socket, from which the caller makes the sentence (`fault`, `error`). The caller carries output, watches
//! the limits and waits (`run`).
//!
//! When the program ends, process 1 ends, and the kernel kills and reaps all that is left in the pid namespace before
//! the launcher's wait returns: nobody writes to the output any more, however it was started. The same happens when the
//! caller dies: the launcher ends with its socket, process 1 is killed with the launcher, and all mounts and scratch
//! space, which only exist in the namespace, are gone. The caller holds descriptors of `/out` and `/build` since the sandbox stood, so that results (or what there is
//! of them) survive it.
//!
//! # One way for everybody
//! Root and plain users take the same steps: always a user namespace with a single id mapped, so that files of the
//! caller belong to uid 1000 inside. Root has no extra rights there; what root can do more (control groups) tightens
//! limits and changes nothing that a stage sees. Where the kernel refuses a step, the run fails ([`Error::is_host`],
//! exit code 4); there is no weaker mode. [`probe`] tells in advance, [`isolation_id`] names the isolation for the
//! action key.
//!
//! # What a stage sees
//! - **Files**: the layout at [`StagePlan`]. All trees are overlays, even read-only ones of one layer: a bind mount
//!   would show its path on the host in `/proc/self/mountinfo`. Layers are named `.` for the same reason. All that is
//!   written goes to one tmpfs with a size and a number of inodes. Everything is nosuid and nodev but the five devices.
//! - **`/proc`**: of its own pid namespace, read-only, `subset=pid` and `hidepid=ptraceable`. So there are its own
//!   processes and no fact of the machine: no `cpuinfo`, `meminfo`, `version`, `cmdline`, `sys`. Programs that read
//!   those (rarely more than to tune themselves to the machine, which a stage must not do) find them missing, as in
//!   many containers. The alternative, hiding the known files of a full `/proc` one by one, forgets the next one.
//!   Process 1 is not dumpable and so does not show: it holds a copy of the caller's memory.
//! - **No `/sys`**, no terminal, no network but `lo`, no keyring, group, environment variable, descriptor, signal
//!   setting, limit or scheduling of the caller. An exception: a caller that has lowered its own priority keeps that.
//! - **System calls** as in [`filter`]; no capability, and no way to get one.
//! - **Addresses** are not randomised.
//!
//! What still differs between machines: kernel release (`uname`), processors (`sched_getaffinity`, cpuid), memory
//! (`sysinfo`), inode and device numbers, directory order of the lower file system, clocks, the size of devtmpfs in
//! mountinfo, and in a plain user's mountinfo the uid option of the scratch tmpfs.
//!
//! # Limits
//! | what | how | who |
//! |---|---|---|
//! | wall time, silence, log size, cancellation | the caller has process 1 killed | all |
//! | scratch bytes and inodes | tmpfs options | all |
//! | processes | RLIMIT_NPROC, which counts by user namespace (Linux 5.14) | users |
//! | | pids control group (`cgroup`) | root, which RLIMIT_NPROC does not hold |
//! | memory | RLIMIT_DATA for each process | all |
//! | | memory control group, of memory and scratch together | root, or a user with a delegated group |
//!
//! The number of processes includes the launcher.
//!
//! # Concurrency
//! Any number of threads may run plans, and share launchers. Descriptors of one run never reach another's child: all are
//! close-on-exec, and each launcher and each child closes every descriptor that is not its own before anything else.

mod answers;
mod cgroup;
mod child;
mod compile;
pub mod doctor;
mod error;
mod fault;
pub mod filter;
mod launcher;
mod mounts;
pub mod oci;
mod plan;
mod program;
mod run;
mod serve;
mod stage_plan;
mod supervisor;
mod terminal;
#[cfg(test)]
pub(crate) mod tests;
mod tracer;
mod vary;

pub use crate::sys::CancelToken;
pub use answers::{Answers, Clock, Order, Random, Source};
pub use doctor::{Feature, Status, isolation_id, probe, require};
pub use error::Error;
pub use launcher::Launchers;
pub use plan::{Limits, Namespace, Plan, Resource, SCHEMA, Step};
pub use run::{Announced, Finished, Outcome, RunIo, Tracing};
pub use stage_plan::{ID, StagePlan};
pub use terminal::Terminal;
pub use vary::Variation;
