//! Which format some bytes have, told by their first bytes.

use std::fmt;

use super::error::Reason;
use super::tar;

/// How many of the first bytes [`detect`](super::detect) looks at.
pub(super) const PEEK: usize = 512;

/// An archive format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// tar: V7, ustar, GNU or pax.
    Tar,
    /// cpio: newc, newc with checksums, or odc.
    Cpio,
    /// ar with System V or GNU names.
    Ar,
    /// A Debian binary package, format 2.0: its data member.
    Deb,
    /// zip, with zip64.
    Zip,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tar => "tar",
            Self::Cpio => "cpio",
            Self::Ar => "ar",
            Self::Deb => "deb",
            Self::Zip => "zip",
        })
    }
}

/// A compression that an archive may be wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// The .xz container.
    Xz,
    /// RFC 8878.
    Zstd,
}

impl Codec {
    /// The codec whose magic number `prefix` starts with.
    pub fn detect(prefix: &[u8]) -> Option<Self> {
        const MAGIC: [(&[u8], Codec); 5] = [
            (b"\x1f\x8b", Codec::Gzip),
            (b"BZh", Codec::Bzip2),
            (b"\xfd7zXZ\0", Codec::Xz),
            (b"\x28\xb5\x2f\xfd", Codec::Zstd),
            // A skippable frame may stand first (RFC 8878, 3.1.2); 0x184D2A50 is the common one of 16.
            (b"\x50\x2a\x4d\x18", Codec::Zstd),
        ];
        MAGIC.iter().find(|(magic, _)| prefix.starts_with(magic)).map(|(_, codec)| *codec)
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }
}

impl Kind {
    /// The archive format of uncompressed bytes that start with `prefix` (512 bytes of them, or all there are).
    pub fn detect(prefix: &[u8]) -> Option<Self> {
        if prefix.starts_with(b"!<arch>\n") {
            return Some(if prefix[8..].starts_with(b"debian-binary") { Self::Deb } else { Self::Ar });
        }
        if [b"070701", b"070702", b"070707"].iter().any(|magic| prefix.starts_with(*magic)) {
            return Some(Self::Cpio);
        }
        if prefix.starts_with(b"PK\x03\x04") || prefix.starts_with(b"PK\x05\x06") {
            return Some(Self::Zip);
        }
        // An archive without entries is two blocks of zeros.
        let block = prefix.get(..512)?;
        (tar::checksum_holds(block) || block.iter().all(|byte| *byte == 0)).then_some(Self::Tar)
    }
}

/// Why `prefix` is refused, when it is no format that is read here.
pub(super) fn refusal(prefix: &[u8]) -> Reason {
    const KNOWN: [(&[u8], &str); 8] = [
        (b"\x1f\x9d", "`compress` (.Z)"),
        (b"LZIP", "lzip"),
        (b"\x5d\0\0", "LZMA without the .xz container"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!", "RAR"),
        (b"\xed\xab\xee\xdb", "an RPM package"),
        (b"\xc7\x71", "binary cpio"),
        (b"\x71\xc7", "binary cpio"),
    ];
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| prefix.starts_with(magic)) {
        return Reason::unsupported(*what);
    }
    if let Some(codec) = Codec::detect(prefix) {
        return Reason::unsupported(format!("{} within another compression", codec.name()));
    }
    if prefix.get(257..262) == Some(b"ustar") {
        return Reason::corrupt("tar", "the first header's checksum does not match");
    }
    Reason::UnknownFormat
}
