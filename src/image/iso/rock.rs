//! Rock Ridge: what Unix knows of an inode, in the system use areas of directory records (SUSP and RRIP, versions 1.12).
//!
//! What has no room in its record continues in an area elsewhere (`CE`). No area crosses the end of a block: Linux reads one
//! block for each.

use super::BLOCK;
use super::record::{both_32, short_time};
use crate::image::{Error, Inode, Kind, Problem};

/// Most bytes of a name: Linux passes over names of 254 and 255 bytes.
const NAME: usize = 253;
/// Most bytes of a system use entry.
const ENTRY: usize = 255;
/// Bytes of the entry that leads to a continuation area.
const CONTINUE: usize = 28;

fn entry(signature: &[u8; 2], data: &[u8]) -> Vec<u8> {
    let length = (4 + data.len()) as u8;
    [signature.as_slice(), &[length, 1], data].concat()
}

/// What a folder's own record has (`.`, `..`), or what every one begins with.
pub(super) fn own(inode: &Inode, number: usize) -> Vec<Vec<u8>> {
    let kind = match inode.kind {
        Kind::Fifo => 0o010_000,
        Kind::Character(..) => 0o020_000,
        Kind::Folder(_) => 0o040_000,
        Kind::Block(..) => 0o060_000,
        Kind::File(_) => 0o100_000,
        Kind::Symlink(_) => 0o120_000,
        Kind::Socket => 0o140_000,
    };
    let meta = &inode.meta;
    let fields = [kind | meta.mode, inode.links, meta.uid, meta.gid, number as u32 + 1];
    // Times of modification, access and change of attributes.
    let mut times = vec![0b1110];
    for _ in 0..3 {
        times.extend(short_time(meta.time));
    }
    vec![entry(b"PX", &fields.map(both_32).concat()), entry(b"TF", &times)]
}

/// What the record of the root's `.` begins with: Rock Ridge is spoken here.
pub(super) fn speaks() -> Vec<u8> {
    entry(b"SP", &[0xbe, 0xef, 0])
}

/// And in which version: the texts are the specification's.
pub(super) fn version() -> Vec<u8> {
    const PARTS: [&[u8]; 3] = [
        b"IEEE_P1282",
        b"THE IEEE P1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS",
        b"PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE P1282 SPECIFICATION.",
    ];
    let [id, description, source] = PARTS.map(|part| part.len() as u8);
    entry(b"ER", &[&[id, description, source, 1], PARTS.concat().as_slice()].concat())
}

/// What the record of a name has.
pub(super) fn named(inode: &Inode, number: usize, name: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let refused = |problem| Err(Error::of(&inode.path, problem));
    if !inode.meta.attributes.is_empty() {
        return refused(Problem::Unsupported { what: "extended attributes" });
    }
    if name.len() > NAME {
        let (value, most) = (name.len() as u64, NAME as u64);
        return refused(Problem::TooLarge { what: "a name of", value, most });
    }
    let mut entries = own(inode, number);
    let mut rest = name;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(ENTRY - 5));
        entries.push(entry(b"NM", &[&[u8::from(!later.is_empty())], now].concat()));
        rest = later;
    }
    match &inode.kind {
        Kind::Symlink(to) => symlink(to, &mut entries),
        Kind::Character(major, minor) | Kind::Block(major, minor) => {
            entries.push(entry(b"PN", &device(inode, *major, *minor)?.map(both_32).concat()));
        }
        _ => {}
    }
    Ok(entries)
}

/// A device number in two halves. Readers take both as one number of 64 bits and decode it as the system's, which for minor
/// numbers up to 255 is `major << 8 | minor`. Linux decodes the lower half so if the upper is zero, and else takes
/// the upper for the major number: the only form that it has for larger minor numbers.
fn device(inode: &Inode, major: u32, minor: u32) -> Result<[u32; 2], Error> {
    for (what, value, most) in [("a major number of", major, 0xfff), ("a minor number of", minor, 0xf_ffff)] {
        if value > most {
            return Err(Error::of(&inode.path, Problem::TooLarge { what, value: value.into(), most: most.into() }));
        }
    }
    match (major, minor) {
        (_, 0..=0xff) => Ok([0, major << 8 | minor]),
        (0, _) => {
            Err(Error::of(&inode.path, Problem::Unsupported { what: "minor numbers over 255 of the major number 0" }))
        }
        _ => Ok([major, minor]),
    }
}

