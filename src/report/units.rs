//! Amounts in words: short, of stable width where they change while one looks.

use std::time::Duration;

/// `0.4s`, `12.0s`, `1m 03s`, `2h 05m`.
pub fn duration(time: Duration) -> String {
    // Tenths, rounded half up, so that 59.96 s is `1m 00s` and not `60.0s`.
    let tenths = (time.as_millis() + 50) / 100;
    if tenths < 600 {
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    let seconds = (time.as_millis() + 500) / 1000;
    if seconds < 3600 {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60)
    }
}

/// `0 B`, `999 B`, `1.0 KiB`, `12.3 MiB`, in powers of 1,024.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    // In tenths of the unit, by integers: no rounding surprises, and 1,048,575 is `1.0 MiB`.
    let mut unit = 0;
    let mut tenths = (u128::from(count) * 10 + 512) / 1024;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths = (tenths + 512) / 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Bytes a second.
pub fn rate(count: u64, time: Duration) -> String {
    let millis = time.as_millis().max(1);
    let per_second = u64::try_from(u128::from(count) * 1000 / millis).unwrap_or(u64::MAX);
    format!("{}/s", bytes(per_second))
}

/// `1 stage`, `14 stages`; a plural that is not made with `s` is given whole.
pub fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => match one.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
            Some(stem) => format!("{number} {stem}ies"),
            None => format!("{number} {one}s"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_at_their_edges() {
        let text = |millis| duration(Duration::from_millis(millis));
        assert_eq!(
            [0, 49, 50, 949, 59_949, 59_950, 63_000, 3_599_499, 3_599_500, 7_500_000].map(text),
            ["0.0s", "0.0s", "0.1s", "0.9s", "59.9s", "1m 00s", "1m 03s", "59m 59s", "1h 00m", "2h 05m"]
        );
    }

    #[test]
    fn sizes_at_their_edges() {
        assert_eq!(
            [0, 1023, 1024, 1536, 1_048_524, 1_048_575, 130 << 20, u64::MAX].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1023.9 KiB", "1.0 MiB", "130.0 MiB", "16.0 EiB"]
        );
        assert_eq!(rate(3 << 20, Duration::from_millis(1500)), "2.0 MiB/s");
        assert_eq!(rate(5, Duration::ZERO), "4.9 KiB/s");
    }

    #[test]
    fn plurals() {
        assert_eq!([count(1, "stage"), count(0, "stage"), count(2, "entry")], ["1 stage", "0 stages", "2 entries"]);
    }
}
