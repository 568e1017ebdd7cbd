//! CRC-32C (Castagnoli), reflected, without the final inversion: the kernel's `crc32c`.

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0x82f6_3b78 } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

/// Goes on from `crc` over `bytes`.
pub(super) fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(crc, |crc, byte| TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ crc >> 8)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_the_known_one() {
        // RFC 3720, B.4, inverted.
        assert_eq!(!super::crc32c(!0, &[0; 32]), 0x8a91_36aa);
        assert_eq!(!super::crc32c(!0, b"123456789"), 0xe306_9283);
    }
}
