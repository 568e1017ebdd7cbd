//! Which calls are recorded, and what of their arguments is read.

use super::decode::{Call, Place, decode};
use super::ways::CallKind;

/// Index of an argument plus one, in the lowest 3 bits of a shape: where the first string lies. 0: there is none.
pub const FIRST: u64 = 0;
/// The same for the second string.
pub const SECOND: u64 = 3;
/// The same for bytes that are no string, as many as [`BYTES_LENGTH`] says. They take the place of the first string.
pub const BYTES: u64 = 6;
/// How many bytes, in 7 bits.
pub const BYTES_LENGTH: u64 = 9;
/// A call that is not recorded when it failed.
pub const SUCCESS_ONLY: u64 = 1 << 16;
/// Recorded only if its second argument is a command that concerns a descriptor's number or its closing on exec.
pub const COMMANDS: u64 = 1 << 17;
/// Not recorded when the string is empty: it asks about a descriptor, not about a path.
pub const NOT_EMPTY: u64 = 1 << 18;
/// Any call that is recorded.
const RECORDED: u64 = 1 << 19;

/// Calls have numbers below this.
pub const CALLS: usize = 512;

/// `struct sockaddr_un` (unix(7)).
const ADDRESS: u64 = 110;

/// Commands of fcntl(2) and ioctl(2) with which [`COMMANDS`] are recorded.
pub const RECORDED_COMMANDS: [u32; 5] = [
    libc::F_DUPFD as u32,
    libc::F_SETFD as u32,
    libc::F_DUPFD_CLOEXEC as u32,
    libc::FIOCLEX as u32,
    libc::FIONCLEX as u32,
];

/// The shape of each call, by its number; 0 for those that are not recorded.
pub fn shapes() -> Vec<u64> {
    (0..CALLS as i64).map(shape).collect()
}

fn shape(number: i64) -> u64 {
    let bytes = |index: u64, length: u64| RECORDED | (index + 1) << BYTES | length << BYTES_LENGTH;
    match number {
        libc::SYS_close | libc::SYS_dup | libc::SYS_dup3 | libc::SYS_close_range | libc::SYS_fchdir => {
            return RECORDED | SUCCESS_ONLY;
        }
        #[cfg(target_arch = "x86_64")]
        libc::SYS_dup2 => return RECORDED | SUCCESS_ONLY,
        libc::SYS_fcntl | libc::SYS_ioctl => return RECORDED | SUCCESS_ONLY | COMMANDS,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_pipe => return bytes(0, 8) | SUCCESS_ONLY,
        libc::SYS_pipe2 => return bytes(0, 8) | SUCCESS_ONLY,
        libc::SYS_socketpair => return bytes(3, 8) | SUCCESS_ONLY,
        libc::SYS_symlinkat => return RECORDED | 1 << FIRST | 3 << SECOND,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_symlink => return RECORDED | 1 << FIRST | 2 << SECOND,
        libc::SYS_memfd_create => return RECORDED | SUCCESS_ONLY | 1 << FIRST,
        _ => {}
    }
    // With arguments that tell which of them is the path: its address is its index.
    let marked: [u64; 6] = std::array::from_fn(|index| index as u64 + 1);
    let first = |place: Place| RECORDED | place.address << FIRST;
    match decode(number, &marked) {
        Call::One(place, CallKind::Look, _) => first(place) | NOT_EMPTY,
        Call::Open(place, _) | Call::One(place, ..) | Call::Execute(place, _) => first(place),
        // Its flags are in memory.
        Call::OpenHow(place, how) => bytes(how - 1, 8) | place.address << SECOND,
        Call::Two(from, to, _) => first(from) | to.address << SECOND,
        Call::Socket(..) => bytes(1, ADDRESS),
        Call::EnterDescriptor(_) | Call::Unknown => 0,
    }
}
