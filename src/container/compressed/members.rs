//! gzip and bzip2: members after each other, of which only decoding tells the ends.

use std::io::{self, BufReader, Read, Seek};

use bzip2::bufread::BzDecoder;
use flate2::Crc;
use flate2::bufread::GzDecoder;

use super::stream::Told;
use crate::container::fault::Fault;
use crate::container::listing::{Field, Value};
use crate::container::spool::Spool;
use crate::format::Codec;
use crate::fs::{Content, Reader};

/// The longest header: the fixed part, an extra field, a name and a comment as long as the decoder takes them.
const HEADER: usize = 3 * 64 * 1024 + 64;

/// Unpacks all members. What is no member ends the stream: `gzip` and `bzip2` themselves only warn about it.
pub(super) fn read(codec: Codec, content: &Content, spool: &Spool<'_>, told: &mut Told) -> Result<Content, Fault> {
    let input = Some(At::Between(BufReader::new(content.reader())));
    let mut members = Members { codec, content, input, found: Vec::new() };
    let inner = spool.keep(&mut members)?;
    let Members { input, found, .. } = members;
    let end = match input {
        Some(At::Between(mut input)) => input.stream_position().unwrap_or(content.size()),
        _ => content.size(),
    };
    for (index, start) in found.iter().enumerate() {
        spool.check()?;
        let end = found.get(index + 1).copied().unwrap_or(end);
        let member = content.part(*start, end.saturating_sub(*start));
        let member = member.ok_or_else(|| Fault::malformed(format!("the member at byte {start} is cut off")))?;
        if codec == Codec::Gzip {
            let (fields, length) = gzip(&member, *start)?;
            told.part("member", fields, member.from(length))?;
        } else {
            let level = member.bytes_at(3, 1)?.first().copied().unwrap_or(b'?');
            let size = Value::Text(format!("{}00 kB", char::from(level)).into());
            told.part("member", vec![Field::metadata("block size", size)], member.from(4))?;
        }
    }
    told.field("members", Value::Number(told.parts()));
    told.rest("what follows the last member", content.from(end));
    Ok(inner)
}

/// The members, one after the other.
struct Members<'a> {
    codec: Codec,
    content: &'a Content,
    input: Option<At>,
    /// Where each member begins.
    found: Vec<u64>,
}

type Input = BufReader<Reader>;

enum At {
    Between(Input),
    Gzip(Box<GzDecoder<Input>>),
    Bzip2(Box<BzDecoder<Input>>),
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let ended = match self.input.take() {
                Some(At::Between(mut input)) => {
                    let at = input.stream_position()?;
                    let magic: &[u8] = if self.codec == Codec::Gzip { b"\x1f\x8b" } else { b"BZh" };
                    let next = self.content.bytes_at(at, magic.len()).map_err(io::Error::other)?;
                    if next != magic && !self.found.is_empty() || next.is_empty() {
                        self.input = Some(At::Between(input));
                        return Ok(0);
                    }
                    self.found.push(at);
                    self.input = Some(if self.codec == Codec::Gzip {
                        At::Gzip(Box::new(GzDecoder::new(input)))
                    } else {
                        At::Bzip2(Box::new(BzDecoder::new(input)))
                    });
                    continue;
                }
                Some(At::Gzip(mut member)) => {
                    let count = member.read(buffer)?;
                    if count > 0 {
                        self.input = Some(At::Gzip(member));
                        return Ok(count);
                    }
                    member.into_inner()
                }
                Some(At::Bzip2(mut member)) => {
                    let count = member.read(buffer)?;
                    if count > 0 {
                        self.input = Some(At::Bzip2(member));
                        return Ok(count);
                    }
                    member.into_inner()
                }
                None => return Ok(0),
            };
            self.input = Some(At::Between(ended));
        }
    }
}

/// The header of a gzip member (RFC 1952, 2.3), and how long it is.
fn gzip(member: &Content, at: u64) -> Result<(Vec<Field>, u64), Fault> {
    // Where names and comments end is only told by their NUL.
    let mut head = member.bytes_at(0, 512)?;
    if head.get(3).is_some_and(|flags| flags & 0x1c != 0) {
        head = member.bytes_at(0, HEADER)?;
    }
    let short = || Fault::malformed(format!("the header of the member at byte {at} is too long, or cut off"));
    let fixed = head.get(..10).ok_or_else(short)?;
    let flags = fixed[3];
    let mut rest = &head[10..];
    let mut fields = Vec::new();
    let mut field = |name, value| fields.push(Field::metadata(name, value));
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
        let (length, after) = rest.split_first_chunk().ok_or_else(short)?;
        let (extra, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length))).ok_or_else(short)?;
        field("FEXTRA", Value::Bytes(extra.into()));
        rest = after;
    }
    for (bit, name) in [(8, "FNAME"), (16, "FCOMMENT")] {
        if flags & bit != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or_else(short)?;
            field(name, Value::words(&rest[..end]));
            rest = &rest[end + 1..];
        }
    }
    if flags & 2 != 0 {
        let (stated, after) = rest.split_first_chunk().ok_or_else(short)?;
        let mut sum = Crc::new();
        sum.update(&head[..head.len() - rest.len()]);
        if (sum.sum() & 0xffff) as u16 != u16::from_le_bytes(*stated) {
            return Err(Fault::malformed(format!("the checksum of the header of the member at byte {at} is wrong")));
        }
        rest = after;
    }
    Ok((fields, (head.len() - rest.len()) as u64))
}
