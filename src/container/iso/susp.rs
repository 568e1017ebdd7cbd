//! System use entries (SUSP), and what Rock Ridge says with them.

use super::super::fault::Fault;
use super::super::listing::{Field, Value, text};
use super::super::raw::{Keep, Part, Shape, array, describe, le_u32, runs, special};
use super::record::Record;
use super::{Iso, date, long_date};

/// Continuation areas of one record.
const CONTINUATIONS: usize = 64;

const POSIX: [Part; 4] = [
    ("nlink", 12, Shape::Both32),
    ("uid", 20, Shape::Both32),
    ("gid", 28, Shape::Both32),
    ("inode", 36, Shape::Both32),
];

const TIMES: [&str; 7] =
    ["creation time", "mtime", "atime", "ctime", "backup time", "expiration time", "effective time"];

/// What the system use entries of a record say.
#[derive(Default)]
pub(super) struct System {
    pub name: Option<String>,
    pub target: Option<String>,
    /// The block of the directory that this record stands for.
    pub child: Option<u64>,
    /// Whether the directory was moved here from where it belongs.
    pub relocated: bool,
    pub fields: Vec<Field>,
    mode: u32,
    device: Option<(u32, u32)>,
    names: Vec<u8>,
    link: Link,
}

/// A symbolic link's target while its components come.
#[derive(Default)]
struct Link {
    text: Vec<u8>,
    /// Whether the next component continues the last one.
    open: bool,
    any: bool,
}

impl System {
    /// What it is, if that is neither file nor directory nor link.
    pub fn special(&self) -> Option<String> {
        let plain = matches!(self.mode & 0o170_000, 0 | 0o040_000 | 0o100_000 | 0o120_000);
        (!plain).then(|| special(self.mode, self.device))
    }

    fn entry(&mut self, entry: &[u8]) {
        let mut generic = entry.get(3) != Some(&1);
        let data = entry.get(4..).unwrap_or_default();
        match entry.get(..2).unwrap_or_default() {
            b"PX" if data.len() >= 32 => {
                self.mode = le_u32(entry, 4).unwrap_or(0);
                self.fields.push(Field::metadata("mode", Value::Mode(self.mode & 0o7777)));
                let twice = array::<4>(entry, 8).map(u32::from_be_bytes) == Some(self.mode);
                let known: &[(usize, usize)] = if twice { &[(0, 12)] } else { &[(0, 8)] };
                self.fields.extend(describe(entry, &POSIX, Keep::All, known));
                self.fields.push(Field::metadata("file type", Value::Number((self.mode >> 12).into())));
            }
            b"PN" if data.len() >= 16 => {
                let (high, low) = (le_u32(entry, 4).unwrap_or(0), le_u32(entry, 12).unwrap_or(0));
                // Some put all of the number into the lower half.
                self.device = Some(if high == 0 && low > 0xff { (low >> 8, low & 0xff) } else { (high, low) });
                generic = true;
            }
            b"NM" if !data.is_empty() => {
                self.names.extend(&data[1..]);
                self.name = Some(text(&self.names)).filter(|name| !name.is_empty());
                generic |= data[0] != 0;
            }
            b"SL" if !data.is_empty() => {
                generic |= !self.link.add(&data[1..]) || data[0] != 0;
                self.target = Some(text(&self.link.text));
            }
            b"TF" if !data.is_empty() => {
                let mut rest = &data[1..];
                for (bit, name) in TIMES.iter().enumerate().filter(|(bit, _)| data[0] & 1 << bit != 0) {
                    let size = if data[0] & 0x80 == 0 { 7 } else { 17 };
                    let Some((time, others)) = rest.split_at_checked(size) else {
                        generic = true;
                        break;
                    };
                    let value = array(time, 0).filter(|_| size == 7).map_or_else(|| long_date(time), date);
                    self.fields.push(Field::metadata(*name, value));
                    rest = others;
                    generic |= bit > 6;
                }
                generic |= !rest.is_empty() || data[0] & 0x80 != 0;
            }
            b"CL" if data.len() >= 8 => {
                self.child = le_u32(entry, 4).map(u64::from);
                generic = true;
            }
            b"RE" => {
                self.relocated = true;
                generic = true;
            }
            _ => generic = true,
        }
        if generic {
            let signature = text(entry.get(..2).unwrap_or_default());
            let shown = format!("{signature} of {} bytes: {}", entry.len(), runs(entry.get(2..).unwrap_or_default()));
            self.fields.push(Field::metadata("system use entry", Value::Text(shown.into())));
        }
    }
}

impl Link {
    /// Adds components; whether they were all of the usual form.
    fn add(&mut self, mut data: &[u8]) -> bool {
        let mut usual = true;
        while let [flags, length, rest @ ..] = data {
            let Some((part, others)) = rest.split_at_checked(usize::from(*length)) else { return false };
            if self.any && !self.open && self.text != b"/" {
                self.text.push(b'/');
            }
            match flags & 0x0e {
                0x02 => self.text.push(b'.'),
                0x04 => self.text.extend(b".."),
                0x08 => {
                    self.text.clear();
                    self.text.push(b'/');
                }
                _ => self.text.extend(part),
            }
            usual &= flags & 0xf1 == 0 && (flags & 0x0e == 0 || part.is_empty());
            (self.any, self.open) = (true, flags & 1 != 0);
            data = others;
        }
        usual && data.is_empty()
    }
}

impl Iso<'_> {
    /// Reads the system use entries of a record that lies at `at` and begins `sector`.
    pub(super) fn system(&mut self, at: u64, record: &Record, sector: &[u8]) -> Result<System, Fault> {
        let mut system = System::default();
        let area = sector.get(record.system..record.size).unwrap_or_default();
        // Only the first record of a tree says that it has such entries.
        if self.skip.is_none() && area.starts_with(b"SP\x07\x01\xbe\xef") {
            self.skip = area.get(6).copied().map(usize::from);
            self.area(at + record.system as u64, area, &mut system)?;
            return Ok(system);
        }
        if let Some(skip) = self.skip {
            let skip = skip.min(area.len());
            self.area(at + (record.system + skip) as u64, &area[skip..], &mut system)?;
        }
        Ok(system)
    }

    fn area(&mut self, at: u64, area: &[u8], system: &mut System) -> Result<(), Fault> {
        let (mut at, mut area) = (at, area.to_vec());
        for _ in 0..CONTINUATIONS {
            let mut done = 0;
            let mut next = None;
            while let Some(size) = area.get(done + 2).map(|size| usize::from(*size)) {
                let Some(entry) = area.get(done..done + size).filter(|entry| entry.len() >= 4) else { break };
                self.image.cover.take(at + done as u64, size as u64);
                done += size;
                match entry.get(..2) {
                    Some(b"CE") if size >= 28 => {
                        let number = |at| u64::from(le_u32(entry, at).unwrap_or(0));
                        next = Some((number(4) * self.block + number(12), number(20)));
                        system.entry(entry);
                    }
                    Some(b"ST") => {
                        system.entry(entry);
                        break;
                    }
                    _ => system.entry(entry),
                }
            }
            let Some((start, size)) = next else { return Ok(()) };
            if size > 1 << 20 {
                return Err(Fault::malformed(format!("a continuation area of {size} bytes")));
            }
            at = start;
            area = self.image.bytes(start, usize::try_from(size).unwrap_or(0), "a continuation area")?;
        }
        Err(Fault::malformed("the continuation areas of a directory record have no end"))
    }
}
