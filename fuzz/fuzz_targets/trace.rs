//! Traces of stages: what is read is written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::trace::{MAGIC, Trace};

fuzz_target!(|bytes: &[u8]| {
    // Whoever could mend a compressed stream would find only the decompressor's faults.
    let packed = zstd::bulk::compress(bytes, 1).expect("memory takes it");
    for bytes in [[MAGIC, &packed].concat(), [MAGIC, bytes].concat()] {
        let Ok(trace) = Trace::decode(&bytes) else { continue };
        let again = trace.encode();
        assert_eq!(Trace::decode(&again).ok().as_ref(), Some(&trace), "it was written and read");
    }
});
