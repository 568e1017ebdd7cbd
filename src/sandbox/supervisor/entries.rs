//! The entries of directories, in an order of our own.
//!
//! A directory is read whole when it is read from its start, through the very descriptor of the stage (pidfd_getfd(2)). From
//! then on its position counts entries. It is kept where it always is, in the open file, so that duplicates of the
//! descriptor, rewinding and seeking to a place that was told work as ever.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{RawDir, SeekFrom};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use super::super::answers::Order;
use super::mixed;
use super::stat::Numbers;

/// Directories whose entries are remembered; of others that are half read, they are read again.
const REMEMBERED: usize = 256;
/// Bytes in which entries are read.
const BUFFER: usize = 64 << 10;

/// A directory entry.
#[derive(Debug)]
struct Entry {
    number: u64,
    kind: u8,
    name: Vec<u8>,
}

/// The directories that are being read, by process and descriptor.
#[derive(Debug, Default)]
pub(super) struct Listings {
    known: BTreeMap<(i32, i32), Listing>,
}

#[derive(Debug)]
struct Listing {
    /// Device and number: the descriptor may be another directory's by now.
    of: (u64, u64),
    entries: Vec<Entry>,
}

/// Who reads.
pub(super) struct Read {
    pub(super) process: i32,
    /// Its descriptor.
    pub(super) number: i32,
    /// See [`super::Question::GetDents`].
    pub(super) old: bool,
}

impl Listings {
    pub(super) fn forget(&mut self, process: i32) {
        self.known.retain(|(of, _), _| *of != process);
    }

    /// The next entries, at most so many bytes of them. The inner error is that of the call; the outer one is ours.
    pub(super) fn read(
        &mut self,
        read: &Read,
        room: usize,
        order: Order,
        mut numbers: Option<&mut Numbers>,
    ) -> Result<Result<Vec<u8>, Errno>, Errno> {
        let directory = match borrow(read) {
            Ok(directory) => directory,
            // The stage's own mistake.
            Err(Errno::BADF) => return Ok(Err(Errno::BADF)),
            Err(errno) => return Err(errno),
        };
        let stat = rustix::fs::fstat(&directory)?;
        if stat.st_mode & libc::S_IFMT != libc::S_IFDIR {
            return Ok(Err(Errno::NOTDIR));
        }
        let position = match rustix::fs::tell(&directory) {
            Ok(position) => usize::try_from(position).unwrap_or(usize::MAX),
            // Opened as a mere place (O_PATH).
            Err(errno) => return Ok(Err(errno)),
        };
        let (key, of) = ((read.process, read.number), (stat.st_dev, stat.st_ino));
        let known = self.known.get(&key).is_some_and(|listing| listing.of == of);
        if position == 0 || !known {
            let mut entries = match list(&directory) {
                Ok(entries) => entries,
                Err(errno) => return Ok(Err(errno)),
            };
            arrange(&mut entries, order);
            if self.known.len() >= REMEMBERED {
                self.known.pop_first();
            }
            self.known.insert(key, Listing { of, entries });
        }
        let entries = self.known.get(&key).map_or(&[][..], |listing| &listing.entries);
        let mut out = Vec::new();
        let mut next = position;
        for entry in entries.iter().skip(position) {
            let number = match &mut numbers {
                Some(numbers) => numbers.file(stat.st_dev, entry.number),
                None => entry.number,
            };
            if !append(&mut out, room, entry, number, next as u64 + 1, read.old) {
                break;
            }
            next += 1;
        }
        let end = next >= entries.len();
        if end && out.is_empty() {
            self.known.remove(&key);
        }
        Ok(match rewind(&directory, next) {
            // Room for not even one.
            Ok(()) if out.is_empty() && !end => Err(Errno::INVAL),
            Ok(()) => Ok(out),
            Err(errno) => Err(errno),
        })
    }
}

/// The open directory of another process.
fn borrow(read: &Read) -> Result<OwnedFd, Errno> {
    let process = Pid::from_raw(read.process).ok_or(Errno::SRCH)?;
    let pidfd = rustix::process::pidfd_open(process, PidfdFlags::empty())?;
    rustix::process::pidfd_getfd(pidfd, read.number, PidfdGetfdFlags::empty())
}

