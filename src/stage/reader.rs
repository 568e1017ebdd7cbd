//! Reads TOML tables field by field and goes on after a mistake, so that all of a file's mistakes come out at once.
//!
//! serde's own derive stops at the first one, and so does not serve here; it serves for the schema ([`super::schema`]),
//! and a test holds the two together.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, did_you_mean};
use super::values::Wrong;

/// The version of all definition files.
const SCHEMA: u64 = 1;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub value: T,
    pub span: Range<usize>,
}

/// One file while it is read.
pub(crate) struct Doc<'a> {
    /// Path relative to the project.
    pub file: &'a str,
    pub text: &'a str,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Doc<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, mistakes: RefCell::default() }
    }

    /// Notes a mistake.
    pub(crate) fn wrong(&self, span: &Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.mistakes.borrow_mut().push(Mistake::at(self.file, self.text, span, message, help));
    }

    /// The value, or a note of what is wrong with it.
    pub(super) fn take<T>(&self, span: &Range<usize>, result: Result<T, Wrong>) -> Option<T> {
        result.map_err(|wrong| self.wrong(span, wrong.message, wrong.help)).ok()
    }

    /// Parses the text; none, with the mistakes noted, if it is no TOML.
    pub(crate) fn parse(&self) -> Option<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let end = self.text.len();
            let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ");
            self.wrong(&error.span().unwrap_or(end..end), message, None);
        }
        errors.is_empty().then(|| table.into_inner())
    }

    pub(crate) fn finish(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }
}

/// One table of a file.
pub(crate) struct Fields<'d, 'a> {
    pub doc: &'d Doc<'a>,
    table: &'d DeTable<'a>,
    /// Where the table stands; empty for a whole file.
    pub span: Range<usize>,
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl<'d, 'a> Fields<'d, 'a> {
    pub(crate) fn new(doc: &'d Doc<'a>, table: &'d DeTable<'a>, span: Range<usize>) -> Self {
        Self { doc, table, span }
    }

    /// Notes each key that is not among `keys`.
    pub(crate) fn only(&self, keys: &[&str]) {
        for key in self.table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let help = did_you_mean(name, keys.iter().copied())
                .unwrap_or_else(|| format!("keys here are: {}", keys.join(", ")));
            self.doc.wrong(&key.span(), format!("unknown key `{}`", name.escape_debug()), Some(help));
        }
    }

    /// Checks the file's `schema`.
    pub(crate) fn schema(&self) {
        match self.integer("schema") {
            Some(found) if found.value != SCHEMA => self.doc.wrong(
                &found.span,
                format!("schema {} is not known", found.value),
                Some(format!("this version of repro reads schema {SCHEMA}")),
            ),
            None if !self.has("schema") => self.missing("schema", "schema = 1"),
            _ => {}
        }
    }

    /// The strings of a list, without noting what is wrong with it: for a look ahead of the reading.
    pub(super) fn peek(&self, key: &str) -> Vec<&str> {
        let list = self.table.get(key).and_then(|value| value.get_ref().as_array());
        list.map_or_else(Vec::new, |list| list.iter().filter_map(|item| item.get_ref().as_str()).collect())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn is_empty_list(&self, key: &str) -> bool {
        self.table.get(key).and_then(|value| value.get_ref().as_array()).is_some_and(|array| array.is_empty())
    }

    /// Notes that a key is missing.
    pub(crate) fn missing(&self, key: &str, example: &str) {
        self.doc.wrong(&self.span, format!("key `{key}` is missing"), Some(format!("add `{example}`")));
    }

    fn mismatch(&self, span: &Range<usize>, what: &str, want: &str, value: &DeValue<'_>) {
        let help = match value {
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_)
                if want == "a string" =>
            {
                self.doc.text.get(span.clone()).map(|text| format!("put it in quotes: \"{text}\""))
            }
            DeValue::String(text) if want == "a list of strings" => {
                Some(format!("put it in brackets: [\"{}\"]", text.escape_debug()))
            }
            DeValue::String(text) if want == "true or false" && matches!(text.as_ref(), "true" | "false") => {
                Some(format!("without quotes: {text}"))
            }
            DeValue::Table(_) if want == "a list of tables" => Some("double the brackets of the table's header".into()),
            _ => None,
        };
        self.doc.wrong(span, format!("{what} must be {want}, not {}", kind(value)), help);
    }

