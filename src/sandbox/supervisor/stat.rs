//! What stat(2) and statx(2) say.

use std::collections::BTreeMap;

use super::super::answers::{Clock, FIXED};
use super::Supervisor;
use super::clock::{SECOND, now};

/// Bytes of `struct stat` (asm/stat.h).
#[cfg(target_arch = "x86_64")]
pub(super) const STAT: usize = 144;
#[cfg(not(target_arch = "x86_64"))]
pub(super) const STAT: usize = 128;
/// Bytes of `struct statx` (linux/stat.h).
pub(super) const STATX: usize = 256;

/// The kernel's times of files may lag behind its clock by so much, nanoseconds.
pub(super) const GRAIN: i128 = SECOND;
/// Nanoseconds between the times that files are shown to be of, one after the other.
const STEP: u64 = 1000;
/// What all directories hold, whatever their file system.
const DIRECTORY_SIZE: u64 = 4096;

/// Numbers of file systems and files, in the order in which they are first seen.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    devices: BTreeMap<u64, u64>,
    files: BTreeMap<(u64, u64), u64>,
    /// Real times, and the nanoseconds that are shown for them.
    moments: BTreeMap<i128, u64>,
}

impl Numbers {
    fn device(&mut self, device: u64) -> u64 {
        let next = self.devices.len() as u64 + 1;
        *self.devices.entry(device).or_insert(next)
    }

    /// The nanoseconds of a moment, which are between those of the moments seen before and after it. Where there is no room
    /// left between two, it is the same as the earlier.
    fn moment(&mut self, time: i128) -> u64 {
        if let Some(known) = self.moments.get(&time) {
            return *known;
        }
        let earlier = self.moments.range(..time).next_back().map_or(0, |(_, shown)| *shown);
        let later = self.moments.range(time..).next().map(|(_, shown)| *shown);
        let shown = match later {
            Some(later) => earlier.midpoint(later),
            None => (earlier + STEP).min(SECOND as u64 - 1),
        };
        self.moments.insert(time, shown);
        shown
    }

    pub(super) fn file(&mut self, device: u64, number: u64) -> u64 {
        let next = self.files.len() as u64 + 1;
        *self.files.entry((device, number)).or_insert(next)
    }
}

/// What is changed of either structure, in one form.
struct Found {
    device: u64,
    number: u64,
    mode: u32,
    size: u64,
    blocks: u64,
    block: u64,
    links: u64,
    /// Nanoseconds since 1970: of access, content and attributes, and of birth where there is one.
    times: [i128; 4],
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_ne_bytes(*word))
}

fn half(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |half| u32::from_ne_bytes(*half))
}

fn put(bytes: &mut [u8], at: usize, value: u64, size: usize) {
    bytes[at..at + size].copy_from_slice(&value.to_ne_bytes()[..size]);
}

impl Supervisor {
    /// Changes what is found, and tells whether the stage has made or changed it.
    fn found(&mut self, found: &mut Found) -> bool {
        let now = now() + GRAIN;
        let own = |time: i128| (self.begun..=now).contains(&time);
        let made = own(found.times[2]) && own(found.times[1]);
        let shown = |time: i128| match self.answers.clock {
            _ if !own(time) => time,
            Clock::Ahead(seconds) => time + i128::from(seconds) * SECOND,
            _ if self.answers.stat => i128::from(FIXED) * SECOND + i128::from(self.numbers.moment(time)),
            _ => time,
        };
        found.times = found.times.map(shown);
        if self.answers.stat {
            found.number = self.numbers.file(found.device, found.number);
            found.device = self.numbers.device(found.device);
            if found.mode & libc::S_IFMT == libc::S_IFDIR {
                (found.size, found.links) = (DIRECTORY_SIZE, 1);
            }
            found.blocks = found.size.div_ceil(512);
            found.block = 4096;
        }
        made
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn stat(&mut self, bytes: &mut [u8; STAT]) -> bool {
        let time = |at: usize| i128::from(word(bytes, at).cast_signed()) * SECOND + i128::from(word(bytes, at + 8));
        let mut found = Found {
            device: word(bytes, 0),
            number: word(bytes, 8),
            links: word(bytes, 16),
            mode: half(bytes, 24),
            size: word(bytes, 48),
            block: word(bytes, 56),
            blocks: word(bytes, 64),
            times: [time(72), time(88), time(104), 0],
        };
        let made = self.found(&mut found);
        let Found { device, number, links, size, block, blocks, times, .. } = found;
        for (at, value) in [(0, device), (8, number), (16, links), (48, size), (56, block), (64, blocks)] {
            put(bytes, at, value, 8);
        }
        for (at, time) in [72, 88, 104].into_iter().zip(times) {
            put(bytes, at, time.div_euclid(SECOND) as u64, 8);
            put(bytes, at + 8, time.rem_euclid(SECOND) as u64, 8);
        }
        made
    }

    /// Not reached: of this machine no registers are known, and nothing is answered.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn stat(&mut self, _: &mut [u8; STAT]) -> bool {
        false
    }

    pub(super) fn statx(&mut self, bytes: &mut [u8; STATX]) -> bool {
        let time = |at: usize| i128::from(word(bytes, at).cast_signed()) * SECOND + i128::from(half(bytes, at + 8));
        let mut found = Found {
            block: half(bytes, 4).into(),
            links: half(bytes, 16).into(),
            mode: half(bytes, 28) & 0xffff,
            number: word(bytes, 32),
            size: word(bytes, 40),
            blocks: word(bytes, 48),
            times: [time(64), time(112), time(96), time(80)],
            // Major and minor number.
            device: u64::from(half(bytes, 136)) << 32 | u64::from(half(bytes, 140)),
        };
        let made = self.found(&mut found);
        let Found { device, number, links, size, block, blocks, times, .. } = found;
        put(bytes, 4, block, 4);
        put(bytes, 16, links, 4);
        for (at, value) in [(32, number), (40, size), (48, blocks)] {
            put(bytes, at, value, 8);
        }
        if self.answers.stat {
            put(bytes, 136, 0, 4);
            put(bytes, 140, device, 4);
        }
        for (at, time) in [64, 112, 96, 80].into_iter().zip(times) {
            put(bytes, at, time.div_euclid(SECOND) as u64, 8);
            put(bytes, at + 8, time.rem_euclid(SECOND) as u64, 4);
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_order_in_whichever_they_are_seen() {
        let mut numbers = Numbers::default();
        let shown: Vec<u64> = [50, 10, 30, 90, 40, 10].map(|time| numbers.moment(time)).to_vec();
        assert_eq!(shown, [1000, 500, 750, 2000, 875, 500]);
        for time in 0..3000 {
            numbers.moment(i128::from((time * 7919) % 3000));
        }
        let all: Vec<u64> = numbers.moments.values().copied().collect();
        assert!(all.is_sorted() && all.last().is_some_and(|last| *last < SECOND as u64));
    }
}
