//! Order of Debian versions: deb-version(7), Debian Policy 5.6.12.

use std::cmp::Ordering;

/// Compares two versions `[epoch:]upstream[-revision]`. Any text has a place in the order.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a_epoch, a) = epoch(a);
    let (b_epoch, b) = epoch(b);
    let (a_upstream, a_revision) = a.rsplit_once('-').unwrap_or((a, ""));
    let (b_upstream, b_revision) = b.rsplit_once('-').unwrap_or((b, ""));
    number(a_epoch, b_epoch).then_with(|| part(a_upstream, b_upstream)).then_with(|| part(a_revision, b_revision))
}

fn epoch(version: &str) -> (&str, &str) {
    version.split_once(':').filter(|(epoch, _)| epoch.bytes().all(|b| b.is_ascii_digit())).unwrap_or(("0", version))
}

/// Alternately a run of non-digits, by [`rank`], and a run of digits, by value.
fn part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        let (a_text, a_rest) = a.split_at(a.iter().position(u8::is_ascii_digit).unwrap_or(a.len()));
        let (b_text, b_rest) = b.split_at(b.iter().position(u8::is_ascii_digit).unwrap_or(b.len()));
        for at in 0..a_text.len().max(b_text.len()) {
            let order = rank(a_text.get(at)).cmp(&rank(b_text.get(at)));
            if order != Ordering::Equal {
                return order;
            }
        }
        let digits = |rest: &[u8]| rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        let (a_digits, a_next) = a_rest.split_at(digits(a_rest));
        let (b_digits, b_next) = b_rest.split_at(digits(b_rest));
        let order = number_bytes(a_digits, b_digits);
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (a_next, b_next);
    }
    Ordering::Equal
}

/// `~` before the end, the end before letters, letters before everything else.
fn rank(byte: Option<&u8>) -> u16 {
    match byte {
        Some(b'~') => 0,
        None => 1,
        Some(byte) if byte.is_ascii_alphabetic() => 2 + u16::from(*byte),
        Some(byte) => 300 + u16::from(*byte),
    }
}

fn number(a: &str, b: &str) -> Ordering {
    number_bytes(a.as_bytes(), b.as_bytes())
}

/// Digits by value, however many: no digits are zero.
fn number_bytes(a: &[u8], b: &[u8]) -> Ordering {
    let strip = |digits: &'_ [u8]| digits.iter().position(|&b| b != b'0').unwrap_or(digits.len());
    let (a, b) = (&a[strip(a)..], &b[strip(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
