//! Half-MD4 of a name: where it stands in the index of a folder.
//!
//! It is the first rounds of MD4 over eight words at a time, made of the name's bytes as unsigned numbers; a name that ends
//! early is filled up with its length.

/// Hashes of this value mark the end of a folder for readdir(3), so no name may have it.
const END: u32 = 0xffff_fffe;
const SECOND: u32 = 0x5a82_7999;
const THIRD: u32 = 0x6ed9_eba1;

/// The hash of a name with the file system's seed. Its lowest bit is 0: an index uses it to say that names with the hash
/// stand in the block before, too.
pub(super) fn half_md4(seed: [u32; 4], name: &[u8]) -> u32 {
    let mut state = if seed == [0; 4] { [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476] } else { seed };
    let mut rest = name;
    while !rest.is_empty() {
        round(&mut state, words(rest));
        rest = rest.get(32..).unwrap_or_default();
    }
    match state[1] & !1 {
        END => END - 2,
        hash => hash,
    }
}

/// The next 32 bytes as words, the first byte highest.
fn words(rest: &[u8]) -> [u32; 8] {
    let len = rest.len().to_le_bytes()[0];
    let fill = u32::from_le_bytes([len; 4]);
    let mut words = [fill; 8];
    for (word, bytes) in words.iter_mut().zip(rest.chunks(4)) {
        *word = bytes.iter().fold(fill, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

fn round(state: &mut [u32; 4], words: [u32; 8]) {
    let choose = |x: u32, y: u32, z: u32| z ^ x & (y ^ z);
    let majority = |x: u32, y: u32, z: u32| (x & y).wrapping_add((x ^ y) & z);
    let parity = |x: u32, y: u32, z: u32| x ^ y ^ z;
    let mut now = *state;
    let mut steps = |mix: &dyn Fn(u32, u32, u32) -> u32, add: u32, order: [usize; 8], turns: [u32; 4]| {
        for (step, word) in order.into_iter().enumerate() {
            let [a, b, c, d] = now;
            let sum = a.wrapping_add(mix(b, c, d)).wrapping_add(words[word]).wrapping_add(add);
            now = [d, sum.rotate_left(turns[step % 4]), b, c];
        }
    };
    steps(&choose, 0, [0, 1, 2, 3, 4, 5, 6, 7], [3, 7, 11, 19]);
    steps(&majority, SECOND, [1, 3, 5, 7, 0, 2, 4, 6], [3, 5, 9, 13]);
    steps(&parity, THIRD, [3, 7, 2, 6, 1, 5, 0, 4], [3, 9, 11, 15]);
    for (old, new) in state.iter_mut().zip(now) {
        *old = old.wrapping_add(new);
    }
}
