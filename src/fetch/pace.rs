//! Pauses, and a floor for speed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::config::Timing;
use crate::fs::Clock;

/// Measures speed over windows of [`Timing::stall`].
pub(super) struct Pace<'a> {
    clock: &'a dyn Clock,
    timing: Timing,
    since: Duration,
    bytes: u64,
}

impl<'a> Pace<'a> {
    pub(super) fn new(clock: &'a dyn Clock, timing: Timing) -> Self {
        Self { clock, timing, since: clock.monotonic(), bytes: 0 }
    }

    /// Counts `bytes`; the speed in bytes per second at the end of a window that was too slow.
    pub(super) fn too_slow(&mut self, bytes: u64) -> Option<u64> {
        self.bytes += bytes;
        let now = self.clock.monotonic();
        let elapsed = now.saturating_sub(self.since);
        if elapsed < self.timing.stall {
            return None;
        }
        let rate = (self.bytes as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)) as u64;
        self.since = now;
        self.bytes = 0;
        (rate < self.timing.slowest).then_some(rate)
    }
}

/// Waits for `pause`, or less when `cancel` is set meanwhile; says whether it was.
pub(super) fn pause(pause: Duration, cancel: &AtomicBool) -> bool {
    let mut left = pause;
    while !left.is_zero() && !cancel.load(Ordering::Relaxed) {
        // Short steps: an interrupted run ends soon.
        let step = left.min(Duration::from_millis(50));
        thread::sleep(step);
        left -= step;
    }
    cancel.load(Ordering::Relaxed)
}

/// The pause before try number `failed` + 1: doubling, within the limit.
pub(super) fn back_off(timing: &Timing, failed: u32, asked: Option<Duration>) -> Duration {
    let doubled = timing.pause.saturating_mul(1 << failed.saturating_sub(1).min(16));
    asked.unwrap_or(Duration::ZERO).max(doubled).min(timing.longest_pause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::FixedClock;

    #[test]
    fn pauses_double_and_end() {
        let timing =
            Timing { pause: Duration::from_secs(1), longest_pause: Duration::from_secs(5), ..Timing::default() };
        let pauses: Vec<u64> = (1..6).map(|failed| back_off(&timing, failed, None).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
        assert_eq!(back_off(&timing, 1, Some(Duration::from_secs(3))).as_secs(), 3);
        assert_eq!(back_off(&timing, 1, Some(Duration::from_secs(3600))).as_secs(), 5, "a server cannot hold us");
        assert_eq!(back_off(&timing, u32::MAX, None).as_secs(), 5);
    }

    #[test]
    fn slowness_is_judged_by_whole_windows() {
        let clock = FixedClock::new(Duration::ZERO);
        let timing = Timing { stall: Duration::from_secs(10), slowest: 100, ..Timing::default() };
        let mut pace = Pace::new(&clock, timing);
        assert_eq!(pace.too_slow(1), None, "too early to say");
        clock.advance(Duration::from_secs(10));
        assert_eq!(pace.too_slow(1999), None, "200 bytes per second will do");
        clock.advance(Duration::from_secs(9));
        assert_eq!(pace.too_slow(2), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(pace.too_slow(8), Some(1));
    }
}
