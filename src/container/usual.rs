//! What readers of archives share: what most entries say alike, names as keys, and a bound on entries.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::Fault;
use super::listing::{Entry, Field, Listing, Value, text};

/// Most entries of one archive.
const MOST: usize = 1 << 22;
/// Different texts that are kept to be shared.
const SHARED: usize = 4096;

/// Collects the fields of entries. What the first entry says of a property is what all say that do not say otherwise, so
/// that an archive of a million entries of one owner states it once.
#[derive(Debug, Default)]
pub(super) struct Usual {
    fields: Vec<Field>,
    /// One bit for each of these: whether the entry at hand has told it.
    told: u64,
    /// Whether the first entry is complete, and with it the list of what is usual.
    complete: bool,
    texts: BTreeMap<Box<str>, Arc<str>>,
}

impl Usual {
    /// States a property that most entries have.
    pub fn tell(&mut self, fields: &mut Vec<Field>, name: &'static str, value: Value) {
        let known = self.fields.iter().position(|field| field.name == name);
        if let Some(at) = known {
            let first = self.told & 1 << at == 0;
            self.told |= 1 << at;
            if first && self.fields[at].value == value {
                return;
            }
        } else if !self.complete && self.fields.len() < 64 {
            self.told |= 1 << self.fields.len();
            self.fields.push(Field::metadata(name, value));
            return;
        }
        fields.push(Field::metadata(name, value));
    }

    /// A text that many entries have.
    pub fn text(&mut self, text: &str) -> Value {
        if let Some(shared) = self.texts.get(text) {
            return Value::Text(shared.clone());
        }
        let shared: Arc<str> = text.into();
        if self.texts.len() < SHARED {
            self.texts.insert(text.into(), shared.clone());
        }
        Value::Text(shared)
    }

    /// As [`Value::words`], for what many entries have.
    pub fn words(&mut self, bytes: &[u8]) -> Value {
        std::str::from_utf8(bytes).map_or_else(|_| Value::Bytes(bytes.into()), |text| self.text(text))
    }

    /// The name of an entry as others are compared with it: relative, without `./` and a last `/`. When it was written
    /// otherwise than is usual in this archive, there is a field for it.
    pub fn name(&mut self, fields: &mut Vec<Field>, raw: &[u8], directory: bool) -> String {
        let mut rest = raw;
        loop {
            rest = match rest {
                [b'/', after @ ..] | [b'.', b'/', after @ ..] => after,
                _ => break,
            };
        }
        let key = rest.iter().rposition(|byte| *byte != b'/').map_or(&[][..], |last| &rest[..=last]);
        let front = match &raw[..raw.len() - rest.len()] {
            b"" => "",
            b"./" => "./",
            b"/" => "/",
            _ => "otherwise",
        };
        let front_value = self.text(front);
        self.tell(fields, "names begin with", front_value);
        let slash = if key.len() == rest.len() { "" } else { "/" };
        let usual_slash = if directory && !key.is_empty() && key != b"." { "/" } else { "" };
        let name = if key.is_empty() { ".".to_owned() } else { text(key) };
        let plain = front != "otherwise" && rest.len() <= key.len() + 1 && slash == usual_slash;
        if !plain || (!key.is_empty() && name.as_bytes() != key) {
            fields.push(Field::metadata("name", Value::words(raw)));
        }
        name
    }

    /// What is usual.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    /// Adds an entry whose fields are complete.
    ///
    /// # Errors
    /// There are too many.
    pub fn add(&mut self, listing: &mut Listing, mut entry: Entry) -> Result<(), Fault> {
        Self::bound(listing.entries.len() + 1)?;
        for (at, usual) in self.fields.iter().enumerate() {
            if self.told & 1 << at == 0 {
                entry.fields.push(Field::metadata(usual.name.clone(), Value::Absent));
            }
        }
        (self.told, self.complete) = (0, true);
        entry.fields.shrink_to_fit();
        listing.entries.push(entry);
        Ok(())
    }

    /// Fails when an archive has more than so many entries.
    ///
    /// # Errors
    /// There are too many.
    pub fn bound(count: usize) -> Result<(), Fault> {
        if count > MOST { Err(Fault::TooMuch { what: "entries", limit: MOST as u64 }) } else { Ok(()) }
    }

    /// What all entries have in common.
    pub fn finish(self) -> Vec<Field> {
        self.fields
    }
}

/// A field with a name that is only known now.
pub(super) fn named(name: String, value: Value) -> Field {
    Field::metadata(Cow::<'static, str>::Owned(name), value)
}

/// Whether all bytes are zero.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::Usual;
    use crate::container::Value;

    #[test]
    fn names_are_keys_and_how_they_were_written_is_told() {
        for (raw, directory, key, told) in [
            (&b"./a/b"[..], false, "a/b", None),
            (b"./a/", true, "a", None),
            (b"./", true, ".", None),
            (b"./a", true, "a", Some(Value::text(b"./a"))),
            (b"./a/", false, "a", Some(Value::text(b"./a/"))),
            (b"./a//", true, "a", Some(Value::text(b"./a//"))),
            (b"././a", false, "a", Some(Value::text(b"././a"))),
            (b"./a\xff", false, "a\\xff", Some(Value::Bytes(b"./a\xff"[..].into()))),
            (b"./../x", false, "../x", None),
        ] {
            let mut usual = Usual::default();
            usual.name(&mut Vec::new(), b"./first", false);
            let mut fields = Vec::new();
            assert_eq!(usual.name(&mut fields, raw, directory), key);
            fields.retain(|field| field.name == "name");
            assert_eq!(fields.pop().map(|field| field.value), told, "{}", raw.escape_ascii());
        }
    }
}
