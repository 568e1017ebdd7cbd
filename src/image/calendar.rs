//! The calendar, for formats that write times as people do.

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub year: u32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

impl Moment {
    /// The moment this many seconds after 1970 began.
    pub fn of(seconds: u32) -> Self {
        // Years begin in March here, so that the leap day ends them, and are counted from the year 0. The calendar repeats
        // every 400 years, of 146097 days.
        let days = seconds / 86400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        Self { year: era * 400 + year + next, month, day, hour, minute, second }
    }
}
