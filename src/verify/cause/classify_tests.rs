//! Kinds of causes, told from differences that are written by hand.

use std::collections::BTreeSet;

use super::class::Class;
use super::classify::{Around, Source, classify, suspects};
use super::marks::{marks, name_marks};
use super::setting::Pin;
use crate::diff::{Difference, Fact, Hunk, Line, Moved, Range, Side};
use crate::verify::Axis;

fn place(name: &str, kind: &str, facts: Vec<Fact>, inside: Vec<Difference>) -> Difference {
    Difference { name: name.to_owned(), kind: kind.to_owned(), sizes: [None, None], facts, inside }
}

fn field(name: &str, a: &str, b: &str) -> Fact {
    Fact::Field { name: name.to_owned(), values: [Some(a.to_owned()), Some(b.to_owned())], metadata: true }
}

fn lines(a: &[&str], b: &[&str]) -> Fact {
    let line = |side| move |text: &&str| Line { side: Some(side), text: (*text).to_owned() };
    let lines = a.iter().map(line(Side::Left)).chain(b.iter().map(line(Side::Right))).collect();
    let hunk = Hunk { starts: [1, 1], within: String::new(), lines };
    Fact::Lines { what: "lines".to_owned(), hunks: vec![hunk], left_out: 0 }
}

fn bytes(at: u64, a: &str, b: &str) -> Fact {
    let length = a.len() as u64 / 2;
    let range = Range { offsets: [at; 2], lengths: [length; 2], bytes: [a.to_owned(), b.to_owned()], before: 0 };
    Fact::Bytes { differing: [length; 2], ranges: vec![range], metadata: false, left_out: 0 }
}

fn named(difference: &Difference, source: Source, programs: &[&str]) -> Vec<Class> {
    let programs = programs.iter().map(|name| (*name).to_owned()).collect();
    classify(&marks(difference), source, &Around { programs, ..Around::default() }).into_iter().collect()
}

fn text(a: &str, b: &str) -> Difference {
    place("x", "text", vec![lines(&[a], &[b])], Vec::new())
}

#[test]
fn by_what_differs_and_what_makes_it() {
    let clock = Source::Pin(Pin::Clock);
    let stat = Source::Pin(Pin::Stat);
    let random = Source::Pin(Pin::Random);
    let axis = Source::Axis;
    let (then, now) = ("2024-01-02 03:04:05", "2025-06-07 08:09:10");
    let member = |kind: &str, name: &str| {
        place("x", kind, Vec::new(), vec![place("f", "file", vec![field(name, then, now)], Vec::new())])
    };
    let section = |name: &str, fact: Fact| {
        place("x.o", "ELF file", Vec::new(), vec![place(name, "section", vec![fact], Vec::new())])
    };
    let moved = Fact::Order { moved: 1, examples: vec![Moved { name: "f".to_owned(), positions: [0, 1] }] };
    let archive = place("x", "tar archive", vec![moved], Vec::new());
    let stamp = || lines(&["Nov 21 2026", "18:45:17"], &["Nov 22 2026", "18:45:18"]);
    let paths = || lines(&["/build/x.c"], &["/b/x.c"]);
    for (difference, source, programs, expected) in [
        (place("x.gz", "gzip", vec![field("MTIME", then, now)], Vec::new()), stat, &["gzip"][..], Class::GzipTime),
        (member("tar archive", "mtime"), stat, &["tar"], Class::MemberTime),
        (member("zip archive", "modification time"), stat, &["perl"], Class::MemberTime),
        (member("ar archive", "mtime"), stat, &["ar"], Class::ArTime),
        (member("ar archive", "uid"), axis(Axis::Owner), &["ar"], Class::ArTime),
        (member("tar archive", "uname"), axis(Axis::Owner), &["tar"], Class::MemberOwner),
        (member("cpio archive", "mode"), axis(Axis::Umask), &["cpio"], Class::MemberMode),
        (member("cpio archive", "ino"), axis(Axis::FileSystem), &["cpio"], Class::MemberNumber),
        (archive.clone(), axis(Axis::Order), &["tar"], Class::MemberOrder),
        (archive, axis(Axis::FileSystem), &["tar"], Class::MemberOrder),
        (section(".rodata", stamp()), clock, &["cc1", "as"], Class::DateMacro),
        (section(".rodata", stamp()), clock, &["date", "sh", "cc1"], Class::DataTime),
        (text("on 18:45:17", "on 18:45:18"), clock, &["date", "sh"], Class::TextTime),
        (text("on 18:45:17", "on 18:45:18"), axis(Axis::TimeZone), &["date"], Class::TimeZone),
        (section(".debug_line_str", paths()), axis(Axis::BuildPath), &["as"], Class::DebugPath),
        (section(".rodata", paths()), axis(Axis::BuildPath), &["as"], Class::BuildPath),
        (section(".dynstr", paths()), axis(Axis::BuildPath), &["ld"], Class::RunPath),
        (text("{'a', 'b'}", "{'b', 'a'}"), random, &["python3"], Class::HashSeed),
        (text("{'a', 'b'}", "{'b', 'a'}"), Source::Unknown, &["python3"], Class::HashSeed),
        (text("9f1c77b2c0ffee00", "0bad5eed12345678"), random, &["od"], Class::Random),
        (text("by nobody", "by somebody"), axis(Axis::Environment), &["sh"], Class::UserName),
        (text("w 80", "w 213"), axis(Axis::Environment), &["sh"], Class::Environment),
        (text("at 0x7ffffffde010", "at 0x7ffffffdc020"), axis(Axis::Environment), &["x"], Class::Address),
        (text("took 0.11 s", "took 0.13 s"), axis(Axis::Locale), &["x"], Class::Load),
        (
            place("x", "bytes", vec![bytes(4, "ff7f0000", "fd7f0000")], Vec::new()),
            axis(Axis::Addresses),
            &["x"],
            Class::Padding,
        ),
        (
            place("x", "bytes", vec![bytes(0, "10e0ff7f", "20d0fd7f")], Vec::new()),
            axis(Axis::Addresses),
            &["x"],
            Class::Address,
        ),
        (
            place("m.pyc", "bytes", vec![bytes(8, "01020304", "05060708")], Vec::new()),
            stat,
            &["python3"],
            Class::BytecodeTime,
        ),
    ] {
        assert_eq!(named(&difference, source, programs), [expected], "{difference:?} {source:?}");
    }
}

