//! Names of statements and of what is in them.

use serde::Serialize;

use crate::digest::Digest;

/// A UUID of version 8 (RFC 9562): the digest of a statement that does not have it yet.
pub(super) fn uuid(statement: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(statement).expect("a statement has string keys only");
    let mut hex = Digest::of(&bytes).hex();
    hex.truncate(32);
    // Four bits say that it is version 8, two that it is a UUID of this family.
    let variant = u8::from_str_radix(&hex[16..17], 16).unwrap_or(0) & 3 | 8;
    hex.replace_range(12..13, "8");
    hex.replace_range(16..17, &format!("{variant:x}"));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// An identifier of letters, digits, dots and hyphens. What had to be replaced comes with a digest, so that no two names
/// give one identifier.
pub(super) fn word(kind: &str, name: &str) -> String {
    let good = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
    let plain: String = name.chars().map(|letter| if good(letter) { letter } else { '-' }).collect();
    if plain == name {
        format!("{kind}-{plain}")
    } else {
        format!("{kind}-{plain}-{}", Digest::of(name.as_bytes()).short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_follow_from_what_they_name() {
        let one = uuid(&"one");
        assert_eq!(one, uuid(&"one"));
        assert_ne!(one, uuid(&"two"));
        let parts: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert!(one[14..].starts_with('8') && ["8", "9", "a", "b"].iter().any(|v| one[19..].starts_with(v)), "{one}");
    }

    #[test]
    fn different_names_have_different_words() {
        assert_eq!(word("Stage", "musl-headers"), "Stage-musl-headers");
        let [plus, minus] = [word("Package", "g++"), word("Package", "g--")];
        assert_eq!((plus.len(), minus.as_str()), (24, "Package-g--"));
        assert!(plus.starts_with("Package-g---"), "{plus}");
    }
}
