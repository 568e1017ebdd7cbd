//! Continuation areas lead from one to the next, and none crosses the end of a block.

use super::super::record::RECORD;
use super::*;
use crate::image::tests::archive::noise;

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
}

/// The entries of an area and of those that it leads to.
fn followed(area: &[u8], areas: &Continuations, found: &mut Vec<Vec<u8>>) {
    let mut at = 0;
    let mut further = None;
    while at < area.len() {
        let entry = &area[at..at + usize::from(area[at + 2])];
        at += entry.len();
        if entry.starts_with(b"CE") {
            assert!(further.is_none(), "one for each area");
            let [block, offset, size] = [4, 12, 20].map(|field| number(entry, field));
            assert!(size > 0 && offset + size <= BLOCK, "{offset} and {size}");
            further = Some(((block - areas.start as usize) * BLOCK + offset, size));
        } else {
            found.push(entry.to_vec());
        }
    }
    if let Some((at, size)) = further {
        followed(&areas.bytes[at..at + size], areas, found);
    }
}

#[test]
fn nothing_is_lost_and_nothing_crosses_a_block() {
    let mut areas = Continuations { start: 1000, bytes: Vec::new() };
    let mut random = noise(200_000).into_iter().map(usize::from);
    let mut next = || random.next().expect("there is enough");
    let mut all = Vec::new();
    for _ in 0..2000 {
        let count = next() % 24 + 1;
        // Short ones and the longest alike; two signatures, so that one leading on is no other.
        let lengths: Vec<usize> =
            (0..count).map(|_| if next() % 4 == 0 { ENTRY - 4 } else { next() % (ENTRY - 3) }).collect();
        let entries: Vec<Vec<u8>> = lengths.into_iter().map(|length| entry(b"XX", &vec![b'x'; length])).collect();
        let room = 100 + next() % (RECORD - 100);
        let here = areas.fit(&entries, room);
        assert!(here.len() <= room);
        all.push((here, entries));
    }
    for (here, entries) in all {
        let mut found = Vec::new();
        followed(&here, &areas, &mut found);
        assert_eq!(found, entries);
    }
}

#[test]
fn targets_come_out_as_they_went_in() {
    // As Linux puts them together.
    let read = |entries: &[Vec<u8>]| {
        let mut text = Vec::new();
        for entry in entries {
            let (goes_on, mut rest) = (entry[4] & 1 == 1, &entry[5..]);
            while let [flags, length, after @ ..] = rest {
                let (part, after) = after.split_at(usize::from(*length));
                match flags & !1 {
                    0 => text.extend(part),
                    2 => text.push(b'.'),
                    4 => text.extend(b".."),
                    8 => text.push(b'/'),
                    other => panic!("flags {other}"),
                }
                rest = after;
                let is_last = rest.is_empty();
                if flags & 9 == 0 && (!is_last || goes_on) {
                    text.push(b'/');
                }
            }
        }
        text
    };
    for unit in ["x", "../", "./", "/", "ab/", "//a/", "/usr/", "long-name-", "a/./b/../c//"] {
        for length in (1..300).chain([499, 500, 501, 2000, 4095]) {
            let target: Vec<u8> = unit.bytes().cycle().take(length).collect();
            let mut entries = Vec::new();
            symlink(&target, &mut entries);
            assert!(entries.iter().all(|entry| entry.len() <= ENTRY && usize::from(entry[2]) == entry.len()));
            assert_eq!(read(&entries), target, "{unit} {length}");
        }
    }
}
