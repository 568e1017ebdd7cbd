//! What all containers have in common: fields, entries in an order, and what remains.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use super::spool::Spool;
use crate::fs::Content;

/// What lies in a container.
#[derive(Debug, Default)]
pub struct Listing {
    /// What the container says of itself.
    pub fields: Vec<Field>,
    /// What holds for each entry that has no field of the same name: most entries have the same owner and format, and
    /// there may be millions of them.
    pub usual: Vec<Field>,
    /// What lies in it, in its order.
    pub entries: Vec<Entry>,
    /// Bytes that belong to no field and no entry's data: padding, gaps, what follows the end.
    pub rest: Vec<Rest>,
    /// Whether the order of the entries is of the container's making. Otherwise they are sorted by name.
    pub ordered: bool,
}

/// Bytes of a container that no field or entry accounts for.
#[derive(Debug)]
pub struct Rest {
    /// What they are: `padding after a/b`, `boot code`. Equal parts of two containers have equal names.
    pub name: String,
    /// The bytes.
    pub bytes: Content,
}

/// Something in a container that has a name.
#[derive(Debug)]
pub struct Entry {
    /// Its path, without a leading `/` or `./`; bytes that are not UTF-8 are written `\xNN`. A compressed stream's
    /// content has the empty name.
    pub name: String,
    /// What it is.
    pub what: What,
    /// What the container says of it, in the format's order.
    pub fields: Vec<Field>,
}

/// What an entry is.
#[derive(Debug)]
pub enum What {
    /// A file.
    File(Data),
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// What it points to.
        target: String,
    },
    /// Another name of a file.
    HardLink {
        /// The file's name.
        target: String,
    },
    /// A device, fifo or socket.
    Special {
        /// Which: `character device 5:1`, `fifo`.
        kind: String,
    },
}

impl What {
    /// In a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Directory => "directory",
            Self::Symlink { .. } => "symbolic link",
            Self::HardLink { .. } => "hard link",
            Self::Special { .. } => "special file",
        }
    }
}

/// The bytes of a file.
#[derive(Debug, Clone)]
pub enum Data {
    /// They lie in the container as they are.
    Plain(Content),
    /// They have to be unpacked.
    Packed(Arc<dyn Unpack>),
}

impl Data {
    /// How many bytes they are, where that is known.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Plain(content) => Some(content.size()),
            Self::Packed(packed) => packed.size(),
        }
    }
}

/// Bytes that have to be unpacked before they can be read.
pub trait Unpack: fmt::Debug + Send + Sync {
    /// How many bytes they say they are when unpacked, where that is known.
    fn size(&self) -> Option<u64>;

    /// The packed form. Equal packed forms with equal tags, in equal kinds of containers, unpack to equal bytes.
    fn packed(&self) -> Content;

    /// What else decides what comes out, or whether it does: a method, a checksum.
    fn tag(&self) -> u64 {
        0
    }

    /// Unpacks them.
    ///
    /// # Errors
    /// They are malformed or too many, or the spool fails.
    fn unpack(&self, spool: &Spool) -> Result<Content, Fault>;
}

/// A property: of a container, or of something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is called: the field's standard name, `mtime`, `mode`, `inode`.
    pub name: Cow<'static, str>,
    /// What it is.
    pub value: Value,
    /// What it is about.
    pub about: About,
}

/// What a property is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The thing itself: who unpacks it gets something else.
    Content,
    /// How it is described or packed: mode, owner, times, order, compression, layout.
    Metadata,
}

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// Permission bits.
    Mode(u32),
    /// Seconds since 1970, and nanoseconds.
    Time(i64, u32),
    /// Text; bytes that are not UTF-8 are written `\xNN`.
    Text(Arc<str>),
    /// Other bytes.
    Bytes(Box<[u8]>),
    /// An entry does not state what is usual in its container.
    Absent,
}

impl Field {
    /// A property that tells how something is described or packed.
    pub fn metadata(name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        Self { name: name.into(), value, about: About::Metadata }
    }

    /// A property without which the thing would be another.
    pub fn content(name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        Self { name: name.into(), value, about: About::Content }
    }
}

impl Value {
    /// Text of any bytes.
    pub fn text(bytes: &[u8]) -> Self {
        Self::Text(text(bytes).into())
    }

    /// What kind of value it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::Mode(_) => "mode",
            Self::Time(..) => "time",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Absent => "nothing",
        }
    }

    /// Text if it is UTF-8, otherwise the bytes: no two of these are shown alike.
    pub fn words(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(_) => Self::Bytes(bytes.into()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Mode(mode) => write!(f, "{mode:04o}"),
            Self::Time(seconds, 0) => write!(f, "{}", Utc(*seconds)),
            Self::Time(seconds, nanos) => write!(f, "{}.{nanos:09}", Utc(*seconds)),
            Self::Text(text) => f.write_str(text),
            Self::Absent => f.write_str("none"),
            Self::Bytes(bytes) => {
                for byte in bytes.iter().take(32) {
                    write!(f, "{byte:02x}")?;
                }
                if bytes.len() > 32 { write!(f, "… ({} bytes)", bytes.len()) } else { Ok(()) }
            }
        }
    }
}

/// A name as text: what is not UTF-8 is written `\xNN`, so that different names stay different.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// Seconds since 1970 as a date of the proleptic Gregorian calendar, in UTC.
struct Utc(i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        // Days are counted from 0000-03-01 in eras of 400 years, so that the leap day is the last of its year.
        let days = days + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
        let year = year + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Utc, Value, text};

    #[test]
    fn times_are_dates() {
        for (seconds, date) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
            (4_102_444_800, "2100-01-01 00:00:00"),
        ] {
            assert_eq!(Utc(seconds).to_string(), date);
        }
        assert_eq!(Value::Time(1, 5).to_string(), "1970-01-01 00:00:01.000000005");
    }

    #[test]
    fn names_that_are_no_text_stay_different() {
        assert_eq!(text(b"a\xffb"), "a\\xffb");
        assert_ne!(text(b"\xfe"), text(b"\xff"));
    }
}
