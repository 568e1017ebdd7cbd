//! Entries, their order and their properties, without any format.

use globset::{Glob, GlobSetBuilder};

use super::super::entries::{fields, order};
use super::{AGE, Comparison, Difference, Fact, Options, TREE, have, make, write};
use crate::container::{Data, Entry, Field, Value, What};
use crate::fs::{Content, Dir};

fn property(text: &'static str) -> Field {
    let (name, value) = text.split_once('=').expect("it is written so");
    Field::metadata(name, Value::text(value.as_bytes()))
}

#[test]
fn properties() {
    for (left, right, want) in [
        (&[][..], &[][..], &[][..]),
        (&["a=1", "b=2"], &["b=2", "a=1"], &[]),
        (&["a=1"], &["a=2"], &["a: 1 | 2"]),
        (&["a=1"], &["b=1"], &["a: 1 | -", "b: - | 1"]),
        // Several of one name: what is equal is taken out, the rest is compared in its order.
        (&["x=1", "x=2", "x=3"], &["x=1", "x=3"], &["x: 2 | -"]),
        (&["x=1", "x=3"], &["x=1", "x=2", "x=3"], &["x: - | 2"]),
        (&["x=1", "x=2"], &["x=3", "x=2", "x=4"], &["x: 1 | 3", "x: - | 4"]),
        (&["x=1", "x=1"], &["x=1"], &["x: 1 | -"]),
        // What is stated twice and differs alike is said once.
        (&["a=1", "pax header a=1"], &["a=2", "pax header a=2"], &["a: 1 | 2"]),
        (&["a=1", "pax header a=0"], &["a=2", "pax header a=2"], &["a: 1 | 2", "pax header a: 0 | 2"]),
        (&["pax header a=1"], &["pax header a=2"], &["pax header a: 1 | 2"]),
    ] {
        let [left, right] = [left, right]
            .map(|list: &[&'static str]| -> Vec<Field> { list.iter().map(|text| property(text)).collect() });
        let mut found = Difference::new("", "bytes", [None, None]);
        fields([&left, &right], &mut found);
        let mut lines = Vec::new();
        write(&found, "", &mut lines);
        assert_eq!(lines, want, "{left:?} {right:?}");
    }
}

#[test]
fn values_that_differ_are_shown_differently() {
    let bytes = |last: u8| Field::metadata("a", Value::Bytes([&[0; 40][..], &[last]].concat().into()));
    for (left, right) in [
        (bytes(1), bytes(2)),
        (Field::metadata("a", Value::Number(644)), Field::metadata("a", Value::Text("644".into()))),
        (Field::metadata("a", Value::Number(0o644)), Field::metadata("a", Value::Mode(420))),
    ] {
        let mut found = Difference::new("", "bytes", [None, None]);
        fields([&[left], &[right]], &mut found);
        let [Fact::Field { values: [Some(left), Some(right)], .. }] = found.facts.as_slice() else {
            panic!("{found:?}");
        };
        assert_ne!(left, right);
    }
}

#[test]
fn the_fewest_entries_are_said_to_have_moved() {
    let entry = |name: char| Entry {
        name: name.to_string(),
        what: What::File(Data::Plain(Content::zeros(0))),
        fields: Vec::new(),
    };
    for (left, right, want) in [
        ("", "", None),
        ("abc", "abc", None),
        ("abc", "acb", Some(1)),
        ("abcde", "bcdea", Some(1)),
        ("abcde", "eabcd", Some(1)),
        ("abcd", "dcba", Some(3)),
        ("abcdef", "badcfe", Some(3)),
    ] {
        let entries: Vec<Entry> = left.chars().map(entry).collect();
        let common: Vec<[usize; 2]> =
            left.chars().enumerate().map(|(at, name)| [at, right.find(name).expect("it is in both")]).collect();
        let found = order(&common, &entries).map(|fact| {
            let Fact::Order { moved, examples } = fact else { panic!("an order was compared") };
            for example in &examples {
                let name = example.name.chars().next().expect("it has one letter");
                let positions = [left.find(name), right.find(name)].map(|at| at.map(|at| at as u64));
                assert_eq!(positions, example.positions.map(Some));
            }
            (moved, examples.into_iter().map(|moved| moved.name).collect::<String>())
        });
        let shown = found.as_ref().map(|(_, names)| names.len() as u64);
        assert_eq!((found.map(|(moved, _)| moved), shown), (want, want), "{left} {right}");
    }
}

#[test]
fn each_moved_file_has_one_counterpart() {
    if !have(&["tar"]) {
        return;
    }
    let archive = |names: &str| {
        make(&format!(
            "mkdir t; cd t; for n in {names}; do printf same >$n; touch -d @0 $n; done; tar -cf ../out {names}"
        ))
    };
    let found = super::facts(&archive("a b c"), &archive("a x"));
    assert_eq!(found, ["b only left, elsewhere x", "c only left", "x only right, elsewhere b"]);
}

#[test]
fn what_is_excluded_is_not_compared_and_all_else_is() {
    if !have(&["tar"]) {
        return;
    }
    let pack = |change: &str| {
        make(&format!("{TREE}\n{change}\n{AGE}\n tar --sort=name --owner=a:1 --group=a:1 -C t -cf out d/a d/b d/e/f"))
    };
    let archive = pack("");
    let options = |glob: &str| Options {
        exclude: GlobSetBuilder::new().add(Glob::new(glob).expect("it is a glob")).build().expect("there is one glob"),
        ..Options::default()
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let scratch = Dir::open(folder.path()).expect("it was just made");
    let facts = |glob: &str, right: &[u8]| {
        let options = options(glob);
        let comparison = Comparison::new(&options, &scratch, None);
        let pair = [Content::of_bytes(archive.clone()), Content::of_bytes(right)];
        let mut lines = Vec::new();
        if let Some(found) = comparison.files("", [&pair[0], &pair[1]]).expect("memory can be read") {
            write(&found, "", &mut lines);
        }
        lines
    };
    let changed = pack("echo 3 >>t/d/b");
    assert_eq!(facts("d/b", &changed), Vec::<String>::new());
    assert_eq!(facts("d/a", &changed), ["d/b lines"]);
    // Bytes that are no container are not left out because something is.
    let options = options("nothing");
    let comparison = Comparison::new(&options, &scratch, None);
    let pair = [Content::of_bytes(*b"\0a"), Content::of_bytes(*b"\0b")];
    assert!(comparison.files("", [&pair[0], &pair[1]]).expect("memory can be read").is_some());
}
