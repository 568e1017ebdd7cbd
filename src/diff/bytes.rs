//! Bytes that no other comparison knows anything of: where they differ.

use super::model::{Fact, Range};
use crate::container::About;
use crate::fs::{self, Content};

/// Ranges that lie closer to each other are one.
const NEAR: u64 = 16;
/// Ranges that are shown.
const SHOWN: usize = 64;
/// Bytes that are shown before a range, and of it.
const BEFORE: u64 = 16;
const WITHIN: usize = 48;
/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// Where two contents differ; none if they are equal. Of equal length, they are compared place by place; otherwise what
/// they share at the beginning and at the end is left out, and the middle is one range.
pub(super) fn compare(pair: [&Content; 2], about: About) -> fs::Result<Option<Fact>> {
    let [left, right] = pair;
    let Some(first) = left.differs_at(right)? else { return Ok(None) };
    let mut found = Found { pair, ranges: Vec::new(), count: 0, differing: [0; 2] };
    if left.size() == right.size() {
        in_place(first, &mut found)?;
    } else {
        let end = suffix(pair, first)?;
        found.add([first, first], [left.size() - end - first, right.size() - end - first])?;
    }
    let left_out = found.count - found.ranges.len() as u64;
    let metadata = about == About::Metadata;
    Ok(Some(Fact::Bytes { metadata, differing: found.differing, ranges: found.ranges, left_out }))
}

struct Found<'a> {
    pair: [&'a Content; 2],
    ranges: Vec<Range>,
    count: u64,
    differing: [u64; 2],
}

impl Found<'_> {
    fn add(&mut self, offsets: [u64; 2], lengths: [u64; 2]) -> fs::Result<()> {
        self.count += 1;
        self.differing = [self.differing[0] + lengths[0], self.differing[1] + lengths[1]];
        if self.ranges.len() < SHOWN {
            let before = offsets[0].min(BEFORE);
            let show = |side: usize| -> fs::Result<String> {
                let within = usize::try_from(lengths[side]).unwrap_or(WITHIN).min(WITHIN);
                let from = offsets[side] - before;
                Ok(hex(&self.pair[side].bytes_at(from, usize::try_from(before).unwrap_or(0) + within)?))
            };
            let bytes = [show(0)?, show(1)?];
            self.ranges.push(Range { offsets, lengths, bytes, before });
        }
        Ok(())
    }
}

fn in_place(first: u64, found: &mut Found<'_>) -> fs::Result<()> {
    let [left, right] = found.pair;
    let size = left.size();
    let (mut a, mut b) = (vec![0; CHUNK], vec![0; CHUNK]);
    // The range that is open: its first byte and the one after the last that differs.
    let mut open: Option<(u64, u64)> = None;
    let mut at = first;
    while at < size {
        let holes = left.zeros_at(at).min(right.zeros_at(at));
        if holes > 0 {
            at += holes;
            continue;
        }
        let count = usize::try_from(size - at).unwrap_or(CHUNK).min(CHUNK);
        left.read_at(at, &mut a[..count])?;
        right.read_at(at, &mut b[..count])?;
        // Most pieces are equal, and comparing them whole is many times faster.
        for (index, piece) in a[..count].chunks(512).enumerate() {
            let other = &b[index * 512..index * 512 + piece.len()];
            if piece == other {
                continue;
            }
            for (inner, (x, y)) in piece.iter().zip(other).enumerate() {
                if x == y {
                    continue;
                }
                let place = at + (index * 512 + inner) as u64;
                open = match open {
                    Some((start, end)) if place - end < NEAR => Some((start, place + 1)),
                    Some((start, end)) => {
                        found.add([start; 2], [end - start; 2])?;
                        Some((place, place + 1))
                    }
                    None => Some((place, place + 1)),
                };
            }
        }
        at += count as u64;
    }
    open.map_or(Ok(()), |(start, end)| found.add([start; 2], [end - start; 2]))
}

/// How many bytes both have in common at the end, none of them before `first`.
fn suffix(pair: [&Content; 2], first: u64) -> fs::Result<u64> {
    let [left, right] = pair;
    let most = (left.size().min(right.size())) - first;
    let (mut a, mut b) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut common = 0;
    while common < most {
        let holes = left.zeros_before(left.size() - common).min(right.zeros_before(right.size() - common));
        if holes > 0 {
            common = most.min(common + holes);
            continue;
        }
        let count = usize::try_from(most - common).unwrap_or(CHUNK).min(CHUNK);
        let taken = common + count as u64;
        left.read_at(left.size() - taken, &mut a[..count])?;
        right.read_at(right.size() - taken, &mut b[..count])?;
        let equal = a[..count].iter().rev().zip(b[..count].iter().rev()).take_while(|(x, y)| x == y).count();
        common += equal as u64;
        if equal < count {
            break;
        }
    }
    Ok(common)
}

/// Hexadecimal digits, two for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::container::About;
    use crate::diff::model::Fact;
    use crate::fs::Content;

    /// Offsets and lengths of all ranges, and how many bytes differ on each side.
    type Ranges = (Vec<([u64; 2], [u64; 2])>, [u64; 2]);

    fn ranges(left: &[u8], right: &[u8]) -> Option<Ranges> {
        let fact =
            compare([&Content::of_bytes(left), &Content::of_bytes(right)], About::Content).expect("memory can be read");
        fact.map(|fact| {
            let Fact::Bytes { differing, ranges, .. } = fact else { unreachable!("bytes were compared") };
            (ranges.iter().map(|range| (range.offsets, range.lengths)).collect(), differing)
        })
    }

    #[test]
    fn equal_lengths_are_compared_in_place() {
        assert_eq!(ranges(b"abc", b"abc"), None);
        let mut other = vec![0; 1_000_000];
        other[300_000] = 1;
        other[300_010] = 1;
        other[999_999] = 1;
        let want = vec![([300_000; 2], [11; 2]), ([999_999; 2], [1; 2])];
        assert_eq!(ranges(&vec![0; 1_000_000], &other), Some((want, [12, 12])));
    }

    #[test]
    fn holes_are_passed_over() {
        let hole = 1 << 50;
        let of = |pieces: &[&[u8]]| {
            let pieces = pieces.iter().flat_map(|piece| [Content::of_bytes(*piece), Content::zeros(hole)]);
            Content::concat(pieces.collect()).from(1)
        };
        for (left, right, want) in [
            (&[&b"ab"[..], b"c", b"d"][..], &[&b"ab"[..], b"x", b"d"][..], Some(([hole + 1; 2], [1; 2]))),
            (&[b"ab", b"c", b"d"], &[b"ab", b"c", b"d"], None),
            (&[b"ab", b"c", b"d"], &[b"ab", b"xy", b"d"], Some(([hole + 1; 2], [1, 2]))),
        ] {
            let fact = compare([&of(left), &of(right)], About::Content).expect("memory can be read");
            let range = fact.map(|fact| {
                let Fact::Bytes { ranges, .. } = fact else { unreachable!("bytes were compared") };
                (ranges[0].offsets, ranges[0].lengths)
            });
            assert_eq!(range, want);
        }
    }

    #[test]
    fn what_was_put_in_is_one_range() {
        assert_eq!(ranges(b"abcdef", b"abcXYdef"), Some((vec![([3, 3], [0, 2])], [0, 2])));
        assert_eq!(ranges(b"aaa", b"aaaa"), Some((vec![([3, 3], [0, 1])], [0, 1])));
        assert_eq!(ranges(b"", b"x"), Some((vec![([0, 0], [0, 1])], [0, 1])));
    }
}
