//! Dead Simple Signing Envelopes, version 1: bytes of a type, with signatures over both.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use base64::{DecodeError, alphabet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json;
use super::key::SecretKey;

/// Signatures that one envelope may have: each is tried with each trusted key.
const SIGNATURES: usize = 16;

/// Base64 with or without padding: the specification asks readers for either alphabet, and writers differ in the padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const READ_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const READ_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What is signed: the "pre-authentication encoding" of a type and a body.
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A signed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The message.
    pub payload: Vec<u8>,
    /// Who signed it.
    pub signatures: Vec<Signature>,
}

/// A signature as it stands in an envelope: not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What the signer calls the key. It is not signed: a hint for people.
    pub keyid: Option<String>,
    /// The signature.
    pub sig: Vec<u8>,
}

/// The envelope's JSON form.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Wire {
    /// Base64 of the payload.
    #[serde(default)]
    payload: String,
    /// What the payload is.
    #[serde(default)]
    payload_type: String,
    /// Who signed it.
    #[serde(default)]
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct WireSignature {
    /// SHA-256 of the public key's SPKI form, in hexadecimal digits: a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    /// Base64 of the signature.
    #[serde(default)]
    sig: String,
}

impl Envelope {
    /// Signs a message with each of `keys`.
    pub fn sign(payload_type: &str, payload: Vec<u8>, keys: &[SecretKey]) -> Self {
        let signed = pae(payload_type, &payload);
        let sign = |key: &SecretKey| Signature { keyid: Some(key.public().id()), sig: key.sign(&signed) };
        Self { payload_type: payload_type.to_owned(), signatures: keys.iter().map(sign).collect(), payload }
    }

    /// Its canonical JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let signature = |one: &Signature| WireSignature { keyid: one.keyid.clone(), sig: STANDARD.encode(&one.sig) };
        json::canonical(&Wire {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self.signatures.iter().map(signature).collect(),
        })
    }

    /// Reads its JSON form; no signature is checked.
    ///
    /// # Errors
    /// It is not of that form; the text says what is wrong.
    pub fn from_json(value: Value) -> Result<Self, String> {
        let wire: Wire = serde_json::from_value(value).map_err(|error| format!("it is no DSSE envelope: {error}"))?;
        if wire.signatures.len() > SIGNATURES {
            return Err(format!("it has {} signatures, and at most {SIGNATURES} are read", wire.signatures.len()));
        }
        let decode = |what: &str, text: &str| {
            read_base64(text).map_err(|error| format!("the base64 of its {what} is wrong: {error}"))
        };
        let signature = |one: WireSignature| {
            let keyid = one.keyid.filter(|id| !id.is_empty());
            Ok(Signature { keyid, sig: decode("signature", &one.sig)? })
        };
        Ok(Self {
            payload: decode("payload", &wire.payload)?,
            payload_type: wire.payload_type,
            signatures: wire.signatures.into_iter().map(signature).collect::<Result<_, String>>()?,
        })
    }

    /// The bytes that its signatures are of.
    pub fn signed(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }
}

/// Either alphabet, but not both in one text.
fn read_base64(text: &str) -> Result<Vec<u8>, DecodeError> {
    if text.contains(['-', '_']) { READ_URL_SAFE.decode(text) } else { READ_STANDARD.decode(text) }
}

/// The JSON Schema of the envelopes that are written.
pub fn envelope_schema() -> schemars::Schema {
    schemars::schema_for!(Wire)
}
