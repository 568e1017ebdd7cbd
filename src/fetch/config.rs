//! How to fetch.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::mirrors::Mirrors;
use crate::fs::{Clock, SystemClock};

/// How to fetch. The caller fills it in: nothing here reads the environment.
#[derive(Clone)]
pub struct Config {
    /// Where `mirror://` leads.
    pub mirrors: Mirrors,
    /// Use no network: what the store lacks and no local mirror has is an error.
    pub offline: bool,
    /// Downloads at a time, at least 1.
    pub jobs: usize,
    /// The most bytes that are taken for a pin without a digest.
    pub unpinned_limit: u64,
    /// Pauses and patience.
    pub timing: Timing,
    /// Measures pauses, stalls and speed.
    pub clock: Arc<dyn Clock>,
    /// Set to true from anywhere to end all downloads soon; their partial files stay.
    pub cancel: Arc<AtomicBool>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mirrors: Mirrors::default(),
            offline: false,
            jobs: 8,
            unpinned_limit: 4 << 30,
            timing: Timing::default(),
            clock: Arc::new(SystemClock::new()),
            cancel: Arc::default(),
        }
    }
}

/// Pauses and patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for the next byte, and for the head of an answer.
    pub stall: Duration,
    /// A server below this many bytes per second, over [`Timing::stall`], is left for the next place.
    pub slowest: u64,
    /// Tries of one place, in a row without getting anywhere.
    pub tries: u32,
    /// Pause before the second try; it doubles with each further one.
    pub pause: Duration,
    /// No pause is longer, whatever a `Retry-After` says.
    pub longest_pause: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            slowest: 1024,
            tries: 4,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(20),
        }
    }
}
