//! The reader of tar archives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::container::Kind;
use repro_fuzz::{listing, mended};

fuzz_target!(|bytes: &[u8]| listing(Kind::Tar, &mended(bytes)));
