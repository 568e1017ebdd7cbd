//! Little-endian numbers at the places where a format wants them.

/// Puts `value` at `at`, which the caller's constants keep inside of `bytes`.
pub(super) fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

/// The low 16 bits.
pub(super) fn low16(value: u64) -> [u8; 2] {
    let [a, b, ..] = value.to_le_bytes();
    [a, b]
}

/// Bits 16 to 31.
pub(super) fn high16(value: u64) -> [u8; 2] {
    low16(value >> 16)
}

/// The low 32 bits.
pub(super) fn low32(value: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = value.to_le_bytes();
    [a, b, c, d]
}

/// Bits 32 to 63.
pub(super) fn high32(value: u64) -> [u8; 4] {
    low32(value >> 32)
}
