//! What the recorded calls do to which of their arguments.

use super::ways::{CallKind, Ways};

/// A path among a call's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The descriptor of the directory that a relative path begins at; none: the working directory.
    pub folder: Option<i32>,
    /// Where the path lies in the caller's memory.
    pub address: u64,
    /// Whether a symbolic link at its end is followed.
    pub follow: bool,
    /// Whether an empty path means the descriptor itself.
    pub empty: bool,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Opens: the flags of open(2).
    Open(Place, u64),
    /// Opens: where the `struct open_how` lies.
    OpenHow(Place, u64),
    /// Something with one path.
    One(Place, CallKind, Ways),
    /// Rename or link, from the first to the second; whether the first is gone then, and whether they swap.
    Two(Place, Place, Two),
    /// Executes; where the arguments lie.
    Execute(Place, u64),
    /// Changes the working directory to a descriptor.
    EnterDescriptor(i32),
    /// Binds or connects a socket: address and length of a `sockaddr`.
    Socket(u64, u64, bool),
    /// Not one of ours.
    Unknown,
}

/// See [`Call::Two`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Two {
    /// Only the new name.
    Rename,
    /// Both names.
    Link,
    /// Each has the other's.
    Exchange,
}

const NOFOLLOW: u64 = libc::AT_SYMLINK_NOFOLLOW as u64;
const FOLLOW: u64 = libc::AT_SYMLINK_FOLLOW as u64;
const EMPTY: u64 = libc::AT_EMPTY_PATH as u64;
const EXCHANGE: u64 = libc::RENAME_EXCHANGE as u64;

/// Flags of open(2) with which a link at the end is not followed.
pub fn open_follows(flags: u64) -> bool {
    let exclusive = (libc::O_CREAT | libc::O_EXCL) as u64;
    flags & libc::O_NOFOLLOW as u64 == 0 && flags & exclusive != exclusive
}

/// What the call with this number and these arguments does.
pub fn decode(number: i64, a: &[u64; 6]) -> Call {
    let cwd = |index: usize, follow| Place { folder: None, address: a[index], follow, empty: false };
    let at = |folder: usize, follow| Place {
        folder: (a[folder] as i32 != libc::AT_FDCWD).then_some(a[folder] as i32),
        address: a[folder + 1],
        follow,
        empty: false,
    };
    // A flag word with AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH.
    let flagged =
        |folder: usize, flags: usize| Place { empty: a[flags] & EMPTY != 0, ..at(folder, a[flags] & NOFOLLOW == 0) };
    let look = |place| Call::One(place, CallKind::Look, Ways::LOOKED);
    let change = |place| Call::One(place, CallKind::Change, Ways::CHANGED);
    let make = |place| Call::One(place, CallKind::Make, Ways::CREATED);
    let remove = |place| Call::One(place, CallKind::Remove, Ways::REMOVED);
    let read_link = |place| Call::One(place, CallKind::ReadLink, Ways::LOOKED);
    let rename = |flags: u64| if flags & EXCHANGE == 0 { Two::Rename } else { Two::Exchange };
    let found = match number {
        libc::SYS_openat => Call::Open(at(0, open_follows(a[2])), a[2]),
        libc::SYS_openat2 => Call::OpenHow(at(0, true), a[2]),
        libc::SYS_execve => Call::Execute(cwd(0, true), a[1]),
        libc::SYS_execveat => Call::Execute(flagged(0, 4), a[2]),
        libc::SYS_newfstatat => look(flagged(0, 3)),
        libc::SYS_statx => look(flagged(0, 2)),
        libc::SYS_faccessat => look(at(0, true)),
        libc::SYS_faccessat2 => look(flagged(0, 3)),
        libc::SYS_statfs | libc::SYS_getxattr | libc::SYS_listxattr => look(cwd(0, true)),
        libc::SYS_lgetxattr | libc::SYS_llistxattr => look(cwd(0, false)),
        libc::SYS_inotify_add_watch => look(cwd(1, true)),
        libc::SYS_readlinkat => read_link(Place { empty: true, ..at(0, false) }),
        libc::SYS_renameat => Call::Two(at(0, false), at(2, false), Two::Rename),
        libc::SYS_renameat2 => Call::Two(at(0, false), at(2, false), rename(a[4])),
        libc::SYS_linkat => {
            let from = Place { empty: a[4] & EMPTY != 0, ..at(0, a[4] & FOLLOW != 0) };
            Call::Two(from, at(2, false), Two::Link)
        }
        libc::SYS_symlinkat => make(at(1, false)),
        libc::SYS_unlinkat => remove(at(0, false)),
        libc::SYS_mkdirat | libc::SYS_mknodat => make(at(0, false)),
        libc::SYS_truncate => Call::One(cwd(0, true), CallKind::Change, Ways::WRITTEN),
        libc::SYS_fchmodat => change(at(0, true)),
        452 => change(flagged(0, 3)), // fchmodat2
        libc::SYS_fchownat => change(flagged(0, 4)),
        // Without a path it is the descriptor itself, which is no look-up.
        libc::SYS_utimensat => change(flagged(0, 3)),
        libc::SYS_setxattr | libc::SYS_removexattr => change(cwd(0, true)),
        libc::SYS_lsetxattr | libc::SYS_lremovexattr => change(cwd(0, false)),
        // setxattrat, getxattrat, listxattrat, removexattrat, file_getattr, file_setattr
        463 | 466 | 469 => change(flagged(0, 2)),
        464 | 465 => look(flagged(0, 2)),
        468 => look(flagged(0, 4)),
        libc::SYS_chdir => Call::One(cwd(0, true), CallKind::Enter, Ways::ENTERED),
        libc::SYS_fchdir => Call::EnterDescriptor(a[0] as i32),
        libc::SYS_bind => Call::Socket(a[1], a[2], true),
        libc::SYS_connect => Call::Socket(a[1], a[2], false),
        _ => Call::Unknown,
    };
    if found == Call::Unknown { decode_old(number, a) } else { found }
}

