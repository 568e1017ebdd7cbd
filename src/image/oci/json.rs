//! JSON with one spelling.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::image::calendar::Moment;

/// The value's bytes: keys sorted, no white space. (The map of `serde_json` keeps the order of insertion if any crate of the
/// program asks for that.)
pub(super) fn canonical(value: &Value) -> Vec<u8> {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let map: BTreeMap<&String, Value> = map.iter().map(|(key, value)| (key, sorted(value))).collect();
                Value::Object(map.into_iter().map(|(key, value)| (key.clone(), value)).collect())
            }
            Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string().into_bytes()
}

/// An object of those entries that say something: no nulls, no empty texts, lists and objects.
pub(super) fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    let entries = entries.into_iter().filter(|(_, value)| says(value));
    Value::Object(entries.map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}

/// Seconds since 1970 as RFC 3339 has them, in UTC.
pub(super) fn time(seconds: u32) -> String {
    let Moment { year, month, day, hour, minute, second } = Moment::of(seconds);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
