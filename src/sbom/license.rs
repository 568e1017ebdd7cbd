//! Whether a text is a licence expression (SPDX 2.3, annex D).

/// What may come next.
enum Next {
    /// A licence or `(`.
    Operand,
    /// `WITH`, or what follows a whole operand.
    With,
    /// The name of an exception.
    Exception,
    /// `AND`, `OR`, `)`, or the end.
    Operator,
}

/// Whether `text` has the form of an expression of names from the SPDX list. References to licences of one's own would
/// need their texts, which are not known.
pub(super) fn is_expression(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut depth = 0_usize;
    let mut next = Next::Operand;
    for word in spaced.split(' ').filter(|word| !word.is_empty()) {
        next = match (next, word) {
            (Next::Operand, "(") => {
                depth += 1;
                Next::Operand
            }
            (Next::Operand, word) if is_name(word.strip_suffix('+').unwrap_or(word)) => Next::With,
            (Next::With, "WITH") => Next::Exception,
            (Next::Exception, word) if is_name(word) => Next::Operator,
            (Next::With | Next::Operator, "AND" | "OR") => Next::Operand,
            (Next::With | Next::Operator, ")") if depth > 0 => {
                depth -= 1;
                Next::Operator
            }
            _ => return false,
        };
    }
    depth == 0 && matches!(next, Next::With | Next::Operator)
}

fn is_name(word: &str) -> bool {
    let reserved = matches!(word, "AND" | "OR" | "WITH" | "NONE" | "NOASSERTION") || word.starts_with("LicenseRef-");
    !reserved && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_and_what_is_none() {
        for text in [
            "MIT",
            "GPL-3.0-or-later WITH GCC-exception-3.1",
            "LGPL-3.0-or-later OR GPL-2.0-or-later",
            "(MIT AND (Zlib OR GPL-2.0+)) OR Apache-2.0",
        ] {
            assert!(is_expression(text), "{text}");
        }
        for text in [
            "",
            "see COPYING",
            "MIT OR",
            "AND MIT",
            "(MIT",
            "MIT)",
            "()",
            "MIT WITH",
            "MIT WITH x WITH y",
            "(MIT) WITH x",
            "MIT Zlib",
            "LicenseRef-own",
            "DocumentRef-a:LicenseRef-b",
            "NOASSERTION",
            "MIT or Zlib",
            "+",
            "GPL\u{a0}2",
        ] {
            assert!(!is_expression(text), "{text}");
        }
        assert!(!is_expression(&"(".repeat(1 << 20)));
    }
}
