//! The dates of an archive's index: RFC 5322 with an alphabetic zone, as in `Sat, 11 Jul 2026 10:16:37 UTC`.

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

impl Date {
    /// Reads the text of a `Date` field; only UTC is known, as the archive's format demands.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.split_once(',').map_or(text, |(_, rest)| rest);
        let words: Vec<&str> = text.split_whitespace().collect();
        let [day, month, year, time, "UTC" | "GMT" | "Z" | "+0000"] = words[..] else { return None };
        let month = u32::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
        let clock: Vec<u32> = time.split(':').map(|n| n.parse().ok()).collect::<Option<_>>()?;
        let [hour, minute, second] = clock[..] else { return None };
        let date = Self { year: year.parse().ok()?, month, day: day.parse().ok()?, hour, minute, second };
        let fits = (1970..=9999).contains(&date.year)
            && (1..=31).contains(&date.day)
            && date.hour < 24
            && date.minute < 60
            && date.second <= 60;
        fits.then_some(date)
    }

    /// Seconds since 1970-01-01 00:00 UTC.
    pub fn seconds(self) -> u64 {
        // Days by the civil calendar, with years that start in March so that a leap day is the last (any almanac).
        let (year, month) = if self.month > 2 { (self.year, self.month - 3) } else { (self.year - 1, self.month + 9) };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + self.day - 1;
        // 719468 days lie between 0000-03-01 and 1970-01-01.
        let days = u64::from(days).saturating_sub(719_468);
        days * 86_400 + u64::from(self.hour * 3600 + self.minute * 60 + self.second)
    }

    /// `YYYYMMDDThhmmssZ`.
    pub fn timestamp(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}
