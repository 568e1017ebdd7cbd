//! ar, and the Debian binary package that is one.
//!
//! Sources: `ar(5)`, `deb(5)`. A deb has the members `debian-binary` (the text `2.0`), `control.tar*` and `data.tar*`, in
//! this order; members whose names start with `_` may stand between and after them and are passed over.

use std::io::Read;

use super::error::{Fault, Reason};
use super::gate::Gate;
use super::kind::Codec;
use super::unpack::{bytes, exact, fill, member, skip};

const MAGIC: &[u8; 8] = b"!<arch>\n";
/// Bound on a table of long names.
const NAMES: u64 = 16 << 20;

/// Which member of a deb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Control,
    Data,
}

struct Member {
    name: Vec<u8>,
    mode: u32,
    uid: u64,
    gid: u64,
    size: u64,
}

fn corrupt(detail: impl Into<String>) -> Fault {
    Reason::corrupt("ar", detail).into()
}

/// The next member's header, or nothing at the end.
fn next(input: &mut dyn Read) -> Result<Option<Member>, Fault> {
    let mut header = [0; 60];
    match fill(input, &mut header)? {
        0 => return Ok(None),
        60 => {}
        _ => return Err(Reason::Truncated { part: "a member's header" }.into()),
    }
    if &header[58..] != b"`\n" {
        return Err(corrupt("a member's header does not end in its magic bytes"));
    }
    let number = |field: &[u8], radix: u32, what: &str| {
        let text = std::str::from_utf8(field).unwrap_or("?").trim_end_matches(' ');
        let digits = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
        match digits.then(|| u64::from_str_radix(text, radix)) {
            Some(Ok(number)) => Ok(number),
            // GNU's symbol table leaves owner and mode blank.
            None if text.is_empty() && what != "size" => Ok(0),
            _ => Err(corrupt(format!("{what} `{}` is no number", field.escape_ascii()))),
        }
    };
    number(&header[16..28], 10, "time")?;
    let end = header[..16].iter().rposition(|byte| *byte != b' ').map_or(0, |at| at + 1);
    Ok(Some(Member {
        name: header[..end].to_vec(),
        uid: number(&header[28..34], 10, "uid")?,
        gid: number(&header[34..40], 10, "gid")?,
        // 8 octal digits fit.
        mode: number(&header[40..48], 8, "mode")? as u32 & 0o7777,
        size: number(&header[48..58], 10, "size")?,
    }))
}

/// Members are padded to even sizes.
fn pad(input: &mut dyn Read, size: u64) -> Result<(), Fault> {
    skip(input, size % 2, "the padding after a member")
}

fn magic(input: &mut dyn Read) -> Result<(), Fault> {
    let mut magic = [0; 8];
    exact(input, &mut magic, "the magic bytes")?;
    if &magic == MAGIC { Ok(()) } else { Err(corrupt("its magic bytes are wrong")) }
}

pub(super) fn read(input: &mut dyn Read, gate: &mut Gate) -> Result<(), Fault> {
    magic(input)?;
    let mut names = Vec::new();
    loop {
        gate.current = None;
        let Some(member) = next(input)? else { return Ok(()) };
        match member.name.as_slice() {
            b"/" | b"/SYM64/" => {
                gate.note("symbol tables");
                skip(input, member.size, "a symbol table")?;
            }
            b"//" => {
                if member.size > NAMES || !names.is_empty() {
                    return Err(corrupt("a second table of long names, or one that is too long"));
                }
                names = bytes(input, member.size, "the table of long names")?;
            }
            short => {
                let name = long(short, &names)?;
                gate.enter(&name)?;
                gate.metadata(member.uid, member.gid, true);
                if name.contains(&b'/') {
                    return Err(corrupt("a member's name contains `/`"));
                }
                gate.file(&name, member.mode, member.size, &mut *input)?;
            }
        }
        pad(input, member.size)?;
    }
}

/// The name that a header means: itself (System V ends it with `/`), or `/N` in the table.
fn long(short: &[u8], names: &[u8]) -> Result<Vec<u8>, Fault> {
    if short.starts_with(b"#1/") {
        return Err(Reason::unsupported("ar with BSD's long names").into());
    }
    let Some(digits) = short.strip_prefix(b"/") else {
        return Ok(short.strip_suffix(b"/").unwrap_or(short).to_vec());
    };
    let offset = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok());
    let rest =
        offset.and_then(|offset| names.get(offset..)).ok_or_else(|| corrupt("a long name is not in the table"))?;
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| corrupt("a long name does not end"))?;
    let name = &rest[..end];
    Ok(name.strip_suffix(b"/").unwrap_or(name).to_vec())
}

/// Reads one part of a deb; the others are checked to be there.
pub(super) fn read_deb(input: &mut (dyn Read + Send), gate: &mut Gate, part: Part) -> Result<(), Fault> {
    let wrong = |detail: String| Fault::from(Reason::corrupt("deb", detail));
    magic(input)?;
    let mut seen = 0;
    let parts = ["debian-binary", "control.tar", "data.tar"];
    loop {
        gate.current = None;
        let Some(found) = next(input)? else { break };
        let name = String::from_utf8_lossy(&found.name).trim_end_matches('/').to_owned();
        if name.starts_with('_') && seen > 0 {
            gate.note("members with `_`");
            skip(input, found.size, "a member")?;
            pad(input, found.size)?;
            continue;
        }
        let Some(expected) = parts.get(seen) else { return Err(wrong(format!("member `{name}` follows its data"))) };
        let Some(suffix) = name.strip_prefix(expected) else {
            return Err(wrong(format!("member `{name}` stands where `{expected}` should")));
        };
        seen += 1;
        if seen == 1 {
            let version = bytes(input, found.size.min(64), "its version")?;
            if !suffix.is_empty() || version != b"2.0\n" || found.size > 64 {
                return Err(Reason::unsupported(format!("deb format `{}`", version.escape_ascii())).into());
            }
        } else {
            let codec = codec(suffix).ok_or_else(|| Reason::unsupported(format!("member `{name}`")))?;
            let wanted = if part == Part::Control { seen == 2 } else { seen == 3 };
            let mut content = sized(input, found.size);
            if wanted {
                member(codec, &mut content, gate)?;
                gate.current = None;
            }
            let left = content.limit();
            if wanted && left > 0 {
                return Err(Reason::Trailing { format: "tar in its member" }.into());
            }
            skip(input, left, "a member")?;
        }
        pad(input, found.size)?;
    }
    match parts.get(seen) {
        None => Ok(()),
        Some(missing) => Err(wrong(format!("it has no member `{missing}`"))),
    }
}

/// The compression that a member's suffix says.
fn codec(suffix: &str) -> Option<Option<Codec>> {
    Some(match suffix {
        "" => None,
        ".gz" => Some(Codec::Gzip),
        ".bz2" => Some(Codec::Bzip2),
        ".xz" => Some(Codec::Xz),
        ".zst" => Some(Codec::Zstd),
        _ => return None,
    })
}

fn sized(input: &mut (dyn Read + Send), size: u64) -> std::io::Take<&mut (dyn Read + Send)> {
    input.take(size)
}
