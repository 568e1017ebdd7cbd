//! One entry: its record in the central directory, and its local header.

use std::collections::BTreeMap;

use super::extra::{ESCAPED, Extra, Wide};
use super::packed::{Packed, method_name};
use crate::container::fault::Fault;
use crate::container::listing::{Field, Value, text};
use crate::container::usual::{Usual, named};
use crate::fs::Content;

/// Little-endian numbers of some bytes that are long enough.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn half(&self, at: usize) -> u16 {
        self.0.get(at..at + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn word(&self, at: usize) -> u32 {
        u32::from(self.half(at)) | u32::from(self.half(at + 2)) << 16
    }
}

/// What both headers state.
#[derive(Debug, PartialEq, Eq)]
struct Stated {
    needed: u16,
    flags: u16,
    method: u16,
    time: u32,
    crc: u32,
    packed: u64,
    size: u64,
}

impl Stated {
    /// Reads the part that both have in common.
    fn read(bytes: &[u8]) -> Self {
        let n = Numbers(bytes);
        Self {
            needed: n.half(0),
            flags: n.half(2),
            method: n.half(4),
            time: n.word(6),
            crc: n.word(10),
            packed: n.word(14).into(),
            size: n.word(18).into(),
        }
    }
}

/// A record of the central directory.
#[derive(Debug)]
pub(super) struct Record {
    pub name: Vec<u8>,
    made_by: u16,
    stated: Stated,
    extra: Extra,
    comment: Vec<u8>,
    internal: u16,
    external: u32,
    /// Where the local header begins.
    pub offset: u64,
    /// Where the record ends.
    pub end: u64,
}

/// What the local header and what follows it say.
#[derive(Debug)]
pub(super) struct Local {
    pub fields: Vec<Field>,
    ids: String,
    descriptor: &'static str,
    pub data: Content,
    /// Where the entry ends.
    pub end: u64,
}

impl Record {
    pub fn read(content: &Content, at: u64) -> Result<Self, Fault> {
        let head = content.bytes_at(at, 46)?;
        if head.len() < 46 || !head.starts_with(b"PK\x01\x02") {
            return Err(Fault::malformed(format!("the record of the central directory at byte {at} is none")));
        }
        let n = Numbers(&head);
        let lengths = [28, 30, 32].map(|at| usize::from(n.half(at)));
        let total: usize = lengths.iter().sum();
        let rest = content.bytes_at(at + 46, total)?;
        if rest.len() < total {
            return Err(Fault::malformed(format!("the record of the central directory at byte {at} is cut off")));
        }
        let (name, rest) = rest.split_at(lengths[0]);
        let (extra, comment) = rest.split_at(lengths[1]);
        let mut stated = Stated::read(&head[6..]);
        let mut wide = Wide { size: stated.size, packed: stated.packed, offset: n.word(42).into() };
        let extra = Extra::read(extra, &mut wide);
        (stated.size, stated.packed) = (wide.size, wide.packed);
        if n.half(34) != 0 {
            return Err(Fault::unsupported("an archive in several volumes"));
        }
        Ok(Self {
            name: name.to_vec(),
            made_by: n.half(4),
            stated,
            extra,
            comment: comment.to_vec(),
            internal: n.half(36),
            external: n.word(38),
            offset: wide.offset,
            end: at + 46 + total as u64,
        })
    }

    /// The mode with its type, when a Unix-like system made the entry.
    pub fn unix(&self) -> Option<u32> {
        matches!(self.made_by >> 8, 3 | 19).then_some(self.external >> 16)
    }

    pub fn size(&self) -> u64 {
        self.stated.size
    }

    pub fn packed(&self, bytes: Content) -> Packed {
        let Stated { method, flags, crc, size, .. } = self.stated;
        Packed { bytes, method, encrypted: flags & 1 != 0, crc, size }
    }

    /// All that is said of the entry.
    pub fn tell(self, local: Local, usual: &mut Usual, fields: &mut Vec<Field>) {
        let system = match self.made_by >> 8 {
            0 => "FAT".to_owned(),
            3 => "Unix".to_owned(),
            10 => "NTFS".to_owned(),
            19 => "macOS".to_owned(),
            other => format!("system {other}"),
        };
        let version = self.made_by & 0xff;
        let made_by = usual.text(&format!("{system}, {}.{}", version / 10, version % 10));
        usual.tell(fields, "version made by", made_by);
        let Stated { needed, flags, method, time, .. } = self.stated;
        usual.tell(fields, "version needed", Value::Number(needed.into()));
        usual.tell(fields, "flags", Value::Number(flags.into()));
        let method = usual.text(&method_name(method));
        usual.tell(fields, "method", method);
        let time = usual.text(&dos_time(time));
        usual.tell(fields, "modification time", time);
        // The upper half is what Unix-like systems put there; others leave it zero.
        usual.tell(fields, "mode", Value::Mode(self.external >> 16));
        usual.tell(fields, "external attributes", Value::Number((self.external & 0xffff).into()));
        usual.tell(fields, "internal attributes", Value::Number(self.internal.into()));
        if !self.comment.is_empty() {
            fields.push(Field::metadata("comment", Value::words(&self.comment)));
        }
        let ids = usual.text(&self.extra.ids);
        usual.tell(fields, "extra fields", ids);
        let ids = usual.text(&local.ids);
        usual.tell(fields, "local extra fields", ids);
        let descriptor = usual.text(local.descriptor);
        usual.tell(fields, "data descriptor", descriptor);
        fields.extend(self.extra.fields);
        fields.extend(local.fields);
    }

