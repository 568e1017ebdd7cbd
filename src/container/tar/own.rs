//! What the headers of an entry say of it, each value once.

use std::collections::BTreeMap;

use super::header::Header;
use super::pax::{self, Record};
use crate::container::listing::{Field, Value, text};
use crate::container::usual::{Usual, named};

/// What a pax header says of itself, and in which order its records stand.
pub(super) fn pax_header(usual: &mut Usual, fields: &mut Vec<Field>, pax: &Header, raw: &[u8], records: &[Record]) {
    // Usual names are made of the entry's.
    let path = pax.path();
    let trimmed = raw.strip_suffix(b"/").unwrap_or(raw);
    let (folder, file) = match trimmed.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&trimmed[..slash], &trimmed[slash + 1..]),
        None => (&b"."[..], trimmed),
    };
    let middle = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix(b"/"));
    let middle = middle.and_then(|rest| rest.strip_suffix(file)).and_then(|rest| rest.strip_suffix(b"/"));
    let (front, middle) = match middle {
        Some(middle) => ("%d/", middle),
        None => match path.strip_suffix(file).and_then(|rest| rest.strip_suffix(b"/")) {
            Some(middle) => ("", middle),
            None => ("", &[][..]),
        },
    };
    let name = match middle {
        [] => usual.words(&path),
        middle if middle.contains(&b'%') || middle.contains(&b'/') => usual.words(&path),
        middle => usual.text(&format!("{front}{}/%f", text(middle))),
    };
    usual.tell(fields, "pax header name", name);
    let (all, more) = pax.fields(usual);
    for (name, value) in all.into_iter().chain([("mtime", pax.mtime())]) {
        usual.tell(fields, pax_name(name), value);
    }
    fields.extend(more.into_iter().map(|field| named(format!("pax header {}", field.name), field.value)));
    if !pax.link().is_empty() {
        fields.push(Field::metadata("pax header linkname", Value::words(pax.link())));
    }
    let device = pax.device();
    if device.iter().any(|number| *number != Value::Number(0)) {
        let [major, minor] = device;
        fields.push(Field::metadata("pax header device", Value::Text(format!("{major}:{minor}").into())));
    }
    let mut keys: Vec<String> = Vec::new();
    let mut pieces = 0;
    for (key, _) in records {
        // A map's offsets and lengths alternate.
        let piece = matches!(key.as_slice(), b"GNU.sparse.offset" | b"GNU.sparse.numbytes");
        pieces += usize::from(piece);
        if !piece || pieces <= 2 {
            keys.push(text(key));
        }
    }
    let keys = usual.text(&keys.join(" "));
    usual.tell(fields, "pax records", keys);
}

/// What a field of a header is called in the header of a pax header.
fn pax_name(name: &'static str) -> &'static str {
    match name {
        "format" => "pax header format",
        "mode" => "pax header mode",
        "uid" => "pax header uid",
        "gid" => "pax header gid",
        "uname" => "pax header uname",
        "gname" => "pax header gname",
        "number style" => "pax header number style",
        "mtime" => "pax header mtime",
        other => other,
    }
}

/// All that an extended header's own header says but its name, size and type.
pub(super) fn describe(header: &Header, usual: &mut Usual) -> String {
    let (all, more) = header.fields(usual);
    let mut parts: Vec<String> = all.iter().map(|(name, value)| format!("{name} {value}")).collect();
    parts.push(format!("mtime {}", header.mtime()));
    parts.extend(more.iter().map(|field| format!("{} {}", field.name, exact(&field.value))));
    let [major, minor] = header.device();
    if header.device().iter().any(|number| *number != Value::Number(0)) {
        parts.push(format!("device {major}:{minor}"));
    }
    if !header.link().is_empty() {
        parts.push(format!("linkname {}", text(header.link())));
    }
    parts.join(", ")
}

/// A value in full: what is shown of many bytes is only their beginning.
fn exact(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => bytes.escape_ascii().to_string(),
        value => value.to_string(),
    }
}

