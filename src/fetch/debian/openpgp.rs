//! Clear-signed texts: RFC 9580, section 7.

use std::io::Cursor;
use std::time::Duration;

use pgp::composed::{CleartextSignedMessage, Deserializable, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicSubkey, Signature, SignatureType};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Tag, VerifyingKey};

/// A text whose signature cannot be relied on, or keys that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key file is not ASCII-armoured public keys.
    #[error("read the keys: {reason}")]
    Keys {
        /// What is wrong with it.
        reason: String,
    },
    /// The text is not clear-signed.
    #[error("read the signed text: {reason}")]
    Message {
        /// What is wrong with it.
        reason: String,
    },
    /// No signature is valid and by a listed key.
    #[error("find a valid signature by a listed key:{}", findings.iter().map(|f| format!("\n  {f}")).collect::<String>())]
    NoneValid {
        /// One sentence for each signature; none when there are no signatures.
        findings: Vec<String>,
    },
}

impl SignatureError {
    /// The cure, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoneValid { .. } => Some(
                "the archive's keys change with its releases: compare the key file with the distribution's keyring; \
                 otherwise the mirror is not to be trusted"
                    .to_owned(),
            ),
            Self::Keys { .. } => {
                Some("want ASCII-armoured public keys, as `gpg --armor --export` writes them".to_owned())
            }
            Self::Message { .. } => None,
        }
    }
}

/// The signed text alone, with plain line ends, when at least one signature over it is valid at `now` (since 1970) and
/// by a key in `keys` (ASCII-armoured). Whatever stands around the signed text is not returned.
///
/// # Errors
/// There is no such signature; the error says for each why.
pub fn verify(message: &str, keys: &str, now: Duration) -> Result<String, SignatureError> {
    let keys = read_keys(keys)?;
    let (message, _) = CleartextSignedMessage::from_string(message)
        .map_err(|error| SignatureError::Message { reason: error.to_string() })?;
    let text = message.signed_text();
    let now = now.as_secs();
    let mut findings = Vec::new();
    for signature in message.signatures() {
        match check(signature, &text, &keys, now) {
            Ok(()) => return Ok(text.replace("\r\n", "\n")),
            Err(finding) => findings.push(finding),
        }
    }
    Err(SignatureError::NoneValid { findings })
}

fn read_keys(armour: &str) -> Result<Vec<SignedPublicKey>, SignatureError> {
    let wrong = |error: pgp::errors::Error| SignatureError::Keys { reason: error.to_string() };
    let (keys, _) = SignedPublicKey::from_armor_many(Cursor::new(armour)).map_err(wrong)?;
    let keys = keys.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if keys.is_empty() {
        return Err(SignatureError::Keys { reason: "there are none".to_owned() });
    }
    Ok(keys)
}

/// Checks one signature; the error is a finding for the reader.
fn check(signature: &Signature, text: &str, keys: &[SignedPublicKey], now: u64) -> Result<(), String> {
    let fingerprint = signature.issuer_fingerprint().first().map(|f| format!("{f:X}"));
    let id = signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase());
    let named = fingerprint.or(id).unwrap_or_else(|| "(unnamed)".to_owned());
    let issued = |key: &dyn KeyDetails| {
        let prints = signature.issuer_fingerprint();
        if prints.is_empty() {
            signature.issuer_key_id().contains(&&key.legacy_key_id())
        } else {
            prints.contains(&&key.fingerprint())
        }
    };
    let say = |what: &str| Err(format!("signature by {named}: {what}"));
    if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return say("it is not over a text");
    }
    if !signature.hash_alg().is_some_and(is_strong) {
        return say("its hash is too weak");
    }
    let Some(created) = signature.created().map(|time| u64::from(time.as_secs())) else {
        return say("it has no date");
    };
    if created > now + 24 * 3600 {
        return say("it is from the future");
    }
    let lifetime = signature.signature_expiration_time().map_or(0, |time| u64::from(time.as_secs()));
    if lifetime != 0 && created + lifetime < now {
        return say("it has expired");
    }
    for key in keys {
        let is_primary = issued(&key.primary_key);
        let subkey = key.public_subkeys.iter().find(|subkey| issued(&subkey.key));
        if !is_primary && subkey.is_none() {
            continue;
        }
        if let Err(what) = primary_is_good(key, now) {
            return say(what);
        }
        let valid = match subkey {
            Some(subkey) if !is_primary => {
                if let Err(what) = subkey_is_good(key, &subkey.key, &subkey.signatures, now) {
                    return say(what);
                }
                signature.verify(&subkey.key, text.as_bytes())
            }
            _ => signature.verify(&key.primary_key, text.as_bytes()),
        };
        return if valid.is_ok() { Ok(()) } else { say("it is not of this text") };
    }
    say("the key is not listed")
}