fn rewind(directory: &OwnedFd, to: usize) -> Result<(), Errno> {
    rustix::fs::seek(directory, SeekFrom::Start(to as u64)).map(|_| ())
}

/// All entries, from the first on.
fn list(directory: &OwnedFd) -> Result<Vec<Entry>, Errno> {
    rewind(directory, 0)?;
    let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
    let mut reader = RawDir::new(directory, &mut buffer);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next() {
        let entry = entry?;
        entries.push(Entry {
            number: entry.ino(),
            kind: kind(entry.file_type()),
            name: entry.file_name().to_bytes().to_vec(),
        });
    }
    Ok(entries)
}

/// `DT_REG` and the like (readdir(3)): the type in the mode's upper bits.
fn kind(kind: rustix::fs::FileType) -> u8 {
    (kind.as_raw_mode() >> 12) as u8
}

/// `.` and `..` come first, as everywhere.
fn arrange(entries: &mut [Entry], order: Order) {
    let rank = |name: &[u8]| match name {
        b"." => 0,
        b".." => 1,
        _ => 2,
    };
    match order {
        Order::Real => {}
        Order::Sorted => entries.sort_by(|a, b| (rank(&a.name), &a.name).cmp(&(rank(&b.name), &b.name))),
        Order::Shuffled(seed) => entries.sort_by_cached_key(|entry| {
            let hash = entry.name.iter().fold(mixed(seed), |hash, byte| mixed(hash ^ u64::from(*byte)));
            (rank(&entry.name), hash, entry.name.clone())
        }),
    }
}

/// Appends `struct linux_dirent64`, or the older `struct linux_dirent` (getdents(2)), if there is room for it.
fn append(out: &mut Vec<u8>, room: usize, entry: &Entry, number: u64, next: u64, old: bool) -> bool {
    // Number, position of the next, length; then kind and name, or name and kind at the very end.
    let length = (8 + 8 + 2 + 1 + entry.name.len() + 1).next_multiple_of(8);
    if out.len() + length > room {
        return false;
    }
    let begin = out.len();
    out.extend_from_slice(&number.to_ne_bytes());
    out.extend_from_slice(&next.to_ne_bytes());
    out.extend_from_slice(&(length as u16).to_ne_bytes());
    if !old {
        out.push(entry.kind);
    }
    out.extend_from_slice(&entry.name);
    out.resize(begin + length, 0);
    if old {
        out[begin + length - 1] = entry.kind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry { number: 7, kind: 8, name: name.as_bytes().to_vec() }
    }

    #[test]
    fn orders() {
        let named = |order| {
            let mut entries = ["b", "..", "c", ".", "a"].map(entry);
            arrange(&mut entries, order);
            entries.map(|entry| String::from_utf8(entry.name).expect("a letter")).join(" ")
        };
        assert_eq!(named(Order::Real), "b .. c . a");
        assert_eq!(named(Order::Sorted), ". .. a b c");
        let shuffled: Vec<String> = (0..20).map(|seed| named(Order::Shuffled(seed))).collect();
        assert!(shuffled.iter().all(|order| order.starts_with(". .. ")));
        assert!(shuffled.iter().any(|order| *order != shuffled[0]));
    }

    #[test]
    fn entries_lie_where_programs_look_for_them() {
        let mut out = Vec::new();
        assert!(append(&mut out, 100, &entry("abc"), 5, 3, false));
        assert_eq!(out.len(), 24);
        assert_eq!((out[0], out[8], out[16], out[18], &out[19..24]), (5, 3, 24, 8, &b"abc\0\0"[..]));
        assert!(append(&mut out, 48, &entry("abcd"), 5, 3, true));
        assert_eq!((out[24 + 16], &out[24 + 18..48]), (24, &b"abcd\0\x08"[..]));
        assert!(!append(&mut out, 71, &entry("x"), 1, 1, false));
    }
}
