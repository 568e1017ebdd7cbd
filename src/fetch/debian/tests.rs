//! Tests of reading a Debian archive.

use std::cmp::Ordering;
use std::time::Duration;

use proptest::prelude::*;

use super::closure::{self, Unsatisfied};
use super::control::stanzas;
use super::index::Index;
use super::release::{Release, ReleaseError};
use super::{relation, version};
use crate::digest::Digest;

#[test]
fn versions_are_ordered_as_policy_says() {
    // Each list in rising order; deb-version(7) and Policy 5.6.12.
    for list in [
        &[
            "1.0~~", "1.0~~a", "1.0~", "1.0~rc1", "1.0", "1.0a", "1.0+b1", "1.0.1", "1.1", "1.2", "1.10", "10",
            "1:0.1", "2:0",
        ][..],
        &["0", "0-1", "0.1", "1-1", "1-1+b1", "1-1.1", "1-2", "1-2-1"],
        &["12.2.0-14", "12.2.0-14+deb12u1", "12.2.0-15"],
        &["2.36-9", "2.36-9+deb12u7", "2.36-9+deb12u10", "2.37~1"],
        &["1.~", "1.-1", "1.a", "1.b", "1.+", "1.."],
    ] {
        for (at, a) in list.iter().enumerate() {
            for (other, b) in list.iter().enumerate() {
                assert_eq!(version::compare(a, b), at.cmp(&other), "{a} and {b}");
            }
        }
    }
    for (a, b) in [("1.0", "1.0-0"), ("0:1", "1"), ("1.01", "1.1"), ("1.00", "1.0"), ("1.", "1.0"), ("001", "1")] {
        assert_eq!(version::compare(a, b), Ordering::Equal, "{a} and {b}");
    }
    let long = "9".repeat(60);
    assert_eq!(version::compare(&format!("{long}0"), &long), Ordering::Greater, "numbers have any length");
}

/// Against the program that has the last word, where there is one.
#[test]
fn versions_are_ordered_as_dpkg_orders_them() {
    let atoms =
        ["", "0", "1", "9", "10", "007", "a", "Z", "~", "+", ".", "-", "~~", ".0", "rc1", "+b2", "1:", "0:", "2:0"];
    let mut state = 7_usize;
    let mut pick = |count: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % count
    };
    for _ in 0..300 {
        let mut text = || format!("1{}{}{}", atoms[pick(16)], atoms[pick(16)], atoms[pick(16)]);
        let (mut a, b) = (text(), text());
        if pick(4) == 0 {
            a = format!("{}{a}", atoms[16 + pick(3)]);
        }
        let word = match version::compare(&a, &b) {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        // What it calls malformed, as with an empty revision, it need not order.
        match std::process::Command::new("dpkg").args(["--compare-versions", &a, word, &b]).output() {
            Ok(output) if !output.stderr.is_empty() => {}
            Ok(output) => assert!(output.status.success(), "dpkg does not say that {a} {word} {b}"),
            Err(_) => return println!("skipped: there is no dpkg here"),
        }
    }
}

proptest! {
    #[test]
    fn versions_have_one_order(a in "[0-9a-c.+~:-]{0,8}", b in "[0-9a-c.+~:-]{0,8}", c in "[0-9a-c.+~:-]{0,8}") {
        prop_assert_eq!(version::compare(&a, &a), Ordering::Equal);
        prop_assert_eq!(version::compare(&a, &b), version::compare(&b, &a).reverse());
        if version::compare(&a, &b).is_le() && version::compare(&b, &c).is_le() {
            prop_assert!(version::compare(&a, &c).is_le());
        }
    }

    #[test]
    fn garbage_never_panics(text in "[ -~\n\t\r]{0,200}", odd in "\\PC{0,60}") {
        for text in [&text, &odd] {
            let _ = stanzas(text).count();
            let _ = relation::parse(text);
            let _ = Release::parse(text);
            let _ = Index::parse(text, "amd64");
            let _ = super::openpgp::verify(text, text, Duration::ZERO);
            let _ = version::compare(text, "1");
        }
    }
}

#[test]
fn stanzas_have_fields_and_continuations() {
    let text = "\n\nA: 1\nB:\n x\n  y\n# note\nb2 : z\nno field\n\n \nC: 3\r\n";
    let found: Vec<_> = stanzas(text).collect();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].get("a"), found[0].get("B"), found[0].get("b2")), (Some("1"), Some("x\n  y"), Some("z")));
    assert_eq!((found[0].get("C"), found[1].get("c")), (None, Some("3")));
}