pub(in crate::fetch) fn is_strong(algorithm: HashAlgorithm) -> bool {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    matches!(algorithm, Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512)
}

/// The newest of the signatures that `valid` accepts.
fn newest<'s>(
    signatures: impl IntoIterator<Item = &'s Signature>,
    valid: impl Fn(&Signature) -> bool,
) -> Option<&'s Signature> {
    signatures.into_iter().filter(|s| valid(s)).max_by_key(|s| s.created().map(pgp::types::Timestamp::as_secs))
}

fn has_expired(key: &dyn KeyDetails, binding: &Signature, now: u64) -> bool {
    let lifetime = binding.key_expiration_time().map_or(0, |time| u64::from(time.as_secs()));
    lifetime != 0 && u64::from(key.created_at().as_secs()) + lifetime < now
}

fn primary_is_good(key: &SignedPublicKey, now: u64) -> Result<(), &'static str> {
    let primary = &key.primary_key;
    if key.details.revocation_signatures.iter().any(|s| s.verify_key(primary).is_ok()) {
        return Err("the key is revoked");
    }
    let users = key.details.users.iter().filter_map(|user| {
        newest(&user.signatures, |s| {
            s.typ() != Some(SignatureType::CertRevocation)
                && s.verify_certification(primary, Tag::UserId, &user.id).is_ok()
        })
    });
    let direct = newest(&key.details.direct_signatures, |s| s.verify_key(primary).is_ok());
    let own: Vec<&Signature> = users.chain(direct).collect();
    if own.is_empty() {
        return Err("the key does not certify itself");
    }
    // Direct signatures often only name revokers: the newest that speaks of an end counts.
    let bounded = newest(own, |s| s.key_expiration_time().is_some());
    if bounded.is_some_and(|s| has_expired(primary, s, now)) { Err("the key has expired") } else { Ok(()) }
}

fn subkey_is_good(
    key: &SignedPublicKey,
    subkey: &PublicSubkey,
    signatures: &[Signature],
    now: u64,
) -> Result<(), &'static str> {
    let primary = &key.primary_key;
    if signatures.iter().any(|s| is_revocation(s) && s.verify_subkey_binding(primary, subkey).is_ok()) {
        return Err("the subkey is revoked");
    }
    let bound = newest(signatures, |s| !is_revocation(s) && is_signing(primary, subkey, s));
    let Some(binding) = bound else {
        return Err("the subkey is not bound to its key for signing");
    };
    if has_expired(subkey, binding, now) { Err("the subkey has expired") } else { Ok(()) }
}

fn is_revocation(signature: &Signature) -> bool {
    signature.typ() == Some(SignatureType::SubkeyRevocation)
}

/// A binding for signing, confirmed by the subkey itself.
fn is_signing<K: VerifyingKey + Serialize>(primary: &K, subkey: &PublicSubkey, binding: &Signature) -> bool {
    binding.key_flags().sign()
        && binding.verify_subkey_binding(primary, subkey).is_ok()
        && binding.embedded_signature().is_some_and(|s| s.verify_primary_key_binding(subkey, primary).is_ok())
}
