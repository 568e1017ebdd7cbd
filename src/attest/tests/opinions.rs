//! Who is counted, and for what.

use super::*;
use crate::build::known;
use crate::diff::{Comparison, Options};
use crate::fs::Dir;
use crate::store::Store;

/// The report on what was built here against these files of statements.
fn report(ours: &Ours, files: &[Vec<u8>], keys: &[u8], needed: Option<usize>) -> Report {
    let read = |(at, bytes): (usize, &Vec<u8>)| {
        let name = format!("f{at}");
        Reference::Statements(name.clone(), read(&name, bytes).unwrap())
    };
    let references: Vec<Reference> = files.iter().enumerate().map(read).collect();
    held(&references, std::slice::from_ref(ours), keys, needed)
}

fn held(references: &[Reference], ours: &[Ours], keys: &[u8], needed: Option<usize>) -> Report {
    let names: Vec<String> = keys.iter().map(|number| format!("k{number}")).collect();
    let keys: Vec<(&str, PublicKey)> =
        keys.iter().zip(&names).map(|(number, name)| (name.as_str(), SecretKey::numbered(*number).public())).collect();
    let trust = Trust::of(&keys);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let (options, scratch) = (Options::default(), Dir::open(folder.path()).unwrap());
    let comparison = Comparison::new(&options, &scratch, None);
    let against = Against { references, trust: &trust, needed, unsigned: keys.is_empty() };
    against.check().unwrap();
    against.report(&store, &comparison, ours).unwrap()
}

/// Who says what, and whether it counts.
fn told(report: &Report) -> Vec<(String, &'static str, bool)> {
    let opinions = report.stages.iter().flat_map(|stage| &stage.opinions);
    let one = |opinion: &Opinion| {
        let word = match opinion.stand {
            Stand::Agrees => "agrees",
            Stand::Disagrees { .. } => "disagrees",
            Stand::OtherInputs { .. } => "other",
            Stand::Silent => "silent",
        };
        (opinion.who.clone().unwrap_or_default(), word, opinion.counts)
    };
    opinions.map(one).collect()
}

