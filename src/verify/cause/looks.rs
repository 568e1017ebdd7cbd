//! What changed text looks like: a date, a UUID, the same lines in another order.

use std::collections::BTreeSet;

/// What texts look like, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// A date, a time of day, seconds since 1970.
    Date,
    /// How long something took.
    Duration,
    /// A UUID.
    Uuid,
    /// An address: `0x7f…`, `0x5…`.
    Pointer,
    /// The name of a temporary file.
    Temporary,
    /// The same lines, or the same words in a line, in another order.
    Moved,
    /// Many hexadecimal digits.
    Hex,
    /// A decimal number.
    Number,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What the changed lines of two sides look like.
pub(super) fn looks(sides: &[Vec<String>; 2]) -> BTreeSet<Look> {
    let mut found = BTreeSet::new();
    let [left, right] = sides;
    if is_moved(left, right) {
        found.insert(Look::Moved);
    }
    let changed: Vec<[String; 2]> = if left.len() == right.len() {
        left.iter().zip(right).map(|(a, b)| changed(a, b)).collect()
    } else {
        let first = |side: &Vec<String>| side.first().cloned().unwrap_or_default();
        vec![[first(left), first(right)]]
    };
    for pair in &changed {
        let both = |test: fn(&str) -> bool| pair.iter().all(|text| test(text));
        for (look, test) in [
            (Look::Date, is_date as fn(&str) -> bool),
            (Look::Duration, is_duration),
            (Look::Uuid, is_uuid),
            (Look::Pointer, is_pointer),
            (Look::Hex, is_hex),
            (Look::Number, is_number),
        ] {
            if both(test) {
                found.insert(look);
            }
        }
        if is_temporary(&pair[0], &pair[1]) {
            found.insert(Look::Temporary);
        }
    }
    found
}

/// The words around what differs between two lines.
fn changed(a: &str, b: &str) -> [String; 2] {
    let same = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut start = same(&mut left.iter().copied(), &mut right.iter().copied());
    let mut end = same(&mut left[start..].iter().rev().copied(), &mut right[start..].iter().rev().copied());
    let is_word = |letter: char| !letter.is_whitespace() && !matches!(letter, '"' | '\'' | '(' | ')' | ',' | '=' | ';');
    while start > 0 && is_word(left[start - 1]) {
        start -= 1;
    }
    while end > 0 && is_word(left[left.len() - end]) {
        end -= 1;
    }
    [left, right].map(|side| side[start..side.len() - end].iter().collect())
}

fn is_moved(left: &[String], right: &[String]) -> bool {
    let is_apart = |letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '.';
    let words = |side: &[String]| {
        let all = side.iter().flat_map(|line| line.split(is_apart));
        let mut words: Vec<String> = all.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let (a, b) = (words(left), words(right));
    a.len() > 1 && a == b
}

/// The runs of digits in a text.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| !digits.is_empty())
}

/// The runs of hexadecimal digits.
fn hexes(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_hexdigit()).filter(|digits| !digits.is_empty())
}

fn is_date(text: &str) -> bool {
    // 18:45, 18:45:19
    let clock = text.split_whitespace().any(|word| {
        let parts: Vec<&str> = word.split(':').collect();
        parts.windows(2).any(|pair| {
            let ends = |text: &str| text.len() >= 2 && text.bytes().rev().take(2).all(|byte| byte.is_ascii_digit());
            let begins = |text: &str| text.len() >= 2 && text.bytes().take(2).all(|byte| byte.is_ascii_digit());
            ends(pair[0]) && begins(pair[1])
        })
    });
    let month = MONTHS.iter().any(|month| text.contains(month)) && numbers(text).next().is_some();
    let number = |digits: &str| {
        let first = |count: usize| digits.get(..count).and_then(|digits| digits.parse::<u64>().ok()).unwrap_or(0);
        let year = matches!(first(4), 1980..=2150);
        match digits.len() {
            4 => year,
            // 20261121, 202611211845, 20261121184519
            8 | 12 | 14 if year => (1..=12).contains(&(first(6) % 100)) && (1..=31).contains(&(first(8) % 100)),
            // What the clock says when it is held fast.
            9 => (315_500_000..315_800_000).contains(&first(9)),
            10 | 13 | 16 | 19 => (1_000_000_000..5_000_000_000).contains(&first(10)),
            _ => false,
        }
    };
    clock || month || numbers(text).any(number)
}

