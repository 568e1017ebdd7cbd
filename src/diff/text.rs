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
    if let (Some(left), Some(right)) = (json(&left), json(&right)) {
        found.kind = "JSON".to_owned();
        let mut values = Values { found, count: 0 };
        values.compare("", Some(&left), Some(&right));
        let more = values.count.saturating_sub(SHOWN);
        if more > 0 {
            found.facts.push(Fact::Unsearched { reason: format!("{more} further values differ") });
        }
        if !found.is_empty() {
            return Ok(());
        }
        // The same values, written otherwise.
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
                    let name = if pointer.is_empty() { "/" } else { pointer };
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
