//! Headers: where everything lies. Both classes, both byte orders.
//!
//! Source: System V gABI, chapters 4 and 5.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use object::elf;

use super::places::Places;
use super::symbols::{self, Symbol};
use super::{frames, names};
use crate::container::Fault;
use crate::fs::Content;

/// What of a file is held in memory at once for its names.
const NAMES: u64 = 64 << 20;
/// Program headers of a file.
const SEGMENTS: u64 = 1 << 18;
/// What is held of a section that has to be looked at as a whole.
pub(super) const WHOLE: u64 = 256 << 20;

/// Class and byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoding {
    /// 64 bits.
    pub wide: bool,
    pub little: bool,
}

impl Encoding {
    /// An unsigned number of at most eight bytes.
    pub fn number(self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }

    /// Bytes of an address.
    pub fn address(self) -> usize {
        if self.wide { 8 } else { 4 }
    }
}

/// Numbers one after the other.
#[derive(Debug, Clone)]
pub(super) struct Numbers<'a> {
    rest: &'a [u8],
    encoding: Encoding,
}

impl<'a> Numbers<'a> {
    pub fn new(rest: &'a [u8], encoding: Encoding) -> Self {
        Self { rest, encoding }
    }

    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(bytes)
    }

    pub fn next(&mut self, bytes: usize) -> Option<u64> {
        self.bytes(bytes).map(|bytes| self.encoding.number(bytes))
    }

    pub fn half(&mut self) -> Option<u16> {
        self.next(2).map(|number| number as u16)
    }

    pub fn word(&mut self) -> Option<u32> {
        self.next(4).map(|number| number as u32)
    }

    /// An address, an offset, a size.
    pub fn address(&mut self) -> Option<u64> {
        self.next(self.encoding.address())
    }
}

/// The ELF header, without its first 16 bytes.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub kind: u16,
    pub machine: u16,
    pub version: u32,
    pub entry: u64,
    pub phoff: u64,
    pub shoff: u64,
    pub flags: u32,
    pub ehsize: u16,
    pub phentsize: u16,
    pub phnum: u16,
    pub shentsize: u16,
    pub shnum: u16,
    pub shstrndx: u16,
}

/// A program header.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub kind: u32,
    pub flags: u32,
    pub offset: u64,
    pub vaddr: u64,
    pub paddr: u64,
    pub filesz: u64,
    pub memsz: u64,
    pub align: u64,
}

/// A section header, and what it leads to.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub name: String,
    pub name_at: u32,
    pub kind: u32,
    pub flags: u64,
    pub address: u64,
    pub offset: u64,
    pub size: u64,
    pub link: u32,
    pub info: u32,
    pub align: u64,
    pub entsize: u64,
    /// Its bytes in the file. None if they should be there and are not.
    pub bytes: Option<Content>,
}

impl Section {
    pub fn has(&self, flag: elf::SectionFlags) -> bool {
        self.flags & flag.0 != 0
    }

    /// Its bytes, all in memory.
    pub fn whole(&self) -> Result<Vec<u8>, Fault> {
        match &self.bytes {
            Some(bytes) => whole(bytes),
            None => Err(Fault::malformed(format!("section `{}` does not lie within the file", self.name))),
        }
    }
}

/// All bytes, if they are not too many to be in memory.
pub(super) fn whole(content: &Content) -> Result<Vec<u8>, Fault> {
    if content.size() > WHOLE {
        return Err(Fault::TooMuch { what: "bytes", limit: WHOLE });
    }
    Ok(content.bytes()?)
}

/// An ELF file.
#[derive(Debug)]
pub(super) struct Elf {
    pub content: Content,
    pub encoding: Encoding,
    pub ident: [u8; 16],
    pub header: Header,
    pub segments: Vec<Segment>,
    pub sections: Vec<Section>,
    tables: RefCell<BTreeMap<usize, Rc<Vec<Symbol>>>>,
    places: OnceCell<Places>,
    frames: OnceCell<Vec<(u64, u64)>>,
}

