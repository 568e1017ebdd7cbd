//! ELF files: sections, symbols, notes, instructions and debugging information.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro_fuzz::{comparison, edited};

fuzz_target!(|bytes: &[u8]| {
    if let Some((mut left, mut right)) = edited(bytes) {
        // Else mutations would mostly make something else of it.
        for side in [&mut left, &mut right] {
            if let Some(magic) = side.first_chunk_mut::<4>() {
                *magic = *b"\x7fELF";
            }
        }
        comparison(&left, &right);
    }
});
