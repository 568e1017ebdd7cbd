//! pax extended headers: their records, and the values in them.

use crate::container::fault::Fault;
use crate::container::listing::Value;

/// Bound on the pieces of one sparse file, as a map costs memory.
pub(super) const PIECES: usize = 1 << 20;

pub(super) type Record = (Vec<u8>, Vec<u8>);

/// The records of an extended header, and whether their lengths are written in the one usual way.
pub(super) fn records(mut content: &[u8], at: u64) -> Result<(Vec<Record>, bool), Fault> {
    let wrong = |what: &str| Fault::malformed(format!("the pax header at byte {at} has {what}"));
    let mut records = Vec::new();
    let mut usual = true;
    while !content.is_empty() {
        let space = content.iter().take(20).position(|byte| *byte == b' ');
        let space = space.ok_or_else(|| wrong("a record without a length"))?;
        let length = decimal(&content[..space]).and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length > space + 1 && *length <= content.len());
        let length = length.ok_or_else(|| wrong("a record with a wrong length"))?;
        usual &= content[0] != b'0';
        let record = content[space + 1..length].strip_suffix(b"\n");
        let record = record.ok_or_else(|| wrong("a record that does not end where its length says"))?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(|| wrong("a record without `=`"))?;
        records.push((record[..equals].to_vec(), record[equals + 1..].to_vec()));
        content = &content[length..];
    }
    Ok((records, usual))
}

pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// A number, and whether it is written without needless digits.
pub(super) fn count(text: &[u8]) -> Option<(u64, bool)> {
    let number = decimal(text)?;
    Some((number, number.to_string().as_bytes() == text))
}

/// A time in seconds with an optional sign and fraction, and whether it is written without needless digits.
pub(super) fn time(text: &[u8]) -> Option<(Value, bool)> {
    let (negative, digits) = text.strip_prefix(b"-").map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&digits[..dot], &digits[dot + 1..]),
        None => (digits, &[][..]),
    };
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nanos = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let (seconds, nanos, sign) = match (negative, nanos) {
        (false, nanos) => (seconds, nanos, ""),
        (true, 0) => (-seconds, 0, "-"),
        // Nanoseconds count forwards.
        (true, nanos) => (-seconds - 1, 1_000_000_000 - nanos, "-"),
    };
    let digits = std::str::from_utf8(fraction).ok()?;
    let point = if digits.is_empty() { "" } else { "." };
    let usual = format!("{sign}{}{point}{digits}", decimal(whole)?);
    let short = digits.len() <= 9 && !digits.ends_with('0') && !(negative && seconds == 0 && nanos == 0);
    Some((Value::Time(seconds, nanos), short && usual.as_bytes() == text))
}

#[cfg(test)]
mod tests {
    use super::{Value, records, time};

    #[test]
    fn times_have_signs_and_fractions() {
        for (text, want) in [
            (&b"0"[..], Some((Value::Time(0, 0), true))),
            (b"1700000000.5", Some((Value::Time(1_700_000_000, 500_000_000), true))),
            (b"1700000000.500", Some((Value::Time(1_700_000_000, 500_000_000), false))),
            (b"-1.25", Some((Value::Time(-2, 750_000_000), true))),
            (b"-0.5", Some((Value::Time(-1, 500_000_000), true))),
            (b"007", Some((Value::Time(7, 0), false))),
            (b"1.", Some((Value::Time(1, 0), false))),
            (b"1.0000000001", Some((Value::Time(1, 0), false))),
            (b"", None),
            (b"1.x", None),
            (b"99999999999999999999", None),
        ] {
            assert_eq!(time(text), want, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn records_state_their_length() {
        let (found, usual) = records(b"7 a=bc\n5 c=\n", 0).expect("they are well-formed");
        assert_eq!(found, [(b"a".to_vec(), b"bc".to_vec()), (b"c".to_vec(), Vec::new())]);
        assert!(usual);
        assert!(!records(b"06 a=\n", 0).expect("it is well-formed").1);
        for wrong in ["", "7 a=bc", "x", "3 \n", "99999999999999999999 a=b\n", "5 ab\n", "0 a=\n"].into_iter().skip(1) {
            assert!(records(wrong.as_bytes(), 0).is_err(), "{wrong:?}");
        }
    }
}