    /// Reads the local header. `end` is where the central directory begins.
    pub fn local(&self, content: &Content, end: u64) -> Result<Local, Fault> {
        let wrong = |what: &str| {
            Fault::malformed(format!("the local header of `{}`, at byte {}, {what}", text(&self.name), self.offset))
        };
        let head = content.bytes_at(self.offset, 30)?;
        if head.len() < 30 || !head.starts_with(b"PK\x03\x04") {
            return Err(wrong("is none"));
        }
        let n = Numbers(&head);
        let lengths = [26, 28].map(|at| usize::from(n.half(at)));
        let rest = content.bytes_at(self.offset + 30, lengths[0] + lengths[1])?;
        let Some((name, extra)) = rest.split_at_checked(lengths[0]).filter(|(_, extra)| extra.len() == lengths[1])
        else {
            return Err(wrong("is cut off"));
        };
        let mut stated = Stated::read(&head[4..]);
        let mut wide = Wide { size: stated.size, packed: stated.packed, offset: 0 };
        let extra = Extra::read(extra, &mut wide);
        (stated.size, stated.packed) = (wide.size, wide.packed);
        let start = self.offset + 30 + rest.len() as u64;
        let data = start.checked_add(self.stated.packed).filter(|data_end| *data_end <= end);
        let data = data.and_then(|_| content.part(start, self.stated.packed));
        let data = data.ok_or_else(|| wrong("is followed by less than the content"))?;
        let after = start + self.stated.packed;
        let (descriptor, length) = self.descriptor(content, after, end)?;
        let fields = self.disagreeing(name, &stated, extra.fields);
        Ok(Local { fields, ids: extra.ids, descriptor, data, end: after + length })
    }

    /// What the local header says otherwise.
    fn disagreeing(&self, name: &[u8], local: &Stated, extra: Vec<Field>) -> Vec<Field> {
        let mut fields = Vec::new();
        if name != self.name {
            fields.push(Field::metadata("local name", Value::words(name)));
        }
        let central = &self.stated;
        let mut number = |name: &'static str, local: u64, central: u64| {
            if local != central {
                fields.push(Field::metadata(name, Value::Number(local)));
            }
        };
        number("local version needed", local.needed.into(), central.needed.into());
        number("local flags", local.flags.into(), central.flags.into());
        number("local method", local.method.into(), central.method.into());
        let values = [
            ("local CRC-32", u64::from(local.crc), u64::from(central.crc)),
            ("local compressed size", local.packed, central.packed),
            ("local size", local.size, central.size),
        ];
        for (name, local, central) in values {
            // With a descriptor, they are 0, or the largest number where the descriptor is wide.
            if central_has_descriptor(self.stated.flags) {
                match local {
                    0 => {}
                    ESCAPED => fields.push(Field::metadata(name, Value::Text("escaped".into()))),
                    local if local == central => fields.push(Field::metadata(name, Value::Text("stated".into()))),
                    local => fields.push(Field::metadata(name, Value::Number(local))),
                }
            } else if local != central {
                fields.push(Field::metadata(name, Value::Number(local)));
            }
        }
        if local.time != central.time {
            fields.push(Field::metadata("local modification time", Value::Text(dos_time(local.time).into())));
        }
        let known: BTreeMap<&str, &Field> = self.extra.fields.iter().map(|field| (&*field.name, field)).collect();
        for field in extra {
            let same = known.get(&*field.name).copied();
            let only_local = same.is_none() && matches!(&*field.name, "atime" | "ctime");
            if only_local {
                fields.push(field);
            } else if same != Some(&field) {
                fields.push(named(format!("local {}", field.name), field.value));
            }
        }
        fields
    }

    /// How checksum and sizes follow the data, and in how many bytes. What is none is told as a gap.
    fn descriptor(&self, content: &Content, at: u64, end: u64) -> Result<(&'static str, u64), Fault> {
        if !central_has_descriptor(self.stated.flags) {
            return Ok(("none", 0));
        }
        let Stated { crc, packed, size, .. } = self.stated;
        let narrow = [crc.to_le_bytes(), (packed as u32).to_le_bytes(), (size as u32).to_le_bytes()].concat();
        let wide = [&crc.to_le_bytes()[..], &packed.to_le_bytes(), &size.to_le_bytes()].concat();
        let signature = b"PK\x07\x08";
        let forms = [
            ("signature, 64 bits", [&signature[..], &wide].concat()),
            ("signature, 32 bits", [&signature[..], &narrow].concat()),
            ("64 bits", wide),
            ("32 bits", narrow),
        ];
        for (name, form) in forms {
            let length = form.len() as u64;
            // A narrow one may look like the beginning of a wide one when sizes are 0: what follows decides.
            if at + length <= end && content.bytes_at(at, form.len())? == form {
                let next = content.bytes_at(at + length, 2)?;
                if at + length == end || next == b"PK" {
                    return Ok((name, length));
                }
            }
        }
        Ok(("not where it should be", 0))
    }
}

fn central_has_descriptor(flags: u16) -> bool {
    flags & 8 != 0
}

/// A date and time as DOS has them, which need not be ones.
fn dos_time(time: u32) -> String {
    let (date, time) = (time >> 16, time & 0xffff);
    let (year, month, day) = (1980 + (date >> 9), date >> 5 & 15, date & 31);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", time >> 11, time >> 5 & 63, (time & 31) * 2)
}
