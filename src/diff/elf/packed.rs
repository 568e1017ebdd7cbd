//! Compressed sections: SHF_COMPRESSED with zlib or zstd, and the older `.zdebug_*`.

use std::io::Read;

use object::elf;

use super::read::{Elf, Numbers, Section};
use crate::container::{Fault, Spool};
use crate::fs::Content;

/// Bytes that a section may have when it is decompressed.
const MOST: u64 = 4 << 30;

/// A section's bytes as they are used, and how they were packed.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub bytes: Content,
    /// Compression, size and alignment, if they were.
    pub packing: Option<(&'static str, u64)>,
}

/// Decompresses a section if it is compressed.
pub(super) fn unpack(file: &Elf, section: &Section, spool: &Spool<'_>) -> Result<Unpacked, Fault> {
    let outside = || Fault::malformed(format!("section `{}` does not lie within the file", section.name));
    let bytes = section.bytes.as_ref().ok_or_else(outside)?;
    let cut = || Fault::malformed("the header of its compression is cut off");
    let (how, size, align, start) = if section.has(elf::SHF_COMPRESSED) {
        let head = bytes.bytes_at(0, 24)?;
        let mut n = Numbers::new(&head, file.encoding);
        let how = n.word().ok_or_else(cut)?;
        if file.encoding.wide {
            n.word().ok_or_else(cut)?;
        }
        let (size, align) = (n.address().ok_or_else(cut)?, n.address().ok_or_else(cut)?);
        (how, size, align, if file.encoding.wide { 24 } else { 12 })
    } else if section.name.starts_with(".zdebug_") {
        // "ZLIB", the size as eight bytes in big-endian order, then the stream.
        let head = bytes.bytes_at(0, 12)?;
        let size = head.strip_prefix(b"ZLIB").filter(|rest| rest.len() == 8).ok_or_else(cut)?;
        (elf::ELFCOMPRESS_ZLIB.0, size.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), section.align, 12)
    } else {
        return Ok(Unpacked { bytes: bytes.clone(), packing: None });
    };
    if size > MOST {
        return Err(Fault::TooMuch { what: "bytes when decompressed", limit: MOST });
    }
    let stream = bytes.from(start).reader();
    let (name, content) = match elf::CompressionType(how) {
        elf::ELFCOMPRESS_ZLIB => ("zlib", keep(flate2::read::ZlibDecoder::new(stream), size, spool)?),
        elf::ELFCOMPRESS_ZSTD => {
            let decoder =
                zstd::stream::read::Decoder::new(stream).map_err(|error| Fault::malformed(error.to_string()))?;
            ("zstd", keep(decoder, size, spool)?)
        }
        other => return Err(Fault::unsupported(format!("compression {}", other.0))),
    };
    if content.size() != size {
        let reason = format!("its header says {size} bytes, and at least {} come out", content.size());
        return Err(Fault::malformed(reason));
    }
    Ok(Unpacked { bytes: content, packing: Some((name, align)) })
}

fn keep(decoder: impl Read, size: u64, spool: &Spool<'_>) -> Result<Content, Fault> {
    // One byte more tells that there is more.
    spool.keep(decoder.take(size + 1))
}
