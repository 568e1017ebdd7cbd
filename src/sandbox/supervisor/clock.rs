//! The time of day: nanoseconds since 1970, real or shown.

use super::super::answers::{Clock, FIXED};

/// Nanoseconds of a second.
pub(super) const SECOND: i128 = 1_000_000_000;
/// How much later a fixed clock is with each reading, nanoseconds.
const TICK: i128 = 10_000;

/// The real time.
pub(super) fn now() -> i128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    i128::from(now.tv_sec) * SECOND + i128::from(now.tv_nsec)
}

/// What a clock shows to a process that has read it so many times.
pub(super) fn shown(clock: Clock, readings: u64) -> i128 {
    match clock {
        Clock::Real => now(),
        Clock::Ahead(seconds) => now() + i128::from(seconds) * SECOND,
        Clock::Fixed => (i128::from(FIXED) + 1) * SECOND + i128::from(readings) * TICK,
    }
}

/// The real time for one that was computed from what the clock showed last.
pub(super) fn real(clock: Clock, readings: u64, time: i128) -> i128 {
    (now() + time - shown(clock, readings)).max(0)
}

/// `struct timespec`.
pub(super) fn timespec(time: i128) -> [u8; 16] {
    pair(time / SECOND, time % SECOND)
}

/// `struct timeval`.
pub(super) fn timeval(time: i128) -> [u8; 16] {
    pair(time / SECOND, time % SECOND / 1000)
}

/// `time_t`.
pub(super) fn seconds(time: i128) -> [u8; 8] {
    ((time / SECOND) as i64).to_ne_bytes()
}

pub(super) fn from_timespec(bytes: &[u8; 16]) -> i128 {
    let word = |at: usize| bytes[at..].first_chunk().map_or(0, |word| i64::from_ne_bytes(*word));
    i128::from(word(0)) * SECOND + i128::from(word(8))
}

/// Whether a futex(2) of this operation waits until a time, and not for a while.
pub(super) fn is_absolute(operation: u64) -> bool {
    const LOCK_PI2: i32 = 13;
    let command = operation as i32 & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
    [libc::FUTEX_WAIT_BITSET, libc::FUTEX_WAIT_REQUEUE_PI, LOCK_PI2].contains(&command)
}

fn pair(seconds: i128, fraction: i128) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&(seconds as i64).to_ne_bytes());
    out[8..].copy_from_slice(&(fraction as i64).to_ne_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_goes_on_with_its_readings_alone() {
        let first = shown(Clock::Fixed, 0);
        assert_eq!(first, (i128::from(FIXED) + 1) * SECOND);
        assert_eq!(shown(Clock::Fixed, 100_000) - first, SECOND);
    }

    #[test]
    fn waiting_for_a_shown_time_takes_as_long_as_for_the_real_one() {
        let deadline = shown(Clock::Fixed, 7) + 5 * SECOND;
        let wait = real(Clock::Fixed, 7, deadline) - now();
        assert!((4 * SECOND..=5 * SECOND).contains(&wait), "{wait}");
        let ahead = Clock::Ahead(34_560_000);
        let wait = real(ahead, 0, shown(ahead, 0) + 5 * SECOND) - now();
        assert!((4 * SECOND..=5 * SECOND).contains(&wait), "{wait}");
    }

    #[test]
    fn forms_of_a_time() {
        let time = 12 * SECOND + 345_678_901;
        assert_eq!(from_timespec(&timespec(time)), time);
        assert_eq!(from_timespec(&timeval(time)), 12 * SECOND + 345_678);
        assert_eq!(seconds(time), 12i64.to_ne_bytes());
    }
}