#[test]
fn several_places_are_several_causes_and_what_follows_is_none() {
    let inside = vec![
        place(".note.gnu.build-id", "section", vec![field("build ID", "aa", "bb")], Vec::new()),
        place(".debug_str", "section", vec![lines(&["/build"], &["/b"])], Vec::new()),
        place(".rodata", "section", vec![lines(&["/build/x.c"], &["/b/x.c"])], Vec::new()),
    ];
    let object = place("x", "ELF file", Vec::new(), inside);
    let path = Source::Axis(Axis::BuildPath);
    assert_eq!(named(&object, path, &["ld"]), [Class::DebugPath, Class::BuildPath]);
    // With nothing else it is the linker's.
    let only = place(
        "x",
        "ELF file",
        Vec::new(),
        vec![place(
            ".note.gnu.build-id",
            "section",
            vec![Fact::Field { name: "build ID".to_owned(), values: [None, None], metadata: false }],
            Vec::new(),
        )],
    );
    assert_eq!(named(&only, Source::Pin(Pin::Random), &["ld"]), [Class::BuildId]);
    let one = |side, name: &str| place(name, "text", vec![Fact::Only { side, elsewhere: None }], Vec::new());
    let folder =
        place("", "directory", Vec::new(), vec![one(Side::Left, "tmp.aB3xY9"), one(Side::Right, "tmp.Qz81bb")]);
    let found = classify(&name_marks(&folder), Source::Pin(Pin::Random), &Around::default());
    assert_eq!(found, BTreeSet::from([Class::TemporaryName]));
}

#[test]
fn what_is_likely_is_tried_first() {
    let took = |what: &[&str]| Around { took: what.iter().map(|one| (*one).to_owned()).collect(), ..Around::default() };
    let date = marks(&text("on 18:45:17", "on 18:45:18"));
    assert_eq!(suspects(&date, &took(&["random", "clock"])), [Pin::Clock, Pin::Random]);
    assert_eq!(
        suspects(&marks(&text("a b", "b a")), &Around { beside: true, ..took(&[]) }),
        [Pin::Order, Pin::Sequence]
    );
    // Nobody knows: all of them.
    assert_eq!(suspects(&[], &took(&[])), Pin::ALL);
}
