//! From what differs and what makes it differ to the kinds of causes. Nothing is read here, and nothing is run.

use std::collections::BTreeSet;

use super::class::Class;
use super::looks::Look;
use super::marks::{Mark, What};
use super::setting::Pin;
use crate::verify::Axis;

/// What makes a file differ, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// An axis.
    Axis(Axis),
    /// What is otherwise each time.
    Pin(Pin),
    /// It is to be guessed.
    Unknown,
}

/// What is known besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// Names of the programs of the processes that wrote it, and of those before, the one with which it began first.
    pub programs: Vec<String>,
    /// What these took that is otherwise each time.
    pub took: BTreeSet<String>,
    /// Whether several wrote side by side.
    pub beside: bool,
    /// Whether random numbers matter to the place, too: then all that is in a hash table may decide its order.
    pub drawn: bool,
}

impl Around {
    fn is_origin(&self, names: &[&str]) -> bool {
        self.programs.first().is_some_and(|program| names.iter().any(|name| program.starts_with(name)))
    }

    fn has(&self, names: &[&str]) -> bool {
        self.programs.iter().any(|program| names.iter().any(|name| program.starts_with(name)))
    }
}

/// The kinds of causes that differing places show.
pub(super) fn classify(marks: &[Mark], source: Source, around: &Around) -> BTreeSet<Class> {
    let mut found: BTreeSet<Class> = marks.iter().filter_map(|mark| class(mark, source, around)).collect();
    if found.is_empty() {
        found.insert(default(source, around));
    }
    // What is told of one place is not contradicted by another of which less is known.
    if found.len() > 1 {
        found.remove(&Class::Unknown);
    }
    if found.contains(&Class::DateMacro) {
        found.remove(&Class::DataTime);
    }
    found
}

/// What a source is when what differs says no more.
fn default(source: Source, around: &Around) -> Class {
    match source {
        Source::Axis(axis) => match axis {
            Axis::TimeZone => Class::TimeZone,
            Axis::Locale => Class::Locale,
            Axis::Environment => Class::Environment,
            Axis::Home => Class::Home,
            Axis::Owner => Class::UserName,
            Axis::Umask => Class::Umask,
            Axis::HostName => Class::HostName,
            Axis::BuildPath => Class::BuildPath,
            Axis::Jobs if around.beside => Class::Race,
            Axis::Jobs | Axis::Processors => Class::CoreCount,
            Axis::FileSystem => Class::FileData,
            Axis::Addresses => Class::Address,
            Axis::ProcessIds => Class::ProcessId,
            Axis::Load if around.beside => Class::Race,
            Axis::Load => Class::Load,
            Axis::Time => Class::DataTime,
            Axis::Order => Class::ListingOrder,
            Axis::Kernel => Class::KernelRelease,
            Axis::Randomness => Class::Random,
        },
        Source::Pin(pin) => match pin {
            Pin::Clock => Class::DataTime,
            Pin::Random => Class::Random,
            Pin::Order => Class::ListingOrder,
            Pin::Stat => Class::FileData,
            Pin::Kernel => Class::KernelRelease,
            Pin::Processors => Class::CoreCount,
            Pin::Memory => Class::MemorySize,
            Pin::Sequence => Class::Race,
        },
        Source::Unknown => Class::Unknown,
    }
}

fn class(mark: &Mark, source: Source, around: &Around) -> Option<Class> {
    if let Source::Axis(axis) = source
        && let Some(class) = shifted(mark, axis, around)
    {
        return Some(class);
    }
    Some(match source {
        Source::Axis(Axis::Owner) => member(mark).unwrap_or(Class::UserName),
        Source::Axis(Axis::Umask) => member(mark).unwrap_or(Class::Umask),
        Source::Axis(Axis::Environment) if mark.says("somebody") => Class::UserName,
        Source::Axis(Axis::BuildPath) => path(mark),
        Source::Axis(Axis::FileSystem) => order(mark).or_else(|| member(mark)).unwrap_or(Class::FileData),
        Source::Axis(Axis::Addresses) if mark.what == (What::Bytes { upper: true }) => Class::Padding,
        Source::Pin(Pin::Clock) | Source::Axis(Axis::Time) => time(mark, around),
        // What is random differs by itself.
        Source::Axis(Axis::Randomness) => return guess(mark, around),
        Source::Pin(Pin::Random) => random(mark),
        Source::Pin(Pin::Order) | Source::Axis(Axis::Order) => order(mark).unwrap_or(Class::ListingOrder),
        Source::Pin(Pin::Stat) => member(mark).unwrap_or(Class::FileData),
        Source::Axis(_) | Source::Pin(_) => default(source, around),
        Source::Unknown => return guess(mark, around),
    })
}