#[test]
fn relations_are_read_and_written() {
    let text = "libc6 (>= 2.36), debconf (>= 0.5) | debconf-2.0, perl:any, foo:amd64 (<< 1:2~), x (=1)";
    let relations = relation::parse(text).unwrap();
    let again: Vec<String> = relations.iter().map(ToString::to_string).collect();
    assert_eq!(
        again,
        ["libc6 (>= 2.36)", "debconf (>= 0.5) | debconf-2.0", "perl:any", "foo:amd64 (<< 1:2~)", "x (= 1)"]
    );
    assert!(relation::parse("").unwrap().is_empty());
    for wrong in ["a (>= )", "a (>= 1", "a b", "a [amd64]", "a | ", "(= 1)", "a (1)", "a (=> 1)", "a: (= 1)", "${x}"] {
        assert!(relation::parse(wrong).is_err(), "{wrong}");
    }
}

const RELEASE: &str = "Suite: oldstable\nCodename: bookworm\nDate: Sat, 11 Jul 2026 10:16:37 UTC\n\
    Acquire-By-Hash: yes\nSHA256:\n \
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855        0 main/binary-amd64/Packages\n";

#[test]
fn a_release_is_checked_for_suite_and_time() {
    let release = Release::parse(RELEASE).unwrap();
    assert_eq!(release.date.timestamp(), "20260711T101637Z");
    // `date -u -d '2026-07-11 10:16:37' +%s`
    assert_eq!(release.date.seconds(), 1_783_764_997);
    assert!(release.by_hash);
    assert_eq!(release.file("main/binary-amd64/Packages").unwrap(), Digest::of(b""));
    assert!(matches!(release.file("main/binary-arm64/Packages"), Err(ReleaseError::NoIndex { .. })));
    let day = Duration::from_secs(86_400);
    let made = Duration::from_secs(release.date.seconds());
    release.check("bookworm", made, None).unwrap();
    release.check("oldstable", made + day * 9999, Some("20260711T101637Z")).unwrap();
    release.check("bookworm", made - day / 2, None).unwrap();
    assert!(matches!(release.check("trixie", made, None), Err(ReleaseError::Suite { .. })));
    assert!(matches!(release.check("", made, None), Err(ReleaseError::Suite { .. })));
    assert!(matches!(release.check("bookworm", made - day * 2, None), Err(ReleaseError::Future { .. })));
    let newer = Some("20260711T101638Z");
    assert!(matches!(release.check("bookworm", made, newer), Err(ReleaseError::Rollback { .. })));
    let until = RELEASE.replace("Acquire", "Valid-Until: Sat, 18 Jul 2026 10:16:37 UTC\nAcquire");
    let release = Release::parse(&until).unwrap();
    release.check("bookworm", made + day * 6, None).unwrap();
    assert!(matches!(release.check("bookworm", made + day * 8, None), Err(ReleaseError::Expired { .. })));
    for (from, to) in [("Jul", "Juli"), ("UTC", "CEST"), ("10:16:37", "10:16"), ("e3b0", "e3b"), (" 0 main", " main")] {
        assert!(Release::parse(&RELEASE.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn dates_count_leap_days() {
    for (text, seconds) in [
        ("Thu, 01 Jan 1970 00:00:00 UTC", 0),
        ("Tue, 29 Feb 2000 23:59:59 UTC", 951_868_799),
        ("1 Mar 2000 00:00:00 GMT", 951_868_800),
        ("Sun, 31 Dec 2023 12:00:00 +0000", 1_704_024_000),
    ] {
        assert_eq!(super::date::Date::parse(text).unwrap().seconds(), seconds, "{text}");
    }
}

fn stanza(text: &str) -> String {
    let (name, rest) = text.split_once('\n').unwrap_or((text, "Priority: optional"));
    let (name, version) = name.split_once(' ').unwrap_or((name, "1"));
    let hex = Digest::of(name.as_bytes()).hex();
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\n{rest}\nFilename: pool/{name}.deb\nSize: 5\n\
         SHA256: {hex}\n\n"
    )
}

fn closure(packages: &[&str], wanted: &[&str], exclude: &[&str]) -> Result<Vec<String>, Vec<Unsatisfied>> {
    let text: String = packages.iter().map(|text| stanza(text)).collect();
    let index = Index::parse(&text, "amd64").unwrap();
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let found = closure::resolve(&index, &own(wanted), &own(exclude))?;
    Ok(found.iter().map(|package| format!("{} {}", package.name, package.version)).collect())
}

#[test]
fn a_closure_follows_both_kinds_of_dependency() {
    let packages = ["gcc\nDepends: as, libc (>= 2)", "as\nPre-Depends: libc", "libc 2.1", "other"];
    assert_eq!(closure(&packages, &["gcc"], &[]).unwrap(), ["as 1", "gcc 1", "libc 2.1"]);
}

#[test]
fn circles_end_and_the_latest_version_is_taken() {
    let packages = ["a\nDepends: b", "b\nDepends: a", "b 2\nDepends: a", "b 1.5"];
    assert_eq!(closure(&packages, &["a"], &[]).unwrap(), ["a 1", "b 2"]);
}

#[test]
fn alternatives_prefer_what_is_there() {
    let packages = ["awk-user\nDepends: mawk | gawk", "mawk", "gawk", "wants-new\nDepends: mawk (>= 2) | gawk"];
    assert_eq!(closure(&packages, &["awk-user"], &[]).unwrap(), ["awk-user 1", "mawk 1"]);
    assert_eq!(closure(&packages, &["awk-user", "gawk"], &[]).unwrap(), ["awk-user 1", "gawk 1"]);
    assert_eq!(closure(&packages, &["wants-new"], &[]).unwrap(), ["gawk 1", "wants-new 1"]);
}

#[test]
fn provided_names_are_satisfied_by_the_first_provider() {
    let packages =
        ["user\nDepends: awk", "mawk\nProvides: awk", "gawk\nProvides: awk (= 5)", "new\nDepends: awk (>= 4)"];
    assert_eq!(closure(&packages, &["user"], &[]).unwrap(), ["gawk 1", "user 1"]);
    assert_eq!(closure(&packages, &["user", "mawk"], &[]).unwrap(), ["mawk 1", "user 1"]);
    assert_eq!(closure(&packages, &["new", "mawk"], &[]).unwrap(), ["gawk 1", "mawk 1", "new 1"], "a bare provision");
}

#[test]
fn exclusions_end_a_relation() {
    let packages =
        ["a\nDepends: dpkg (>= 9) | tool, b", "b", "dpkg\nDepends: tar", "tar", "tool", "v\nDepends: virtual"];
    assert_eq!(closure(&packages, &["a"], &["dpkg"]).unwrap(), ["a 1", "b 1"]);
    assert_eq!(closure(&packages, &["a", "dpkg"], &["dpkg", "b"]).unwrap(), ["a 1"]);
    assert_eq!(closure(&["v\nDepends: virtual", "p\nProvides: virtual"], &["v"], &["p"]).unwrap(), ["v 1"]);
    assert_eq!(closure(&packages, &["v"], &["virtual"]).unwrap(), ["v 1"], "also of what nobody has");
}

#[test]
fn qualifiers_and_other_architectures() {
    let packages = ["a\nDepends: b:any, b:native, b:amd64", "b", "c\nDepends: b:i386"];
    assert_eq!(closure(&packages, &["a"], &[]).unwrap(), ["a 1", "b 1"]);
    assert_eq!(closure(&packages, &["c"], &[]).unwrap_err()[0].relation, "b:i386");
    let foreign = stanza("a").replace("amd64", "i386");
    assert!(Index::parse(&foreign, "amd64").unwrap().is_empty());
}

#[test]
fn all_that_is_missing_is_said_with_who_wants_it() {
    let packages = ["a\nDepends: b (>= 3) | c, d", "b 2", "e\nDepends: b (<< 2)"];
    let problems = closure(&packages, &["a", "e", "none", "virtual"], &[]).unwrap_err();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "`none` wanted by the definition",
            "`virtual` wanted by the definition",
            "`b (>= 3) | c` wanted by `a` (there is b 2)",
            "`d` wanted by `a`",
            "`b (<< 2)` wanted by `e` (there is b 2)",
        ]
    );
}

#[test]
fn the_order_of_the_index_does_not_matter() {
    let mut packages =
        vec!["a\nDepends: x | y, awk", "b\nDepends: y", "x", "y", "m\nProvides: awk", "g\nProvides: awk"];
    let first = closure(&packages, &["b", "a"], &[]).unwrap();
    packages.reverse();
    assert_eq!(closure(&packages, &["a", "b"], &[]).unwrap(), first);
}
