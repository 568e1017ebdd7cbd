//! What all compressed streams have: parts with headers, and packed bytes.

use std::sync::Arc;

use flate2::Crc;

use crate::container::fault::Fault;
use crate::container::listing::{Data, Entry, Field, Listing, Rest, Unpack, Value, What};
use crate::container::spool::Spool;
use crate::container::usual::named;
use crate::fs::Content;

/// Most parts of one stream: members, frames, blocks.
const MOST: usize = 1 << 22;

/// Collects what a stream's parts say.
#[derive(Debug, Default)]
pub(super) struct Told {
    fields: Vec<Field>,
    /// What the first part says.
    first: Vec<Field>,
    parts: u64,
    /// What the parts pack.
    bodies: Vec<Content>,
    rest: Vec<Rest>,
}

impl Told {
    /// A part of the stream. The first one's fields are the stream's; later ones are told where they say otherwise.
    pub fn part(&mut self, what: &str, fields: Vec<Field>, body: Content) -> Result<(), Fault> {
        self.parts += 1;
        self.bodies.push(body);
        if self.bodies.len() > MOST {
            return Err(Fault::TooMuch { what: "parts", limit: MOST as u64 });
        }
        if self.parts == 1 {
            self.first = fields;
            return Ok(());
        }
        let number = self.parts;
        for first in &self.first {
            if fields.iter().all(|field| field.name != first.name) {
                self.fields.push(named(format!("{what} {number} {}", first.name), Value::Absent));
            }
        }
        for field in fields {
            if !self.first.contains(&field) {
                self.fields.push(named(format!("{what} {number} {}", field.name), field.value));
            }
        }
        Ok(())
    }

    /// How many parts there are so far.
    pub fn parts(&self) -> u64 {
        self.parts
    }

    pub fn field(&mut self, name: impl Into<std::borrow::Cow<'static, str>>, value: Value) {
        self.fields.push(Field::metadata(name, value));
    }

    pub fn rest(&mut self, name: impl Into<String>, bytes: Content) {
        if bytes.size() > 0 {
            self.rest.push(Rest { name: name.into(), bytes });
        }
    }

    /// The listing of a stream from which `inner` comes out.
    pub fn listing(self, inner: Content) -> Listing {
        let fields = [self.first, self.fields].concat();
        let mut sum = Crc::new();
        for field in &fields {
            sum.update(field.name.as_bytes());
            sum.update(field.value.to_string().as_bytes());
        }
        let stream = Stream { inner, body: Content::concat(self.bodies), tag: u64::from(sum.sum()) };
        let what = What::File(Data::Packed(Arc::new(stream)));
        let entries = vec![Entry { name: String::new(), what, fields: Vec::new() }];
        Listing { fields, entries, rest: self.rest, ..Listing::default() }
    }
}

/// A stream that has been unpacked already.
#[derive(Debug)]
struct Stream {
    inner: Content,
    body: Content,
    tag: u64,
}

impl Unpack for Stream {
    fn size(&self) -> Option<u64> {
        Some(self.inner.size())
    }

    fn packed(&self) -> Content {
        self.body.clone()
    }

    fn tag(&self) -> u64 {
        self.tag
    }

    fn unpack(&self, _: &Spool) -> Result<Content, Fault> {
        Ok(self.inner.clone())
    }
}