/// What an axis only shifts: another length of the environment or of a path moves the stack, another folder takes an inode
/// number, another word in a table of variables changes the order of a hash table, and everything takes another time.
fn shifted(mark: &Mark, axis: Axis, around: &Around) -> Option<Class> {
    let looks = |look| mark.looks.contains(&look);
    let told = matches!(axis, Axis::Addresses | Axis::Load | Axis::Order | Axis::FileSystem | Axis::ProcessIds);
    let numbers = around.has(&["stat", "ls", "find", "df", "du"]) && around.took.contains("stat");
    let settled = matches!(axis, Axis::Owner | Axis::Umask | Axis::Time | Axis::TimeZone);
    match () {
        () if told => None,
        () if looks(Look::Pointer) => Some(Class::Address),
        () if looks(Look::Duration) => Some(Class::Load),
        () if looks(Look::Moved) && around.drawn => Some(Class::HashSeed),
        () if numbers && !settled && looks(Look::Number) && !mark.says("/") => Some(Class::FileData),
        () => None,
    }
}

/// What the headers of archives and compressed files tell.
fn member(mark: &Mark) -> Option<Class> {
    let What::Field(name) = &mark.what else { return python(mark) };
    let name = name.as_str();
    let time = name.to_ascii_lowercase().contains("time");
    if mark.is_in("gzip") && name == "MTIME" {
        return Some(Class::GzipTime);
    }
    let kinds = ["tar archive", "cpio archive", "zip archive", "ar archive", "ISO 9660 image", "squashfs image"];
    if !kinds.iter().any(|kind| mark.is_in(kind)) {
        return None;
    }
    let is = |names: &[&str]| names.contains(&name);
    match name {
        _ if mark.is_in("ar archive") => (time || is(&["uid", "gid", "mode"])).then_some(Class::ArTime),
        _ if time => Some(Class::MemberTime),
        _ if is(&["uid", "gid", "uname", "gname"]) => Some(Class::MemberOwner),
        _ if name == "mode" || name.contains("attributes") => Some(Class::MemberMode),
        _ if is(&["ino", "inode", "dev", "devmajor", "devminor"]) => Some(Class::MemberNumber),
        _ => None,
    }
}

/// The header of compiled Python: bytes 8 to 11 are the source's time (PEP 552).
fn python(mark: &Mark) -> Option<Class> {
    (matches!(mark.what, What::Bytes { .. }) && mark.is_in("python bytecode")).then_some(Class::BytecodeTime)
}

fn is_archive(mark: &Mark) -> bool {
    ["tar archive", "cpio archive", "zip archive", "ar archive"].iter().any(|kind| mark.is_in(kind))
}

fn order(mark: &Mark) -> Option<Class> {
    match mark.what {
        What::Order if is_archive(mark) => Some(Class::MemberOrder),
        What::Order => Some(Class::ListingOrder),
        What::Lines if mark.looks.contains(&Look::Moved) => Some(Class::ListingOrder),
        _ => None,
    }
}

fn path(mark: &Mark) -> Class {
    let section = mark.section().unwrap_or_default();
    let debug = section.starts_with(".debug") || section.starts_with(".rela.debug") || section.starts_with(".zdebug");
    let units = mark.is_in("compile unit") || mark.is_in("line program");
    let dynamic = matches!(&mark.what, What::Field(name) if name.contains("RUNPATH") || name.contains("RPATH"));
    match () {
        () if debug || units => Class::DebugPath,
        () if dynamic || section == ".dynstr" || section == ".dynamic" => Class::RunPath,
        () => Class::BuildPath,
    }
}

fn time(mark: &Mark, around: &Around) -> Class {
    if let Some(class) = member(mark) {
        return class;
    }
    let object = mark.is_in("ELF file");
    let drawn = [Look::Uuid, Look::Temporary, Look::Hex].iter().any(|look| mark.looks.contains(look));
    match mark.what {
        _ if mark.looks.contains(&Look::Date) && object && around.is_origin(&["cc1"]) => Class::DateMacro,
        _ if mark.looks.contains(&Look::Date) && !object => Class::TextTime,
        _ if drawn => random(mark),
        What::Lines if !object && mark.looks.contains(&Look::Number) && !around.is_origin(&["date"]) => Class::Random,
        What::Lines if !object => Class::TextTime,
        What::Names => Class::TextTime,
        _ => Class::DataTime,
    }
}

