//! The time of a statement: SOURCE_DATE_EPOCH as RFC 3339 in UTC.

use crate::container::Value;

/// Last second of the year 9999.
const LAST: i64 = 253_402_300_799;

/// `2026-01-31T12:00:00Z`; none for what is no number of seconds up to the year 9999.
pub(super) fn of_epoch(text: &str) -> Option<String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|seconds| digits && *seconds <= LAST)?;
    Some(format!("{}Z", Value::Time(seconds, 0)).replace(' ', "T"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_what_is_none() {
        for (epoch, time) in [
            ("0", "1970-01-01T00:00:00Z"),
            ("315532800", "1980-01-01T00:00:00Z"),
            ("951868799", "2000-02-29T23:59:59Z"),
            ("253402300799", "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(of_epoch(epoch).as_deref(), Some(time), "{epoch}");
        }
        for epoch in ["", "-1", "+1", "1.5", " 1", "now", "253402300800", "99999999999999999999"] {
            assert_eq!(of_epoch(epoch), None, "{epoch}");
        }
    }
}
