//! Text that others wrote, made safe and short enough for a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` without escape sequences and control characters: a stage must not be able to move the user's cursor, set
/// the window's title or paste into the shell. Tabs become spaces; of what a carriage return overwrote, the last
/// version is kept.
pub fn clean(text: &str) -> String {
    let text = text.trim_end_matches(['\r', '\n']);
    let text = text.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or("");
    let mut result = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => match chars.next() {
                // CSI: parameters and intermediates up to a final byte (ECMA-48, 5.4).
                Some('[') => while chars.next().is_some_and(|next| !('@'..='~').contains(&next)) {},
                // OSC, DCS, SOS, PM, APC: a string up to BEL or ST.
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while let Some(next) = chars.next() {
                        if next == '\u{7}' || next == '\u{9c}' {
                            break;
                        }
                        if next == '\u{1b}' && chars.next_if_eq(&'\\').is_some() {
                            break;
                        }
                    }
                }
                // Sequences with intermediate bytes, such as a choice of character set: up to a final byte.
                Some(' '..='/') => while chars.next().is_some_and(|next| !('0'..='~').contains(&next)) {},
                _ => {}
            },
            '\t' => result.push(' '),
            // Bidirectional overrides make a line read other than it is.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            char if char.is_control() => {}
            char => result.push(char),
        }
    }
    result
}

/// Columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to `columns`, with `…` in place of what is lost.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut result = String::new();
    let mut used = 0;
    for char in text.chars() {
        let wide = char.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        result.push(char);
    }
    if columns > 0 {
        result.push('…');
    }
    result
}

/// `text` filled up with spaces on the right.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_stays() {
        for (text, want) in [
            ("plain", "plain"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}Pq payload\u{1b}\\x", "x"),
            ("\u{1b}(Bx", "x"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("10%\r20%\r30%\r", "30%"),
            ("a\tb\u{8}\u{0}c\u{9b}d", "a bcd"),
            ("abc\u{202e}fed", "abcfed"),
            ("line\r\n", "line"),
        ] {
            assert_eq!(clean(text), want, "{text:?}");
        }
    }

    #[test]
    fn cut_by_columns_not_by_bytes() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("ab", 0), "");
        assert_eq!(pad("日", 4), "日  ");
    }

    proptest::proptest! {
        #[test]
        fn always_clean_and_never_too_wide(text in "\\PC*|[\u{0}-\u{ff}]*", columns in 0_usize..100) {
            let text = clean(&text);
            proptest::prop_assert!(!text.chars().any(char::is_control));
            proptest::prop_assert!(width(&fit(&text, columns)) <= columns);
        }
    }
}
