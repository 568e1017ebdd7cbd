//! Lockfiles: what is read is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;

use repro::lockfile::{Lockfile, diff};

fuzz_target!(|text: &str| {
    let path = Path::new("lockfile.json");
    match Lockfile::parse(text, path) {
        Ok(lockfile) => {
            let again = Lockfile::parse(&lockfile.to_json(), path).expect("what was written can be read");
            assert_eq!(again, lockfile);
            assert!(diff(&lockfile, &again).is_empty());
        }
        Err(error) => assert!(!error.to_string().is_empty() && error.hint().is_none_or(|hint| !hint.is_empty())),
    }
});
