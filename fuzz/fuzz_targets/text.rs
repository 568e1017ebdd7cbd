//! Text and JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro_fuzz::{comparison, texts};

fuzz_target!(|bytes: &[u8]| {
    if let Some((left, right)) = texts(bytes) {
        comparison(left, right);
    }
});
