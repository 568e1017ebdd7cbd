//! Whole comparisons: of some bytes with the same bytes, changed in a few places.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro_fuzz::{comparison, edited};

fuzz_target!(|bytes: &[u8]| {
    if let Some((left, right)) = edited(bytes) {
        comparison(&left, &right);
    }
});
