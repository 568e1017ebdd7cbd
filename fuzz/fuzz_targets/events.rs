//! Events of traced stages, as the kernel's programs and the tracer tell them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::calls::{Event, decode};

fuzz_target!(|bytes: &[u8]| {
    let Some(event) = Event::parse(bytes) else { return };
    assert!(event.first.len() + event.second.len() <= event.rest.len());
    let _ = decode(i64::from(event.number), &event.arguments);
    let mut written = Vec::new();
    event.write(&mut written);
    let (length, rest) = written.split_first_chunk::<4>().expect("it begins with its length");
    assert_eq!(u32::from_ne_bytes(*length) as usize, rest.len());
    let again = Event::parse(rest).expect("what was written can be read");
    let strings = !event.first.is_empty() || !event.second.is_empty();
    assert_eq!(
        (again.kind, again.stage, again.result, again.arguments),
        (event.kind, event.stage, event.result, event.arguments)
    );
    assert_eq!((again.first, again.second), (event.first, event.second));
    assert!(strings || again.rest == event.rest);
});
