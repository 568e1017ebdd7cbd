//! What the fuzz targets have in common. Each target is a few lines in `fuzz_targets`; CONTRIBUTING.md has the commands.
//!
//! A target fails by a panic, by more time or memory than it is given, or because one of the properties below does not
//! hold. Debug assertions and checks for overflow are on.

mod compare;
mod container;
mod mend;
mod unpack;

use std::sync::LazyLock;

use repro::fs::Dir;

pub use compare::{comparison, edited, texts};
pub use container::listing;
pub use mend::mended;
pub use unpack::archive;

/// Where files without names lie while they are unpacked.
fn scratch() -> &'static Dir {
    static SCRATCH: LazyLock<Dir> =
        LazyLock::new(|| Dir::open(std::env::temp_dir()).expect("there is a folder for temporary files"));
    &SCRATCH
}