impl Elf {
    /// Reads the headers.
    pub fn read(content: &Content) -> Result<Self, Fault> {
        let head = content.bytes_at(0, 64)?;
        let short = || Fault::malformed("the ELF header is cut off");
        let ident: [u8; 16] = head.get(..16).and_then(|ident| ident.try_into().ok()).ok_or_else(short)?;
        let wide = match ident[4] {
            1 => false,
            2 => true,
            other => return Err(Fault::malformed(format!("EI_CLASS is {other}, neither 32 nor 64 bits"))),
        };
        let little = match ident[5] {
            1 => true,
            2 => false,
            other => return Err(Fault::malformed(format!("EI_DATA is {other}, no byte order"))),
        };
        let encoding = Encoding { wide, little };
        let header = header(&mut Numbers::new(&head[16..], encoding)).ok_or_else(short)?;
        let mut file = Self {
            content: content.clone(),
            encoding,
            ident,
            header,
            segments: Vec::new(),
            sections: Vec::new(),
            tables: RefCell::default(),
            places: OnceCell::new(),
            frames: OnceCell::new(),
        };
        file.read_sections()?;
        file.read_segments()?;
        Ok(file)
    }

    pub fn header_size(&self) -> u64 {
        if self.encoding.wide { 64 } else { 52 }
    }

    pub fn segment_size(&self) -> u64 {
        if self.encoding.wide { 56 } else { 32 }
    }

    pub fn section_size(&self) -> u64 {
        if self.encoding.wide { 64 } else { 40 }
    }

    /// Whether it still has to be linked: values of symbols count from their section's beginning.
    pub fn is_relocatable(&self) -> bool {
        self.header.kind == elf::ET_REL.0
    }

    /// The section of that number, if there is one; number 0 is none.
    pub fn section(&self, index: u32) -> Option<&Section> {
        usize::try_from(index).ok().filter(|index| *index > 0).and_then(|index| self.sections.get(index))
    }

    /// The first section of that name.
    pub fn named(&self, name: &str) -> Option<(usize, &Section)> {
        self.sections.iter().enumerate().find(|(_, section)| section.name == name)
    }

    /// The symbols of a section, which is read once.
    pub fn symbols(&self, index: usize) -> Result<Rc<Vec<Symbol>>, Fault> {
        if let Some(known) = self.tables.borrow().get(&index) {
            return Ok(known.clone());
        }
        let table = Rc::new(symbols::read(self, index)?);
        self.tables.borrow_mut().insert(index, table.clone());
        Ok(table)
    }

    /// What lies at which address.
    pub fn places(&self) -> &Places {
        self.places.get_or_init(|| Places::new(self))
    }

    /// The functions that `.eh_frame` has entries for: beginning and end in memory, sorted.
    pub fn frames(&self) -> &[(u64, u64)] {
        self.frames.get_or_init(|| frames::functions(self))
    }

    /// The headers of a table: the size that each has must be enough for what the standard puts there.
    fn table(&self, what: &str, at: u64, size: [u64; 2], count: u64) -> Result<Vec<u8>, Fault> {
        let [stated, standard] = size;
        if stated < standard {
            return Err(Fault::malformed(format!("{what} of {stated} bytes are too small")));
        }
        let end = stated.checked_mul(count).and_then(|length| at.checked_add(length));
        if end.is_none_or(|end| end > self.content.size()) {
            return Err(Fault::malformed(format!("{count} {what} at offset {at:#x} do not lie within the file")));
        }
        if stated * count > NAMES {
            return Err(Fault::TooMuch { what: "bytes of headers", limit: NAMES });
        }
        let bytes = self.content.bytes_at(at, (stated * count) as usize)?;
        if stated == standard {
            return Ok(bytes);
        }
        Ok(bytes.chunks_exact(stated as usize).flat_map(|entry| entry[..standard as usize].to_vec()).collect())
    }

