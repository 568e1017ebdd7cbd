//! What has to hold of every comparison.

use repro::container::Kind;
use repro::diff::{Comparison, Difference, Fact, Options, Report};
use repro::fs::Content;
use repro::report::{Palette, diff_html, diff_junit, diff_text};

use crate::scratch;

/// Bytes that one comparison may unpack.
const UNPACKED: u64 = 64 << 20;

/// Two contents of one input: all but its last 16 bytes, and the same with the changes that these tell.
pub fn edited(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (left, edits) = bytes.split_last_chunk::<16>()?;
    let mut right = left.to_vec();
    for edit in edits.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) * (1 + usize::from(edit[2] >> 4) * 4096);
        let Some(at) = at.checked_rem(right.len()) else { break };
        match edit[2] & 0xf {
            0..=7 => right[at] ^= edit[3],
            8..=11 => right[at] = edit[3],
            12 => drop(right.remove(at)),
            13 => right.insert(at, edit[3]),
            14 => right.truncate(at),
            _ => {
                let end = right.len().min(at + usize::from(edit[3]));
                right.extend_from_within(at..end);
            }
        }
    }
    Some((left.to_vec(), right))
}

/// Two texts of one input, which a line of `%` divides.
pub fn texts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(3).position(|line| line == b"\n%\n")?;
    Some((&bytes[..=at], &bytes[at + 3..]))
}

/// Compares two contents. They are equal exactly if their bytes are; the same two give the same difference; it can be
/// shown; and what lies in a container that can be read is not only told as bytes of it.
pub fn comparison(left: &[u8], right: &[u8]) {
    let found = compare(left, right);
    assert_eq!(found.is_none(), left == right, "equal contents and no others are equal");
    assert_eq!(found, compare(left, right), "the same contents were compared twice");
    let Some(found) = found else { return };
    told(&found);
    let report = Report::new(["left".to_owned(), "right".to_owned()], Some(found));
    for full in [false, true] {
        let text = diff_text(&report, Palette::PLAIN, full);
        let strange = text.chars().find(|character| character.is_control() && *character != '\n');
        assert_eq!(strange, None, "a terminal would obey: {text:?}");
    }
    assert!(!diff_html(&report, &[]).is_empty());
    let strange = diff_junit(&report).chars().find(|character| !is_xml(*character));
    assert_eq!(strange, None, "XML has no such character");
}

/// Whether XML 1.0 can hold it (production 2).
fn is_xml(character: char) -> bool {
    !matches!(character, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

fn compare(left: &[u8], right: &[u8]) -> Option<Difference> {
    let options = Options::default();
    let comparison = Comparison::new(&options, scratch(), None).unpacking(UNPACKED);
    comparison.files("", [&Content::of_bytes(left), &Content::of_bytes(right)]).expect("memory can be read")
}

/// Fails for a place that was read as a container on both sides, with nothing told but bytes.
fn told(place: &Difference) {
    let container = CONTAINERS.iter().any(|kind| kind.to_string() == place.kind);
    let bytes = matches!(place.facts.as_slice(), [Fact::Bytes { metadata: false, .. }]);
    assert!(!container || !bytes || !place.inside.is_empty(), "only bytes are told of a {}", place.kind);
    place.inside.iter().for_each(told);
}

const CONTAINERS: [Kind; 10] = [
    Kind::Tar,
    Kind::Cpio,
    Kind::Ar,
    Kind::Zip,
    Kind::Disk,
    Kind::Iso,
    Kind::Squashfs,
    Kind::Erofs,
    Kind::Ext,
    Kind::Fat,
];
