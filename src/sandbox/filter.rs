//! The filter of system calls: what it refuses, and why; and the program that does so.
//!
//! A list of what is refused rather than of what is allowed: a build may use any ordinary call, and what matters is
//! that nothing reaches the host's kernel features that namespaces do not cover. Calls that this table does not know
//! because they are newer than it answer `ENOSYS`, so that a newer kernel does not show.
//!
//! Three answers are used. `ENOSYS`: the feature does not exist here, programs fall back. `EPERM`: it exists and is not
//! for you. A constant: the answer is always the same (`getgroups` gives none, whatever groups the caller has).
//!
//! ptrace stays allowed: strace, gdb and LeakSanitizer need it, it reaches only processes of the same pid namespace
//! that have the same owner and no capability more, the kernel checks filters after a tracer's changes (since 4.8), and
//! process 1 is not dumpable.
//!
//! The program is our own and not seccompiler's, because that crate has one action for a whole filter and does not tell
//! x32 calls from native ones. The kernel caches calls that are allowed whatever their arguments (since 5.11), so only
//! the few calls with conditions run through the program.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::answers::Source;
use super::program::compile;
use super::supervisor;
use crate::calls::shapes::{RECORDED_COMMANDS, shapes};
use crate::digest::Digest;
use crate::sys::seccomp::Instruction;

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The call's name.
    pub call: &'static str,
    /// Its number on this architecture.
    pub number: i64,
    /// When it applies: all of these hold. Empty: always.
    pub when: &'static [Test],
    /// What happens.
    pub answer: Answer,
}

/// A condition on the low 32 bits of an argument: all values concerned are `int` or have their flags there, and the
/// kernel itself ignores the upper half of an `int` (CVE-2019-10063 was a comparison of all 64).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// Index of the argument, from 0.
    pub argument: u8,
    /// What holds of it.
    pub is: Is,
}

/// See [`Test`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// This value.
    Value(u32),
    /// None of these values.
    NoneOf(&'static [u32]),
    /// A value with any of these bits set.
    AnyBit(u32),
    /// A value with none of these bits set.
    NoBit(u32),
}

/// What a call answers instead of being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Fails with this error number.
    Error(i32),
    /// Succeeds with 0, and does nothing.
    Zero,
}

const ENOSYS: Answer = Answer::Error(libc::ENOSYS);
const EPERM: Answer = Answer::Error(libc::EPERM);

/// All `CLONE_NEW*` flags that fit unshare(2) and clone(2), but for `CLONE_NEWTIME`, which is within clone's signal.
const NEW_NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;
const CLONE_NEWTIME: u32 = 0x80;
const SET_ID_BITS: u32 = libc::S_ISUID | libc::S_ISGID;
/// `SECCOMP_FILTER_FLAG_NEW_LISTENER`.
const NEW_LISTENER: u32 = 1 << 3;

/// The persona of every stage: addresses are not randomised.
pub const PERSONA: u32 = libc::ADDR_NO_RANDOMIZE as u32;

/// The last call in the kernel's table when this one was written (`file_setattr`, Linux 6.17).
pub(super) const NEWEST: u32 = 469;

const fn arg(argument: u8, is: Is) -> Test {
    Test { argument, is }
}

macro_rules! rules {
    ($( $answer:expr => [ $($name:ident $(if $when:expr)?),* $(,)? ] ),* $(,)?) => {
        &[ $( $( Rule {
            call: name_of(stringify!($name)),
            number: libc::$name,
            when: rules!(@ $($when)?),
            answer: $answer,
        } ),* ),* ]
    };
    (@) => { &[] };
    (@ $when:expr) => { &$when };
}

