//! What a download tells those who watch.

use super::error::Reason;

/// Watches downloads; called from several threads. `name` is the pin's.
pub trait Progress: Sync {
    /// Bytes of `name` are about to come from `place`; `have` of `size` bytes are there already.
    fn started(&self, name: &str, place: &str, have: u64, size: Option<u64>) {
        let _ = (name, place, have, size);
    }

    /// `bytes` more are on disk.
    fn advanced(&self, name: &str, bytes: u64) {
        let _ = (name, bytes);
    }

    /// `bytes` that were on disk turned out useless and are gone.
    fn dropped(&self, name: &str, bytes: u64) {
        let _ = (name, bytes);
    }

    /// `place` failed; the same place is tried again if `again`, else the next one if there is one.
    fn stumbled(&self, name: &str, place: &str, reason: &Reason, again: bool) {
        let _ = (name, place, reason, again);
    }

    /// Nothing more will come for `name`; it is in the store if `good`.
    fn finished(&self, name: &str, good: bool) {
        let _ = (name, good);
    }
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}
