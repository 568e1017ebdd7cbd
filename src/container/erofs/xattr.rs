//! Extended attributes: behind the inode, and in a table that inodes share.

use super::super::attribute::attribute;
use super::super::fault::Fault;
use super::super::listing::{Field, Value};
use super::super::raw::{le_u16, le_u32, runs};
use super::Erofs;
use super::inode::Inode;

impl Erofs<'_> {
    /// Adds an inode's attributes to its fields.
    pub(super) fn attributes_of(&mut self, inode: &Inode, fields: &mut Vec<Field>) -> Result<(), Fault> {
        if inode.attributes == 0 {
            return Ok(());
        }
        let at = inode.at + inode.bytes.len() as u64;
        let bad = || Fault::malformed(format!("the extended attributes at {at:#x} are broken"));
        let size = usize::try_from(inode.attributes).unwrap_or(0);
        let bytes = self.image.bytes(at, size, "extended attributes")?;
        self.image.cover.take(at, inode.attributes);
        let shared = usize::from(bytes[4]);
        fields.push(Field::metadata("xattr header", Value::Text(runs(&bytes[..12]).into())));
        for index in 0..shared {
            let id = le_u32(&bytes, 12 + 4 * index).ok_or_else(bad)?;
            fields.push(Field::metadata("shared xattr", Value::Number(id.into())));
            let place = self.attributes.saturating_add(u64::from(id) * 4);
            let head = self.image.bytes(place, 4, "a shared extended attribute")?;
            let size = 4 + usize::from(head[0]) + usize::from(le_u16(&head, 2).unwrap_or(0));
            let whole = self.image.bytes(place, size, "a shared extended attribute")?;
            fields.push(self.one(&whole).ok_or_else(bad)?);
            self.image.cover.take(place, size as u64);
        }
        let mut done = 12 + 4 * shared;
        while let Some(head) = bytes.get(done..done + 4).filter(|head| head.iter().any(|byte| *byte != 0)) {
            let size = 4 + usize::from(head[0]) + usize::from(u16::from_le_bytes([head[2], head[3]]));
            let whole = bytes.get(done..done + size).ok_or_else(bad)?;
            fields.push(self.one(whole).ok_or_else(bad)?);
            let end = (done + size).next_multiple_of(4);
            let padding = bytes.get(done + size..end).unwrap_or_default();
            if padding.iter().any(|byte| *byte != 0) {
                fields.push(Field::metadata("padding", Value::Bytes(padding.into())));
            }
            done = end;
        }
        let behind = bytes.get(done..).unwrap_or_default();
        if behind.iter().any(|byte| *byte != 0) {
            fields.push(Field::metadata("padding", Value::Bytes(behind.into())));
        }
        Ok(())
    }

    fn one(&self, entry: &[u8]) -> Option<Field> {
        let length = usize::from(*entry.first()?);
        let prefix = match entry.get(1)? {
            1 => "user.".to_owned(),
            2 => "system.posix_acl_access".to_owned(),
            3 => "system.posix_acl_default".to_owned(),
            4 => "trusted.".to_owned(),
            5 => "lustre.".to_owned(),
            6 => "security.".to_owned(),
            // One of the image's own prefixes.
            other => format!("({other})."),
        };
        let name = [prefix.as_bytes(), entry.get(4..4 + length)?].concat();
        Some(attribute(&name, entry.get(4 + length..)?))
    }
}