/// `SYS_name` without its prefix.
const fn name_of(constant: &'static str) -> &'static str {
    match constant.as_bytes().split_first_chunk::<4>() {
        Some((_, rest)) => match str::from_utf8(rest) {
            Ok(name) => name,
            Err(_) => constant,
        },
        None => constant,
    }
}

/// Calls of which only some uses are refused.
const CONDITIONAL: &[Rule] = rules![
    EPERM => [
        // New namespaces open kernel code that is otherwise closed to a plain user.
        SYS_clone if [arg(0, Is::AnyBit(NEW_NAMESPACES))],
        SYS_unshare if [arg(0, Is::AnyBit(NEW_NAMESPACES | CLONE_NEWTIME))],
        // Typing into a terminal (CVE-2017-5226), or having the console do so.
        SYS_ioctl if [arg(1, Is::Value(libc::TIOCSTI as u32))],
        SYS_ioctl if [arg(1, Is::Value(libc::TIOCLINUX as u32))],
        // No output may have these bits; better to hear it from chmod than at the end.
        SYS_fchmod if [arg(1, Is::AnyBit(SET_ID_BITS))],
        SYS_fchmodat if [arg(2, Is::AnyBit(SET_ID_BITS))],
        SYS_fchmodat2 if [arg(2, Is::AnyBit(SET_ID_BITS))],
        SYS_mknodat if [arg(2, Is::AnyBit(SET_ID_BITS))],
        // Randomised addresses, other kernel names, memory below mmap_min_addr.
        SYS_personality if [arg(0, Is::NoneOf(&[PERSONA, u32::MAX]))],
        // A listener would decide about calls in place of this filter.
        SYS_seccomp if [arg(1, Is::AnyBit(NEW_LISTENER))],
    ],
    // Local, Internet and routing sockets: `lo` is all that these reach. Others (vsock, alg, packet, bluetooth, can...)
    // reach the host or parts of its kernel that no namespace divides.
    Answer::Error(libc::EAFNOSUPPORT) => [
        SYS_socket if [arg(0, Is::NoneOf(&[
            libc::AF_UNIX as u32, libc::AF_INET as u32, libc::AF_INET6 as u32, libc::AF_NETLINK as u32,
        ]))],
        SYS_socketpair if [arg(0, Is::NoneOf(&[libc::AF_UNIX as u32]))],
    ],
    Answer::Error(libc::EPROTONOSUPPORT) => [
        // Only NETLINK_ROUTE: others carry the host's device events, audit records and the like.
        SYS_socket if [arg(0, Is::Value(libc::AF_NETLINK as u32)), arg(2, Is::NoneOf(&[libc::NETLINK_ROUTE as u32]))],
    ],
];

/// The same for calls that only the older architectures have.
#[cfg(target_arch = "x86_64")]
const CONDITIONAL_OLD: &[Rule] = rules![
    EPERM => [
        SYS_chmod if [arg(1, Is::AnyBit(SET_ID_BITS))],
        SYS_mknod if [arg(1, Is::AnyBit(SET_ID_BITS))],
    ],
];
#[cfg(not(target_arch = "x86_64"))]
const CONDITIONAL_OLD: &[Rule] = &[];

const ALWAYS: &[Rule] = rules![
    ENOSYS => [
        // Its flags are in memory, where a filter cannot see them; the C libraries fall back to clone.
        SYS_clone3,
        // Work done by kernel threads or by rings, past this filter.
        SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
        // Large interfaces that no build needs.
        SYS_userfaultfd, SYS_bpf, SYS_perf_event_open, SYS_fanotify_init, SYS_fanotify_mark, SYS_memfd_secret,
        // Keyrings are per user, not per namespace.
        SYS_add_key, SYS_request_key, SYS_keyctl,
        // Say what the host's kernel has.
        SYS_lookup_dcookie, SYS_nfsservctl,
    ],
    EPERM => [
        SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount, SYS_fsopen,
        SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr,
        // Files by handle go round directories.
        SYS_name_to_handle_at, SYS_open_by_handle_at,
        // Other processes' memory and descriptors.
        SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_kcmp, SYS_pidfd_getfd,
        SYS_migrate_pages, SYS_move_pages,
        // The machine.
        SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_init_module, SYS_finit_module, SYS_delete_module,
        SYS_acct, SYS_quotactl, SYS_quotactl_fd, SYS_syslog, SYS_vhangup, SYS_settimeofday, SYS_clock_settime,
        SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname, SYS_setdomainname,
    ],
    Answer::Zero => [
        // Groups of the caller cannot be dropped in a user namespace of a plain user, and differ between callers.
        SYS_getgroups,
    ],
];

#[cfg(target_arch = "x86_64")]
const ALWAYS_OLD: &[Rule] = rules![
    ENOSYS => [SYS__sysctl, SYS_uselib, SYS_ustat, SYS_sysfs],
    EPERM => [SYS_kexec_file_load, SYS_iopl, SYS_ioperm, SYS_modify_ldt],
];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_OLD: &[Rule] = &[];

/// Calls too new for the libc crate; their numbers are the same on all architectures.
const NEW: &[Rule] = &[
    Rule { call: "statmount", number: 457, when: &[], answer: ENOSYS },
    Rule { call: "listmount", number: 458, when: &[], answer: ENOSYS },
    Rule { call: "lsm_get_self_attr", number: 459, when: &[], answer: ENOSYS },
    Rule { call: "lsm_set_self_attr", number: 460, when: &[], answer: ENOSYS },
    Rule { call: "lsm_list_modules", number: 461, when: &[], answer: ENOSYS },
    Rule { call: "open_tree_attr", number: 467, when: &[], answer: EPERM },
];

/// Uses of calls that a tracer need not hear of. With AT_EMPTY_PATH they are fstat(3) under its other names, as common as
/// opening; a program that gives a path all the same asks about it unheard.
const SPARED: &[(i64, Test)] = &[
    (libc::SYS_newfstatat, arg(3, Is::AnyBit(libc::AT_EMPTY_PATH as u32))),
    (libc::SYS_statx, arg(2, Is::AnyBit(libc::AT_EMPTY_PATH as u32))),
    (libc::SYS_utimensat, arg(3, Is::AnyBit(libc::AT_EMPTY_PATH as u32))),
    (libc::SYS_fcntl, arg(1, Is::NoneOf(&RECORDED_COMMANDS))),
    (libc::SYS_ioctl, arg(1, Is::NoneOf(&RECORDED_COMMANDS))),
];

/// The whole table. Of several lines for one call, the first whose tests hold counts.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [CONDITIONAL, CONDITIONAL_OLD, ALWAYS, ALWAYS_OLD, NEW].into_iter().flatten()
}