fn is_duration(text: &str) -> bool {
    let parts = text
        .split_whitespace()
        .map(|word| word.trim_end_matches("seconds").trim_end_matches("ms").trim_end_matches('s'));
    let mut seconds = parts.filter(|word| word.contains('.'));
    seconds.any(|word| {
        let digits = word.rsplit('m').next().unwrap_or(word);
        digits.len() < 9 && digits.parse::<f64>().is_ok()
    })
}

fn is_uuid(text: &str) -> bool {
    let lengths = |word: &str| {
        word.split('-')
            .map(|part| if part.bytes().all(|byte| byte.is_ascii_hexdigit()) { part.len() } else { 0 })
            .collect::<Vec<_>>()
    };
    text.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-')
        .any(|word| lengths(word) == [8, 4, 4, 4, 12])
}

fn is_pointer(text: &str) -> bool {
    text.match_indices("0x").any(|(at, _)| {
        let digits = hexes(&text[at + 2..]).next().unwrap_or_default();
        digits.len() == 12 && (digits.starts_with("7f") || digits.starts_with('5'))
    })
}

fn is_hex(text: &str) -> bool {
    hexes(text)
        .any(|digits| digits.len() >= 8 && digits.bytes().any(|byte| byte.is_ascii_alphabetic() || digits.len() >= 16))
}

fn is_number(text: &str) -> bool {
    numbers(text).next().is_some()
}

/// Whether two words differ in six letters or more that look drawn: `tmp.Xa7Kq2`, `/tmp/ccQ3xYz0.s`.
fn is_temporary(a: &str, b: &str) -> bool {
    let place = |text: &str| {
        let low = text.to_ascii_lowercase();
        low.contains("tmp") || low.contains("temp") || low.contains("/cc")
    };
    let drawn = |text: &str| {
        let parts = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        parts.into_iter().any(|part| {
            let kinds = [
                part.bytes().any(|byte| byte.is_ascii_lowercase()),
                part.bytes().any(|byte| byte.is_ascii_uppercase()),
                part.bytes().any(|byte| byte.is_ascii_digit()),
            ];
            (5..=24).contains(&part.len()) && kinds.iter().filter(|kind| **kind).count() >= 2
        })
    };
    let parts = |text: &str| text.split(|letter: char| !letter.is_ascii_alphanumeric()).count();
    a != b && [a, b].iter().all(|text| place(text)) && (drawn(a) || drawn(b) || parts(a) == parts(b))
}

#[cfg(test)]
mod tests {
    use super::{Look, looks};

    #[test]
    fn each_is_known() {
        for (a, b, look) in [
            ("built Sat Nov 21 18:45:18 UTC 2026", "built Sat Nov 21 18:45:19 UTC 2026", Look::Date),
            ("v=\"2026-11-20\";", "v=\"2026-11-21\";", Look::Date),
            ("T 1795286718", "T 1795286719", Look::Date),
            ("T 315619201", "T 1795286719", Look::Date),
            ("Nov 21 202618:45:18", "Nov 21 202618:45:19", Look::Date),
            ("e3038f27-9b97-4225-ad51-fa8635326d59", "90223301-fe62-4e61-92da-24abcef6aca4", Look::Uuid),
            ("at 0x7ffff7dd1000", "at 0x7f3a81d51000", Look::Pointer),
            ("/tmp/tmp.Xa7Kq2Zw", "/tmp/tmp.pP0sLLa1", Look::Temporary),
            ("{'b', 'a', 'c'}", "{'c', 'a', 'b'}", Look::Moved),
            ("took 0.251s", "took 0.262s", Look::Duration),
            ("id 71", "id 20071", Look::Number),
            ("9c1185a5c5e9fc54", "1cc6a7f1b8e0b2aa", Look::Hex),
        ] {
            let found = looks(&[vec![a.to_owned()], vec![b.to_owned()]]);
            assert!(found.contains(&look), "{a}: {found:?}");
        }
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert!(looks(&[lines(&["a", "b"]), lines(&["b", "a"])]).contains(&Look::Moved));
        assert!(looks(&[lines(&["one"]), lines(&["two"])]).is_empty());
        assert!(looks(&[lines(&[]), lines(&[])]).is_empty());
    }
}
