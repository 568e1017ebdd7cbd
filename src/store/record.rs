//! Small files that tell when they are damaged.
//!
//! Layout: a line `repro <kind> 1`, a line with the name it is kept by, a line with the digest of the payload, then
//! the payload. A record that was cut, garbled, emptied, or copied to another name does not decode; nothing is ever
//! lost with it but time.

use crate::digest::Digest;

const VERSION: u32 = 1;

/// The bytes of a record.
pub(super) fn encode(kind: &str, name: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("repro {kind} {VERSION}\n{name}\n{}\n", Digest::of(payload)).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload of a record; `None` when it is not whole, of another kind or name.
pub(super) fn decode<'a>(kind: &str, name: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let rest = bytes.strip_prefix(format!("repro {kind} {VERSION}\n{name}\n").as_bytes())?;
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let digest: Digest = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    let payload = &rest[end + 1..];
    (Digest::of(payload) == digest).then_some(payload)
}
