//! What several benchmarks measure with.

#![allow(dead_code, reason = "each benchmark takes a part of it")]

pub mod stage;

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// Processor time of this process and its children so far: on a busy machine it tells more than the clock.
pub fn processor() -> Duration {
    let one = |who| {
        let usage = getrusage(who).expect("these are always known");
        let time = |t: nix::sys::time::TimeVal| {
            Duration::from_micros((t.tv_sec() * 1_000_000 + t.tv_usec()).try_into().unwrap_or(0))
        };
        time(usage.user_time()) + time(usage.system_time())
    };
    one(UsageWho::RUSAGE_SELF) + one(UsageWho::RUSAGE_CHILDREN)
}
