//! The messages that the store keeps: bytes that would not be written again are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::digest::Canonical;
use repro::digest::reapi::{Action, ActionResult, Command, Directory};

fuzz_target!(|bytes: &[u8]| {
    one::<Directory>(bytes);
    one::<Command>(bytes);
    one::<Action>(bytes);
    one::<ActionResult>(bytes);
});

fn one<T: Canonical>(bytes: &[u8]) {
    match T::decode_canonical(bytes) {
        Ok(message) => {
            assert_eq!(message.canonical(), bytes, "only what would be written is read");
            assert_eq!(message.check(), Ok(()));
        }
        Err(error) => assert!(!error.reason.is_empty()),
    }
}
