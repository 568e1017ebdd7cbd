//! The calls by which a stage asks, and which of their uses matter.

use super::super::answers::Source;
use super::super::filter::{Is, Test};

/// A call that asks for something that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Question {
    ClockGetTime,
    GetTimeOfDay,
    Time,
    ClockNanosleep,
    Futex,
    GetRandom,
    Uname,
    SysInfo,
    GetCpu,
    Affinity,
    Rseq,
    GetDents {
        /// The form of getdents(2), not that of getdents64(2).
        old: bool,
    },
    /// stat(2), lstat(2), fstat(2).
    Stat,
    /// newfstatat(2).
    StatAt,
    Statx,
    /// Of a process.
    Number,
}

const NEW: &[(i64, Question, Source)] = &[
    (libc::SYS_clock_gettime, Question::ClockGetTime, Source::Clock),
    (libc::SYS_gettimeofday, Question::GetTimeOfDay, Source::Clock),
    (libc::SYS_clock_nanosleep, Question::ClockNanosleep, Source::Clock),
    (libc::SYS_futex, Question::Futex, Source::Clock),
    (libc::SYS_getrandom, Question::GetRandom, Source::Random),
    (libc::SYS_uname, Question::Uname, Source::Kernel),
    (libc::SYS_sysinfo, Question::SysInfo, Source::Memory),
    (libc::SYS_getcpu, Question::GetCpu, Source::Processors),
    (libc::SYS_sched_getaffinity, Question::Affinity, Source::Processors),
    (libc::SYS_rseq, Question::Rseq, Source::Processors),
    (libc::SYS_getdents64, Question::GetDents { old: false }, Source::Order),
    (libc::SYS_newfstatat, Question::StatAt, Source::Stat),
    (libc::SYS_fstat, Question::Stat, Source::Stat),
    (libc::SYS_statx, Question::Statx, Source::Stat),
    (libc::SYS_getpid, Question::Number, Source::ProcessIds),
    (libc::SYS_getppid, Question::Number, Source::ProcessIds),
    (libc::SYS_gettid, Question::Number, Source::ProcessIds),
    (libc::SYS_getpgid, Question::Number, Source::ProcessIds),
    (libc::SYS_getsid, Question::Number, Source::ProcessIds),
];

/// Those that only the older architectures have.
#[cfg(target_arch = "x86_64")]
const OLD: &[(i64, Question, Source)] = &[
    (libc::SYS_time, Question::Time, Source::Clock),
    (libc::SYS_getdents, Question::GetDents { old: true }, Source::Order),
    (libc::SYS_stat, Question::Stat, Source::Stat),
    (libc::SYS_lstat, Question::Stat, Source::Stat),
    (libc::SYS_getpgrp, Question::Number, Source::ProcessIds),
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[(i64, Question, Source)] = &[];

/// Clocks that tell the time of day; TAI differs from it by a constant.
const TIME_OF_DAY: [u32; 4] = [
    libc::CLOCK_REALTIME as u32,
    libc::CLOCK_REALTIME_COARSE as u32,
    libc::CLOCK_REALTIME_ALARM as u32,
    libc::CLOCK_TAI as u32,
];

/// Uses that ask for nothing, and are not stopped.
const SPARED: &[(i64, Test)] = &[
    (libc::SYS_clock_gettime, Test { argument: 0, is: Is::NoneOf(&TIME_OF_DAY) }),
    (libc::SYS_clock_nanosleep, Test { argument: 0, is: Is::NoneOf(&TIME_OF_DAY) }),
    (libc::SYS_futex, Test { argument: 1, is: Is::NoBit(libc::FUTEX_CLOCK_REALTIME as u32) }),
];

/// The call of this number, and the source that it asks.
fn all() -> impl Iterator<Item = &'static (i64, Question, Source)> {
    [NEW, OLD].into_iter().flatten()
}

impl Question {
    /// That of a call's number.
    pub(in super::super) fn of(number: u64) -> Option<Self> {
        all().find(|(known, ..)| known.cast_unsigned() == number).map(|(_, question, _)| *question)
    }
}

/// The calls that ask these sources.
pub(in super::super) fn number_of(sources: &[Source]) -> impl Iterator<Item = i64> {
    // Numbers of files are in directories as well.
    let asked =
        |source: &Source| sources.contains(source) || *source == Source::Order && sources.contains(&Source::Stat);
    all().filter(move |(.., source)| asked(source)).map(|(number, ..)| *number)
}

/// See [`SPARED`].
pub(in super::super) fn spared() -> &'static [(i64, Test)] {
    SPARED
}
