//! pax extended headers.
//!
//! Source: POSIX.1-2024 `pax`, "pax Extended Header"; the GNU tar manual, "Sparse Formats". Each record is
//! `LENGTH KEYWORD=VALUE\n`, the length counting itself. Numbers have one spelling: decimal digits.

use super::error::{Fault, Reason};

/// What an extended header says about the next entry.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    /// Whether there is a time of modification.
    pub time: bool,
    pub sparse: SparseKeys,
    /// What is not represented: one word for each record.
    pub notes: Vec<String>,
}

/// `GNU.sparse.*`.
#[derive(Debug, Default)]
pub(super) struct SparseKeys {
    pub name: Option<Vec<u8>>,
    pub major: Option<u64>,
    pub minor: Option<u64>,
    /// `size` (0.x) or `realsize` (1.0): the size with holes.
    pub real: Option<u64>,
    pub blocks: Option<u64>,
    /// Offsets and lengths, alternating.
    pub map: Vec<u64>,
}

impl SparseKeys {
    /// Whether any was there.
    pub fn used(&self) -> bool {
        self.major.is_some() || self.real.is_some() || self.blocks.is_some() || !self.map.is_empty()
    }
}

fn corrupt(detail: impl Into<String>) -> Fault {
    Reason::corrupt("pax", detail).into()
}

impl Pax {
    pub fn parse(mut content: &[u8]) -> Result<Self, Fault> {
        let mut pax = Self::default();
        while !content.is_empty() {
            let (record, rest) = record(content)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(|| corrupt("a record without `=`"))?;
            let key = std::str::from_utf8(&record[..equals]).map_err(|_| corrupt("a keyword is not UTF-8"))?;
            pax.set(key, &record[equals + 1..])?;
            content = rest;
        }
        Ok(pax)
    }

    /// A header for all entries may only say what no tree holds anyway.
    pub fn check_global(&self) -> Result<(), Fault> {
        let names = self.path.is_some() || self.link.is_some() || self.size.is_some();
        if names || self.sparse.used() || self.sparse.name.is_some() {
            return Err(corrupt("a global header states a name or size"));
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Fault> {
        let text = |value: &[u8]| (!value.is_empty()).then(|| value.to_vec());
        // An empty value takes back what an earlier record said.
        let count = |value: &[u8]| if value.is_empty() { Ok(None) } else { decimal(key, value).map(Some) };
        match key {
            "path" => self.path = text(value),
            "linkpath" => self.link = text(value),
            "size" => self.size = count(value)?,
            "uid" => self.uid = count(value)?,
            "gid" => self.gid = count(value)?,
            "mtime" => self.time = time(key, value)?,
            "atime" | "ctime" | "LIBARCHIVE.creationtime" => {
                time(key, value)?;
                self.notes.push(format!("pax {key}"));
            }
            "uname" | "gname" | "comment" => self.notes.push(format!("pax {key}")),
            "hdrcharset" | "charset" => match value {
                // Names are checked to be UTF-8 in either case.
                b"" | b"BINARY" | b"ISO-IR 10646 2000 UTF-8" => {}
                _ => return Err(Reason::unsupported(format!("pax {key} `{}`", value.escape_ascii())).into()),
            },
            "GNU.sparse.name" => self.sparse.name = text(value),
            "GNU.sparse.major" => self.sparse.major = count(value)?,
            "GNU.sparse.minor" => self.sparse.minor = count(value)?,
            "GNU.sparse.size" | "GNU.sparse.realsize" => self.sparse.real = count(value)?,
            "GNU.sparse.numblocks" => self.sparse.blocks = count(value)?,
            "GNU.sparse.offset" | "GNU.sparse.numbytes" => {
                // In turn, an offset first: the order alone ties them together.
                if (key == "GNU.sparse.offset") != self.sparse.map.len().is_multiple_of(2) {
                    return Err(corrupt("the sparse map's offsets and lengths do not alternate"));
                }
                self.sparse.map.push(decimal(key, value)?);
            }
            "GNU.sparse.map" => {
                let numbers = value.split(|byte| *byte == b',').map(|number| decimal(key, number));
                self.sparse.map = numbers.collect::<Result<_, _>>()?;
            }
            _ if key.starts_with("GNU.volume.") => {
                return Err(Reason::unsupported("an archive in several volumes").into());
            }
            // These change what the content is.
            "SCHILY.realsize" | "SCHILY.filetype" => return Err(Reason::unsupported(format!("pax {key}")).into()),
            _ if key.starts_with("GNU.sparse.") => return Err(Reason::unsupported(format!("pax {key}")).into()),
            _ => self.notes.push(match key.match_indices('.').nth(1) {
                // One count for all attributes of a name space, whose names are the archive's own.
                Some((dot, _)) => format!("pax {}.*", key[..dot].escape_debug()),
                None => format!("pax {}", key.escape_debug()),
            }),
        }
        Ok(())
    }
}

/// Splits off the first record, without its length and newline.
fn record(content: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let space = content.iter().take(20).position(|byte| *byte == b' ');
    let space = space.ok_or_else(|| corrupt("a record without a length"))?;
    let length = decimal("record length", &content[..space])?;
    let length = usize::try_from(length).map_err(|_| corrupt("a record is longer than the header"))?;
    if length > content.len() {
        return Err(corrupt("a record is longer than the header"));
    }
    match content[..length].split_last() {
        Some((b'\n', record)) if record.len() > space => Ok((&record[space + 1..], &content[length..])),
        _ => Err(corrupt("a record does not end where its length says")),
    }
}

pub(super) fn decimal(key: &str, value: &[u8]) -> Result<u64, Fault> {
    let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|text| text.parse().ok());
    number.ok_or_else(|| corrupt(format!("{key} `{}` is no number", value.escape_ascii())))
}

/// Checks a time in seconds, with an optional sign and fraction; says whether there is one.
fn time(key: &str, value: &[u8]) -> Result<bool, Fault> {
    if value.is_empty() {
        return Ok(false);
    }
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let fraction = parts.next().unwrap_or(b"0");
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(corrupt(format!("{key} `{}` is no time", value.escape_ascii())));
    }
    Ok(true)
}
