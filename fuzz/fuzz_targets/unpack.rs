//! The strict readers of tar, cpio, ar, deb and zip, and the compressions around them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro_fuzz::{archive, mended};

fuzz_target!(|bytes: &[u8]| archive(&mended(bytes)));
