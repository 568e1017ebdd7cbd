//! Whatever a file holds, reading it ends with a result or with mistakes inside the file.

use proptest::prelude::*;

use super::{ARCHIVES, FULL, SEED, SOURCES};
use crate::stage::mistake::Mistake;
use crate::stage::{Change, Graph, ParamValues, Record, parse, parse_sysroot, values};

/// Good text with a few pieces replaced, cut out or doubled.
fn mutated(good: &'static str) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,4}",
        Just("\"".to_owned()),
        Just("[".to_owned()),
        Just("]]\n".to_owned()),
        Just("= {".to_owned()),
        Just("\n[sources]\n".to_owned()),
        Just("'''".to_owned()),
        Just("\u{0}\r".to_owned()),
        Just("99999999999999999999".to_owned()),
    ];
    let edit = (any::<prop::sample::Index>(), 0..20_usize, piece, any::<bool>());
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut chars: Vec<char> = good.chars().collect();
        for (at, length, piece, double) in edits {
            let at = at.index(chars.len() + 1);
            let end = (at + length).min(chars.len());
            let kept: Vec<char> = if double { chars[at..end].to_vec() } else { Vec::new() };
            chars.splice(at..end, kept.iter().chain(&kept).copied().chain(piece.chars()).collect::<Vec<_>>());
        }
        chars.into_iter().collect()
    })
}

fn sound(text: &str, mistakes: &[Mistake]) {
    let lines = text.lines().count().max(1) + 1;
    for mistake in mistakes {
        assert!(mistake.line >= 1 && mistake.line <= lines && mistake.column >= 1, "{mistake:?}");
        assert!(!mistake.message.is_empty() && !mistake.to_string().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stages(text in mutated(FULL)) {
        let (parsed, mistakes) = parse::stage("full", "stage.toml", &text, &ParamValues::default());
        prop_assert!(parsed.is_some() || !mistakes.is_empty());
        sound(&text, &mistakes);
    }

    #[test]
    fn sources(text in mutated(SOURCES)) {
        let (parsed, mistakes) = parse::sources("sources.toml", &text);
        prop_assert!(parsed.is_some() || !mistakes.is_empty());
        sound(&text, &mistakes);
    }

    #[test]
    fn sysroots(text in mutated(SEED)) {
        sound(&text, &parse_sysroot::sysroot("seed", "seed.toml", &text).1);
    }

    #[test]
    fn archives(text in mutated(ARCHIVES)) {
        sound(&text, &parse_sysroot::archives("archives.toml", &text).1);
    }

    #[test]
    fn any_text(text in "\\PC*") {
        sound(&text, &parse::stage("full", "stage.toml", &text, &ParamValues::default()).1);
        let _: (Result<_, _>, Result<_, _>) = (values::duration(&text), values::size(&text));
        let _: Result<_, _> = Record::from_json(&text);
        if let Ok(found) = values::input_ref(&text) {
            prop_assert_eq!(found.to_string(), text);
        }
    }

    #[test]
    fn sizes_and_durations_mean_what_they_say(number in 1..1000_u64) {
        prop_assert_eq!(values::size(&format!("{number}MiB")).ok(), Some(number << 20));
        prop_assert_eq!(values::duration(&format!("{number}m1s")).ok().map(|d| d.as_secs()), Some(number * 60 + 1));
    }
}

#[test]
fn values_too_large_are_refused() {
    for text in ["99999999999999999999B", "99999999999TiB", "", "GiB", "1"] {
        assert!(values::size(text).is_err(), "{text}");
    }
    for text in ["99999999999999999999s", "9999999999999999999h", "", "s", "1", "1x", "-1s", "1 s"] {
        assert!(values::duration(text).is_err(), "{text}");
    }
}

/// What is shared between threads is fit for it.
#[test]
fn types_are_send_and_sync() {
    fn fit<T: Send + Sync>() {}
    fit::<Graph>();
    fit::<Record>();
    fit::<Change>();
}
