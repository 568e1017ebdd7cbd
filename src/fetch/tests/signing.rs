//! Keys and signatures for tests: the same in every run.

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
    SubkeyParamsBuilder,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{Fingerprint, Password, SigningKey, Timestamp};

/// Some day of 2026, in seconds since 1970: when the tests happen.
pub(crate) const NOW: u32 = 1_790_000_000;

/// Numbers that only look random.
pub(crate) struct Numbers(pub(crate) u64);

impl rand::RngCore for Numbers {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next_u64() as u8;
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rand::CryptoRng for Numbers {}

/// A key with a subkey for signing.
pub(crate) fn key(seed: u64) -> SignedSecretKey {
    let created = Timestamp::from_secs(NOW - 86_400 * 300);
    let subkey = SubkeyParamsBuilder::default()
        .key_type(KeyType::Ed25519Legacy)
        .can_sign(true)
        .created_at(created)
        .build()
        .unwrap();
    let params = SecretKeyParamsBuilder::default()
        .key_type(KeyType::Ed25519Legacy)
        .can_certify(true)
        .can_sign(true)
        .primary_user_id(format!("key {seed}"))
        .created_at(created)
        .subkey(subkey)
        .build()
        .unwrap();
    params.generate(Numbers(seed)).unwrap()
}

/// The public part, ASCII-armoured.
pub(crate) fn public(key: &SignedSecretKey) -> String {
    SignedPublicKey::from(key.clone()).to_armored_string(ArmorOptions::default()).unwrap()
}

/// What a signature says about itself.
pub(crate) struct Says {
    pub(crate) created: u32,
    pub(crate) issuer: Option<Fingerprint>,
}

impl Default for Says {
    fn default() -> Self {
        Self { created: NOW - 60, issuer: None }
    }
}

/// A clear-signed text.
pub(crate) fn sign(text: &str, key: &impl SigningKey, says: Says) -> String {
    let mut config = SignatureConfig::v4(SignatureType::Text, key.algorithm(), HashAlgorithm::Sha256);
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(says.created))).unwrap(),
        Subpacket::regular(SubpacketData::IssuerFingerprint(says.issuer.unwrap_or(key.fingerprint()))).unwrap(),
    ];
    let message = CleartextSignedMessage::new(text, config, key, &Password::empty()).unwrap();
    message.to_armored_string(ArmorOptions::default()).unwrap()
}