/// The same for calls that only the older architectures have.
#[cfg(target_arch = "x86_64")]
fn decode_old(number: i64, a: &[u64; 6]) -> Call {
    let cwd = |index: usize, follow| Place { folder: None, address: a[index], follow, empty: false };
    let change = |place| Call::One(place, CallKind::Change, Ways::CHANGED);
    match number {
        libc::SYS_open => Call::Open(cwd(0, open_follows(a[1])), a[1]),
        libc::SYS_creat => Call::Open(cwd(0, true), (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u64),
        libc::SYS_stat | libc::SYS_access => Call::One(cwd(0, true), CallKind::Look, Ways::LOOKED),
        libc::SYS_lstat => Call::One(cwd(0, false), CallKind::Look, Ways::LOOKED),
        libc::SYS_readlink => Call::One(cwd(0, false), CallKind::ReadLink, Ways::LOOKED),
        libc::SYS_rename => Call::Two(cwd(0, false), cwd(1, false), Two::Rename),
        libc::SYS_link => Call::Two(cwd(0, false), cwd(1, false), Two::Link),
        libc::SYS_symlink => Call::One(cwd(1, false), CallKind::Make, Ways::CREATED),
        libc::SYS_unlink | libc::SYS_rmdir => Call::One(cwd(0, false), CallKind::Remove, Ways::REMOVED),
        libc::SYS_mkdir | libc::SYS_mknod => Call::One(cwd(0, false), CallKind::Make, Ways::CREATED),
        libc::SYS_chmod | libc::SYS_chown | libc::SYS_utime | libc::SYS_utimes => change(cwd(0, true)),
        libc::SYS_lchown => change(cwd(0, false)),
        libc::SYS_futimesat => {
            let folder = (a[0] as i32 != libc::AT_FDCWD).then_some(a[0] as i32);
            change(Place { folder, address: a[1], follow: true, empty: false })
        }
        _ => Call::Unknown,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn decode_old(_: i64, _: &[u64; 6]) -> Call {
    Call::Unknown
}
