//! Compressed sections: `SHF_COMPRESSED` with zlib or zstd, and the older `.zdebug_*`.

use std::io::Read;

use object::Endianness;
use object::elf;
use object::read::elf::{CompressionHeader, FileHeader, SectionHeader};

/// The section's bytes if they are compressed; `left` is what may still be decompressed.
pub(super) fn unpack<'d, H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    data: &'d [u8],
    section: &H::SectionHeader,
    name: &str,
    bytes: &'d [u8],
    left: &mut u64,
) -> Result<Option<Vec<u8>>, String> {
    if name.starts_with(".zdebug_") {
        // "ZLIB", the size as eight bytes in big-endian order, then the stream.
        let stream =
            bytes.strip_prefix(b"ZLIB").and_then(|rest| rest.get(8..)).ok_or("it does not begin with `ZLIB`")?;
        return all(flate2::read::ZlibDecoder::new(stream), left).map(Some);
    }
    let Some((header, offset, _)) = section.compression(endian, data).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let begin = section.file_range(endian).map_or(0, |(begin, _)| begin);
    let skip = usize::try_from(offset - begin).unwrap_or(usize::MAX);
    let stream = bytes.get(skip..).ok_or("it is shorter than its header")?;
    match header.ch_type(endian) {
        elf::ELFCOMPRESS_ZLIB => all(flate2::read::ZlibDecoder::new(stream), left).map(Some),
        elf::ELFCOMPRESS_ZSTD => {
            let decoder = zstd::stream::read::Decoder::with_buffer(stream).map_err(|error| error.to_string())?;
            all(decoder, left).map(Some)
        }
        other => Err(format!("compression {} is not known", other.0)),
    }
}

fn all(reader: impl Read, left: &mut u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(*left + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    *left = left.checked_sub(bytes.len() as u64).ok_or("it is too large")?;
    Ok(bytes)
}