#[track_caller]
fn comes_to(report: &Report, verdict: Verdict, want: &[(&str, &'static str, bool)]) {
    let want: Vec<(String, &str, bool)> =
        want.iter().map(|(who, word, counts)| ((*who).to_owned(), *word, *counts)).collect();
    assert_eq!(told(report), want);
    assert_eq!(report.stages[0].verdict, verdict);
    assert_eq!(report.identical, verdict == Verdict::Identical);
}

#[test]
fn so_many_have_to_agree() {
    let same = |key: u8| bundle(&[(statement("a", "out"), &[key])]);
    let other = |key: u8| bundle(&[(statement("a", "else"), &[key])]);
    let ours = ours("a", "out");
    let all = [same(1), same(2), same(3)];
    let agree = [("k1", "agrees", true), ("k2", "agrees", true), ("k3", "agrees", true)];
    comes_to(&report(&ours, &all, &[1, 2, 3], Some(3)), Verdict::Identical, &agree);
    comes_to(&report(&ours, &all, &[1, 2, 3], None), Verdict::Identical, &agree);
    // One dissents: without a number nobody may, with one the others are enough.
    let dissent = [same(1), same(2), other(3)];
    let one = [("k1", "agrees", true), ("k2", "agrees", true), ("k3", "disagrees", true)];
    comes_to(&report(&ours, &dissent, &[1, 2, 3], None), Verdict::Different, &one);
    comes_to(&report(&ours, &dissent, &[1, 2, 3], Some(2)), Verdict::Identical, &one);
    comes_to(&report(&ours, &dissent, &[1, 2, 3], Some(3)), Verdict::Different, &one);
    // One is not trusted.
    let two = [("k1", "agrees", true), ("k2", "agrees", true), ("", "agrees", false)];
    comes_to(&report(&ours, &all, &[1, 2], Some(2)), Verdict::Identical, &two);
    comes_to(&report(&ours, &all, &[1, 2, 9], Some(3)), Verdict::Unconfirmed, &two);
    // A stranger who disagrees changes nothing.
    let stranger = [("k1", "agrees", true), ("k2", "agrees", true), ("", "disagrees", false)];
    comes_to(&report(&ours, &dissent, &[1, 2], None), Verdict::Identical, &stranger);
    comes_to(&report(&ours, &[same(3)], &[1], None), Verdict::Unconfirmed, &[("", "agrees", false)]);
}

#[test]
fn a_key_counts_once() {
    let twice = bundle(&[(statement("a", "out"), &[1, 1]), (statement("a", "out"), &[1])]);
    let ours = ours("a", "out");
    let said = report(&ours, std::slice::from_ref(&twice), &[1, 2], Some(2));
    comes_to(&said, Verdict::Unconfirmed, &[("k1", "agrees", true), ("k1", "agrees", false)]);
    assert_eq!(said.stages[0].opinions[1].note.as_deref(), Some("the same builder again"));
    // Two keys on one statement are two.
    let both = bundle(&[(statement("a", "out"), &[2, 1])]);
    comes_to(
        &report(&ours, &[both], &[1, 2], Some(2)),
        Verdict::Identical,
        &[("k1", "agrees", true), ("k2", "agrees", true)],
    );
    // Who says both yes and no says no, in whichever order.
    for statements in [["out", "else"], ["else", "out"]] {
        let forked = bundle(&statements.map(|output| (statement("a", output), &[1_u8][..])));
        let said = report(&ours, &[forked], &[1], Some(1));
        assert_eq!(said.stages[0].verdict, Verdict::Different);
        let note = said.stages[0].opinions.iter().find(|opinion| opinion.stand == Stand::Agrees).unwrap().note.clone();
        assert_eq!(note.as_deref(), Some("contradicts itself"));
    }
}

#[test]
fn a_signature_that_is_bad_never_counts() {
    let mut signed = read("f", &bundle(&[(statement("a", "out"), &[1])])).unwrap().items.remove(0).envelope.unwrap();
    signed.signatures[0].sig[7] ^= 1;
    let said = report(&ours("a", "out"), &[signed.to_json()], &[1], None);
    comes_to(&said, Verdict::Unconfirmed, &[("", "agrees", false)]);
    assert!(matches!(said.stages[0].opinions[0].seals.as_slice(), [Seal::Bad { name, .. }] if name == "k1"));
    // A payload of another statement under a good signature.
    let other = json::canonical(&statement("a", "else"));
    let mut signed = envelope(&json::canonical(&statement("a", "out")), &[1]);
    signed.payload = other;
    let said = report(&ours("a", "else"), &[signed.to_json()], &[1], None);
    comes_to(&said, Verdict::Unconfirmed, &[("", "agrees", false)]);
    let bare = bundle(&[(statement("a", "out"), &[])]);
    let said = report(&ours("a", "out"), &[bare], &[1], None);
    assert_eq!(said.stages[0].opinions[0].note.as_deref(), Some("nobody signed it"));
    comes_to(&said, Verdict::Unconfirmed, &[("", "agrees", false)]);
}

#[test]
fn files_count_where_signatures_do_not_matter() {
    let file = bundle(&[(statement("a", "out"), &[]), (statement("a", "out"), &[1])]);
    let said = report(&ours("a", "out"), &[file.clone(), file], &[], Some(2));
    let want = [("f0", "agrees", true), ("f0", "agrees", false), ("f1", "agrees", true), ("f1", "agrees", false)];
    comes_to(&said, Verdict::Identical, &want);
    assert_eq!(said.heard, 2);
}

#[test]
fn other_inputs_are_told_apart_by_the_first_that_differs() {
    let cause = |theirs: &Statement, own: &Ours| {
        let said = report(own, &[bundle(&[(theirs.clone(), &[1])])], &[1], None);
        comes_to(&said, Verdict::OtherInputs, &[("k1", "other", false)]);
        match &said.stages[0].opinions[0].stand {
            Stand::OtherInputs { cause: Some(cause) } => cause.clone(),
            other => panic!("{other:?}"),
        }
    };
    // The archive stands before the tree that is made of it.
    let found = cause(&statement("b", "out"), &ours("a", "out"));
    assert_eq!(found.what, "source:app");
    assert!(found.theirs.is_some() && found.ours.is_some() && found.theirs != found.ours);
    // The action below differs, though not what came of it: that alone makes no other action, so change the command, too.
    let changed = |change: &dyn Fn(&mut Statement)| {
        let mut theirs = statement("a", "out");
        let internal = &mut theirs.predicate.build_definition.internal_parameters;
        internal.inputs.env.insert("X".into(), "1".into());
        internal.action = compose(&internal.inputs).unwrap().key;
        change(&mut theirs);
        theirs
    };
    let found = cause(&changed(&|_| ()), &ours("a", "out"));
    assert_eq!((found.what.as_str(), found.theirs, found.ours), ("environment `X` removed: \"1\"", None, None));
    let dependencies =
        |theirs: &mut Statement| std::mem::take(&mut theirs.predicate.build_definition.resolved_dependencies);
    let found = cause(
        &changed(&|theirs| {
            let mut list = dependencies(theirs);
            list[2].annotations.action = Some(Digest::of(b"another"));
            list.reverse();
            theirs.predicate.build_definition.resolved_dependencies = list;
        }),
        &ours("a", "out"),
    );
    assert_eq!((found.what.as_str(), found.theirs), ("stage:lib", Some(Digest::of(b"another").to_string())));
    let found = cause(
        &changed(&|theirs| {
            let mut list = dependencies(theirs);
            list.push(Resource::new("package:tools/more", Digest::of(b"more")));
            theirs.predicate.build_definition.resolved_dependencies = list;
        }),
        &ours("a", "out"),
    );
    assert_eq!((found.what.as_str(), found.ours), ("package:tools/more", None));
}

#[test]
fn all_subjects_have_to_be_the_same() {
    let mut lying = statement("a", "out");
    lying.subject[1] = Resource::new("app/disk.img", Digest::of(b"another disk"));
    lying.subject.push(Resource::new("app/more", Digest::of(b"more")));
    let said = report(&ours("a", "out"), &[bundle(&[(lying, &[1])])], &[1], None);
    comes_to(&said, Verdict::Different, &[("k1", "disagrees", true)]);
    let Stand::Disagrees { subjects, .. } = &said.stages[0].opinions[0].stand else { panic!("{said:?}") };
    assert_eq!(subjects, &["app/disk.img", "app/more"]);
    // Of another target it is about something else.
    let mut other = statement("a", "out");
    other.predicate.build_definition.external_parameters.target = "arm".into();
    let said = report(&ours("a", "out"), &[bundle(&[(other, &[1])])], &[1], None);
    assert_eq!(said.stages[0].verdict, Verdict::Unconfirmed);
    assert_eq!(said.aside[0].reason, "it is about stage `app` for `arm`");
}

#[test]
fn the_lockfile_is_one_of_those_that_are_heard() {
    let mut ours = ours("a", "out");
    let verdicts = [
        (known::Verdict::Same, Verdict::Identical, ("lockfile", "agrees", true)),
        (known::Verdict::Differs { expected: Digest::of(b"x") }, Verdict::Different, ("lockfile", "disagrees", true)),
        (known::Verdict::Stale, Verdict::OtherInputs, ("lockfile", "other", false)),
        (known::Verdict::Unknown, Verdict::Unconfirmed, ("lockfile", "silent", false)),
    ];
    for (known, verdict, told) in verdicts {
        ours.known = known;
        comes_to(&held(&[Reference::Lockfile], std::slice::from_ref(&ours), &[], None), verdict, &[told]);
    }
    let none = held(&[Reference::Lockfile], &[], &[], None);
    assert!(!none.identical, "nothing compared is nothing confirmed");
}

#[test]
fn questions_without_an_answer_are_refused() {
    let statements =
        || vec![Reference::Statements("f".into(), read("f", &bundle(&[(statement("a", "o"), &[1])])).unwrap())];
    let trust = Trust::of(&[("one", SecretKey::numbered(1).public())]);
    let check = |references: &[Reference], trust: &Trust, needed, unsigned| {
        Against { references, trust, needed, unsigned }.check()
    };
    let nobody = Trust::default();
    assert!(matches!(check(&statements(), &nobody, None, false), Err(Error::NobodyTrusted { .. })));
    assert!(check(&statements(), &nobody, None, true).is_ok());
    assert!(check(&[Reference::Lockfile], &nobody, None, false).is_ok());
    assert!(matches!(check(&statements(), &trust, Some(2), false), Err(Error::TooFew { needed: 2, there: 1 })));
    let mut both = statements();
    both.push(Reference::Lockfile);
    assert!(check(&both, &trust, Some(2), false).is_ok());
}
