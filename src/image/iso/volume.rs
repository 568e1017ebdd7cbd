//! Volume descriptors (ECMA-119, 8), and Joliet's.

use super::record::{both_16, both_32, long_time};
use super::{BLOCK, Options};
use crate::image::Error;

/// What a descriptor says beside the options.
pub(super) struct Volume<'a> {
    /// Blocks of the volume.
    pub blocks: u32,
    /// Bytes of a path table.
    pub table_size: u32,
    /// Blocks of the path tables: little endian, big endian.
    pub tables: [u32; 2],
    /// The record of the root.
    pub root: &'a [u8],
    /// Whether names are in UCS-2.
    pub is_joliet: bool,
}

/// Complains of texts that have no room.
pub(super) fn check(options: &Options) -> Result<(), Error> {
    let Options { volume, system, publisher, preparer, application, .. } = options;
    let wrong = |option, reason| Err(Error::Option { option, reason });
    if !(1..=32).contains(&volume.len()) {
        return wrong("volume", "it has 1 to 32 characters");
    }
    if system.len() > 32 {
        return wrong("system", "it has up to 32 characters");
    }
    for (option, text) in [("publisher", publisher), ("preparer", preparer), ("application", application)] {
        if text.len() > 128 {
            return wrong(option, "it has up to 128 characters");
        }
        // An underscore means that a file of this name has the text.
        if text.starts_with('_') {
            return wrong(option, "it does not begin with an underscore");
        }
    }
    for (option, text) in [
        ("volume", volume),
        ("system", system),
        ("publisher", publisher),
        ("preparer", preparer),
        ("application", application),
    ] {
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return wrong(option, "it has printable characters of ASCII only");
        }
    }
    Ok(())
}

/// A descriptor's first bytes: its type, the standard, the version.
pub(super) fn head(kind: u8) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[0] = kind;
    block[1..7].copy_from_slice(b"CD001\x01");
    block
}

impl Volume<'_> {
    /// The descriptor.
    pub fn bytes(&self, options: &Options) -> [u8; BLOCK] {
        let mut block = head(if self.is_joliet { 2 } else { 1 });
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        let text = |text: &str, size: usize| {
            let mut bytes: Vec<u8> = text.bytes().collect();
            if self.is_joliet {
                // As many as fit; an odd byte at the end is zero.
                let units = text.encode_utf16().chain(std::iter::repeat(u16::from(b' ')));
                bytes = units.take(size / 2).flat_map(u16::to_be_bytes).collect();
            }
            bytes.resize(size, if self.is_joliet { 0 } else { b' ' });
            bytes
        };
        put(8, &text(&options.system, 32));
        put(40, &text(&options.volume, 32));
        put(80, &both_32(self.blocks));
        if self.is_joliet {
            // Escape sequence of UCS-2, level 3.
            put(88, b"%/E");
        }
        put(120, &both_16(1));
        put(124, &both_16(1));
        put(128, &both_16(BLOCK as u16));
        put(132, &both_32(self.table_size));
        put(140, &self.tables[0].to_le_bytes());
        put(148, &self.tables[1].to_be_bytes());
        put(156, self.root);
        put(190, &text("", 128));
        put(318, &text(&options.publisher, 128));
        put(446, &text(&options.preparer, 128));
        put(574, &text(&options.application, 128));
        for at in [702, 739, 776] {
            put(at, &text("", 37));
        }
        let never = *b"0000000000000000\0";
        let made = long_time(options.time);
        for (at, time) in [(813, &made), (830, &made), (847, &never), (864, &never)] {
            put(at, time);
        }
        put(881, &[1]);
        block
    }
}