/// The target as components, which go on in further entries. (Where one entry ends with a whole component, libarchive up to
/// 3.6 at least forgets the slash; Linux and libisofs do not.) What stands between two slashes is one, even if it is nothing: the same text comes out again.
fn symlink(to: &[u8], entries: &mut Vec<Vec<u8>>) {
    const GOES_ON: u8 = 1;
    const CURRENT: u8 = 2;
    const PARENT: u8 = 4;
    const ROOT: u8 = 8;
    // Of an entry, the flags; of a component, flags and length.
    let most = ENTRY - 5;
    let mut areas: Vec<Vec<u8>> = vec![Vec::new()];
    let mut put = |flags: u8, text: &[u8]| {
        let mut text = text;
        loop {
            let full = areas.last().map_or(0, Vec::len);
            // A component of text may be cut, if there is room for some of it.
            if full + 2 + text.len().min(1) > most {
                areas.push(Vec::new());
                continue;
            }
            let (now, later) = text.split_at(text.len().min(most - full - 2));
            let flags = if later.is_empty() { flags } else { flags | GOES_ON };
            if let Some(area) = areas.last_mut() {
                area.extend([flags, now.len() as u8]);
                area.extend(now);
            }
            text = later;
            if text.is_empty() {
                return;
            }
        }
    };
    let mut rest = to;
    if let Some(below) = to.strip_prefix(b"/") {
        put(ROOT, b"");
        rest = below;
    }
    // The root alone has nothing below it.
    if !(rest.is_empty() && to == b"/") {
        for part in rest.split(|byte| *byte == b'/') {
            match part {
                b"." => put(CURRENT, b""),
                b".." => put(PARENT, b""),
                part => put(0, part),
            }
        }
    }
    let last = areas.len() - 1;
    for (at, area) in areas.into_iter().enumerate() {
        entries.push(entry(b"SL", &[&[u8::from(at < last)], area.as_slice()].concat()));
    }
}

/// Continuation areas.
pub(super) struct Continuations {
    /// Their first block.
    pub start: u32,
    /// Their bytes.
    pub bytes: Vec<u8>,
}

impl Continuations {
    /// A system use area of these entries with at most `room` bytes; what has no room goes on in a continuation area.
    pub fn fit(&mut self, entries: &[Vec<u8>], room: usize) -> Vec<u8> {
        if total(entries) <= room {
            return entries.concat();
        }
        let (here, rest) = taken(entries, room);
        let mut bytes = here.concat();
        bytes.extend(self.put(rest));
        bytes
    }

    /// Places the entries; gives the entry that leads to them.
    fn put(&mut self, entries: &[Vec<u8>]) -> Vec<u8> {
        let least = entries.first().map_or(0, Vec::len) + CONTINUE;
        let mut room = BLOCK - self.bytes.len() % BLOCK;
        if total(entries) > room && least > room {
            self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
            room = BLOCK;
        }
        let at = self.bytes.len();
        if total(entries) <= room {
            self.bytes.extend(entries.concat());
        } else {
            let (here, rest) = taken(entries, room);
            self.bytes.extend(here.concat());
            let link = self.bytes.len();
            self.bytes.resize(link + CONTINUE, 0);
            let size = self.bytes.len() - at;
            let further = self.put(rest);
            self.bytes[link..link + CONTINUE].copy_from_slice(&further);
            return self.link(at, size);
        }
        self.link(at, self.bytes.len() - at)
    }

    fn link(&self, at: usize, size: usize) -> Vec<u8> {
        let block = self.start + (at / BLOCK) as u32;
        entry(b"CE", &[block, (at % BLOCK) as u32, size as u32].map(both_32).concat())
    }
}

fn total(entries: &[Vec<u8>]) -> usize {
    entries.iter().map(Vec::len).sum()
}

/// As many entries as have room beside one that leads to the rest; and the rest.
fn taken(entries: &[Vec<u8>], room: usize) -> (&[Vec<u8>], &[Vec<u8>]) {
    let mut full = CONTINUE;
    let fits = |entry: &&Vec<u8>| {
        full += entry.len();
        full <= room
    };
    let count = entries.iter().take_while(fits).count();
    entries.split_at(count)
}

#[cfg(test)]
#[path = "rock_tests.rs"]
mod tests;