/// The filter's name, with a digest of its table: part of what isolation is in force.
pub fn name() -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(named).clone()
}

fn named() -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let architecture = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x86_64" };
    let _ = writeln!(text, "{architecture} up to {NEWEST}");
    for Rule { number, when, answer, .. } in rules() {
        let _ = write!(text, "{number}");
        for Test { argument, is } in *when {
            let _ = match is {
                Is::Value(value) => write!(text, " {argument}={value}"),
                Is::AnyBit(bits) => write!(text, " {argument}&{bits}"),
                Is::NoneOf(values) => write!(text, " {argument}!{values:?}"),
                Is::NoBit(bits) => write!(text, " {argument}^{bits}"),
            };
        }
        let _ = match answer {
            Answer::Error(errno) => writeln!(text, " -{errno}"),
            Answer::Zero => writeln!(text, " 0"),
        };
    }
    format!("deny-{}", Digest::of(text.as_bytes()).short())
}

/// The filter as a program for the kernel. Its form is that of `program`.
pub fn program() -> Vec<Instruction> {
    compile(rules(), &[], &[])
}

/// The [`program`], which stops the calls that are [told of](crate::calls::shapes) where it would allow them. It is no
/// part of the filter's [`name`], since it refuses the same.
pub fn tracing() -> Vec<Instruction> {
    stopping(true, &[])
}

/// The [`program`], which stops the calls that are told of, if they are, and those that ask one of these sources.
fn stopping(told: bool, sources: &[Source]) -> Vec<Instruction> {
    let shapes = if told { shapes() } else { Vec::new() };
    let told = shapes.into_iter().enumerate().filter(|(_, shape)| *shape != 0).map(|(number, _)| number as i64);
    let asked: Vec<i64> = supervisor::number_of(sources).collect();
    let spared = SPARED.iter().filter(|(call, _)| !asked.contains(call));
    let spared: Vec<_> = spared.chain(supervisor::spared().iter().filter(|(call, _)| asked.contains(call))).collect();
    let stopped: Vec<i64> = told.chain(asked.iter().copied()).collect();
    compile(rules(), &stopped, &spared)
}

/// The program for a stage that is told of, or not, and whose questions to these sources are answered. The common ones are
/// made once in a process.
pub(super) fn shared(told: bool, sources: &[Source]) -> Cow<'static, [Instruction]> {
    static PROGRAM: OnceLock<Vec<Instruction>> = OnceLock::new();
    static TRACING: OnceLock<Vec<Instruction>> = OnceLock::new();
    match (told, sources) {
        (false, []) => PROGRAM.get_or_init(program).into(),
        (true, []) => TRACING.get_or_init(tracing).into(),
        _ => stopping(told, sources).into(),
    }
}

/// Has all programs made, for a process that is about to be copied.
pub(super) fn prepare() {
    name();
    shared(false, &[]);
    shared(true, &[]);
}
