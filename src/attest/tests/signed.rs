//! Envelopes: the published vector, the encoding at its edges, round trips, and each byte changed.

use proptest::prelude::*;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use super::*;
use crate::attest::dsse::{Envelope, pae};

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The test vector of DSSE's protocol.md. Its key is of another kind than ours: what is tested is what is signed.
#[test]
fn the_published_vector() {
    let text = r#"{"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"#;
    let envelope = Envelope::from_json(json::parse(text.as_bytes()).unwrap()).unwrap();
    assert_eq!(envelope.payload, b"hello world");
    assert_eq!(envelope.signed(), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    let x = "67cd390f77aa359cb08c2235f652270493a9ed832b0abcc01f70954c0390d238";
    let y = "0c782bd54e269125a44f4433aff1432ce94e12bca73aa67ac80cea12608ddf74";
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, hex(&format!("04{x}{y}")));
    key.verify(&envelope.signed(), &envelope.signatures[0].sig).unwrap();
    assert_eq!(envelope.signatures[0].keyid, None);
}

/// RFC 8032, 7.1, test 2.
#[test]
fn the_signatures_are_those_of_the_standard() {
    let der = [
        hex("302e020100300506032b657004220420"),
        hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der.concat());
    std::fs::write(&path, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")).unwrap();
    let signature = SecretKey::load(&path).unwrap().sign(&[0x72]);
    let want = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    assert_eq!(signature, hex(want));
}

#[test]
fn the_encoding_at_its_edges() {
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    // Bytes are counted, not characters.
    assert_eq!(pae("ä", "€".as_bytes()), "DSSEv1 2 ä 3 €".as_bytes());
    // What stands in the type cannot be taken for the body.
    assert_ne!(pae("a 1 b", b""), pae("a", b"b 0 "));
    assert_eq!(pae("t", &[0, 255, 32]), b"DSSEv1 1 t 3 \x00\xff ");
}

#[test]
fn either_alphabet_with_or_without_padding() {
    let payload = [0xfb, 0xff, 0xfe, 0x3f];
    for text in ["+//+Pw==", "-__-Pw==", "+//+Pw", "-__-Pw"] {
        let value = serde_json::json!({"payload": text, "payloadType": "t", "more": 1});
        assert_eq!(Envelope::from_json(value).unwrap().payload, payload, "{text}");
    }
    for text in ["+_/+Pw==", "+//+Px==", "+//+P", " +//+Pw==", "+//+\nPw==", "!"] {
        let value = serde_json::json!({"payload": text, "payloadType": "t"});
        let read = Envelope::from_json(value);
        assert!(read.as_ref().is_err_and(|error| error.contains("base64")), "{text}: {read:?}");
    }
}

/// Each bit of the payload, the type and each signature counts.
#[test]
fn nothing_can_be_changed() {
    let payload = json::canonical(&statement("a", "out"));
    let good = envelope(&payload, &[1]);
    let trust = Trust::of(&[("one", SecretKey::numbered(1).public())]);
    let is_good = |envelope: &Envelope| matches!(trust.judge(envelope).as_slice(), [Seal::Good { .. }]);
    assert!(is_good(&good));
    for at in 0..payload.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad.payload[at] ^= 1 << bit;
            assert!(!is_good(&bad), "payload, byte {at}, bit {bit}");
        }
    }
    for at in 0..64 {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad.signatures[0].sig[at] ^= 1 << bit;
            assert!(matches!(trust.judge(&bad).as_slice(), [Seal::Bad { .. }]), "signature, byte {at}, bit {bit}");
        }
    }
    for change in ["", "application/vnd.in-toto+jsoN", "application/vnd.in-toto+json "] {
        let bad = Envelope { payload_type: change.to_owned(), ..good.clone() };
        assert!(!is_good(&bad), "{change}");
    }
    for length in [0, 32, 63] {
        let mut bad = good.clone();
        bad.signatures[0].sig.truncate(length);
        assert!(!is_good(&bad));
    }
    let mut longer = good.clone();
    longer.signatures[0].sig.push(0);
    assert!(!is_good(&longer));
}

/// A changed character of the file either cannot be read, or is no longer signed, or says the same.
#[test]
fn each_character_of_a_file_is_guarded() {
    let text = bundle(&[(statement("a", "out"), &[1])]);
    let trust = Trust::of(&[("one", SecretKey::numbered(1).public())]);
    let original = read("f", &text).unwrap().items[0].envelope.clone().unwrap();
    for at in 0..text.len() {
        let mut bad = text.clone();
        bad[at] ^= 1;
        let Ok(found) = read("f", &bad) else { continue };
        for envelope in found.items.iter().filter_map(|item| item.envelope.as_ref()) {
            let good = matches!(trust.judge(envelope).as_slice(), [Seal::Good { .. }]);
            // The hint of which key it is is not signed.
            assert!(!good || envelope.payload == original.payload, "byte {at}");
        }
    }
}

#[test]
fn several_sign_one_statement() {
    let keys: Vec<(String, PublicKey)> =
        (1..=3).map(|number| (format!("k{number}"), SecretKey::numbered(number).public())).collect();
    let keys: Vec<(&str, PublicKey)> = keys.iter().map(|(name, key)| (name.as_str(), *key)).collect();
    let trust = Trust::of(&keys[..2]);
    let mut signed = envelope(b"x", &[3, 1, 2, 1]);
    // What it calls its keys does not matter.
    signed.signatures[1].keyid = Some(keys[2].1.id());
    signed.signatures[2].keyid = None;
    let seals = trust.judge(&signed);
    let good = |at: usize| Seal::Good { name: keys[at].0.into(), key: keys[at].1.id() };
    assert_eq!(seals, [Seal::Unknown { key: Some(keys[2].1.id()) }, good(0), good(1), good(0)]);
}

proptest! {
    #[test]
    fn envelopes_survive_the_round_trip(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        payload_type in "\\PC{0,20}",
        keys in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let keys: Vec<SecretKey> = keys.into_iter().map(SecretKey::numbered).collect();
        let envelope = Envelope::sign(&payload_type, payload, &keys);
        let text = envelope.to_json();
        let value = json::parse(&text).unwrap();
        prop_assert_eq!(&json::canonical(&value), &text);
        let read = Envelope::from_json(value).unwrap();
        for (signature, key) in read.signatures.iter().zip(&keys) {
            prop_assert!(key.public().verify(&read.signed(), &signature.sig));
        }
        prop_assert_eq!(read, envelope);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("f", &bytes);
    }

    #[test]
    fn json_has_one_spelling(value in arbitrary_json()) {
        let text = json::canonical(&value);
        let read = json::parse(&text).unwrap();
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(json::canonical(&read), text);
    }
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[\\PC\\x00-\\x1f]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn keys_are_sorted_as_the_standard_does() {
    // RFC 8785, 3.2.3: by UTF-16, not by code point.
    let value =
        serde_json::json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
    let want = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
    assert_eq!(String::from_utf8(json::canonical(&value)).unwrap(), want);
}
