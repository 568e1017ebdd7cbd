//! The root of a Merkle tree over a list.
//!
//! As in RFC 6962, section 2.1: a leaf is hashed after a byte 0, an inner node after a byte 1, so that neither can be taken
//! for the other; a list is split at the largest power of two that is smaller than its length. One hash stands for the
//! whole list, and for any leaf the few hashes beside its way to the top prove that it is in it.

use sha2::{Digest as _, Sha256};

use super::Digest;

const LEAF: &[u8] = &[0];
const INNER: &[u8] = &[1];

/// The hash that stands for `leaves`, as 64 lower-case hex digits.
pub fn merkle_root(leaves: &[&[u8]]) -> String {
    Digest { hash: root(leaves), size: 0 }.hex()
}

fn root(leaves: &[&[u8]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::new().chain_update(LEAF).chain_update(leaf).finalize().into(),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Sha256::new().chain_update(INNER).chain_update(root(left)).chain_update(root(right)).finalize().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves and hashes that implementations of Certificate Transparency are tested with.
    #[test]
    fn the_known_trees() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        for (count, hex) in [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ] {
            assert_eq!(merkle_root(&leaves[..count]), hex, "{count} leaves");
        }
    }
}