    fn read_sections(&mut self) -> Result<(), Fault> {
        if self.header.shoff == 0 {
            return Ok(());
        }
        let size = [u64::from(self.header.shentsize), self.section_size()];
        let one = |entry: &[u8]| section(&mut Numbers::new(entry, self.encoding));
        let cut = || Fault::malformed("a section header is cut off");
        // Numbers that do not fit into the header stand in the first section's.
        let (mut count, mut names) = (u64::from(self.header.shnum), u32::from(self.header.shstrndx));
        if count == 0 || names == u32::from(elf::SHN_XINDEX.0) {
            let first = self.table("section headers", self.header.shoff, size, 1)?;
            let first = one(&first).ok_or_else(cut)?;
            count = if count == 0 { first.size } else { count };
            names = if names == u32::from(elf::SHN_XINDEX.0) { first.link } else { names };
        }
        let table = self.table("section headers", self.header.shoff, size, count)?;
        let mut sections: Vec<Section> =
            table.chunks_exact(size[1] as usize).map(|entry| one(entry).ok_or_else(cut)).collect::<Result<_, _>>()?;
        let mut total = 0_u64;
        for (index, section) in sections.iter_mut().enumerate() {
            let empty = index == 0 || section.kind == elf::SHT_NOBITS.0 || section.kind == elf::SHT_NULL.0;
            let (offset, size) = if empty { (0, 0) } else { (section.offset, section.size) };
            section.bytes = self.content.part(offset, size);
            total = total.saturating_add(section.bytes.as_ref().map_or(0, Content::size));
        }
        if total > self.content.size().saturating_mul(2).saturating_add(1 << 20) {
            // Nobody does that, and each byte would be compared many times.
            return Err(Fault::malformed("its sections lie on top of each other"));
        }
        let strings = match usize::try_from(names).ok().and_then(|index| sections.get(index)) {
            Some(Section { bytes: Some(bytes), .. }) => bytes.bytes_at(0, NAMES as usize)?,
            _ => Vec::new(),
        };
        for section in sections.iter_mut().skip(1) {
            section.name = names::string_at(&strings, section.name_at.into()).unwrap_or_default();
        }
        self.sections = sections;
        Ok(())
    }

    fn read_segments(&mut self) -> Result<(), Fault> {
        if self.header.phoff == 0 {
            return Ok(());
        }
        let count = match self.header.phnum {
            u16::MAX => self.sections.first().map_or(u64::from(u16::MAX), |first| first.info.into()),
            count => count.into(),
        };
        if count == 0 {
            return Ok(());
        }
        if count > SEGMENTS {
            return Err(Fault::TooMuch { what: "program headers", limit: SEGMENTS });
        }
        let size = [u64::from(self.header.phentsize), self.segment_size()];
        let table = self.table("program headers", self.header.phoff, size, count)?;
        let cut = || Fault::malformed("a program header is cut off");
        let one = |entry: &[u8]| segment(&mut Numbers::new(entry, self.encoding), self.encoding.wide);
        let segments = table.chunks_exact(size[1] as usize).map(|entry| one(entry).ok_or_else(cut));
        self.segments = segments.collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn header(n: &mut Numbers<'_>) -> Option<Header> {
    Some(Header {
        kind: n.half()?,
        machine: n.half()?,
        version: n.word()?,
        entry: n.address()?,
        phoff: n.address()?,
        shoff: n.address()?,
        flags: n.word()?,
        ehsize: n.half()?,
        phentsize: n.half()?,
        phnum: n.half()?,
        shentsize: n.half()?,
        shnum: n.half()?,
        shstrndx: n.half()?,
    })
}

fn section(n: &mut Numbers<'_>) -> Option<Section> {
    Some(Section {
        name: String::new(),
        name_at: n.word()?,
        kind: n.word()?,
        flags: n.address()?,
        address: n.address()?,
        offset: n.address()?,
        size: n.address()?,
        link: n.word()?,
        info: n.word()?,
        align: n.address()?,
        entsize: n.address()?,
        bytes: None,
    })
}

fn segment(n: &mut Numbers<'_>, wide: bool) -> Option<Segment> {
    let kind = n.word()?;
    // The classes have the flags at different places, for the sake of alignment.
    let before = if wide { Some(n.word()?) } else { None };
    let [offset, vaddr, paddr, filesz, memsz] = [n.address()?, n.address()?, n.address()?, n.address()?, n.address()?];
    let flags = match before {
        Some(flags) => flags,
        None => n.word()?,
    };
    Some(Segment { kind, flags, offset, vaddr, paddr, filesz, memsz, align: n.address()? })
}
