//! Text by lines, JSON by values.

use serde_json::Value;

use super::compare::Stop;
use super::lines;
use super::model::{Difference, Fact};
use crate::container::About;
use crate::fs::Content;

/// Text that is larger is compared as bytes.
const LARGEST: u64 = 64 << 20;
/// Bytes that are looked at to tell whether something can be text at all.
const HEAD: usize = 4096;
/// Values of JSON that are shown.
const SHOWN: usize = 200;

/// Compares two contents as text, if both are. Otherwise finds nothing.
pub(super) fn compare(pair: [&Content; 2], found: &mut Difference) -> Result<(), Stop> {
    if pair.iter().any(|content| content.size() > LARGEST) {
        return Ok(());
    }
    for content in pair {
        if !can_be_text(&content.bytes_at(0, HEAD)?) {
            return Ok(());
        }
    }
    let (Ok(left), Ok(right)) = (String::from_utf8(pair[0].bytes()?), String::from_utf8(pair[1].bytes()?)) else {
        return Ok(());
    };
    if !can_be_text(left.as_bytes()) || !can_be_text(right.as_bytes()) {
        return Ok(());
    }
    found.kind = "text".to_owned();
    if let (Some(a), Some(b)) = (json(&left), json(&right)) {
        found.kind = "JSON".to_owned();
        let mut values = Values { found, count: 0 };
        values.compare("", Some(&a), Some(&b));
        let more = values.count.saturating_sub(SHOWN);
        if more > 0 {
            found.facts.push(Fact::Unsearched { reason: format!("{more} further values differ") });
        }
        // Where the values alone do not tell all (spaces, order, numbers of many digits), the lines do.
        let form = form(&left, &a);
        if !found.is_empty() && form.is_some() && form == self::form(&right, &b) {
            return Ok(());
        }
    }
    let split = |text: &str| -> Vec<String> { text.split_inclusive('\n').map(line).collect() };
    found.facts.extend(lines::compare("lines", &split(&left), &split(&right), &|_| String::new()));
    Ok(())
}

/// A line without its end, where it has the usual one: an end that is missing or another is something that differs.
fn line(line: &str) -> String {
    match line.strip_suffix('\n') {
        Some(line) => line.replace('\r', "\\r"),
        None => format!("{line}\\ no newline at the end"),
    }
}

fn can_be_text(bytes: &[u8]) -> bool {
    // A character may be cut off at the end of what was read.
    let text = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    text && !bytes.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127))
}

fn json(text: &str) -> Option<Value> {
    let start = text.trim_start().as_bytes().first()?;
    // A number or a word alone is JSON too, and better shown as text.
    if matches!(start, b'{' | b'[') { serde_json::from_str(text).ok() } else { None }
}

/// How a value is written, if it is one of the ways that leave no choice; its end of line counts.
fn form(text: &str, value: &Value) -> Option<(bool, bool)> {
    let trimmed = text.strip_suffix('\n');
    let body = trimmed.unwrap_or(text);
    let pretty = if body.contains('\n') { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    (pretty.ok()? == body).then_some((body.contains('\n'), trimmed.is_some()))
}

struct Values<'a> {
    found: &'a mut Difference,
    count: usize,
}

impl Values<'_> {
    /// Compares two values; `pointer` as in RFC 6901.
    fn compare(&mut self, pointer: &str, left: Option<&Value>, right: Option<&Value>) {
        match (left, right) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
                names.sort();
                names.dedup();
                for name in names {
                    let part = name.replace('~', "~0").replace('/', "~1");
                    self.compare(&format!("{pointer}/{part}"), a.get(name), b.get(name));
                }
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => {
                for index in 0..a.len().max(b.len()) {
                    self.compare(&format!("{pointer}/{index}"), a.get(index), b.get(index));
                }
            }
            (a, b) if a == b => {}
            (a, b) => {
                self.count += 1;
                if self.count <= SHOWN {
                    // The pointer to the whole is empty.
                    let name = if pointer.is_empty() { "the whole" } else { pointer };
                    self.found.field(name, [a, b].map(|value| value.map(show)), About::Content);
                }
            }
        }
    }
}

fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::diff::model::{Difference, Fact};
    use crate::fs::Content;

    /// The kind that was found, fields as `pointer left right`, and `lines`.
    fn facts(left: &str, right: &str) -> (String, Vec<String>) {
        let mut found = Difference::new("", "bytes", [None, None]);
        assert!(compare([&Content::of_bytes(left), &Content::of_bytes(right)], &mut found).is_ok());
        let show = |fact: &Fact| match fact {
            Fact::Field { name, values: [a, b], .. } => {
                format!("{name} {} {}", a.as_deref().unwrap_or("-"), b.as_deref().unwrap_or("-"))
            }
            Fact::Lines { .. } => "lines".to_owned(),
            other => format!("{other:?}"),
        };
        (found.kind.clone(), found.facts.iter().map(show).collect())
    }

    #[test]
    fn json_is_compared_by_values() {
        for (left, right, want) in [
            (r#"{"a":1,"b":[1,2]}"#, r#"{"a":2,"b":[1,3]}"#, &["/a 1 2", "/b/1 2 3"][..]),
            (r#"{"a":1}"#, r#"{"b":1}"#, &["/a 1 -", "/b - 1"]),
            (r#"{"a/b":1,"c~d":1,"":1}"#, r#"{"a/b":2,"c~d":2,"":2}"#, &["/ 1 2", "/a~1b 1 2", "/c~0d 1 2", "lines"]),
            (r#"[1]"#, r#"{"a":1}"#, &[r#"the whole [1] {"a":1}"#]),
            (r#"[1,2]"#, r#"[1]"#, &["/1 2 -"]),
            (r#"[null]"#, r#"[]"#, &["/0 null -"]),
            // What is written otherwise, be it besides other values.
            (r#"{"a":1}"#, r#"{ "a":1}"#, &["lines"]),
            (r#"{"a":1}"#, r#"{ "a":2}"#, &["/a 1 2", "lines"]),
            (r#"{"b":1,"a":1}"#, r#"{"a":2,"b":1}"#, &["/a 1 2", "lines"]),
            (r#"{"a":1,"a":2}"#, r#"{"a":3,"a":2}"#, &["lines"]),
            ("[1]\n", "[1]", &["lines"]),
            ("[123456789012345678901]", "[123456789012345678902]", &["lines"]),
        ] {
            let (kind, found) = facts(left, right);
            assert_eq!(kind, "JSON");
            assert_eq!(found, want, "{left} {right}");
        }
    }

    #[test]
    fn what_is_no_json_is_text_and_what_is_no_text_is_left_to_others() {
        for (left, right, kind, want) in [
            ("{", "{}", "text", &["lines"][..]),
            ("1", "2", "text", &["lines"]),
            ("a\r\n", "a\n", "text", &["lines"]),
            ("a", "a\n", "text", &["lines"]),
            ("\u{1b}[1ma", "b", "text", &["lines"]),
            ("a\0", "b", "bytes", &[]),
        ] {
            assert_eq!(
                facts(left, right),
                (kind.to_owned(), want.iter().map(|fact| (*fact).to_owned()).collect()),
                "{left:?}"
            );
        }
    }
}
