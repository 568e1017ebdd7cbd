//! Extra fields of headers.

use std::collections::BTreeSet;

use crate::container::listing::{Field, Value};
use crate::container::usual::named;

/// What the extra field of a header says.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// The identifiers, in their order.
    pub ids: String,
    pub fields: Vec<Field>,
}

/// The sizes and the offset of a header, which an extra field has where they are too large for it.
pub(super) struct Wide {
    pub size: u64,
    pub packed: u64,
    pub offset: u64,
}

pub(super) const ESCAPED: u64 = 0xffff_ffff;

impl Extra {
    pub fn read(bytes: &[u8], wide: &mut Wide) -> Self {
        let mut extra = Self::default();
        let mut rest = bytes;
        let mut seen = BTreeSet::new();
        while let [a, b, c, d, after @ ..] = rest {
            let id = u16::from_le_bytes([*a, *b]);
            let Some((data, after)) = after.split_at_checked(usize::from(u16::from_le_bytes([*c, *d]))) else { break };
            if !extra.ids.is_empty() {
                extra.ids.push(' ');
            }
            let again = !seen.insert(id);
            extra.ids.push_str(&format!("{id:04x}"));
            if again || !extra.known(id, data, wide) {
                extra.fields.push(named(format!("extra field {id:04x}"), Value::Bytes(data.into())));
            }
            rest = after;
        }
        if !rest.is_empty() {
            extra.fields.push(Field::metadata("extra field remainder", Value::Bytes(rest.into())));
        }
        extra
    }

    /// Takes a field over that means something here; says whether all of it was told.
    fn known(&mut self, id: u16, data: &[u8], wide: &mut Wide) -> bool {
        let word = |at: usize| data.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        match id {
            // zip64
            1 => {
                let mut rest = data;
                for slot in [&mut wide.size, &mut wide.packed, &mut wide.offset] {
                    if *slot == ESCAPED {
                        let Some((number, after)) = rest.split_first_chunk() else { return false };
                        *slot = u64::from_le_bytes(*number);
                        rest = after;
                    }
                }
                rest.is_empty()
            }
            // Extended timestamp: which times there are, of which the central directory has the first at most.
            0x5455 => {
                let Some(flags) = data.first() else { return false };
                self.ids.push_str(&format!("({flags})"));
                let mut at = 1;
                for (bit, name) in [(1, "mtime"), (2, "atime"), (4, "ctime")] {
                    if flags & bit != 0
                        && let Some(time) = word(at)
                    {
                        self.fields.push(Field::metadata(name, Value::Time(i64::from(time as i32), 0)));
                        at += 4;
                    }
                }
                at == data.len()
            }
            // Info-ZIP's owner, with numbers of four bytes.
            0x7875 if data.len() == 11 && data[..2] == [1, 4] && data[6] == 4 => {
                for (name, at) in [("uid", 2), ("gid", 7)] {
                    self.fields.push(Field::metadata(name, Value::Number(word(at).unwrap_or(0).into())));
                }
                true
            }
            _ => false,
        }
    }
}