/// What a header and its pax records say of an entry.
pub(super) struct Own {
    pub fields: Vec<Field>,
    /// What each entry has.
    pub all: Vec<(&'static str, Value)>,
    mtime: Value,
    pub name: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    header_size: Option<u64>,
}

impl Own {
    pub fn new(header: &Header, usual: &mut Usual, mut fields: Vec<Field>) -> Self {
        let (mut all, more) = header.fields(usual);
        let mtime = header.mtime();
        all.push(("mtime", mtime.clone()));
        fields.extend(more);
        Self { fields, all, mtime, name: None, link: None, size: None, header_size: header.size() }
    }

    pub fn records(&mut self, records: &[Record]) {
        let mut sparse_name = None;
        let mut counts: BTreeMap<&[u8], u32> = BTreeMap::new();
        for (key, _) in records {
            *counts.entry(key).or_default() += 1;
        }
        for (key, value) in records {
            if key.starts_with(b"GNU.sparse.") && key != b"GNU.sparse.name" {
                continue;
            }
            // A keyword that occurs again, and an empty value, which takes back what an earlier record said.
            let again = counts.get(key.as_slice()).is_some_and(|count| *count > 1);
            let usual = !again && !value.is_empty() && self.record(key, value, &mut sparse_name);
            if again && !value.is_empty() {
                self.record(key, value, &mut sparse_name);
            }
            if !usual {
                self.fields.push(named(format!("pax {}", text(key)), Value::words(value)));
            }
        }
        self.name = sparse_name.or(self.name.take());
    }

    /// Takes a record over; says whether the fields tell all of it then.
    fn record(&mut self, key: &[u8], value: &[u8], sparse_name: &mut Option<Vec<u8>>) -> bool {
        match key {
            b"path" => self.name = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"GNU.sparse.name" => *sparse_name = Some(value.to_vec()),
            b"size" => {
                let Some((size, usual)) = pax::count(value) else { return false };
                self.size = Some(size);
                if let Some(header) = self.header_size.filter(|header| *header != size) {
                    self.fields.push(Field::metadata("header size", Value::Number(header)));
                }
                return usual;
            }
            b"uid" | b"gid" => {
                let Some((number, usual)) = pax::count(value) else { return false };
                let uid = key == b"uid";
                let names = if uid { ("uid", "header uid") } else { ("gid", "header gid") };
                self.replace(names, Value::Number(number), None);
                return usual;
            }
            b"uname" => self.replace(("uname", "header uname"), Value::words(value), value.get(..32)),
            b"gname" => self.replace(("gname", "header gname"), Value::words(value), value.get(..32)),
            b"mtime" => {
                let Some((time, usual)) = pax::time(value) else { return false };
                let whole = if let Value::Time(seconds, _) = time { Value::Time(seconds, 0) } else { time.clone() };
                if self.mtime != whole {
                    self.fields.push(Field::metadata("header mtime", self.mtime.clone()));
                }
                self.set("mtime", time);
                return usual;
            }
            b"atime" | b"ctime" => {
                let Some((time, usual)) = pax::time(value) else { return false };
                let name = if key == b"atime" { "atime" } else { "ctime" };
                self.fields.push(Field::metadata(name, time));
                return usual;
            }
            _ => return false,
        }
        true
    }

    /// A record's value instead of the header's, which is told unless it is the same, or its beginning.
    fn replace(&mut self, (name, header): (&'static str, &'static str), value: Value, cut: Option<&[u8]>) {
        if let Some((_, old)) = self.all.iter().find(|(other, _)| *other == name)
            && *old != value
            && cut.is_none_or(|cut| *old != Value::words(cut))
        {
            self.fields.push(Field::metadata(header, old.clone()));
        }
        self.set(name, value);
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some((_, slot)) = self.all.iter_mut().find(|(other, _)| *other == name) {
            *slot = value;
        }
    }
}
