//! Compressed streams: what their headers say, and what comes out.
//!
//! Sources: RFC 1952 (gzip), RFC 8878 (zstd), the .xz file format 1.2.0, and for bzip2 its only implementation's manual.

use std::io::{self, BufRead, BufReader, Read, Seek};

use flate2::bufread::GzDecoder;

use super::fault::Fault;
use super::listing::{Data, Entry, Field, Listing, Rest, Value, What};
use super::spool::Spool;
use crate::format::{Codec, Decoder};
use crate::fs::{Content, Reader};

/// Lists a compressed stream: its only entry is its content, without a name.
pub(super) fn list(codec: Codec, content: &Content, spool: &Spool<'_>) -> Result<Listing, Fault> {
    let mut listing = Listing::default();
    let inner = if codec == Codec::Gzip {
        let mut members = Members { input: Some(Member::Between(BufReader::new(content.reader()))), found: Vec::new() };
        let inner = spool.keep(&mut members)?;
        for at in &members.found {
            gzip_header(&content.from(*at), &mut listing)?;
        }
        if let Some(Member::Between(rest)) = members.input {
            let bytes = spool.keep(rest)?;
            if bytes.size() > 0 {
                listing.rest.push(Rest { name: "what follows the last member".to_owned(), bytes });
            }
        }
        inner
    } else {
        header(codec, &content.bytes_at(0, 64)?, &mut listing);
        let decoder = Decoder::new(codec, content.reader(), u64::MAX);
        spool.keep(decoder.map_err(|error| Fault::malformed(error.to_string()))?)?
    };
    listing.entries.push(Entry { name: String::new(), what: What::File(Data::Plain(inner)), fields: Vec::new() });
    Ok(listing)
}

/// gzip's members, one after the other. What is no member ends the stream: `gzip` itself only warns about it.
struct Members {
    input: Option<Member>,
    /// Where each member begins.
    found: Vec<u64>,
}

enum Member {
    Between(BufReader<Reader>),
    Within(Box<GzDecoder<BufReader<Reader>>>),
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.take() {
                Some(Member::Within(mut member)) => {
                    let count = member.read(buffer)?;
                    if count > 0 || buffer.is_empty() {
                        self.input = Some(Member::Within(member));
                        return Ok(count);
                    }
                    self.input = Some(Member::Between(member.into_inner()));
                }
                Some(Member::Between(mut input)) => {
                    let next = input.fill_buf()?;
                    let begins = next.starts_with(b"\x1f\x8b") || next == b"\x1f" || self.found.is_empty();
                    if next.is_empty() || !begins {
                        self.input = Some(Member::Between(input));
                        return Ok(0);
                    }
                    self.found.push(input.stream_position()?);
                    self.input = Some(Member::Within(Box::new(GzDecoder::new(input))));
                }
                None => return Ok(0),
            }
        }
    }
}

/// The header of a gzip member (RFC 1952, 2.3).
fn gzip_header(member: &Content, listing: &mut Listing) -> Result<(), Fault> {
    // Where names and comments end is only told by their NUL; nobody writes longer ones.
    let head = member.bytes_at(0, 64 * 1024)?;
    let short = || Fault::malformed("a member's header is longer than 64 KiB, or cut off");
    let fixed = head.get(..10).ok_or_else(short)?;
    let flags = fixed[3];
    let mut rest = &head[10..];
    let mut field = |name, value| listing.fields.push(Field::metadata(name, value));
    let time = u32::from_le_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    field("MTIME", if time == 0 { Value::Text("none".into()) } else { Value::Time(time.into(), 0) });
    field("FLG", Value::Number(flags.into()));
    let level = match fixed[8] {
        2 => "2 (best compression)".into(),
        4 => "4 (fastest)".into(),
        other => other.to_string().into(),
    };
    field("XFL", Value::Text(level));
    field("OS", Value::Number(fixed[9].into()));
    if flags & 4 != 0 {
        let length =
            usize::from(u16::from_le_bytes([*rest.first().ok_or_else(short)?, *rest.get(1).ok_or_else(short)?]));
        field("FEXTRA", Value::Bytes(rest.get(2..2 + length).ok_or_else(short)?.into()));
        rest = &rest[2 + length..];
    }
    for (bit, name) in [(8, "FNAME"), (16, "FCOMMENT")] {
        if flags & bit != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or_else(short)?;
            field(name, Value::text(&rest[..end]));
            rest = &rest[end + 1..];
        }
    }
    Ok(())
}

/// What the first header of another stream says. It is only described: the decoder is who checks it.
fn header(codec: Codec, head: &[u8], listing: &mut Listing) {
    let mut field = |name, value| listing.fields.push(Field::metadata(name, value));
    match (codec, head) {
        (Codec::Bzip2, [b'B', b'Z', b'h', level, ..]) => {
            field("block size", Value::Text(format!("{}00 kB", char::from(*level)).into()));
        }
        (Codec::Xz, [_, _, _, _, _, _, _, check, ..]) => {
            let name = match check & 15 {
                0 => "none".into(),
                1 => "CRC32".into(),
                4 => "CRC64".into(),
                10 => "SHA-256".into(),
                other => format!("number {other}"),
            };
            field("integrity check", Value::Text(name.into()));
            // Stream header (12 bytes), then the first block's: size, flags, and LZMA2 as the only filter.
            if let Some([_, flags, rest @ ..]) = head.get(12..) {
                let sizes = usize::from(flags >> 6 & 1) + usize::from(flags >> 7 & 1);
                field("sizes stated", Value::Number(sizes as u64));
                if sizes == 0
                    && let [0x21, 1, bits, ..] = rest
                {
                    field("dictionary", Value::Number((2 | u64::from(bits & 1)) << (bits / 2 + 11).min(40)));
                }
            }
        }
        (Codec::Zstd, [0x28, 0xb5, 0x2f, 0xfd, descriptor, window, ..]) => {
            field("checksum", Value::Text(if descriptor & 4 == 0 { "no".into() } else { "yes".into() }));
            field("size stated", Value::Text(if descriptor & 0xe0 == 0 { "no".into() } else { "yes".into() }));
            if descriptor & 0x20 == 0 {
                let base = 1_u64 << (10 + (window >> 3));
                field("window", Value::Number(base + base / 8 * u64::from(window & 7)));
            }
        }
        _ => {}
    }
}