    pub(crate) fn string(&self, key: &str) -> Option<At<String>> {
        let value = self.table.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(At { value: text.to_string(), span: value.span() }),
            other => {
                self.mismatch(&value.span(), &format!("`{key}`"), "a string", other);
                None
            }
        }
    }

    /// A string that has to be there and say something.
    pub(crate) fn required(&self, key: &str, example: &str) -> Option<At<String>> {
        if !self.has(key) {
            self.missing(key, example);
        }
        let found = self.string(key)?;
        if found.value.trim().is_empty() {
            self.doc.wrong(&found.span, format!("`{key}` is empty"), Some(format!("for instance `{example}`")));
            return None;
        }
        Some(found)
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.table.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.mismatch(&value.span(), &format!("`{key}`"), "true or false", value.get_ref());
        }
        found
    }

    /// A whole number from 1.
    pub(crate) fn integer(&self, key: &str) -> Option<At<u64>> {
        let value = self.table.get(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.mismatch(&value.span(), &format!("`{key}`"), "an integer", value.get_ref());
            return None;
        };
        match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if number > 0 => Some(At { value: number, span: value.span() }),
            _ => {
                self.doc.wrong(&value.span(), format!("`{key}` must be a whole number from 1"), None);
                None
            }
        }
    }

    /// A list of strings; empty when the key is not there.
    pub(crate) fn strings(&self, key: &str) -> Vec<At<String>> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.mismatch(&value.span(), &format!("`{key}`"), "a list of strings", value.get_ref());
            return Vec::new();
        };
        let mut list = Vec::with_capacity(array.len());
        for item in array.iter() {
            match item.get_ref() {
                DeValue::String(text) => list.push(At { value: text.to_string(), span: item.span() }),
                other => self.mismatch(&item.span(), &format!("each entry of `{key}`"), "a string", other),
            }
        }
        list
    }

    /// A list of strings, each of which stands once; later ones are noted and dropped.
    pub(crate) fn set(&self, key: &str) -> Vec<At<String>> {
        let mut seen = BTreeSet::new();
        let mut list = self.strings(key);
        list.retain(|item| {
            let new = seen.insert(item.value.clone());
            if !new {
                let message = format!("`{}` stands twice in `{key}`", item.value.escape_debug());
                self.doc.wrong(&item.span, message, Some("remove one".to_owned()));
            }
            new
        });
        list
    }

    /// A table in the table.
    pub(crate) fn table(&self, key: &str) -> Option<Fields<'d, 'a>> {
        let value = self.table.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Fields::new(self.doc, table, value.span())),
            other => {
                self.mismatch(&value.span(), &format!("`{key}`"), "a table", other);
                None
            }
        }
    }

    /// A list of tables.
    pub(crate) fn tables(&self, key: &str) -> Vec<Fields<'d, 'a>> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.mismatch(&value.span(), &format!("`{key}`"), "a list of tables", value.get_ref());
            return Vec::new();
        };
        let mut list = Vec::with_capacity(array.len());
        for item in array.iter() {
            match item.get_ref() {
                DeValue::Table(table) => list.push(Fields::new(self.doc, table, item.span())),
                other => self.mismatch(&item.span(), &format!("each entry of `{key}`"), "a table", other),
            }
        }
        list
    }

    /// Every key of the table but `except`, sorted.
    pub(crate) fn keys(&self, except: &str) -> Vec<At<String>> {
        let keys = self.table.keys().filter(|key| key.get_ref().as_ref() != except);
        let mut keys: Vec<_> = keys.map(|key| At { value: key.get_ref().to_string(), span: key.span() }).collect();
        keys.sort_by(|a, b| a.value.cmp(&b.value));
        keys
    }
}
