//! zip: its central directory, its local headers where they say something else, and its packed files.
//!
//! Source: PKWARE APPNOTE 6.3.10; Info-ZIP's `proginfo/extrafld.txt` for the extra fields. The central directory is what
//! counts. Sizes, offsets and checksums are not told, as they follow from the content; where a local header or a
//! descriptor contradicts them, that is told, and unpacking holds them against what comes out.

mod entry;
mod extra;
mod packed;
mod read;

pub(super) use read::list;
