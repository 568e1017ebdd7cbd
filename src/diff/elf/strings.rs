//! Sections that are lists of strings.

use super::names;
use crate::diff::lines;
use crate::diff::model::{Difference, Fact};

/// Shortest run of text among other bytes that is taken for a string.
const SHORTEST: usize = 4;

/// The strings of a section that holds nothing else.
pub(super) fn list(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    bytes.split(|byte| *byte == 0).map(names::text).collect()
}

/// Compares two sections of strings.
pub(super) fn compare(pair: [&[u8]; 2], found: &mut Difference) {
    found.facts.extend(lines::compare("strings", &list(pair[0]), &list(pair[1]), &|_| String::new()));
}

/// Compares what looks like text among other bytes.
pub(super) fn within(pair: [&[u8]; 2]) -> Option<Fact> {
    lines::compare("strings", &runs(pair[0]), &runs(pair[1]), &|_| String::new())
}

/// Runs of printable ASCII that a zero ends.
fn runs(bytes: &[u8]) -> Vec<String> {
    let text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r');
    bytes
        .split_inclusive(|byte| *byte == 0)
        .filter_map(|piece| piece.strip_suffix(b"\0"))
        .map(|piece| &piece[piece.iter().rposition(|byte| !text(byte)).map_or(0, |at| at + 1)..])
        .filter(|piece| piece.len() >= SHORTEST)
        .map(names::text)
        .collect()
}
