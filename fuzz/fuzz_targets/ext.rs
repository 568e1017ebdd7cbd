//! The reader of ext2, ext3 and ext4 images.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::container::Kind;
use repro_fuzz::listing;

fuzz_target!(|bytes: &[u8]| listing(Kind::Ext, bytes));
