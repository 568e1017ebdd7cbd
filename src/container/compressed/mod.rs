//! Compressed streams: what their headers say, and what comes out.
//!
//! Sources: RFC 1952 (gzip), RFC 8878 (zstd), the .xz file format 1.2.0, and for bzip2 its only implementation's manual.
//!
//! The decoder runs first and checks the stream; then its parts are told. What is packed is all but headers, checksums and
//! indices, so that headers that differ are told once, and what was compressed otherwise is told apart from them.

mod members;
mod stream;
mod xz;
mod zstd;

use super::fault::Fault;
use super::listing::Listing;
use super::spool::Spool;
use crate::format::{Codec, Decoder};
use crate::fs::Content;
use stream::Told;

/// Lists a compressed stream: its only entry is its content, without a name.
pub(super) fn list(codec: Codec, content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut told = Told::default();
    let inner = match codec {
        Codec::Gzip | Codec::Bzip2 => members::read(codec, content, spool, &mut told)?,
        Codec::Xz | Codec::Zstd => {
            let decoder = Decoder::new(codec, content.reader(), u64::MAX);
            let inner = spool.keep(decoder.map_err(|error| Fault::malformed(error.to_string()))?)?;
            if codec == Codec::Xz {
                xz::read(content, spool, &mut told)?;
            } else {
                zstd::read(content, spool, &mut told)?;
            }
            inner
        }
    };
    Ok(told.listing(inner))
}
