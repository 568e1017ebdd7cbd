//! Extended attributes: behind an inode's fields, and in a block that several inodes may have together.

use super::super::attribute::{acl_of_ext, attribute as field};
use super::super::fault::Fault;
use super::super::listing::{Field, Value, text};
use super::super::raw::{le_u16, le_u32};
use super::super::usual::named;
use super::Ext;
use super::inode::Inode;
use crate::fs::Content;

const MAGIC: u32 = 0xea02_0000;

/// One attribute; places are within what it was read from.
struct Attribute {
    at: usize,
    prefix: &'static str,
    name: Vec<u8>,
    /// Where its value lies, and its size.
    value: (usize, usize),
    /// The inode that has the value instead.
    inode: u32,
}

impl Attribute {
    fn is_inline_data(&self) -> bool {
        self.prefix == "system." && self.name == b"data"
    }

    /// What of it is in a field: all but hash and place.
    fn shown(&self) -> [(usize, usize); 4] {
        [(self.at, 2), (self.at + 4, 8), (self.at + 16, self.name.len()), self.value]
    }
}

/// Reads entries from `first` on, whose values' places count from `base`.
fn entries(bytes: &[u8], first: usize, base: usize) -> Result<Vec<Attribute>, Fault> {
    let bad = || Fault::malformed("extended attributes are broken");
    let mut found = Vec::new();
    let mut at = first;
    while le_u32(bytes, at).is_some_and(|word| word != 0) {
        let size = usize::from(bytes[at]);
        let name = bytes.get(at + 16..at + 16 + size).ok_or_else(bad)?.to_vec();
        let inode = le_u32(bytes, at + 4).ok_or_else(bad)?;
        let length = le_u32(bytes, at + 8).ok_or_else(bad)? as usize;
        let place = base + usize::from(le_u16(bytes, at + 2).ok_or_else(bad)?);
        let value = if inode == 0 { (place, length) } else { (0, 0) };
        bytes.get(value.0..value.0.saturating_add(value.1)).ok_or_else(bad)?;
        found.push(Attribute { at, prefix: prefix(bytes[at + 1]), name, value, inode });
        at += (16 + size).next_multiple_of(4);
    }
    Ok(found)
}

fn prefix(index: u8) -> &'static str {
    match index {
        1 => "user.",
        2 => "system.posix_acl_access",
        3 => "system.posix_acl_default",
        4 => "trusted.",
        6 => "security.",
        7 => "system.",
        8 => "system.richacl",
        10 => "gnu.",
        _ => "(unknown).",
    }
}

impl Ext<'_> {
    /// Adds the attributes of an inode to its fields. Gives what a file has there of its data.
    pub(super) fn attributes_of(
        &mut self,
        path: &str,
        inode: &Inode,
        fields: &mut Vec<Field>,
        known: &mut Vec<(usize, usize)>,
    ) -> Result<Option<Content>, Fault> {
        let start = inode.fixed();
        let mut inline = None;
        if le_u32(&inode.bytes, start) == Some(MAGIC) {
            known.push((start, 4));
            for attribute in entries(&inode.bytes, start + 4, start + 4)? {
                known.extend(attribute.shown());
                if inode.is_inline() && !inode.is_folder() && attribute.is_inline_data() {
                    let (at, size) = attribute.value;
                    inline = Some(self.image.part(inode.at + at as u64, size as u64, "an inode")?);
                    continue;
                }
                self.show(&attribute, &inode.bytes, fields);
            }
        }
        let block = inode.attribute_block();
        if block != 0 {
            let at = block.saturating_mul(self.block);
            let size = usize::try_from(self.block).unwrap_or(0);
            let bytes = self.image.bytes(at, size, "a block of extended attributes")?;
            if le_u32(&bytes, 0) != Some(MAGIC) {
                return Err(Fault::malformed(format!("block {block} has no extended attributes")));
            }
            for attribute in entries(&bytes, 32, 0)? {
                for (from, size) in attribute.shown() {
                    self.image.cover.take(at + from as u64, size as u64);
                }
                self.show(&attribute, &bytes, fields);
            }
            if self.attributes.insert(block) {
                self.image.cover.name(format!("extended attributes of {path}"), &[(at, self.block)]);
            }
        }
        Ok(inline)
    }

    /// What of a directory's names is no more in its inode's fixed part.
    pub(super) fn inline_rest(&self, inode: &Inode) -> Result<Option<Content>, Fault> {
        let start = inode.fixed();
        if le_u32(&inode.bytes, start) != Some(MAGIC) {
            return Ok(None);
        }
        let found = entries(&inode.bytes, start + 4, start + 4)?;
        let Some(attribute) = found.iter().find(|attribute| attribute.is_inline_data()) else { return Ok(None) };
        let (at, size) = attribute.value;
        self.image.part(inode.at + at as u64, size as u64, "an inode").map(Some)
    }

    fn show(&mut self, attribute: &Attribute, bytes: &[u8], fields: &mut Vec<Field>) {
        let (at, size) = attribute.value;
        if attribute.inode == 0 {
            let value = bytes.get(at..at + size).unwrap_or_default();
            let name = [attribute.prefix.as_bytes(), &attribute.name].concat();
            fields.push(match acl_of_ext(value) {
                Some(list) if is_acl(&name) => field(&name, &list),
                _ if is_acl(&name) => named(format!("xattr {}", text(&name)), Value::Bytes(value.into())),
                _ => field(&name, value),
            });
        } else {
            self.values.insert(attribute.inode);
            let shown = format!("{}{} in inode {}", attribute.prefix, text(&attribute.name), attribute.inode);
            fields.push(Field::metadata("xattr", Value::Text(shown.into())));
        }
    }
}

fn is_acl(name: &[u8]) -> bool {
    name.starts_with(b"system.posix_acl_")
}
