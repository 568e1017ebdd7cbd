//! Image layouts of others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repro::fs::Content;
use repro::pack::Layout;
use repro_fuzz::mended;

fuzz_target!(|bytes: &[u8]| {
    let content = Content::of_bytes(mended(bytes));
    let Ok(layout) = Layout::tar("fuzz", content.clone(), content.reader()) else { return };
    match layout.held() {
        Ok(held) => {
            assert!(!held.images.is_empty(), "what holds no image is refused");
            let images = held.images.iter().map(|(_, manifest)| manifest);
            assert!(images.chain(held.referrers.keys()).all(|manifest| held.blobs.contains(manifest)));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
