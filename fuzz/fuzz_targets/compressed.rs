//! The readers of gzip, bzip2, xz and zstd.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::container::Kind;
use repro::format::Codec;
use repro_fuzz::listing;

fuzz_target!(|bytes: &[u8]| {
    if let Some(codec) = Codec::detect(bytes) {
        listing(Kind::Compressed(codec), bytes);
    }
});
