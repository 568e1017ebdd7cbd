//! Random numbers that are not.

use rustix::io::Errno;

use super::{Next, mixed, refused};
use crate::sys::remote;

/// Bytes that are made at a time.
const PIECE: usize = 64 << 10;
/// Most bytes of one getrandom(2), as the kernel has it.
const MOST: u64 = 33_554_431;
/// Bytes of `/dev/urandom`.
const DEVICE: usize = 4 << 20;
/// What is added between the words of a sequence: odd, so that all states are passed.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Words of a sequence, from the word of this number on.
fn words(seed: u64, from: u64, bytes: usize) -> Vec<u8> {
    let word = |number: u64| mixed(mixed(seed).wrapping_add(number.wrapping_add(1).wrapping_mul(STEP)));
    let count = bytes.div_ceil(8) as u64;
    let mut out: Vec<u8> = (from..from.wrapping_add(count)).flat_map(|number| word(number).to_le_bytes()).collect();
    out.truncate(bytes);
    out
}

/// The sixteen bytes that a program starts with (AT_RANDOM of getauxval(3)).
pub(super) fn at_startup(seed: u64) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&words(seed ^ 1, 0, 16));
    out
}

/// All of `/dev/random` and `/dev/urandom`.
pub(in super::super) fn device(seed: u64) -> Vec<u8> {
    words(seed ^ 2, 0, DEVICE)
}

/// Answers getrandom(2).
pub(super) fn fill(thread: i32, address: u64, length: u64, seed: u64, used: &mut u64) -> Result<Next, Errno> {
    let length = length.min(MOST);
    let mut done = 0;
    while done < length {
        let piece = words(seed, *used, (length - done).min(PIECE as u64) as usize);
        if let Err(errno) = remote::write(thread as u32, address.wrapping_add(done), &piece) {
            return refused(errno);
        }
        *used += piece.len().div_ceil(8) as u64;
        done += piece.len() as u64;
    }
    Ok(Next::Answer(length as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_its_seeds_and_does_not_repeat_itself() {
        assert_eq!(words(1, 0, 20), words(1, 0, 24)[..20]);
        assert_eq!(words(1, 1, 16), words(1, 0, 24)[8..]);
        assert_ne!(words(1, 0, 16), words(2, 0, 16));
        let mut all: Vec<Vec<u8>> = words(7, 0, 80_000).chunks(8).map(<[u8]>::to_vec).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 10_000);
    }
}
