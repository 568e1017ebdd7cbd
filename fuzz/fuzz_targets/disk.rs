//! The reader of partition tables.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::container::Kind;
use repro_fuzz::listing;

fuzz_target!(|bytes: &[u8]| listing(Kind::Disk, bytes));