fn random(mark: &Mark) -> Class {
    let looks = |look| mark.looks.contains(&look);
    match &mark.what {
        What::Field(name) if name == "build ID" => Class::BuildId,
        What::Order => Class::HashSeed,
        _ if looks(Look::Moved) => Class::HashSeed,
        _ if looks(Look::Uuid) => Class::Uuid,
        _ if looks(Look::Temporary) => Class::TemporaryName,
        _ if looks(Look::Pointer) => Class::Address,
        What::Bytes { upper: true } => Class::Padding,
        _ => Class::Random,
    }
}

/// What it is most likely, when nothing is known but what differs and who wrote it.
fn guess(mark: &Mark, around: &Around) -> Option<Class> {
    let looks = |look| mark.looks.contains(&look);
    let took = |what: &str| around.took.contains(what);
    if let Some(class) = member(mark) {
        return Some(class);
    }
    if around.beside && (looks(Look::Moved) || mark.what == What::Order) {
        return Some(Class::Race);
    }
    Some(match &mark.what {
        What::Field(name) if name == "build ID" => Class::BuildId,
        What::Order => order(mark)?,
        _ if looks(Look::Moved) && around.has(&["python", "perl"]) && !took("order") => Class::HashSeed,
        _ if looks(Look::Moved) && around.has(&["find", "ls", "tar"]) => Class::ListingOrder,
        _ if looks(Look::Moved) => return None,
        _ if looks(Look::Uuid) => Class::Uuid,
        _ if looks(Look::Pointer) => Class::Address,
        _ if looks(Look::Temporary) => Class::TemporaryName,
        _ if looks(Look::Duration) => Class::Load,
        _ if looks(Look::Date) && mark.is_in("ELF file") && around.is_origin(&["cc1"]) => Class::DateMacro,
        _ if looks(Look::Date) && mark.is_in("ELF file") => Class::DataTime,
        _ if looks(Look::Date) => Class::TextTime,
        _ if mark.section().is_some_and(|name| name.starts_with(".debug")) => Class::DebugPath,
        What::Bytes { upper: true } => Class::Padding,
        _ if around.is_origin(&["nproc"]) => Class::CoreCount,
        _ if around.is_origin(&["hostname"]) => Class::HostName,
        _ if around.is_origin(&["uname"]) => Class::KernelRelease,
        _ if looks(Look::Hex) && took("random") => Class::Random,
        _ => return None,
    })
}

/// What may have to be held fast so that these places no longer differ, the most likely first.
pub(super) fn suspects(marks: &[Mark], around: &Around) -> Vec<Pin> {
    let looks = |look| marks.iter().any(|mark| mark.looks.contains(&look));
    let fields: BTreeSet<Class> = marks.iter().filter_map(member).collect();
    let moved = looks(Look::Moved) || marks.iter().any(|mark| mark.what == What::Order);
    let score = |pin: Pin| {
        let (likely, taken) = match pin {
            Pin::Clock => {
                (looks(Look::Date) || fields.contains(&Class::MemberTime) || fields.contains(&Class::GzipTime), "clock")
            }
            Pin::Random => {
                let drawn = looks(Look::Uuid) || looks(Look::Hex) || looks(Look::Temporary) || looks(Look::Pointer);
                (drawn || moved && around.has(&["python", "perl"]), "random")
            }
            Pin::Order => (moved, "order"),
            Pin::Stat => (!fields.is_empty(), "stat"),
            Pin::Kernel => (around.has(&["uname"]), "kernel"),
            Pin::Processors => (around.has(&["nproc"]), "processors"),
            Pin::Memory => (false, "memory"),
            Pin::Sequence => (around.beside, "beside"),
        };
        2 * i32::from(likely) + i32::from(around.took.contains(taken))
    };
    let mut pins: Vec<Pin> = Pin::ALL.into_iter().filter(|pin| score(*pin) > 0).collect();
    pins.sort_by_key(|pin| -score(*pin));
    if pins.is_empty() { Pin::ALL.to_vec() } else { pins }
}
