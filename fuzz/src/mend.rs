//! Checksums that would keep every mutation out.

use std::borrow::Cow;

/// The bytes with the checksums of tar headers put right when the last byte is odd: so both what checks them and what lies
/// behind is reached.
pub fn mended(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.last().is_none_or(|last| last % 2 == 0) {
        return Cow::Borrowed(bytes);
    }
    let mut bytes = bytes.to_vec();
    // Most blocks are no headers; those that have a checksum's form are.
    for block in bytes.chunks_exact_mut(512).filter(|block| block[0] != 0 && is_sum(&block[148..156])) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    Cow::Owned(bytes)
}

/// Six digits, a NUL and a blank.
fn is_sum(field: &[u8]) -> bool {
    field.ends_with(b"\0 ") && field[..6].iter().all(|digit| matches!(digit, b'0'..=b'7'))
}
